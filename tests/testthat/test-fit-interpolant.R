# Paths that a network bends: where to, and the states of its training.

arc_cells <- function(n, from, to) {
  angle <- stats::runif(n, from, to) * pi
  radius <- 1 + stats::rnorm(n, 0, 0.1)
  cbind(a = -radius * cos(angle), b = radius * sin(angle))
}

mfm_fit <- function(..., method = "ot_mfm", steps = 120, control = list()) {
  cells <- small_cells()
  set.seed(1)
  vgfm_fit(cells$x, cells$time, method = vgfm_method(method, ...),
           control = do.call(small_control, c(steps = steps, control)))
}

middle <- function(fit) {
  found <- vgfm_interpolate(fit, 0.5, from = "first")
  as.matrix(found[c("a", "b")])
}

# Straight paths between the ends of a half circle lead through its centre.
test_that("on an arc whose cells the metric sees, the middle is on the arc", {
  set.seed(1)
  x <- rbind(arc_cells(150, 0, 0.2), arc_cells(150, 0.8, 1))
  time <- rep(0:1, each = 150)
  between <- arc_cells(400, 0, 1)
  unseen <- arc_cells(150, 0.4, 0.6)
  reached <- function(method) {
    set.seed(1)
    middle(vgfm_fit(x, time, mass = c(1, 1), method = method,
                    control = small_control(steps = 800, width = 32)))
  }
  straight <- vgfm_wasserstein(reached("ot_cfm"), unseen)
  for (metric in c("land", "rbf")) {
    bent <- reached(vgfm_method("ot_mfm", metric = metric, cells = between, steps = 400))
    expect_lt(vgfm_wasserstein(bent, unseen), straight / 2)
    radius <- sqrt(rowSums(bent^2))
    expect_gt(mean(radius > 0.7 & radius < 1.3), 0.9)
  }
})

test_that("without cells between the ends, paths are not bent to where nobody was", {
  set.seed(1)
  x <- rbind(arc_cells(100, 0, 0.1), arc_cells(100, 0.9, 1))
  fit <- vgfm_fit(x, rep(0:1, each = 100), mass = c(1, 1), method = "ot_mfm",
                  control = small_control(steps = 800, width = 32))
  expect_lt(mean(abs(middle(fit)[, "b"])), 0.4)
})

# What a network adds to the path of a pair, relative to the way, is 2 s (1 - s) phi.
bend_of <- function(fit) {
  problem <- problem_of(fit)
  phi <- fit$training$path$heads$path
  d <- problem$features
  x <- t(standard_cells(fit$snapshots$x, seq_len(nrow(fit$snapshots$x)), fit$snapshots))
  input <- cbind(x[1:30, ], x[31:60, ], seq(0, 1, length.out = 30))
  place <- 0
  for (layer in 0:phi$shape$hidden) {
    out <- if (layer == phi$shape$hidden) d else phi$shape$width
    here <- place + seq_len(ncol(input) * out)
    weights <- matrix(phi$weights[here], ncol(input), byrow = TRUE)
    place <- max(here) + out
    input <- input %*% weights + rep(phi$weights[max(here) + seq_len(out)], each = 30)
    if (layer < phi$shape$hidden) input <- input / (1 + exp(-input))
  }
  sqrt(mean((phi$scale * input)^2) / mean((x[31:60, ] - x[1:30, ])^2))
}

test_that("under a constant metric paths stay straight", {
  constant <- mfm_fit(alpha = 0, steps = 600)
  expect_lt(bend_of(constant), 0.02)
  losses <- constant$training$path$losses
  expect_equal(rowMeans(losses[, 101:150]), c(1, 1), tolerance = 0.05)
  # The same test sees a metric that is not.
  expect_gt(bend_of(mfm_fit(alpha = 2, steps = 600)), 0.05)
})

test_that("the network begins with straight lines and lowers their energy", {
  fit <- mfm_fit(method = "ot_mfm_u", steps = 400)
  expect_equal(fit$method$path$steps, 100)
  expect_identical(dim(fit$training$path$losses), c(2L, 100L))
  expect_identical(names(fit$field$heads), c("velocity", "growth"))
  # At no learning rate to speak of, all rows are those of straight lines. The second
  # interval is the first one backwards.
  set.seed(1)
  x <- rbind(arc_cells(60, 0, 0.2), arc_cells(60, 0.8, 1), arc_cells(60, 0, 0.2))
  method <- vgfm_method("ot_mfm", steps = 200, cells = arc_cells(200, 0, 1))
  energy <- function(...) {
    set.seed(1)
    fit <- vgfm_fit(x, rep(0:2, each = 60), mass = c(1, 1, 1), method = method,
                    control = small_control(steps = 1, ...))
    rowMeans(fit$training$path$losses[, 151:200])
  }
  expect_equal(energy(learning_rate = 1e-9), c(1, 1), tolerance = 0.1)
  expect_true(all(energy() < 0.7))
})

test_that("training of paths goes on from wherever it stopped, bit for bit", {
  whole <- mfm_fit(method = "ot_mfm_u")
  one <- mfm_fit(method = "ot_mfm_u", control = list(threads = 3))
  expect_identical(one$field, whole$field)
  real_stopwatch <- new_stopwatch
  for (at in 2:3) {
    calls <- 0
    local_function("new_stopwatch", function() {
      calls <<- calls + 1
      if (calls == at) rlang::interrupt()
      real_stopwatch()
    })
    expect_warning(part <- mfm_fit(method = "ot_mfm_u"),
                   class = "vgfm_warning_interrupted")
    expect_lt(part$training$path$step, 30)
    expect_equal(part$training$step, 0)
    expect_false(is_complete(part))
    expect_null(fit_fault(part))
    expect_identical(vgfm_resume(part)[c("field", "training")],
                     whole[c("field", "training")])
  }
})

test_that("an untrained fit learns its paths when it is resumed", {
  fit <- mfm_fit(steps = 0)
  expect_null(fit$training$path)
  more <- vgfm_resume(fit, steps = 120)
  expect_identical(more$field, mfm_fit()$field)
  # More steps of matching leave the paths as they are.
  longer <- vgfm_resume(more, steps = 130)
  expect_identical(longer$training$path, more$training$path)
  expect_equal(longer$training$step, 130)
})

test_that("learned paths can be refined", {
  fit <- mfm_fit(method = "vgfm", path = path_metric(), control = list(refine_steps = 8))
  expect_equal(refined_steps(fit), 8)
  expect_true(all(is.finite(predict(fit))))
})

test_that("what is no metric is refused, and so is a damaged network", {
  refused <- function(...) expect_error(path_metric(...), class = "vgfm_error_method")
  refused(metric = "euclid")
  refused(width = 0)
  refused(rho = 0)
  refused(alpha = -1)
  refused(steps = 0)
  refused(noise = -1)
  refused(cells = "all")
  refused(cells = matrix(NA_real_, 2, 2))
  refused(cells = matrix(0, 0, 2))
  error <- expect_error(mfm_fit(cells = matrix(0, 4, 3)), class = "vgfm_error_method")
  expect_match(conditionMessage(error), "2 features")
  expect_output(print(path_metric(cells = matrix(0, 4, 3))), "cells 4 x 3")
  fit <- mfm_fit()
  expect_null(fit_fault(fit))
  damage <- list(
    function(f) { f$training$path$heads$path$weights <- 1; f },
    function(f) { f$training$path$heads$path$shape$width <- 4000; f },
    function(f) { f$training$path$heads$path$shape$activation <- 0; f },
    function(f) { f$training$path$heads <- NULL; f },
    function(f) { f$training$path$step <- "1"; f },
    function(f) { f$training$path$losses <- matrix(0, 3, 1); f },
    function(f) { f$training$path$straight <- c(0, 1); f }
  )
  for (change in damage) {
    expect_error(vgfm_resume(change(fit), steps = 130), class = "vgfm_error_fit")
  }
})

test_that("a checkpoint written while paths are trained goes on, bit for bit", {
  file <- tempfile(fileext = ".rds")
  on.exit(unlink(file))
  kept_now <- keep_checkpoints()
  whole <- mfm_fit(method = "ot_mfm_u", control = list(checkpoint = file))
  early <- 0
  for (bytes in utils::head(kept_now(), -1)) {
    writeBin(bytes, file)
    training <- readRDS(file)$training
    early <- early + (!is.null(training) && training$step == 0)
    expect_identical(vgfm_resume(file)[c("field", "training")],
                     whole[c("field", "training")])
  }
  expect_gt(early, 0)
})

test_that("core refuses metrics and networks that are none", {
  fit <- mfm_fit()
  problem <- problem_of(fit)
  problem$metrics <- lapply(1:2, interval_metric, snapshots = fit$snapshots,
                            path = path_metric("rbf"), control = fit$control)
  problem$straight <- c(1, 1)
  options <- list(batch = 32, steps = 30, learning_rate = 0.01, rate_floor = 0.01,
                  key = c(1, 2), threads = 1)
  network <- fit$training$path
  run <- function(state = network, ...) {
    state[c("step", "losses")] <- list(0, matrix(0, 2, 30))
    changes <- list(...)
    problem[names(changes)] <- changes
    .Call(ffi_path_run, .Call(ffi_copy, state), problem, options, 1)
  }
  expect_equal(run()$status, 0)
  refused <- function(reason, ...) {
    expect_error(run(...), reason, class = "vgfm_error_internal")
  }
  changed <- function(...) {
    list(utils::modifyList(problem$metrics[[1]], list(...)), problem$metrics[[2]])
  }
  refused("has 1 metrics, not 2", metrics = problem$metrics[1])
  refused("no metric", metrics = changed(kind = "euclid"))
  refused("no metric", metrics = changed(weight = -problem$metrics[[1]]$weight))
  refused("weight", metrics = changed(weight = 1))
  refused("points", metrics = changed(points = matrix(0, 4, 3)))
  refused("floor", metrics = changed(floor = 0))
  refused("alpha", metrics = changed(alpha = NaN))
  refused("straight", straight = 1)
  refused("do not fit", straight = c(1, 0))
  refused("do not fit", path = "straight")
  narrow <- network
  narrow$heads$path$shape$inputs <- 3
  refused("weights", narrow)
  kinked <- network
  kinked$heads$path$shape$activation <- 0
  refused("do not fit", kinked)
})
