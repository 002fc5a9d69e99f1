#' How well a fit reproduces the snapshots
#'
#' Starts from all cells of the first snapshot with equal weights, integrates them to
#' every later observed time, and compares the weighted cloud with the snapshot there.
#'
#' @section Many cells:
#' Exact distances take time that grows faster than the square of the number of cells. So
#' where there are more than 4e7 pairs of predicted and observed cells (say, 6300 of
#' each), or a snapshot has more than 12649 cells, `w1` is the mean of four distances
#' between samples of 5000 cells (or half the snapshot, if that is less): predicted ones
#' drawn in proportion to their weights, observed ones at random. Such a mean lies above
#' the distance between the whole clouds, by an amount that falls with the size S of the
#' samples as S^(-1/d) in d dimensions. `floor` then is computed from disjoint samples of
#' the snapshot of the same size, so that the two compare: a perfect fit has `w1` equal to
#' `floor`. The samples are the same for all fits.
#'
#' @param fit A fit from [vgfm_fit()], or an ensemble of [vgfm_ensemble()], whose
#'   replicates then carry the same cells.
#' @param newdata,time Other cells to compare with, for instance cells that were held out,
#'   and their times (as in [predict.vgfm()]). Cells at or before the first observed time
#'   are left out: there is nothing to predict there. Default: the snapshots of the fit.
#' @param stochastic,realisation As in [vgfm_trajectories()], which says how cells are
#'   followed with noise.
#' @param level Of an ensemble: the probability with which a band holds the truth.
#' @param ... Must be empty.
#' @return A data frame with one row per time:
#'   * `time`, a number, or a date where the fit has dates; `label`, what the user calls
#'     it (`NA` for a time that was not in the fit); and `cells`, the number observed.
#'   * `used`: the number of them that `w1` is computed from: all, unless there are many.
#'   * `w1`: exact Wasserstein-1 distance (Euclidean) between the predicted cloud, its
#'     weights normalised, and the snapshot, in units of the features.
#'   * `floor`: the same distance between two random halves of the snapshot, mean over 2
#'     to 20 splits: how far apart two samples of the same population are. Halves are
#'     smaller than the snapshot, so a good fit lies below it. `NA` for one cell.
#'   * `rme`: relative error of the total mass, |predicted - observed| / observed. `NA`
#'     for times that were not in the fit. On the fit's own times it is 0 but for
#'     integration, by construction: the total mass was made right there (see
#'     [vgfm_control()]).
#'   * `rme_trained`: the same before the mass was made right, which is what training
#'     reached. Neither says how well masses at other times are found; [vgfm_cv()] does.
#'   * `spread`: total variance of the predicted cloud over that of the snapshot. In high
#'     dimensions a cloud that has shrunk onto its centre has a low `w1`; its spread is
#'     far below 1. `NA` for a snapshot that is a single point.
#'
#'   Of an ensemble also `w1_low`, `w1_high`, `spread_low` and `spread_high`.
#'
#'   With `stochastic = TRUE`, it has an attribute `"error"` as [vgfm_trajectories()] has
#'   it; and `rme` is not 0 where growth is learned, as masses were made right along the
#'   flow.
#' @section Errors: `vgfm_error_fit`, `vgfm_error_newdata` and `vgfm_error_time` for
#'   unusable arguments; `vgfm_error_not_finite` or `vgfm_error_convergence` if the
#'   fields cannot be integrated, as after a training that diverged; `vgfm_error_score`
#'   for `stochastic = TRUE` if the method of the fit has no score.
#' @section Warnings: `vgfm_warning_simulation` if a simulation did not reach its
#'   tolerance.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' vgfm_evaluate(fit)
vgfm_evaluate <- function(fit, newdata = NULL, time = NULL, stochastic = FALSE,
                          realisation = 1, level = 0.9, ...) {
  check_arguments()
  check_fit_or_ensemble(fit)
  call <- rlang::current_env()
  ensemble <- fit
  fit <- main_fit(ensemble)
  refuse_noise(ensemble, stochastic)
  check_idle("time", !is.null(time) && is.null(newdata), "with {.arg newdata}")
  noise <- new_noise(fit, stochastic, realisation, !missing(realisation))
  observed <- fit$snapshots
  target <- if (is.null(newdata)) observed else held_out(fit, newdata, time)
  first <- which(observed$index == 1)
  start <- observed$x[first, , drop = FALSE]
  times <- target$times[target$times > observed$times[1]]
  progress <- new_progress("Evaluating", length(times), fit$control$progress)
  on.exit(progress(0, finished = TRUE))
  population <- NULL
  # Replicates carry the same cells.
  table <- answer(ensemble, level, function(one, rows) {
    states <- if (is_naive_fit(one)) naive_states(one, times) else
      follow(one, start, observed$times[1], times, call, noise, first)
    first_ask <- is.null(population)
    if (first_ask) population <<- states
    rows <- lapply(states, function(state) {
      if (first_ask) on.exit(progress(1))
      cloud <- target$x[target$time == state$time, , drop = FALSE]
      size <- sample_size(nrow(state$x), nrow(cloud))
      floor <- if (first_ask) {
        halves_distance(cloud, size, use_threads(fit$control$threads))
      } else NA_real_
      compare_clouds(one, state, cloud, known_mass(observed, state$time), call, size,
                     floor)
    })
    do.call(rbind, rows)
  }, "time", c("w1", "spread"))
  trained <- trained_mass_error(fit)[match(table$time, observed$times[-1])]
  table <- in_user_times(add_column(table, "rme_trained", trained, "rme"), observed)
  with_error(table, fit, population, noise)
}

# The same for the fit's own times, as part of a report that shall not fail with it: where
# the fields cannot be integrated, figures are NA, and a warning says so.
evaluate_anyway <- function(fit, call = rlang::caller_env()) {
  if_fields_fail(vgfm_evaluate(fit), function(error) {
    reason <- rlang::cnd_header(error)
    warn_vgfm(c(
      "The fit cannot be evaluated: W1, mass error and spread are {.code NA}.",
      x = "{reason}"
    ), class = "vgfm_warning_not_evaluated", call = call)
    s <- fit$snapshots
    table <- data.frame(
      time = s$times[-1], cells = s$counts[-1], used = NA_integer_, w1 = NA_real_,
      floor = NA_real_, rme = NA_real_, rme_trained = trained_mass_error(fit),
      spread = NA_real_
    )
    in_user_times(table, s)
  })
}

# Observed relative mass at a time; NA where there is none.
known_mass <- function(snapshots, time) {
  snapshots$mass[match(time, snapshots$times)]
}

# One row of the table: a weighted cloud at its time against a snapshot. `size`: cells in
# a sample.
compare_clouds <- function(fit, state, cloud, mass, call = rlang::caller_env(),
                           size = sample_size(nrow(state$x), nrow(cloud)),
                           floor = halves_distance(cloud, size, threads)) {
  threads <- use_threads(fit$control$threads)
  predicted <- mean(exp(state$log_weight))
  weight <- exp(state$log_weight - max(state$log_weight))
  observed <- total_variance(cloud)
  data.frame(
    time = state$time,
    cells = nrow(cloud),
    used = min(size, nrow(cloud)),
    w1 = cloud_distance(state$x, weight, cloud, threads, call, size),
    floor = floor,
    rme = round(abs(predicted - mass) / mass, 12), # what is less is rounding
    spread = if (observed > 0) total_variance(state$x, weight) / observed else NA
  )
}

total_variance <- function(x, weight = rep(1, nrow(x))) {
  weight <- weight / sum(weight)
  centre <- colSums(x * weight)
  sum(weight * sweep(x, 2, centre)^2)
}

# Cells that were not in the fit, with their times.
held_out <- function(fit, newdata, time, call = rlang::caller_env()) {
  x <- check_newdata(fit$snapshots, newdata, call = call)
  # Objects may have cells of unknown time.
  time <- newdata_time(fit, newdata, time, x, some = is_container(newdata), call = call)
  if (is.null(time)) {
    abort_time(
      c("{.arg time} is needed with {.arg newdata}.",
        i = "Give the time of every cell, as in {.fn vgfm_fit}."),
      "time", call
    )
  }
  x <- x[!is.na(time), , drop = FALSE]
  time <- time[!is.na(time)]
  first <- fit$snapshots$times[1]
  if (all(time <= first)) {
    abort_time(
      c("{.arg time} must have values after the first observed time,
         {show_time(fit$snapshots, first)}.",
        i = "The fit is evaluated where it predicts."),
      "time", call
    )
  }
  times <- sort(unique(time))
  warn_outside(fit, times, call)
  list(x = x, time = time, times = times)
}
