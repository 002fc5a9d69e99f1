# Postconditions of a coupling: target marginal exact, source potential and row sums tied
# by the optimality condition, both computed here from the dense plan.
expect_optimal <- function(fit, x, y, a, b, tolerance = 1e-8) {
  plan <- fit$plan
  expect_equal(colSums(plan), rep_len(b, nrow(y)), tolerance = 1e-12)
  expect_equal(rowSums(plan), fit$descendants, tolerance = 1e-9)
  expect_equal(fit$descendants, a * exp(-fit$potential_source / fit$tau),
               tolerance = tolerance)
  cost <- outer(rowSums(x^2), rowSums(y^2), "+") - 2 * x %*% t(y)
  expect_equal(sum(cost * plan), fit$cost, tolerance = 1e-9)
}

test_that("every row of the oracle is reproduced", {
  oracle <- utils::read.csv(test_path("oracles", "srot.csv"))
  sums <- utils::read.csv(test_path("oracles", "srot_rowsums.csv"))
  for (i in seq_len(nrow(oracle))) {
    o <- oracle[i, ]
    name <- strsplit(o$problem, ":|-")[[1]]
    cells <- read_snapshots(name[1])
    x <- cells$x[cells$time == as.numeric(name[2]), ]
    y <- cells$x[cells$time == as.numeric(name[3]), ]
    fit <- vgfm_couple(x, y, o$eps, o$tau)
    expect_equal(fit$objective, o$objective, tolerance = 1e-8)
    expect_equal(fit$cost, o$transport_cost, tolerance = 1e-6)
    expect_lt(fit$residual, 1e-9)
    want <- sums[sums$problem == o$problem & sums$eps == o$eps & sums$tau == o$tau, ]
    expect_gt(nrow(want), 0)
    expect_equal(fit$descendants[want$i + 1], want$rowsum, tolerance = 1e-6)
  }
})

test_that("plans are optimal, with general masses and dimensions", {
  set.seed(3)
  for (d in c(1, 3, 20)) {
    x <- matrix(rnorm(30 * d), 30)
    y <- matrix(rnorm(40 * d, 0.5), 40)
    a <- runif(30, 0.5, 2)
    b <- runif(40, 0.5, 2)
    fit <- vgfm_couple(x, y, epsilon = 0.1 * d, tau = 2, a = a, b = b, plan = TRUE)
    expect_optimal(fit, x, y, a, b)
  }
})

test_that("one cell, duplicates and a large scale work", {
  x <- matrix(c(1, 2), 1)
  y <- rbind(c(1, 2), c(1, 2), c(4, 6))
  one <- vgfm_couple(x, y, 0.1, 1, plan = TRUE)
  expect_equal(one$descendants, 3)
  expect_equal(unname(one$plan), matrix(1, 1, 3))
  far <- vgfm_couple(rbind(x, x) * 1e8, y * 1e8, 0.1 * 1e16, 1e16)
  near <- vgfm_couple(rbind(x, x), y, 0.1, 1)
  expect_equal(far$descendants, near$descendants, tolerance = 1e-7)
})

test_that("the number of threads does not change a bit", {
  set.seed(4)
  x <- matrix(rnorm(600), 300)
  y <- matrix(rnorm(800), 400)
  expect_identical(vgfm_couple(x, y, 0.05, 1, threads = 1),
                   vgfm_couple(x, y, 0.05, 1, threads = 2))
})

test_that("bad arguments are named", {
  x <- matrix(1:6 / 2, 3)
  expect_error(vgfm_couple(x, x[, 1], 1, 1), class = "vgfm_error_input")
  expect_error(vgfm_couple(x, x, 0, 1), class = "vgfm_error_input")
  expect_error(vgfm_couple(x, x, 1, -1), class = "vgfm_error_input")
  expect_error(vgfm_couple(x, x, 1, 1, a = c(1, 0, 1)), class = "vgfm_error_input")
  expect_error(vgfm_couple(x, x, 1, 1, b = 1:2), class = "vgfm_error_input")
  a <- cbind(a = 1:2, b = 3:4)
  expect_error(vgfm_couple(a, a[, 2:1], 1, 1), class = "vgfm_error_input")
  expect_error(vgfm_couple(x * NA, x, 1, 1), class = "vgfm_error_x")
})

# Two clusters; the second, of fewer cells, doubles.
blocky_cells <- function(n) {
  set.seed(6)
  kind <- rep(1:2, c(0.6, 0.4) * n)
  later <- c(kind, rep(2, 0.4 * n))
  place <- function(kind, shift) {
    cbind(4 * kind + shift + rnorm(length(kind)), rnorm(length(kind)))
  }
  list(x = rbind(place(kind, 0), place(later, 0.5)), kind = kind,
       time = rep(0:1, lengths(list(kind, later))))
}

test_that("blocks follow from the memory, and are whole where it suffices", {
  expect_equal(count_blocks(100, 200, 8 * 100 * 200), 1)
  expect_equal(count_blocks(100, 200, 8 * 100 * 200 - 1), 2)
  expect_equal(count_blocks(200000L, 200000L, 2^30), 2e5 / block_cells)
  expect_equal(count_blocks(4e4, 1e6, 2^30), 2e5 / block_cells)
  expect_equal(count_blocks(3, 1e12, 2^30), 3)
  fit <- small_fit(steps = 0)
  expect_equal(fit$couplings[[1]][c("method", "blocks")],
               list(method = "whole", blocks = 1))
  expect_equal(glance(small_fit(steps = 1))$blocks, 1)
})

# Dealt at random into B blocks, a neighbourhood of k sources and at least as many targets
# has k / B of each in a block, give or take sqrt(k / B): their ratio errs by
# sqrt(2 B / k), and the mean over blocks, whose errors are all but independent, by
# sqrt(2 / k). Strata make that less.
test_that("descendants in blocks are those of the whole, but for noise", {
  cells <- blocky_cells(1000)
  at <- function(memory) {
    fit <- vgfm_fit(cells$x, cells$time,
                    method = vgfm_method("vgfm", epsilon = 0.05, tau = 6),
                    control = small_control(steps = 0, memory = memory))
    fit$couplings[[1]]
  }
  whole <- at(1)
  parts <- at(0.001)
  expect_equal(c(whole$blocks, parts$blocks), c(1, 4))
  expect_equal(parts$method, "blocks")
  expect_lt(parts$residual, 1e-9)
  # Mass: 1400 / 1000 descendants for each source cell.
  expect_equal(sum(parts$descendants), 1400, tolerance = 1e-12)
  k <- 100
  first <- cells$x[cells$time == 0, ]
  near <- apply(as.matrix(stats::dist(first)), 1, function(d) order(d)[seq_len(k)])
  smooth <- function(r) colMeans(matrix(log(r)[near], k))
  error <- smooth(parts$descendants) - smooth(whole$descendants)
  expect_lt(sqrt(mean(error^2)), sqrt(2 / k))
  expect_gt(stats::sd(smooth(whole$descendants)), 2 * sqrt(2 / k))
  kinds <- function(r) tapply(log(r), cells$kind, mean)
  error <- kinds(parts$descendants) - kinds(whole$descendants)
  expect_lt(max(abs(error)), sqrt(2 / 400))
  expect_gt(diff(kinds(whole$descendants)), 8 * sqrt(2 / 400))
})

test_that("a fit in blocks has the same bits at any number of threads, and says so", {
  cells <- blocky_cells(1000)
  at <- function(threads) {
    set.seed(1)
    vgfm_fit(cells$x, cells$time,
             control = small_control(steps = 20, memory = 0.001, threads = threads))
  }
  one <- at(1)
  two <- at(2)
  expect_identical(one$couplings, two$couplings)
  expect_identical(one$field, two$field)
  expect_identical(vgfm_resume(two, steps = 20)$field, two$field)
  expect_output(print(one), "blocks +4 per coupling")
  expect_equal(summary(one)$couplings$blocks, 4)
})

test_that("a coupling beyond the solver is an error that says what to raise", {
  set.seed(1)
  x <- matrix(rnorm(40), 20)
  y <- matrix(rnorm(40), 20)
  expect_error(vgfm_couple(x, y, epsilon = 1e-13, tau = 1), "epsilon`, now 1e-13",
               class = "vgfm_error_convergence")
})

test_that("units of which squares are no numbers are refused, with the way out", {
  set.seed(1)
  x <- matrix(rnorm(40), 20)
  expect_error(vgfm_couple(1e160 * x, x, 1, 1), "constant", class = "vgfm_error_x")
  expect_error(vgfm_couple(1e-160 * x, x, 1e-320, 1), "constant",
               class = "vgfm_error_input")
  expect_error(coupling_semirelaxed(tau = 1e-310), class = "vgfm_error_method")
})

test_that("nearest cells are the same in every unit", {
  set.seed(1)
  x <- matrix(rnorm(40), 20)
  want <- nearest_cells(x, x + 1, 3, vgfm_control(progress = FALSE))
  for (unit in c(1e-300, 1e-160, 1e160)) {
    got <- nearest_cells(unit * x, unit * (x + 1), 3, vgfm_control(progress = FALSE))
    expect_identical(got$index, want$index)
    expect_equal(got$distance / unit, want$distance)
  }
})

test_that("couplings of all kinds are had alone", {
  set.seed(5)
  x <- matrix(rnorm(20), 10)
  y <- matrix(rnorm(24), 12) + 0.3
  exact <- vgfm_couple(x, y, coupling = coupling_exact(), plan = TRUE)
  expect_equal(rowSums(exact$plan), rep(1, 10))
  expect_equal(colSums(exact$plan), rep(10 / 12, 12))
  cost <- as.matrix(stats::dist(rbind(x, y)))[1:10, 11:22]^2
  expect_equal(sum(exact$plan * cost) / 10, vgfm_wasserstein(x, y, order = 2)^2)
  near <- vgfm_couple(x, y, coupling = coupling_entropic(1e-3), plan = TRUE)
  expect_equal(sum(near$plan * cost), sum(exact$plan * cost), tolerance = 1e-2)
  # The conditions of the optimum, on both sides.
  both <- vgfm_couple(x, y, coupling = coupling_unbalanced(2, 0.1), plan = TRUE)
  expect_equal(rowSums(both$plan), exp(-both$potential_source / 2), tolerance = 1e-7)
  # Entropy is relative to masses spread evenly, see core/transport/uot.h.
  unit <- sqrt(10 * 12) / (10 * 12)
  expect_equal(colSums(both$plan), exp((0.1 * log(unit) - both$potential_target) / 2),
               tolerance = 1e-7)
  expect_equal(both$row_sums, rowSums(both$plan), tolerance = 1e-9)
  cone <- coupling_unbalanced(epsilon = 0.1, cost = "log_cos", delta = 2)
  expect_equal(sum(vgfm_couple(x, y, coupling = cone, plan = TRUE)$plan),
               sum(vgfm_couple(x, y, coupling = cone)$column_sums), tolerance = 1e-9)
  expect_error(vgfm_couple(x, y, coupling = coupling_entropic()), "epsilon",
               class = "vgfm_error_method")
  expect_error(vgfm_couple(x, y, 1, 1, coupling = coupling_exact()),
               class = "vgfm_error_input")
  expect_error(vgfm_couple(x, y, coupling = "exact"), class = "vgfm_error_method")
})
