oracle <- utils::read.csv(test_path("oracles", "emd.csv"))
small <- startsWith(oracle$problem, "emd")

test_that("the small problems of the oracle are solved to 1e-9", {
  for (i in which(small)) {
    o <- oracle[i, ]
    read <- function(side) {
      file <- test_path("oracles", paste0(o$problem, "_", side, ".csv"))
      as.matrix(utils::read.csv(file, header = FALSE))
    }
    x <- read("x")
    y <- read("y")
    order <- if (o$cost_metric == "sqeuclidean") 2 else 1
    got <- vgfm_wasserstein(x[, -1], y[, -1], x[, 1], y[, 1], order = order)
    expect_equal(got^order, o$emd_cost, tolerance = 1e-9)
  }
})

test_that("so are neighbouring snapshots of the public data", {
  for (i in which(!small)) {
    name <- strsplit(oracle$problem[i], ":|-")[[1]]
    cells <- read_snapshots(name[1])
    got <- vgfm_wasserstein(cells$x[cells$time == as.numeric(name[2]), ],
                            cells$x[cells$time == as.numeric(name[3]), ])
    expect_equal(got, oracle$emd_cost[i], tolerance = 1e-9)
  }
})

test_that("on a line it is the distance between sorted points", {
  set.seed(1)
  x <- rnorm(200)
  y <- rexp(200)
  expect_equal(vgfm_wasserstein(x, y), mean(abs(sort(x) - sort(y))), tolerance = 1e-12)
  expect_equal(vgfm_wasserstein(x, y, order = 2),
               sqrt(mean((sort(x) - sort(y))^2)), tolerance = 1e-12)
})

test_that("it is a distance: zero for the same cloud, symmetric, shifts add up", {
  set.seed(2)
  x <- matrix(rnorm(90), 30)
  y <- matrix(rnorm(120), 40)
  expect_equal(vgfm_wasserstein(x, x[30:1, ]), 0)
  expect_equal(vgfm_wasserstein(x, y), vgfm_wasserstein(y, x), tolerance = 1e-12)
  expect_equal(vgfm_wasserstein(x, x + 2), 2 * sqrt(3), tolerance = 1e-12)
})

test_that("weights are normalised, and points without weight do not matter", {
  x <- c(0, 1, 50)
  expect_equal(vgfm_wasserstein(x, c(0, 1), a = c(2, 2, 0)), 0)
  expect_equal(vgfm_wasserstein(x, 0, a = c(3, 1, 0)), 0.25)
  far <- c(0, 1e20)
  expect_identical(vgfm_wasserstein(far, 1, a = c(1, 0)), 1)
  expect_identical(vgfm_wasserstein(1, far, b = c(1, 0), order = 2), 1)
})

test_that("clouds of which most has no weight are those without it", {
  set.seed(1)
  x <- matrix(rnorm(100), 50)
  y <- matrix(rnorm(200), 100)
  expect_identical(vgfm_wasserstein(x, y, b = rep(1:0, c(30, 70))),
                   vgfm_wasserstein(x, y[1:30, ]))
})

test_that("no unit is too large or too small", {
  for (unit in c(1e-300, 1e-160, 1e160, 1e300)) {
    for (order in 1:2) {
      got <- vgfm_wasserstein(c(0, unit), c(3, 4) * unit, order = order)
      expect_equal(got / unit, 3)
    }
  }
})

test_that("a distance of which rounding leaves no digit is an error", {
  x <- c(0:7, 1e20)
  y <- c(1, 6, 3, 8, 5, 2, 7, 4, 1e20)
  expect_error(vgfm_wasserstein(x, y), class = "vgfm_error_precision")
  # Every point is next to its partner: no other plan can be better.
  expect_identical(vgfm_wasserstein(c(0, 1e20), c(1, 1e20)), 0.5)
})

test_that("bad arguments are named", {
  expect_error(vgfm_wasserstein("a", 1), class = "vgfm_error_x")
  expect_error(vgfm_wasserstein(matrix(0, 0, 2), matrix(0, 1, 2)), class = "vgfm_error_x")
  expect_error(vgfm_wasserstein(1:3, 1:3, a = -1), class = "vgfm_error_input")
  expect_error(vgfm_wasserstein(1:3, 1:3, a = c(0, 0, 0)), class = "vgfm_error_input")
  expect_error(vgfm_wasserstein(1:3, 1:3, order = 3), class = "vgfm_error_input")
  expect_error(vgfm_wasserstein(1:3, cbind(1, 2)), class = "vgfm_error_input")
})

test_that("the distance between Gaussians is that of the moments", {
  set.seed(3)
  x <- matrix(rnorm(150), 50)
  y <- matrix(rnorm(180), 60) %*% matrix(c(2, 1, 0, 0, 1, 0, 0, 0, 3), 3) + 1
  a <- runif(50)
  b <- runif(60)
  root <- function(s) {
    e <- eigen(s, symmetric = TRUE)
    e$vectors %*% (sqrt(pmax(e$values, 0)) * t(e$vectors))
  }
  p <- stats::cov.wt(x, a / sum(a), method = "ML")
  q <- stats::cov.wt(y, b / sum(b), method = "ML")
  half <- root(p$cov)
  squared <- sum((p$center - q$center)^2) +
    sum(diag(p$cov + q$cov - 2 * root(half %*% q$cov %*% half)))
  got <- function(x, y, ...) vgfm_wasserstein(x, y, ..., order = 2, gaussian = TRUE)
  expect_equal(got(x, y, a = a, b = b), sqrt(squared), tolerance = 1e-10)
  expect_lt(got(x, y), vgfm_wasserstein(x, y, order = 2))
  # A linear map with a symmetric positive matrix is optimal: both distances agree.
  expect_equal(got(x, 2 * x + 3), vgfm_wasserstein(x, 2 * x + 3, order = 2))
  # More features than cells.
  u <- matrix(rnorm(400), 4)
  expect_equal(got(u, 3 * u), 2 * sqrt(mean(rowSums(u^2))), tolerance = 1e-10)
  expect_equal(got(x, x), 0, tolerance = 1e-7)
  expect_equal(got(x * 1e200, y * 1e200), got(x, y) * 1e200)
  expect_equal(got(1, 4), 3)
  expect_error(vgfm_wasserstein(x, y, gaussian = TRUE), class = "vgfm_error_input")
})
