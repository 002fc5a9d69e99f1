test_that("the table agrees with its definition", {
  fit <- small_fit(activation = "silu")
  table <- vgfm_evaluate(fit)
  expect_named(table, c("time", "label", "cells", "used", "w1", "floor", "rme",
                        "rme_trained", "spread"))
  expect_equal(table$time, c(4, 8))
  expect_equal(table$cells, c(40, 90))
  expect_equal(table$used, c(40, 90))
  start <- fit$snapshots$x[fit$snapshots$time == 2, ]
  for (i in 1:2) {
    to <- table$time[i]
    cloud <- fit$snapshots$x[fit$snapshots$time == to, ]
    state <- predict(fit, start, 2, "state", to = to)
    weight <- predict(fit, start, 2, "weight", to = to)
    expect_equal(table$w1[i], vgfm_wasserstein(state, cloud, weight), tolerance = 1e-4)
    mass <- nrow(cloud) / nrow(start)
    expect_equal(table$rme[i], abs(mean(weight) - mass) / mass, tolerance = 1e-3)
    variance <- sum(stats::cov.wt(state, weight, method = "ML")$cov |> diag())
    observed <- sum(stats::cov.wt(cloud, method = "ML")$cov |> diag())
    expect_equal(table$spread[i], variance / observed, tolerance = 1e-3)
  }
})

test_that("the floor is a distance between halves: zero when all cells agree", {
  x <- rbind(matrix(0, 4, 2), matrix(1, 6, 2))
  set.seed(1)
  fit <- vgfm_fit(x[rep(1:10, 4), ], rep(rep(1:2, c(4, 6)), 4),
                  control = small_control(steps = 5))
  expect_equal(vgfm_evaluate(fit)$floor, 0)
  expect_gt(min(vgfm_evaluate(small_fit(steps = 5))$floor), 0)
})

test_that("what is drawn is drawn in proportion to its weight, once where it is light", {
  weight <- c(rep(0, 50), rep(1, 100), rep(2.5, 50))
  counts <- 0
  for (time in 1:200) {
    drawn <- draw_cells(weight, 90, time)
    expect_length(drawn, 90)
    counts <- counts + tabulate(drawn, 200)
    expect_lte(max(tabulate(drawn[drawn <= 150])), 1)
  }
  # Along even distances a cell's count is its expectation rounded up or down: variance
  # 1/4 at most a draw, 5 standard deviations for the mean of 200.
  expect_lt(max(abs(counts / 200 - 90 * weight / sum(weight))), 5 * sqrt(0.25 / 200))
})

test_that("with many cells, distances are those of samples, comparable with the floor", {
  local_function("exact_pairs", 1e4)
  local_function("sample_cells", 80)
  expect_equal(sample_size(100, 100), Inf)
  expect_equal(sample_size(100, 101), 50)
  expect_equal(sample_size(1000, 1000), 80)
  expect_equal(sample_size(1, 201), 80) # for the floor's sake
  expect_equal(sample_size(200000L, 200000L), 80) # more pairs than an integer holds
  set.seed(5)
  x <- matrix(rnorm(3000), 1000)
  y <- matrix(rnorm(3000), 1000)
  heavy <- rep(c(1, 2), each = 500)
  # Independent samples of the same sizes, drawn by R: the estimator's mean of 4 lies
  # within 5 standard errors of theirs.
  draw <- function(n, prob = NULL) sample.int(n, 80, prob = prob)
  w1 <- replicate(40, vgfm_wasserstein(x[draw(1000, heavy), ], y[draw(1000), ]))
  estimate <- cloud_distance(x, heavy, y, 1)
  expect_lt(abs(estimate - mean(w1)), 5 * sd(w1) * sqrt(1 / 40 + 1 / 4))
  # Above the exact distance, by about what two samples of one cloud are apart.
  exact <- vgfm_wasserstein(x, y, heavy)
  floor <- halves_distance(y, 80, 1)
  expect_gt(estimate, exact)
  expect_lt(estimate - exact, floor)
  floors <- replicate(40, {
    drawn <- sample.int(1000, 160)
    vgfm_wasserstein(y[drawn[1:80], ], y[drawn[81:160], ])
  })
  expect_lt(abs(floor - mean(floors)), 5 * sd(floors) * sqrt(1 / 40 + 1 / 4))
  # All predicted cells where they are few, with their weights.
  target <- lapply(1:4, function(time) y[shuffled(1000, time) <= 80, ])
  by_hand <- vapply(target, function(y) vgfm_wasserstein(x[1:60, ], y, heavy[1:60]), 0)
  expect_equal(cloud_distance(x[1:60, ], heavy[1:60], y, 1), mean(by_hand))
})

test_that("the table says what was used", {
  fit <- small_fit(steps = 20)
  exact <- vgfm_evaluate(fit)
  local_function("exact_pairs", 2000)
  table <- vgfm_evaluate(fit)
  expect_equal(table$cells, c(40, 90))
  expect_equal(table$used, c(40, 45))
  expect_equal(table[1, ], exact[1, ])
  expect_equal(table[c("rme", "spread")], exact[c("rme", "spread")])
})

test_that("a snapshot of one cell has neither floor nor spread", {
  cells <- small_cells()
  set.seed(1)
  expect_warning(
    fit <- vgfm_fit(rbind(cells$x, c(3, 4)), c(cells$time, 9), mass = 1:4,
                    control = small_control(steps = 5)),
    class = "vgfm_warning_small"
  )
  last <- vgfm_evaluate(fit)[3, ]
  expect_true(is.na(last$floor) && is.na(last$spread))
  expect_true(is.finite(glance(fit)$spread))
})

test_that("held-out cells are compared where the fit predicts", {
  fit <- small_fit()
  cells <- small_cells()
  same <- vgfm_evaluate(fit, cells$x, cells$time)
  expect_equal(same, vgfm_evaluate(fit))
  part <- vgfm_evaluate(fit, cells$x[80:120, ], cells$time[80:120])
  expect_equal(part$time, 8)
  between <- vgfm_evaluate(fit, cells$x[31:40, ], rep(6, 10))
  expect_true(is.na(between$rme))
  expect_true(is.finite(between$w1))
})

test_that("evaluating leaves R's random numbers alone", {
  fit <- small_fit(steps = 5)
  set.seed(9)
  a <- runif(1)
  set.seed(9)
  vgfm_evaluate(fit)
  expect_identical(runif(1), a)
})

test_that("bad arguments are named", {
  fit <- small_fit(steps = 5)
  x <- fit$snapshots$x
  expect_error(vgfm_evaluate(1), class = "vgfm_error_fit")
  expect_error(vgfm_evaluate(fit, x), class = "vgfm_error_time")
  expect_error(vgfm_evaluate(fit, x, 1:3), class = "vgfm_error_time")
  expect_error(vgfm_evaluate(fit, x, rep(2, nrow(x))), class = "vgfm_error_time")
  expect_error(vgfm_evaluate(fit, cbind(z = 1), 4), class = "vgfm_error_newdata")
})

test_that("print, summary and figures work", {
  fit <- small_fit()
  expect_output(print(fit), "160 cells, 2 features, 3 times")
  s <- summary(fit)
  expect_s3_class(s, "summary.vgfm")
  expect_output(print(s), "Predicted against observed")
  expect_equal(nrow(s$couplings), 2)
  for (type in c("trajectory", "growth", "history", "fit")) {
    figure <- autoplot(fit, type)
    expect_s3_class(figure, "ggplot")
    built <- ggplot2::ggplot_build(figure)
    expect_gt(nrow(built$data[[1]]), 0)
  }
  growth <- ggplot2::ggplot_build(autoplot(fit, "growth"))$data[[1]]
  expect_equal(growth$x, unname(fit$snapshots$x[, "a"]))
  line <- vgfm_fit(fit$snapshots$x[, 1, drop = FALSE], fit$snapshots$time,
                   control = small_control(steps = 5))
  expect_s3_class(ggplot2::ggplot_build(autoplot(line, "trajectory"))$plot, "ggplot")
  expect_error(autoplot(fit, dims = c("a", "z")), class = "vgfm_error_input")
  expect_error(autoplot(fit, dims = 1:3), class = "vgfm_error_input")
  expect_error(autoplot(fit, "pie"), class = "vgfm_error_input")
})

test_that("features may have any name in figures and tables", {
  cells <- small_cells()
  colnames(cells$x) <- c("time", "cell")
  set.seed(1)
  fit <- vgfm_fit(cells$x, cells$time, control = small_control(steps = 5))
  for (type in c("trajectory", "growth", "fit")) {
    expect_s3_class(ggplot2::ggplot_build(autoplot(fit, type))$plot, "ggplot")
  }
  expect_named(vgfm_trajectories(fit, n = 2),
               c("cell", "time", "label", "weight", "time.1", "cell.1"))
})

test_that("tidy() and glance() are the table and one row", {
  fit <- small_fit()
  expect_identical(tidy(fit), vgfm_evaluate(fit))
  row <- glance(fit)
  expect_equal(dim(row), c(1, 13))
  expect_equal(row$w1, mean(vgfm_evaluate(fit)$w1))
  expect_equal(c(row$cells, row$features, row$times, row$steps), c(160, 2, 3, 120))
})
