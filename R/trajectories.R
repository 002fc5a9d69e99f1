#' Paths of cells through the learned flow
#'
#' Integrates cells forward (or backward) in time with an adaptive Runge-Kutta method of
#' order 5 (Dormand and Prince 1980).
#'
#' @param fit A fit from [vgfm_fit()].
#' @param newdata Cells to start from, in rows. Default: `n` cells drawn at random from
#'   the snapshot at `from`.
#' @param from Time at which they start, in any form that [vgfm_fit()] takes: one for all,
#'   one per cell, or the name of a column of `newdata`. Default: the times in the column
#'   of `newdata` that the fit was made with; without `newdata`, where it must
#'   be an observed time, the first one.
#' @param times Times at which the paths are reported, in the same terms. Default: 50 from
#'   the first to the last observed time.
#' @param n Number of cells to draw when `newdata` is not given; all, if there are fewer.
#' @param ... Must be empty.
#' @return A data frame in long form, one row per cell and time: `cell` (row name, or
#'   number of its row), `time` (numbers, or dates where the fit has dates), `label` (what
#'   the user calls an observed time; `NA` for others), `weight` (mass relative to the
#'   start), then the features. A feature of such a name gets a number behind it.
#' @section Errors: `vgfm_error_fit` and `vgfm_error_input` for unusable arguments, with
#'   `vgfm_error_time` if `from` is needed or times are unusable, and `vgfm_error_newdata`
#'   for cells that do not match those of the fit; `vgfm_error_not_finite` or
#'   `vgfm_error_convergence` if the fields cannot be integrated.
#' @section Warnings: `vgfm_warning_extrapolation` for times outside the observed ones,
#'   and for cells far outside of those of the fit.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' head(vgfm_trajectories(fit, n = 5))
vgfm_trajectories <- function(fit, newdata = NULL, from = NULL, times = NULL, n = 100,
                              ...) {
  check_arguments()
  check_fit(fit)
  call <- rlang::current_env()
  s <- fit$snapshots
  observed <- s$times
  check_idle("n", !missing(n) && !is.null(newdata), "without {.arg newdata}")
  n <- check_count(n)
  start <- if (is.null(newdata)) start_snapshot(fit, from, call)
  x <- if (is.null(newdata)) snapshot_cells(fit, start, n) else check_newdata(s, newdata)
  if (nrow(x) == 0) {
    abort_x("{.arg newdata} must have at least one cell (row).", "newdata",
            "vgfm_error_newdata", call)
  }
  from <- if (is.null(newdata)) {
    rep(observed[start], nrow(x))
  } else {
    newdata_time(fit, newdata, from, x, "from", call = call)
  }
  if (is.null(from)) {
    abort_time(c(
      "{.arg from} is needed with {.arg newdata}.",
      i = "Give the time at which the cells start: one for all, or one per cell."
    ), "from", call)
  }
  times <- if (is.null(times)) {
    seq(observed[1], observed[length(observed)], length.out = 50)
  } else {
    fit_times(s, times, "times", call)
  }
  if (length(times) == 0) {
    abort_time(c("{.arg times} must have at least one value.",
                 i = "Give the times at which the paths are wanted."), "times", call)
  }
  warn_outside(fit, c(from, times), call)
  cell <- make.unique(rownames(x) %||% as.character(seq_len(nrow(x))))
  columns <- make.unique(c("cell", "time", "label", "weight", colnames(x)))
  states <- follow_each(fit, x, from, sort(unique(times)))
  parts <- lapply(states, function(part) {
    data.frame(cell, time = part$time, exp(part$log_weight), part$x, row.names = NULL)
  })
  out <- do.call(rbind, parts)
  out <- out[order(match(out$cell, cell), out$time), ]
  rownames(out) <- NULL
  stats::setNames(in_user_times(out, s), columns)
}

# The number of the snapshot at time `from`, whose cells start there.
start_snapshot <- function(fit, from, call) {
  at <- one_time(fit, from, "from", call)
  if (is.null(at)) return(1L)
  k <- match(at, fit$snapshots$times)
  if (is.na(k)) {
    abort_time(c(
      "{.arg from} must be an observed time, as no {.arg newdata} are given, not
       {show_time(fit$snapshots, at)}.",
      i = "The observed times are {.val {fit$snapshots$labels}}."
    ), "from", call)
  }
  k
}
