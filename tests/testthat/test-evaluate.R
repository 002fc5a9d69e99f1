test_that("the table agrees with its definition", {
  fit <- small_fit(activation = "silu")
  table <- vgfm_evaluate(fit)
  expect_named(table, c("time", "cells", "w1", "floor", "rme", "spread"))
  expect_equal(table$time, c(4, 8))
  expect_equal(table$cells, c(40, 90))
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
  fit <- vgfm_fit(x, rep(1:2, c(4, 6)), control = small_control(steps = 5))
  expect_equal(vgfm_evaluate(fit)$floor, 0)
  expect_gt(min(vgfm_evaluate(small_fit(steps = 5))$floor), 0)
})

test_that("a snapshot of one cell has neither floor nor spread", {
  cells <- small_cells()
  set.seed(1)
  expect_warning(
    fit <- vgfm_fit(rbind(cells$x, c(3, 4)), c(cells$time, 9),
                    control = small_control(steps = 5)),
    class = "vgfm_warning_mass"
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
               c("cell", "time", "weight", "time.1", "cell.1"))
})

test_that("tidy() and glance() are the table and one row", {
  fit <- small_fit()
  expect_identical(tidy(fit), vgfm_evaluate(fit))
  row <- glance(fit)
  expect_equal(dim(row), c(1, 8))
  expect_equal(row$w1, mean(vgfm_evaluate(fit)$w1))
  expect_equal(c(row$cells, row$features, row$times, row$steps), c(160, 2, 3, 120))
})
