test_that("a fit is whole, and each function says so of one that is not", {
  fit <- small_fit(refine_steps = 8)
  expect_null(fit_fault(fit))
  damaged <- fit
  damaged$training$heads$velocity$weights <- fit$training$heads$velocity$weights[1:3]
  foreign <- list(structure(list(), class = "vgfm"), structure(1, class = "vgfm"),
                  damaged)
  for (use in uses_of_fit) {
    for (other in foreign) expect_identical(outcome(use, other), "vgfm_error_fit")
  }
  for (use in c(fates = function(fit) vgfm_fates(fit, 1),
                resume = vgfm_resume, evaluate = vgfm_evaluate, embed = vgfm_embed)) {
    expect_identical(outcome(use, 1), "vgfm_error_fit")
  }
  several <- structure(list(a = fit, b = damaged), class = "vgfm_list")
  none <- structure(list(), class = "vgfm_list")
  for (use in uses_of_fit[c("print", "tidy", "glance", "augment")]) {
    expect_identical(outcome(use, several), "vgfm_error_fit")
    expect_identical(outcome(use, none), "vgfm_error_fit")
  }
})

test_that("the message names the element, what it is and what it must be", {
  fit <- small_fit()
  expect_snapshot(error = TRUE, {
    fit$training$heads$velocity$weights <- fit$training$heads$velocity$weights[1:3]
    vgfm_resume(fit)
  })
  expect_snapshot(error = TRUE, {
    fit <- small_fit()
    fit$format <- NULL
    predict(fit)
  })
  expect_snapshot(error = TRUE, {
    fit <- small_fit()
    fit$control$batch <- 0
    vgfm_evaluate(fit)
  })
})

test_that("what was seen to crash R or to overrun memory is refused", {
  fit <- small_fit(refine_steps = 8)
  wider <- small_cells()
  wider <- vgfm_fit(cbind(wider$x, c = sin(1:160)), wider$time, control = fit$control)
  change <- list(
    function(f) { f$field <- wider$field; f },
    function(f) { f$snapshots$x <- f$snapshots$x[1:9, ]; f },
    function(f) { f$snapshots$counts <- rev(f$snapshots$counts); f },
    function(f) { f$snapshots$index <- f$snapshots$index + 1L; f },
    function(f) { f$field$heads$velocity$shape$width <- 4000; f },
    function(f) { f$training$heads$growth$shape$width <- 4000; f },
    function(f) { f$training$key <- 1; f },
    function(f) { f$training$step <- NULL; f },
    function(f) { f$training$refinement$heads$velocity$second <- 1; f },
    function(f) { f$training$matched <- NULL; f },
    function(f) { f$snapshots$center <- 1; f },
    function(f) { f$snapshots$scale <- 0; f },
    function(f) { f$couplings[[2]] <- NULL; f },
    function(f) { f$snapshots$x[3, 1] <- NaN; f }
  )
  for (damage in change) expect_error(vgfm_resume(damage(fit)), class = "vgfm_error_fit")
})

# Ten things that may become of each element, some hundreds of fits.
test_that("whatever is altered in a fit, it is refused, or is of use or says why not", {
  fit <- small_fit(tolerance = 1e-3)
  variants <- damaged_fits(fit)
  # Controls are made anew, which takes longer.
  control <- grepl("control", vapply(variants, `[[`, "", "what"))
  variants <- variants[!control | seq_along(variants) %% 5 == 0]
  expect_gt(length(variants), 600)
  unseen <- Filter(function(variant) is.null(fit_fault(variant$fit)), variants)
  # Most are; what is left are numbers that may be so.
  expect_lt(length(unseen), length(variants) / 4)
  expect_false(any(grepl("^(shorter|longer|listed|text) .*(weights|center|mass|key)$",
                         vapply(unseen, `[[`, "", "what"))))
  # Some of these through to the end, without the stiff ones, which take long.
  slow <- "weights|heads.*(scale|offset)|losses|potential|center"
  some <- Filter(function(variant) !grepl(slow, variant$what), unseen)
  some <- some[seq(1, length(some), by = 8)]
  expect_gt(length(some), 10)
  for (variant in some) {
    for (use in c("print", "velocity", "state", "interpolate", "history", "resume")) {
      got <- outcome(uses_of_fit[[use]], variant$fit)
      expect_false(startsWith(got, "raw"), label = paste(variant$what, use, got))
    }
  }
})

test_that("a control that was altered is refused by what it is given to", {
  cells <- small_cells()
  good <- small_control(steps = 1)
  alter <- function(...) structure(utils::modifyList(good, list(...), keep.null = TRUE),
                                   class = "vgfm_control")
  without <- good
  without$batch <- NULL
  bad <- list(
    alter(batch = 0), alter(steps = -5), alter(width = "zz"), alter(tolerance = -1),
    alter(bacth = 3), alter(batch = NULL), alter(width = 1:2), without,
    structure(list(), class = "vgfm_control"), structure(1, class = "vgfm_control"),
    unclass(good)
  )
  for (control in bad) {
    expect_error(vgfm_fit(cells$x, cells$time, control = control),
                 class = "vgfm_error_control")
    expect_error(vgfm_cv(cells$x, cells$time, control = control),
                 class = "vgfm_error_control")
  }
  expect_identical(check_control(good), good)
  # What a fit has used may be used again.
  used <- small_fit()$control
  expect_identical(check_control(used), used)
})

test_that("a field that left the numbers gives errors, not numbers", {
  fit <- small_fit()
  fit$field$heads$growth$weights[1] <- NaN
  expect_error(predict(fit), class = "vgfm_error_not_finite")
  expect_error(vgfm_growth_genes(fit), class = "vgfm_error_not_finite")
  fit <- small_fit()
  fit$field$heads$growth$offset <- 4000
  for (use in uses_of_fit[c("interpolate", "evaluate", "trajectories")]) {
    expect_identical(outcome(use, fit), "vgfm_error_not_finite")
  }
})
