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
  level <- check_level(level)
  value <- intersect(value, names(table))
  draws <- replicate_draws(fit, ask, table, key, value)
  bands <- lapply(stats::setNames(nm = value), function(name) {
    band(as.double(table[[name]]), draws[[name]], level, name)
  })
  table <- add_bands(table, bands)
  attr(table, "replicates") <- if (length(draws) > 0) ncol(draws[[1]]) else 0L
  attr(table, "level") <- level
  table
}

# What every replicate says of the rows of `table`: for each value a matrix, rows x
# replicates. One whose fields lead nowhere says nothing.
replicate_draws <- function(fit, ask, table, key, value, call = rlang::caller_env()) {
  wanted <- row_key(table, key)
  all <- seq_along(fit$replicates)
  progress <- new_progress("Asking replicates", length(all), fit$fit$control$progress)
  on.exit(progress(0, finished = TRUE))
  reason <- NULL
  draws <- lapply(all, function(b) {
    on.exit(progress(1))
    said <- if_fields_fail(
      said_once(ask(replicate_fit(fit, b), fit$replicates[[b]]$rows)),
      function(error) {
        reason <<- error
        NULL
      }
    )
    if (is.null(said)) return(NULL)
    place <- match(wanted, row_key(said, key))
    lapply(said[value], function(column) as.double(column[place]))
  })
  draws <- Filter(Negate(is.null), draws)
  if (length(draws) < max(2, length(all) / 2)) {
    abort_input(c(
      "Only {length(draws)} of {length(all)} replicates have an answer, too few for a
       band.",
      i = "{.code tidy()} shows them. Ask {.code ensemble$fit} for an answer without
           bands."
    ), arg = "fit", class = "vgfm_error_ensemble", parent = reason, call = call)
  }
  lapply(stats::setNames(nm = value), function(name) {
    matrix(unlist(lapply(draws, `[[`, name)), nrow(table))
  })
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

# list(low, high), one of each row of `draws` (rows, replicates): the estimate, give or
# take the root mean square difference of replicates from it times a quantile of Student's
# t. So it contains how replicates spread, and that halves of the cells know less on
# average. Shares and amounts keep to what they can be. NA where fewer than half of the
# replicates say anything.
band <- function(estimate, draws, level, name = "") {
  draws[!is.finite(draws)] <- NA
  count <- rowSums(!is.na(draws))
  off <- sqrt(rowSums((draws - estimate)^2, na.rm = TRUE) / pmax(count - 1, 1))
  width <- stats::qt((1 + level) / 2, pmax(count - 1, 1)) * off
  width[count < max(2, ncol(draws) / 2)] <- NA
  # A feature may be called so, too.
  least <- if (name %in% c(shares, amounts) && all(estimate >= 0, na.rm = TRUE)) 0 else
    -Inf
  most <- if (name %in% shares) 1 else Inf
  list(pmax(estimate - width, least), pmax(pmin(estimate + width, most), estimate))
}

# Values of these names lie between 0 and 1, or not below 0.
shares <- c("probability", "share")
amounts <- c("mass", "weight", "descendants", "w1")

check_level <- function(level, call = rlang::caller_env()) {
  check_number(level, 0, 1, "()", arg = "level", call = call)
}

# A table that has a figure of its own.
as_answer <- function(table, class) {
  class(table) <- unique(c(class, "vgfm_answer", class(table)))
  table
}
