# Times, and other metadata, of the cells in a container.

# Times of all cells: a column of the metadata, or a vector that may be named by cell.
container_time <- function(x, time, call) {
  if (is_column_name(time, ncol(x))) {
    return(as_plain_vector(metadata_column(x, time, "time", "vgfm_error_time", call)))
  }
  time <- as_plain_vector(time)
  time <- in_cell_order(time, colnames(x), "time", "vgfm_error_time", call)
  if (length(time) != ncol(x)) {
    abort_time(c(
      "{.arg time} must name a column of the metadata or have one value per cell.",
      x = "There are {ncol(x)} cell{?s}, and {length(time)} value{?s} of {.arg time}."
    ), "time", call)
  }
  time
}

metadata_column <- function(x, name, arg, class, call) {
  columns <- names(cell_metadata(x))
  if (!rlang::is_string(name) || !name %in% columns) {
    abort_name(name, arg, columns, class, call, what = "column of the metadata")
  }
  cell_metadata(x)[[name]]
}

# Levels are left over whenever an object is subset.
without_empty_levels <- function(time) if (is.factor(time)) droplevels(time) else time

# Numbers of the cells that have a time and, if these matter, a replicate.
known_cells <- function(time, replicate, call) {
  known <- !is.na(time)
  if (!is.null(replicate)) known <- known & !is.na(replicate)
  if (sum(known) < 2) {
    abort_time(c(
      "{.arg time} must be known for at least two cells.",
      x = "It is for {sum(known)} of {length(known)}.",
      i = "Is it the right column?"
    ), "time", call)
  }
  if (!all(known)) {
    what <- if (is.null(replicate)) "time" else "time or no replicate"
    inform_vgfm(c(
      i = "{sum(!known)} of {length(known)} cells have no {what} and are left out."
    ), class = "vgfm_message_left_out")
  }
  which(known)
}
