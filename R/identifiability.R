#' What the data say of growth
#'
#' Shows, interval by interval, over which range of `tau` the number of descendants of a
#' group of cells stands still, and what the fit, a naive control and the masses alone say
#' of its growth. Nothing is trained: it takes a fraction of a second per interval.
#'
#' A cell type that has become more frequent has grown, or cells of another type have
#' moved in. Snapshots do not say which: the price of mass change, `tau`, decides. Where
#' populations are apart, there is a range of `tau` over which the answer stays the same:
#' a plateau. There growth is told from motion, and the upper end of the plateau is taken.
#' Elsewhere the number of descendants follows from `tau`, not from the cells: differences
#' of growth between cells mean little, `tau` is taken so large that they are small, and
#' the fit rests on what other intervals say of such cells. `growth_prior` may help.
#'
#' @section How it is made:
#' At most 400 cells of each snapshot are coupled at each `tau` of the grid of
#' [vgfm_method()], with the same cells and the same `epsilon` as in `fit$scan`, which
#' ends where the choice of `tau` is settled. A group has the mean number of descendants
#' of its cells among them. Of a rare kind these are few, and their curve is noisy; the
#' column `cells` says how many.
#'
#' The naive control knows no fields and no time: log descendants over the length of the
#' interval, as the couplings of the fit have them, averaged over the nearest source cells
#' in state (30, or a tenth of all if those are fewer) whatever their time. A fit that is
#' far from it deserves a second look. The uniform rate is what the masses alone say:
#' the growth of all cells alike.
#'
#' @param fit A fit from [vgfm_fit()]; also one with `steps = 0`, which has couplings, but
#'   no fields.
#' @param group A label for each fitted cell, such as its type; `NA` for none. Labels go
#'   by name where both sides are named, else by place. Those of the last time have no
#'   descendants, and do not count. Without labels, the cells of a snapshot form three
#'   groups of one size: those to which the fit gives the `"fewest"` descendants, those in
#'   the `"middle"` and those with the `"most"`, as averages over neighbours.
#' @param x,object What `vgfm_identifiability()` gives.
#' @param ... Must be empty; for `plot()`: arguments of `autoplot()`.
#' @return `vgfm_identifiability()` gives a list of class `vgfm_identifiability`, three
#'   data frames. All have columns `interval` (its number), `from` and `to` (labels of the
#'   times).
#'   * `verdict`, one row per interval: `identified`, whether growth is told from motion;
#'     the `tau` of the fit, in squared units of the features; the lowest and the highest
#'     `tau` of the plateau, `plateau_low` and `plateau_high`, `NA` where there is none;
#'     `mass`, that at the end of the interval over that at its start; at the `tau` of the
#'     fit the `spread`, which is the standard deviation of log descendants averaged over
#'     neighbours, and `parents`, the effective share of sources that have descendants;
#'     and `verdict`, in words.
#'   * `descendants`, one row per interval, group and `tau`: `cells`, the number of cells
#'     of the group that were coupled; `descendants`, their mean number per cell, `NA`
#'     where the coupling could not be solved.
#'   * `growth`, one row per interval and group: `cells`, their number in the snapshot at
#'     the start of the interval; `descendants`, per cell, in the coupling of the fit; and
#'     growth rates, per unit of the fit's time: `coupling`, log of these descendants over
#'     the length of the interval; `fit`, the mean of the growth field at the cells (`NA`
#'     for a fit that is not trained); `naive`, that of the naive control; `uniform`, that
#'     of the masses; and, of a fit with a growth prior, `prior`, the mean of the rates
#'     that were given. Of groups of more than 1000 cells, `fit` and `naive` are means
#'     over 1000.
#'
#'   `autoplot()` gives a ggplot2 object: descendants by group against `tau`, one panel
#'   per interval. The plateau is shaded, the `tau` of the fit is a vertical line, and the
#'   dashed line is where all cells grow alike. `plot()` draws it, and returns it
#'   invisibly.
#' @section Errors: `vgfm_error_input` for labels that are not one for each cell, or none
#'   of a cell with a later snapshot; `vgfm_error_fit` for what is no fit,
#'   `vgfm_error_no_growth` if its method learns no growth by state.
#' @section Warnings: `vgfm_warning_not_evaluated` if the growth field cannot be
#'   evaluated, as after a training that diverged: `fit` is then `NA`.
#' @seealso [vgfm_method()] for how `tau` is chosen; [vgfm_fates()];
#'   `vignette("growth")`.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control(steps = 0))
#' kind <- ifelse(cells$x1 + cells$x2 > 1, "differentiating", "resting")
#' known <- vgfm_identifiability(fit, kind)
#' known
#' plot(known)
vgfm_identifiability <- function(fit, group = NULL, ...) {
  check_arguments()
  check_fit(fit)
  check_growth_learned(fit)
  call <- rlang::current_env()
  group <- check_group(group, fit) %||% classes_by_descendants(fit)
  last <- length(fit$snapshots$times)
  group[fit$snapshots$index == last] <- NA
  if (all(is.na(group))) {
    abort_input(
      c("{.arg group} has no label for a cell that has a later snapshot.",
        i = "Label cells of other times than the last,
             {.val {fit$snapshots$labels[last]}}."),
      arg = "group", call = call
    )
  }
  group <- droplevels(group)
  scans <- full_scans(fit)
  structure(
    list(verdict = verdict_table(fit, scans),
         descendants = descendants_table(fit, scans, group),
         growth = growth_table(fit, group, call)),
    class = "vgfm_identifiability"
  )
}

# Most rows of the table of growth that are printed.
printed_rows <- 30

#' @rdname vgfm_identifiability
#' @export
print.vgfm_identifiability <- function(x, ...) {
  verdict <- x$verdict
  cli::cat_line("<vgfm_identifiability> growth told from motion in ",
                sum(verdict$identified), " of ", nrow(verdict), " intervals")
  for (line in joint_verdicts(verdict)) cli::cat_line(strwrap(line, 80, exdent = 2))
  cli::cat_line("\nGrowth by group, per unit of time: as coupled, of the fit",
                if (all(is.na(x$growth$fit))) " (not trained)", ",")
  cli::cat_line("of the nearest cells in state (naive), of all cells alike (uniform):")
  rates <- intersect(c("coupling", "fit", "naive", "uniform", "prior"), names(x$growth))
  shown <- utils::head(x$growth[c("from", "to", "group", "cells", rates)], printed_rows)
  shown[rates] <- lapply(shown[rates], function(rate) round(rate, 3))
  print(shown, row.names = FALSE)
  more <- nrow(x$growth) - nrow(shown)
  if (more > 0) cli::cat_line("and ", more, " more rows in $growth")
  cli::cat_line("Next: autoplot(); $verdict, $descendants, $growth")
  invisible(x)
}

# One line per interval; neighbouring ones that are not identified share theirs, if it
# says the same.
joint_verdicts <- function(verdict) {
  said <- sub("^.*? is ", "", verdict$verdict, perl = TRUE)
  same <- ifelse(verdict$identified, verdict$interval, said)
  last <- cumsum(rle(same)$lengths)
  first <- c(1, utils::head(last, -1) + 1)
  paste0("Growth between ", verdict$from[first], " and ", verdict$to[last], " is ",
         said[first])
}
