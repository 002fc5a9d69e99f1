# What has a value for each cell goes by name where both sides have names, else by place.

# Values in the order of the cells, whose names are `wanted`. Values of other cells may be
# there too; a cell without one, or a name used twice, is an error.
in_cell_order <- function(values, wanted, arg, class, call) {
  if (is.null(names(values)) || is.null(wanted)) return(values)
  unname(take(values, places_by_name(names(values), wanted, arg, class, call)))
}

# Where among `names` the cells `wanted` stand; NA for those that do not, if some may be
# absent.
places_by_name <- function(names, wanted, arg, class, call, absent = FALSE) {
  check_different(wanted, "The cells must have different names, as {.arg {arg}} goes by
                           name.", arg, class, call)
  check_different(names[names %in% wanted],
                  "The names of {.arg {arg}} must be different.", arg, class, call)
  place <- match(wanted, names)
  if (anyNA(place) && !absent) {
    lost <- wanted[is.na(place)][1]
    abort_input(c(
      "The names of {.arg {arg}} must be those of the cells.",
      x = "There is none for cell {.val {lost}}.",
      i = "Pass {.code unname({arg})} if the values are in the order of the cells."
    ), arg = arg, class = class, call = call)
  }
  place
}

check_different <- function(names, message, arg, class, call, hint = NULL) {
  twice <- unique(names[duplicated(names)])
  if (length(twice) > 0) {
    abort_input(c(
      message,
      x = "{cli::qty(twice)}Used more than once: {.val {twice}}.",
      i = hint %||% "Rename them with {.fn make.unique}; or pass {.code unname({arg})} if
                     the values are in the order of the cells."
    ), arg = arg, class = class, call = call)
  }
}

# Names of the rows; NULL for a data frame whose rows are merely numbered.
cell_names <- function(x) {
  if (is.data.frame(x) && .row_names_info(x) <= 0) return(NULL)
  rownames(x)
}

# A table or matrix of one column is a vector, named by its rows. 64-bit integers become
# numbers here, before anything subsets them: without the package bit64, `[` loses their
# class.
as_plain_vector <- function(x) {
  if (inherits(x, "POSIXlt")) x <- as.POSIXct(x)
  if (!is.data.frame(x) && is.atomic(x)) x <- as_numbers(x) %||% x
  if (length(dim(x)) != 2 || ncol(x) != 1) return(x)
  if (is.matrix(x) && is.object(x)) return(x)
  values <- if (is.data.frame(x)) as_plain_vector(x[[1]]) else x[, 1]
  if (is.atomic(values) && is.null(dim(values))) names(values) <- cell_names(x)
  values
}

# `[` that keeps the class, also where the package that has its methods is not loaded.
take <- function(x, places) {
  out <- x[places]
  if (is.object(x) && !is.object(out)) class(out) <- oldClass(x)
  out
}

# Labels of cells as text.
as_labels <- function(x) as.character(as_plain_vector(x))
