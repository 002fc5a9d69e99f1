# From what a user holds to a double matrix, cells in rows.

# More values than this are refused: such data have not been reduced yet.
cells_limit <- 5e8

abort_x <- function(message, arg, class, call, .envir = parent.frame()) {
  abort_input(message, arg = arg, class = c(class, "vgfm_error_x"), call = call,
              .envir = .envir)
}

# A list: x, a double matrix with named columns and finite values; named, whether the
# user had named them.
as_cells <- function(x, arg = "x", class = NULL, call = rlang::caller_env()) {
  if (is.data.frame(x)) {
    x <- numeric_columns(x, arg, class, call)
    if (ncol(x) == 0) x <- matrix(0, nrow(x), 0) else x <- as.matrix(x)
  } else if (inherits(x, c("Matrix", "DelayedMatrix"))) {
    check_dense_size(x, arg, class, call)
    x <- if (inherits(x, "Matrix")) as.matrix(x) else read_delayed(x)
  }
  values <- if (is.matrix(x)) as_numbers(x)
  if (is.null(values)) {
    value <- describe(x)
    if (is.matrix(x)) {
      value <- paste("a matrix of", if (is.object(x)) "class" else "type",
                     if (is.object(x)) class(x)[1] else typeof(x))
    }
    abort_x(c(
      "{.arg {arg}} must be a numeric matrix or data frame, not {value}.",
      i = if (is.matrix(x) && is.object(x)) "Pass {.code unclass({arg})} if its numbers
             are what you mean." else
        "Cells are rows, features (genes, principal components) are columns."
    ), arg, class, call)
  }
  x <- plain_double(values)
  check_finite(x, arg, class, call)
  named <- !is.null(colnames(x))
  list(x = name_features(x, arg, class, call), named = named)
}

# A double matrix without attributes but its names; not copied if it is one.
plain_double <- function(x) {
  plain <- all(names(attributes(x)) %in% c("dim", "dimnames"))
  if (plain && is.double(x)) return(x)
  matrix(as.double(x), nrow(x), ncol(x), dimnames = dimnames(x))
}

# Values on disk or yet to be computed (DelayedArray, HDF5Array), block by block: of what
# is not kept, only a block is ever in memory.
read_delayed <- function(x) {
  rlang::check_installed("DelayedArray", "to read it in blocks.")
  out <- matrix(0, nrow(x), ncol(x), dimnames = dimnames(x))
  grid <- DelayedArray::defaultAutoGrid(x)
  for (at in seq_along(grid)) {
    place <- grid[[at]]
    first <- DelayedArray::start(place)
    last <- DelayedArray::end(place)
    out[first[1]:last[1], first[2]:last[2]] <- DelayedArray::read_block(x, place)
  }
  out
}

# A data frame of which every column is plain numbers.
numeric_columns <- function(x, arg, class, call) {
  x <- as_plain_frame(x)
  columns <- lapply(x, function(column) {
    if (is.data.frame(column)) NULL else as_numbers(column)
  })
  bad <- names(x)[vapply(columns, is.null, NA)]
  if (length(bad) > 0) {
    first <- x[[bad[1]]]
    abort_x(c(
      "All columns of {.arg {arg}} must be numeric.",
      x = "{cli::qty(bad)}Column{?s} {.val {bad}} {?is/are} not; the first is of class
           {.cls {class(first)[1]}}.",
      i = number_hint(first, paste0(arg, "$", bad[1])),
      i = "Drop {cli::qty(bad)}{?it/them}, or pass {?it/one} as {.arg time} if it holds
           the times."
    ), arg, class, call)
  }
  x[] <- columns
  x
}

check_dense_size <- function(x, arg, class, call) {
  if (prod(dim(x)) > cells_limit) {
    abort_x(c(
      "{.arg {arg}} is too large to be made dense: {nrow(x)} cells x {ncol(x)}
       features.",
      i = "Reduce it first, for example to 10 to 50 principal components."
    ), arg, class, call)
  }
}

check_finite <- function(x, arg, class, call) {
  if (length(x) == 0 || is.finite(sum(x))) return(invisible(x))
  bad <- which(!is.finite(x))
  if (length(bad) == 0) return(invisible(x)) # the sum alone overflowed
  row <- (bad[1] - 1) %% nrow(x) + 1
  column <- (bad[1] - 1) %/% nrow(x) + 1
  value <- describe(x[row, column])
  cell <- place_and_name(row, rownames(x))
  feature <- place_and_name(column, colnames(x))
  abort_x(c(
    "{.arg {arg}} must not have missing or infinite values.",
    x = "{length(bad)} value{?s} {?is/are}; the first is {value}, in row {cell}, column
         {feature}.",
    i = "Drop or impute {cli::qty(length(bad))}{?it/them} first."
  ), arg, class, call)
}

# Features without a name are called x1, x2, ... by their place.
name_features <- function(x, arg, class, call) {
  place <- paste0("x", seq_len(ncol(x)))[seq_len(ncol(x))]
  name <- colnames(x)
  if (is.null(name)) name <- place
  blank <- is.na(name) | name == ""
  name[blank] <- place[blank]
  if (anyDuplicated(name)) {
    twice <- unique(name[duplicated(name)])
    abort_x(c(
      "The features (columns) of {.arg {arg}} must have different names.",
      x = "{cli::qty(twice)}Used more than once: {.val {twice}}.",
      i = "Rename them, for example with {.fn make.unique}."
    ), arg, class, call)
  }
  if (!identical(name, colnames(x))) colnames(x) <- name # which copies
  x
}
