# Cells on a curve (a circle, by angle), in order of the times.
on_circle <- function(times, n = 40) {
  angle <- rep(times, each = n) + 0.1 * sin(seq_len(n * length(times)) * 7)
  radius <- 2 + 0.1 * cos(seq_along(angle) * 5)
  list(x = cbind(a = radius * cos(angle), b = radius * sin(angle)),
       time = rep(times, each = n))
}

# On a line that turns back at every time.
zigzag <- function(times, n = 40) {
  side <- rep(rep_len(c(-1, 1), length(times)), each = n)
  noise <- 0.1 * sin(seq_len(2 * n * length(times)) * 7)
  list(x = cbind(a = rep(times, each = n), b = side) + matrix(noise, ncol = 2),
       time = rep(times, each = n))
}

chosen_of <- function(cells, ...) {
  snapshots <- new_snapshots(cells$x, cells$time)
  method <- vgfm_method("vgfm", tau = 10, ...)
  method <- resolve_method(method, snapshots, vgfm_control())
  chosen <- choose_bend(method, vgfm_control(), snapshots)$settings
  unlist(utils::modifyList(method$path, chosen)[c("bend", "pooling")])
}

# Of all pairs of two snapshots (lists of x, time, mass) with all weights in full, in the
# units of the data: W1 from `seen` at `time`. `before` or `after` may be NULL.
naive_score <- function(before, from, to, after, seen, time, bend, pooling, coupling) {
  coupled <- function(x, y) {
    n <- nrow(x$x)
    b <- rep(n * y$mass / x$mass / nrow(y$x), nrow(y$x))
    vgfm_couple(x$x, y$x, b = b, epsilon = coupling$epsilon, tau = coupling$tau,
                plan = TRUE, tolerance = 1e-9)$plan
  }
  means <- function(plan, x, y) plan %*% y / rowSums(plan)
  # Mean velocity of the sources, and of the targets.
  leaving <- function(x, y) {
    (means(coupled(x, y), x$x, y$x) - x$x) / (y$time - x$time)
  }
  arriving <- function(x, y) {
    (y$x - means(t(coupled(x, y)), y$x, x$x)) / (y$time - x$time)
  }
  slopes <- function(arrive, leave, gaps, mass) {
    pool <- colSums((leave - arrive) * mass) / sum(mass)
    out <- list(arrive = 0 * arrive, leave = 0 * leave)
    for (i in seq_len(nrow(arrive))) {
      a <- sqrt(sum(arrive[i, ]^2))
      l <- sqrt(sum(leave[i, ]^2))
      lean <- gaps[2] / sum(gaps)
      if (a > l) lean <- min(lean, 2 * l / (a - l))
      if (a < l) lean <- max(lean, 1 - 2 * a / (l - a))
      turn <- (1 - pooling) * (leave[i, ] - arrive[i, ]) + pooling * pool
      fits <- function(f) {
        sum((arrive[i, ] + (1 - lean) * f * turn)^2) <= 9 * a^2 * (1 + 1e-9) &&
          sum((leave[i, ] - lean * f * turn)^2) <= 9 * l^2 * (1 + 1e-9)
      }
      f <- seq(1, 0, length.out = 2001)
      f <- f[which(vapply(f, fits, NA))[1]]
      out$arrive[i, ] <- bend * f * (1 - lean) * turn
      out$leave[i, ] <- -bend * f * lean * turn
    }
    out
  }
  gap <- to$time - from$time
  plan <- coupled(from, to)
  pairs <- expand.grid(i = seq_len(nrow(from$x)), j = seq_len(nrow(to$x)))
  if (!is.null(before)) {
    start <- slopes(arriving(before, from), leaving(from, to),
                    c(from$time - before$time, gap), rowSums(plan))$leave[pairs$i, ]
  }
  if (!is.null(after)) {
    end <- slopes(arriving(from, to), leaving(to, after), c(gap, after$time - to$time),
                  rowSums(coupled(to, after)))$arrive[pairs$j, ]
  }
  # A natural end.
  if (is.null(before)) start <- -end / 2
  if (is.null(after)) end <- -start / 2
  s <- (time - from$time) / gap
  x <- from$x[pairs$i, ]
  y <- to$x[pairs$j, ]
  # The cubic through both ends with these slopes (Hermite).
  first <- (y - x) / gap + start
  last <- (y - x) / gap + end
  place <- (2 * s^3 - 3 * s^2 + 1) * x + (3 * s^2 - 2 * s^3) * y +
    gap * ((s^3 - 2 * s^2 + s) * first + (s^3 - s^2) * last)
  weight <- as.vector(plan * rowSums(plan)^(s - 1))
  vgfm_wasserstein(place, seen, weight)
}

test_that("candidates are scored as by hand, with all pairs", {
  # So many draws are all pairs by their mass, to a few thousandths.
  local_function("bend_cells", 4000)
  set.seed(3)
  times <- c(1, 2, 4, 5, 7)
  mass <- c(2, 3, 4, 4, 6)
  counts <- c(7, 8, 6, 9, 7)
  x <- cbind(rep(cos(times / 2), counts), rep(sin(times / 2), counts)) * 3 +
    matrix(rnorm(2 * sum(counts), sd = 0.3), ncol = 2)
  snapshots <- new_snapshots(x, rep(times, counts), mass)
  method <- vgfm_method("vgfm", epsilon = 0.05, tau = 2, noise = 0)
  table <- data.frame(bend = c(0, 1, 1, 0.6, 1), pooling = c(0.5, 0, 1, 0.7, 0.5))
  at <- lapply(1:5, function(k) {
    list(x = x[snapshots$index == k, ], time = times[k], mass = mass[k])
  })
  for (k in 2:4) {
    scores <- scores_at(snapshots, k, method, vgfm_control(), table) * snapshots$scale
    naive <- mapply(function(bend, pooling) {
      naive_score(if (k > 2) at[[k - 2]], at[[k - 1]], at[[k + 1]],
                  if (k < 4) at[[k + 2]], at[[k]]$x, times[k], bend, pooling,
                  method$coupling)
    }, table$bend, table$pooling)
    expect_equal(scores, naive, tolerance = 5e-3)
    # They differ by far more than that.
    expect_gt(diff(range(naive)) / mean(naive), 0.1)
  }
})

test_that("a curve wants all of the bend, a zigzag none, three times are no evidence", {
  expect_gte(chosen_of(on_circle(0:4))["bend"], 0.75)
  expect_equal(chosen_of(on_circle(c(0, 1, 1.5, 3)))["bend"], c(bend = 1))
  expect_equal(chosen_of(zigzag(0:4))["bend"], c(bend = 0))
  expect_equal(chosen_of(zigzag(0:2)), c(bend = 0.5, pooling = 0.5))
})

test_that("an end must gain its price of a single time", {
  cells <- on_circle(0:2 * 2)
  more <- on_circle(0:4)
  pick <- function(gain, cells) {
    local_function("scores_at", function(snapshots, k, method, control, table) {
      10 * exp(-gain * table$bend + 1e-4 * (table$pooling > 0))
    })
    chosen_of(cells)[["bend"]]
  }
  expect_equal(pick(0, more), 0.5)
  # The last quarter costs 0.0075, and gains a quarter of `gain` at each of three times;
  # the first quarter from the middle costs 0.0025.
  expect_equal(pick(0.0105, more), 1)
  expect_equal(pick(0.0095, more), 0.75)
  expect_equal(pick(0.003, more), 0.5)
  expect_equal(pick(-0.0105, more), 0)
  expect_equal(pick(1, cells), 0.5)
})

test_that("what the user gives is used", {
  expect_equal(chosen_of(zigzag(0:4), bend = 1, pooling = 0.2),
               c(bend = 1, pooling = 0.2))
  expect_equal(chosen_of(zigzag(0:4), bend = 0.3)["bend"], c(bend = 0.3))
  expect_equal(chosen_of(on_circle(0:4), pooling = 0.2)["pooling"], c(pooling = 0.2))
  for (wrong in list(-0.1, 1.1, c(0, 1), NA, "smooth")) {
    expect_error(path_smooth(bend = wrong), class = "vgfm_error_method")
    expect_error(path_smooth(pooling = wrong), class = "vgfm_error_method")
  }
})

test_that("the choice stays in the fit with its scores", {
  cells <- on_circle(0:3)
  set.seed(1)
  fit <- vgfm_fit(cells$x, cells$time, control = small_control(steps = 5))
  expect_named(fit$bend, c("bend", "pooling", "w1", "times", "chosen"))
  chosen <- fit$bend[fit$bend$chosen, ]
  expect_equal(nrow(chosen), 1)
  expect_identical(as.list(chosen[c("bend", "pooling")]),
                   unclass(fit$method$path)[c("bend", "pooling")])
  expect_true(all(fit$bend$times == 2) && all(fit$bend$w1 > 0))
  expect_lt(chosen$w1, fit$bend$w1[fit$bend$bend == 0])
  expect_identical(vgfm_resume(fit, steps = 8)$bend, fit$bend)
  # A unit of length does not change it but for its figures.
  large <- vgfm_fit(1000 * cells$x, cells$time, control = small_control(steps = 5))
  expect_equal(large$bend$w1, 1000 * fit$bend$w1, tolerance = 1e-6)
  expect_identical(large$bend$chosen, fit$bend$chosen)
  given <- vgfm_method("vgfm", bend = 1, pooling = 0)
  expect_null(vgfm_fit(cells$x, cells$time, method = given,
                       control = small_control(steps = 5))$bend)
  fit$bend <- 3
  expect_error(check_fit(fit), "bend", class = "vgfm_error_fit")
})

test_that("couplings that cannot be solved are no evidence", {
  local_function("couple_some", function(...) {
    rlang::abort("No.", class = c("vgfm_error_convergence", "vgfm_error"))
  })
  cells <- zigzag(0:4)
  snapshots <- new_snapshots(cells$x, cells$time)
  method <- resolve_method(vgfm_method("vgfm", tau = 10), snapshots, vgfm_control())
  chosen <- choose_bend(method, vgfm_control(), snapshots)
  expect_equal(unlist(chosen$settings), c(bend = 0.5, pooling = 0.5))
  expect_true(all(chosen$table$times == 0))
})

test_that("a price for every interval is the larger of both where one is left out", {
  cells <- on_circle(0:4)
  snapshots <- new_snapshots(cells$x, cells$time)
  method <- vgfm_method("vgfm", epsilon = 0.05, tau = c(1, 2, 3, 4), noise = 0)
  asked <- NULL
  couple <- couple_some
  local_function("couple_some", function(some, k, epsilon, tau) {
    asked <<- c(asked, tau)
    couple(some, k, epsilon, tau)
  })
  scores_at(snapshots, 3, method, vgfm_control(), data.frame(bend = 1, pooling = 0))
  expect_equal(asked, c(1, 3, 4))
})

test_that("no more than some times and cells are looked at", {
  asked <- NULL
  local_function("scores_at", function(snapshots, k, method, control, table) {
    asked <<- c(asked, k)
    seq_len(nrow(table))
  })
  cells <- on_circle(1:20 / 5, n = 10)
  snapshots <- new_snapshots(cells$x, cells$time)
  expect_equal(choose_bend(vgfm_method(), vgfm_control(), snapshots)$settings$bend, 0.25)
  expect_length(asked, 8)
  expect_equal(range(asked), c(2, 19))
  expect_equal(scorable(3), c(FALSE, FALSE, FALSE))
  expect_equal(scorable(4), c(FALSE, TRUE, TRUE, FALSE))
})
