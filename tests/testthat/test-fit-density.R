# Training by densities; core's part has tests in tests/core/test_density.c.

density_control <- function(...) small_control(refine_steps = NULL, ...)
density_fit <- function(..., cells = small_cells(), steps = 30, method = "tigon") {
  set.seed(1)
  vgfm_fit(cells$x, cells$time, ..., control = density_control(steps = steps),
           method = method)
}

test_that("the affine flow of a Gaussian is found from samples, and its growth", {
  set.seed(4)
  n <- 400
  middle <- c(2, -1)
  spread <- 0.5
  x <- rbind(matrix(rnorm(2 * n), n), sweep(spread * matrix(rnorm(2 * n), n), 2, middle,
                                            "+"))
  cells <- list(x = x, time = rep(0:1, each = n))
  fit <- density_fit(cells = cells, mass = c(1, 2), steps = 300,
                     method = vgfm_method("tigon", energy_growth = 0.1))
  # The shortest way (McCann 1997): x goes to middle + spread x at constant speed.
  early <- x[rowSums(x[seq_len(n), ]^2) < 4 & seq_len(2 * n) <= n, ]
  truth <- sweep((spread - 1) * early, 2, middle, "+")
  found <- predict(fit, early, time = 0)
  expect_lt(sqrt(mean((found - truth)^2)), 0.25 * sqrt(mean(truth^2)))
  for (c in 1:2) expect_gt(cor(found[, c], truth[, c]), 0.9)
  expect_equal(mean(predict(fit, early, time = 0, type = "growth")), log(2),
               tolerance = 0.1)
  expect_lt(vgfm_evaluate(fit)$rme_trained, 0.05)
})

test_that("a fit goes on from its checkpoint, to the same bits, with other threads", {
  file <- tempfile(fileext = ".rds")
  on.exit(unlink(file))
  kept_now <- keep_checkpoints()
  cells <- small_cells()
  fit <- function(...) {
    set.seed(1)
    vgfm_fit(cells$x, cells$time, method = "tigon",
             control = density_control(steps = 40, ...))
  }
  whole <- fit(checkpoint = file, threads = 1)
  same <- c("field", "history", "couplings", "training")
  halfway <- 0
  for (state in kept_now()) {
    writeBin(state, file)
    step <- readRDS(file)$training$step
    if (!is.null(step) && step > 0 && step < 40) halfway <- halfway + 1
    expect_identical(vgfm_resume(file)[same], whole[same])
  }
  expect_gte(halfway, 1)
  expect_identical(fit(threads = 2)[same], whole[same])
  expect_named(whole$history, c("step", "density", "mass"))
})

test_that("the bandwidth goes with that at which left-out cells are most likely", {
  set.seed(2)
  x <- matrix(rnorm(120), 60)
  snapshots <- new_snapshots(x, rep(0:1, each = 30))
  likelihood <- function(h) {
    mean(vapply(seq_len(60), function(i) {
      others <- setdiff(if (i <= 30) 1:30 else 31:60, i)
      log(mean(stats::dnorm(x[others, 1], x[i, 1], h) *
                 stats::dnorm(x[others, 2], x[i, 2], h)))
    }, 0))
  }
  grid <- exp(seq(-3, 1, by = 0.02))
  best <- grid[which.max(vapply(grid, likelihood, 0))]
  expect_equal(likely_bandwidth(snapshots), smoother * best, tolerance = 0.03)
  expect_equal(likely_bandwidth(new_snapshots(4 * x, rep(0:1, each = 30))),
               4 * likely_bandwidth(snapshots), tolerance = 1e-9)
})

test_that("neighbours that count alike are counted", {
  snapshots <- new_snapshots(rbind(diag(6), diag(6)), rep(0:1, each = 6))
  expect_equal(density_neighbours(snapshots, 0.5), 5)
})

test_that("what makes no density is refused, with the reason", {
  set.seed(3)
  refused <- function(class, ...) expect_error(vgfm_fit(...), class = class)
  time <- rep(0:1, each = 20)
  expect_error(vgfm_fit(matrix(rnorm(40 * 60), 40), time, method = "tigon"),
               "in 60 features", class = "vgfm_error_method")
  expect_error(vgfm_fit(matrix(rnorm(40 * 30), 40), time, method = "tigon"),
               "rests on", class = "vgfm_error_method")
  x <- matrix(rnorm(80), 40)
  # Too narrow, and right.
  expect_error(vgfm_fit(x, time, method = vgfm_method("tigon", bandwidth = 1e-3)),
               "rests on", class = "vgfm_error_method")
  expect_s3_class(vgfm_fit(x, time, method = "tigon",
                           control = density_control(steps = 2)), "vgfm")
  refused("vgfm_error_control", x, time, method = "tigon",
          control = vgfm_control(activation = "leaky_relu"))
  refused("vgfm_error_control", x, time, method = "tigon",
          control = vgfm_control(refine_steps = 10))
  refused("vgfm_error_method", x, time, method = "tigon", growth_prior = rep(0, 40))
})

test_that("parts that do not go with densities are refused", {
  wrong <- function(code) expect_error(code, class = "vgfm_error_method")
  wrong(vgfm_method("tigon", path = path_brownian()))
  wrong(vgfm_method("tigon", growth = growth_uniform()))
  wrong(vgfm_method("tigon", bandwidth = 0))
  wrong(vgfm_method("tigon", energy = -1))
  wrong(vgfm_method("tigon", energy_growth = Inf))
  expect_equal(vgfm_method("tigon", energy = 0, bandwidth = 0.3)$training,
               training_density(energy = 0, bandwidth = 0.3))
})

test_that("beyond ten features the divergence is estimated, and training goes on", {
  set.seed(5)
  n <- 60
  x <- matrix(rnorm(2 * n * 12), 2 * n)
  x[seq_len(n), 1] <- x[seq_len(n), 1] + 1
  fit <- density_fit(cells = list(x = x, time = rep(0:1, each = n)), steps = 60)
  expect_true(all(is.finite(predict(fit))))
  expect_lt(mean(predict(fit)[, 1]), 0)
})
