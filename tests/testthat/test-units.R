test_that("standard times follow the gaps where cells are about as fast everywhere", {
  expect_equal(standard_times(c(2, 4, 8), c(1, 2)), c(0, 2 / 3, 2))
  expect_equal(standard_times(0:4, c(2, 1.9, 1, 0.5)), 0:4)
  # A long course is squeezed, whatever its number of times.
  expect_equal(standard_times(0:20, rep(1, 20)), (0:20) / 5)
})

test_that("gaps that cells cross far faster or slower than others are evened out", {
  for (times in list(c(0, 0.01, 0.02, 10), c(0, 1, 2, 3, 10000))) {
    even <- diff(standard_times(times, rep(1, length(times) - 1)))
    # Speeds in standard time differ by no more than the bound, up and down, whatever the
    # unit of time, and whatever that of the displacement.
    expect_lte(max(even) / min(even), speed_range^2 * (1 + 1e-12))
    expect_equal(diff(standard_times(60 * times, rep(7, length(times) - 1))), even)
  }
  # Snapshots that are the same in all cells.
  expect_true(all(diff(standard_times(c(0, 1, 5), c(0, 1))) > 0))
  expect_equal(standard_times(c(0, 1, 5), c(0, 0)), c(0, 0.4, 2))
})

test_that("rates go with the clock: states integrate the velocity that users see", {
  cells <- small_cells()
  # The second interval is crossed 40 times slower than the first.
  time <- c(0, 0.1, 8)[match(cells$time, c(2, 4, 8))]
  set.seed(1)
  fit <- vgfm_fit(cells$x, time, control = small_control())
  expect_gt(max(diff(fit$field$times) / diff(c(0, 0.1, 8))) /
              min(diff(fit$field$times) / diff(c(0, 0.1, 8))), 2)
  x <- cells$x[1:5, ]
  for (t in c(0.02, 0.1, 1, 7.5)) {
    h <- 1e-4 * if (t < 1) 0.1 else 1
    at <- function(to) suppressWarnings(predict(fit, x, t, "state", to = to))
    expect_equal((at(t + h) - at(t - h)) / (2 * h), predict(fit, x, t, "velocity"),
                 tolerance = 1e-3)
    weight <- function(to) log(predict(fit, x, t, "weight", to = to))
    if (t != 0.1) { # where the rate that makes masses right jumps
      expect_equal((weight(t + h) - weight(t - h)) / (2 * h),
                   predict(fit, x, t, "growth"), tolerance = 1e-3)
    }
  }
})
