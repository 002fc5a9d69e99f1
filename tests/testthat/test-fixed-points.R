# Two wells at -1 and 1 and a ridge at 0, around the middle of the cells of small_fit().
two_wells <- function(x, time) {
  u <- x[, 1] - 1.5
  cbind(u - u^3, -2 * (x[, 2] - 1.5))
}

well_fit <- function() {
  set.seed(1)
  x <- cbind(a = stats::runif(300, -0.5, 3.5), b = stats::runif(300, 0.5, 2.5))
  vgfm_fit(x, rep(c(2, 4, 8), each = 100), control = small_control(steps = 5))
}

test_that("the fixed points of two wells are found, with kind and eigenvalues", {
  fit <- well_fit()
  with_field(two_wells)
  points <- vgfm_fixed_points(fit, time = 4)
  expect_identical(nrow(points), 3L)
  points <- points[order(points$a), ]
  expect_equal(points$a, c(0.5, 1.5, 2.5), tolerance = 1e-4)
  expect_equal(points$b, rep(1.5, 3), tolerance = 1e-4)
  expect_identical(points$kind, c("stable", "saddle", "stable"))
  # 1 - 3 u^2, and -2
  expect_equal(points$leading, c(-2, 1, -2), tolerance = 1e-3)
  expect_false(any(points$rotates))
  expect_true(all(points$speed < 1e-3))
  expect_identical(dim(attr(points, "eigenvalues")), c(3L, 2L))
})

test_that("a spiral rotates, also where it repels", {
  fit <- well_fit()
  with_field(function(x, time) {
    off <- t(x) - 1.5
    t(matrix(c(0.1, 1, -1, 0.1), 2) %*% off)
  })
  points <- vgfm_fixed_points(fit, time = 4)
  expect_identical(points$kind, "unstable")
  expect_true(points$rotates)
  expect_equal(points$leading, 0.1, tolerance = 1e-5)
})

test_that("there are none where nothing rests, or no data are, and that is said", {
  fit <- well_fit()
  with_field(function(x, time) 0 * x + 1)
  expect_message(none <- vgfm_fixed_points(fit, time = 4),
                 class = "vgfm_message_fixed_points")
  expect_identical(nrow(none), 0L)
  expect_identical(names(none)[1:2], c("point", "kind"))
  with_field(function(x, time) t(c(9, 1.5) - t(x)))
  expect_message(far <- vgfm_fixed_points(fit, time = 4), "no data")
  expect_identical(c(nrow(far), attr(far, "dropped")), c(0L, 1L))
})

test_that("points of a trained field are zeros of the velocity in double", {
  fit <- small_fit(steps = 120)
  points <- suppressMessages(vgfm_fixed_points(fit, time = 4))
  usual <- median(sqrt(rowSums(predict(fit, fit$snapshots$x, 4)^2)))
  for (row in seq_len(nrow(points))) {
    at <- as.matrix(points[row, c("a", "b")])
    expect_lt(sqrt(sum(predict(fit, at, 4)^2)), 1e-3 * usual)
  }
  expect_error(vgfm_fixed_points(fit, NULL), class = "vgfm_error_time")
})
