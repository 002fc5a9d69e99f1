# One way in which every question is asked of a fit or of an ensemble.

is_ensemble <- function(x) inherits(x, "vgfm_ensemble")

# The fit to all cells.
main_fit <- function(x) if (is_ensemble(x)) x$fit else x

check_fit_or_ensemble <- function(fit, arg = "fit", call = rlang::caller_env()) {
  if (is_ensemble(fit)) return(check_ensemble(fit, arg, call))
  if (!inherits(fit, "vgfm")) {
    abort_fit(c("{.arg {arg}} must be a fit from {.fn vgfm_fit} or an ensemble from
                 {.fn vgfm_ensemble}, not {describe(fit)}.", i = fits_within(fit)), arg,
              call)
  }
  check_fit(fit, arg, call)
}

# The table that `ask(fit, rows)` makes of a fit, `rows` being the original cells that it
# was made of. Of an ensemble: that of the fit to all cells, with a band for each column
# in `value`: `<value>_low` and `<value>_high`. Columns in `key` say what a row is about;
# what a replicate does not say of a row is left out.
# Columns in `free` are features: whatever these are called, they have no limits.
answer <- function(fit, level, ask, key, value, call = rlang::caller_env(),
                   free = character()) {
  level <- check_level(level, call)
  one <- main_fit(fit)
  table <- ask(one, seq_len(nrow(one$snapshots$x)))
  if (!is_ensemble(fit)) return(table)
  value <- intersect(value, names(table))
  said <- ask_replicates(fit, ask, table, key, value, call)
  bands <- lapply(stats::setNames(nm = value), function(name) {
    band(as.double(table[[name]]), said$square[[name]], said$count[[name]],
         said$replicates, level, if (name %in% free) "" else name)
  })
  table <- add_bands(table, bands)
  attr(table, "replicates") <- said$replicates
  attr(table, "level") <- level
  table
}

# Of what replicates say of the rows of `table`, by value: `square`, the sum of squared
# differences from `table`, and `count`, how many say something; and the number of
# `replicates` that have an answer. One whose fields lead nowhere has none. No answer is
# kept: there may be one for each cell and feature.
ask_replicates <- function(fit, ask, table, key, value, call = rlang::caller_env()) {
  wanted <- row_key(table, key)
  all <- length(fit$replicates)
  progress <- new_progress("Asking replicates", all, fit$fit$control$progress)
  on.exit(progress(0, finished = TRUE))
  count <- square <- lapply(unclass(table)[value], function(column) 0 * seq_along(column))
  reason <- NULL
  answered <- 0L
  for (b in seq_len(all)) {
    said <- if_fields_fail(
      said_once(ask(replicate_fit(fit, b), fit$replicates[[b]]$rows)),
      function(error) {
        reason <<- error
        NULL
      }
    )
    progress(1)
    if (is.null(said)) next
    answered <- answered + 1L
    place <- match(wanted, row_key(said, key))
    for (name in value) {
      off <- (as.double(said[[name]])[place] - as.double(table[[name]]))^2
      known <- is.finite(off)
      square[[name]][known] <- square[[name]][known] + off[known]
      count[[name]] <- count[[name]] + known
    }
  }
  if (answered < max(2, all / 2)) {
    abort_input(c(
      "Only {answered} of {all} replicates have an answer, too few for a band.",
      i = "{.code tidy()} shows them. Ask {.code ensemble$fit} for an answer without
           bands."
    ), arg = "fit", class = "vgfm_error_ensemble", parent = reason, call = call)
  }
  list(square = square, count = count, replicates = answered)
}

# What there is to say of a question, the fit to all cells has said.
said_once <- function(value) {
  suppressMessages(suppressWarnings(value, classes = "vgfm_warning"),
                   classes = "vgfm_message")
}

row_key <- function(table, key) {
  columns <- lapply(unclass(table)[key], function(column) {
    # Digits beyond these are rounding.
    if (is.double(column)) sprintf("%.12g", unclass(column)) else
      as.character(column)
  })
  rows <- do.call(paste, c(unname(columns), sep = "\r"))
  if (!anyDuplicated(rows)) return(rows)
  # Cells of one name are told apart by their order.
  paste(rows, stats::ave(seq_along(rows), rows, FUN = seq_along), sep = "\r")
}

# The columns of a band stand behind that of its value.
add_bands <- function(table, bands) {
  kept <- attributes(table)
  columns <- list()
  for (name in names(table)) {
    columns[[name]] <- table[[name]]
    if (!is.null(bands[[name]])) {
      columns[paste0(name, c("_low", "_high"))] <- bands[[name]]
    }
  }
  kept$names <- names(columns)
  attributes(columns) <- kept
  columns
}

# list(low, high), one of each row: the estimate, give or take the root mean square
# difference of replicates from it times a quantile of Student's t. So it contains how
# replicates spread, and that halves of the cells know less on average. Shares and amounts
# keep to what they can be. NA where fewer than half of the replicates say anything.
# `square`, `count`: of ask_replicates().
band <- function(estimate, square, count, replicates, level, name = "") {
  free <- pmax(count - 1, 1)
  width <- stats::qt((1 + level) / 2, free) * sqrt(square / free)
  width[count < max(2, replicates / 2)] <- NA
  within_limits(estimate, width, name)
}

# list(low, high) around an estimate, as far as values of this name go.
within_limits <- function(estimate, width, name) {
  least <- if (name %in% c(shares, amounts) && all(estimate >= 0, na.rm = TRUE)) 0 else
    -Inf
  most <- if (name %in% shares) 1 else Inf
  list(pmax(estimate - width, least), pmax(pmin(estimate + width, most), estimate))
}

# The table with bands of a value that are wider by what replicates have in common: `by`,
# one of each row, added as squares. Values keep to what they can be.
widen_bands <- function(table, name, by) {
  ends <- paste0(name, c("_low", "_high"))
  if (!all(ends %in% names(table))) return(table)
  value <- table[[name]]
  width <- pmax(value - table[[ends[1]]], table[[ends[2]]] - value)
  table[ends] <- within_limits(value, sqrt(width^2 + by^2), name)
  table
}

# Values of these names lie between 0 and 1, or not below 0.
shares <- c("probability", "share", "share_shifted")
amounts <- c("mass", "mass_shifted", "ratio", "weight", "descendants", "speed", "w1",
             "spread")

check_level <- function(level, call = rlang::caller_env()) {
  check_number(level, 0, 1, "()", arg = "level", call = call)
}

# A table that has a figure of its own.
as_answer <- function(table, class) {
  class(table) <- unique(c(class, "vgfm_answer", class(table)))
  table
}
