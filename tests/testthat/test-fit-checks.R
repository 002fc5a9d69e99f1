# Cells that move by 3 in all, in K snapshots, and do not grow.
moving_cells <- function(K, n, seed, times = seq(0, 1, length.out = K)) {
  set.seed(seed)
  s <- rep(seq(0, 1, length.out = K), each = n)
  data.frame(time = rep(times, each = n), a = rnorm(K * n, 3 * s, 0.3),
             b = rnorm(K * n, 0, 0.3))
}

test_that("no cell flies off in a course of many short intervals", {
  for (seed in 1:2) {
    cells <- moving_cells(21, 60, seed)
    set.seed(seed)
    fit <- vgfm::vgfm_fit(cells, "time", control = vgfm_control("fast", progress = FALSE))
    expect_true(all(fit$checks$passed))
    table <- vgfm_evaluate(fit)
    # As near to a snapshot as its own halves are to each other, give or take.
    expect_lt(mean(table$w1 / table$floor), 1.2)
    expect_lt(max(table$spread), 4)
  }
})

test_that("gaps of very different length are fitted like even ones", {
  for (times in list(c(0, 0.01, 0.02, 10), c(0, 1, 2, 3, 10000))) {
    cells <- moving_cells(length(times), 100, 1, times)
    set.seed(1)
    fit <- vgfm::vgfm_fit(cells, "time", control = vgfm_control("fast", progress = FALSE))
    table <- vgfm_evaluate(fit)
    expect_lt(max(table$w1 / table$floor), 1)
  }
})

test_that("a path that slows down does not overshoot", {
  set.seed(1)
  time <- rep(c(0, 1, 13), each = 100)
  cells <- data.frame(a = rnorm(300, c(0, 1, 1.2)[match(time, c(0, 1, 13))], 0.05))
  fit <- vgfm_fit(cells, time, control = vgfm_control("fast", progress = FALSE))
  between <- vgfm_interpolate(fit, c(3, 5, 7, 9))
  means <- vapply(split(between, between$time), function(p) {
    stats::weighted.mean(p$a, p$weight)
  }, 0)
  expect_true(all(means > 0.95 & means < 1.25))
})

test_that("a group that dies out is seen to die, and the living are left alone", {
  for (distance in c(2, 5, 50)) {
    set.seed(2)
    x <- rbind(matrix(rnorm(400, 0, 0.2), 200), matrix(rnorm(200, distance, 0.2), 100),
               matrix(rnorm(400, 0.5, 0.2), 200))
    fit <- vgfm_fit(x, rep(0:1, c(300, 200)),
                    method = vgfm_method("vgfm", tau = distance^2 / 40, time = TRUE),
                    control = vgfm_control("fast", progress = FALSE))
    born <- predict(fit, x[1:300, ], time = 0, type = "weight")
    coupled <- fit$couplings[[1]]$descendants
    expect_lt(max(born[201:300]), 0.05)
    expect_equal(mean(born[1:200]), 1, tolerance = 0.05)
    # As the coupling has it, neighbourhood by neighbourhood.
    expect_lt(max(coupled[201:300]), 0.05)
    around <- exp(local_growth(fit$snapshots, fit$couplings, fit$control)[[1]])
    expect_lt(mean(abs(born[1:200] - around[1:200])), 0.25)
  }
})

test_that("a fit that fails a check warns, and says so wherever it is shown", {
  cells <- small_cells()
  bad <- function() {
    set.seed(1)
    vgfm::vgfm_fit(cells$x, cells$time,
                   control = small_control(steps = 60, learning_rate = 0.9, depth = 12))
  }
  expect_warning(
    expect_warning(fit <- bad(), class = "vgfm_warning_diverged"),
    class = "vgfm_warning_checks"
  )
  failed <- fit$checks$check[!fit$checks$passed]
  expect_true("predicted cells" %in% failed)
  expect_output(print(fit), "checks FAILED: .*predicted cells")
  good <- small_fit(steps = 400)
  expect_true(all(good$checks$passed))
  expect_output(print(good), "checks all passed")
  expect_output(print(summary(good)), "\nChecks .*W1")
  expect_identical(glance(good)$checks_failed, 0L)
  expect_null(small_fit(steps = 0)$checks)
})

test_that("each check has the value that its definition gives", {
  fit <- small_fit(steps = 200)
  value <- stats::setNames(fit$checks$value, fit$checks$check)
  losses <- fit$training$losses
  ends <- rowMeans(losses[, 191:200]) / pmax(losses[, 1], 1)
  expect_equal(value[["training loss"]], max(ends))
  raw <- fit
  raw$field$correction <- NULL
  table <- vgfm_evaluate(raw)
  expect_equal(value[["trained mass"]], max(table$rme), tolerance = 1e-6)
  floor <- vapply(2:3, function(k) {
    cloud <- fit$snapshots$x[fit$snapshots$index == k, ]
    halves_distance(cloud, Inf, 1, splits = 3)
  }, 0)
  expect_equal(value[["W1"]], mean(table$w1 / pmax(floor, 0.02 * sqrt(2) *
                                                     fit$snapshots$scale)),
               tolerance = 1e-6)
  # One cell that has gone three ranges beyond the data.
  x <- fit$snapshots$x
  states <- list(list(x = rbind(x[1, ], x[2, ]), log_weight = c(0, 0)))
  states[[1]]$x[1, 1] <- max(x[, 1]) + 3 * diff(range(x[, 1]))
  expect_equal(reach(fit, states), 3)
  states[[1]]$x[1, 1] <- min(x[, 1]) - 2 * diff(range(x[, 1]))
  expect_equal(reach(fit, states), 2)
  expect_false(check_row("x", NaN, 1, "")$passed)
  # A cell that has gone far with hardly a weight, or nowhere: the fit is not lost by it.
  states <- predicted_course(fit)
  for (far in c(1e15, NaN)) {
    states[[1]]$x[1, 1] <- far
    states[[1]]$log_weight[1] <- -40
    checks <- fit_checks(fit, states)
    expect_false(checks$passed[checks$check == "predicted cells"])
  }
  expect_identical(checks$value[checks$check == "W1"], Inf)
  expect_false(checks$passed[checks$check == "W1"])
})

test_that("the mass error of training stands beside the one that was made right", {
  fit <- small_fit(steps = 30)
  table <- vgfm_evaluate(fit)
  expect_lt(max(table$rme), 1e-4)
  raw <- fit
  raw$field$correction <- NULL
  expect_equal(table$rme_trained, vgfm_evaluate(raw)$rme, tolerance = 1e-4)
  expect_equal(summary(fit)$mass_error, table$rme_trained)
  # Nothing is known of times that are not the fit's.
  held_out <- vgfm_evaluate(fit, small_cells()$x[1:10, ], time = 6)
  expect_true(is.na(held_out$rme_trained))
})

test_that("a training that diverges is returned, whatever becomes of it", {
  cells <- small_cells()
  for (seed in 1:4) {
    set.seed(seed)
    fit <- suppressWarnings(vgfm_fit(
      cells$x, cells$time, control = small_control(steps = 60, learning_rate = 0.9,
                                                 depth = 12, refine_steps = 20)
    ))
    expect_s3_class(fit, "vgfm")
    expect_false(all(fit$checks$passed))
  }
})

test_that("refinement that cannot go on says why, and keeps what matching reached", {
  fit <- small_fit()
  fit$training$heads$velocity$weights[1] <- NaN
  problem <- problem_of(fit)
  control <- fit$control
  control$refine_steps <- 20L
  after <- run_refinement(fit$training, fit$snapshots, problem, control)
  expect_identical(after$heads$velocity, fit$training$heads$velocity)
  expect_match(after$refinement$stopped, "not finite")
  expect_identical(after$score, Inf)
  stopped <- suppressWarnings(
    new_fit(fit$snapshots, fit$method, list(), list(), problem, after, control,
            fit$seconds)
  )
  expect_true("refinement" %in% stopped$checks$check[!stopped$checks$passed])
  # It is done, as far as it can be.
  expect_true(is_complete(stopped))
})

test_that("a few cells that set the scale of all others are named", {
  set.seed(1)
  x <- matrix(rnorm(720), 360, dimnames = list(paste0("c", 1:360), c("a", "b")))
  control <- small_control(steps = 0)
  time <- rep(0:2, each = 120)
  expect_no_warning(vgfm_fit(x, time, control = control))
  x[17, 2] <- 1e8
  expect_warning(vgfm_fit(x, time, control = control),
                 "1 of .* makes.*: row 17 \\(\"c17\"\\)",
                 class = "vgfm_warning_far_cells")
  # Two clusters, one of them small, are no such thing.
  x[17, 2] <- 0
  x[1:20, 1] <- x[1:20, 1] + 30
  expect_no_warning(vgfm_fit(x, time, control = control))
})

test_that("a fit that cannot be evaluated is still reported on", {
  fit <- small_fit()
  fit$field$heads$velocity$weights[] <- NaN
  fit$field["correction"] <- list(NULL)
  fit$checks <- fit_checks(fit, predicted_course(fit))
  expect_false(all(fit$checks$passed))
  expect_error(vgfm_evaluate(fit), class = "vgfm_error_not_finite")
  unknown <- c("w1", "floor", "rme", "rme_trained", "spread")
  for (report in list(tidy, function(fit) summary(fit)$evaluation)) {
    expect_warning(table <- report(fit), class = "vgfm_warning_not_evaluated")
    expect_true(all(is.na(table[unknown])))
    expect_identical(table[c("time", "label", "cells")],
                     vgfm_evaluate(small_fit())[c("time", "label", "cells")])
  }
  expect_warning(row <- glance(fit), class = "vgfm_warning_not_evaluated")
  expect_identical(row$checks_failed, sum(!fit$checks$passed))
  shown <- capture.output(print(fit))
  expect_match(shown, "FAILED: .*predicted cells", all = FALSE)
  expect_match(shown, "mass error of training not known", all = FALSE)
  expect_false(any(grepl("made right", shown)))
  several <- structure(list(good = small_fit(), bad = fit), class = "vgfm_list")
  expect_output(print(several), "bad .*FAILED")
})

test_that("what the fields lead to is told from what the program does wrong", {
  fails <- function(status) {
    if_fields_fail(check_core(list(status = status), "Something"), class)
  }
  expect_identical(fails(3L)[1], "vgfm_error_not_finite")
  expect_identical(fails(4L)[1], "vgfm_error_convergence")
  expect_identical(fails(7L)[1], "vgfm_error_precision")
  for (status in c(1L, 2L, 5L)) expect_error(fails(status), class = "vgfm_error_internal")
  expect_identical(if_fields_fail(2, class), 2)
})
