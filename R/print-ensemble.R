# An ensemble in print and in tables.

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
  untold <- which(x$fit$identified$identified == FALSE)
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
    checks <- one$fit$checks
    w1 <- checks$value[checks$check == "W1"]
    data.frame(replicate = b, cells = length(one$rows),
               tau = if (is.null(one$tau)) NA_real_ else exp(mean(log(one$tau))),
               w1 = if (length(w1) == 1) w1 else NA_real_, seconds = one$seconds,
               checks_failed = sum(!checks$passed),
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
