#' vgfm: velocity and growth of cells from snapshots
#'
#' From single-cell snapshots taken at a few times, `vgfm` learns one velocity field
#' `v(x, t)`, which says where cells go, and one growth field `g(x, t)`, which says how
#' fast their mass grows or shrinks. [vgfm_fit()] is the door; [vgfm_evaluate()] says how
#' good a fit is; [vgfm_simulate_gene_network()] makes data to try it on.
#'
#' Plain matrices have cells in rows. Every error is a condition of class `vgfm_error`
#' (wrong arguments: `vgfm_error_input`, with a class such as `vgfm_error_time` for the
#' argument at fault), every warning is a `vgfm_warning` and every message a
#' `vgfm_message`, so that code can catch exactly what it can handle.
#'
#' `options(vgfm.threads = )` sets the number of threads (2 unless set). The result of a
#' fit is fixed by [set.seed()] and does not depend on the number of threads.
#'
#' @references
#' Wang, Jiang, Zhang, Gu, Zhou and Sun (2025). Joint Velocity-Growth Flow Matching for
#' Single-Cell Dynamics Modeling. Advances in Neural Information Processing Systems.
#' arXiv:2505.13413.
#'
#' @keywords internal
#' @importClassesFrom Matrix Matrix
#' @importFrom rlang %||% .data
#' @importFrom stats predict
#' @useDynLib vgfm, .registration = TRUE
"_PACKAGE"
