test_that("velocity and growth are the networks' output in the user's units", {
  for (activation in c("leaky_relu", "silu", "tanh")) {
    fit <- small_fit(steps = 20, activation = activation)
    s <- fit$snapshots
    time <- seq(2, 8, length.out = nrow(s$x))
    input <- cbind(scale(s$x, s$center, rep(s$scale, 2)), (time - 2) / 3)
    f <- fit$field$heads
    velocity <- f$velocity$scale * twin_network(f$velocity, input) * s$scale / 3
    growth <- (f$growth$offset + f$growth$scale * twin_network(f$growth, input)) / 3
    got <- predict(fit, s$x, time, "velocity")
    expect_identical(dimnames(got), dimnames(s$x))
    expect_equal(unname(got), unname(velocity), tolerance = 1e-5)
    # What makes the masses right, the same for all cells, constant between the times.
    added <- diff(fit$field$correction) / c(2, 4)
    expect_equal(predict(fit, s$x, time, "growth"), drop(growth) + added[1 + (time >= 4)],
                 tolerance = 1e-5, ignore_attr = TRUE)
  }
})

test_that("states and weights solve the equations of the fields", {
  fit <- small_fit(activation = "silu")
  x <- fit$snapshots$x[1:5, ]
  steps <- 4000
  h <- 6 / steps
  state <- x
  log_weight <- rep(0, 5)
  # The midpoint rule: error of order h^2 for these piecewise smooth fields.
  for (i in seq_len(steps)) {
    t <- 2 + (i - 1) * h
    middle <- state + h / 2 * predict(fit, state, t, "velocity")
    log_weight <- log_weight + h * predict(fit, middle, t + h / 2, "growth")
    state <- state + h * predict(fit, middle, t + h / 2, "velocity")
  }
  expect_equal(predict(fit, x, 2, "state"), state, tolerance = 1e-4)
  expect_equal(predict(fit, x, 2, "weight"), exp(log_weight), tolerance = 1e-4)
})

# Leaky ReLU has kinks, which an integrator steps over: errors exceed the tolerance of a
# step by some orders. Smooth fields keep what the method promises.
test_that("forth and back leads home", {
  fit <- small_fit(activation = "silu")
  x <- fit$snapshots$x[1:5, ]
  later <- predict(fit, x, 2, "state", to = 7)
  expect_equal(predict(fit, later, 7, "state", to = 2), x, tolerance = 1e-3)
  expect_equal(predict(fit, x, 2, "weight", to = 7) *
                 predict(fit, later, 7, "weight", to = 2), rep(1, 5), tolerance = 1e-3,
               ignore_attr = TRUE)
})

test_that("cells without newdata start at their own times", {
  fit <- small_fit()
  s <- fit$snapshots
  all <- predict(fit, type = "state")
  expect_identical(dim(all), dim(s$x))
  expect_equal(all[s$time == 8, ], s$x[s$time == 8, ])
  four <- which(s$time == 4)
  expect_equal(all[four, ], predict(fit, s$x[four, ], 4, "state"))
})

test_that("labels are times for predict() as they are for vgfm_fit()", {
  fit <- small_fit(steps = 5)
  x <- fit$snapshots$x[1:3, ]
  expect_identical(predict(fit, x, "day 4", "growth"), predict(fit, x, 4, "growth"))
  hours <- as.difftime(4, units = "hours")
  expect_error(predict(fit, x, hours), class = "vgfm_error_time")
})

test_that("cells with a time each are moved as if alone", {
  fit <- small_fit()
  x <- fit$snapshots$x[1:20, ]
  time <- seq(2, 8, length.out = 20)
  all <- predict(fit, x, time, "state")
  for (i in c(1, 7, 20)) {
    expect_identical(all[i, ], predict(fit, x[i, , drop = FALSE], time[i], "state")[1, ])
  }
  expect_equal(all[20, ], x[20, ])
})

test_that("times outside the range warn and work", {
  fit <- small_fit()
  expect_warning(v <- predict(fit, c(a = 1, b = 1) |> t(), 20, "velocity"),
                 class = "vgfm_warning_extrapolation")
  expect_true(all(is.finite(v)))
  expect_warning(predict(fit, fit$snapshots$x[1:2, ], 2, "state", to = 9),
                 class = "vgfm_warning_extrapolation")
})

test_that("bad arguments are named", {
  fit <- small_fit(steps = 5)
  x <- fit$snapshots$x
  expect_error(predict(fit, cbind(a = 1, z = 2), 3), class = "vgfm_error_newdata")
  expect_error(predict(fit, x[, 1, drop = FALSE], 3), class = "vgfm_error_newdata")
  expect_error(predict(fit, x), class = "vgfm_error_time")
  expect_error(predict(fit, x, 1:3), class = "vgfm_error_time")
  expect_error(predict(fit, x, NA), class = "vgfm_error_time")
  expect_error(predict(fit, type = "fate"), class = "vgfm_error_input")
  expect_error(predict(fit, to = "late", type = "state"), class = "vgfm_error_input")
})

test_that("trajectories are states and weights in long form", {
  fit <- small_fit(activation = "silu")
  paths <- vgfm_trajectories(fit, n = 4, times = c(2, 5, 8))
  expect_named(paths, c("cell", "time", "label", "weight", "a", "b"))
  expect_equal(nrow(paths), 12)
  start <- paths[paths$time == 2, ]
  expect_true(all(start$weight == 1))
  x <- as.matrix(start[c("a", "b")])
  rows <- as.integer(start$cell)
  expect_equal(unname(x), unname(fit$snapshots$x[rows, ]))
  end <- paths[paths$time == 8, ]
  expect_equal(as.matrix(end[c("a", "b")]), predict(fit, x, 2, "state"),
               tolerance = 1e-4, ignore_attr = TRUE)
  expect_equal(end$weight, predict(fit, x, 2, "weight"), tolerance = 1e-4,
               ignore_attr = TRUE)
  both <- vgfm_trajectories(fit, fit$snapshots$x[1:2, ], from = 4, times = c(2, 4, 8))
  expect_equal(both$time, rep(c(2, 4, 8), 2))
  expect_error(vgfm_trajectories(fit, times = "late"), class = "vgfm_error_time")
  expect_error(vgfm_trajectories(fit, fit$snapshots$x[0, ]), class = "vgfm_error_newdata")
  expect_error(vgfm_trajectories(fit, n = 0), class = "vgfm_error_input")
})

test_that("cells that are nowhere near those of the fit are told", {
  fit <- small_fit(steps = 2)
  x <- fit$snapshots$x[1:4, ]
  expect_no_warning(predict(fit, x + 1, 2))
  x[2, "b"] <- 1e3
  calls <- list(
    quote(predict(fit, x, 2)), quote(augment(fit, x, 2)),
    quote(vgfm_trajectories(fit, x, from = 2, times = 4)),
    quote(vgfm_evaluate(fit, x, rep(4, 4)))
  )
  for (call in calls) expect_warning(eval(call), class = "vgfm_warning_extrapolation")
})
