# The core refuses what it was not promised, by name, before it looks at a number.

network <- small_fit()$training$heads$velocity

refused <- function(call, reason) {
  expect_error(call, reason, class = "vgfm_error_internal", fixed = TRUE)
}

test_that("lengths and types of networks are checked", {
  shape <- network$shape
  field <- list(heads = small_fit()$training$heads)
  evaluate <- function(field, x = matrix(0, 2, 3), time = c(0, 0, 0), threads = 1) {
    .Call(ffi_field_evaluate, field, x, time, threads)
  }
  expect_identical(evaluate(field)$status, 0L)
  change <- function(...) {
    utils::modifyList(field, list(heads = list(...)), keep.null = TRUE)
  }
  short <- change(velocity = list(weights = network$weights[1:3]))
  refused(evaluate(short), "`field$heads$velocity$weights` has 3 numbers, not 370")
  refused(evaluate(change(velocity = list(weights = "a"))), "is of type character")
  refused(evaluate(change(velocity = list(shape = list(width = 4000)))), "not 16028002")
  refused(evaluate(change(velocity = list(shape = list(width = NULL)))),
          "`field$heads$velocity$shape$width` is no number")
  refused(evaluate(change(velocity = list(shape = list(width = 1.5)))), "1.5")
  refused(evaluate(change(velocity = list(shape = list(width = -1)))), "-1")
  refused(evaluate(change(velocity = list(shape = list(activation = 3)))), "activation")
  refused(evaluate(change(growth = network)), "do not go together")
  refused(evaluate(change(growth = list(scale = NaN))),
          "`field$heads$growth$scale` is nan")
  refused(evaluate(change(velocity = list(offset = 1))), "do not go together")
  refused(evaluate(change(other = network)), "has 3 networks, of which 2 are known")
  refused(evaluate(unname(field)), "`field$heads` is no list")
  refused(evaluate(1), "`field` is no list")
  refused(evaluate(field, matrix(0, 3, 3)), "`x` is 3 x 3, not 2 x 3")
  refused(evaluate(field, c(0, 0)), "`x` is no matrix")
  refused(evaluate(field, time = 0), "`time` has 1 number, not 3")
  refused(evaluate(field, time = 0L), "`time` is of type integer")
  refused(evaluate(field, threads = NULL), "`threads` is no number")
  refused(.Call(ffi_field_gradient, field, matrix(0, 2, 1), 0, 1, 1), "`seed`")
  refused(.Call(ffi_field_advance, field, matrix(0, 2, 1), 0, 1, 1e-6, 1), "`states`")
  refused(.Call(ffi_network_init, shape[-1], c(0, 0), 1), "`shape$inputs`")
  refused(.Call(ffi_network_init, shape, 0, 1), "`key` has 1 number, not 2")
  refused(.Call(ffi_uniform, 3, c(0, -1), 1), "`key` has -1")
})

test_that("so are all parts of a problem of training", {
  cells <- small_cells()
  snapshots <- new_snapshots(cells$x, cells$time)
  control <- small_control()
  method <- vgfm_method("vgfm", tau = c(0.5, 0.5), bend = 0.5, pooling = 0.5)
  method <- resolve_method(method, snapshots, control)
  couplings <- couple_snapshots(snapshots, method, control, c(TRUE, TRUE), NULL)
  problem <- new_problem(snapshots, couplings, method, control, c(TRUE, TRUE))
  expect_named(.Call(ffi_slopes, problem), c("slope_jump", "lean"))
  # Each element too short by one, of another type, or away.
  may_go <- c("gain_source", "log_ends", "log_growth", "slope_jump")
  for (name in setdiff(names(problem), c("plans", "units"))) {
    wrong <- problem
    wrong[[name]] <- problem[[name]][-1]
    refused(.Call(ffi_slopes, wrong), name)
    wrong[[name]] <- if (name == "path") 1 else as.character(problem[[name]])
    refused(.Call(ffi_slopes, wrong), name)
    if (name %in% may_go) next # without, nothing grows, and lines are straight
    wrong[[name]] <- NULL
    refused(.Call(ffi_slopes, wrong), name)
  }
  plan <- problem$plans[[1]]
  for (name in names(plan)) {
    wrong <- problem
    wrong$plans[[1]][[name]] <- plan[[name]][-1]
    refused(.Call(ffi_slopes, wrong), "`problem$plans[[1]]")
    if (name == "rows") next
    wrong <- problem
    wrong$plans[[1]]$rows[[name]] <- plan$rows[[name]][-1]
    refused(.Call(ffi_slopes, wrong), "`problem$plans[[1]]$rows")
  }
  wrong <- problem
  wrong$plans[[2]]$source[1:4] <- as.raw(c(0xff, 0xff, 0xff, 0x7f))
  refused(.Call(ffi_slopes, wrong), "entry 1 of `problem$plans[[2]]`")
  wrong <- problem
  wrong$plans[[2]]$count[1] <- as.raw(0xff)
  refused(.Call(ffi_slopes, wrong), "`problem$plans[[2]]`")
  wrong <- problem
  wrong$path <- "zigzag"
  refused(.Call(ffi_slopes, wrong), '`problem$path` is "zigzag", no path')
  wrong <- problem
  wrong$delta <- 1
  refused(.Call(ffi_slopes, wrong), "`problem$delta` has 1 number, not 2")
  wrong <- problem
  wrong$times <- rev(problem$times)
  refused(.Call(ffi_slopes, wrong), "times")
  wrong <- problem
  m <- problem$plans[[1]]$m
  wrong$sums <- list(seq_len(m) / m, NULL)
  expect_named(.Call(ffi_slopes, wrong), c("slope_jump", "lean"))
  wrong$sums[[1]][m] <- 0.9
  refused(.Call(ffi_slopes, wrong), "`sums` has 0.9")
  wrong$sums[[1]] <- 1
  refused(.Call(ffi_slopes, wrong), "`sums` has 1 number, not")
  wrong$sums <- 1
  refused(.Call(ffi_slopes, wrong), "`problem$sums` is no list of 2")
  wrong <- problem
  wrong$plans <- list()
  refused(.Call(ffi_slopes, wrong), "`problem$plans` is empty")
})

test_that("so are points, weights and rows", {
  x <- matrix(0, 2, 3)
  o <- list(squared = FALSE, threads = 1, plan = FALSE)
  refused(.Call(ffi_emd, x, x, c(1, 1), c(1, 1, 1), o), "`a` has 2 numbers, not 3")
  refused(.Call(ffi_emd, x, x[1, , drop = FALSE], 1:3 + 0, 1:3 + 0, o), "`y` is 1 x 3")
  refused(.Call(ffi_emd, x, x, 1:3 + 0, 1:3 + 0, list()), "`squared`")
  refused(.Call(ffi_emd, x, x, 1:3 + 0, 1:3 + 0, o[-3]), "`plan`")
  refused(.Call(ffi_nearest, x, x, 4, 1), "`neighbours` is 4")
  refused(.Call(ffi_standard, x, 3L, c(0, 0, 0), 1, FALSE), "row 3 of 2")
  refused(.Call(ffi_standard, x, 1L, c(0, 0), 1, FALSE), "`center` has 2 numbers, not 3")
  refused(.Call(ffi_standard, x, 1L, c(0, 0, 0), 0, FALSE), "`scale`")
  refused(.Call(ffi_plan_dense, x, x, c(0, 0), c(0, 0, 0), 1, NULL), "`source`")
})

test_that("a time limit surfaces as R's own error, whatever core is at", {
  set.seed(1)
  limited <- function(work) {
    on.exit(setTimeLimit())
    setTimeLimit(elapsed = 0.2, transient = TRUE)
    work
  }
  # Each would take minutes.
  stiff <- small_fit()
  stiff$field$heads$velocity$scale <- 1e5
  x <- matrix(rnorm(4e4), 2e4)
  expect_error(limited(predict(stiff, type = "state")), "time limit")
  expect_error(limited(vgfm_wasserstein(x, x[, 2:1] + 3)), "time limit")
  expect_error(limited(vgfm_couple(x, x[, 2:1] + 3, 1e-4, 1)), "time limit")
})
