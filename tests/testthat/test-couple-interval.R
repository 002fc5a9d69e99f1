# A problem as interval_problem() makes it: two clusters, the second of which doubles.
two_clusters <- function(n = 60, scale = 1, apart = 6) {
  set.seed(11)
  kind <- rep(1:2, n / 2)
  later <- c(kind, rep(2, n / 2))
  cells <- function(kind, shift) {
    rbind(apart * kind + shift + 0.3 * rnorm(length(kind)), 0.3 * rnorm(length(kind)))
  }
  list(x = cells(kind, 0), y = cells(later, 0.2), a = rep(1, n),
       b = rep(1, length(later)), scale = scale, interval = 1, kind = kind)
}

effort <- list(tolerance = 1e-9, threads = 1)

every_coupling <- function() {
  list(
    exact = new_part("coupling", "exact"),
    minibatch = new_part("coupling", "exact", minibatch = 20),
    entropic = new_part("coupling", "entropic", epsilon = 0.05),
    semirelaxed = new_part("coupling", "semirelaxed", tau = 2, epsilon = 0.05),
    unbalanced = new_part("coupling", "unbalanced", tau = 2, epsilon = 0.05,
                          cost = "squared"),
    log_cos = new_part("coupling", "unbalanced", epsilon = 0.01, cost = "log_cos",
                       delta = 1)
  )
}

test_that("every kind of coupling gives the same record", {
  problem <- two_clusters()
  for (kind in names(every_coupling())) {
    found <- couple_interval(every_coupling()[[kind]], problem, effort)
    relaxed <- kind %in% c("unbalanced", "log_cos")
    grows <- relaxed || kind == "semirelaxed"
    expect_equal(sum(found$descendants), if (grows) 90 else 60, tolerance = 1e-6)
    expect_identical(is.null(found$gain_source), !grows)
    expect_identical(is.null(found$gain_target), !relaxed)
    expect_gt(found$square, 0)
    expect_equal(found$alone, c(0, 0))
    expect_identical(found$tau == Inf, !grows)
    expect_null(found$sums)
    expect_identical(found$plan[c("n", "m")], list(n = 60, m = 90))
    expect_equal(sum(found$column_sums), sum(found$row_sums), tolerance = 1e-9)
  }
})

test_that("balanced couplings move mass between clusters, the others do not", {
  problem <- two_clusters()
  mean_of <- function(coupling) {
    found <- couple_interval(coupling, problem, effort)
    c(tapply(found$descendants, problem$kind, mean), square = found$square)
  }
  found <- vapply(every_coupling(), mean_of, numeric(3))
  # Balanced: a quarter of one cluster goes over a distance of 6 at the square of it.
  balanced <- found[, c("exact", "entropic")]
  expect_equal(unname(balanced[1:2, ]), matrix(1, 2, 2), tolerance = 1e-6)
  expect_equal(unname(balanced["square", ]), rep(36 / 6, 2), tolerance = 0.15)
  relaxed <- found[, c("semirelaxed", "unbalanced", "log_cos")]
  expect_equal(unname(relaxed[1:2, ]), matrix(1:2, 2, 3), tolerance = 0.01)
  expect_lt(max(relaxed["square", ]), 0.5)
})

test_that("a minibatch is worse than the plan of all cells, and named as such", {
  problem <- two_clusters()
  all <- couple_interval(new_part("coupling", "exact"), problem, effort)
  part <- couple_interval(new_part("coupling", "exact", minibatch = 20), problem, effort)
  whole <- couple_interval(new_part("coupling", "exact", minibatch = 90), problem, effort)
  expect_gt(part$cost, all$cost)
  expect_identical(whole$cost, all$cost)
  expect_equal(c(all$method, part$method, whole$method), c("whole", "minibatch", "whole"))
  expect_null(part$potential_source)
  # The cost is the least there is: that of the exact distance.
  distance <- vgfm_wasserstein(t(problem$x), t(problem$y), order = 2)
  expect_equal(all$cost / 60, distance^2, tolerance = 1e-9)
})

test_that("couplings scale with the unit of the cells", {
  problem <- two_clusters()
  for (kind in names(every_coupling())) {
    user <- every_coupling()[[kind]]
    units <- c(tau = 9, epsilon = 9, delta = 3)
    for (name in intersect(names(user), names(units))) {
      user[[name]] <- user[[name]] * units[[name]]
    }
    expect_equal(couple_interval(user, replace(problem, "scale", 3), effort),
                 couple_interval(every_coupling()[[kind]], problem, effort))
  }
})

test_that("parameters go by interval", {
  coupling <- new_part("coupling", "semirelaxed", tau = c(1, 8), epsilon = 2)
  expect_equal(coupling_numbers(coupling, 2, 2), list(epsilon = 0.5, tau_source = 2))
  expect_equal(coupling_numbers(coupling, 2, 1)$tau_source, 0.25)
  log_cos <- new_part("coupling", "unbalanced", epsilon = 1, cost = "log_cos", delta = 3)
  expect_equal(coupling_numbers(log_cos, 3, 2),
               list(epsilon = 1 / 9, tau_source = 4, tau_target = 4, delta = 1))
})

test_that("masses of cells are taken as they are", {
  problem <- two_clusters()
  problem$b <- seq(0.5, 1.5, length.out = 90)
  found <- couple_interval(every_coupling()$unbalanced, problem, effort)
  expect_equal(sum(found$descendants), 90)
  expect_equal(found$sums, cumsum(problem$b) / 90)
  expect_equal(found$gain_target, log(problem$b / found$column_sums))
})

test_that("cells out of reach are counted, and refused where all are", {
  problem <- two_clusters()
  problem$x[, 1] <- 100
  problem$y[, 90] <- -100
  coupling <- every_coupling()$log_cos
  found <- couple_interval(coupling, problem, effort)
  expect_equal(found$alone, c(1, 1))
  expect_equal(found$descendants[1], 0)
  expect_equal(found$gain_source[1], log(least_descendants))
  expect_equal(found$gain_target[90], -log(least_descendants))
  expect_equal(found$sums[89:90], c(1, 1))
  problem$x <- problem$x + 1000
  expect_error(couple_interval(coupling, problem, effort), "delta",
               class = "vgfm_error_reach")
})

test_that("exact couplings are whole whatever the memory, others come in blocks", {
  problem <- two_clusters()
  little <- c(effort, memory = 8 * 60 * 90 / 4)
  blocks <- vapply(every_coupling(), function(coupling) {
    couple_interval(coupling, problem, little)$blocks
  }, 0)
  expect_equal(unname(blocks), c(1, 1, 2, 2, 2, 2))
})

test_that("entropic couplings of as many sources as targets are solved", {
  # Nearly permutations: weak links alone hold their parts together.
  for (seed in 1:4) {
    set.seed(seed)
    n <- c(100, 150, 60, 200)[seed]
    d <- c(3, 2, 50, 5)[seed]
    problem <- list(x = matrix(rnorm(n * d), d), y = matrix(rnorm(n * d), d) + 0.4,
                    a = rep(1, n), b = rep(1, n), scale = 1, interval = 1)
    for (epsilon in c(0.03, 0.01, 0.002) * d) {
      out <- couple_interval(coupling_entropic(epsilon), problem, effort, keep = FALSE)
      expect_lt(max(abs(out$row_sums - 1)), 1e-5)
      expect_equal(out$column_sums, rep(1, n), tolerance = 1e-12)
    }
  }
})
