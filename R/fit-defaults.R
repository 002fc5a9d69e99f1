# What vgfm_control() leaves to the data, and how it is chosen.

# Steps of matching and of refinement, up to `simple_features` features. Beyond, fields
# are simple against the noise of the cells, and longer training learns that noise; above
# all refinement, as distances to noise reward a shrunken cloud.
efforts <- list(fast = c(steps = 700, refine = 0),
                default = c(steps = 2000, refine = 150),
                high = c(steps = 4000, refine = 800))
# The same where the flow is learned by simulation: a step takes longer, and tells more.
simulated_efforts <- list(fast = c(steps = 150, refine = 0),
                          default = c(steps = 450, refine = 100),
                          high = c(steps = 1500, refine = 400))
simple_features <- 60
# Of training by densities: a step is some hundred integrations.
density_efforts <- list(fast = c(steps = 250, refine = 0),
                        default = c(steps = 1000, refine = 0),
                        high = c(steps = 3000, refine = 0))

# Of the noise of the paths, in standard units.
least_noise <- 0.02

# The final learning rate as a share of the first.
rate_floor <- 0.01

# Fills in the steps of training, and the activation.
resolve_control <- function(control, snapshots, method, call = rlang::caller_env()) {
  simulated <- is_simulated(method)
  refined <- simulated || inherits(method$training, "training_refine")
  if (!refined && !is.null(control$refine_steps) && control$refine_steps > 0) {
    abort_input(c("The method {.val {method$name}} has no refinement, so
                   {.arg refine_steps} must be 0, not {control$refine_steps}.",
                  i = "Leave it out, or give the method {.fn training_refine}."),
                arg = "refine_steps", class = "vgfm_error_control", call = call)
  }
  if (!refined) control$refine_steps <- 0
  if (!is_trained_method(method)) control$steps <- 0
  control$activation <- resolve_activation(control$activation, method, call)
  fewer <- min(1, simple_features / ncol(snapshots$x))
  effort <- efforts_of(method)[[control$effort]]
  # A method that is not refined spends the time of it on matching.
  if (!refined && effort[["refine"]] > 0) effort <- c(2, 0) * effort
  steps <- round(effort * c(sqrt(fewer), fewer))
  control$steps <- control$steps %||% steps[["steps"]]
  control$refine_steps <- control$refine_steps %||% steps[["refine"]]
  control
}

efforts_of <- function(method) {
  if (is_density_trained(method)) return(density_efforts)
  if (is_simulated(method)) simulated_efforts else efforts
}

# Derivatives of a network of leaky ReLU are piecewise constant: nothing is learned from
# them between its kinks.
resolve_activation <- function(activation, method, call) {
  smooth <- trains_on_derivatives(method)
  if (is.null(activation)) return(if (smooth) "silu" else "leaky_relu")
  if (smooth && activation == "leaky_relu") {
    abort_input(c(
      "The method {.val {method$name}} trains on derivatives of its networks, which are
       piecewise constant with {.code activation = \"leaky_relu\"}.",
      i = "Leave {.arg activation} out, or use {.val silu} or {.val tanh}."
    ), arg = "activation", class = "vgfm_error_control", call = call)
  }
  activation
}

# Of training by densities the divergence of the velocity.
trains_on_derivatives <- function(method) is_density_trained(method)

check_prices_of_intervals <- function(price, intervals, arg, call) {
  if (length(price) %in% c(0, 1, intervals)) return(invisible())
  abort_input(c(
    "{.arg {arg}} must be one number or one for each of the {intervals} intervals, not
     {length(price)} of them.",
    i = "Intervals are those between one time and the next."
  ), arg = arg, class = method_error, call = call)
}

# `epsilon` and `tau` are in its square.
check_unit <- function(scale, call) {
  if (scale < 1e-140 || scale > 1e140) {
    too <- if (scale < 1) "small" else "large"
    remedy <- if (scale < 1) "Multiply" else "Divide"
    abort_x(c(
      "The values of {.arg x} are too {too} for double precision.",
      x = "Their standard deviation is {format(scale, digits = 3)}, of which the square
           is needed.",
      i = "{remedy} {.arg x} by a constant."
    ), "x", NULL, call)
  }
}

# Total variance within a snapshot, of at most 20000 cells each, mean over snapshots; that
# of all cells where every snapshot is a single point. In all features, or as cells are
# compared.
within_variance <- function(snapshots, cells = cells_in_state) {
  times <- seq_along(snapshots$times)
  within <- mean(vapply(times, function(k) {
    rows <- spaced(which(snapshots$index == k), 20000)
    z <- cells(snapshots, rows)
    sum((z - rowMeans(z))^2) / ncol(z)
  }, 0))
  if (within < 1e-9) within <- ncol(snapshots$x)
  within * snapshots$scale^2
}

# Median distance to the nearest cell of the same snapshot, per root of a feature, mean
# over snapshots; from at most 200 cells against 5000 of each.
local_spacing <- function(snapshots, threads) {
  spacing <- vapply(seq_along(snapshots$times), function(k) {
    others <- spaced(which(snapshots$index == k), 5000)
    cells <- spaced(others, 200)
    if (length(others) < 2) return(NA) # a snapshot of one cell has none
    points <- standard_cells(snapshots$x, others, snapshots)
    queries <- standard_cells(snapshots$x, cells, snapshots)
    found <- .Call(ffi_nearest, points, queries, 2, threads)
    check_core(found, "Finding the nearest cells")
    stats::median(sqrt(found$square[2, ])) # the nearest is the cell itself
  }, 0)
  spacing <- spacing[!is.na(spacing)]
  if (length(spacing) == 0) return(0)
  mean(spacing) / sqrt(ncol(snapshots$x)) * snapshots$scale
}
