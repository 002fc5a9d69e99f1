#' Where cell types came from
#'
#' Says which cells, and cells of which types, gave rise to the cells of each type at a
#' later observed time: of the ancestors of a type, the share that each has.
#'
#' It is [vgfm_fates()] through the couplings, read backwards: cells count by the number
#' of descendants that they have of the type (`mass` there). So if cell i has the share
#' a(i, B) of the ancestors of type B, and the mass m(i, B) among the descendants of i,
#' then a(i, B) = m(i, B) / sum of m(., B) over all cells of its time. A type that grows
#' fast has few ancestors with many descendants each. The types that cells keep, growth
#' that is not told from motion and neighbours are treated as there.
#'
#' @inheritParams vgfm_fates
#' @param to The observed time of the types that are asked about, as a number, label or
#'   date of the fit. Default: the last one.
#' @param from Observed times of the ancestors, before `to`. Default: all of these.
#' @param by `"group"` for a row per pair of types, or `"cell"` for one per cell and type.
#' @param terminal Types that cells do not leave, as in `group`; `character()` for none.
#'   `NULL`: those that the data show to be kept.
#' @param neighbours Number of neighbouring cells over which masses are averaged.
#' @return A data frame. With `by = "group"`, one row per time, type and ancestor: `time`
#'   of the ancestors and its `label`; `type` at time `to`; `ancestor`, a type at the
#'   earlier time; and `share` of the ancestors of `type` that are of it. Shares of a type
#'   at a time add up to 1 over the cells that have a label. With `by = "cell"`, one row
#'   per cell and type: `cell` (name, or number of its row), `time`, `label`, `type` at
#'   time `to`, and the `share`, which adds up to 1 over the cells of a time. Of an
#'   ensemble also the band `share_low` and `share_high`. Types without a cell at `to`
#'   are left out, and by group times without a label. An attribute `"terminal"` names
#'   the types that were taken to be kept.
#' @section Errors: `vgfm_error_input` for labels that do not fit, are not there at `to`,
#'   or, by group, at any time of `from`, and for an unknown `terminal` type;
#'   `vgfm_error_time` if `to` or `from` was not observed, or there is none before `to`;
#'   `vgfm_error_no_coupling` if the method of the fit couples no cells.
#' @references Schiebinger and others (2019), Optimal-transport analysis of single-cell
#'   gene expression identifies developmental trajectories in reprogramming, Cell 176.
#' @seealso [vgfm_fates()]
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_culture(n = 400, genes = 300, components = 8)
#' fit <- vgfm_fit(cells[-1], cells$time, attr(cells, "mass"),
#'                 control = vgfm_control("fast"))
#' vgfm_ancestors(fit, attr(cells, "branch"), from = 2)
vgfm_ancestors <- function(fit, group, to = NULL, from = NULL, by = c("group", "cell"),
                           terminal = NULL, neighbours = 7, level = 0.9, ...) {
  check_arguments()
  check_fit_or_ensemble(fit)
  call <- rlang::current_env()
  main <- main_fit(fit)
  group <- check_labels(group, main, call)
  by <- check_choice(by, c("group", "cell"))
  neighbours <- check_count(neighbours)
  level <- check_level(level)
  to <- labelled_time(main, group, to, call)
  at <- cells_from(main, group, times_before(main, from, to, call))
  if (by == "group" && all(is.na(at$type))) {
    abort_input(c("{.arg group} has no label for a cell of a time in {.arg from}.",
                  i = "{.code by = \"cell\"} needs none."), arg = "group", call = call)
  }
  terminal <- prepare_lines(main, group, at, to, terminal, call)
  ask <- function(one, rows) {
    ancestors_table(one, at, group[rows], to, by, terminal, neighbours, call)
  }
  who <- if (by == "cell") "cell" else "ancestor"
  table <- answer_lines(fit, level, ask, c("time", "type", who), "share")
  attr(table, "terminal") <- terminal$types
  as_answer(table, "vgfm_ancestors")
}

# Observed times before `to`: all, or those of `from`.
times_before <- function(fit, from, to, call) {
  times <- fit$snapshots$times
  known <- times[times < to]
  from <- if (is.null(from)) known else fit_times(fit$snapshots, from, "from", call)
  if (length(from) == 0 || !all(from %in% known)) {
    abort_time(c("{.arg from} must be observed times before {.arg to},
                  {.val {show_time(fit$snapshots, to)}}.",
                 i = "The observed times are {.val {fit$snapshots$labels}}."),
               "from", call)
  }
  sort(unique(from))
}

# Cells of the fit of some observed times: x, time, name, type.
cells_from <- function(fit, group, times) {
  s <- fit$snapshots
  rows <- which(s$time %in% times)
  name <- rownames(s$x) %||% seq_len(nrow(s$x))
  list(x = s$x[rows, , drop = FALSE], time = s$time[rows], name = name[rows],
       type = group[rows])
}

ancestors_table <- function(fit, at, labels, to, by, terminal, neighbours, call) {
  last <- match(to, fit$snapshots$times)
  mass <- fates_of_cells(fit, at, labels, last, kept_labels(fit, labels, terminal),
                         neighbours, call)$mass
  types <- levels(labels)
  there <- which(types %in% labels[fit$snapshots$index == last])
  parts <- lapply(sort(unique(at$time)), function(time) {
    cells <- which(at$time == time)
    part <- mass[cells, there, drop = FALSE]
    name <- at$name[cells]
    if (by == "group" && all(is.na(at$type[cells]))) return(NULL)
    if (by == "group") {
      part <- rowsum_types(part[!is.na(at$type[cells]), , drop = FALSE],
                           at$type[cells][!is.na(at$type[cells])])
      name <- factor(types, types)
    }
    total <- colSums(part)
    data.frame(
      name = rep(name, length(there)), time = rep(time, length(part)),
      type = factor(rep(types[there], each = nrow(part)), types),
      share = as.vector(part) / rep(ifelse(total > 0, total, NA), each = nrow(part))
    )
  })
  table <- do.call(rbind, parts)
  names(table)[1] <- if (by == "cell") "cell" else "ancestor"
  if (by == "group") table <- table[c("time", "type", "ancestor", "share")]
  in_user_times(table, fit$snapshots)
}
