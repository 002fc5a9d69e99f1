# One way in which every question is asked of a fit or of an ensemble.

is_ensemble <- function(x) inherits(x, "vgfm_ensemble")

# The fit to all cells.
main_fit <- function(x) if (is_ensemble(x)) x$fit else x

check_fit_or_ensemble <- function(fit, arg = "fit", call = rlang::caller_env()) {
  if (is_ensemble(fit)) return(check_ensemble(fit, arg, call))
  if (!inherits(fit, "vgfm")) {
    abort_fit("{.arg {arg}} must be a fit from {.fn vgfm_fit} or an ensemble from
               {.fn vgfm_ensemble}, not {describe(fit)}.", arg, call)
  }
  check_fit(fit, arg, call)
}

# The table that `ask(fit, rows)` makes of a fit, `rows` being the original cells that it
# was made of. Of an ensemble: that of the fit to all cells, with a band for each column
# in `value`: `<value>_low` and `<value>_high`. Columns in `key` say what a row is about;
# what a replicate does not say of a row is left out.
answer <- function(fit, level, ask, key, value, call = rlang::caller_env()) {
  one <- main_fit(fit)
  table <- ask(one, seq_len(nrow(one$snapshots$x)))
  if (!is_ensemble(fit)) return(table)
  draws <- replicate_draws(fit, ask, table, key, value)
  bands <- lapply(value, function(name) {
    band(table[[name]], draws[[name]], level)
  })
  names(bands) <- value
  attr(table, "replicates") <- length(fit$replicates)
  add_bands(table, bands)
}

# What every replicate says of the rows of `table`: for each value a matrix, rows x
# replicates.
replicate_draws <- function(fit, ask, table, key, value) {
  wanted <- row_key(table, key)
  progress <- new_progress("Asking replicates", length(fit$replicates),
                           fit$fit$control$progress)
  on.exit(progress(0, finished = TRUE))
  draws <- lapply(seq_along(fit$replicates), function(b) {
    on.exit(progress(1))
    said <- ask(replicate_fit(fit, b), fit$replicates[[b]]$rows)
    place <- match(wanted, row_key(said, key))
    lapply(said[value], function(column) column[place])
  })
  lapply(stats::setNames(nm = value), function(name) {
    matrix(unlist(lapply(draws, `[[`, name)), nrow(table))
  })
}

row_key <- function(table, key) {
  columns <- lapply(table[key], as.character)
  do.call(paste, c(unname(columns), sep = "\r"))
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

# list(low, high), one of each row of `draws` (rows, replicates).
band <- function(estimate, draws, level) {
  tail <- (1 - level) / 2
  quantiles <- apply(draws, 1, stats::quantile, c(tail, 1 - tail), na.rm = TRUE,
                     names = FALSE, type = 8)
  low <- pmin(estimate, quantiles[1, ])
  high <- pmax(estimate, quantiles[2, ])
  list(low, high)
}

check_level <- function(level, call = rlang::caller_env()) {
  check_number(level, 0, 1, "()", arg = "level", call = call)
}

# A table that has a figure of its own.
as_answer <- function(table, class) {
  class(table) <- unique(c(class, "vgfm_answer", class(table)))
  table
}
