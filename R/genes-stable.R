# Which answers of an ensemble can be relied upon.

# A sign that so many of the replicates have is called stable, if the band agrees.
stable_share <- 0.95

# answer(), and how far the replicates agree on the sign of the first of `value`.
answer_signs <- function(fit, level, ask, key, value) {
  if (!is_ensemble(fit)) return(answer(fit, level, ask, key, value))
  signs <- list()
  asked <- function(one, rows) {
    table <- ask(one, rows)
    signs[[length(signs) + 1]] <<- table[c(key, value[1])]
    table
  }
  out <- answer(fit, level, asked, key, value)
  add_agreement(out, signs, key, value[1])
}

# The share of the tables of the replicates that have the sign of `out`.
add_agreement <- function(out, tables, key, value) {
  names_of <- function(table) do.call(paste, c(unname(lapply(table[key], as.character)),
                                               sep = "\r"))
  agree <- vapply(tables, function(table) {
    sign(table[[value]][match(names_of(out), names_of(table))]) == sign(out[[value]])
  }, logical(nrow(out)))
  agree <- matrix(agree, nrow(out))
  out$sign_agreement <- rowMeans(agree, na.rm = TRUE)
  out$sign_agreement[is.nan(out$sign_agreement)] <- NA
  beside <- out[[paste0(value, "_low")]] > 0 | out[[paste0(value, "_high")]] < 0
  out$stable <- !is.na(beside) & beside & out$sign_agreement >= stable_share
  out$stable[is.na(out$stable)] <- FALSE
  out
}
