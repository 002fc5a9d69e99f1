# The one type that everything else takes: cells x features with a time for each cell and
# a mass for each time, checked once.

# x        (cells, features) double matrix, dimnames kept, features always named
# features, named   their names, and whether the user gave them
# time, index       per cell: its time, and the number 1..K of that time
# times, labels, counts, mass   per time: value, the user's name, cells, population size
#                   relative to the first time
# measured          whether the user gave the masses; else they are the numbers of cells
# clock             the scale of the times, see input-clock.R
# center   (features) mean over all cells
# scale    one number: root of the mean over features of the variance over all cells, so
#          that (x - center) / scale has the geometry of x and unit size
new_snapshots <- function(x, time, mass = NULL, call = rlang::caller_env()) {
  column <- NULL
  if (is.data.frame(x) && is_column_name(time, nrow(x))) {
    column <- time
    if (!column %in% names(x)) {
      abort_time(c(
        "{.arg time} must have one value per cell or name a column of {.arg x}.",
        x = "There is no column {.val {column}}."
      ), "time", call)
    }
    time <- unname(x[[column]])
    x <- as_plain_frame(x)[setdiff(names(x), column)]
  }
  cells <- as_cells(x, call = call)
  x <- cells$x
  check_size(x, call)
  time <- as_plain_vector(time)
  time <- in_cell_order(time, rownames(x), "time", "vgfm_error_time", call)
  check_time_length(x, time, call)
  parsed <- parse_time(time, call = call)
  warn_time_feature(x, parsed$value, call)
  counts <- tabulate(parsed$index, length(parsed$times))
  structure(c(
    list(
      x = x, features = colnames(x), named = cells$named, time = parsed$value,
      index = parsed$index, times = parsed$times, labels = parsed$labels,
      counts = counts, mass = relative_mass(mass, parsed, counts, call),
      measured = !is.null(mass),
      clock = c(parsed$clock, column = column)
    ),
    center_and_scale(x, call)
  ), class = "vgfm_snapshots")
}

# The likeliest slip with a data frame: the column of times is still in it.
warn_time_feature <- function(x, time, call) {
  likely <- which(x[1, ] == time[1])
  is_time <- vapply(likely, function(k) all(x[, k] == time), NA)
  same <- colnames(x)[likely[is_time]]
  if (length(same) > 0 && nrow(x) > 2) {
    warn_vgfm(c(
      "Feature {.val {same}} of {.arg x} is the time itself.",
      i = "Drop it from {.arg x}, unless that is what you mean."
    ), class = "vgfm_warning_time_feature", call = call)
  }
}

is_column_name <- function(time, cells) {
  is.character(time) && length(time) == 1 && !is.na(time) && cells != 1
}

# Without what classes such as grouped tables make of `[`.
as_plain_frame <- function(x) {
  class(x) <- "data.frame" # structure() would number the rows
  x
}

# The widest network has one input more.
features_limit <- 65535

check_size <- function(x, call) {
  if (ncol(x) == 0) {
    abort_x(c(
      "{.arg x} must have at least one feature (column).",
      i = "Features are columns; cells are rows."
    ), "x", NULL, call)
  }
  if (ncol(x) > features_limit) {
    abort_x(c(
      "{.arg x} must have at most {features_limit} features (columns), not {ncol(x)}.",
      i = "Reduce it first, for example to 10 to 50 principal components."
    ), "x", NULL, call)
  }
  if (nrow(x) < 2) {
    abort_x(c(
      "{.arg x} must have at least two cells (rows), not {nrow(x)}.",
      i = "Features are columns; cells are rows."
    ), "x", NULL, call)
  }
}

check_time_length <- function(x, time, call, arg = "x") {
  values <- if (is.data.frame(time)) nrow(time) else length(time)
  if (values != nrow(x)) {
    abort_time(c(
      "{.arg time} must have one value per cell.",
      x = "{.arg {arg}} has {nrow(x)} cell{?s} (rows), {.arg time} has
           {values} value{?s}.",
      i = if (values == ncol(x)) "Are the cells in columns? Then pass {.code t(x)}."
    ), "time", call)
  }
}

# Differences are taken from the first cell and squares in units of the largest, so that
# neither a large offset nor a large or small unit costs digits. Column by column: no copy
# of x is made.
center_and_scale <- function(x, call) {
  first <- x[1, ]
  columns <- vapply(seq_len(ncol(x)), function(k) {
    shifted <- x[, k] - first[k]
    shift <- mean(shifted)
    shifted <- shifted - shift
    largest <- max(abs(shifted))
    unit <- if (isTRUE(largest > 0)) largest else 1
    c(shift = shift, largest = largest, square = mean((shifted / unit)^2))
  }, numeric(3))
  largest <- max(columns["largest", ])
  if (!is.finite(largest)) {
    abort_x(c(
      "The values of {.arg x} are too large for double precision.",
      i = "Divide {.arg x} by a constant."
    ), "x", NULL, call)
  }
  share <- (columns["largest", ] / largest)^2
  scale <- if (largest == 0) 1 else largest * sqrt(mean(columns["square", ] * share))
  list(center = first + columns["shift", ], scale = scale)
}
