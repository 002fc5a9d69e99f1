#' Where cells end up
#'
#' Says of which types the descendants of cells are at a later observed time: the chance
#' of each type for a line of descent, and the number of descendants.
#'
#' @section Probability and mass:
#' `probability` follows one line: at every division one daughter, drawn at random. It is
#' the chance that the cell commits to a type, whatever the types do afterwards. `mass`
#' counts: how many descendants of this type the cell is expected to have. Where types
#' grow differently the two differ: of a cell that commits to either of two types with
#' probability 1/2, more than half of the descendants are of the one that grows faster.
#' `mass` over its sum is the share of a type among the descendants.
#'
#' @section Through what cells are followed:
#' * `"couplings"`: lines of descent are those of couplings between neighbouring
#'   snapshots, put together interval by interval, as in the fate maps of Schiebinger and
#'   others (2019). Couplings are solved again, with the growth that the fit has learned:
#'   a pair changes its mass by the mean of the growth rates at its ends, so that growth
#'   can be taken out of the lines. Every cell has an ancestor. Where growth is not told
#'   from motion, or cells are `stable` (see [vgfm_fit()]), the descendants of cells are
#'   those of the growth field, as nearly as the snapshots allow. Cells are where their
#'   neighbours are on average (up to 30, fewer where a snapshot has less than 300 cells).
#'   A fate is then the mean over the `neighbours` nearest cells of the snapshot, of the
#'   same type where the type of the cell is known. Cells between two observed times first
#'   go along the flow to the later one. On simulated cultures, whose fates are known,
#'   these are the best calibrated: of cells given p, a share p ends there. Methods that
#'   learn no growth by state have their own couplings, and take what grows for what cells
#'   turn into.
#' * `"flow"`: cells follow the velocity field to `to`, and have the shares of types among
#'   the `neighbours` nearest labelled cells there. The flow is deterministic, so that a
#'   fate looks more certain than it is.
#' * `"stochastic"`: the same with noise, as in [vgfm_trajectories()], for methods with a
#'   score. A cell has a path for each `realisation`; probabilities and masses are means
#'   over these.
#'
#' Differences below 1 / `neighbours` mean nothing, nor do those between cells that are
#' closer than the data can tell apart.
#'
#' @section Types that cells keep:
#' Cells that have just become another type may lie where several types overlap, and
#' positions alone would let them change type again. Cells of a `terminal` type stay in
#' it. Without names, types are taken to be kept where the data show it: where, over the
#' intervals that tell growth from motion, at least 95 % of the lines of the cells of a
#' type stay in it. They are then kept in the other intervals, and a message of class
#' `vgfm_message_terminal` names them. It needs labels at the times between.
#'
#' @param fit A fit from [vgfm_fit()], or an ensemble of fits.
#' @param group A label for each fitted cell, such as its type; `NA` for none. Labels go
#'   by name where both sides are named, else by place; those of a part of the cells, as
#'   of a subset of the object, are taken by name alone. A cell of time `to` without one
#'   counts as its nearest labelled neighbours do.
#' @param newdata,time Cells and their times, as in [predict.vgfm()], not later than `to`.
#'   Without `newdata`: the cells of the fit at the observed times in `time`; by default,
#'   all up to time `to`.
#' @param to An observed time at which cells have labels, as a number, label or date of
#'   the fit. Default: the last one.
#' @param by `"cell"` for a row per cell and fate, or `"group"` for the mean over the
#'   cells of each type and time. The latter is for the cells of the fit.
#' @param through `"couplings"`, `"flow"` or `"stochastic"`, see below.
#' @param terminal Types that cells do not leave, as in `group`; `character()` for none.
#'   `NULL`: those that the data show to be kept. For `through = "couplings"`.
#' @param neighbours Number of neighbouring cells over which a fate is averaged; all, if
#'   there are fewer.
#' @param realisation With `through = "stochastic"`, whole numbers from 1 on, each a draw
#'   of the noise.
#' @param level Of an ensemble, how often its bands are to hold the truth.
#' @param ... Must be empty.
#' @return A data frame with one row per cell and type: `cell` (name, or number of its
#'   row), `time` and its `label`, `fate` (a factor), `probability`, which add up to 1 for
#'   each cell, and `mass`. With `by = "group"`, one row per type, time and fate: `group`
#'   in place of `cell`, means over its cells, and `cells`, their number. Of an ensemble
#'   also the bands `probability_low`, `probability_high`, `mass_low` and `mass_high`,
#'   which are those of cells of such a state: of a single cell, whose noise hides its
#'   state, they hold the truth less often. Where growth is not told from motion they are
#'   wider by how far answers move with the price of mass change.
#'   An attribute `"terminal"` names the types that were taken to be kept. With
#'   `through = "stochastic"` an attribute `"error"` of the table by cell is as
#'   [vgfm_trajectories()] has it, one row per realisation.
#' @section Errors: `vgfm_error_input` for labels that do not fit or are not there at
#'   `to`, for an unknown `terminal` type and for an argument of another `through`;
#'   `vgfm_error_time` if `to` was not observed, or cells are later than it; those of
#'   [predict.vgfm()]; `vgfm_error_score` for `"stochastic"` if the method of the fit has
#'   no score; `vgfm_error_no_coupling` for `"couplings"` if it has none.
#' @section Warnings: `vgfm_warning_simulation` if a simulation did not reach its
#'   tolerance. A message of class `vgfm_message_growth` says where growth is not told
#'   from motion: fates of cells there rest on what is learned elsewhere.
#' @references Schiebinger and others (2019), Optimal-transport analysis of single-cell
#'   gene expression identifies developmental trajectories in reprogramming, Cell 176.
#' @seealso [vgfm_ancestors()] for the other direction; [vgfm_dead_ends()];
#'   [autoplot.vgfm()] with `type = "mass"` draws the mass of groups over time.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' kind <- ifelse(cells$x1 + cells$x2 > 1, "differentiating", "resting")
#' vgfm_fates(fit, kind, by = "group")
#' fates <- vgfm_fates(fit, kind)
#' start <- fates[fates$time == 0, ]
#' tapply(start$mass, start$fate, sum) # descendants of the 400 cells
vgfm_fates <- function(fit, group, newdata = NULL, time = NULL, to = NULL,
                       by = c("cell", "group"),
                       through = c("couplings", "flow", "stochastic"), terminal = NULL,
                       neighbours = 7, realisation = 1:10, level = 0.9, ...) {
  check_arguments()
  check_fit_or_ensemble(fit)
  call <- rlang::current_env()
  main <- main_fit(fit)
  group <- check_labels(group, main, call)
  by <- check_choice(by, c("cell", "group"))
  through <- check_choice(through, c("couplings", "flow", "stochastic"))
  coupled <- through == "couplings"
  neighbours <- check_count(neighbours)
  level <- check_level(level)
  check_idle("terminal", !is.null(terminal) && !coupled,
             "with {.code through = \"couplings\"}")
  noise <- fate_noise(main, through, realisation, !missing(realisation), call)
  if (by == "group" && !is.null(newdata)) {
    abort_input(c("{.arg newdata} have no types: {.arg by} cannot be {.val group}.",
                  i = "Use {.code by = \"cell\"}."), arg = "by", call = call)
  }
  to <- labelled_time(main, group, to, call)
  at <- cells_until(main, newdata, time, to, group, call)
  terminal <- if (coupled) prepare_lines(main, group, at, to, terminal, call)
  ask <- function(one, rows) {
    fates_table(one, at, group[rows], to, by, terminal, neighbours, noise, call)
  }
  who <- if (by == "cell") "cell" else "group"
  bands <- if (coupled) answer_lines else answer
  table <- bands(fit, level, ask, c(who, "time", "fate"), c("probability", "mass"))
  attr(table, "terminal") <- terminal$types
  as_answer(table, "vgfm_fates")
}

# Labels for a question that is about them.
check_labels <- function(group, fit, call) {
  check_group(group, fit, call) %||% abort_input(
    c("{.arg group} must have a label for each cell of the fit, not be {.code NULL}."),
    arg = "group", call = call
  )
}

fate_noise <- function(fit, through, realisation, given, call) {
  noisy <- through == "stochastic"
  check_idle("realisation", given && !noisy, "with {.code through = \"stochastic\"}",
             call)
  if (!noisy) return(NULL)
  check_score(fit, "through", "{.val stochastic}", call)
  list(realisation = check_realisations(realisation, call),
       tolerance = simulation_tolerance)
}

# The observed time `to`, at which some cell has a label.
labelled_time <- function(fit, group, to, call) {
  s <- fit$snapshots
  k <- observed_index(fit, to, call)
  if (all(is.na(group[s$index == k]))) {
    abort_input(
      c("{.arg group} has no label for a cell of time {.val {s$labels[k]}}.",
        i = "Choose another time by {.arg to}."),
      arg = "group", call = call
    )
  }
  s$times[k]
}

# The cells asked about: x, time, name, and type where they are those of the fit; none is
# later than `to`.
cells_until <- function(fit, newdata, time, to, group, call) {
  if (is.null(newdata)) {
    times <- fit$snapshots$times
    asked <- if (is.null(time)) times[times <= to] else observed_times(fit, time, call)
    check_not_later(fit, asked, to, call)
    return(cells_from(fit, group, asked))
  }
  at <- cells_at(fit, newdata, time, call)
  at$name <- rownames(at$x) %||% seq_len(nrow(at$x))
  check_not_later(fit, at$time, to, call)
  at
}

check_not_later <- function(fit, time, to, call) {
  late <- time[time > to]
  if (length(late) == 0) return(invisible())
  shown <- show_time(fit$snapshots, c(late[1], to))
  abort_time(c(
    "Cells must not be later than {.arg to}: {shown[1]} is after {shown[2]}.",
    i = "{.fn vgfm_ancestors} looks back."
  ), "time", call)
}

# The number of an observed time, the last one unless `to` names it.
observed_index <- function(fit, to, call) {
  times <- fit$snapshots$times
  if (is.null(to)) return(length(times))
  k <- match(one_time(fit, to, "to", call), times)
  if (is.na(k)) {
    abort_time(c(
      "{.arg to} must be an observed time, not {describe(to)}.",
      i = "Labels are known at {.val {fit$snapshots$labels}} alone."
    ), "to", call)
  }
  k
}
