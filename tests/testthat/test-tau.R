# Two clusters 4.2 apart; the second falls from 200 cells to 5.
dying_cells <- function() {
  set.seed(5)
  cluster <- function(n, at) cbind(stats::rnorm(n, at, 0.5), stats::rnorm(n, 0, 0.5))
  list(x = rbind(cluster(200, 0), cluster(200, 4.2), cluster(200, 0), cluster(5, 4.2)),
       time = rep(0:1, c(400, 205)))
}

chosen_tau <- function(x, time) {
  control <- vgfm_control(steps = 0)
  vgfm_fit(x, time, control = control)$control$tau
}

test_that("a plateau is found where there is one", {
  at <- 2^(4:-7)
  # Falls as 1 / tau, rests from 2 to 1/4, and falls again: the middle is near 0.7.
  rests <- pmin(1, 2 / at) * pmax(1, 0.25 / at)
  expect_gt(plateau(at, rests), 0.25)
  expect_lt(plateau(at, rests), 2)
  expect_null(plateau(at, 1 / at))
  expect_null(plateau(at, 1 / sqrt(at)))
  # Flat to the end of the grid is saturation, not a plateau.
  expect_null(plateau(at, pmin(1 / at, 8)))
  # Solutions that failed are left out.
  expect_gt(plateau(at, replace(rests, 12, NA)), 0.25)
})

test_that("a cluster that dies is seen to die", {
  cells <- dying_cells()
  tau <- chosen_tau(cells$x, cells$time)
  out <- vgfm_couple(cells$x[1:400, ], cells$x[401:605, ], 0.02, tau)
  # The truth is 5 descendants; tau = 3 V gave 27.
  expect_lt(abs(sum(out$descendants[201:400]) - 5), 1.5)
})

test_that("a group that dies out far from all others is seen to, by default", {
  for (distance in c(5, 50)) {
    set.seed(2)
    x <- rbind(matrix(rnorm(400, 0, 0.2), 200), matrix(rnorm(200, distance, 0.2), 100),
               matrix(rnorm(400, 0.5, 0.2), 200))
    fit <- vgfm_fit(x, rep(0:1, c(300, 200)), control = vgfm_control(steps = 0))
    born <- fit$couplings[[1]]$descendants
    expect_lt(max(born[201:300]), 0.05)
    expect_equal(mean(born[1:200]), 1, tolerance = 0.05)
  }
  # The plateau without an end is refused where few cells have all descendants.
  at <- 2^(4:-7)
  spread <- pmin(1 / at, 8)
  expect_equal(open_plateau(at, spread, rep(0.8, 12)), 1 / 8)
  expect_null(open_plateau(at, spread, rep(0.1, 12)))
  expect_null(open_plateau(at, 1 / at, rep(0.8, 12)))
})

test_that("tau does not depend on the unit, and motion alone has no plateau", {
  cells <- dying_cells()
  expect_equal(chosen_tau(cells$x * 1000, cells$time),
               chosen_tau(cells$x, cells$time) * 1e6, tolerance = 1e-3)
  set.seed(1)
  x <- matrix(stats::rnorm(1000), 500)
  moved <- rbind(x, matrix(stats::rnorm(1000), 500) + 3)
  fit <- vgfm_fit(moved, rep(0:1, each = 500), control = vgfm_control(steps = 0))
  expect_gt(fit$control$tau, 3 * within_variance(fit$snapshots))
  # Growth that is not there stays modest: 0.3, as 150 of the cells show it.
  expect_lt(stats::sd(log(fit$couplings[[1]]$descendants)), 0.4)
  # Shapes that change without moving far need no more than 3 V.
  still <- rbind(x, matrix(stats::rnorm(1000), 500) * c(1, 0.9))
  fit <- vgfm_fit(still, rep(0:1, each = 500), control = vgfm_control(steps = 0))
  expect_equal(fit$control$tau, 3 * within_variance(fit$snapshots))
})

test_that("Gaussian clusters of known growth are seen to grow, in many dimensions", {
  set.seed(2)
  cells <- vgfm_simulate_gaussian(50)
  x <- as.matrix(cells[-1])
  tau <- chosen_tau(x, cells$time)
  out <- vgfm_couple(x[cells$time == 0, ], x[cells$time == 1, ], 0.01, tau)
  growing <- x[cells$time == 0, 2] > 1.25
  # 100 cells become 1000; 400 stay 400.
  expect_equal(sum(out$descendants[growing]), 1000, tolerance = 0.02)
})
