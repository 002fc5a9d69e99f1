# Metrics of the data, as R hands them to core: core/path/metric.h.

cloud <- function(n, seed = 1) {
  set.seed(seed)
  cbind(stats::rnorm(n), stats::rnorm(n, sin(3 * seq_len(n)), 0.3))
}
control <- small_control()

# h of each metric at some places; of LAND for each feature.
land_h <- function(metric, at) {
  bells <- exp(-0.5 * metric$rate * square_distances(at, metric$points))
  vapply(seq_len(ncol(at)), function(c) {
    metric$scale * rowSums(bells * outer(at[, c], metric$points[, c], "-")^2)
  }, numeric(nrow(at)))
}
rbf_h <- function(metric, at) {
  bells <- exp(-0.5 * square_distances(at, metric$points) *
                 rep(metric$rate, each = nrow(at)))
  as.vector(bells %*% metric$weight)
}

test_that("LAND is 1 at cells on average, whatever their number and unit", {
  x <- cloud(400)
  metric <- land_metric(x, 1, control)
  expect_equal(mean(land_h(metric, x)), 1, tolerance = 1e-9)
  at <- cbind(c(0, 0.5, -1), c(0.3, -0.7, 0))
  # Twice every cell is the same but for the share of cells that are near.
  twice <- land_metric(rbind(x, x), 1, control)
  expect_equal(land_h(twice, at), land_h(metric, at), tolerance = 0.05)
  # Four times as many of the population: within what samples differ by.
  many <- land_metric(cloud(1600, 2), 1, control)
  expect_equal(land_h(many, at), land_h(metric, at), tolerance = 0.2)
  large <- land_metric(1000 * x, 1, control)
  expect_equal(land_h(large, 1000 * at), land_h(metric, at), tolerance = 1e-8)
  expect_equal(max(land_h(metric, cbind(50, 50))), 0)
})

test_that("RBF is near 1 at cells, and falls off beside them", {
  x <- cloud(400)
  metric <- rbf_metric(x, 1, control)
  expect_lte(nrow(metric$points), rbf_centres)
  expect_true(all(metric$weight >= 1e-4))
  expect_lt(stats::sd(rbf_h(metric, x) - 1), 0.3)
  expect_equal(mean(rbf_h(metric, x)), 1, tolerance = 0.1)
  expect_lt(max(rbf_h(metric, cbind(c(8, -8), c(8, 8)))), 0.01)
})

test_that("weights are the best ones that are allowed", {
  set.seed(1)
  bells <- matrix(stats::runif(300), 30)
  weight <- weights_to_one(bells, sweeps = 5000)
  # Karush, Kuhn and Tucker: no slope where a weight is free, none downwards at the bound.
  slope <- as.vector(crossprod(bells, bells %*% weight - 1))
  free <- weight > 1e-4
  expect_lt(max(abs(slope[free])), 1e-4)
  expect_true(all(slope[!free] > -1e-4))
})

test_that("centres are the means of their cells, and lone ones have a width", {
  x <- rbind(cloud(200), c(40, 40))
  found <- centres_of(x, 25, control)
  index <- nearest_cells(found$centres, x, 1, control)$index
  means <- rowsum(x, index) / tabulate(index)
  expect_equal(unname(means), found$centres, tolerance = 0.1)
  expect_true(all(found$square > 0 & is.finite(found$square)))
  same <- centres_of(matrix(1, 20, 2), 3, control)
  expect_true(all(is.finite(same$centres)) && all(same$square > 0))
})

test_that("the metric suits the number of features, and cells come from both ends", {
  expect_identical(metric_kind(path_metric(), 10), "land")
  expect_identical(metric_kind(path_metric(), 11), "rbf")
  expect_identical(metric_kind(path_metric("land"), 1000), "land")
  fit <- small_fit()
  s <- fit$snapshots
  first <- interval_metric(s, 1, path_metric("land"), fit$control)
  rows <- which(s$index %in% 1:2)
  expect_equal(first$points, t(standard_cells(s$x, rows, s)), ignore_attr = TRUE)
  more <- interval_metric(s, 1, path_metric("land", cells = s$x[1:5, ]), fit$control)
  expect_equal(nrow(more$points), nrow(first$points) + 5)
})
