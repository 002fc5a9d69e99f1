# Four times, so that two can be left out.
bench_cells <- function() {
  cells <- small_cells()
  later <- cells$x[cells$time == 8, ] + rep(c(0.5, 0.2), each = 90)
  list(x = rbind(cells$x, later), time = c(cells$time, rep(11, 90)))
}

bench_mass <- c(1, 1.5, 4, 5)
bench_control <- function() small_control(steps = 20)

bench <- function(..., methods = "vgfm", mass = bench_mass) {
  cells <- bench_cells()
  vgfm_benchmark(cells$x, cells$time, mass, methods, ..., control = bench_control())
}

# One for all tests that look at a benchmark.
two_seeds <- local({
  made <- NULL
  function() {
    if (is.null(made)) made <<- bench(seeds = c(3, 7))
    made
  }
})

rows_of <- function(benchmark, method, part, seed = NULL) {
  table <- if (is.null(seed)) benchmark$table else benchmark$repeats
  keep <- table$method == method & table$part == part
  if (!is.null(seed)) keep <- keep & table$seed %in% seed
  table[keep, ]
}

same_figures <- function(found, expected, names, tolerance = 1e-9) {
  for (name in names) {
    expect_equal(found[[!!name]], expected[[!!name]], tolerance = tolerance)
  }
}

test_that("fitted rows are those of vgfm_fit() and vgfm_evaluate() after set.seed()", {
  cells <- bench_cells()
  for (seed in c(3, 7)) {
    set.seed(seed)
    fit <- vgfm_fit(cells$x, cells$time, bench_mass, control = bench_control())
    found <- rows_of(two_seeds(), "vgfm", "fitted", seed)
    expect_identical(found$time, c(4, 8, 11))
    same_figures(found, vgfm_evaluate(fit),
                 c("time", "label", "cells", "used", "w1", "floor", "rme", "rme_trained",
                   "spread"))
  }
})

test_that("times are left out as in vgfm_cv(), and controls are its naive ones", {
  cells <- bench_cells()
  for (time in c(4, 8)) {
    set.seed(7)
    row <- vgfm_cv(cells$x, cells$time, bench_mass, times = time,
                   control = bench_control())
    pick <- function(...) {
      rows <- rows_of(two_seeds(), ...)
      rows[rows$time == time, ]
    }
    same_figures(pick("vgfm", "time left out", 7), row,
                 c("cells", "used", "w1", "floor", "rme", "spread"))
    expect_equal(pick("hold", "time left out")$w1, row$w1_previous)
    expect_equal(pick("linear", "time left out")$w1, row$w1_straight)
    expect_equal(pick("counts", "time left out")$rme, row$rme_loglinear)
    expect_equal(pick("linear", "time left out")$rme, row$rme_loglinear)
  }
})

test_that("one half is fitted with the masses of the whole, the other judges", {
  cells <- bench_cells()
  snapshots <- new_snapshots(cells$x, cells$time, bench_mass)
  half <- first_half(snapshots)
  counts <- as.vector(table(cells$time, half)[, "TRUE"])
  expect_identical(counts, c(15L, 20L, 45L, 45L))
  expect_false(identical(which(half[1:30]), 1:15))
  set.seed(3)
  fit <- vgfm_fit(cells$x[half, ], cells$time[half], bench_mass,
                  control = bench_control())
  table <- vgfm_evaluate(fit, cells$x[!half, ], cells$time[!half])
  found <- rows_of(two_seeds(), "vgfm", "half left out", 3)
  same_figures(found, table, c("time", "cells", "used", "w1", "rme", "rme_trained",
                               "spread"))
  # The floor is that of halves of the whole.
  expect_identical(found$floor, rows_of(two_seeds(), "vgfm", "fitted", 3)$floor)
  # Straight lines end in the half that is fitted.
  apart <- vapply(c(4, 8, 11), function(time) {
    vgfm_wasserstein(cells$x[half & cells$time == time, ],
                     cells$x[!half & cells$time == time, ])
  }, 0)
  expect_equal(rows_of(two_seeds(), "linear", "half left out")$w1, apart,
               tolerance = 1e-9)
})

test_that("halves of odd numbers and of one cell lose no time", {
  x <- cbind(a = c(0, 1, 2, 5, 9, 9, 10), b = 1)
  snapshots <- new_snapshots(x, c(1, 1, 1, 2, 3, 3, 3))
  half <- first_half(snapshots)
  expect_identical(as.vector(tapply(half, snapshots$index, sum)), c(2L, 1L, 2L))
  cells <- split_cells(snapshots, list(part = "half left out", place = NA), NULL)
  expect_identical(cells$places, 3L)
  expect_identical(cells$snapshots$mass, snapshots$mass)
})

test_that("controls have closed forms at fitted times", {
  hold <- rows_of(two_seeds(), "hold", "fitted")
  before <- c(1, 1.5, 4)
  expect_equal(hold$rme, 1 - before / bench_mass[-1])
  cells <- bench_cells()
  moved <- vgfm_wasserstein(cells$x[cells$time == 8, ], cells$x[cells$time == 11, ])
  expect_equal(hold$w1[3], moved, tolerance = 1e-9)
  linear <- rows_of(two_seeds(), "linear", "fitted")
  expect_equal(linear$w1, c(0, 0, 0), tolerance = 1e-12)
  counts <- rows_of(two_seeds(), "counts", "fitted")
  expect_equal(counts$rme, c(0, 0, 0), tolerance = 1e-12)
  expect_identical(counts$w1, hold$w1)
  expect_identical(linear$repeats, rep(1L, 3))
  expect_identical(two_seeds()$table$naive, two_seeds()$table$method != "vgfm")
})

test_that("the table has means and standard deviations over the seeds", {
  table <- tidy(two_seeds())
  expect_identical(table, two_seeds()$table)
  expect_named(table, c("method", "naive", "part", "time", "label", "cells", "used", "w1",
                        "w1_sd", "floor", "rme", "rme_sd", "rme_trained",
                        "rme_trained_sd", "spread", "seconds", "repeats", "note"))
  expect_identical(nrow(table), 4L * (3L + 2L + 3L))
  one <- rows_of(two_seeds(), "vgfm", "half left out", 3)
  two <- rows_of(two_seeds(), "vgfm", "half left out", 7)
  both <- rows_of(two_seeds(), "vgfm", "half left out")
  expect_false(any(one$w1 == two$w1))
  for (figure in c("w1", "rme_trained", "spread", "seconds")) {
    expect_equal(both[[figure]], (one[[figure]] + two[[figure]]) / 2)
  }
  expect_equal(both$w1_sd, abs(one$w1 - two$w1) / sqrt(2))
  expect_identical(both$repeats, rep(2L, 3))
  expect_identical(both$label, c("4", "8", "11"))
  shown <- summary(two_seeds())
  row <- shown[shown$method == "vgfm" & shown$part == "half left out", ]
  expect_equal(row$w1, mean(both$w1))
  expect_equal(row$w1_sd, sd(c(mean(one$w1), mean(two$w1))))
  expect_identical(row$times, 3L)
})

# A method that is vgfm, but for what `fail`, a function of the key, does first. It is
# known by its tau.
broken <- list(broken = vgfm_method("vgfm", tau = 123))

with_failures <- function(fail, env = parent.frame()) {
  real <- fit_snapshots
  local_function("fit_snapshots", function(snapshots, method, control, call, key) {
    if (identical(method$coupling$tau, 123)) {
      fail(key)
      method <- vgfm_method("vgfm")
    }
    real(snapshots, method, control, call, key)
  }, env)
}

diverge <- function(...) {
  cli::cli_abort("Integration failed.", class = c("vgfm_error_not_finite", "vgfm_error"))
}

test_that("a method that fails says so, and the others go on", {
  with_failures(diverge)
  table <- bench(methods = c(broken, "vgfm"), parts = "fitted", seeds = 7)
  rows <- rows_of(table, "broken", "fitted")
  expect_identical(rows$note, rep("did not converge", 3))
  expect_identical(c(rows$w1, rows$rme, rows$spread, rows$seconds), rep(NA_real_, 12))
  expect_identical(rows$time, c(4, 8, 11))
  expect_identical(rows$repeats, rep(0L, 3))
  same_figures(rows_of(table, "vgfm", "fitted"),
               rows_of(two_seeds(), "vgfm", "fitted", 7), c("w1", "floor", "rme"))
  expect_output(print(table), "broken +-.*broken \\(fitted\\): did not converge")
  # Its mark in the figure stands in its row, of the five.
  said <- ggplot2::layer_data(autoplot(table), 5)
  expect_identical(said$label, "did not converge")
  expect_identical(as.integer(said$y), 5L)
})

test_that("means are of the repeats that gave figures, and the note says so", {
  with_failures(function(key) {
    if (identical(key, key_of_seed(7))) stop("no memory\nleft")
  })
  table <- bench(methods = broken, parts = "fitted", seeds = c(7, 3))
  rows <- rows_of(table, "broken", "fitted")
  same_figures(rows, rows_of(two_seeds(), "vgfm", "fitted", 3), c("w1", "rme", "spread"))
  expect_match(rows$note, "no memory (1 of 2 seeds)", fixed = TRUE)
  expect_identical(rows$repeats, rep(1L, 3))
  expect_identical(rows$w1_sd, rep(NA_real_, 3))
})

test_that("warnings of a fit become notes", {
  with_failures(function(key) {
    warn_vgfm("Odd.", class = "vgfm_warning_diverged")
    warn_vgfm(c("Very odd.", i = "See."))
  })
  expect_no_warning(table <- bench(methods = broken, parts = "fitted"))
  expect_match(rows_of(table, "broken", "fitted")$note,
               "^training diverged; Very odd.")
  checks <- data.frame(check = c("a", "b", "c"), passed = c(FALSE, TRUE, FALSE))
  expect_identical(checks_note(list(checks = checks)), "failed checks: a, c")
})

test_that("an interrupt of one fit ends the whole, and so does a time limit", {
  stop_now <- NULL
  with_failures(function(key) stop_now())
  run <- function() bench(methods = broken, parts = "fitted")
  stop_now <- function() warn_vgfm("Stop.", class = "vgfm_warning_interrupted")
  expect_identical(tryCatch(run(), interrupt = function(condition) "ended"), "ended")
  stop_now <- function() {
    setTimeLimit(elapsed = 0.01, transient = TRUE)
    repeat Sys.sleep(0.01)
  }
  expect_error(run(), "time limit")
})

test_that("the best of the methods is marked, and a better control named", {
  table <- two_seeds()
  table$table$method <- factor(table$table$method, c("vgfm", "hold", "linear", "counts"))
  set_w1 <- function(method, value) {
    table$table$w1[table$table$method == method] <<- value
  }
  set_w1("vgfm", 2)
  set_w1("hold", 3)
  set_w1("counts", 4)
  set_w1("linear", 2)
  expect_no_match(capture.output(print(table)), "No method beats .* in W1")
  shown <- summary(table)
  expect_identical(shown$best_w1, shown$method == "vgfm")
  set_w1("linear", 1)
  expect_output(print(table), "No method beats linear in W1 where a time is left out")
  expect_output(print(table), "No method beats linear in W1 where a half is left out")
  expect_no_match(capture.output(print(table)), "where a fitted")
  # A mean that lacks a time is none.
  table$table$w1[table$table$part == "time left out" & table$table$time == 8] <- NA
  shown <- summary(table)
  expect_identical(is.na(shown$w1), shown$part == "time left out")
  expect_false(any(shown$best_w1[shown$part == "time left out"]))
})

test_that("masses that were given are no merit of a method", {
  table <- data.frame(
    method = factor(c("a", "b", "hold")), naive = c(FALSE, FALSE, TRUE),
    part = factor(rep("fitted", 3)), rme = 0, rme_sd = 0,
    rme_trained = c(0.1, NA, NA), rme_trained_sd = 0
  )
  expect_identical(is_best(mass_tested(table), "mass_error"), c(TRUE, FALSE, FALSE))
  table$part <- factor(rep("time left out", 3))
  table$rme <- c(0.3, 0.2, 0)
  table$rme_trained <- NA_real_
  expect_identical(is_best(mass_tested(table), "mass_error"), c(FALSE, TRUE, FALSE))
})

test_that("every method runs, and those of one growth rate have no trained mass error", {
  learned <- setdiff(vgfm_methods()$method, naive_methods)
  expect_identical(learning_methods(), learned)
  table <- bench(methods = learned, seeds = 3)$table
  expect_identical(levels(table$method), c(learned, naive_methods))
  expect_false(anyNA(table$w1))
  rates <- vgfm_methods()
  unlearned <- table$method %in% rates$method[rates$growth != "learned"]
  inner <- table$part == "time left out"
  expect_identical(is.na(table$rme_trained), unlearned | inner)
  # Their masses are those that were given.
  given <- table$method %in% rates$method[rates$growth == "uniform"]
  expect_lt(max(table$rme[given & !inner]), 1e-3)
  # The controls are what vgfm_fit() and vgfm_evaluate() make of them.
  cells <- bench_cells()
  for (name in naive_methods) {
    fit <- vgfm_fit(cells$x, cells$time, bench_mass, method = name,
                    control = bench_control())
    found <- table[table$method == name & table$part == "fitted", ]
    same_figures(found, vgfm_evaluate(fit), c("w1", "rme", "spread", "floor"))
  }
})

test_that("the user's random numbers stay as they are, of any kind", {
  old <- RNGkind("L'Ecuyer-CMRG")
  on.exit(do.call(RNGkind, as.list(old)))
  set.seed(4)
  expected <- runif(2)
  set.seed(4)
  table <- bench(seeds = 3, parts = "fitted")
  expect_identical(runif(2), expected)
  same_figures(rows_of(table, "vgfm", "fitted"),
               rows_of(two_seeds(), "vgfm", "fitted", 3), c("w1", "rme_trained"))
})

# How many tasks are computed, of which kinds, while an expression is evaluated.
computed <- function(code, env = parent.frame()) {
  real <- run_task
  kinds <- character()
  local_function("run_task", function(task, ...) {
    kinds <<- c(kinds, task$kind)
    real(task, ...)
  })
  force(code)
  c(fit = sum(kinds == "fit"), floor = sum(kinds == "floor"))
}

timeless <- function(benchmark) {
  benchmark$table$seconds <- benchmark$repeats$seconds <- NULL
  benchmark
}

own_folder <- function(env = parent.frame()) {
  folder <- tempfile("benchmark")
  dir.create(folder)
  do.call(on.exit, list(bquote(unlink(.(folder), recursive = TRUE)), add = TRUE),
          envir = env)
  folder
}

test_that("results are the same in other processes", {
  skip_if_not_installed("future.apply")
  old <- future::plan("multisession", workers = 2)
  on.exit(future::plan(old))
  expect_true(futures_planned())
  folder <- own_folder()
  expect_no_warning(there <- bench(seeds = c(3, 7), resume_dir = folder))
  expect_identical(timeless(there), timeless(two_seeds()))
  # All was kept, and is read.
  local_function("run_task", function(...) stop("computed anew"))
  expect_identical(bench(seeds = c(3, 7), resume_dir = folder), there)
})

test_that("methods have parameters of their own, also of each interval", {
  cells <- bench_cells()
  folder <- own_folder()
  stiff <- vgfm_method("vgfm", tau = c(0.5, 30, 4), noise = 0.2)
  found <- bench(methods = list(stiff = stiff, vgfm = "vgfm"), seeds = 7,
                 parts = c("fitted", "time left out"), resume_dir = folder)
  expect_identical(levels(found$table$method),
                   c("stiff", "vgfm", "hold", "linear", "counts"))
  same_figures(rows_of(found, "vgfm", "fitted"),
               rows_of(two_seeds(), "vgfm", "fitted", 7), "w1")
  set.seed(7)
  fit <- vgfm_fit(cells$x, cells$time, bench_mass, method = stiff,
                  control = bench_control())
  same_figures(rows_of(found, "stiff", "fitted"), vgfm_evaluate(fit),
               c("w1", "rme_trained"))
  set.seed(7)
  row <- vgfm_cv(cells$x, cells$time, bench_mass, times = 8, method = stiff,
                 control = bench_control())
  left_out <- rows_of(found, "stiff", "time left out")
  same_figures(left_out[left_out$time == 8, ], row, c("w1", "rme"))
  # By another name it is the same, by another parameter it is not.
  again <- function(...) {
    stiff <- vgfm_method("vgfm", ..., noise = 0.2)
    computed(bench(methods = list(other = stiff), seeds = 7, parts = "fitted",
                   resume_dir = folder))[["fit"]]
  }
  expect_identical(again(tau = c(0.5, 30, 4)), 0L)
  expect_identical(again(tau = c(0.5, 30, 5)), 1L)
})

test_that("what is finished is read again, of the same data and settings alone", {
  folder <- own_folder()
  cells <- bench_cells()
  first <- NULL
  run <- function(methods = "vgfm", ..., control = bench_control(), x = cells$x,
                  mass = bench_mass) {
    vgfm_benchmark(x, cells$time, mass, methods, parts = "half left out", ...,
                   resume_dir = folder, control = control)
  }
  expect_identical(computed(first <- run()), c(fit = 4L, floor = 3L))
  expect_length(list.files(folder, all.files = TRUE, no.. = TRUE), 7)
  again <- NULL
  expect_identical(computed(again <- run()), c(fit = 0L, floor = 0L))
  expect_identical(again, first)
  # What changes no figure, another name, and an object that holds the same.
  threads <- small_control(steps = 20, threads = 1, progress = TRUE)
  same <- list(mine = "vgfm")
  expect_identical(computed(run(control = threads)), c(fit = 0L, floor = 0L))
  expect_identical(computed(run(methods = same)), c(fit = 0L, floor = 0L))
  expect_identical(computed(run(x = as.data.frame(cells$x))), c(fit = 0L, floor = 0L))
  # One more repeat, other settings, masses and cells.
  expect_identical(computed(run(seeds = 1:2)), c(fit = 1L, floor = 0L))
  expect_identical(computed(run(control = small_control(steps = 21))),
                   c(fit = 4L, floor = 3L))
  expect_identical(computed(run(mass = bench_mass + 1)), c(fit = 4L, floor = 3L))
  moved <- cells$x
  moved[250, 2] <- moved[250, 2] + 1e-12
  expect_identical(computed(run(x = moved)), c(fit = 4L, floor = 3L))
  # The first is still there.
  expect_identical(computed(again <- run()), c(fit = 0L, floor = 0L))
  expect_identical(again, first)
})

test_that("damaged files are computed anew", {
  folder <- own_folder()
  first <- bench(parts = "fitted", resume_dir = folder)
  files <- list.files(folder, full.names = TRUE)
  expect_length(files, 7)
  bytes <- readBin(files[1], raw(), 1e6)
  writeBin(bytes[seq_len(length(bytes) %/% 2)], files[1]) # torn
  writeLines("not R", files[2])
  writeBin(raw(), files[3])
  saveRDS(list(1), files[4])
  file.copy(files[6], files[5], overwrite = TRUE) # of another task
  changed <- readRDS(files[7])
  changed$result$rows[[3]] <- 0
  saveRDS(changed, files[7])
  again <- NULL
  expect_identical(sum(computed(again <- bench(parts = "fitted", resume_dir = folder))),
                   6L)
  expect_identical(timeless(again), timeless(first))
  expect_identical(sum(computed(bench(parts = "fitted", resume_dir = folder))), 0L)
})

test_that("failures of a method are kept, others tried again", {
  folder <- own_folder()
  how <- diverge
  with_failures(function(key) how())
  run <- function() bench(methods = broken, parts = "fitted", resume_dir = folder)
  run()
  expect_identical(computed(run())[["fit"]], 0L)
  unlink(dir(folder, full.names = TRUE))
  how <- function() stop("no memory")
  run()
  expect_identical(computed(run()), c(fit = 1L, floor = 0L))
})

test_that("a folder that cannot be written to costs no result", {
  folder <- own_folder()
  local_function("write_whole", function(...) stop("The disk is full."))
  warned <- 0
  withCallingHandlers(
    table <- bench(parts = "fitted", seeds = c(3, 7), resume_dir = folder),
    vgfm_warning_checkpoint = function(warning) {
      warned <<- warned + 1
      rlang::cnd_muffle(warning)
    }
  )
  expect_gt(warned, 0)
  same_figures(rows_of(table, "vgfm", "fitted"), rows_of(two_seeds(), "vgfm", "fitted"),
               c("w1", "rme"))
})

test_that("progress goes to progressr where somebody listens", {
  skip_if_not_installed("progressr")
  expect_false(progressr_listens())
  amount <- 0
  count <- progressr::make_progression_handler("count", reporter = list(
    update = function(config, state, progression, ...) amount <<- state$step
  ), enable = TRUE, intrusiveness = 0, interval = 0)
  progressr::with_progress(bench(parts = "fitted"), handlers = count, enable = TRUE)
  expect_gte(amount, 6) # of seven tasks, the last may end it
})

test_that("objects, dates and a column of times are taken as by vgfm_fit()", {
  cells <- bench_cells()
  table <- data.frame(cells$x, day = as.Date("2024-01-01") + cells$time)
  found <- vgfm_benchmark(table, "day", bench_mass, "vgfm", seeds = 3,
                          parts = "time left out", control = bench_control())
  expect_identical(unique(found$table$time), as.Date("2024-01-01") + c(4, 8))
  same_figures(rows_of(found, "vgfm", "time left out"),
               rows_of(two_seeds(), "vgfm", "time left out", 3), c("w1", "rme"),
               tolerance = 1e-6)
  skip_if_not_installed("SingleCellExperiment")
  sce <- SingleCellExperiment::SingleCellExperiment(
    list(logcounts = t(cells$x)), colData = data.frame(day = cells$time)
  )
  colnames(sce) <- paste0("cell", seq_len(ncol(sce)))
  suppressMessages(
    found <- vgfm_benchmark(sce, "day", bench_mass, "vgfm", features = c("a", "b"),
                            seeds = 3, parts = "fitted", control = bench_control())
  )
  same_figures(rows_of(found, "vgfm", "fitted"),
               rows_of(two_seeds(), "vgfm", "fitted", 3), c("w1", "rme_trained"))
  sce$donor <- rep(c("a", "b"), length.out = ncol(sce))
  expect_error(
    suppressMessages(vgfm_benchmark(sce, "day", features = c("a", "b"),
                                    split_by = "donor")),
    class = "vgfm_error_split_by"
  )
})

test_that("of two times none is left out", {
  cells <- bench_cells()
  two <- cells$time < 8
  run <- function(...) {
    vgfm_benchmark(cells$x[two, ], cells$time[two], 1:2, "vgfm", ...,
                   control = bench_control())
  }
  expect_message(table <- run(), class = "vgfm_message_parts")
  expect_identical(levels(table$table$part), c("fitted", "half left out"))
  expect_error(run(parts = "time left out"), class = "vgfm_error_time")
})

test_that("the figure has a point for each figure and a line for each floor", {
  figure <- autoplot(two_seeds())
  table <- two_seeds()$table
  floors <- ggplot2::layer_data(figure, 1)
  expect_identical(nrow(floors), 8L)
  expect_equal(sort(floors$xintercept^2), sort(table$floor[table$method == "vgfm"]))
  naive <- ggplot2::layer_data(figure, 2)
  expect_equal(sort(naive$x^2), sort(table$w1[table$naive]))
  expect_identical(unique(naive$colour), "grey60")
  points <- ggplot2::layer_data(figure, 4)
  expect_equal(sort(points$x^2), sort(table$w1[!table$naive]))
  expect_identical(unique(round(points$y)), 4) # on top
  bars <- ggplot2::layer_data(figure, 3)
  width <- sort(bars$xmax^2 - bars$xmin^2)
  expect_equal(width, sort(2 * table$w1_sd[!table$naive]))
  mass <- ggplot2::layer_data(autoplot(two_seeds(), type = "rme"), 3)
  shown <- ifelse(table$part == "time left out", table$rme, table$rme_trained)
  expect_equal(sort(mass$x^2), sort(shown[!table$naive]))
})

test_that("bad arguments are named", {
  error <- expect_error(bench(methods = "nonsense"), class = "vgfm_error_method")
  expect_identical(error$arg, "methods")
  expect_error(bench(methods = list(vgfm_control())), class = "vgfm_error_method")
  expect_error(bench(methods = list(a = vgfm_method(tau = 1:2))),
               class = "vgfm_error_input")
  expect_error(bench(methods = list()), class = "vgfm_error_method")
  expect_error(bench(methods = c("vgfm", "vgfm")), class = "vgfm_error_method")
  expect_error(bench(methods = c(hold = "vgfm")), class = "vgfm_error_method")
  expect_error(bench(methods = c(linear = "hold")), class = "vgfm_error_method")
  expect_error(bench(parts = "half"), class = "vgfm_error_input")
  expect_error(bench(parts = character()), class = "vgfm_error_input")
  for (seeds in list(1.5, c(1, 1), NA, "1", numeric(), 1e12)) {
    error <- expect_error(bench(seeds = seeds), class = "vgfm_error_input")
    expect_identical(error$arg, "seeds")
  }
  error <- expect_error(bench(resume_dir = "no/such/folder"), class = "vgfm_error_input")
  expect_identical(error$arg, "resume_dir")
  expect_error(bench(steps = 5), class = "vgfm_error_argument")
  expect_error(bench(mass = 1:3), class = "vgfm_error_mass")
  expect_error(autoplot(two_seeds(), type = "w2"), class = "vgfm_error_input")
})

test_that("error texts name what there is", {
  # Whatever methods there are.
  listed <- function(lines) sub("one of .*, not", "one of (all methods), not", lines)
  expect_snapshot(error = TRUE, transform = listed, {
    vgfm_benchmark(diag(3), 1:3, methods = "nonsense")
    vgfm_benchmark(diag(3), 1:3, methods = c(hold = "vgfm"))
    vgfm_benchmark(diag(3), 1:3, methods = c("vgfm", "vgfm"))
    vgfm_benchmark(diag(3), 1:3, parts = "half")
    vgfm_benchmark(diag(3), 1:3, seeds = 0.5)
  })
})

test_that("many cells are compared by samples of one size, which the floor shares", {
  snapshots <- list(counts = c(6000, 8000, 9000))
  size <- function(part, place) split_size(snapshots, list(part = part), place)
  expect_identical(size("fitted", 2), sample_size(6000, 8000))
  expect_identical(size("time left out", 2), sample_size(15000, 8000))
  expect_identical(size("half left out", 3), sample_size(3000, 4500))
  expect_true(is.finite(size("fitted", 2)) && is.infinite(size("half left out", 3)))
})
