#' Paths of cells through the learned flow
#'
#' Integrates cells forward (or backward) in time with an adaptive Runge-Kutta method of
#' order 5 (Dormand and Prince 1980); or, for methods with a score, simulates them with
#' noise.
#'
#' @section Stochastic paths: With velocity v, score network S and the noise `sigma` of
#'   the method, `dx = (v + S) dt + sigma dW` forwards and `dx = (v - S) dt + sigma dW`
#'   backwards in time (Anderson 1982) carry the same population as `dx = v dt`. Single
#'   paths differ: cells of one place end in different ones.
#'
#'   The method is that of Euler and Maruyama. Every path is computed twice, with steps of
#'   one size and of half that size along the same noise, and with ever smaller ones until
#'   both agree to 1 % of the standard deviation of the data (root mean square over
#'   features; and .01 in log weight) per mean interval of time, or 4096 steps are taken
#'   between two of `times`. What was reached is reported.
#'
#'   The noise of a cell depends on the fit, `realisation`, the number of the cell (the
#'   row of `newdata`, or of the data of the fit) and the times, so other cells or threads
#'   change nothing. Repeat a row of `newdata` for several paths of a cell.
#'
#' @param fit A fit from [vgfm_fit()], or an ensemble of [vgfm_ensemble()], whose
#'   replicates then carry the same cells.
#' @param newdata Cells to start from, in rows. Default: `n` cells drawn at random from
#'   the snapshot at `from`.
#' @param from Time at which they start, in any form that [vgfm_fit()] takes: one for all,
#'   one per cell, or the name of a column of `newdata`. Default: the times in the column
#'   of `newdata` that the fit was made with; without `newdata`, where it must
#'   be an observed time, the first one.
#' @param times Times at which the paths are reported, in the same terms. Default: 50 from
#'   the first to the last observed time.
#' @param n Number of cells to draw when `newdata` is not given; all, if there are fewer.
#' @param stochastic Follow cells with noise (`TRUE`), for methods with a score, such as
#'   `sf2m`, or along the flow (`FALSE`)? See "Stochastic paths".
#' @param realisation A whole number from 1 on: another draw of the noise. The same fit
#'   and realisation give the same paths again.
#' @param level Of an ensemble: the probability with which a band holds the truth.
#' @param ... Must be empty.
#' @return A data frame in long form, one row per cell and time: `cell` (row name, or
#'   number of its row), `time` (numbers, or dates where the fit has dates), `label` (what
#'   the user calls an observed time; `NA` for others), `weight` (mass relative to the
#'   start), then the features. A feature of such a name gets a number behind it. Of an
#'   ensemble, a band `<column>_low` and `<column>_high` behind weight and each feature.
#'
#'   With `stochastic = TRUE` its attribute `"error"` is a data frame of the errors of the
#'   simulation, one row per time: `time`, `label`; `position`, in units of the features,
#'   and `log_weight`, root mean squares over cells of what was reached, added up along
#'   the paths; `cells`, and how many of these are `beyond` the tolerance.
#' @section Errors: `vgfm_error_fit` and `vgfm_error_input` for unusable arguments, with
#'   `vgfm_error_time` if `from` is needed or times are unusable, and `vgfm_error_newdata`
#'   for cells that do not match those of the fit; `vgfm_error_not_finite` or
#'   `vgfm_error_convergence` if the fields cannot be integrated; `vgfm_error_score` for
#'   `stochastic = TRUE` if the method of the fit has no score.
#' @section Warnings: `vgfm_warning_extrapolation` for times outside the observed ones,
#'   and for cells far outside of those of the fit; `vgfm_warning_simulation` if a
#'   simulation did not reach its tolerance.
#' @references Anderson (1982), Reverse-time diffusion equation models, Stochastic
#'   Processes and their Applications 12. Maruyama (1955), Continuous Markov processes and
#'   stochastic equations, Rendiconti del Circolo Matematico di Palermo 4.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' head(vgfm_trajectories(fit, n = 5))
#' # With noise, by a method that learns a score
#' fit <- vgfm_fit(cells[-1], cells$time, method = "sf2m", control = vgfm_control("fast"))
#' paths <- vgfm_trajectories(fit, n = 5, times = c(8, 16, 32), stochastic = TRUE)
#' attr(paths, "error")
vgfm_trajectories <- function(fit, newdata = NULL, from = NULL, times = NULL, n = 100,
                              stochastic = FALSE, realisation = 1, level = 0.9, ...) {
  check_arguments()
  check_fit_or_ensemble(fit)
  call <- rlang::current_env()
  ensemble <- fit
  fit <- main_fit(ensemble)
  refuse_noise(ensemble, stochastic)
  s <- fit$snapshots
  observed <- s$times
  check_idle("n", !missing(n) && !is.null(newdata), "without {.arg newdata}")
  n <- check_count(n)
  noise <- new_noise(fit, stochastic, realisation, !missing(realisation))
  start <- if (is.null(newdata)) start_snapshot(fit, from, call)
  x <- if (is.null(newdata)) snapshot_cells(fit, start, n) else check_newdata(s, newdata)
  check_some_cells(x, call)
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
  number <- if (is.null(newdata)) {
    thin_rows(which(s$index == start), n, fit)
  } else {
    seq_len(nrow(x))
  }
  states <- NULL
  # Replicates carry the same cells.
  paths <- answer(ensemble, level, function(one, rows) {
    reached <- follow_each(one, x, from, sort(unique(times)), noise = noise,
                           number = number)
    states <<- states %||% reached
    parts <- lapply(reached, function(part) {
      data.frame(cell, time = part$time, exp(part$log_weight), part$x, row.names = NULL)
    })
    out <- do.call(rbind, parts)
    out <- out[order(match(out$cell, cell), out$time), ]
    stats::setNames(out, setdiff(columns, columns[3]))
  }, columns[1:2], columns[-(1:3)], free = columns[-(1:4)])
  rownames(paths) <- NULL
  with_error(in_user_times(paths, s), fit, states, noise)
}

# Of a path with noise there is no band: another fit has other noise.
refuse_noise <- function(ensemble, stochastic, call = rlang::caller_env()) {
  if (is_ensemble(ensemble) && isTRUE(stochastic)) {
    abort_input(c(
      "There are no bands of paths with noise, which differ anyway.",
      i = "Ask {.code ensemble$fit}, or leave {.arg stochastic} out."
    ), arg = "stochastic", call = call)
  }
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
