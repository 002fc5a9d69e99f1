#' Where cells end up
#'
#' Follows cells through the learned flow to an observed time, and says among which kinds
#' of cells they arrive, and with how much mass.
#'
#' Unless `stochastic = TRUE`, the flow is deterministic; a fate is uncertain where the
#' labelled cells around the place of arrival are of several kinds. Its probability is the
#' share of a kind among the nearest labelled cells of that time. Differences below
#' 1 / `neighbours` mean nothing, nor do those between cells that start closer than the
#' data can tell apart.
#'
#' @param fit A fit from [vgfm_fit()].
#' @param group A label for each fitted cell, such as its type; `NA` for none. Labels go
#'   by name where both sides are named, else by place; those of a part of the cells, as
#'   of a subset of the object, are taken by name alone.
#' @param newdata,time Cells and their times, as in [predict.vgfm()]. Default: those of
#'   the fit.
#' @param to An observed time at which cells have labels, as a number, label or date of
#'   the fit. Default: the last one.
#' @param neighbours Number of labelled cells that are asked; all, if there are fewer.
#' @param stochastic As in [vgfm_trajectories()], which says how cells are followed with
#'   noise. A cell then has a path for each `realisation`, and its probabilities and
#'   masses are means over these.
#' @param realisation Whole numbers from 1 on, each a draw of the noise.
#' @param ... Must be empty.
#' @return A data frame with one row per cell and kind: `cell` (name, or number of its
#'   row), `time` and its `label`, `fate` (a factor), `probability`, which add up to 1 for
#'   each cell, and `mass`: the expected number of descendants of this kind, so that they
#'   add up to what `predict(type = "weight")` says. With `stochastic = TRUE` these are
#'   numbers along the paths that were drawn, and an attribute `"error"` is as
#'   [vgfm_trajectories()] has it, one row per realisation.
#' @section Errors: `vgfm_error_input` for labels that do not fit or are not there at
#'   `to`, with `vgfm_error_time` if `to` was not observed; those of [predict.vgfm()];
#'   `vgfm_error_score` for `stochastic = TRUE` if the method of the fit has no score.
#' @section Warnings: `vgfm_warning_simulation` if a simulation did not reach its
#'   tolerance.
#' @seealso [autoplot.vgfm()] with `type = "mass"` draws the mass of groups over time.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' kind <- ifelse(cells$x1 + cells$x2 > 1, "differentiating", "resting")
#' fates <- vgfm_fates(fit, kind)
#' start <- fates[fates$time == 0, ]
#' tapply(start$mass, start$fate, sum) # descendants of the 400 cells
vgfm_fates <- function(fit, group, newdata = NULL, time = NULL, to = NULL,
                       neighbours = 10, stochastic = FALSE, realisation = 1:10, ...) {
  check_arguments()
  check_fit(fit)
  call <- rlang::current_env()
  s <- fit$snapshots
  group <- check_group(group, fit) %||% abort_input(
    c("{.arg group} must have a label for each cell of the fit, not be {.code NULL}."),
    arg = "group", call = call
  )
  neighbours <- check_count(neighbours)
  noise <- new_noise(fit, stochastic, realisation, !missing(realisation), many = TRUE)
  k <- observed_index(fit, to, call)
  known <- labelled_cells(fit, group, k, Inf)
  if (nrow(known$x) == 0) {
    abort_input(
      c("{.arg group} has no label for a cell of time {.val {s$labels[k]}}.",
        i = "Choose another time by {.arg to}."),
      arg = "group", call = call
    )
  }
  at <- cells_at(fit, newdata, time, call)
  share_of <- function(moved) {
    near <- nearest_cells(known$x, moved$x, min(neighbours, nrow(known$x)), fit$control,
                          call)$index
    vapply(levels(group), function(label) {
      rowMeans(matrix(known$group[near] == label, nrow(near)))
    }, numeric(nrow(near)))
  }
  paths <- lapply(each_realisation(noise), function(noise) {
    moved <- advance_cells(fit, at$x, at$time, s$times[k], call = call, noise = noise)
    share <- matrix(share_of(moved), nrow(at$x))
    c(moved, list(share = share, mass = share * exp(unname(moved$log_weight)),
                  time = s$times[k]))
  })
  mean_of <- function(what) Reduce(`+`, lapply(paths, `[[`, what)) / length(paths)
  kinds <- nlevels(group)
  cell <- rownames(at$x) %||% seq_len(nrow(at$x))
  table <- data.frame(
    cell = rep(cell, each = kinds), time = rep(at$time, each = kinds),
    fate = factor(rep(levels(group), nrow(at$x)), levels(group)),
    probability = as.vector(t(mean_of("share"))), mass = as.vector(t(mean_of("mass")))
  )
  with_error(in_user_times(table, s), fit, paths, noise, call)
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
