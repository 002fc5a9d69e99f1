# Features as the columns of figures and of their tables call them.

# The two features to draw, as figures call them; `.time` where there is only one feature.
check_dims <- function(dims, fit, call = rlang::caller_env()) {
  features <- fit$snapshots$features
  if (length(features) == 1) return(c(".time", figure_name(features)))
  places <- as_numbers(dims) %||% if (is.character(dims)) dims
  chosen <- match(places, if (is.character(dims)) features else seq_along(features))
  if (length(chosen) != 2 || anyNA(chosen) || anyDuplicated(chosen)) {
    shown <- if (is.atomic(dims)) paste(dims, collapse = ", ") else describe(dims)
    abort_input(
      c("{.arg dims} must be two different features of the fit, by number or name.",
        x = "It is {shown}; the fit has {length(features)} features."),
      arg = "dims", call = call
    )
  }
  figure_name(features[chosen])
}

# Columns that figures add begin with a dot. A feature that does has another in front, so
# that no two are the same.
figure_name <- function(feature) sub("^[.]", "..", feature)

# And back, for the eye.
axis_name <- function(column) sub("^[.]", "", column)
