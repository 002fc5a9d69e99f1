# Two small sets of one's own, one of two times and one of three.
paper_toys <- function() {
  cells <- small_cells()
  early <- cells$time < 8
  list(
    pair = list(x = cells$x[early, ], time = cells$time[early]),
    three = data.frame(cells$x, time = cells$time)
  )
}

# One method of each kind: growth, none, and one with a price for each of two intervals.
paper_methods <- list("vgfm", cfm = "ot_cfm", priced = vgfm_method("vgfm", tau = c(1, 2)))

paper <- function(..., methods = paper_methods, data = paper_toys()) {
  suppressMessages(
    vgfm_benchmark_paper(methods, data, ..., control = small_control(steps = 20))
  )
}

two_sets <- local({
  made <- NULL
  function() {
    if (is.null(made)) made <<- paper(seeds = c(3, 7))
    made
  }
})

paper_row <- function(table, set, method) {
  table[table$set == set & table$method == method, ]
}

# What vgfm_benchmark() gives for the set of three times.
run_of_three <- function() {
  toys <- paper_toys()
  suppressMessages(vgfm_benchmark(
    toys$three[1:2], toys$three$time, methods = paper_methods, parts = "fitted",
    control = small_control(steps = 5)
  ))
}

test_that("each set has the figures of vgfm_benchmark(), as means over times", {
  toys <- paper_toys()
  alone <- suppressMessages(vgfm_benchmark(
    toys$three[1:2], toys$three$time, methods = paper_methods, parts = "fitted",
    seeds = c(3, 7), control = small_control(steps = 20)
  ))
  table <- tidy(two_sets())
  expect_identical(table, two_sets()$table)
  expect_identical(levels(table$set), c("pair", "three"))
  expect_identical(levels(table$method), c("vgfm", "cfm", "priced", naive_methods))
  expect_identical(nrow(table), 2L * 6L)
  found <- table[table$set == "three", ]
  means <- summary(alone)
  for (figure in c("w1", "w1_sd", "floor", "spread")) {
    expect_equal(found[[!!figure]], means[[!!figure]])
  }
  expect_identical(found$naive, means$naive)
  # The mass error is that before masses were corrected.
  expect_equal(found$rme, means$rme_trained)
  expect_equal(found$rme_corrected, means$rme)
  expect_gt(paper_row(table, "three", "vgfm")$rme, 1e-3)
  expect_lt(paper_row(table, "three", "vgfm")$rme_corrected, 1e-9)
  expect_identical(is.na(found$rme), !found$method %in% c("vgfm", "priced"))
  times <- two_sets()$times
  expect_equal(times$w1[times$set == "three"], alone$table$w1)
  expect_identical(names(times), c("set", setdiff(names(alone$table), "part")))
  expect_identical(sum(two_sets()$repeats$set == "three"), nrow(alone$repeats))
})

test_that("a refusal is the reason in the cell, and the others go on", {
  table <- two_sets()$table
  row <- paper_row(table, "pair", "priced")
  expect_match(row$reason, "tau.*one for each of the 1 intervals, not 2 of them")
  expect_identical(c(row$w1, row$rme, row$spread, row$seconds), rep(NA_real_, 4))
  expect_identical(row$repeats, 0L)
  others <- table[!(table$set == "pair" & table$method == "priced"), ]
  expect_true(all(is.finite(c(others$w1, others$floor, others$spread))))
  expect_true(all(is.na(others$reason)))
  expect_identical(others$repeats, ifelse(others$naive, 1L, 2L))
  expect_output(print(two_sets()), "priced +refused \\[[0-9]\\] ")
  expect_output(print(two_sets()), "\\] priced \\(pair\\): `tau` must be")
  # Above the row of the method, in the panel of the set.
  said <- ggplot2::layer_data(autoplot(two_sets()), 4)
  expect_identical(said$label, "refused")
  expect_identical(as.integer(said$PANEL), 1L)
})

test_that("errors while fitting are reasons, and warnings are notes", {
  real <- fit_snapshots
  local_function("fit_snapshots", function(snapshots, method, ...) {
    if (identical(method$coupling$tau, c(1, 2))) {
      abort_input(c("Densities cannot work here.", i = "Reduce."),
                  class = "vgfm_error_method")
    }
    if (method$name == "ot_cfm") {
      cli::cli_abort("Failed.", class = c("vgfm_error_not_finite", "vgfm_error"))
    }
    warn_vgfm("Odd.", class = "vgfm_warning_diverged")
    real(snapshots, method, ...)
  })
  table <- expect_no_warning(paper(data = paper_toys()["three"]))
  expect_identical(table$table$reason[2:3],
                   c("did not converge", "Densities cannot work here."))
  expect_match(table$table$note[1], "^training diverged")
  expect_identical(is.na(table$table$w1), 1:6 %in% 2:3)
  expect_output(print(table), "cfm +did not converge")
  expect_output(print(table), "\\] priced \\(three\\): Densities cannot work here.")
})

test_that("published figures stand beside the sets of the paper, and no others", {
  shown <- function(own) {
    run <- list(run = run_of_three(), refused = list())
    new_paper_table(list(dyngen = run), two_sets()$methods, 3, small_control(), own)$table
  }
  # A method goes by what it is: `cfm` is ot_cfm.
  expect_identical(shown(FALSE)$published_w1, c(.420, 3.926, .420, NA, NA, NA))
  expect_identical(shown(FALSE)$published_rme, c(.053, NA, .053, NA, NA, NA))
  expect_true(all(is.na(shown(TRUE)$published_w1)))
  expect_true(all(is.na(two_sets()$table$published_source)))
  published <- published_figures()
  expect_setequal(published$set, names(paper_sets))
  expect_true(all(is.na(published$w1) == (published$note %in% "did not converge")))
  expect_identical(anyDuplicated(published[c("set", "method")]), 0L)
})

test_that("published figures are in brackets, with the digits of the paper", {
  run <- list(run = run_of_three(), refused = list())
  table <- new_paper_table(list(dyngen = run), two_sets()$methods, 3, small_control(),
                           FALSE)
  expect_output(print(table), "vgfm +[0-9.]+ / [0-9.]+ .*\\(0.420 / 0.053\\)")
  expect_output(print(table), "cfm +[0-9.]+ / - .*\\(3.926 / -\\)")
  diamonds <- ggplot2::layer_data(autoplot(table), 3)
  expect_equal(diamonds$x, sqrt(c(.420, 3.926, .420)))
})

test_that("all methods that learn are the default, and published ones are known", {
  expect_named(check_methods(NULL, NULL),
               c(setdiff(vgfm_methods()$method, naive_methods), naive_methods))
  expect_true(all(published_figures()$method %in%
                    c(learning_methods(), "ot_mfm", "udsb", "tigon", "deepruot")))
})

test_that("the Gaussian set is the same in every call, and leaves the user's numbers", {
  set.seed(4)
  expected <- runif(1)
  set.seed(4)
  cells <- paper_cells("gaussian")
  expect_identical(runif(1), expected)
  expect_identical(dim(cells$x), c(1900L, 1000L))
  set.seed(100)
  expect_identical(cells$x[, 5], vgfm_simulate_gaussian(1000)$x5)
})

test_that("a table that was stopped goes on", {
  folder <- tempfile("paper")
  on.exit(unlink(folder, recursive = TRUE))
  first <- paper(resume_dir = folder)
  local_function("run_task", function(...) stop("computed anew"))
  expect_identical(paper(resume_dir = folder), first)
})

test_that("bad arguments are named", {
  expect_error(paper(data = "mouse"), class = "vgfm_error_input")
  expect_error(paper(data = character()), class = "vgfm_error_input")
  expect_error(paper(data = list(1)), class = "vgfm_error_input")
  expect_error(paper(data = list(a = 1)), class = "vgfm_error_input")
  expect_error(paper(data = list(a = data.frame(x = 1:3))), "column.*time")
  expect_error(paper(methods = "none"), class = "vgfm_error_method")
  expect_error(paper(extra = 1), class = "vgfm_error_argument")
  # Cells that cannot be used: before anything is fitted, and by the name of the set.
  local_function("run_task", function(...) stop("fitted"))
  toys <- paper_toys()
  toys$bad <- list(x = diag(3), time = c(1, 1, 1))
  expect_error(paper(data = toys), class = "vgfm_error_time")
  expect_error(paper(data = toys), "\"bad\"")
})
