# Cells and times that the user hands to a fit.

# Cells on which a fit is to be evaluated: a double matrix with the features of the fit,
# in its order. Features go by name where both sides are named, and then a data frame may
# have other columns too; else they go by place. From a container the same coordinates are
# read as the fit was made of.
check_newdata <- function(snapshots, newdata, arg = "newdata",
                          call = rlang::caller_env()) {
  class <- "vgfm_error_newdata"
  if (is_container(newdata)) {
    newdata <- newdata_coordinates(newdata, snapshots$source, arg, class, call)
  }
  wanted <- snapshots$features
  given <- colnames(newdata)
  by_name <- !is.null(given) && (snapshots$named || all(wanted %in% given))
  if (by_name) {
    missing <- setdiff(wanted, given)
    extra <- if (is.data.frame(newdata)) NULL else setdiff(given, wanted)
    if (length(missing) + length(extra) > 0) {
      abort_x(c(
        "{.arg {arg}} must have the features of the fit.",
        x = if (length(missing)) "Missing: {.val {missing}}.",
        x = if (length(extra)) "Not in the fit: {.val {extra}}."
      ), arg, class, call)
    }
    if (is.data.frame(newdata)) newdata <- as_plain_frame(newdata)[match(wanted, given)]
  }
  x <- as_cells(newdata, arg, class, call)$x
  if (by_name) x <- x[, wanted, drop = FALSE]
  if (ncol(x) != length(wanted)) {
    abort_x(c(
      "{.arg {arg}} must have the features of the fit.",
      x = "It has {ncol(x)} column{?s}; the fit has {length(wanted)}
           feature{?s}: {.val {wanted}}."
    ), arg, class, call)
  }
  colnames(x) <- wanted
  warn_beyond(snapshots, x, arg, call)
  x
}

# Cells that are nowhere near those of the fit, as when they were scaled in another way.
warn_beyond <- function(snapshots, x, arg, call) {
  beyond <- ranges_beyond(snapshots, x) > check_limits[["reach"]]
  if (!any(beyond)) return(invisible())
  count <- sum(rowSums(beyond) > 0)
  feature <- colnames(x)[which.max(colSums(beyond))]
  warn_vgfm(c(
    "{count} of {nrow(x)} cell{?s} of {.arg {arg}} lie further outside of the cells of the
     fit than these are wide, as in feature {.val {feature}}.",
    i = "The fields were never trained there. Are units and scaling those of the fit?"
  ), class = "vgfm_warning_extrapolation", call = call)
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

# For what has no answer of no cells.
check_some_cells <- function(x, call) {
  if (nrow(x) > 0) return(invisible())
  abort_x("{.arg newdata} must have at least one cell (row).", "newdata",
          "vgfm_error_newdata", call)
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

# Times of cells `x`, read from `newdata`, as numbers on the scale of the fit, one per
# cell; NULL if there are none. By default those of the column that the fit was made with.
# Cells without a time are an error, unless `some` may lack one: these have NA.
newdata_time <- function(fit, newdata, time, x, arg = "time", some = FALSE,
                         call = rlang::caller_env()) {
  snapshots <- fit$snapshots
  if (is.null(newdata) && is.null(time)) return(snapshots$time)
  column <- time %||% snapshots$clock$column
  table <- if (is_container(newdata)) cell_metadata(newdata) else newdata
  if (is.data.frame(table) && rlang::is_string(column) && column %in% names(table)) {
    time <- unname(as_plain_vector(table[[column]]))
  }
  if (is.null(time)) return(NULL)
  time <- as_plain_vector(time)
  one <- length(time) == 1
  if (!one) time <- in_cell_order(time, rownames(x), arg, "vgfm_error_time", call)
  if (!one && length(time) != nrow(x)) {
    abort_time(c(
      "{.arg {arg}} must be one time, or one for each of the {nrow(x)} cell{?s}, not
       {describe(time)}.",
      i = "The times of the fit are {.val {snapshots$labels}}."
    ), arg, call)
  }
  known <- if (some && is.atomic(time)) !is.na(time) else rep(TRUE, length(time))
  value <- rep(NA_real_, length(time))
  if (any(known)) value[known] <- fit_times(snapshots, take(time, known), arg, call)
  if (one) rep(value, nrow(x)) else value
}
