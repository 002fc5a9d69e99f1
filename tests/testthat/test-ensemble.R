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
  workers <- parallel::makePSOCKcluster(2)
  parallel::clusterCall(workers, .libPaths, .libPaths())
  stop <- substitute(try(parallel::stopCluster(w), silent = TRUE), list(w = workers))
  do.call(on.exit, list(stop, add = TRUE), envir = envir)
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
  at <- cbind(as.character(growth$time), as.character(growth$group))
  mean_rate <- function(one, x = cells[c("a", "b")], time = cells$time) {
    tapply(predict(one, x, time, "growth"), list(cells$time, cells$kind), mean)[at]
  }
  rates <- vapply(1:3, function(b) mean_rate(vgfm_replicate(here(), b)),
                  numeric(nrow(growth)))
  width <- sqrt(rowSums((rates - growth$growth)^2) / 2) * qt(0.9, 2)

  # And what all replicates have in common: half an interval on, and back.
  fit <- small_fit()
  moved <- function(by) {
    x <- cells[c("a", "b")]
    for (day in 0:2) {
      own <- cells$time == day
      x[own, ] <- predict(fit, x[own, ], day, "state", to = day + by[day + 1])
    }
    mean_rate(fit, x, cells$time + by[cells$time + 1])
  }
  rate <- mean_rate(fit)
  resolved <- pmax(abs(moved(c(0.5, 0.5, 0)) - rate), abs(moved(c(0, -0.5, -0.5)) - rate))
  # And how smooth the field is; gaps are 1.
  left <- unlist(lapply(fit$couplings, `[[`, "descendants"))
  coupled <- log(tapply(left, list(rep(0:1, each = 60), cells$kind[1:120]), mean))
  coupled <- rbind(coupled, "2" = c(NA, NA))
  smoothed <- ifelse(is.na(coupled[at]), 0, coupled[at] - rate)
  width <- sqrt(width^2 + resolved^2 + smoothed^2)
  expect_true(all(resolved > 0) && any(smoothed != 0))
  expect_equal(growth$growth_low, growth$growth - width, tolerance = 1e-6)
  expect_equal(growth$growth_high, growth$growth + width, tolerance = 1e-6)
  expect_identical(attr(growth, "replicates"), 3L)
  expect_identical(growth$growth, vgfm_growth(fit, cells$kind)$growth)
})

# A band of draws (rows, replicates).
band_of <- function(estimate, draws, ...) {
  band(estimate, rowSums((draws - estimate)^2, na.rm = TRUE), rowSums(!is.na(draws)),
       ncol(draws), ...)
}

test_that("bands keep to shares and amounts, and need half of the replicates", {
  drawn <- matrix(c(0.1, 0.8, 0.9, 1, 0.5, 0.7), 2)
  shares <- band_of(c(0.5, 1), drawn, 0.9, "share")
  expect_identical(shares[[1]][1], 0)
  expect_identical(shares[[2]], c(1, 1))
  amounts <- band_of(c(0.5, 1), drawn, 0.9, "mass")
  expect_identical(amounts[[1]][1], 0)
  rates <- band_of(c(0.5, 1), drawn, 0.9, "growth")
  expect_lt(rates[[1]][1], 0)
  expect_identical(amounts[[2]], rates[[2]])
  expect_true(all(rates[[2]] > 1))
  some <- band_of(c(1, 1), rbind(c(1, 2, NA, NA), c(1, NA, NA, NA)), 0.9)
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
  set.seed(1)
  wide <- cbind(cells[c("a", "b")], matrix(rnorm(nrow(cells) * 48), nrow(cells)))
  wide <- stats::setNames(wide, paste0("f", 1:50))
  fit <- suppressMessages(vgfm_fit(wide, cells$time, mass = c(1, 2, 4),
                                   control = small_control(steps = 2, width = 4)))
  one <- make_ensemble(fit = fit)$replicates[[1]]
  # Rows, and some numbers of each cell from couplings: far less than 50 features.
  numbers <- function(x) sum(rapply(unclass(x), length, how = "unlist"))
  weights <- numbers(lapply(one$fit$field$heads, `[[`, "weights"))
  expect_lt(numbers(one) - weights, 10 * nrow(cells))
})

test_that("the result does not depend on the plan", {
  skip_on_cran()
  skip_if_not_installed("future")
  with_plan("sequential", expect_same(make_ensemble()))
  with_plan(future::tweak("multisession", workers = 2), {
    expect_true(pool_planned())
    # Random numbers beside the keys would warn.
    expect_no_warning(there <- make_ensemble())
  })
  expect_same(there)
  workers <- local_workers()
  with_plan(future::tweak("cluster", workers = workers), expect_same(make_ensemble()))
})

test_that("what a worker that dies half-way had is made by another one", {
  skip_on_cran()
  skip_on_os("windows")
  skip_if_not_installed("future")
  workers <- local_workers(dying = 1)
  with_plan(future::tweak("cluster", workers = workers), {
    expect_warning(there <- make_ensemble(), "no result for 1 replicate",
                   class = "vgfm_warning_worker")
    expect_same(there)
    # The dead one stays away; nobody waits for it.
    expect_no_warning(again <- make_ensemble())
  })
  expect_same(again)
})

test_that("without a living worker replicates are made here", {
  skip_on_cran()
  skip_on_os("windows")
  skip_if_not_installed("future")
  workers <- local_workers(dying = 1:2)
  with_plan(future::tweak("cluster", workers = workers), {
    expect_warning(there <- make_ensemble(), class = "vgfm_warning_worker")
  })
  expect_same(there)
})

test_that("the number of threads changes nothing", {
  fit <- small_fit()
  fit$control$threads <- 2L
  two <- make_ensemble(fit = fit)
  expect_identical(without_seconds(two)$replicates, without_seconds(here())$replicates)
})

# Calls of fit_replicate() during `code`.
count_fits <- function(code, before = function(count) NULL) {
  count <- 0
  original <- fit_replicate
  local_function("fit_replicate", function(...) {
    count <<- count + 1
    before(count)
    original(...)
  })
  force(code)
  count
}

test_that("an interrupted ensemble goes on from what its folder has", {
  folder <- tempfile()
  on.exit(unlink(folder, recursive = TRUE))
  stop_at <- function(n) function(count) if (count == n) rlang::interrupt()
  ended <- tryCatch(count_fits(make_ensemble(resume_dir = folder), stop_at(3)),
                    interrupt = function(condition) "interrupted")
  expect_identical(ended, "interrupted")
  expect_length(list.files(folder, "replicate"), 2)
  # The key of the folder counts, not the new seed.
  done <- count_fits(again <- make_ensemble(resume_dir = folder, seed = 99))
  expect_identical(done, 1)
  expect_same(again)
  expect_identical(count_fits(make_ensemble(resume_dir = folder)), 0)
  # A damaged file is made again.
  files <- list.files(folder, "replicate", full.names = TRUE)
  writeBin(readBin(files[1], "raw", 100), files[1])
  kept <- readRDS(files[2])
  kept$replicate$fit$field$heads$velocity$weights <- "a"
  saveRDS(kept, files[2])
  expect_identical(count_fits(again <- make_ensemble(resume_dir = folder)), 2)
  expect_same(again)
  expect_length(list.files(folder, all.files = TRUE, no.. = TRUE), 4)
})

test_that("a folder of another ensemble, or none, is refused", {
  folder <- tempfile()
  on.exit(unlink(folder, recursive = TRUE))
  make_ensemble(resume_dir = folder, replicates = 2)
  set.seed(3)
  other <- suppressMessages(vgfm_fit(cells[c("a", "b")], cells$time, mass = c(1, 2, 4),
                                     control = small_control(steps = 40)))
  expect_error(make_ensemble(fit = other, resume_dir = folder),
               class = "vgfm_error_resume")
  expect_error(make_ensemble(resume_dir = folder, effort = "fast"),
               class = "vgfm_error_resume")
  writeLines("no", file.path(folder, "ensemble.rds"))
  expect_error(make_ensemble(resume_dir = folder), "damaged",
               class = "vgfm_error_resume")
  expect_error(make_ensemble(resume_dir = 3), class = "vgfm_error_input")
  expect_error(make_ensemble(resume_dir = file.path(folder, "ensemble.rds")),
               class = "vgfm_error_resume")
})

test_that("a replicate that cannot be kept is not lost", {
  skip_on_os("windows")
  folder <- tempfile()
  on.exit(unlink(folder, recursive = TRUE))
  full <- function(object, file) {
    if (grepl("replicate", file)) stop("The disk is full.")
    saveRDS(object, file)
  }
  local_function("write_whole", full)
  warnings <- capture_warnings(there <- make_ensemble(resume_dir = folder))
  expect_length(warnings, 3)
  expect_match(warnings, "The disk is full")
  expect_same(there)
})

test_that("single failures are left out, many are an error", {
  failing <- function(which) {
    count <- 0
    original <- run_matching
    function(...) {
      count <<- count + 1
      if (count %in% which) stop("no memory")
      original(...)
    }
  }
  local_function("run_matching", failing(2))
  expect_warning(two <- make_ensemble(), "no memory", class = "vgfm_warning_replicates")
  expect_length(two$replicates, 2)
  expect_identical(two$failed, 1L)
  expect_identical(nrow(tidy(two)), 2L)
  expect_identical(glance(two)$failed, 1L)
  local_function("run_matching", failing(1:2))
  expect_error(make_ensemble(), "no memory", class = "vgfm_error_ensemble")
})

test_that("tables and print say what there is", {
  table <- tidy(here())
  expect_named(table, c("replicate", "cells", "tau", "w1", "seconds", "checks_failed",
                        "problems"))
  expect_identical(table$cells, c(90L, 90L, 90L))
  checks <- here()$replicates[[2]]$fit$checks
  expect_identical(table$w1[2], checks$value[checks$check == "W1"])
  one <- glance(here())
  expect_identical(one$replicates, 3L)
  expect_equal(one$seconds, sum(table$seconds))
  said <- capture.output(print(here()), type = "output")
  expect_match(said[1], "3 replicates of a fit of 180 cells")
  fit <- small_fit()
  fit$identified$identified <- c(TRUE, FALSE)
  set.seed(1)
  expect_message(one <- vgfm_ensemble(fit, 2), "between 1 and 2",
                 class = "vgfm_message_growth")
  expect_match(capture.output(print(one)), "NOT told from motion between 1 and 2",
               all = FALSE)
  fit$identified$identified <- c(TRUE, TRUE)
  expect_no_message(vgfm_ensemble(fit, 2))
})

test_that("a damaged ensemble is refused, whatever is damaged", {
  whole <- here()
  expect_null(ensemble_fault(whole))
  refused <- function(ensemble) {
    expect_error(vgfm_growth(ensemble), class = "vgfm_error_fit")
    expect_error(tidy(ensemble), class = "vgfm_error_fit")
  }
  refused(replace(whole, "format", list(99L)))
  refused(replace(whole, "fit", list(1)))
  refused(replace(whole, "replicates", list(list())))
  refused(structure(1, class = "vgfm_ensemble"))
  parts <- list(rows = c(whole$replicates[[1]]$rows[-1], 1000L), key = c(-1, 2),
                rows = rep(1L, 90), rows = 1:60, seconds = "a", tau = c(-1, 2),
                fit = NULL, problems = 1)
  for (i in seq_along(parts)) {
    damaged <- whole
    damaged$replicates[[2]][names(parts)[i]] <- parts[i]
    refused(damaged)
  }
  damaged <- whole
  damaged$replicates[[1]]$fit$field$heads$growth$weights <- 1:3
  error <- expect_error(vgfm_replicate(damaged, 1), class = "vgfm_error_fit")
  expect_match(conditionMessage(error), "replicates[[1]]$fit$field", fixed = TRUE)
  damaged <- whole
  damaged$replicates[[1]]$fit$couplings[[1]]$descendants <- numeric(3)
  refused(damaged)
})

test_that("arguments are checked", {
  expect_error(vgfm_ensemble(1), class = "vgfm_error_fit")
  expect_error(vgfm_ensemble(small_fit(), 1), class = "vgfm_error_input")
  expect_error(vgfm_ensemble(small_fit(), effort = "low"), class = "vgfm_error_input")
  expect_error(vgfm_ensemble(small_fit(), plan = 2), class = "vgfm_error_argument")
  expect_error(vgfm_ensemble(here()), class = "vgfm_error_fit")
  expect_error(vgfm_replicate(small_fit(), 1), class = "vgfm_error_fit")
  expect_error(vgfm_replicate(here(), 4), class = "vgfm_error_input")
  expect_error(vgfm_growth(here(), level = 1), class = "vgfm_error_input")
  half <- small_fit()
  half$control$steps <- 80L
  expect_error(vgfm_ensemble(half), "vgfm_resume", class = "vgfm_error_fit")
  set.seed(1)
  naive <- suppressMessages(vgfm_fit(cells[c("a", "b")], cells$time, method = "linear"))
  expect_error(vgfm_ensemble(naive), "learns nothing", class = "vgfm_error_fit")
})

test_that("replicates may try less than the fit", {
  set.seed(1)
  fit <- suppressMessages(vgfm_fit(
    cells[c("a", "b")], cells$time, mass = c(1, 2, 4),
    control = vgfm_control(steps = 20, refine_steps = 8, width = 8, depth = 1,
                           progress = FALSE)
  ))
  ensemble <- make_ensemble(fit = fit, replicates = 2)
  expect_silent(vgfm_replicate(ensemble, 1))
  control <- replicate_control(fit, "fast", NULL)
  expect_identical(control$refine_steps, 0)
  expect_identical(control$steps, 700)
  expect_identical(control$width, fit$control$width)
})

test_that("awkward data: few cells, rare kinds, dates, other methods, a prior", {
  set.seed(4)
  few <- cells[unlist(lapply(split(seq_len(180), cells$time), sample, 7)), ]
  fit <- suppressMessages(suppressWarnings(vgfm_fit(
    few[c("a", "b")], as.Date("2024-03-01") + few$time,
    control = small_control(steps = 10)
  )))
  ensemble <- suppressWarnings(make_ensemble(fit = fit))
  # A kind of one cell: half of the replicates have it, growth is that of its place.
  kind <- c("rare", rep("common", 20))
  growth <- vgfm_growth(ensemble, kind)
  expect_s3_class(growth$time, "Date")
  expect_identical(sum(growth$group == "rare"), 1L)
  expect_true(all(is.finite(growth$growth_low)))

  other <- suppressMessages(vgfm_fit(cells[c("a", "b")], cells$time, method = "ot_cfm",
                                     control = small_control(steps = 10)))
  set.seed(1)
  expect_message(ensemble <- vgfm_ensemble(other, 2), "does not learn which cells grow",
                 class = "vgfm_message_growth")
  expect_null(ensemble$replicates[[1]]$tau)
  expect_error(vgfm_growth(ensemble), class = "vgfm_error_no_growth")

  noisy <- suppressMessages(vgfm_fit(cells[c("a", "b")], cells$time, method = "sf2m",
                                     control = small_control(steps = 10)))
  ensemble <- make_ensemble(fit = noisy, replicates = 2)
  expect_identical(dim(predict(vgfm_replicate(ensemble, 2), type = "score")),
                   c(90L, 2L))

  prior <- suppressMessages(vgfm_fit(
    cells[c("a", "b")], cells$time, mass = c(1, 2, 4),
    control = small_control(steps = 10),
    growth_prior = ifelse(cells$kind == "still", 0, 1)
  ))
  ensemble <- make_ensemble(fit = prior, replicates = 2)
  expect_identical(nrow(vgfm_replicate(ensemble, 1)$prior), 2L)
})

# The band that replicates give by themselves, not below `least`.
expect_band <- function(low, high, value, of_replicate, tolerance = 1e-8,
                        least = -Inf) {
  drawn <- vapply(1:3, function(b) as.vector(of_replicate(vgfm_replicate(here(), b))),
                  numeric(length(value)))
  width <- sqrt(rowSums((drawn - as.vector(value))^2) / 2) * qt(0.95, 2)
  expect_true(any(width > 0))
  expect_equal(as.vector(low), pmax(as.vector(value) - width, least),
               tolerance = tolerance)
  expect_equal(as.vector(high), as.vector(value) + width, tolerance = tolerance)
}

test_that("predict() gives what a fit gives, with the ends of bands", {
  at <- data.frame(a = c(0, 6, 3), b = c(0.5, 1, 1.5))
  for (type in c("velocity", "growth", "state")) {
    plain <- predict(small_fit(), at, 0.5, type)
    value <- predict(here(), at, 0.5, type)
    ends <- attributes(value)[c("low", "high")]
    expect_identical(dim(ends$low), dim(plain))
    expect_identical(dimnames(ends$high), dimnames(plain))
    expect_band(ends$low, ends$high, plain, function(one) predict(one, at, 0.5, type))
    attributes(value) <- attributes(plain)
    expect_identical(value, plain)
  }
  weight <- predict(here(), at, 0.5, "weight", to = 2, level = 0.5)
  expect_true(all(attr(weight, "low") >= 0))
  expect_identical(attr(weight, "level"), 0.5)
  expect_identical(dim(predict(here())), dim(small_fit()$snapshots$x))
  expect_error(predict(here(), type = "score"), class = "vgfm_error_score")
  expect_error(predict(here(), to = 2), class = "vgfm_error_argument")
})

test_that("augment() has bands of each cell, also of those without a time", {
  data <- data.frame(cells[c(1, 40, 80), c("a", "b")], day = c(0, NA, 1))
  out <- augment(here(), data, data$day)
  plain <- augment(small_fit(), data, data$day)
  expect_identical(data.frame(out[names(plain)]), plain)
  expect_true(is.na(out$vgfm_growth_low[2]))
  expect_band(out$vgfm_speed_low[-2], out$vgfm_speed_high[-2], out$vgfm_speed[-2],
              function(one) augment(one, data, data$day)$vgfm_speed[-2], least = 0)
  expect_identical(nrow(augment(here())), nrow(cells))
})

test_that("masses of groups have bands, and are those of the population", {
  out <- vgfm_masses(here(), cells$kind, times = c(0.5, 2))
  plain <- vgfm_masses(small_fit(), cells$kind, times = c(0.5, 2))
  expect_equal(data.frame(out[names(plain)]), plain, ignore_attr = TRUE)
  expect_identical(levels(plain$group), c("total", "growing", "still"))
  # The parts of a time add up; between times the population is the interpolated one, at
  # them that of the snapshot.
  expect_equal(plain$mass[c(1, 4)], plain$mass[c(2, 5)] + plain$mass[c(3, 6)])
  expect_equal(plain$mass[1], sum(vgfm_interpolate(small_fit(), 0.5)$weight))
  expect_equal(plain$mass[4:6], c(4, 2, 2))
  expect_equal(plain$observed, c(NA, NA, NA, 4, 2, 2))
  expect_identical(sum(is.na(out$mass_low)), 0L)
  # A group that one replicate lacks still has a band.
  rare <- ifelse(seq_len(180) == here()$replicates[[1]]$rows[1], "rare", cells$kind)
  expect_true(all(is.finite(vgfm_masses(here(), rare, 0)$mass_low)))
  expect_error(vgfm_masses(here(), times = 3), class = "vgfm_error_time")
})

test_that("bands of masses contain what nobody saw between times", {
  fit <- small_fit()
  fit$snapshots$mass <- c(1, 3, 4)
  ensemble <- here()
  ensemble$fit <- fit
  out <- vgfm_masses(ensemble, times = 0.25)
  drawn <- vapply(1:3, function(b) {
    sum(vgfm_interpolate(vgfm_replicate(ensemble, b), 0.25)$weight)
  }, 0)
  width <- sqrt(sum((drawn - out$mass)^2) / 2) * qt(0.95, 2)
  # From before, and from after: it is their mean on the scale of logarithms.
  forth <- sum(vgfm_interpolate(fit, 0.25, from = "nearest")$weight)
  back <- exp((log(out$mass) - 0.75 * log(forth)) / 0.25)
  # The natural spline through three points: its second derivative at the middle one is
  # that of the parabola times 3/2, and falls to 0 at the ends.
  middle <- 1.5 * (log(4) - 2 * log(3) + log(1))
  bow <- middle / 6 * (0.25^3 - 0.25)
  relative <- max(abs(log(back / forth)) / 2, abs(bow))
  width <- sqrt(width^2 + (out$mass * (exp(relative) - 1))^2)
  expect_equal(out$mass_high - out$mass, width, tolerance = 1e-6)
  # Groups: by the labels of one time or of the next.
  kind <- c(rep("young", 60), rep(c("p", "q"), 60))
  young <- function(times) {
    table <- vgfm_masses(here(), kind, times)
    table[table$group == "young", ]
  }
  expect_lt(max(young(c(0, 1))$mass_high[2], young(1)$mass_high), 1e-9)
  half <- young(0.5)
  expect_gte(half$mass_high - half$mass, half$mass * 0.99)
  expect_equal(half$mass_low, 0, tolerance = 0.02)
})

test_that("paths and populations of the same cells have bands", {
  from <- data.frame(a = c(0, 6), b = 0)
  paths <- vgfm_trajectories(here(), from, 0, times = c(0, 1, 2))
  plain <- vgfm_trajectories(small_fit(), from, 0, times = c(0, 1, 2))
  expect_equal(data.frame(paths[names(plain)]), plain, ignore_attr = TRUE)
  expect_band(paths$b_low, paths$b_high, plain$b, function(one) {
    vgfm_trajectories(one, from, 0, times = c(0, 1, 2))$b
  })
  expect_identical(nrow(vgfm_trajectories(here(), n = 4, times = 1)), 4L)

  set.seed(1)
  some <- vgfm_interpolate(here(), c(0.5, 1), n = 5)
  set.seed(1)
  plain <- vgfm_interpolate(small_fit(), c(0.5, 1), n = 5)
  expect_equal(data.frame(some[names(plain)]), plain, ignore_attr = TRUE)
  expect_true(all(some$a_low <= some$a & some$a <= some$a_high))
  expect_equal(some$a_low[some$time == 1], some$a[some$time == 1]) # seen, not predicted
  expect_error(vgfm_interpolate(here(), 1, stochastic = TRUE), "paths with noise",
               class = "vgfm_error_input")
})

test_that("evaluation has bands of what replicates make of the same cells", {
  out <- vgfm_evaluate(here())
  plain <- vgfm_evaluate(small_fit())
  expect_equal(data.frame(out[names(plain)]), plain, ignore_attr = TRUE)
  start <- cells[cells$time == 0, c("a", "b")]
  expect_band(out$spread_low, out$spread_high, plain$spread, function(one) {
    moved <- lapply(1:2, function(to) list(
      x = predict(one, start, 0, "state", to), w = predict(one, start, 0, "weight", to)
    ))
    vapply(1:2, function(k) {
      total_variance(moved[[k]]$x, moved[[k]]$w) /
        total_variance(as.matrix(cells[cells$time == k, c("a", "b")]))
    }, 0)
  }, tolerance = 1e-4)
})

test_that("level is checked of a fit as of an ensemble", {
  fit <- small_fit()
  asks <- list(
    vgfm_growth, vgfm_masses, vgfm_dead_ends, vgfm_growth_genes, vgfm_jacobian,
    vgfm_regulation, vgfm_trajectories, vgfm_evaluate,
    function(fit, ...) vgfm_fates(fit, fit$snapshots$time, ...),
    function(fit, ...) vgfm_ancestors(fit, fit$snapshots$time, ...),
    function(fit, ...) vgfm_fate_genes(fit, fit$snapshots$time, ...),
    function(fit, ...) vgfm_fixed_points(fit, 1, starts = 2, ...),
    function(fit, ...) vgfm_perturb(fit, c(a = 0.1), ...),
    function(fit, ...) vgfm_interpolate(fit, 1.5, ...)
  )
  for (ask in asks) {
    error <- expect_error(suppressMessages(ask(fit, level = 1)), "level",
                          class = "vgfm_error_input")
    expect_no_match(deparse(error$call)[1], "answer")
  }
})

test_that("cells of one name have bands of their own", {
  new <- unname(small_fit()$snapshots$x[c(1, 25, 58), ])
  ask <- function(new) suppressMessages(vgfm_fates(here(), cells$kind, new, time = 0))
  named <- ask(structure(new, dimnames = list(rep("cell", 3), c("a", "b"))))
  expect_equal(named[-1], ask(new)[-1], ignore_attr = TRUE)
})

test_that("a fit without training, and a list of fits, have no ensemble", {
  untrained <- suppressMessages(vgfm_fit(cells[c("a", "b")], cells$time,
                                         control = small_control(steps = 0)))
  expect_error(vgfm_ensemble(untrained, 2), "not complete", class = "vgfm_error_fit")
  several <- structure(list(a = untrained, b = untrained), class = "vgfm_list")
  expect_error(vgfm_ensemble(several, 2), "one by one", class = "vgfm_error_fit")
  expect_error(vgfm_growth(several), "one by one", class = "vgfm_error_fit")
  expect_error(vgfm_identifiability(here()), "ensemble\\$fit", class = "vgfm_error_fit")
})

test_that("predictions of no cells are empty, with empty bands", {
  none <- small_fit()$snapshots$x[0, ]
  for (type in c("velocity", "growth", "state", "weight")) {
    value <- predict(here(), none, 0, type)
    plain <- predict(small_fit(), none, 0, type)
    expect_equal(value, plain, ignore_attr = TRUE)
    expect_identical(dim(attr(value, "low")), dim(plain))
  }
})

test_that("features have bands of their own, whatever they are called", {
  named <- function(names) {
    x <- stats::setNames(cells[c("a", "b")] + 5, names)
    set.seed(1)
    fit <- suppressMessages(vgfm_fit(x, cells$time, mass = c(1, 2, 4),
                                     control = small_control(steps = 20)))
    make_ensemble(fit = fit, replicates = 2)
  }
  plain <- named(c("a", "b"))
  odd <- named(c("share", "speed"))
  for (ask in list(function(x) vgfm_trajectories(x, n = 3, times = 0:2),
                   function(x) vgfm_interpolate(x, 1.5))) {
    expect_equal(unname(as.list(ask(odd))), unname(as.list(ask(plain))))
  }
})

test_that("bands of what is shifted keep to what shares and masses can be", {
  table <- suppressWarnings(suppressMessages(
    vgfm_perturb(here(), c(a = 0.1), group = cells$kind, level = 0.999)
  ))
  for (name in c("mass", "mass_shifted", "ratio", "share", "share_shifted")) {
    low <- table[[paste0(name, "_low")]]
    expect_true(all(low >= 0 | is.na(low)), info = name)
  }
  expect_true(all(table$share_shifted_high <= 1))
})
