#' Velocity, growth, future state or weight of any cell
#'
#' @param object A fit from [vgfm_fit()].
#' @param newdata Cells in rows with the features of the fit, or an object of the kind
#'   that it was made from (see [vgfm_fit.Seurat()]). Default: the cells it was fitted to.
#' @param time Time at which the cells are, in any form that [vgfm_fit()] takes: one for
#'   all, one per cell (by name where these and the cells have names), or the name of a
#'   column of `newdata`. Default: the observed times of the fitted cells; needed with
#'   `newdata`, unless that has the column of times that the fit was made with.
#' @param type `"velocity"`: displacement per unit of time, in units of the features.
#'   `"growth"`: exponential growth rate per unit of time. `"state"`: where the cells are
#'   at time `to`. `"weight"`: the factor by which their mass has changed by then.
#' @param to For `"state"` and `"weight"`: the time to integrate to, before or after
#'   `time`; a number, label or date as the fit has them. Default: the last observed time.
#' @param ... Must be empty.
#' @return For velocity and state a matrix, cells in rows and features in columns; for
#'   growth and weight a vector with one number per cell.
#' @section Warnings: `vgfm_warning_extrapolation` if a time lies outside the observed
#'   ones, or a cell further outside of those of the fit than these are wide: the fields
#'   were never trained there.
#' @section Errors: `vgfm_error_newdata` if features do not match those of the fit,
#'   `vgfm_error_time` for unusable times.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' head(predict(fit, type = "growth"))
#' predict(fit, newdata = data.frame(x1 = 1, x2 = 2), time = 8, type = "velocity")
predict.vgfm <- function(object, newdata = NULL, time = NULL,
                         type = c("velocity", "growth", "state", "weight"), to = NULL,
                         ...) {
  check_arguments()
  check_fit(object, "object")
  type <- check_choice(type, c("velocity", "growth", "state", "weight"))
  check_idle("to", !is.null(to) && type %in% c("velocity", "growth"),
             "for the types {.val state} and {.val weight}")
  cells <- cells_at(object, newdata, time)
  if (type %in% c("velocity", "growth")) {
    out <- evaluate_field(object, cells$x, cells$time)
    return(out[[type]])
  }
  last <- object$snapshots$times[length(object$snapshots$times)]
  to <- one_time(object, to, "to") %||% last
  warn_outside(object, to)
  out <- advance_cells(object, cells$x, cells$time, to)
  if (type == "state") out$x else exp(out$log_weight)
}

# Cells and their times as the user names them.
cells_at <- function(fit, newdata, time, call = rlang::caller_env()) {
  snapshots <- fit$snapshots
  x <- if (is.null(newdata)) {
    snapshots$x
  } else {
    check_newdata(snapshots, newdata, call = call)
  }
  time <- newdata_time(fit, newdata, time, x, call = call)
  if (is.null(time)) {
    abort_time(c(
      "{.arg time} is needed with {.arg newdata}.",
      i = "Give the time at which the cells are: one for all, or one per cell."
    ), "time", call)
  }
  warn_outside(fit, time, call = call)
  list(x = x, time = time)
}

# A moment on the scale of the fit; NULL if there is none.
one_time <- function(fit, time, arg, call = rlang::caller_env()) {
  if (is.null(time)) return(NULL)
  value <- fit_times(fit$snapshots, time, arg, call)
  if (length(value) != 1) {
    abort_time("{.arg {arg}} must be one time, not {describe(time)}.", arg, call)
  }
  value
}

warn_outside <- function(fit, time, call = rlang::caller_env()) {
  range <- range(fit$snapshots$times)
  outside <- time[time < range[1] | time > range[2]]
  if (length(outside) > 0) {
    shown <- show_time(fit$snapshots, c(outside[1], range))
    warn_vgfm(c(
      "Time {shown[1]} lies outside the observed times, {shown[2]} to {shown[3]}.",
      i = "The fields were never trained there; treat the result as extrapolation."
    ), class = "vgfm_warning_extrapolation", call = call)
  }
}

# velocity (n x d) and growth (n) at cells x (n x d) and times, in the user's units
evaluate_field <- function(fit, x, time, call = rlang::caller_env()) {
  rate <- time_rate(fit, time)
  time <- standard_time(fit, time)
  velocity <- matrix(0, nrow(x), ncol(x), dimnames = cells_by_features(x, fit))
  growth <- stats::setNames(numeric(nrow(x)), rownames(x))
  for (cells in cell_slices(nrow(x), fit)) {
    .Call(ffi_check_interrupt)
    out <- .Call(ffi_flow_evaluate, fit$field, standard_cells(x, cells, fit$snapshots),
                 time[cells], use_threads(fit$control$threads))
    check_core(out, "Evaluating the fields", call)
    velocity[cells, ] <- t(out$velocity) * (fit$snapshots$scale * rate[cells])
    growth[cells] <- (out$growth + added_growth(fit, time[cells])) * rate[cells]
  }
  list(velocity = velocity, growth = growth)
}

cells_by_features <- function(x, fit) list(rownames(x), fit$snapshots$features)

# Cells dealt with by one call, and multiplications by a parameter of the networks, some
# tenths of a second: between calls R shows progress and listens to the user, and
# intermediate results stay small.
cells_a_call <- 20000
products_a_call <- 5e9

cell_slices <- function(n, fit) {
  products <- count_parameters(fit$field$velocity$shape) +
    count_parameters(fit$field$growth$shape)
  size <- max(64, min(cells_a_call, floor(products_a_call / products)))
  split(seq_len(n), (seq_len(n) - 1) %/% size)
}

# Weights are shown as they are, not as logarithms.
check_weight <- function(log_weight, call) {
  if (any(log_weight > log(.Machine$double.xmax))) {
    cli::cli_abort(c(
      "Integrating the flow failed: masses grow beyond double precision, to
       exp({format(max(log_weight), digits = 3)}).",
      i = "Times far outside the observed ones, or a training that diverged, do this:
           see {.code autoplot(fit, \"history\")}."
    ), class = c("vgfm_error_not_finite", "vgfm_error"), call = call)
  }
}

# States x (n x d) and log weights after integrating from `from` (one number or n) to
# `to`, in the user's units.
advance_cells <- function(fit, x, from, to, log_weight = rep(0, nrow(x)),
                          call = rlang::caller_env()) {
  from <- standard_time(fit, rep_len(as.double(from), nrow(x)))
  moved <- matrix(0, nrow(x), ncol(x), dimnames = cells_by_features(x, fit))
  last <- ncol(x) + 1
  log_weight <- log_weight - added_mass(fit, from)
  slices <- cell_slices(nrow(x), fit)
  progress <- new_progress("Integrating", length(slices),
                           fit$control$progress && length(slices) > 1)
  on.exit(progress(0, finished = TRUE))
  for (cells in slices) {
    states <- rbind(standard_cells(x, cells, fit$snapshots), log_weight[cells])
    out <- .Call(ffi_flow_advance, fit$field, states, from[cells],
                 standard_time(fit, to), fit$control$tolerance,
                 use_threads(fit$control$threads))
    check_core(out, "Integrating the flow", call, paste(
      "Times far outside the observed ones, or a training that diverged, do this:",
      "see {.code autoplot(fit, \"history\")}."
    ))
    moved[cells, ] <- from_standard(t(out$states[-last, , drop = FALSE]), fit$snapshots)
    log_weight[cells] <- out$states[last, ] + added_mass(fit, standard_time(fit, to))
    progress(1)
  }
  check_weight(log_weight, call)
  list(x = moved, log_weight = stats::setNames(log_weight, rownames(x)))
}
