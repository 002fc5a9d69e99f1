# Which answers of an ensemble can be relied upon.

# What is called stable: so many of the replicates have the sign, and the value is so many
# of their standard deviations away from 0.
stable_share <- 0.95
stable_spreads <- 3

# answer(), and how far the replicates agree on the sign of the first of `value`.
answer_signs <- function(fit, level, ask, key, value, call = rlang::caller_env()) {
  tables <- list()
  asked <- function(one, rows) {
    table <- ask(one, rows)
    tables[[length(tables) + 1]] <<- table[c(key, value[1])]
    table
  }
  out <- answer(fit, level, asked, key, value, call)
  # The first is that of the fit to all cells.
  if (is_ensemble(fit)) add_agreement(out, tables[-1], key, value[1]) else out
}

# The share of the tables of the replicates that have the sign of `out`.
add_agreement <- function(out, tables, key, value) {
  places <- names_of_rows(out, key)
  drawn <- vapply(tables, function(table) {
    as.double(table[[value]][match(places, names_of_rows(table, key))])
  }, numeric(nrow(out)))
  drawn <- matrix(drawn, nrow(out))
  out$sign_agreement <- rowMeans(sign(drawn) == sign(out[[value]]), na.rm = TRUE)
  out$sign_agreement[is.nan(out$sign_agreement)] <- NA
  spread <- apply(drawn, 1, stats::sd, na.rm = TRUE)
  out$stable <- abs(out[[value]]) >= stable_spreads * spread &
    out$sign_agreement >= stable_share
  out$stable[is.na(out$stable)] <- FALSE
  out
}

names_of_rows <- function(table, key) {
  columns <- lapply(table[key], as.character)
  do.call(paste, c(unname(columns), sep = "\r"))
}

# A table in another order, or with other columns, that keeps what answer() says of it.
same_answer <- function(table, from) {
  for (name in c("replicates", "level")) attr(table, name) <- attr(from, name)
  table
}
