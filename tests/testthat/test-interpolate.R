test_that("at observed times the first snapshot is where vgfm_evaluate() sees it", {
  fit <- small_fit()
  table <- vgfm_evaluate(fit)
  out <- vgfm_interpolate(fit, table$time, from = "first")
  expect_named(out, c("time", "label", "cell", "weight", "a", "b"))
  for (i in 1:2) {
    part <- out[out$time == table$time[i], ]
    cloud <- fit$snapshots$x[fit$snapshots$time == table$time[i], ]
    # The same integration, up to rounding.
    w1 <- vgfm_wasserstein(part[c("a", "b")], cloud, part$weight)
    expect_equal(w1, table$w1[i], tolerance = 1e-9)
    mass <- nrow(cloud) / 30
    expect_equal(abs(sum(part$weight) - mass) / mass, table$rme[i], tolerance = 1e-9)
  }
})

test_that("weights are mass by share, and positions those of predict()", {
  cells <- small_cells()
  set.seed(1)
  fit <- vgfm_fit(cells$x, cells$time, mass = c(10, 25, 80), control = small_control())
  # The snapshot at or before 6 is that at 4, of 40 cells and 2.5 times the first mass.
  at <- list(nearest = list(time = 4, mass = 2.5), first = list(time = 2, mass = 1))
  for (from in names(at)) {
    start <- at[[from]]
    x <- cells$x[cells$time == start$time, ]
    out <- vgfm_interpolate(fit, 6, from = from)
    weight <- predict(fit, x, start$time, "weight", to = 6) * start$mass / nrow(x)
    state <- predict(fit, x, start$time, "state", to = 6)
    expect_equal(out$weight, unname(weight), tolerance = 1e-9)
    expect_equal(as.matrix(out[c("a", "b")]), state, tolerance = 1e-9,
                 ignore_attr = TRUE)
    expect_identical(out$cell, as.character(which(cells$time == start$time)))
  }
})

test_that("both sides share the mass by their distance in time", {
  cells <- small_cells()
  set.seed(1)
  fit <- vgfm_fit(cells$x, cells$time, mass = c(10, 25, 80), control = small_control())
  # To the tolerance of the integrator: it stops at the other times on its way.
  out <- vgfm_interpolate(fit, c(3, 7, 5))
  for (time in c(5, 7)) {
    part <- out[out$time == time, ]
    expect_identical(part$cell, as.character(which(cells$time >= 4)))
    share <- (time - 4) / 4
    sides <- lapply(c(4, 8), function(start) {
      x <- cells$x[cells$time == start, ]
      mass <- c(2.5, 8)[match(start, c(4, 8))]
      list(weight = predict(fit, x, start, "weight", to = time) * mass / nrow(x),
           state = predict(fit, x, start, "state", to = time))
    })
    masses <- vapply(sides, function(side) sum(side$weight), 0)
    total <- masses[1]^(1 - share) * masses[2]^share
    weight <- total * c(sides[[1]]$weight / masses[1] * (1 - share),
                        sides[[2]]$weight / masses[2] * share)
    expect_equal(part$weight, unname(weight), tolerance = 1e-4)
    expect_equal(as.matrix(part[c("a", "b")]), rbind(sides[[1]]$state, sides[[2]]$state),
                 tolerance = 1e-4, ignore_attr = TRUE)
  }
  # One time alone is the same as among others.
  expect_equal(vgfm_interpolate(fit, 5), out[out$time == 5, ], tolerance = 1e-4,
               ignore_attr = TRUE)
})

test_that("the nearest snapshot, at its own time, is the data and its mass", {
  cells <- small_cells()
  rownames(cells$x) <- paste0("cell", seq_along(cells$time))
  set.seed(1)
  fit <- vgfm_fit(cells$x, cells$time, control = small_control(steps = 5))
  out <- vgfm_interpolate(fit, c(8, 2, 4 + 1e-10, 8))
  expect_equal(out$time, cells$time)
  expect_identical(out$cell, rownames(cells$x))
  # Units are standardised and back: rounding alone. (4 + 1e-10 is 4.)
  expect_equal(as.matrix(out[c("a", "b")]), cells$x, tolerance = 1e-8,
               ignore_attr = TRUE)
  expect_equal(as.vector(tapply(out$weight, out$time, sum)), c(30, 40, 90) / 30,
               tolerance = 1e-8)
})

test_that("a cloud in uniform motion is found half-way", {
  # A grid of 10 x 10 with gaps of 0.1 moves by (2, 1) between the two times that are
  # seen. The price of mass is so high that none changes: the optimal pairing is then the
  # shift itself, and its half is known. Over five seeds the distance from it was 0.0023
  # to 0.0038 and the mass right to 1e-5; a fifth of a gap, and 0.001, are granted. Either
  # end of the way is 1.1 away.
  grid <- as.matrix(expand.grid(a = 0:9 / 10, b = 0:9 / 10))
  shift <- function(s) grid + rep(s * c(2, 1), each = 100)
  set.seed(1)
  fit <- vgfm_fit(rbind(shift(0), shift(1)), rep(c(0, 10), each = 100),
                  method = vgfm_method("vgfm", tau = 1000),
                  control = small_control(steps = 600, width = 32))
  for (from in c("both", "nearest", "first")) {
    half <- vgfm_interpolate(fit, 5, from = from)
    distance <- vgfm_wasserstein(half[c("a", "b")], shift(0.5), half$weight)
    expect_lt(distance, 0.02)
    expect_equal(sum(half$weight), 1, tolerance = 1e-3)
  }
})

test_that("a sample has each cell in proportion to its weight, to within one", {
  fit <- small_fit()
  all <- vgfm_interpolate(fit, c(3, 6))
  set.seed(4)
  drawn <- vgfm_interpolate(fit, c(3, 6), n = 500)
  set.seed(4)
  expect_identical(vgfm_interpolate(fit, c(3, 6), n = 500), drawn)
  for (time in c(3, 6)) {
    whole <- all[all$time == time, ]
    part <- drawn[drawn$time == time, ]
    expect_equal(nrow(part), 500)
    expect_equal(part$weight, rep(sum(whole$weight) / 500, 500))
    count <- tabulate(match(part$cell, whole$cell), nrow(whole))
    expect_lt(max(abs(count - 500 * whole$weight / sum(whole$weight))), 1)
    expect_equal(part$a, whole$a[match(part$cell, whole$cell)])
  }
  expect_equal(nrow(vgfm_interpolate(fit, 3, n = 1)), 1)
})

test_that("without n R's random numbers are left alone", {
  fit <- small_fit(steps = 5)
  set.seed(9)
  a <- runif(1)
  set.seed(9)
  vgfm_interpolate(fit, 3)
  expect_identical(runif(1), a)
})

test_that("times may be labels and features may have any name", {
  cells <- small_cells()
  colnames(cells$x) <- c("time", "weight")
  set.seed(1)
  suppressMessages(
    fit <- vgfm_fit(cells$x, paste0("E", cells$time), control = small_control(steps = 5))
  )
  out <- vgfm_interpolate(fit, "E5.5")
  expect_named(out, c("time", "label", "cell", "weight", "time.1", "weight.1"))
  expect_identical(out, vgfm_interpolate(fit, factor("E5.5")))
  expect_identical(out, vgfm_interpolate(fit, 5.5))
})

test_that("bad arguments are named", {
  fit <- small_fit(steps = 5)
  error <- expect_error(vgfm_interpolate(fit, c(3, 9)), class = "vgfm_error_time")
  expect_match(conditionMessage(error), "2 to 8, not be 9")
  expect_error(vgfm_interpolate(fit, 1), class = "vgfm_error_time")
  for (time in list(NULL, numeric(), NA, "soon", Inf)) {
    expect_error(vgfm_interpolate(fit, time), class = "vgfm_error_time")
  }
  expect_error(vgfm_interpolate(1, 3), class = "vgfm_error_fit")
  expect_error(vgfm_interpolate(fit, 3, n = 0), class = "vgfm_error_input")
  expect_error(vgfm_interpolate(fit, 3, from = "last"), class = "vgfm_error_input")
  expect_error(vgfm_interpolate(fit, 3, 10, TRUE), class = "vgfm_error_input")
})

test_that("error texts name range and remedy", {
  fit <- small_fit(steps = 5)
  expect_snapshot(error = TRUE, {
    vgfm_interpolate(fit, c(3, 9))
    vgfm_interpolate(fit, numeric())
    vgfm_interpolate(fit, 3, from = "last")
  })
})
