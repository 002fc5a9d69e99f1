test_that("draws along weights repeat a cell by its weight, exactly where it divides", {
  # Weights are whole numbers of draws: the twin repeats each cell so often.
  weight <- c(0, 3, 0, 1, 2, 5, 0)
  at <- (seq_len(sum(weight)) - 0.5) / sum(weight)
  expect_equal(along_weights(weight, at), rep(seq_along(weight), weight))
  set.seed(1)
  expect_equal(resample(weight, sum(weight)), rep(seq_along(weight), weight))
  # The unit of the weights does not matter, and what weighs nothing is never drawn.
  expect_equal(along_weights(weight * 1e-300, at), along_weights(weight, at))
  expect_false(any(along_weights(weight, stats::runif(1000)) %in% which(weight == 0)))
})

test_that("rows are thinned evenly, or at random but the same for a fit", {
  expect_equal(spaced(c(2, 4, 6, 8, 10), 3), c(2, 6, 10))
  expect_equal(spaced(1:3, 10), 1:3)
  fit <- list(training = list(key = c(7, 9)))
  some <- thin_rows(101:200, 10, fit)
  expect_length(unique(some), 10)
  expect_true(all(some %in% 101:200) && !is.unsorted(some))
  expect_equal(thin_rows(101:200, 10, fit), some)
  fit$training$key <- c(7, 10)
  expect_false(identical(thin_rows(101:200, 10, fit), some))
  expect_equal(thin_rows(5:7, 3, fit), 5:7)
})
