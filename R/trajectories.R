#' Paths of cells through the learned flow
#'
#' Integrates cells forward (or backward) in time with an adaptive Runge-Kutta method of
#' order 5 (Dormand and Prince 1980).
#'
#' @param fit A fit from [vgfm_fit()].
#' @param newdata Cells to start from, in rows. Default: `n` cells drawn at random from
#'   the first snapshot.
#' @param from Time at which they start: one number on the scale of the fit. Default: the
#'   first observed time.
#' @param times Times at which the paths are reported: numbers on the same scale, before
#'   or after `from`. Default: 50 from the first to the last observed time.
#' @param n Number of cells to draw when `newdata` is not given; all, if there are fewer.
#' @return A data frame in long form, one row per cell and time: `cell` (row name, or
#'   number of its row), `time`, `weight` (mass relative to the start), then the features.
#' @section Errors: `vgfm_error_fit` and `vgfm_error_input` for unusable arguments,
#'   with `vgfm_error_time` for times and `vgfm_error_newdata` for cells that do not match
#'   those of the fit; `vgfm_error_not_finite` or `vgfm_error_convergence` if the fields
#'   cannot be integrated.
#' @section Warnings: `vgfm_warning_extrapolation` for times outside the observed ones.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' head(vgfm_trajectories(fit, n = 5))
vgfm_trajectories <- function(fit, newdata = NULL, from = NULL, times = NULL, n = 100) {
  check_fit(fit)
  observed <- fit$snapshots$times
  from <- check_number(from, allow_null = TRUE) %||% observed[1]
  times <- times %||% seq(observed[1], observed[length(observed)], length.out = 50)
  if (!is.numeric(times) || length(times) == 0 || !all(is.finite(times))) {
    abort_time(
      c("{.arg times} must be finite numbers, not {describe(times)}.",
        i = "Give the times at which the paths are wanted, on the scale of the fit."),
      "times", rlang::current_env()
    )
  }
  warn_outside(fit, c(from, times))
  x <- if (is.null(newdata)) {
    first_cells(fit, n)
  } else {
    check_newdata(fit$snapshots, newdata)
  }
  if (nrow(x) == 0) {
    abort_x("{.arg newdata} must have at least one cell (row).", "newdata",
            "vgfm_error_newdata", rlang::current_env())
  }
  cell <- make.unique(rownames(x) %||% as.character(seq_len(nrow(x))))
  # A feature of such a name gets a number behind it.
  columns <- make.unique(c("cell", "time", "weight", colnames(x)))
  parts <- c(
    follow(fit, x, from, sort(unique(times[times < from]), decreasing = TRUE)),
    follow(fit, x, from, sort(unique(times[times >= from])))
  )
  out <- do.call(rbind, lapply(parts, function(part) {
    table <- data.frame(cell, part$time, exp(part$log_weight), part$x, row.names = NULL)
    stats::setNames(table, columns)
  }))
  out <- out[order(match(out$cell, cell), out$time), ]
  rownames(out) <- NULL
  out
}

# States at each of `times`, which run away from `from`.
follow <- function(fit, x, from, times) {
  state <- list(x = x, log_weight = rep(0, nrow(x)))
  out <- vector("list", length(times))
  for (i in seq_along(times)) {
    state <- advance_cells(fit, state$x, from, times[i], state$log_weight)
    from <- times[i]
    out[[i]] <- c(state, time = times[i])
  }
  out
}

# n cells of the first snapshot, at random but always the same ones for a fit.
first_cells <- function(fit, n, call = rlang::caller_env()) {
  n <- check_count(n, call = call)
  rows <- thin_rows(which(fit$snapshots$index == 1), n, fit)
  x <- fit$snapshots$x[rows, , drop = FALSE]
  if (is.null(rownames(x))) rownames(x) <- rows
  x
}

# At most n of some rows, at random but always the same ones for a fit.
thin_rows <- function(rows, n, fit) {
  if (length(rows) <= n) return(rows)
  rows[sort(order(key_uniform(length(rows), fit$training$key, 1))[seq_len(n)])]
}
