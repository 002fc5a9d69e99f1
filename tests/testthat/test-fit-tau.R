# Two clusters 4.2 apart; the second falls from 200 cells to 5.
dying_cells <- function() {
  set.seed(5)
  cluster <- function(n, at) cbind(stats::rnorm(n, at, 0.5), stats::rnorm(n, 0, 0.5))
  list(x = rbind(cluster(200, 0), cluster(200, 4.2), cluster(200, 0), cluster(5, 4.2)),
       time = rep(0:1, c(400, 205)))
}

chosen_tau <- function(x, time) {
  control <- vgfm_control(steps = 0)
  vgfm_fit(x, time, control = control)$method$coupling$tau
}

# A scan as scan_interval() makes it, from its spread at the taus of the grid.
scan_of <- function(spread, parents = rep(0.8, length(spread))) {
  slope <- c(diff(log(spread)) / -diff(log(tau_grid)), NA)
  data.frame(tau = tau_grid, spread = spread, parents = parents, slope = slope)
}

test_that("a corner is found where there is one, and its upper end is taken", {
  # Falls as 1 / tau, rests from 2 to 1 / 4, and rises again.
  rests <- pmin(1, 2 / tau_grid) * pmax(1, 0.25 / tau_grid)
  found <- find_corner(scan_of(rests), 400)
  expect_true(found$identified)
  expect_gt(found$tau, 1)
  expect_lt(found$tau, 4)
  # A plateau may run to the end of the grid, but not where few cells have all
  # descendants.
  open <- pmin(1 / tau_grid, 4)
  expect_true(find_corner(scan_of(open), 400)$identified)
  few <- 0.4 * 0.8^seq_along(open)
  expect_false(find_corner(scan_of(open, few), 400)$identified)
  # Few, but the same ones: a small group that grows.
  expect_true(find_corner(scan_of(open, rep(0.3, length(open))), 400)$identified)
  # Couplings that were not solved say nothing.
  expect_true(find_corner(scan_of(replace(rests, length(rests), NA)), 400)$identified)
  none <- find_corner(scan_of(rep(NA_real_, length(rests))), 400)
  expect_false(none$identified)
  expect_match(none$note, "too few tau")
})

test_that("a moving Gaussian cloud has no corner, whatever its variance", {
  # The closed form, see R/fit-tau.R: d / (1 + tau / c).
  for (c in 2^(-5:6)) {
    found <- find_corner(scan_of(3 / (1 + tau_grid / c)), Inf)
    expect_false(found$identified)
    expect_null(found$tau)
  }
  # The scan of such a cloud, of 1500 cells in one dimension, has slopes of
  # tau / (tau + c), but for the averaging over neighbours and the samples.
  set.seed(3)
  x <- matrix(stats::qnorm(stats::ppoints(1500)), 1)
  problem <- list(x = x, y = x + 1, a = rep(1, 1500), b = rep(1, 1500), scale = 1,
                  interval = 1)
  scan <- scan_interval(problem, 0.002, vgfm_control())
  middle <- scan$tau / sqrt(2)
  inner <- 2:8
  expect_equal(scan$slope[inner], (middle / (middle + 2))[inner], tolerance = 0.1)
})

test_that("a cluster that dies is seen to die", {
  cells <- dying_cells()
  tau <- chosen_tau(cells$x, cells$time)
  out <- vgfm_couple(cells$x[1:400, ], cells$x[401:605, ], 0.02, tau)
  # The truth is 5 descendants; tau = 3 V gave 27.
  expect_lt(sum(out$descendants[201:400]), 0.05 * 200)
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
})

test_that("tau does not depend on the unit, and motion alone has no plateau", {
  cells <- dying_cells()
  expect_equal(chosen_tau(cells$x * 1000, cells$time),
               chosen_tau(cells$x, cells$time) * 1e6, tolerance = 1e-3)
  set.seed(1)
  x <- matrix(stats::rnorm(1000), 500)
  moved <- rbind(x, matrix(stats::rnorm(1000), 500) + 3)
  expect_message(
    fit <- vgfm::vgfm_fit(moved, rep(0:1, each = 500), control = vgfm_control(steps = 0)),
    "not told from motion between 0 and 1", class = "vgfm_message_growth"
  )
  expect_false(fit$identified$identified)
  expect_gt(fit$method$coupling$tau, 3 * within_variance(fit$snapshots))
  # Growth that is not there stays modest: 0.15, as neighbours among 400 cells show it.
  expect_lt(stats::sd(log(fit$couplings[[1]]$descendants)), 0.25)
  expect_output(print(fit), "NOT told from motion between 0 and 1")
  expect_equal(glance(fit)$identified, 0)
  expect_equal(autoplot(fit, "growth")$labels$subtitle,
               "not told from motion between 0 and 1")
})

test_that("the budget is one of the whole course", {
  course <- function(times) {
    set.seed(4)
    x <- matrix(stats::rnorm(200 * times), 100 * times)
    time <- rep(seq_len(times), each = 100)
    fit <- suppressMessages(vgfm_fit(x + 4 / (times - 1) * time, time,
                                     control = vgfm_control(steps = 0)))
    expect_false(any(fit$identified$identified))
    sum(fit$identified$spread)
  }
  # Averages over neighbours at the tau of each interval; 0.15 is the aim.
  for (times in c(2, 5, 9)) expect_lt(course(times), 0.25)
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

test_that("tau may be one for each interval", {
  cells <- small_cells()
  fit <- vgfm_fit(cells$x, cells$time, method = vgfm_method("vgfm", tau = c(1, 5)),
                  control = small_control(steps = 0))
  expect_equal(vapply(fit$couplings, `[[`, 0, "tau"), c(1, 5))
  expect_error(
    vgfm_fit(cells$x, cells$time, method = vgfm_method("vgfm", tau = 1:3)),
    "each of the 2 intervals, not 3", class = "vgfm_error_method"
  )
  expect_error(coupling_semirelaxed(tau = c(1, 0)), class = "vgfm_error_method")
  expect_output(print(fit$method), "tau 1, 5")
  # Without a time, the interval over it has the larger price.
  expect_equal(without_time(c(1, 5, 2, 4), 3), c(1, 5, 4))
  expect_equal(without_time(c(1, 5), 2), 5)
  expect_equal(without_time(3, 2), 3)
  expect_error(vgfm_cv(cells$x, cells$time, method = vgfm_method("vgfm", tau = 1:3)),
               class = "vgfm_error_method")
})
