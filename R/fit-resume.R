#' Go on with the training of a fit
#'
#' @param fit A fit from [vgfm_fit()], interrupted or complete; or the file of a
#'   checkpoint (see `checkpoint` in [vgfm_control()]), whose fit then goes on writing it.
#' @param steps Total number of steps of the schedule. Default: as the fit's control has
#'   it. Going on to the same number gives, bit for bit, what an uninterrupted fit gives.
#'   More steps of matching start where the last one ended, and are refined anew.
#' @param refine_steps Total number of steps of refinement. Default: as the fit's control
#'   has it.
#' @param ... Must be empty.
#' @return The fit, trained to `steps` and refined to `refine_steps`. The couplings of a
#'   fit are solved again, as it does not keep their plans; a fit that has nothing left to
#'   do is returned as it is.
#' @section Errors: `vgfm_error_input` if `fit` has had more steps, with `vgfm_error_fit`
#'   if it is no fit, or no file of one; those of [vgfm_fit()].
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast", steps = 100))
#' fit <- vgfm_resume(fit, steps = 200)
vgfm_resume <- function(fit, steps = NULL, refine_steps = NULL, ...) {
  check_arguments()
  call <- rlang::current_env()
  state <- if (rlang::is_string(fit)) read_checkpoint(fit, call) else check_fit(fit)
  control <- state$control
  done <- state$training
  steps <- check_count(steps, min = done$step %||% 0, allow_null = TRUE)
  more <- !is.null(steps) && !is.null(done) && steps > done$step
  if (more) done <- unrefined(done)
  least <- if (more) 0 else refined_steps(state)
  refine_steps <- check_count(refine_steps, min = least, allow_null = TRUE)
  control$steps <- steps %||% control$steps
  control$refine_steps <- refine_steps %||% control$refine_steps
  solved <- NULL
  chosen <- state$chosen
  if (inherits(state, "vgfm")) {
    chosen <- state[c("identified", "scan", "bend")]
    asked <- state
    asked$control <- control
    if (is_complete(asked) && !more) return(state)
  } else {
    solved <- state$couplings
  }
  if (rlang::is_string(fit)) control$checkpoint <- normalizePath(fit)
  run_stages(state$snapshots, state$method, control, chosen, state$key %||% done$key,
             solved, done, state$seconds, call)
}
