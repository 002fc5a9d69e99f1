# An ensemble as an object: whole or not, printed, in tables.

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

#' @rdname vgfm_ensemble
#' @export
print.vgfm_ensemble <- function(x, ...) {
  check_ensemble(x, "x")
  g <- generics::glance(x)
  cli::cat_line("<vgfm_ensemble> ", g$replicates, " replicates of a fit of ", g$cells,
                " cells by ", x$fit$method$name)
  cli::cat_line("drawn  cells within times, tau, seeds; in ",
                format(g$seconds, digits = 2), " s of fits")
  if (x$failed > 0) cli::cat_line("failed ", x$failed, " replicates")
  if (g$checks_failed > 0) {
    cli::cat_line("checks failed by ", g$checks_failed, " replicates (see tidy())")
  }
  untold <- which(!x$fit$identified$identified)
  if (length(untold) > 0) {
    cli::cat_line("growth ", growth_in_short(x$fit))
    cli::cat_line("       Bands do not contain what is not told there.")
  }
  cli::cat_line("Next: vgfm_growth(), vgfm_fates(), vgfm_growth_genes(), predict(), ...")
  invisible(x)
}

#' @rdname vgfm_ensemble
#' @export
tidy.vgfm_ensemble <- function(x, ...) {
  check_arguments()
  check_ensemble(x, "x")
  rows <- lapply(seq_along(x$replicates), function(b) {
    one <- x$replicates[[b]]
    data.frame(replicate = b, tau = if (is.null(one$tau)) NA_real_ else mean(one$tau),
               seconds = sum(one$fit$seconds),
               checks_failed = sum(!one$fit$checks$passed),
               problems = paste(unique(one$problems), collapse = " "))
  })
  do.call(rbind, rows)
}

#' @rdname vgfm_ensemble
#' @export
glance.vgfm_ensemble <- function(x, ...) {
  check_arguments()
  check_ensemble(x, "x")
  each <- generics::tidy(x)
  data.frame(method = x$fit$method$name, replicates = nrow(each),
             cells = nrow(x$fit$snapshots$x), seconds = sum(each$seconds),
             checks_failed = sum(each$checks_failed > 0), failed = x$failed)
}
