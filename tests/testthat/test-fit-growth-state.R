# Islands far apart that grow by factors of their own, at three times.
growing_islands <- function(first, second, n = 300, seed = 1) {
  set.seed(seed)
  share <- rep(1 / 3, 3)
  x <- NULL
  kind <- NULL
  mass <- 1
  for (factor in list(1, first, second)) {
    share <- share * factor
    mass <- c(mass, mass[1] * sum(share))
    at <- rep(1:3, round(n * share / sum(share)))
    kind <- c(kind, list(at))
    x <- rbind(x, matrix(stats::rnorm(2 * length(at)), ncol = 2) + cbind(20 * at, 0))
  }
  list(x = x, time = rep(0:2, lengths(kind)), kind = unlist(kind), mass = mass[-1])
}

fit_islands <- function(cells, ..., method = "vgfm") {
  set.seed(1)
  vgfm_fit(cells$x, cells$time, cells$mass, method = method,
           control = vgfm_control("fast", ...))
}

test_that("growth is a property of the state, unless the data say that it changes", {
  same <- fit_islands(growing_islands(c(2, 1, 1 / 3), c(2, 1, 1 / 3)))
  expect_true(all(same$identified$identified))
  expect_false(same$method$growth$time)
  expect_equal(same$field$heads$growth$shape$inputs, 2)

  # Where islands stop growing, both halves are found.
  cells <- growing_islands(c(2, 1, 1 / 3), c(1, 1, 1))
  stops <- fit_islands(cells)
  expect_true(stops$method$growth$time)
  first <- cells$time == 0
  before <- predict(stops, cells$x[first, ], 0, "growth")
  after <- predict(stops, cells$x[first, ], 1.5, "growth")
  by_kind <- function(g) as.vector(tapply(g, cells$kind[first], mean))
  expect_lt(max(abs(by_kind(before) - log(c(2, 1, 1 / 3)))), 0.15)
  expect_lt(max(abs(by_kind(after))), 0.15)
  # The user's word counts.
  by_state <- fit_islands(cells, method = vgfm_method("vgfm", time = FALSE))
  expect_false(by_state$method$growth$time)
})

test_that("a change in one of many intervals is enough", {
  set.seed(1)
  counts <- rbind(c(50, 100, 200, 200, 200), c(400, 283, 200, 141, 100))
  x <- do.call(rbind, lapply(seq_len(5), function(k) {
    n <- sum(counts[, k])
    matrix(stats::rnorm(2 * n), n) + rep(rep(c(0, 20), counts[, k]), 2)
  }))
  fit <- vgfm_fit(x, rep(0:4, colSums(counts)), control = vgfm_control(steps = 0))
  expect_true(all(fit$identified$identified))
  expect_true(fit$method$growth$time)
})

test_that("so it does where the growth of all changes alike", {
  cells <- growing_islands(c(2, 2, 2), c(1, 1, 1))
  expect_true(fit_islands(cells, steps = 0)$method$growth$time)
})

test_that("rates of a state are means over the nearest sources, whatever their day", {
  cells <- growing_islands(c(2, 1, 1 / 3), c(2, 1, 1 / 3), n = 90)
  fit <- fit_islands(cells, steps = 0)
  s <- fit$snapshots
  sources <- source_rates(s, fit$couplings, 1:2)
  query <- standard_cells(s$x, c(1L, 100L, 200L), s)
  found <- state_rate(sources, query, fit$control)
  rate <- c(log(fit$couplings[[1]]$descendants), log(fit$couplings[[2]]$descendants))
  rate <- pmax(rate, log(least_descendants))
  k <- ceiling(length(rate) / 10)
  by_hand <- apply(query, 2, function(q) {
    mean(rate[order(colSums((sources$x - q)^2))[seq_len(k)]])
  })
  expect_equal(found$rate, by_hand)
  expect_true(all(found$trust > 0 & found$trust <= 1))
  # A cell far from all others is not trusted.
  expect_lt(state_rate(sources, query + 1e3, fit$control)$trust[1], 1e-3)
})

test_that("what growth is taught is the mean of neighbours, and keeps the mass", {
  cells <- growing_islands(c(2, 1, 1 / 3), c(2, 1, 1 / 3), n = 90)
  fit <- fit_islands(cells, steps = 0)
  taught <- local_growth(fit$snapshots, fit$couplings, fit$control)
  descendants <- fit$couplings[[1]]$descendants
  expect_equal(sum(exp(taught[[1]])), sum(descendants), tolerance = 0.03)
  x <- fit$snapshots$x[fit$snapshots$index == 1, ]
  near <- order(rowSums(sweep(x, 2, x[7, ])^2))[1:9]
  expect_equal(taught[[1]][7], log(mean(descendants[near])))
})

test_that("intervals that tell nothing hardly count, if others tell", {
  # A cloud that moves, then two islands of which one grows.
  set.seed(2)
  at <- function(n, m) matrix(stats::rnorm(2 * n), n) + rep(c(m, 0), each = n)
  x <- rbind(at(200, 0), at(100, 2), at(100, 22), at(60, 2), at(240, 22))
  fit <- vgfm_fit(x, rep(0:2, c(200, 200, 300)), control = vgfm_control(steps = 0))
  told <- fit$identified$identified
  expect_equal(told[2], TRUE)
  problem <- problem_of(fit)
  expect_equal(problem$trust, ifelse(told | !any(told), 1, 0.02))
  neither <- c(FALSE, FALSE)
  couplings <- couple_snapshots(fit$snapshots, fit$method, fit$control, neither, NULL)
  problem <- new_problem(fit$snapshots, couplings, fit$method, fit$control, neither)
  expect_equal(problem$trust, c(1, 1))
})

test_that("a course may begin with one cell, or with copies of one", {
  set.seed(1)
  later <- matrix(stats::rnorm(600), 300) + rep(c(0, 1), each = 150)
  time <- rep(1:2, each = 150)
  for (copies in c(1, 20)) {
    x <- rbind(matrix(0, copies, 2), later)
    fit <- suppressWarnings(vgfm_fit(
      x, c(rep(0, copies), time), rep(1, 3),
      control = vgfm_control("fast", steps = 50)
    ), classes = "vgfm_warning_small")
    expect_true(all(is.finite(predict(fit, type = "growth"))))
  }
  # Sources far from a cell say nothing of it; one at its place does.
  sources <- list(x = matrix(0, 2, 5), rate = rep(1, 5))
  found <- growth_of_state(sources, cbind(c(0, 0), c(9, 9)), 2, vgfm_control())
  expect_equal(found$trust, c(1, 0))
  expect_equal(found$log_descendants, c(0, 0))
})
