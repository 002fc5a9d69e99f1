#' How well left-out times are predicted
#'
#' Leaves out one time point at a time, fits the others, interpolates with
#' [vgfm_interpolate()], and compares with the snapshot that was left out: for comparing
#' settings, and for how far to trust interpolation on the data at hand.
#'
#' What [vgfm_method()] and [vgfm_control()] leave to the data is derived from the times
#' that remain. Principal components that [vgfm_fit()] makes of an object are those of all
#' cells.
#'
#' The fits run in parallel if the package future.apply is installed and a plan is set, as
#' by `future::plan("multisession")`; settings with `threads = 1` then share the
#' processors best. `set.seed()` fixes the result, the same with and without a plan: for a
#' matrix or data frame, that of one call of [vgfm_fit()] after the other in order of
#' time.
#'
#' @param x,time,mass,growth_prior,stable,... As in [vgfm_fit()], of cells at three times
#'   or more; of an object, also those of its method but `split_by`. The mass at a time
#'   that is left out is used to score, not to fit.
#' @param times Times to leave out, each between the first and the last, as numbers,
#'   labels or dates, whatever `time` has. Default: all of those.
#' @param method What is fitted: a name of [vgfm_methods()], or a [vgfm_method()].
#' @param control Settings, see [vgfm_control()].
#' @return A data frame of class `vgfm_cv` with one row per time that was left out. The
#'   columns `time`, `label`, `cells`, `used`, `w1`, `floor`, `rme` and `spread` are those
#'   of [vgfm_evaluate()]. The others are naive controls, which learn nothing, made of the
#'   same snapshots as the fit:
#'   * `w1_previous`: W1 of the last snapshot before the time, as it is.
#'   * `w1_nearest`: W1 of the snapshot nearest in time, as it is. If two are equally
#'     near, that of both together, their cells weighted by mass over number.
#'   * `w1_straight`: W1 of cells on straight lines between the snapshots before and
#'     after the time. The lines join the pairs of the exact transport plan with squared
#'     Euclidean cost and equal weights (McCann's interpolation); of snapshots of more
#'     than 4e7 pairs, samples of 5000 cells are joined. A point between two cells
#'     averages their noise, and in many dimensions W1 rewards such a shrunken cloud:
#'     there, this control is hard to beat.
#'   * `rme_loglinear`: relative error of the mass whose logarithm goes straight from the
#'     time before to the time after.
#'
#'   `print()` says where the fits do not beat them: where their mean W1 is above that of
#'   the best control, or their mean mass error above that of `rme_loglinear`.
#' @section Errors: `vgfm_error_time` if there are fewer than three times or `times` are
#'   not between the first and the last; all those of [vgfm_fit()] and
#'   [vgfm_interpolate()]. Ctrl-C ends the whole.
#' @section Warnings: Those of [vgfm_fit()].
#' @references Wang, Jiang, Zhang, Gu, Zhou and Sun (2025), Joint Velocity-Growth Flow
#'   Matching for Single-Cell Dynamics Modeling, NeurIPS 2025, arXiv:2505.13413.
#' @seealso [vgfm_evaluate()] on the times of the fit.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' vgfm_cv(cells[-1], cells$time, times = 16, control = vgfm_control("fast"))
vgfm_cv <- function(x, time, mass = NULL, ..., growth_prior = NULL, stable = NULL,
                    times = NULL, method = "vgfm", control = vgfm_control()) {
  call <- rlang::current_env()
  check_arguments(container_arguments)
  method <- as_method(method)
  control <- check_control(control)
  snapshots <- as_snapshots(x, time, mass, ..., growth_prior = growth_prior,
                            stable = stable, call = call)
  check_one_replicate(snapshots, "vgfm_cv", call)
  check_method_prices(method, length(snapshots$times) - 1, call)
  tasks <- lapply(left_out_places(snapshots, times, call), function(place) {
    list(place = place, key = new_key())
  })
  show <- control$progress
  control$progress <- FALSE
  control["checkpoint"] <- list(NULL) # one file holds one fit
  rows <- if (futures_planned()) {
    # Random numbers hang on the keys alone.
    future.apply::future_lapply(tasks, score_left_out, snapshots, method, control,
                                future.seed = FALSE)
  } else {
    progress <- new_progress("Leaving out", length(tasks), show)
    on.exit(progress(0, finished = TRUE))
    lapply(tasks, function(task) {
      on.exit(progress(1))
      score_left_out(task, snapshots, method, control)
    })
  }
  table <- in_user_times(do.call(rbind, rows), snapshots)
  structure(table, class = c("vgfm_cv", class(table)))
}

check_one_replicate <- function(snapshots, fun, call) {
  if (!inherits(snapshots, "vgfm_snapshots")) {
    abort_input(c(
      "{.fn {fun}} takes one replicate at a time, not {.arg split_by}.",
      i = "Subset the object to the cells of a replicate."
    ), arg = "split_by", class = "vgfm_error_split_by", call = call)
  }
}

# Which snapshots are left out in turn.
left_out_places <- function(snapshots, times, call) {
  labels <- snapshots$labels
  last <- length(labels)
  if (last < 3) {
    abort_time(c(
      "{.arg time} must have at least three distinct values, to leave one out between
       others.",
      x = "The cells are at {.val {labels}}.",
      i = "See {.fn vgfm_evaluate} for how well a fit finds the times that it was made
           from."
    ), "time", call)
  }
  inner <- labels[-c(1, last)]
  if (is.null(times)) return(seq(2, last - 1))
  if (length(times) == 0) {
    abort_time(c("{.arg times} must have at least one value.",
                 i = "These can be left out: {.val {inner}}."), "times", call)
  }
  values <- sort(unique(fit_times(snapshots, times, "times", call)))
  place <- match(values, snapshots$times)
  bad <- which(is.na(place) | place %in% c(1, last))
  if (length(bad) > 0) {
    given <- show_time(snapshots, values[bad[1]])
    abort_time(c(
      "{.arg times} must be observed times between the first and the last, not {given}.",
      i = "These can be left out: {.val {inner}}."
    ), "times", call)
  }
  place
}

futures_planned <- function() {
  requireNamespace("future.apply", quietly = TRUE) &&
    !inherits(future::plan(), "sequential")
}

# One row of the table. `task`: the place of the snapshot to leave out, and the key of the
# fit to the others.
score_left_out <- function(task, snapshots, method, control) {
  # Not a frame: it may have to travel to another process.
  call <- quote(vgfm_cv())
  place <- task$place
  left_out <- snapshots$index == place
  cloud <- snapshots$x[left_out, , drop = FALSE]
  rest <- without_snapshot(snapshots, place, call)
  method <- method_without_time(method, place)
  fit <- withCallingHandlers(
    fit_snapshots(rest, method, control, call, task$key),
    vgfm_warning_interrupted = function(condition) rlang::interrupt(),
    # It is about fits that nobody sees.
    vgfm_message_growth = rlang::cnd_muffle
  )
  state <- populations(fit, snapshots$times[place], "both", call)[[1]]
  row <- compare_clouds(fit, state, cloud, snapshots$mass[place], call)
  size <- sample_size(nrow(state$x), nrow(cloud))
  cbind(row, naive_controls(rest, snapshots$times[place], cloud, snapshots$mass[place],
                            size, use_threads(control$threads), call))
}

without_snapshot <- function(snapshots, place, call) {
  some_snapshots(snapshots, snapshots$index != place, snapshots$mass[-place], call)
}

# Some cells, and the masses of their snapshots. What there was to warn of has been said
# of the whole.
some_snapshots <- function(snapshots, rows, mass, call) {
  some <- suppressWarnings(
    new_snapshots(snapshots$x[rows, , drop = FALSE], snapshots$time[rows], mass, call),
    classes = "vgfm_warning_time_feature"
  )
  some$prior <- take_prior(snapshots$prior, rows)
  some
}

#' @export
print.vgfm_cv <- function(x, ...) {
  cli::cat_line("<vgfm_cv> predicted against observed, at times left out of the fit:")
  print(as.data.frame(x), digits = 3, row.names = FALSE)
  print_verdict(x, "w1", "Mean W1",
                c(w1_straight = "straight lines between exact pairs",
                  w1_nearest = "the nearest snapshot",
                  w1_previous = "the previous snapshot"),
                "what they say of places between times")
  print_verdict(x, "rme", "Mean mass error", c(rme_loglinear = "a log-linear mass"),
                "masses between times")
  invisible(x)
}

# The mean of a figure beside that of the best control, and whether it is beaten.
print_verdict <- function(x, figure, title, controls, what) {
  controls <- controls[names(controls) %in% names(x)]
  if (!figure %in% names(x) || length(controls) == 0) return(invisible())
  means <- vapply(as.data.frame(x)[names(controls)], mean, 0)
  best <- which.min(means)
  mean <- mean(x[[figure]])
  shown <- format(c(mean, means[best]), digits = 3)
  cli::cat_line(title, " ", shown[1], "; of ", controls[best], " ", shown[2])
  if (isTRUE(mean > means[best])) {
    cli::cat_line("  The fits do not beat ", controls[best], ": do not trust ", what,
                  ".")
  }
}
