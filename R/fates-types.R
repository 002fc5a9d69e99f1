# Types that cells do not leave.

# A type is taken to be kept where at least so large a share of the lines of its cells
# stay in it, over the intervals that tell growth from motion.
least_kept <- 0.95
# Cells of a type that are needed for that, and those that are coupled at most.
least_kept_cells <- 10
kept_cells <- 2000

# The share of lines that stay in each type (named), by the intervals that tell growth
# from motion; NA for types of which these say nothing.
kept_shares <- function(fit, group, call = rlang::caller_env()) {
  told <- which(fit$identified$identified)
  total <- stay <- count <- stats::setNames(numeric(nlevels(group)), levels(group))
  for (k in told) {
    from <- spaced(snapshot_rows(fit, k), kept_cells)
    to <- spaced(snapshot_rows(fit, k + 1), kept_cells)
    from <- from[!is.na(group[from])]
    to <- to[!is.na(group[to])]
    if (length(from) < 2 || length(to) < 2) next
    line <- lines_between(fit, k, cells_of_lines(fit, from, call),
                          cells_of_lines(fit, to, call), call = call)$line
    flow <- as.matrix(line %*% t(type_columns(group[to])))
    flow <- flow / pmax(rowSums(flow), 1e-300)
    flow <- rowsum_types(flow, group[from])
    there <- levels(group) %in% group[to]
    total <- total + there * rowSums(flow)
    stay <- stay + there * diag(flow)
    count <- count + there * as.vector(table(group[from]))
  }
  ifelse(count >= least_kept_cells, stay / total, NA)
}

# Sums of rows by type: (types, columns).
rowsum_types <- function(values, type) type_columns(type) %*% values

# Names of the types that cells do not leave: those of the user, or those that the data
# show to be kept, which is said. A list of `types`, and `all`: in every interval, or in
# those alone that do not tell growth from motion.
find_terminal <- function(fit, group, terminal, intervals, call) {
  if (!is.null(terminal)) {
    return(list(types = check_terminal(terminal, group, call), all = TRUE))
  }
  told <- fit$identified$identified
  if (!is_learned(fit$method) || all(told[intervals])) {
    return(list(types = character(), all = FALSE))
  }
  share <- kept_shares(fit, group, call)
  types <- names(share)[which(share >= least_kept)]
  if (length(types) > 0) {
    inform_vgfm(c(
      i = "Cells of {.val {types}} are taken to keep their type, as they do where growth
           is told from motion.",
      i = "Name such types by {.arg terminal}; {.code terminal = character()} for none."
    ), class = "vgfm_message_terminal")
  }
  list(types = types, all = FALSE)
}

check_terminal <- function(terminal, group, call) {
  terminal <- as_plain_vector(terminal)
  if (!is.atomic(terminal) || !all(as.character(terminal) %in% levels(group))) {
    abort_input(
      c("{.arg terminal} must name types in {.arg group}, not be {describe(terminal)}.",
        i = "There {?is/are} {.val {levels(group)}}."),
      arg = "terminal", call = call
    )
  }
  as.character(terminal)
}

# For each interval the labels of cells of the types that are kept in it; NULL for none.
kept_labels <- function(fit, group, terminal) {
  kept <- if (length(terminal$types) > 0) {
    factor(as.character(group), terminal$types)
  }
  function(k) if (terminal$all || !isTRUE(fit$identified$identified[k])) kept
}
