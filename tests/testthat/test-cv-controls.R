# The controls of the middle one of three times.
controls_of <- function(x, time, mass = NULL) {
  s <- new_snapshots(x, time, mass)
  left <- s$index == 2
  rest <- without_snapshot(s, 2, NULL)
  naive_controls(rest, s$times[2], s$x[left, , drop = FALSE], s$mass[2], Inf, 1, NULL)
}

test_that("the snapshots before and nearest are taken as they are", {
  set.seed(2)
  x <- matrix(rnorm(60), 30)
  time <- rep(c(0, 3, 4), c(8, 10, 12))
  found <- controls_of(x, time)
  at <- function(k) x[time == k, ]
  expect_equal(found$w1_previous, vgfm_wasserstein(at(0), at(3)), tolerance = 1e-12)
  expect_equal(found$w1_nearest, vgfm_wasserstein(at(4), at(3)), tolerance = 1e-12)
  # Equally near: both, by their masses.
  time <- rep(1:3, c(8, 10, 12))
  found <- controls_of(x, time, c(2, 3, 6))
  both <- vgfm_wasserstein(x[time != 2, ], at(2), rep(c(1 / 8, 3 / 12), c(8, 12)))
  expect_equal(found$w1_nearest, both, tolerance = 1e-12)
})

test_that("straight lines join the best of all assignments", {
  permutations <- function(n) {
    if (n == 1) return(matrix(1))
    rest <- permutations(n - 1)
    do.call(rbind, lapply(seq_len(n), function(i) cbind(i, rest + (rest >= i))))
  }
  all <- permutations(6)
  set.seed(3)
  for (seed in 1:3) {
    x <- matrix(rnorm(12), 6)
    y <- matrix(rnorm(12, 2), 6)
    z <- matrix(rnorm(10, 1), 5)
    cost <- apply(all, 1, function(to) sum((x - y[to, ])^2))
    best <- y[all[which.min(cost), ], ]
    found <- controls_of(rbind(x, z, y), rep(c(0, 1, 4), c(6, 5, 6)))
    expect_equal(found$w1_straight, vgfm_wasserstein(0.75 * x + 0.25 * best, z),
                 tolerance = 1e-12)
  }
})

test_that("of unequal numbers too: on a line, the quantiles are joined", {
  set.seed(4)
  x <- rnorm(4)
  y <- rnorm(6, 3)
  z <- rnorm(5)
  # Twelfths of the mass, in order, have one source and one target each.
  joined <- (sort(rep(x, 3)) + sort(rep(y, 2))) / 2
  found <- controls_of(cbind(c(x, z, y)), rep(1:3, c(4, 5, 6)))
  expect_equal(found$w1_straight, vgfm_wasserstein(cbind(joined), cbind(z)),
               tolerance = 1e-12)
})

test_that("of many pairs, samples are joined", {
  local_function("exact_pairs", 100)
  local_function("sample_cells", 8)
  set.seed(5)
  s <- new_snapshots(cbind(rnorm(60), rnorm(60)), rep(1:2, c(20, 40)))
  joined <- straight_population(s, 1, 1.5, 1, NULL)
  expect_equal(sum(joined$weight), 1)
  # Eight cells of each, all different.
  expect_length(joined$weight, 8)
  # A moment after the first time, these are cells of the first snapshot.
  start <- straight_population(s, 1, 1 + 1e-9, 1, NULL)$x
  apart <- vapply(1:8, function(i) min(colSums((t(s$x[1:20, ]) - start[i, ])^2)), 0)
  expect_lt(max(apart), 1e-12)
})

test_that("the log of the mass goes straight", {
  x <- cbind(c(1:4, 1:4, 1:4) + 0.1)
  found <- controls_of(x, rep(c(0, 1, 4), each = 4), c(1, 3, 16))
  # 16^(1/4) is 2, a third less than 3.
  expect_equal(found$rme_loglinear, 1 / 3, tolerance = 1e-12)
})
