# Four times, so that two can be left out.
four_times <- function() {
  cells <- small_cells()
  later <- cells$x[cells$time == 8, ] + rep(c(0.5, 0.2), each = 90)
  list(x = rbind(cells$x, later), time = c(cells$time, rep(11, 90)))
}

test_that("rows are those of leaving out by hand, one fit after the other", {
  cells <- four_times()
  mass <- c(1, 1.5, 4, 5)
  set.seed(5)
  table <- vgfm_cv(cells$x, cells$time, mass, control = small_control())
  expect_s3_class(table, c("vgfm_cv", "data.frame"), exact = TRUE)
  expect_named(table, c("time", "label", "cells", "used", "w1", "floor", "rme", "spread",
                        "w1_previous", "w1_nearest", "w1_straight", "rme_loglinear"))
  expect_equal(table$time, c(4, 8))
  set.seed(5)
  for (i in 1:2) {
    out <- cells$time == table$time[i]
    cloud <- cells$x[out, ]
    fit <- vgfm_fit(cells$x[!out, ], cells$time[!out], mass[-(i + 1)],
                    control = small_control())
    found <- vgfm_interpolate(fit, table$time[i])
    # The same fit, bit for bit, and the same integration.
    w1 <- vgfm_wasserstein(found[c("a", "b")], cloud, found$weight)
    expect_equal(table$w1[i], w1, tolerance = 1e-9)
    expect_equal(table$rme[i], abs(sum(found$weight) - mass[i + 1]) / mass[i + 1],
                 tolerance = 1e-9)
    expect_equal(table$cells[i], nrow(cloud))
    same <- vgfm_evaluate(fit, cloud, table$time[i])
    expect_equal(table$floor[i], same$floor)
    # Nearest in time to 4 is 2; to 8, it is 11.
    nearest <- cells$x[cells$time == c(2, 11)[i], ]
    expect_equal(table$w1_nearest[i], vgfm_wasserstein(nearest, cloud), tolerance = 1e-9)
  }
})

test_that("two snapshots equally near count by their masses", {
  x <- cbind(a = c(0, 0, 1, 1, 1, 5, 5, 5, 5))
  time <- rep(1:3, c(2, 3, 4))
  set.seed(1)
  expect_warning(
    table <- vgfm_cv(x, time, mass = c(1, 7, 3), control = small_control(steps = 5)),
    class = "vgfm_warning_small"
  )
  # A quarter of the mass is 1 away, three quarters are 4 away.
  expect_equal(table$w1_nearest, 1 / 4 + 3 / 4 * 4)
})

test_that("some times only, by number or label, and a column of times", {
  cells <- four_times()
  set.seed(5)
  one <- vgfm_cv(cells$x, cells$time, times = 8, control = small_control(steps = 20))
  set.seed(5)
  table <- data.frame(cells$x, day = paste("day", cells$time))
  suppressMessages(
    two <- vgfm_cv(table, "day", times = "day 8", control = small_control(steps = 20))
  )
  expect_equal(one$time, 8)
  expect_identical(c(one$label, two$label), c("8", "day 8"))
  two$label <- one$label
  expect_identical(one, two)
})

test_that("a sparse matrix is read as vgfm_fit() reads it, and reading takes no key", {
  cells <- four_times()
  sparse <- Matrix::Matrix(cells$x, sparse = TRUE)
  control <- small_control(steps = 20)
  set.seed(5)
  table <- vgfm_cv(sparse, cells$time, times = 8, control = control)
  set.seed(5)
  expect_identical(table, vgfm_cv(cells$x, cells$time, times = 8, control = control))
})

test_that("results are the same in other processes", {
  skip_if_not_installed("future.apply")
  cells <- four_times()
  control <- small_control(steps = 20)
  set.seed(5)
  here <- vgfm_cv(cells$x, cells$time, control = control)
  after <- runif(1)
  old <- future::plan("multisession", workers = 2)
  on.exit(future::plan(old))
  expect_true(futures_planned())
  set.seed(5)
  expect_no_warning(there <- vgfm_cv(cells$x, cells$time, control = control))
  expect_identical(there, here)
  expect_identical(runif(1), after)
})

test_that("an interrupt of one fit ends the whole", {
  cells <- four_times()
  local_function("run_matching", function(...) {
    warn_vgfm("Stopped.", class = "vgfm_warning_interrupted")
  })
  ended <- tryCatch(vgfm_cv(cells$x, cells$time, control = small_control()),
                    interrupt = function(condition) "interrupted")
  expect_identical(ended, "interrupted")
})

test_that("bad arguments are named", {
  cells <- four_times()
  control <- small_control(steps = 5)
  cv <- function(...) vgfm_cv(cells$x, cells$time, ..., control = control)
  two <- cells$time < 8
  expect_error(vgfm_cv(cells$x[two, ], cells$time[two], control = control),
               class = "vgfm_error_time")
  for (times in list(2, 11, 5, c(4, 11), numeric(), "soon")) {
    expect_error(cv(times = times), class = "vgfm_error_time")
  }
  error <- expect_error(cv(times = 11), class = "vgfm_error_input")
  expect_identical(error$arg, "times")
  expect_match(conditionMessage(error), "\"4\" and \"8\"")
  expect_error(cv(steps = 5), class = "vgfm_error_input")
  expect_error(cv(mass = 1:3), class = "vgfm_error_mass")
  expect_error(vgfm_cv(cells$x, cells$time, control = 1), class = "vgfm_error_control")
})

test_that("the table prints with its means, and says what is not beaten", {
  cells <- four_times()
  set.seed(5)
  table <- vgfm_cv(cells$x, cells$time, times = 8, control = small_control(steps = 5))
  expect_output(print(table), "left out.*rme_loglinear.*Mean W1.*Mean mass error")
  expect_output(print(table["time"]), "time")
  printed <- function(w1, rme) {
    table[c("w1", "rme", "w1_previous", "w1_nearest", "w1_straight", "rme_loglinear")] <-
      list(w1, rme, 3, 4, 5, 0.2)
    paste(capture.output(print(table)), collapse = " ")
  }
  # The best control counts; to be as good is enough.
  expect_no_match(printed(3, 0.2), "do not")
  expect_match(printed(3.1, 0.2), "beat the previous snapshot: do not trust.*places")
  expect_match(printed(3, 0.3), "beat a log-linear mass: do not trust masses")
  table$w1_previous <- NULL
  expect_match(paste(capture.output(print(table)), collapse = " "),
               "Mean W1 .*; of (the nearest snapshot|straight lines)")
})

test_that("error texts name the times that can be left out", {
  cells <- four_times()
  first <- cells$time < 8
  expect_snapshot(error = TRUE, {
    vgfm_cv(cells$x[first, ], cells$time[first])
    vgfm_cv(cells$x, cells$time, times = c(4, 11))
    vgfm_cv(cells$x, cells$time, times = numeric())
    vgfm_cv(cells$x, cells$time, steps = 100)
  })
})
