# The mass of groups of cells over time, observed and predicted.

# Most cells that are followed, and most observed ones of a time that they are compared
# with.
masses_cells <- 2000

# A label for each cell of the fit as a factor; NULL for no groups.
check_group <- function(group, fit, call = rlang::caller_env(), arg = "group") {
  if (is.null(group)) return(NULL)
  group <- as_plain_vector(group)
  n <- nrow(fit$snapshots$x)
  rows <- if (is.atomic(group)) {
    rows_of_cells(fit, names(group), length(group), arg, call)
  }
  if (is.null(rows) || all(is.na(group[rows]))) {
    abort_input(
      c("{.arg {arg}} must have a label for each of the {n} cells of the fit,
         not be {describe(group)}.",
        i = "Cells of no group are {.code NA}; names must be those of the cells.",
        i = if (is.null(names(group)) && !is.null(rownames(fit$snapshots$x)))
          "Of a subset, name them by cell: {.code setNames(group, cells)}."),
      arg = arg, call = call
    )
  }
  droplevels(as.factor(unname(group[rows])))
}

# Where in something with an element for each cell, by name or in order, those of the fit
# stand. It may be of the fit alone, of the whole object that it was made from, or, with
# names, of a part of the cells: others have NA, and a message says so. NULL for nowhere.
rows_of_cells <- function(fit, names, length, arg, call) {
  s <- fit$snapshots
  wanted <- rownames(s$x)
  if (!is.null(names) && !is.null(wanted)) {
    place <- places_by_name(names, wanted, arg, NULL, call, absent = TRUE)
    without <- sum(is.na(place))
    if (without == 0) return(place)
    if (without == length(wanted) || !all(names %in% wanted)) return(NULL)
    inform_vgfm(c(
      i = "{without} of {length(wanted)} cells of the fit are not in {.arg {arg}}, and are
           left out."
    ), class = "vgfm_message_left_out")
    return(place)
  }
  if (length == nrow(s$x)) return(seq_len(length))
  if (isTRUE(length == s$source$of)) s$source$cells
}

# A table: time, group (the total first), mass relative to the total at the first time,
# kind ("observed" or "predicted").
masses <- function(fit, group, call = rlang::caller_env()) {
  s <- fit$snapshots
  all <- utils::tail(make.unique(c(levels(group), "total")), 1)
  start <- snapshot_cells(fit, 1, masses_cells)
  times <- sort(unique(c(s$times, seq(s$times[1], max(s$times), length.out = 41))))
  population <- follow(fit, start, s$times[1], times, call)
  of_total <- vapply(population, function(state) mean(exp(state$log_weight)), 0)
  observed <- data.frame(time = s$times, group = all, mass = s$mass)
  predicted <- data.frame(time = times, group = all, mass = of_total)
  if (!is.null(group)) {
    observed <- rbind(observed, observed_masses(s, group))
    predicted <- rbind(predicted, predicted_masses(fit, population, group, call))
  }
  out <- rbind(cbind(observed, kind = "observed"), cbind(predicted, kind = "predicted"))
  out$group <- factor(out$group, c(all, levels(group)))
  out
}

# The shares of groups among the labelled cells of a time, of the mass of that time.
observed_masses <- function(snapshots, group) {
  counts <- table(snapshots$index, group)
  share <- counts / rowSums(counts)
  seen <- rowSums(counts) > 0
  data.frame(
    time = snapshots$times[seen],
    group = rep(levels(group), each = sum(seen)),
    mass = as.vector(share[seen, ] * snapshots$mass[seen])
  )
}

# Each followed cell has the label of the labelled cell nearest to it among those of the
# observed time before, and of that after, in shares that run from one to the other as
# time goes on; so that curves have no steps, and at an observed time the labels of that
# time alone count.
predicted_masses <- function(fit, population, group, call) {
  s <- fit$snapshots
  labelled <- sort(unique(s$index[!is.na(group)]))
  known <- lapply(labelled, function(k) labelled_cells(fit, group, k))
  at <- s$times[labelled]
  rows <- lapply(population, function(state) {
    place <- 1
    if (length(at) > 1) place <- stats::approx(at, seq_along(at), state$time, rule = 2)$y
    sides <- unique(c(floor(place), ceiling(place)))
    share <- 1 - abs(place - sides)
    parts <- Map(function(side, share) {
      cells <- known[[side]]
      near <- nearest_cells(cells$x, state$x, 1, fit$control, call)$index
      share * rowsum_levels(exp(state$log_weight), cells$group[near])
    }, sides, share)
    data.frame(time = state$time, group = levels(group),
               mass = Reduce(`+`, parts) / nrow(state$x))
  })
  do.call(rbind, rows)
}

labelled_cells <- function(fit, group, k, most = masses_cells) {
  rows <- which(fit$snapshots$index == k & !is.na(group))
  rows <- thin_rows(rows, most, fit)
  list(x = fit$snapshots$x[rows, , drop = FALSE], group = group[rows])
}

# Sums by level of a factor, 0 for one that does not occur.
rowsum_levels <- function(value, group) {
  vapply(split(value, group), sum, 0, USE.NAMES = FALSE)
}
