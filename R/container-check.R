# Checks of how the user chooses coordinates in a container.

# `space` is what choose_coordinates() takes.
check_space <- function(x, space, call) {
  genes <- intersect(c("features", "assay", "layer"), names(Filter(length, space)))
  if (!is.null(space$reduction) && length(genes) > 0) {
    abort_x(c(
      "{.arg reduction} goes without {.arg {genes}}.",
      i = "Coordinates are either the dimensions of a reduction or made from genes."
    ), genes[1], NULL, call)
  }
  if (!is.null(space$reduction)) {
    check_name(space$reduction, "reduction", reduction_names(x), call)
  }
  if (!is.null(space$assay)) check_name(space$assay, "assay", assay_names(x), call)
  if (!is.null(space$layer) && !rlang::is_string(space$layer)) {
    abort_scalar(space$layer, "the name of a layer", NULL, "layer", "vgfm_error_x", call)
  }
  if (!is.null(space$features)) check_features(space, call)
  invisible(space)
}

check_features <- function(space, call) {
  features <- space$features
  if (!is.character(features) || length(features) == 0 || anyNA(features)) {
    abort_x("{.arg features} must be names of genes, not {describe(features)}.",
            "features", NULL, call)
  }
  twice <- unique(features[duplicated(features)])
  if (length(twice) > 0) {
    abort_x(c(
      "{.arg features} must be different genes.",
      x = "{cli::qty(twice)}Named more than once: {.val {twice}}.",
      i = "Pass {.code unique(features)}."
    ), "features", NULL, call)
  }
  if (!is.null(space$dims)) {
    abort_x(c(
      "{.arg dims} goes without {.arg features}.",
      i = "The genes named are the dimensions."
    ), "dims", NULL, call)
  }
}

# Numbers of dimensions, of which there are so many.
check_columns <- function(dims, there, call, arg = "dims", class = NULL) {
  fits <- is.numeric(dims) && length(dims) > 0 && all(is.finite(dims)) &&
    all(dims == round(dims)) && all(dims >= 1) && !anyDuplicated(dims)
  if (!fits) {
    abort_x(c(
      "{.arg dims} must be different whole numbers from 1 on, not {describe(dims)}.",
      i = "Pass {.code dims = 1:{min(there, 10)}}, for example."
    ), "dims", class, call)
  }
  if (max(dims) > there) {
    abort_x(c(
      "{.arg {arg}} must not ask for more dimensions than there are.",
      x = "Dimension {max(dims)} is wanted, there {cli::qty(there)}{?is/are} {there}.",
      i = "Compute more of them, or use fewer."
    ), arg, class, call)
  }
  as.integer(dims)
}

check_name <- function(value, arg, choices, call) {
  if (!rlang::is_string(value) || !value %in% choices) {
    abort_name(value, arg, choices, "vgfm_error_x", call)
  }
}
