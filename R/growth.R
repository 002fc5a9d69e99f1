#' Growth of groups of cells
#'
#' The mean growth rate of the cells of a group at each time, as the fit has learned it.
#'
#' @section Bands:
#' Replicates of an ensemble have in common what the method cannot resolve, so that bands
#' are wider than these spread, by two things, added as squares:
#' * Growth is learned from what cells leave in an interval, so it is not resolved in time
#'   within one: by how much the mean rate of the cells changes while they go on by half
#'   of the interval that follows, or go back by half of that before, whichever is more.
#' * The field is smooth: by how far the rate of a group is from the logarithm of its mean
#'   descendants by the coupling over the interval that follows.
#'
#' Measured on four simulated cultures and four gene networks of five times that were not
#' used to design the bands (ten fast replicates): bands of 90 % held the true mean rate
#' of 98 % of the groups of cultures and of 83 % of those of gene networks. With three
#' times, between which the growth of a culture is not told from motion, they held that of
#' one group in eight: `told` says where not to trust them.
#'
#' @section Death or change of type: A type that gets rarer while another one gets more
#'   common may die while the other one divides, or its cells may turn into the other one.
#'   Where few cells are seen on the way, as from one island to the next, a coupling takes
#'   the first for true, also where `told` is `TRUE`, and bands do not contain the second.
#'   `told` says that the answer hardly depends on the price of mass change, not that it
#'   is right. So ask whether types whose growth is far below zero are known to die. If
#'   they neither die nor divide, name their cells by `stable` in [vgfm_fit()].
#'
#' @param fit A fit from [vgfm_fit()], or an ensemble of [vgfm_ensemble()].
#' @param group A label for each fitted cell, as in [vgfm_fates()]. Default: all cells.
#' @param level Of an ensemble: the probability with which a band holds the truth.
#' @param ... Must be empty.
#' @return A data frame with a row for each time and group with cells there: `time`, its
#'   `label`, `group`, `cells`; `growth`, the mean rate per unit of time;
#'   `doubling_time`, `log(2) / growth`, negative where cells halve in that time; and
#'   `told`, whether the interval that begins there (of the last time: that ends there)
#'   tells growth from motion. Of an ensemble also `growth_low` and `growth_high`.
#' @section Errors: `vgfm_error_input` for labels that do not fit; `vgfm_error_no_growth`
#'   if the method learns no growth by state.
#' @section Messages: `vgfm_message_death` names groups that leave fewer than
#'   `r few_descendants` descendants over a typical interval, where growth is told: see
#'   "Death or change of type".
#' @seealso [vgfm_identifiability()]
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' vgfm_growth(fit, ifelse(cells$x1 + cells$x2 > 1, "moving", "resting"))
vgfm_growth <- function(fit, group = NULL, level = 0.9, ...) {
  check_arguments()
  check_fit_or_ensemble(fit)
  one <- main_fit(fit)
  check_growth_learned(one)
  level <- check_level(level)
  s <- one$snapshots
  group <- check_group(group, one) %||% factor(rep("all", nrow(s$x)))
  known <- which(!is.na(group))
  place <- paste(s$index, as.integer(group))[known]
  first <- known[!duplicated(place)]
  first <- first[order(s$index[first], as.integer(group)[first])]
  member <- match(place, paste(s$index, as.integer(group))[first])
  last <- length(s$times)
  table <- data.frame(
    time = s$times[s$index[first]], group = group[first],
    cells = tabulate(member, length(first))
  )
  told <- one$identified$identified[pmin(s$index[first], last - 1)]
  out <- answer(fit, level, function(one, rows) {
    growth <- evaluate_field(one, s$x[known, , drop = FALSE], s$time[known])$growth
    table$growth <- as.vector(rowsum(growth, member)) / table$cells
    table
  }, c("time", "group"), "growth")
  if (is_ensemble(fit)) {
    out <- widen_bands(out, "growth", growth_doubt(main_fit(fit), known, member))
  }
  out$doubling_time <- log(2) / out$growth
  out$told <- told
  inform_death(out, s)
  as_answer(in_user_times(out, s), "vgfm_group_growth")
}

# Death that cannot be told from a change of type is said to be no more than that: of
# groups that leave fewer than `few_descendants` cells over a typical interval.
few_descendants <- 0.8
inform_death <- function(table, snapshots) {
  gap <- stats::median(diff(snapshots$times))
  dying <- table$told & exp(table$growth * gap) < few_descendants
  group <- unique(as.character(table$group[dying]))
  if (length(group) == 0 || length(unique(table$group)) == 1) return(invisible())
  inform_vgfm(c(
    "!" = "Cells of {.val {group}} are said to die. Snapshots show that they get fewer.",
    i = "If they turn into cells of another type instead, name them by {.arg stable} in
         {.fn vgfm_fit}."
  ), class = "vgfm_message_death")
}

# How far the mean growth of groups may be off in all replicates alike; see vgfm_growth().
# `known`: rows of the cells of groups, `member` (known): the number of their group.
growth_doubt <- function(fit, known, member) {
  s <- fit$snapshots
  k <- s$index[known]
  mean_of <- function(value) as.vector(rowsum(value, member)) / tabulate(member)
  x <- s$x[known, , drop = FALSE]
  growth <- mean_of(evaluate_field(fit, x, s$time[known])$growth)
  half <- diff(s$times) / 2
  moved_by <- function(time) {
    moved <- x
    for (i in which(time != 0)) {
      own <- which(k == i)
      if (length(own) == 0) next
      moved[own, ] <- advance_cells(fit, x[own, , drop = FALSE], s$times[i],
                                    s$times[i] + time[i])$x
    }
    mean_of(evaluate_field(fit, moved, s$time[known] + time[k])$growth)
  }
  resolved <- pmax(abs(moved_by(c(half, 0)) - growth),
                   abs(moved_by(c(0, -half)) - growth))
  left <- rep(NA_real_, nrow(s$x))
  for (i in seq_along(fit$couplings)) {
    left[s$index == i] <- fit$couplings[[i]]$descendants
  }
  coupled <- log(pmax(mean_of(left[known]), least_descendants)) /
    c(diff(s$times), NA)[k[match(seq_along(growth), member)]]
  smoothed <- ifelse(is.na(coupled), 0, coupled - growth)
  sqrt(resolved^2 + smoothed^2)
}
