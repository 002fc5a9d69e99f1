# A fit whose networks answer with constants, in standard units: velocity and score of
# each feature, and growth. Noise of `sigma` per root of standard time.
constant_fit <- function(velocity = c(0.5, -1), growth = 0.2, score = c(0.25, 0.5),
                         sigma = 0.6) {
  fit <- small_fit(steps = 0)
  values <- list(velocity = velocity, growth = growth, score = score)
  constant <- function(head, value) {
    last <- length(head$weights) + 1 - rev(seq_along(value))
    head[c("offset", "scale")] <- c(0, 1)
    head$weights <- replace(0 * head$weights, last, value)
    head
  }
  set_heads <- function(heads) {
    heads$score <- heads$velocity
    Map(constant, heads[names(values)], values)
  }
  fit$field$heads <- set_heads(fit$field$heads)
  fit$training$heads <- set_heads(fit$training$heads)
  fit$training$losses <- matrix(0, 3, ncol(fit$training$losses))
  fit$history$score <- 0 * fit$history$velocity
  fit$field["correction"] <- list(NULL)
  fit$field$sigma <- sigma
  fit
}

test_that("paths drift by velocity and score, against it backwards, with their noise", {
  fit <- constant_fit()
  s <- fit$snapshots
  cells <- s$x[rep(1, 1000), ]
  for (way in list(c(2, 8), c(8, 2))) {
    sign <- sign(way[2] - way[1])
    passed <- diff(standard_time(fit, way))
    paths <- vgfm_trajectories(fit, cells, from = way[1], times = way[2],
                               stochastic = TRUE)
    moved <- sweep(as.matrix(paths[c("a", "b")]), 2, cells[1, ]) / s$scale
    drift <- (c(0.5, -1) + sign * c(0.25, 0.5)) * passed
    variance <- 0.36 * abs(passed)
    # Five standard errors.
    expect_lt(max(abs(colMeans(moved) - drift)), 5 * sqrt(variance / 1000))
    expect_lt(max(abs(apply(moved, 2, var) / variance - 1)), 5 * sqrt(2 / 1000))
    expect_equal(paths$weight, rep(exp(0.2 * passed), 1000), tolerance = 1e-6)
  }
})

test_that("a fit and a realisation give the same paths, whatever else is computed", {
  fit <- constant_fit()
  paths <- function(...) {
    vgfm_trajectories(fit, times = c(2, 4, 8), stochastic = TRUE, ...)
  }
  all <- paths(n = 30)
  set.seed(99)
  expect_identical(paths(n = 30), all)
  few <- paths(n = 5)
  expect_equal(few, all[all$cell %in% few$cell, ], ignore_attr = TRUE)
  other <- paths(n = 30, realisation = 2)
  expect_identical(other$a[other$time == 2], all$a[all$time == 2])
  expect_true(all(other$a[other$time > 2] != all$a[all$time > 2]))
  # Noise of its own in each interval, and for each row of the same cell.
  twice <- vgfm_trajectories(fit, fit$snapshots$x[c(1, 1), ], from = 2, times = c(4, 8),
                             stochastic = TRUE)
  expect_identical(anyDuplicated(twice$a), 0L)
  # One call of core for all cells, or many.
  local_function("cell_slices", function(n, fit) split(seq_len(n), seq_len(n) %/% 7))
  expect_identical(paths(n = 30), all)
})

test_that("without noise, stochastic paths are those of the flow to their error", {
  fit <- small_fit(steps = 60)
  fit$field$heads$score <- constant_fit(score = c(0, 0))$field$heads$score
  fit$training$heads$score <- constant_fit(score = c(0, 0))$training$heads$score
  fit$training$losses <- rbind(fit$training$losses, 0)
  fit$history$score <- 0
  fit$field$sigma <- 1e-12
  flow <- vgfm_trajectories(fit, times = c(2, 4, 8), n = 20)
  paths <- vgfm_trajectories(fit, times = c(2, 4, 8), n = 20, stochastic = TRUE)
  scale <- fit$snapshots$scale
  passed <- diff(standard_time(fit, c(2, 8)))
  far <- sqrt(rowMeans((flow[c("a", "b")] - paths[c("a", "b")])^2)) / scale
  expect_lt(max(far), 2 * simulation_tolerance * passed)
  expect_lt(max(abs(log(flow$weight / paths$weight))), 2 * simulation_tolerance * passed)
  error <- attr(paths, "error")
  expect_identical(error$time, c(2, 4, 8))
  expect_identical(error$cells, rep(20L, 3))
  expect_identical(error$beyond, rep(0L, 3))
  expect_identical(error$position[1], 0)
  expect_gt(error$position[2], 0)
  expect_lt(error$position[3] / scale, simulation_tolerance * passed)
})

test_that("a tolerance that is not reached is a warning that says by how much", {
  fit <- constant_fit()
  fit$field$heads$velocity$weights <- small_fit(steps = 60)$field$heads$velocity$weights
  local_function("simulation_tolerance", 1e-9)
  expect_warning(paths <- vgfm_trajectories(fit, times = c(2, 8), n = 3,
                                            stochastic = TRUE),
                 class = "vgfm_warning_simulation")
  error <- attr(paths, "error")
  expect_identical(error$beyond, c(0L, 3L))
  expect_gt(error$position[2], 0)
  expect_warning(vgfm_evaluate(fit, stochastic = TRUE),
                 class = "vgfm_warning_simulation")
})

test_that("populations, fates and their figures follow stochastic paths", {
  fit <- constant_fit()
  s <- fit$snapshots
  first <- s$x[s$index == 1, ]
  paths <- vgfm_trajectories(fit, times = c(4, 8), n = 1000, stochastic = TRUE,
                             realisation = 3)
  late <- paths[paths$time == 8, ]
  # All of the first snapshot, the same paths.
  between <- vgfm_interpolate(fit, c(4, 8), from = "first", stochastic = TRUE,
                              realisation = 3)
  expect_equal(between$a[between$time == 8], late$a)
  expect_identical(attr(between, "error")$cells, rep(nrow(first), 2))
  table <- vgfm_evaluate(fit, stochastic = TRUE, realisation = 3)
  expect_equal(table$w1[2], vgfm_wasserstein(as.matrix(late[c("a", "b")]),
                                             s$x[s$index == 3, ]))
  # Of the snapshots before and after, each with noise of its own.
  both <- vgfm_interpolate(fit, 6, stochastic = TRUE)
  flow <- vgfm_interpolate(fit, 6)
  expect_identical(both$cell, flow$cell)
  expect_equal(both$weight, flow$weight, tolerance = 1e-6)
  expect_identical(anyDuplicated(both$a - flow$a), 0L)
  # A mean over realisations.
  kind <- ifelse(s$x[, 1] > median(s$x[, 1]), "right", "left")
  each <- lapply(1:2, function(i) vgfm_fates(fit, kind, through = "stochastic",
                                             realisation = i))
  mean <- vgfm_fates(fit, kind, through = "stochastic", realisation = 1:2)
  expect_equal(mean$probability, (each[[1]]$probability + each[[2]]$probability) / 2)
  expect_equal(mean$mass, (each[[1]]$mass + each[[2]]$mass) / 2)
  expect_false(identical(each[[1]]$probability, each[[2]]$probability))
  expect_identical(nrow(attr(mean, "error")), 2L)
})

test_that("the score is the gradient of the log density in the user's units", {
  fit <- constant_fit()
  score <- predict(fit, type = "score")
  s <- fit$snapshots
  # S = sigma^2 / 2 grad log p in standard units.
  expect_equal(score, matrix(c(0.25, 0.5) * 2 / 0.36 / s$scale, nrow(s$x), 2,
                             byrow = TRUE, dimnames = dimnames(score)), tolerance = 1e-6)
  expect_identical(colnames(score), c("a", "b"))
  expect_error(predict(fit, type = "score", to = 4), class = "vgfm_error_argument")
})

test_that("methods without a score, and realisations that are none, are refused", {
  fit <- small_fit(steps = 0)
  expect_error(vgfm_trajectories(fit, stochastic = TRUE), class = "vgfm_error_score")
  expect_error(vgfm_evaluate(fit, stochastic = TRUE), class = "vgfm_error_score")
  expect_error(vgfm_interpolate(fit, 4, stochastic = TRUE), class = "vgfm_error_score")
  expect_error(vgfm_fates(fit, fit$snapshots$time, through = "stochastic"),
               class = "vgfm_error_score")
  expect_error(predict(fit, type = "score"), class = "vgfm_error_score")
  expect_error(vgfm_trajectories(fit, realisation = 2), class = "vgfm_error_argument")
  fit <- constant_fit()
  for (bad in list(0, 1:2, "a", NA, 1.5)) {
    expect_error(vgfm_trajectories(fit, stochastic = TRUE, realisation = bad),
                 class = "vgfm_error_input")
  }
  for (bad in list(0, c(1, 1), "a", NA, 1.5, numeric())) {
    expect_error(vgfm_fates(fit, fit$snapshots$time, through = "stochastic",
                            realisation = bad), class = "vgfm_error_input")
  }
  expect_error(vgfm_trajectories(fit, stochastic = NA), class = "vgfm_error_input")
})

test_that("the core refuses what is no simulation", {
  fit <- constant_fit()
  good <- list(realisation = 1, tolerance = 0.01)
  run <- function(field = fit$field, number = 1, noise = good) {
    .Call(ffi_field_simulate, field, matrix(0, 3, 1), 0, 1, number, c(1, 2), noise, 1)
  }
  expect_identical(run()$status, 0L)
  refused <- function(call, reason) {
    expect_error(call, reason, class = "vgfm_error_internal", fixed = TRUE)
  }
  refused(run(small_fit(steps = 0)$field), "`field` has no score")
  refused(run(number = -1), "`number` has -1")
  refused(run(number = c(1, 2)), "`number` has 2 numbers, not 1")
  for (part in names(good)) {
    refused(run(noise = replace(good, part, -0.5)), paste0("`noise$", part, "`"))
  }
  refused(run(fit$field[names(fit$field) != "sigma"]), "`field$sigma`")
  fit$field$sigma <- 0
  expect_error(predict(fit, type = "score"), class = "vgfm_error_fit")
})

# Between Gaussians of variances a and b, with noise of variance 1 over the gap, the
# Schroedinger bridge has covariance c = (sqrt(4 a b + 1) - 1) / 2 of start and end, and
# variance (a + b + 2 c + 1) / 4 in the middle (Bunne and others 2023). The flow keeps the
# order of cells: covariance sqrt(a b). Three standard errors of a covariance of 500 are
# 0.16, and half the difference of both 0.19.
test_that("sf2m between Gaussians has the populations and paths of the bridge", {
  set.seed(1)
  x <- rbind(matrix(stats::rnorm(1000), 500), matrix(stats::rnorm(1000, 1), 500))
  colnames(x) <- c("a", "b")
  time <- rep(0:1, each = 500)
  fit <- vgfm_fit(x, time, method = vgfm_method("sf2m", sigma = 1),
                  control = vgfm_control("fast", steps = 600, progress = FALSE))
  variance <- function(x) apply(x, 2, stats::var)
  a <- variance(x[time == 0, ])
  b <- variance(x[time == 1, ])
  c <- (sqrt(4 * a * b + 1) - 1) / 2
  middle <- (a + b + 2 * c + 1) / 4
  for (stochastic in c(TRUE, FALSE)) {
    paths <- vgfm_trajectories(fit, n = 500, times = c(0, 0.5, 1),
                               stochastic = stochastic)
    at <- function(time) as.matrix(paths[paths$time == time, c("a", "b")])
    joint <- diag(stats::cov(at(0), at(1)))
    expect_lt(max(abs(joint - if (stochastic) c else sqrt(a * b))), 0.16)
    expect_lt(max(abs(variance(at(0.5)) / middle - 1)), 0.19)
    expect_lt(max(abs(variance(at(1)) / b - 1)), 0.19)
    expect_lt(max(abs(colMeans(at(1)) - colMeans(x[time == 1, ]))), 0.14)
  }
  # The score of a Gaussian: a line of slope -1 / variance through its mean.
  at <- x[time == 0, ]
  score <- predict(fit, at, 0.5, "score")
  for (feature in 1:2) {
    line <- stats::coef(stats::lm(score[, feature] ~ at[, feature]))
    expect_equal(line[[2]], -1 / middle[[feature]], tolerance = 0.15)
    expect_lt(abs(-line[[1]] / line[[2]] - mean(x[, feature])), 0.15)
  }
})
