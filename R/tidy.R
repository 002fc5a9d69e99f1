#' Tidy tables of a fit
#'
#' @param x A fit from [vgfm_fit()], or the fits of replicates that it gives with
#'   `split_by`. For `augment()` also an ensemble of [vgfm_ensemble()].
#' @param ... Must be empty.
#' @return `tidy()`: the table of [vgfm_evaluate()], one row per predicted time.
#'   `glance()`: one row: `method`, numbers of `cells`, `features` and `times`, means of
#'   `w1`, `rme`, `rme_trained` and `spread` over times, the number of `steps`, the
#'   `seconds` of the fit, the number of `blocks` of its couplings: 1 where all were
#'   solved whole (see [vgfm_control()]), the share of intervals in which growth is
#'   `identified` (see [vgfm_identifiability()]), and the number of `checks_failed` (see
#'   [vgfm_fit()]; `NA` before training). `augment()`: one row per cell: its name or
#'   number, `cell`; its time, its label and features (one of such a name gets a number
#'   behind it), or what `data` says of it; and the columns that [RunVGFM()] adds:
#'   `vgfm_growth`, `vgfm_doubling_time`, `vgfm_speed` and `vgfm_descendants`, and
#'   `vgfm_prior` if the fit has a growth prior (`NA` for cells that it says nothing of).
#'   For replicates the rows of all, with a column `replicate`. Of an ensemble, a band
#'   `<column>_low` and `<column>_high` behind growth, speed and descendants.
#' @section Errors: `vgfm_error_fit` for what is no fit; of `augment()` those of
#'   [predict.vgfm()], for cells that do not match those of the fit.
#' @section Warnings: `vgfm_warning_not_evaluated` from `tidy()` and `glance()` if the
#'   fields cannot be integrated, as after a training that diverged: figures are then
#'   `NA`.
#' @name tidy.vgfm
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' glance(fit)
NULL

#' @importFrom generics tidy
#' @export
generics::tidy

#' @importFrom generics glance
#' @export
generics::glance

#' @rdname tidy.vgfm
#' @export
tidy.vgfm <- function(x, ...) {
  check_arguments()
  check_fit(x, "x")
  evaluate_anyway(x)
}

#' @rdname tidy.vgfm
#' @export
glance.vgfm <- function(x, ...) {
  check_arguments()
  check_fit(x, "x")
  table <- evaluate_anyway(x)
  data.frame(
    method = x$method$name,
    cells = nrow(x$snapshots$x),
    features = ncol(x$snapshots$x),
    times = length(x$snapshots$times),
    w1 = mean(table$w1),
    rme = mean(table$rme),
    rme_trained = mean(table$rme_trained),
    spread = mean(table$spread, na.rm = TRUE),
    steps = x$training$step,
    seconds = sum(x$seconds),
    blocks = max(1, vapply(x$couplings, `[[`, 0, "blocks")),
    identified = if (is.null(x$identified)) NA_real_ else mean(x$identified$identified),
    checks_failed = if (is.null(x$checks)) NA_integer_ else sum(!x$checks$passed)
  )
}
