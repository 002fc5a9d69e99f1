#' The paper's table by one call
#'
#' Fits all methods to the data sets of the paper on joint velocity-growth flow matching,
#' or to yours, and puts the figures that the paper prints beside those found. Every fit
#' is made and measured as [vgfm_benchmark()] does it in its part `"fitted"`: all cells
#' are fitted, and the first snapshot is carried through all later times.
#'
#' @section Data sets: By name:
#' * `"simulation_gene"`: the gene network, 2 genes at 5 times.
#' * `"dyngen"`: a branching simulation, 5 features at 5 times.
#' * `"gaussian"`: Gaussian clusters in 1000 dimensions at 2 times, drawn by
#'   [vgfm_simulate_gaussian()] after `set.seed(100)`: the same recipe as the paper's, but
#'   not the same cells.
#' * `"mouse_hematopoiesis"`: mouse blood formation, 2 dimensions at 3 times.
#'
#' All but the Gaussian one are fetched by [vgfm_dataset()], once. Masses are the numbers
#' of cells, as in the paper.
#'
#' @section Error of the mass: `rme` is the error that training leaves, which is what the
#'   paper prints. It is `NA`, and `-` in print, for methods that learn no growth: their
#'   masses are given. A fit of this package then corrects its masses at the observed
#'   times (see [vgfm_control()]); the error of that is `rme_corrected`, about 0 for every
#'   method that learns by construction, so it is no merit.
#'
#' @section What cannot run: A method that refuses a data set, or does not converge on it,
#'   does not stop the others: its figures are `NA`, and `reason` has its words. `note`
#'   has warnings of fits that gave figures, such as `"training diverged"`, and for how
#'   many seeds.
#'
#' @section Published figures: They are the means over times of Table 1 of Wang and others
#'   (2025). Their rows "OT-CFM*" and "OT-MFM*" stand beside `ot_cfm` and `ot_mfm`: that
#'   the star means methods without growth is our reading. Mouse blood formation has no
#'   row in that table; its figures are in the log that was committed with the code.
#'   `published_source` says which of both it is, `published_note` that a method "did not
#'   converge". Data of yours have no published figures.
#'
#' @param methods As in [vgfm_benchmark()]. `NULL`: all of [vgfm_methods()] that learn.
#'   The naive controls are always there.
#' @param data Names of data sets, or a named list of your own: each a data frame with a
#'   column `time`, all others being features, or a list of `x`, `time` and, if it was
#'   measured, `mass`, as [vgfm_dataset()] gives it.
#' @param ... Must be empty.
#' @param seeds,resume_dir,control As in [vgfm_benchmark()]. With `resume_dir`, a table
#'   that was stopped goes on from the last finished fit, and more methods or seeds can be
#'   added later.
#' @return `vgfm_benchmark_paper()` gives a list of class `vgfm_benchmark_paper`:
#'   * `table`, also by `tidy()`: a data frame with a row for each data set and method.
#'     `set`, `method`, `naive`, `times` (their number); means over times and seeds of
#'     `w1`, `floor`, `rme`, `rme_corrected` and `spread`; `w1_sd` and `rme_sd`, standard
#'     deviations over seeds of the means over times; `seconds` of a fit; `repeats`, the
#'     fewest seeds that gave figures at a time; `reason`; `note`; `published_w1`,
#'     `published_rme`, `published_note` and `published_source`. All but `rme` is as in
#'     [vgfm_evaluate()].
#'   * `times` and `repeats`: the same with a row for each time, and for each time and
#'     seed, as `table` and `repeats` of [vgfm_benchmark()].
#'   * `seeds`, `control` and `methods`.
#'
#'   `print()` shows methods in rows and data sets in columns: W1 / RME, with the
#'   published ones in brackets. `autoplot()` gives a ggplot2 object with the same in a
#'   panel for each set: points are ours, diamonds are published, a line is the floor.
#'   `plot()` draws it.
#' @section Errors: `vgfm_error_method` for unknown methods or names used twice;
#'   `vgfm_error_data` if a data set cannot be fetched; `vgfm_error_input` for other
#'   arguments. Those of [vgfm_fit()] for cells that cannot be used name the data set.
#' @section Warnings: `vgfm_warning_checkpoint` as in [vgfm_benchmark()].
#' @references Wang, Jiang, Zhang, Gu, Zhou and Sun (2025), Joint Velocity-Growth Flow
#'   Matching for Single-Cell Dynamics Modeling, NeurIPS 2025, arXiv:2505.13413.
#' @seealso [vgfm_benchmark()], which also leaves out times and halves; [vgfm_methods()].
#' @export
#' @examples
#' set.seed(1)
#' mine <- vgfm_simulate_gene_network(n = 60, times = c(0, 8, 16))
#' compared <- vgfm_benchmark_paper(c("vgfm", "ot_cfm"), list(mine = mine),
#'                                  control = vgfm_control("fast", steps = 100))
#' compared
#' tidy(compared)[c("method", "w1", "floor", "rme", "seconds")]
#' \dontrun{
#' # The whole table, which takes some minutes and fetches data.
#' vgfm_benchmark_paper(resume_dir = "table")
#' }
vgfm_benchmark_paper <- function(methods = NULL,
                                 data = c("simulation_gene", "dyngen", "gaussian",
                                          "mouse_hematopoiesis"),
                                 ..., seeds = 1, resume_dir = NULL,
                                 control = vgfm_control()) {
  call <- rlang::current_env()
  check_arguments()
  control <- check_control(control)
  methods <- check_methods(methods, call)
  seeds <- check_seeds(seeds, call)
  resume_dir <- check_resume_dir(resume_dir, call)
  own <- !is.character(data)
  # All are looked at before the first is fitted.
  sets <- paper_snapshots(data, call)
  found <- lapply(sets, function(snapshots) {
    intervals <- length(snapshots$times) - 1
    refused <- Filter(length, lapply(methods, price_refusal, intervals, call))
    run <- run_benchmark(snapshots, methods[!names(methods) %in% names(refused)],
                         "fitted", seeds, resume_dir, control, call,
                         quote(vgfm_benchmark_paper()))
    list(run = run, refused = refused)
  })
  new_paper_table(found, methods, seeds, control, own)
}

# What a method says of parameters that do not go with so many intervals; NULL if they do.
price_refusal <- function(method, intervals, call) {
  tryCatch({
    check_method_prices(method, intervals, call)
    NULL
  }, vgfm_error = failure_note)
}

# How tables call the data sets of the paper.
paper_sets <- c(simulation_gene = "gene network", dyngen = "dyngen",
                gaussian = "Gaussian 1000-D", mouse_hematopoiesis = "mouse blood")

# Snapshots of each data set, by name.
paper_snapshots <- function(data, call) {
  if (is.character(data)) {
    bad <- setdiff(data, names(paper_sets))
    if (length(data) == 0 || length(bad) > 0 || anyDuplicated(data)) {
      abort_input(c(
        "{.arg data} must be different names of data sets, or a list of your own, not
         {describe(data)}.",
        x = if (length(bad) > 0) "There is no {.val {bad[1]}}.",
        i = "There are {.val {names(paper_sets)}}."
      ), arg = "data", call = call)
    }
    sets <- lapply(stats::setNames(data, data), paper_cells)
    return(lapply(sets, function(cells) new_snapshots(cells$x, cells$time, NULL, call)))
  }
  labels <- rlang::names2(data)
  if (!rlang::is_bare_list(data) || length(data) == 0 || any(labels == "") ||
        anyDuplicated(labels)) {
    abort_input(c(
      "{.arg data} must be a list with a different name for each data set, or names of
       {.val {names(paper_sets)}}, not {describe(data)}.",
      i = "Pass {.code data = list(mine = cells)}."
    ), arg = "data", call = call)
  }
  Map(function(cells, name) own_snapshots(cells, name, call), data, labels)
}

paper_cells <- function(name) {
  if (name != "gaussian") return(vgfm_dataset(name))
  cells <- with_seed(100, vgfm_simulate_gaussian(1000))
  list(x = as.matrix(cells[-1]), time = cells$time)
}

# `cells`: a data frame with a column `time`, or a list of x, time and mass.
own_snapshots <- function(cells, name, call) {
  if (is.data.frame(cells)) {
    cells <- list(x = cells[setdiff(names(cells), "time")], time = cells[["time"]])
  }
  if (!is.list(cells) || is.null(cells$x) || is.null(cells$time)) {
    abort_input(c(
      "The data set {.val {name}} must be a data frame with a column {.field time}, or a
       list of {.field x} and {.field time}, not {describe(cells)}.",
      i = "Pass {.code list({name} = list(x = , time = ))}."
    ), arg = "data", call = call)
  }
  tryCatch(as_snapshots(cells$x, cells$time, cells$mass, call = call),
           vgfm_error = function(error) {
    cli::cli_abort("The data set {.val {name}} cannot be used.", class = class(error),
                   parent = error, call = call)
  })
}
