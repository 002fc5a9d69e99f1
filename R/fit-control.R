#' How hard a fit tries
#'
#' Settings of training and numerics of [vgfm_fit()], with their defaults and ranges. What
#' is fitted stands in the method, see [vgfm_method()]. `NULL` means that the value is
#' derived from the data when the fit starts; `fit$control` holds what was used.
#'
#' @section How the defaults are chosen:
#' Measured on simulated gene networks, branching simulations, Gaussian clusters in up to
#' 1000 dimensions and mouse haematopoiesis; `bench/ablation.md` in the sources shows what
#' each choice does. [vgfm_method()] has those of `tau`, `noise` and other parameters of
#' methods.
#' * Time: an interval counts as long as its gap, unless cells move there more than 4
#'   times faster or slower than they typically do (the geometric mean of the intervals);
#'   the networks then see a clock that makes up for the rest. Results are in your units.
#' * Pairs: half of them are drawn by their target, in proportion to mass, and half by
#'   their source, so that cells with hardly a descendant are taught too. Weights make up
#'   for it.
#' * `steps` and `refine_steps` follow `effort` for up to 60 features. Methods without
#'   refinement have twice the steps of matching instead, unless `effort` has no
#'   refinement for any. Beyond 60 features, `steps` fall with the root of their number
#'   and `refine_steps` with the number itself: there the field is simple against the
#'   noise of the cells, and longer training learns that noise, which shrinks the
#'   predicted cloud.
#'   Training by densities has steps of its own, as each is dear: 250, 1000 or 3000.
#' * `learning_rate` falls from 0.01 along half a cosine. At 0.003 the same quality takes
#'   twice the steps; at 0.02 some seeds end clearly worse. Networks of five layers of 512
#'   units do better at 0.003.
#' * `activation`: leaky ReLU reaches lower errors than SiLU and tanh at equal steps. A
#'   potential has SiLU in its place, as it must be smooth.
#'
#' @section Refinement:
#' The matched fields are refined by what [vgfm_evaluate()] measures: the first snapshot
#' is rolled out through all times, and the fields follow the gradient of the exact
#' Wasserstein-1 distances, in positions and in weights, and of the mass errors; the
#' matching loss stays as an anchor between the times. In turn, a fifth of the cells of
#' each later snapshot sits out a round of steps, and judges it by W1 plus relative mass
#' error; of the states after every five rounds and the unrefined one, the best is
#' returned. Where a round cannot be computed, refinement stops, and the fit says why, as
#' [vgfm_fit()] has it under "Checks".
#'
#' At last, refined or not, the total mass is made right at the observed times, by a rate
#' added to the growth of all cells alike; what [vgfm_evaluate()] reports as RME on the
#' data of the fit is what is left of integration, `rme_trained` is the error before, and
#' [vgfm_cv()] is the test.
#'
#' @section Large couplings:
#' A coupling of n with m cells works on all their n m squared distances. Where these
#' do not fit into `memory`, both snapshots are cut into compact groups of neighbours,
#' and dealt into blocks that get one cell of each group, about 2500 cells of each
#' snapshot or as many as `memory` allows. Each block is a sample of both snapshots,
#' and is solved exactly. Numbers of descendants are those of the whole but for
#' sampling noise; a pair is as long as the spacing of cells in a block makes it.
#' `glance()` says how many `blocks` there were.
#'
#' @param effort `"fast"` matches in 700 steps and does not refine; `"default"` matches in
#'   2000 and refines in 150, `"high"` in 4000 and 800.
#'   Of methods with [training_simulate()], steps are those of simulation: 150 and no
#'   refinement, 450 and 100, 1500 and 400.
#' @param width,depth Units per hidden layer, and number of hidden layers, of both
#'   networks.
#' @param activation `"leaky_relu"`, `"silu"` or `"tanh"`; `NULL` for leaky ReLU, or for
#'   SiLU where the method trains on derivatives of a network.
#' @param steps Number of steps of matching; 0 stops after the coupling.
#' @param batch Rows per training step, shared equally among the intervals.
#' @param refine_steps Steps of refinement after the matching, see section "Refinement";
#'   0 for none.
#' @param learning_rate Learning rate of Adam at the first step; it falls along half a
#'   cosine to 1 % of that.
#' @param tolerance Relative tolerance of the adaptive integrator.
#' @param transport_tolerance Largest relative residual at which a coupling counts as
#'   solved; at least 1e-6 where it keeps the masses at both ends.
#' @param memory Gibibytes that the squared distances of a coupling may take, 8 bytes for
#'   each pair of cells; at least 0.001. Larger couplings are solved in blocks, see
#'   section "Large couplings".
#' @param checkpoint A file into which the fit under way is written now and then, or
#'   `NULL`. After a crash, [vgfm_resume()] goes on from it, bit for bit. It is written
#'   every 20 seconds, or less often if writing takes more than a fifth of the time, and
#'   once more at the end; only a coupling that is being solved is lost. At any moment
#'   the file is whole. It goes with one fit: not with `split_by`, and [vgfm_cv()] makes
#'   no use of it.
#' @param threads Number of threads. Default: `getOption("vgfm.threads", 2)`. It changes
#'   no result.
#' @param progress Show a progress bar on what takes longer than a second? Default: in
#'   interactive sessions.
#' @param ... Must be empty.
#' @return A list of class `vgfm_control`.
#' @section Errors: A value out of its range is an error of class `vgfm_error_control`.
#' @seealso [vgfm_fit()]
#' @export
#' @examples
#' vgfm_control("fast", width = 32)
vgfm_control <- function(effort = c("default", "fast", "high"), width = 64, depth = 3,
                         activation = NULL, steps = NULL,
                         batch = 1024, refine_steps = NULL, learning_rate = 0.01,
                         tolerance = 1e-6, transport_tolerance = 1e-9, memory = 1,
                         checkpoint = NULL, threads = NULL,
                         progress = rlang::is_interactive(), ...) {
  class <- "vgfm_error_control"
  refuse_method_settings(names(list(...)))
  check_arguments(class = class)
  structure(
    list(
      effort = check_choice(effort, c("default", "fast", "high"), class = class),
      width = check_count(width, max = 4096, class = class),
      depth = check_count(depth, max = 32, class = class),
      activation = if (!is.null(activation)) {
        check_choice(activation, names(activations), class = class)
      },
      steps = check_count(steps, min = 0, allow_null = TRUE, class = class),
      batch = check_count(batch, max = 2^20, class = class),
      refine_steps = check_count(refine_steps, min = 0, allow_null = TRUE, class = class),
      learning_rate = check_number(learning_rate, 0, 1, bounds = "(]", class = class),
      tolerance = check_number(tolerance, 1e-12, 0.1, class = class),
      transport_tolerance = check_number(transport_tolerance, 1e-12, 0.1, class = class),
      memory = check_number(memory, 0.001, class = class),
      checkpoint = check_new_file(checkpoint, class = class),
      threads = check_count(threads, allow_null = TRUE, class = class),
      progress = check_flag(progress, class = class)
    ),
    class = "vgfm_control"
  )
}

refuse_method_settings <- function(given, call = rlang::caller_env()) {
  moved <- intersect(given, method_settings)
  if (length(moved) == 0) return(invisible())
  moved <- moved[1]
  name <- if (moved == "growth_time") "time" else moved
  method <- switch(moved, sigma = "sf2m", delta = "wfr_fm", "vgfm")
  abort_input(c(
    "{.arg {moved}} belongs to the method, not to {.fn vgfm_control}.",
    i = "Pass {.code method = vgfm_method(\"{method}\", {name} = )} to {.fn vgfm_fit}."
  ), arg = moved, class = "vgfm_error_control", call = call)
}

# A control as vgfm_control() makes it: one that was altered since is made anew, so that
# what the constructor refuses is refused here.
check_control <- function(control, arg = "control", call = rlang::caller_env()) {
  fail <- function(message, hint, parent = NULL, .envir = parent.frame()) {
    abort_input(c(message, i = hint), arg = arg, class = "vgfm_error_control",
                parent = parent, call = call, .envir = .envir)
  }
  remedy <- "Pass settings as {.code control = vgfm_control(steps = 500)}."
  if (!inherits(control, "vgfm_control") || !is.list(control)) {
    fail("{.arg {arg}} must come from {.fn vgfm_control}, not be {describe(control)}.",
         remedy)
  }
  known <- setdiff(names(formals(vgfm_control)), "...")
  unknown <- unique(setdiff(names(control), known))
  missing <- setdiff(known, names(control))
  if (length(unknown) > 0) {
    fail("{.arg {arg}} has the unknown {cli::qty(unknown)}setting{?s} {.val {unknown}}.",
         "Settings are {.arg {in_full(known)}}.")
  }
  if (length(missing) > 0 || length(control) != length(known)) {
    fail("{.arg {arg}} must have every setting once; {.val {missing}} {?is/are} missing.",
         "Back to its default it goes by {.code control[\"steps\"] <- list(NULL)}.")
  }
  tryCatch(do.call(vgfm_control, unclass(control)), vgfm_error = function(condition) {
    fail("{.arg {arg}} was altered to what {.fn vgfm_control} does not allow.", remedy,
         parent = condition)
  })
}

# A path at which a file can be made; absolute, as the working directory may change.
check_new_file <- function(x, class, arg = rlang::caller_arg(x),
                           call = rlang::caller_env()) {
  if (is.null(x)) return(NULL)
  if (!rlang::is_string(x) || x == "") {
    abort_scalar(x, "the path of a file, or `NULL`", NULL, arg, class, call)
  }
  folder <- dirname(x)
  if (!dir.exists(folder) || file.access(folder, 2) != 0 || dir.exists(x)) {
    abort_input(c(
      "{.arg {arg}} must be a file in a folder that can be written to, not {.file {x}}.",
      i = "Make the folder first, or name another."
    ), arg = arg, class = class, call = call)
  }
  file.path(normalizePath(folder), basename(x))
}

# In the order of core/kernels.h.
activations <- c(leaky_relu = 0, silu = 1, tanh = 2)

#' @export
print.vgfm_control <- function(x, ...) {
  shown <- vapply(x, show_setting, "")
  cli::cat_line(format(names(shown)), "  ", shown)
  invisible(x)
}
