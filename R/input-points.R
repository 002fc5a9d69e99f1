# Point clouds and weights as arguments of the transport functions.

# A matrix, data frame or, for points on a line, a vector -> double matrix.
check_points <- function(x, arg = rlang::caller_arg(x), call = rlang::caller_env()) {
  force(arg) # named after the argument, before that changes
  if (is.null(dim(x))) {
    line <- if (is.atomic(x)) as_numbers(x)
    if (length(line) > 0) x <- matrix(line, dimnames = list(names(line), NULL))
  }
  x <- as_cells(x, arg = arg, call = call)$x
  if (nrow(x) == 0 || ncol(x) == 0) {
    abort_x(
      c("{.arg {arg}} must have at least one row and one column, not {describe(x)}.",
        i = "Points are rows, features are columns."),
      arg, NULL, call
    )
  }
  x
}

check_same_features <- function(x, y, call = rlang::caller_env()) {
  if (setequal(colnames(x), colnames(y)) && !identical(colnames(x), colnames(y))) {
    abort_input(
      c("{.arg x} and {.arg y} must have their features in the same order.",
        i = "Pass {.code y[, colnames(x)]}."),
      arg = "y", call = call
    )
  }
  if (ncol(x) != ncol(y)) {
    abort_input(
      c("{.arg x} and {.arg y} must have the same features: {.arg x} has {ncol(x)}
         column{?s}, {.arg y} has {ncol(y)}.",
        i = "Project both onto the same features or components first."),
      arg = "y", call = call
    )
  }
}

# Squared distances must be numbers.
check_squares <- function(x, y, call = rlang::caller_env()) {
  ends <- range(x, y)
  if (!is.finite(ncol(x) * (ends[2] - ends[1])^2)) {
    abort_x(
      c("{.arg x} and {.arg y} are too far apart: squared distances overflow.",
        x = "Values run from {ends[1]} to {ends[2]}.",
        i = "Divide both by a constant; {.arg epsilon} and {.arg tau} by its square."),
      "x", NULL, call
    )
  }
}

# Prices are in squared units; what is divided by one below this overflows.
least_price <- 1e-300

check_price <- function(x, allow_null = FALSE, class = NULL,
                        arg = rlang::caller_arg(x), call = rlang::caller_env()) {
  force(arg)
  x <- check_number(x, 0, bounds = "(]", allow_null = allow_null, class = class,
                    arg = arg, call = call)
  check_number(x, least_price, allow_null = allow_null, class = class, arg = arg,
               hint = "Multiply the data by a constant, to have larger units.",
               call = call)
}

# One price, or several; NULL for what is left to the data.
check_prices <- function(x, class = NULL, arg = rlang::caller_arg(x),
                         call = rlang::caller_env()) {
  force(arg)
  if (length(x) < 2) return(check_price(x, TRUE, class, arg, call))
  vapply(x, check_price, 0, class = class, arg = arg, call = call, USE.NAMES = FALSE)
}

# One number or one for each of the points -> one for each; by name, if both have names.
check_weights <- function(w, points, positive = FALSE, arg = rlang::caller_arg(w),
                          call = rlang::caller_env()) {
  force(arg)
  n <- nrow(points)
  given <- w
  w <- as_numbers(w)
  if (length(w) > 1) w <- in_cell_order(w, rownames(points), arg, NULL, call)
  if (is.null(w) || !length(w) %in% c(1, n)) {
    w <- given
    abort_input("{.arg {arg}} must be one number or {n} of them, not {describe(w)}.",
                arg = arg, call = call)
  }
  w <- rep_len(as.double(w), n)
  bad <- which(!is.finite(w) | w < 0 | (positive & w == 0))
  if (length(bad) > 0) {
    wanted <- if (positive) "positive" else "not negative"
    abort_input(
      c("{.arg {arg}} must be finite and {wanted}; element {bad[1]} is {w[bad[1]]}.",
        i = "Leave out cells that carry no mass."),
      arg = arg, call = call
    )
  }
  if (sum(w) == 0) {
    abort_input(
      c("{.arg {arg}} must not be 0 for all points.", i = "Give one of them a weight."),
      arg = arg, call = call
    )
  }
  w
}
