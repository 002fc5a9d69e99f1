# Which answers of an ensemble can be relied upon.

# A sign that so many of the replicates have is called stable, if the band agrees.
stable_share <- 0.95

# answer(), and how far the replicates agree on the sign of the first of `value`.
answer_signs <- function(fit, level, ask, key, value) {
  tables <- list()
  asked <- function(one, rows) {
    table <- ask(one, rows)
    tables[[length(tables) + 1]] <<- table[c(key, value[1])]
    table
  }
  out <- answer(fit, level, asked, key, value)
  # The first is that of the fit to all cells.
  if (is_ensemble(fit)) add_agreement(out, tables[-1], key, value[1]) else out
}

# The share of the tables of the replicates that have the sign of `out`.
add_agreement <- function(out, tables, key, value) {
  places <- names_of_rows(out, key)
  agree <- vapply(tables, function(table) {
    other <- table[[value]][match(places, names_of_rows(table, key))]
    sign(other) == sign(out[[value]])
  }, logical(nrow(out)))
  agree <- matrix(agree, nrow(out))
  out$sign_agreement <- rowMeans(agree, na.rm = TRUE)
  out$sign_agreement[is.nan(out$sign_agreement)] <- NA
  beside <- out[[paste0(value, "_low")]] > 0 | out[[paste0(value, "_high")]] < 0
  out$stable <- beside & out$sign_agreement >= stable_share
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
