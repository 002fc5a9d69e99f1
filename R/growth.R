#' Growth of groups of cells
#'
#' The mean growth rate of the cells of a group at each time, as the fit has learned it.
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
  out$doubling_time <- log(2) / out$growth
  out$told <- told
  as_answer(in_user_times(out, s), "vgfm_group_growth")
}
