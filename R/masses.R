#' The mass of groups of cells over time
#'
#' How large the population is, and how much of it each group makes up: as the fit
#' predicts it, at observed times and between them, and as it was observed.
#'
#' Between observed times the population is that of [vgfm_interpolate()]: cells of the
#' snapshots before and after, carried there. Each has the label of the labelled cell
#' nearest to it, of the time before and of that after, in shares that go from one to the
#' other. At observed times masses are those of the snapshots. How well the fit predicts
#' these from the first snapshot, [autoplot.vgfm()] with `type = "mass"` draws.
#'
#' @section Bands:
#' Replicates of an ensemble have in common what nobody observed, so that between times
#' bands are wider than these spread, by two things, added as squares:
#' * the larger of two differences, on the scale of logarithms: half of that between the
#'   population carried from the snapshot before and from that after; and that between a
#'   smooth curve (a natural spline) and straight lines through the logarithms of the
#'   observed masses;
#' * for a group, the difference between its mass by the labels of the time before and of
#'   the time after, times `sqrt(s (1 - s))`, with `s` the share of the interval that has
#'   passed.
#'
#' Masses at observed times, by default numbers of cells, are taken as given. On simulated
#' cultures and gene networks bands of 90 % held the true mass of a left-out time in all
#' cases where four times were observed, and in 5 of 8 where three were: what happens
#' within a long interval is not in the data.
#'
#' @param fit A fit from [vgfm_fit()], or an ensemble of [vgfm_ensemble()].
#' @param group A label for each fitted cell, as in [vgfm_fates()]; `NULL` for the total
#'   alone.
#' @param times Times from the first to the last observed one, in any form that
#'   [vgfm_fit()] takes. Default: the observed times.
#' @param level Of an ensemble: the probability with which a band holds the truth.
#' @param ... Must be empty.
#' @return A data frame with one row for each time and group, and for the total of all:
#'   `time` (a date where the fit has dates), its `label` (`NA` between observed times),
#'   `group` (a factor, the total first), `mass` as predicted, relative to the whole
#'   population at the first time; of an ensemble also `mass_low` and `mass_high`; and
#'   `observed`, the mass of the group in the snapshot: its share of the labelled cells
#'   there times the mass of the population, `NA` where there is none.
#' @section Errors: `vgfm_error_input` for labels that do not fit, with `vgfm_error_time`
#'   for times that do not; `vgfm_error_no_field` if the method learns no velocity
#'   (`linear`).
#' @seealso [vgfm_growth()]; [autoplot.vgfm()] with `type = "mass"` draws it;
#'   [vgfm_interpolate()] gives the cells of any time.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' kind <- ifelse(cells$x1 + cells$x2 > 1, "moving", "resting")
#' vgfm_masses(fit, kind, times = c(0, 4, 8, 12, 16))
vgfm_masses <- function(fit, group = NULL, times = NULL, level = 0.9, ...) {
  check_arguments()
  check_fit_or_ensemble(fit)
  main <- main_fit(fit)
  group <- check_group(group, main)
  level <- check_level(level)
  s <- main$snapshots
  times <- if (is.null(times)) s$times else inside_times(main, times, arg = "times")
  total <- total_name(group)
  groups <- c(total, levels(group))
  table <- answer(fit, level, function(one, rows) {
    carried_table(one, if (!is.null(group)) group[rows], times)
  }, c("time", "group"), "mass")
  if (is_ensemble(fit)) {
    table <- widen_bands(table, "mass", mass_doubt(main, group, times, table$mass))
  }
  table <- sort_rows(table, order(table$time, match(table$group, groups)))
  seen <- observed_table(s, group)
  at <- match(row_key(table, c("time", "group")), row_key(seen, c("time", "group")))
  table$observed <- seen$mass[at]
  table$group <- factor(table$group, groups)
  rownames(table) <- NULL
  as_answer(in_user_times(table, s), "vgfm_masses")
}

sort_rows <- function(table, order) {
  table[] <- lapply(unclass(table), function(column) column[order])
  table
}

# As predicted_table(), of cells carried from both sides.
carried_table <- function(fit, group, times, call = rlang::caller_env()) {
  states <- populations(fit, times, "both", call)
  masses_table(fit, group, states, call)
}

# How far masses (as carried_table() has them) may be off in all replicates alike; see
# vgfm_masses().
mass_doubt <- function(fit, group, times, mass, call = rlang::caller_env()) {
  s <- fit$snapshots
  log_mass <- log(s$mass)
  place <- stats::approx(s$times, seq_along(s$times), times)$y
  share <- place - floor(place)
  total <- function(states) {
    vapply(states, function(state) log(mean(exp(state$log_weight))), 0)
  }
  forth <- total(populations(fit, times, "nearest", call))
  both <- log(mass[seq_along(times)])
  # Both is the mean of forth and back, the latter with weight `share`.
  apart <- ifelse(share > 0, abs(both - forth) / pmax(share, 1e-9) / 2, 0)
  curved <- abs(stats::splinefun(s$times, log_mass, "natural")(times) -
                  stats::approx(s$times, log_mass, times)$y)
  relative <- expm1(pmax(apart, curved))
  if (is.null(group)) return(mass * relative)
  states <- populations(fit, times, "both", call)
  between <- unlist(lapply(states, function(state) {
    parts <- masses_by_side(fit, state, known_labels(fit, group), call)
    if (length(parts$mass) < 2) return(rep(0, nlevels(group)))
    abs(parts$mass[[1]] - parts$mass[[2]]) * sqrt(prod(parts$share))
  }))
  # The total of all times, then each time and group.
  relative <- c(relative, rep(relative, each = nlevels(group)))
  sqrt((mass * relative)^2 + c(0 * times, between)^2)
}

# The name of the group of all cells.
total_name <- function(group) utils::tail(make.unique(c(levels(group), "total")), 1)

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
  labels <- if (!is.null(rows)) label_levels(group[rows])
  if (is.null(rows) || all(is.na(labels))) {
    abort_input(
      c("{.arg {arg}} must have a label for each of the {n} cells of the fit,
         not be {describe(group)}.",
        i = "Cells of no group are {.code NA}; names must be those of the cells.",
        i = if (rlang::is_string(group))
          "Of a column of metadata pass the values: {.code object${group}}.",
        i = if (is.null(names(group)) && !is.null(rownames(fit$snapshots$x)))
          "Of a subset, name them by cell: {.code setNames(group, cells)}."),
      arg = arg, call = call
    )
  }
  labels
}

# A factor, of the levels that there are; NA is no level, as addNA() makes it.
label_levels <- function(group) {
  group <- unname(group)
  if (is.factor(group)) factor(group, exclude = NA) else as.factor(group)
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
  times <- sort(unique(c(s$times, seq(s$times[1], max(s$times), length.out = 41))))
  out <- rbind(cbind(observed_table(s, group), kind = "observed"),
               cbind(predicted_table(fit, group, times, call), kind = "predicted"))
  out$group <- factor(out$group, c(total_name(group), levels(group)))
  out
}

# Tables of time, group and mass: of all cells, then of groups.
observed_table <- function(snapshots, group) {
  rbind(
    data.frame(time = snapshots$times, group = total_name(group), mass = snapshots$mass),
    if (!is.null(group)) observed_masses(snapshots, group)
  )
}

predicted_table <- function(fit, group, times, call = rlang::caller_env()) {
  start <- snapshot_cells(fit, 1, masses_cells)
  population <- follow(fit, start, fit$snapshots$times[1], times, call)
  masses_table(fit, group, population, call)
}

masses_table <- function(fit, group, population, call) {
  total <- vapply(population, function(state) mean(exp(state$log_weight)), 0)
  times <- vapply(population, `[[`, 0, "time")
  rbind(
    data.frame(time = times, group = total_name(group), mass = total),
    if (!is.null(group)) predicted_masses(fit, population, group, call)
  )
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
  known <- known_labels(fit, group)
  rows <- lapply(population, function(state) {
    parts <- masses_by_side(fit, state, known, call)
    data.frame(time = state$time, group = levels(group),
               mass = Reduce(`+`, Map(`*`, parts$share, parts$mass)))
  })
  do.call(rbind, rows)
}

# The labelled cells of each time that has any: `at`, these times, and `cells`.
known_labels <- function(fit, group) {
  labelled <- sort(unique(fit$snapshots$index[!is.na(group)]))
  list(at = fit$snapshots$times[labelled],
       cells = lapply(labelled, function(k) labelled_cells(fit, group, k)))
}

# The masses of all groups by the labels of the time before and of that after (one at a
# time of labels), and what each of these counts.
masses_by_side <- function(fit, state, known, call) {
  at <- known$at
  place <- 1
  if (length(at) > 1) place <- stats::approx(at, seq_along(at), state$time, rule = 2)$y
  sides <- unique(c(floor(place), ceiling(place)))
  list(
    share = 1 - abs(place - sides),
    mass = lapply(known$cells[sides], function(cells) {
      near <- nearest_cells(compared_cells(cells$x, fit), compared_cells(state$x, fit),
                            1, fit$control, call)$index
      rowsum_levels(exp(state$log_weight), cells$group[near]) / nrow(state$x)
    })
  )
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
