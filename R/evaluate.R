#' How well a fit reproduces the snapshots
#'
#' Starts from all cells of the first snapshot with equal weights, integrates them to
#' every later observed time, and compares the weighted cloud with the snapshot there.
#'
#' @param fit A fit from [vgfm_fit()].
#' @param newdata,time Other cells to compare with, for instance cells that were held out,
#'   and their times (as in [vgfm_fit()]). Cells at or before the first observed time are
#'   left out: there is nothing to predict there. Default: the snapshots of the fit.
#' @return A data frame with one row per time:
#'   * `time`, and `cells`, the number observed.
#'   * `w1`: exact Wasserstein-1 distance (Euclidean) between the predicted cloud, its
#'     weights normalised, and the snapshot, in units of the features.
#'   * `floor`: the same distance between two random halves of the snapshot, mean over 2
#'     to 20 splits: how far apart two samples of the same population are. Halves are
#'     smaller than the snapshot, so a good fit lies below it. `NA` for one cell.
#'   * `rme`: relative error of the total mass, |predicted - observed| / observed. `NA`
#'     for times that were not in the fit.
#'   * `spread`: total variance of the predicted cloud over that of the snapshot. In high
#'     dimensions a cloud that has shrunk onto its centre has a low `w1`; its spread is
#'     far below 1. `NA` for a snapshot that is a single point.
#' @section Errors: `vgfm_error_fit`, `vgfm_error_newdata` and `vgfm_error_time` for
#'   unusable arguments; `vgfm_error_not_finite` or `vgfm_error_convergence` if the
#'   fields cannot be integrated, as after a training that diverged.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control(steps = 300))
#' vgfm_evaluate(fit)
vgfm_evaluate <- function(fit, newdata = NULL, time = NULL) {
  check_fit(fit)
  call <- rlang::current_env()
  observed <- fit$snapshots
  target <- if (is.null(newdata)) observed else held_out(fit, newdata, time)
  start <- observed$x[observed$index == 1, , drop = FALSE]
  times <- target$times[target$times > observed$times[1]]
  population <- follow(fit, start, observed$times[1], times)
  progress <- new_progress("Evaluating", length(times), fit$control$progress)
  on.exit(progress(0, finished = TRUE))
  rows <- lapply(population, function(state) {
    on.exit(progress(1))
    cloud <- target$x[target$time == state$time, , drop = FALSE]
    compare_clouds(fit, state, cloud, known_mass(observed, state$time), call)
  })
  do.call(rbind, rows)
}

# Observed relative mass at a time; NA where there is none.
known_mass <- function(snapshots, time) {
  snapshots$mass[match(time, snapshots$times)]
}

# One row of the table: a weighted cloud at its time against a snapshot.
compare_clouds <- function(fit, state, cloud, mass, call = rlang::caller_env()) {
  threads <- use_threads(fit$control$threads)
  predicted <- mean(exp(state$log_weight))
  weight <- exp(state$log_weight - max(state$log_weight))
  observed <- total_variance(cloud)
  data.frame(
    time = state$time,
    cells = nrow(cloud),
    w1 = solve_emd(t(state$x), t(cloud), weight, rep(1, nrow(cloud)), FALSE,
                   threads, call)$cost,
    floor = halves_distance(cloud, threads),
    rme = abs(predicted - mass) / mass,
    spread = if (observed > 0) total_variance(state$x, weight) / observed else NA
  )
}

total_variance <- function(x, weight = rep(1, nrow(x))) {
  weight <- weight / sum(weight)
  centre <- colSums(x * weight)
  sum(weight * sweep(x, 2, centre)^2)
}

# Wasserstein-1 distance between two random halves of a cloud, mean over more splits the
# smaller it is. The splits depend on the number of cells alone, so that fits compare.
halves_distance <- function(cloud, threads) {
  n <- nrow(cloud)
  if (n < 2) return(NA_real_)
  splits <- min(20, max(2, round(5000 / n)))
  mean(vapply(seq_len(splits), function(split) {
    first <- order(key_uniform(n, c(0, 0), split)) <= n / 2
    solve_emd(t(cloud[first, , drop = FALSE]), t(cloud[!first, , drop = FALSE]),
              rep(1, sum(first)), rep(1, sum(!first)), FALSE, threads)$cost
  }, 0))
}

# Cells that were not in the fit, with their times.
held_out <- function(fit, newdata, time, call = rlang::caller_env()) {
  x <- check_newdata(fit$snapshots, newdata, call = call)
  time <- newdata_time(fit, newdata, time, call)
  if (is.null(time)) {
    abort_time(
      c("{.arg time} is needed with {.arg newdata}.",
        i = "Give the time of every cell, as in {.fn vgfm_fit}."),
      "time", call
    )
  }
  if (length(time) == 1) time <- rep(time, nrow(x))
  check_time_length(x, time, call, arg = "newdata")
  if (is_container(newdata)) {
    x <- x[!is.na(time), , drop = FALSE]
    time <- time[!is.na(time)]
  }
  time <- parse_time_values(time, call)
  first <- fit$snapshots$times[1]
  if (all(time <= first)) {
    abort_time(
      c("{.arg time} must have values after the first observed time, {first}.",
        i = "The fit is evaluated where it predicts."),
      "time", call
    )
  }
  times <- sort(unique(time))
  warn_outside(fit, times, call)
  list(x = x, time = time, times = times)
}
