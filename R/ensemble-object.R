# An ensemble as an object: whole or not, and its single fits.

check_ensemble <- function(x, arg = "fit", call = rlang::caller_env()) {
  check_fit(x$fit, arg, call)
  n <- nrow(x$fit$snapshots$x)
  whole <- function(replicate) {
    is.list(replicate) && is.numeric(replicate$rows) && length(replicate$rows) == n &&
      all(replicate$rows %in% seq_len(n)) && is.list(replicate$fit)
  }
  sound <- identical(x$format, ensemble_format) && is.list(x$replicates) &&
    length(x$replicates) > 0 && all(vapply(x$replicates, whole, NA))
  if (!sound) {
    abort_fit(c("{.arg {arg}} is not a whole ensemble of this version of vgfm.",
                i = "It was altered, or made by another version: call
                     {.fn vgfm_ensemble} again."), arg, call)
  }
  invisible(x)
}

#' @rdname vgfm_ensemble
#' @param replicate Number of a replicate.
#' @param ensemble,x An ensemble.
#' @export
vgfm_replicate <- function(ensemble, replicate, ...) {
  check_arguments()
  if (!is_ensemble(ensemble)) {
    abort_fit("{.arg ensemble} must be an ensemble, not {describe(ensemble)}.",
              "ensemble", rlang::current_env())
  }
  check_ensemble(ensemble, "ensemble")
  replicate <- check_count(replicate, min = 1, max = length(ensemble$replicates))
  check_fit(replicate_fit(ensemble, replicate))
}
