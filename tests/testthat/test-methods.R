# Every method, end to end, and what all of them must get right.

trained_methods <- function() {
  table <- vgfm_methods()
  table$method[table$training != "none"]
}
small_fit <- function(method, ..., cells = small_cells(), steps = 60) {
  set.seed(1)
  suppressWarnings(suppressMessages(
    vgfm_fit(cells$x, cells$time, ..., method = method,
             control = small_control(steps = steps, width = 16))
  ))
}

test_that("every method fits, predicts, is evaluated, drawn, saved and resumed", {
  for (method in trained_methods()) {
    fit <- small_fit(method)
    s <- fit$snapshots
    entry <- vgfm_methods()[vgfm_methods()$method == method, ]
    expect_identical(fit$method$name, method)
    velocity <- predict(fit)
    expect_identical(dim(velocity), dim(s$x))
    expect_true(all(is.finite(velocity)), info = method)
    growth <- predict(fit, type = "growth")
    expect_true(all(is.finite(growth)), info = method)
    if (entry$growth == "uniform") {
      # One rate for each interval, so that masses are those observed.
      expect_equal(unname(growth[s$index == 1]), rep(growth[[1]], s$counts[1]))
      expect_equal(vgfm_evaluate(fit)$rme, c(0, 0), tolerance = 1e-6)
    }
    table <- vgfm_evaluate(fit)
    expect_true(all(is.finite(table$w1)), info = method)
    expect_identical(is.na(table$rme_trained), rep(entry$growth == "uniform", 2))
    paths <- vgfm_trajectories(fit, n = 3, times = s$times)
    expect_equal(nrow(paths), 9)
    expect_true(all(is.finite(paths$weight)))
    expect_equal(sum(vgfm_interpolate(fit, s$times[2])$weight), s$mass[2],
                 tolerance = 1e-6)
    expect_no_error(ggplot2::ggplot_build(autoplot(fit)))
    expect_no_error(ggplot2::ggplot_build(autoplot(fit, "history")))
    expect_output(print(fit), paste0("method ", method))
    expect_output(print(summary(fit)))
    expect_identical(glance(fit)$method, method)
    file <- tempfile(fileext = ".rds")
    saveRDS(fit, file)
    expect_identical(predict(readRDS(file)), velocity)
    more <- suppressWarnings(vgfm_resume(fit, steps = 90))
    expect_equal(more$training$step, 90)
    expect_true(all(is.finite(predict(more))))
  }
})

test_that("a method that does not learn which cells grow says so, unasked", {
  cells <- small_cells()
  fit <- NULL
  expect_message(
    fit <- vgfm::vgfm_fit(cells$x, cells$time, mass = 1:3, method = "ot_cfm",
                          control = small_control(steps = 5)),
    "does not learn which cells grow", class = "vgfm_message_growth"
  ) |> suppressWarnings()
  expect_match(autoplot(fit, "growth")$labels$subtitle, "not learned")
})

test_that("naive controls answer as far as they can", {
  cells <- small_cells()
  for (method in c("hold", "counts", "linear")) {
    fit <- vgfm_fit(cells$x, cells$time, method = method)
    expect_output(print(fit), "nothing is learned")
    expect_output(print(summary(fit)), "Predicted against observed")
    expect_error(vgfm_growth_genes(fit), class = "vgfm_error_no_growth")
    expect_error(vgfm_identifiability(fit), class = "vgfm_error_no_growth")
    expect_error(vgfm_jacobian(fit), class = "vgfm_error_no_field")
    table <- vgfm_evaluate(fit)
    s <- fit$snapshots
    cloud <- function(k) s$x[s$index == k, ]
    if (method == "linear") {
      expect_equal(table$w1, c(0, 0), tolerance = 1e-7)
      expect_error(predict(fit), class = "vgfm_error_no_field")
    } else {
      expect_equal(table$w1, c(vgfm_wasserstein(cloud(1), cloud(2)),
                               vgfm_wasserstein(cloud(2), cloud(3))), tolerance = 1e-9)
      expect_true(all(predict(fit) == 0))
    }
    mass <- if (method == "hold") s$mass[1:2] else s$mass[2:3]
    expect_equal(table$rme, abs(mass - s$mass[2:3]) / s$mass[2:3], tolerance = 1e-9)
  }
})

test_that("where all cells grow alike, every method that knows growth says so", {
  set.seed(2)
  n <- 150
  rate <- log(2)
  x <- rbind(matrix(rnorm(2 * n), n), matrix(rnorm(2 * n), n) + 0.5)
  time <- rep(0:1, each = n)
  for (method in vgfm_methods()$method[vgfm_methods()$growth == "learned"]) {
    fit <- small_fit(method, mass = c(1, 2), cells = list(x = x, time = time),
                     steps = 600)
    growth <- predict(fit, type = "growth")
    expect_equal(mean(growth), rate, tolerance = 0.1, info = method)
    # The cone has mass dip on the way, the further cells travel the more.
    expect_lt(stats::sd(growth), 0.4)
  }
})

test_that("units of the data change nothing but units", {
  cells <- small_cells()
  for (method in trained_methods()) {
    one <- small_fit(method)
    other <- small_fit(method, cells = list(x = 4 * cells$x, time = cells$time))
    expect_equal(predict(other), 4 * predict(one), tolerance = 1e-9, info = method)
    expect_equal(predict(other, type = "growth"), predict(one, type = "growth"),
                 tolerance = 1e-9, info = method)
  }
})

test_that("in many dimensions, where noise parts cells, the cone reaches partners", {
  set.seed(3)
  cells <- vgfm_simulate_gaussian(200, n = 60)
  x <- as.matrix(cells[grep("^x", names(cells))])
  fit <- small_fit("wfr_fm", cells = list(x = x, time = cells$time), steps = 5)
  expect_lt(sum(fit$couplings[[1]]$alone), 0.1 * nrow(x))
})

test_that("cells without a counterpart die out by every method that knows growth", {
  set.seed(1)
  x <- rbind(matrix(rnorm(200, 0, 0.3), 100), matrix(rnorm(200, 6, 0.3), 100),
             matrix(rnorm(300, 0.5, 0.3), 150))
  time <- rep(0:1, c(200, 150))
  for (method in vgfm_methods()$method[vgfm_methods()$growth == "learned"]) {
    fit <- small_fit(method, cells = list(x = x, time = time), steps = 600)
    left <- predict(fit, newdata = x[1:200, ], time = 0, type = "weight")
    expect_equal(mean(left[1:100]), 1.5, tolerance = 0.05, info = method)
    expect_lt(mean(left[101:200]), 0.05)
  }
})
