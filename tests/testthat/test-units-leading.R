# Two groups of cells, far apart along one direction, in much noise. One doubles, the
# other halves: the true descendants are 2 and 1/2.
noisy_groups <- function(d, n = 150, noise = 1) {
  side <- rep(c(-1, 1, -1, 1), c(n, n, 2 * n, n / 2))
  x <- matrix(stats::rnorm(length(side) * d, sd = noise), length(side))
  x[, 1:4] <- x[, 1:4] + 3 * side
  list(x = x, time = rep(0:1, c(2 * n, 2.5 * n)), side = side)
}

test_that("leading axes are those of an exact decomposition", {
  set.seed(1)
  # Three directions stand out; their axes agree with those of svd() to the power that
  # four rounds of iteration leave: below 1e-6.
  x <- matrix(stats::rnorm(300 * 90, sd = 0.1), 300)
  direction <- qr.Q(qr(matrix(stats::rnorm(90 * 3), 90)))
  x <- x + tcrossprod(matrix(stats::rnorm(300 * 3), 300), direction)
  snapshots <- new_snapshots(x, rep(0:1, each = 150))
  axes <- leading_axes(snapshots, 3)
  expect_equal(crossprod(axes), diag(3), tolerance = 1e-10)
  exact <- svd(x - rep(colMeans(x), each = 300), nu = 0, nv = 3)$v
  expect_lt(max(abs(tcrossprod(axes) - tcrossprod(exact))), 1e-6)
  expect_null(leading_axes(snapshots, NULL))
  expect_null(leading_axes(snapshots, Inf))
  expect_null(leading_axes(snapshots, 90))
  expect_identical(leading_axes(snapshots, 3), axes)
  # Compared cells have the geometry of their projections.
  snapshots$leading <- axes
  z <- cells_in_state(snapshots, 1:5)
  by_hand <- t(x[1:5, ] %*% axes) / snapshots$scale
  expect_equal(dist(t(z)), dist(t(by_hand)), tolerance = 1e-10, ignore_attr = TRUE)
})

test_that("growth of groups is told in many noisy features", {
  set.seed(2)
  cells <- noisy_groups(1200)
  control <- vgfm_control(steps = 0, threads = 1)
  first <- cells$time == 0
  ask <- function(...) {
    fit <- vgfm_fit(cells$x, cells$time, method = vgfm_method(...), control = control)
    descendants <- tapply(fit$couplings[[1]]$descendants, cells$side[first], mean)
    list(fit = fit, descendants = as.vector(descendants))
  }
  fewer <- ask()
  expect_equal(fewer$fit$method$coupling$components, leading_components)
  expect_true(fewer$fit$identified$identified)
  expect_lt(max(abs(fewer$descendants - c(2, 0.5))), 0.15)
  # In all features the noise is a hundred times as large as the groups are apart.
  all <- suppressMessages(ask(components = Inf))
  expect_null(all$fit$snapshots$leading)
  expect_gt(max(abs(all$descendants - c(2, 0.5))), 0.3)
  # What the fit holds is checked.
  broken <- fewer$fit
  broken$snapshots$leading <- broken$snapshots$leading[-1, ]
  expect_error(vgfm_identifiability(broken), class = "vgfm_error_fit")
})

test_that("few features are compared as they are, others as the method says", {
  set.seed(3)
  x <- matrix(stats::rnorm(80 * 1001), 80)
  time <- rep(0:1, each = 40)
  control <- vgfm_control(steps = 0, threads = 1)
  fit <- function(x, ...) {
    suppressMessages(vgfm_fit(x, time, method = vgfm_method(...), control = control))
  }
  expect_null(fit(x[, 1:1000])$snapshots$leading)
  expect_equal(dim(fit(x)$snapshots$leading), c(1001, 50))
  expect_equal(dim(fit(x, components = 5)$snapshots$leading), c(1001, 5))
  expect_null(fit(x, "ot_cfm")$snapshots$leading)
  expect_equal(vgfm_method("vgfm", settings = "paper")$coupling$components, Inf)
  expect_error(vgfm_method(components = 0), class = "vgfm_error_method")
  expect_error(vgfm_method(components = c(2, 3)), class = "vgfm_error_method")
})

test_that("growth in genes is as in components that a user would compute", {
  # Three branches of a simulated culture, 1100 genes: verdict and descendants are those
  # of 8 exact components, but for directions of noise, which iteration leaves apart.
  set.seed(4)
  once <- function(components) {
    set.seed(4)
    vgfm_simulate_culture(c(200, 250), days = c(3, 4), genes = 1100, founders = 700,
                          components = components)
  }
  fit <- function(cells, ...) {
    suppressMessages(vgfm_fit(cells[-1], cells$time, attr(cells, "mass"),
                              method = vgfm_method(...),
                              control = vgfm_control(steps = 0, threads = 1)))
  }
  genes <- once(NULL)
  in_genes <- fit(genes, components = 8)
  in_components <- fit(once(8))
  expect_identical(in_genes$identified$identified, in_components$identified$identified)
  log_descendants <- function(fit) log(pmax(fit$couplings[[1]]$descendants, 1e-3))
  expect_gt(cor(log_descendants(in_genes), log_descendants(in_components)), 0.95)
  branch <- droplevels(attr(genes, "branch"))
  mean_of <- function(fit) tapply(log_descendants(fit), branch[genes$time == 3], mean)
  expect_lt(max(abs(mean_of(in_genes) - mean_of(in_components))), 0.1)
  # Lines of descent, too.
  fates <- function(fit) {
    suppressMessages(vgfm_fates(fit, branch, time = 3, by = "group"))$probability
  }
  expect_lt(max(abs(fates(in_genes) - fates(in_components))), 0.05)
})
