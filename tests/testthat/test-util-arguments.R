# Functions of the package that users call: those it exports itself, and the methods of
# its generics.
public_functions <- function() {
  package <- asNamespace("vgfm")
  exported <- mget(getNamespaceExports(package), package, inherits = TRUE)
  own <- Filter(function(f) identical(environment(f), package), exported)
  methods <- c("vgfm_fit.default", "vgfm_fit.Seurat", "vgfm_fit.SummarizedExperiment",
               "RunVGFM.Seurat", "runVGFM.SingleCellExperiment")
  c(own, mget(methods, package))
}

required_of <- function(f) {
  needed <- Filter(rlang::is_missing, as.list(formals(f)))
  setdiff(names(needed), "...")
}

is_generic <- function(f) any(grepl("UseMethod", deparse(body(f))))

test_that("a required argument that is missing is a classed error that names it", {
  functions <- public_functions()
  expect_gt(length(functions), 20)
  checked <- 0
  for (name in names(functions)) {
    f <- functions[[name]]
    needed <- required_of(f)
    for (absent in needed) {
      # Nothing is evaluated before: a value that stops when it is looked at will do.
      values <- lapply(setdiff(needed, absent), function(other) quote(stop("evaluated")))
      names(values) <- setdiff(needed, absent)
      error <- expect_error(eval(as.call(c(quote(f), values))),
                            class = "vgfm_error_argument", info = name)
      expect_s3_class(error, "vgfm_error_input")
      expect_identical(error$arg, absent, info = name)
      checked <- checked + 1
    }
  }
  # At least one for each function of a fit, two for vgfm_fit(), four for vgfm_couple().
  expect_gt(checked, 25)
  expect_snapshot(error = TRUE, {
    vgfm_fit()
    vgfm_fit(matrix(0, 2, 2))
    vgfm_couple(1, 2)
    vgfm_fates(small_fit(steps = 0))
  })
})

test_that("an argument that is missing one call above is missing too", {
  outer <- function(fit) vgfm_evaluate(fit)
  expect_error(outer(), class = "vgfm_error_argument")
})

test_that("unknown and abbreviated arguments are errors that list the real ones", {
  functions <- public_functions()
  for (name in names(functions)) {
    f <- functions[[name]]
    if (is_generic(f)) next
    known <- setdiff(names(formals(f)), "...")
    values <- stats::setNames(lapply(required_of(f), function(x) 1), required_of(f))
    error <- expect_error(do.call(f, c(values, list(nosuch = 1))),
                          class = "vgfm_error_argument", info = name)
    expect_match(conditionMessage(error), "nosuch")
    for (argument in known) expect_match(conditionMessage(error), argument, fixed = TRUE)
    for (argument in setdiff(known, required_of(f))) {
      short <- substr(argument, 1, nchar(argument) - 1)
      # What may be either of two R itself refuses.
      if (short == "" || sum(startsWith(known, short)) > 1) next
      error <- expect_error(do.call(f, c(values, stats::setNames(list(1), short))),
                            class = "vgfm_error_argument", info = paste(name, short))
      expect_identical(error$arg, short)
    }
  }
})

test_that("so they are in methods of other packages' generics, and through dots", {
  fit <- small_fit(steps = 0)
  refused <- function(code) expect_error(code, class = "vgfm_error_argument")
  refused(predict(fit, typ = "growth"))
  refused(predict(fit, NULL, NULL, "growth", NULL, 1))
  refused(augment(fit, dat = 1))
  refused(tidy(fit, conf.int = TRUE))
  refused(glance(fit, y = 2))
  error <- refused(autoplot(fit, colour = rep("red", 6000)))
  expect_lt(nchar(conditionMessage(error)), 400)
  refused(autoplot(fit, "velocity", colour = rep("red", 6000)))
  refused(plot(fit, colour = 1))
  refused(vgfm_growth_genes(fit, n = 20))
  refused(lapply(list(fit), vgfm_growth_genes, n = 20))
  refused(Map(vgfm_growth_genes, list(fit), n = 20))
  refused(do.call(vgfm_growth_genes, list(fit, n = 20)))
  wrapper <- function(...) vgfm_growth_genes(fit, ...)
  refused(wrapper(n = 20))
  refused(vgfm_control(step = 5))
  expect_error(vgfm_control(stepz = 5), class = "vgfm_error_control")
  refused(vgfm_cv(small_cells()$x, small_cells()$time, reduction = "pca"))
  # What is known goes through.
  expect_s3_class(lapply(list(fit), vgfm_growth_genes, time = 4)[[1]], "data.frame")
  expect_s3_class(wrapper(genes = "a"), "data.frame")
  expect_s3_class(autoplot(fit, "velocity", method = "tangent", as = "cells"), "ggplot")
  expect_error(autoplot(fit, "growth", method = "tangent"), "makes no use",
               class = "vgfm_error_input")
  expect_snapshot(error = TRUE, {
    vgfm_growth_genes(fit, n = 20)
    autoplot(fit, "velocity", colour = rep("red", 6000))
    vgfm_fit(small_cells()$x, small_cells()$time, steps = 100)
    vgfm_evaluate(fit, NULL, NULL, FALSE, 1, 0.9, 3)
    vgfm_control(stepz = 5)
  })
})

test_that("values of another kind are classed errors", {
  fit <- small_fit(steps = 0)
  x <- fit$snapshots$x
  refused <- function(code) expect_error(code, class = "vgfm_error_input")
  refused(autoplot(fit, n = -1))
  refused(autoplot(fit, n = "a"))
  refused(vgfm_trajectories(fit, x[1:2, ], from = 2, n = "a"))
  refused(vgfm_trajectories(fit, n = "a"))
  for (dims in list(c(1, 1), c("a", "a"), list(1, 2), 1:3, c(1, 1.5), c(1, NA), mean,
                    as.Date(1:2, "1970-01-01"), factor(c("a", "b")))) {
    refused(autoplot(fit, "growth", dims = dims))
    refused(vgfm_embed(fit, dims = dims))
  }
  for (genes in list(list("a"), 1, NA, "unknown")) {
    refused(vgfm_growth_genes(fit, genes = genes))
    refused(vgfm_gene_velocity(fit, genes = genes))
  }
  for (order in list(list(1), "1", 3, c(1, 2), NA, 1.5, TRUE)) {
    refused(vgfm_wasserstein(1:3, 2:4, order = order))
  }
  expect_equal(vgfm_wasserstein(1:3, 2:4, order = 2L), 1)
  for (time in list(1:3, as.Date("2020-01-01"), list(2), numeric(), TRUE)) {
    expect_error(augment(fit, x, time), class = "vgfm_error_time")
    expect_error(predict(fit, x, time), class = "vgfm_error_time")
    expect_error(vgfm_evaluate(fit, x, time), class = "vgfm_error_time")
  }
})

test_that("errors inside eval() are of their class, and name the user's function", {
  fit <- small_fit(steps = 0)
  label <- replace(rep("p", 160), small_cells()$time == 2, NA)
  calls <- list(
    quote(autoplot(fit, "history")),
    quote(autoplot(fit, "trajectory", group = label)),
    quote(vgfm_growth_genes(fit, n = 20)),
    quote(vgfm_evaluate())
  )
  for (call in calls) {
    for (env in list(environment(), list2env(list(fit = fit, label = label)))) {
      error <- expect_error(eval(call, env), class = "vgfm_error_input")
      expect_identical(error$call[[1]], call[[1]])
    }
  }
})

test_that("columns of a rotation go by name", {
  fit <- small_fit(steps = 0)
  rotation <- matrix(c(1, 2, 3, 4, 5, 6), 3,
                     dimnames = list(c("g", "h", "i"), c("a", "b")))
  expect_identical(vgfm_gene_velocity(fit, rotation = rotation[, 2:1]),
                   vgfm_gene_velocity(fit, rotation = rotation))
  colnames(rotation)[1] <- "z"
  expect_error(vgfm_growth_genes(fit, rotation = rotation), class = "vgfm_error_rotation")
})

test_that("an argument that would be ignored is refused", {
  fit <- small_fit(steps = 0)
  x <- fit$snapshots$x
  refused <- function(code, arg) {
    error <- expect_error(code, class = "vgfm_error_argument")
    expect_identical(error$arg, arg)
  }
  refused(predict(fit, to = 8), "to")
  refused(predict(fit, type = "growth", to = 8), "to")
  refused(vgfm_trajectories(fit, x[1:3, ], from = 2, n = 2), "n")
  refused(vgfm_evaluate(fit, time = 4), "time")
  refused(summary(fit, digits = 3), "digits")
})
