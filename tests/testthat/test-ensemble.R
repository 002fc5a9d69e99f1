# Two kinds of cells, of which one grows; some cells at three times.
two_kinds <- function(n = 60) {
  set.seed(2)
  kind <- rep(c("still", "growing"), each = n / 2)
  cells <- lapply(c(0, 1, 2), function(time) {
    data.frame(time = time, kind = kind, a = rnorm(n) + 6 * (kind == "growing"),
               b = rnorm(n) + time)
  })
  do.call(rbind, cells)
}

cells <- two_kinds()

small_fit <- once(function() {
  set.seed(1)
  suppressMessages(vgfm_fit(cells[c("a", "b")], cells$time, mass = c(1, 2, 4),
                            control = small_control(steps = 40)))
})

# Without what no two runs have alike.
without_seconds <- function(ensemble) {
  ensemble$replicates <- lapply(ensemble$replicates, function(replicate) {
    replicate[["seconds"]] <- NULL
    replicate$fit$seconds <- NULL
    replicate
  })
  ensemble
}

make_ensemble <- function(..., fit = small_fit(), replicates = 3, seed = 5) {
  force(fit) # which may draw random numbers
  set.seed(seed)
  suppressMessages(vgfm_ensemble(fit, replicates, ...))
}
here <- once(function() make_ensemble())

# The same as an ensemble made in this process.
expect_same <- function(ensemble, other = here()) {
  expect_identical(without_seconds(ensemble), without_seconds(other))
}

with_plan <- function(plan, code) {
  old <- future::plan(plan)
  on.exit(future::plan(old))
  code
}

# Two processes with this package; the `dying` ones end half-way through a fit.
local_workers <- function(dying = integer(), envir = parent.frame()) {
  workers <- parallelly::makeClusterPSOCK(2, autoStop = FALSE)
  withr_defer <- function(expr) do.call(on.exit, list(expr, add = TRUE), envir = envir)
  withr_defer(substitute(try(parallel::stopCluster(w), silent = TRUE),
                         list(w = workers)))
  if (length(dying) > 0) {
    parallel::clusterCall(workers[dying], function() {
      space <- asNamespace("vgfm")
      unlockBinding("run_matching", space)
      assign("run_matching", function(...) tools::pskill(Sys.getpid(), 9), space)
      NULL
    })
  }
  workers
}

test_that("the same seed gives the same ensemble, another one another", {
  expect_same(make_ensemble())
  other <- make_ensemble(seed = 6)
  expect_false(identical(other$replicates[[1]]$field, here()$replicates[[1]]$fit$field))
  expect_false(identical(other$key, here()$key))
  # More replicates are those, and more.
  more <- make_ensemble(replicates = 4)
  expect_identical(without_seconds(more)$replicates[1:3],
                   without_seconds(here())$replicates)
  # One key is drawn, whatever the number of replicates.
  after <- vapply(2:3, function(replicates) {
    make_ensemble(replicates = replicates)
    runif(1)
  }, 0)
  expect_identical(after[1], after[2])
})

test_that("halves have half of each time, and those of a split have all cells", {
  s <- small_fit()$snapshots
  first <- here()$replicates[[1]]$rows
  second <- here()$replicates[[2]]$rows
  expect_setequal(c(first, second), seq_len(nrow(s$x)))
  expect_length(intersect(first, second), 0)
  expect_identical(tabulate(s$index[first]), c(30L, 30L, 30L))
  expect_false(identical(here()$replicates[[3]]$rows, first))
  # One cell or two of a time are in both; of an odd number, one is.
  index <- c(1L, 2L, 2L, rep(3L, 5))
  halves <- lapply(1:2, function(b) half_of_cells(index, c(1, 2), b))
  expect_identical(lapply(halves, function(rows) tabulate(index[rows])),
                   list(c(1L, 2L, 3L), c(1L, 2L, 3L)))
  expect_setequal(unlist(halves), seq_along(index))
})

test_that("a replicate is the fit of its cells by the choices of the whole", {
  fit <- small_fit()
  one <- here()$replicates[[2]]
  method <- fit$method
  method$coupling$tau <- one$tau
  plan <- replicate_plan(fit, here()$key, 2, lowest_tau(fit))
  expect_identical(plan[c("rows", "tau", "key")], one[c("rows", "tau", "key")])
  direct <- suppressWarnings(run_stages(
    replicate_snapshots(fit$snapshots, one$rows), method, fit$control,
    fit[c("identified", "scan", "bend")], one$key, call = NULL
  ))
  again <- vgfm_replicate(here(), 2)
  expect_s3_class(again, "vgfm")
  for (part in c("couplings", "field", "checks", "method", "snapshots")) {
    expect_identical(again[[part]], direct[[part]])
  }
  expect_identical(predict(again, type = "growth"), predict(direct, type = "growth"))
  expect_identical(vgfm_evaluate(again), vgfm_evaluate(direct))
})

test_that("tau lies within the plateau, or within the documented share", {
  set.seed(1)
  cells <- vgfm_simulate_gene_network()
  control <- small_control(steps = 20)
  fit <- suppressMessages(vgfm_fit(cells[-1], cells$time, control = control))
  told <- fit$identified$identified
  expect_true(any(told) && any(!told))
  lowest <- lowest_tau(fit)
  share <- lowest / fit$method$coupling$tau
  expect_equal(share[!told], rep(least_tau_share, sum(!told)))
  for (k in which(told)) {
    plateau <- plateau_range(fit$scan[fit$scan$interval == k, ], fit$identified$tau[k])
    expect_gte(lowest[k], plateau[1] * (1 - 1e-12))
    expect_lte(lowest[k], plateau[2])
  }
  drawn <- vapply(1:200, function(b) replicate_plan(fit, c(1, 2), b, lowest)$tau,
                  numeric(length(told)))
  expect_true(all(drawn >= lowest & drawn <= fit$method$coupling$tau))
  # Even on the scale of logarithms: mean 1/2, its standard error 0.02.
  even <- log(drawn[!told, ] / lowest[!told]) / -log(least_tau_share)
  expect_lt(abs(mean(even) - 0.5), 0.08)
  # What the user has set stays.
  fixed <- vgfm_method("vgfm", tau = 7)
  fit <- suppressMessages(vgfm_fit(cells[-1], cells$time, method = fixed,
                                   control = control))
  expect_null(lowest_tau(fit))
})

test_that("what is derived from tau follows it where mass changes at both ends", {
  set.seed(1)
  fit <- suppressMessages(vgfm_fit(cells[c("a", "b")], cells$time, mass = c(1, 2, 4),
                                   method = "wfr_fm", control = small_control(steps = 5)))
  lowest <- lowest_tau(fit)
  expect_true(all(lowest < fit$method$coupling$tau))
  method <- replicate_method(fit$method, lowest)
  expect_equal(method$coupling$tau, 4 * method$coupling$delta^2)
  expect_equal(method$coupling$epsilon, unbalanced_entropy * lowest)
  expect_identical(method$path$delta, method$coupling$delta)
})

test_that("bands are the mean square difference of replicates, times Student's t", {
  growth <- vgfm_growth(here(), cells$kind, level = 0.8)
  rates <- vapply(1:3, function(b) {
    one <- vgfm_replicate(here(), b)
    own <- predict(one, cells[c("a", "b")], cells$time, "growth")
    tapply(own, list(cells$time, cells$kind), mean)[cbind(
      as.character(growth$time), as.character(growth$group)
    )]
  }, numeric(nrow(growth)))
  width <- sqrt(rowSums((rates - growth$growth)^2) / 2) * qt(0.9, 2)
  expect_equal(growth$growth_low, growth$growth - width)
  expect_equal(growth$growth_high, growth$growth + width)
  expect_identical(attr(growth, "replicates"), 3L)
  expect_identical(growth$growth, vgfm_growth(small_fit(), cells$kind)$growth)
})

test_that("bands keep to shares and amounts, and need half of the replicates", {
  drawn <- matrix(c(0.1, 0.8, 0.9, 1, 0.5, 0.7), 2)
  shares <- band(c(0.5, 1), drawn, 0.9, "share")
  expect_identical(shares[[1]][1], 0)
  expect_identical(shares[[2]], c(1, 1))
  amounts <- band(c(0.5, 1), drawn, 0.9, "mass")
  expect_identical(amounts[[1]][1], 0)
  rates <- band(c(0.5, 1), drawn, 0.9, "growth")
  expect_lt(rates[[1]][1], 0)
  expect_identical(amounts[[2]], rates[[2]])
  expect_true(all(rates[[2]] > 1))
  some <- band(c(1, 1), rbind(c(1, 2, NA, NA), c(1, NA, NA, NA)), 0.9)
  expect_true(is.finite(some[[1]][1]))
  expect_identical(some[[1]][2], NA_real_)
})

test_that("rows of replicates are found by their keys, in any order", {
  ask <- function(one, rows) {
    n <- length(rows)
    table <- data.frame(time = c(0.1 + 0.2, 7, 1e5), n = n * (1:3))
    if (n < nrow(cells)) table[c(3, 1, 2), ] else table
  }
  out <- answer(here(), 0.9, ask, "time", "n")
  # Halves say 90, 180 and 270 of the whole's 180, 360 and 540.
  expect_equal(out$n_high - out$n, sqrt(3 / 2) * 90 * (1:3) * qt(0.95, 2))
  expect_named(out, c("time", "n", "n_low", "n_high"))
})

test_that("replicates whose fields lead nowhere are left out of a band", {
  asked <- 0
  failing <- function(which) function(one, rows) {
    if (length(rows) < nrow(cells)) {
      asked <<- asked + 1
      if (asked %in% which) {
        cli::cli_abort("far", class = c("vgfm_error_not_finite", "vgfm_error"))
      }
    }
    data.frame(time = 1, n = length(rows))
  }
  out <- answer(here(), 0.9, failing(2), "time", "n")
  expect_identical(attr(out, "replicates"), 2L)
  asked <- 0
  expect_error(answer(here(), 0.9, failing(1:2), "time", "n"),
               class = "vgfm_error_ensemble")
})

test_that("what there is to say of a question is said once", {
  ask <- function(one, rows) {
    warn_vgfm("outside", class = "vgfm_warning_extrapolation")
    data.frame(time = 1, n = length(rows))
  }
  said <- 0
  withCallingHandlers(answer(here(), 0.9, ask, "time", "n"), warning = function(warning) {
    said <<- said + 1
    tryInvokeRestart("muffleWarning")
  })
  expect_identical(said, 1)
})

test_that("an ensemble holds no copies of the cells", {
  small <- function(ensemble) as.numeric(object.size(ensemble$replicates))
  set.seed(1)
  wide <- cbind(cells[c("a", "b")], matrix(rnorm(nrow(cells) * 48), nrow(cells)))
  wide <- stats::setNames(wide, paste0("f", 1:50))
  fit <- suppressMessages(vgfm_fit(wide, cells$time, mass = c(1, 2, 4),
                                   control = small_control(steps = 2, width = 4)))
  one <- make_ensemble(fit = fit)$replicates[[1]]
  # Rows and what couplings have of each cell: far less than half of 50 features.
  per_cell <- as.numeric(object.size(one) - object.size(one$fit$field)) / nrow(cells)
  expect_lt(as.numeric(object.size(one$fit$couplings[[1]]$descendants)), 8 * 31 + 60)
  matrices <- Filter(function(part) is.matrix(part) && nrow(part) > 10,
                     rapply(one, identity, how = "unlist"))
  expect_length(matrices, 0)
  expect_identical(sum(rapply(one, function(x) if (is.matrix(x)) length(x) else 0,
                              how = "unlist")), 0)
})
