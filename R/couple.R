#' Couple two snapshots by semi-relaxed optimal transport
#'
#' The plan that pairs the cells of two snapshots while letting source cells have more or
#' fewer than one descendant. It minimises
#' \deqn{\langle C, P\rangle + \epsilon \sum_{ij} P_{ij} (\log P_{ij} - 1) +
#'   \tau \sum_i (r_i \log (r_i / a_i) - r_i + a_i)}
#' subject to \eqn{P' 1 = b}, where \eqn{C} holds squared Euclidean distances and
#' \eqn{r = P 1} the expected number of descendants of every source cell.
#'
#' The problem is solved in its semi-dual, the concave function of the source potential
#' alone, by Newton's method with conjugate gradients along a path of falling epsilon.
#' It counts as solved when no row sum differs from \eqn{a e^{-f / \tau}} by more than
#' `tolerance` times the mean row sum.
#'
#' @param x,y Numeric matrices, cells in rows: the source (n x d) and the target (m x d).
#' @param epsilon,tau Entropic regularisation and price of mass change, in squared units
#'   of `x`.
#' @param a Mass of every source cell; one number or n, positive; by name, if both have
#'   names.
#' @param b Mass that every target cell must receive; one number or m, in the same way.
#' @param tolerance Largest relative residual of a solution.
#' @param plan Return the dense plan as well? It has n x m numbers.
#' @param threads Number of threads; it does not change the result.
#' @param ... Must be empty.
#' @return A list: `descendants` (n row sums), `potential_source` (n), `potential_target`
#'   (m), `cost` (the transport cost \eqn{\langle C, P\rangle}), `objective`, `residual`,
#'   `iterations` (Newton steps and conjugate-gradient steps), `epsilon`, `tau`, and
#'   `plan` (n x m) if asked for.
#' @section Errors: `vgfm_error_input` for bad arguments; `vgfm_error_convergence` if the
#'   tolerance is not reached; `vgfm_error_reach` where a cost knows cells out of reach,
#'   and one that must be paired has no partner.
#' @references Wang, Jiang, Zhang, Gu, Zhou and Sun (2025), Joint Velocity-Growth Flow
#'   Matching for Single-Cell Dynamics Modeling, arXiv:2505.13413.
#' @seealso [vgfm_wasserstein()]
#' @export
#' @examples
#' set.seed(1)
#' x <- matrix(rnorm(60), 30)
#' y <- rbind(x[1:15, ] + 1, x[1:15, ] + 1, x[16:30, ])
#' coupling <- vgfm_couple(x, y, epsilon = 0.05, tau = 1)
#' round(coupling$descendants, 2)
vgfm_couple <- function(x, y, epsilon, tau, a = 1, b = 1, tolerance = 1e-9, plan = FALSE,
                        threads = NULL, ...) {
  check_arguments()
  x <- check_points(x)
  y <- check_points(y)
  check_same_features(x, y)
  check_squares(x, y)
  epsilon <- check_price(epsilon)
  tau <- check_price(tau)
  tolerance <- check_number(tolerance, 1e-14, 0.1)
  a <- check_weights(a, x, positive = TRUE)
  b <- check_weights(b, y, positive = TRUE)
  plan <- check_flag(plan)
  if (plan && prod(nrow(x), nrow(y)) > cells_limit) {
    abort_input(
      c("The plan of {nrow(x)} x {nrow(y)} cells is too large to be shown.",
        i = "Leave {.arg plan} out; {.field descendants} are its row sums."),
      arg = "plan"
    )
  }
  threads <- use_threads(threads)
  coupling <- new_part("coupling", "semirelaxed", tau = tau, epsilon = epsilon)
  problem <- list(x = t(x), y = t(y), a = a, b = b, scale = 1, interval = 1)
  effort <- list(tolerance = tolerance, threads = threads)
  out <- couple_interval(coupling, problem, effort, keep = FALSE)
  out <- out[c("descendants", "potential_source", "potential_target", "cost", "objective",
               "residual", "iterations", "epsilon", "tau")]
  if (plan) {
    out$plan <- .Call(ffi_plan_dense, t(x), t(y), out$potential_source,
                      out$potential_target, epsilon, NULL)
    dimnames(out$plan) <- list(rownames(x), rownames(y))
  }
  out
}

# Cells in a block of a coupling that does not fit in memory as a whole: geometric mean of
# source and target.
block_cells <- 2500

# Fewer descendants than this are not told from none: samples of cells do not say more. A
# cell that has fewer stays where it is.
least_descendants <- 1e-3

# One block, if the n x m squared distances (double) fit in `memory` bytes.
count_blocks <- function(n, m, memory) {
  if (8 * n * m <= memory) return(1)
  min(n, m, ceiling(sqrt(n) * sqrt(m) / min(block_cells, sqrt(memory / 8))))
}
