#' Methods side by side, on your cells
#'
#' Fits several methods to the same cells, and judges all in the same three ways: by the
#' cells of the fit, by times that are left out, and by halves of the snapshots that are
#' left out. Controls that learn nothing are always in the table.
#'
#' @section Parts:
#' * `"fitted"`: all cells are fitted, and judge the fit, as in [vgfm_evaluate()]: the
#'   first snapshot is carried through all later times. This says whether a method can
#'   describe the data, not whether it knows more than them.
#' * `"time left out"`: each time but the first and the last is left out in turn, and
#'   predicted from the others, as in [vgfm_cv()]: the cells of the snapshots before and
#'   after are carried there, forwards and backwards (see [vgfm_interpolate()]). The
#'   literature has two other protocols. One carries the snapshot before alone over one
#'   gap, with equal weights (OT-CFM, SF2M, metric flow matching); the other carries the
#'   first snapshot through the gap (VGFM, WFR-FM). Figures of different protocols do not
#'   compare.
#' * `"half left out"`: each snapshot is halved once, at random but the same for all
#'   methods and all seeds. One half is fitted, with the masses of the whole; the other
#'   judges, as in `"fitted"`. Snapshots of one cell are only fitted.
#'
#' Methods with a score are judged by their flow without noise, whose populations at each
#' time are meant to be those of the process; see `stochastic` in [vgfm_evaluate()].
#'
#' @section Controls:
#' They learn nothing and stand on the snapshot before a time, not on the first: in
#' `"fitted"` they know more than a fit that starts from the first snapshot.
#' * `"hold"`: the snapshot before the time, with its mass.
#' * `"counts"`: its cells, with a mass whose logarithm goes straight from the snapshot
#'   before to the next. Nothing moves, and all grow alike.
#' * `"linear"`: the same mass, and cells on straight lines between the pairs of the exact
#'   transport plan to the next snapshot, as `w1_straight` in [vgfm_cv()]. At a fitted
#'   time these arrive at the snapshot itself: W1 is 0 there by construction, and where a
#'   half is left out, it is that of the half that was fitted.
#'
#' @section Failures:
#' A method that fails does not stop the others: its figures are `NA`, and `note` says
#' `"did not converge"` or what the error said. Warnings of a fit and the checks that
#' it fails (see [vgfm_fit()]) go into `note`, too. The figures of other repeats stay, and
#' `repeats` says how many there are. Ctrl-C ends the whole.
#'
#' @section Long benchmarks:
#' Fits run in parallel if the package future.apply is installed and a plan is set, as by
#' `future::plan("multisession")`; settings with `threads = 1` then share the processors
#' best. Results do not depend on the plan, but for `seconds`. Progress is shown by the
#' package progressr where its handlers are set (`progressr::handlers(global = TRUE)` or
#' `progressr::with_progress()`), else by a bar.
#'
#' With `resume_dir`, the figures of each finished fit are kept in a file of their own,
#' and a benchmark that was stopped goes on from there. A file is found by a hash of the
#' cells, times, masses and prior, of the method with its parameters, the settings, the
#' split and the seed: what was made of other data is not read. A damaged file is made
#' anew. Failures that lie in a method are kept; others, such as too little memory, are
#' tried again.
#'
#' @param x,time,mass,growth_prior,stable,... As in [vgfm_fit()]; of an object, also the
#'   arguments of its method but `split_by`.
#' @param methods Methods to compare: names of [vgfm_methods()], or a list of names and of
#'   [vgfm_method()] objects. The table calls them by the names of the list, or by their
#'   own. `NULL`: all that learn.
#' @param parts Which of the three parts to run. Times are left out where there are three
#'   or more.
#' @param seeds Whole numbers, one for each repeat. A repeat with seed 1 is what
#'   [vgfm_fit()] gives after `set.seed(1)`, for every method and every split. Controls
#'   have one repeat.
#' @param resume_dir A folder for finished fits, or `NULL`; see section "Long benchmarks".
#' @param control Settings of all fits, see [vgfm_control()]. `checkpoint` is not used.
#' @return `vgfm_benchmark()` gives a list of class `vgfm_benchmark`:
#'   * `table`, also by `tidy()`: a data frame with a row for each `method`, `part` and
#'     `time` (dates where `x` has dates; `label` is what the user calls it). `naive` says
#'     whether the method is a control. `cells` is the number of cells that judge, `used`
#'     how many of them distances are computed from. Means over the repeats: `w1`, `rme`,
#'     `rme_trained`, `spread` (variance of the predicted cloud over that of the
#'     snapshot), all as in [vgfm_evaluate()], and `seconds`, those of the fit alone,
#'     which serves all times of `"fitted"` and of `"half left out"`. `w1_sd`, `rme_sd`
#'     and `rme_trained_sd` are standard deviations over the repeats, `NA` for one: how
#'     far another seed changes a figure. `rme_trained` is `NA` where a method has nothing
#'     of the kind, and at times left out. `floor` is the distance between two random
#'     halves of the whole snapshot, mean over splits: where a half is left out, a fit
#'     that knows the population has about that W1. `repeats` is the number of repeats
#'     that gave figures, `note` what there is to say, or `NA`.
#'   * `repeats`: the same with a row for each repeat, by its `seed` (`NA` for controls).
#'   * `seeds`, `control` and `methods`.
#'
#'   `summary()` gives a data frame with a row for each method and part: means over the
#'   times, `NA` if one is missing; `w1_sd` and the like, the standard deviations over
#'   repeats of such means; `best_w1` and `best_rme`, whether the method has the lowest of
#'   those that learn (of mass, `rme_trained` where growth is learned, and at times left
#'   out `rme`). `print()` shows it,
#'   methods in rows and parts in columns, and says where a control is better than all
#'   methods.
#'
#'   `autoplot()` gives a ggplot2 object: for each part a panel, methods in rows, a point
#'   for each time, controls in grey. A bar is a standard deviation to both sides; a
#'   vertical line is the floor of the time. `plot()` draws it.
#' @section Errors: `vgfm_error_method` for unknown methods or names used twice,
#'   `vgfm_error_time` if times are to be left out and there are only two,
#'   `vgfm_error_input` for other arguments; those of [vgfm_fit()] for the cells.
#' @section Messages: `vgfm_message_parts` if there are only two times, so that none is
#'   left out.
#' @section Warnings: `vgfm_warning_checkpoint` if a file in `resume_dir` cannot be
#'   written.
#' @references Wang, Jiang, Zhang, Gu, Zhou and Sun (2025), Joint Velocity-Growth Flow
#'   Matching for Single-Cell Dynamics Modeling, NeurIPS 2025, arXiv:2505.13413.
#' @seealso [vgfm_methods()]; [vgfm_cv()] for one method, [vgfm_evaluate()] for one fit.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' some <- cells[cells$time %in% c(0, 8, 16), ]
#' compared <- vgfm_benchmark(some[-1], some$time, methods = c("vgfm", "ot_cfm"),
#'                            control = vgfm_control("fast", steps = 200))
#' compared
#' autoplot(compared)
vgfm_benchmark <- function(x, time, mass = NULL, methods = NULL, ...,
                           growth_prior = NULL, stable = NULL,
                           parts = c("fitted", "time left out", "half left out"),
                           seeds = 1, resume_dir = NULL, control = vgfm_control()) {
  call <- rlang::current_env()
  check_arguments(container_arguments)
  control <- check_control(control)
  methods <- check_methods(methods, call)
  chosen <- !missing(parts)
  parts <- check_parts(parts, call)
  seeds <- check_seeds(seeds, call)
  resume_dir <- check_resume_dir(resume_dir, call)
  snapshots <- as_snapshots(x, time, mass, ..., growth_prior = growth_prior,
                            stable = stable, call = call)
  check_one_replicate(snapshots, "vgfm_benchmark", call)
  for (method in methods) {
    check_method_prices(method, length(snapshots$times) - 1, call)
  }
  if (!chosen && length(snapshots$times) < 3) {
    inform_vgfm("Of two times none can be left out.", class = "vgfm_message_parts")
    parts <- setdiff(parts, "time left out")
  }
  run_benchmark(snapshots, methods, parts, seeds, resume_dir, control, call,
                quote(vgfm_benchmark()))
}

# The same of what was checked. `from`: what errors of a fit name; not a frame, as it may
# have to travel to another process.
run_benchmark <- function(snapshots, methods, parts, seeds, resume_dir, control, call,
                          from) {
  splits <- benchmark_splits(snapshots, parts, call)
  quiet <- control
  quiet$progress <- FALSE
  quiet["checkpoint"] <- list(NULL) # one file holds one fit
  tasks <- benchmark_tasks(snapshots, methods, splits, seeds, quiet)
  tasks <- with_files(tasks, snapshots, resume_dir)
  results <- run_tasks(tasks, snapshots, control$progress, from)
  repeats <- repeats_table(tasks, results, snapshots, methods, parts)
  structure(
    list(table = means_table(repeats), repeats = repeats, seeds = seeds,
         control = control, methods = methods),
    class = "vgfm_benchmark"
  )
}

# In the order of benchmark_parts.
check_parts <- function(parts, call) {
  bad <- setdiff(if (is.character(parts)) parts else "", benchmark_parts)
  if (length(parts) == 0 || length(bad) > 0) {
    abort_input(c(
      "{.arg parts} must be some of {.val {benchmark_parts}}, not {describe(parts)}.",
      x = if (is.character(parts) && length(bad) > 0) "There is no {.val {bad[1]}}."
    ), arg = "parts", call = call)
  }
  intersect(benchmark_parts, parts)
}

check_seeds <- function(seeds, call) {
  numbers <- as_numbers(seeds)
  whole <- length(numbers) > 0 && all(is.finite(numbers)) &&
    all(numbers == round(numbers) & abs(numbers) <= .Machine$integer.max)
  if (!whole || anyDuplicated(numbers)) {
    abort_input(c(
      "{.arg seeds} must be different whole numbers, not {describe(seeds)}.",
      i = "Pass {.code 1:3} for three repeats."
    ), arg = "seeds", call = call)
  }
  as.integer(numbers)
}
