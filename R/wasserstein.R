#' Exact Wasserstein distance between two weighted point clouds
#'
#' Solves the optimal transport problem by the network simplex method, in double
#' precision and without approximation.
#'
#' @param x,y Numeric matrices, points in rows: n x d and m x d.
#' @param a,b Weights of the points, not negative; one number or one per point, by name if
#'   both have names. Both are normalised to sum to one.
#' @param order 1 for the distance with Euclidean cost, 2 for the square root of the
#'   optimal cost with squared Euclidean cost.
#' @param threads Number of threads; it does not change the result.
#' @param ... Must be empty.
#' @return The distance, in units of `x`: one number.
#' @section Errors: `vgfm_error_input` for bad arguments; `vgfm_error_precision` if points
#'   far from all others leave no digit of the distance (points without weight do not
#'   count, wherever they lie).
#' @references Peyre and Cuturi (2019), Computational Optimal Transport, chapter 3.
#' @seealso [vgfm_couple()]
#' @export
#' @examples
#' x <- matrix(rnorm(200), 100)
#' vgfm_wasserstein(x, x + 1) # a shift by one in each of two dimensions: sqrt(2)
vgfm_wasserstein <- function(x, y, a = 1, b = 1, order = 1, threads = NULL, ...) {
  check_arguments()
  x <- check_points(x)
  y <- check_points(y)
  check_same_features(x, y)
  a <- check_weights(a, x)
  b <- check_weights(b, y)
  order <- check_count(order, max = 2)
  solve_emd(t(x), t(y), a, b, squared = order == 2, use_threads(threads))$distance
}

# x (d, n), y (d, m). With `plan`, element `plan` has the pairs: source, target, and flow,
# which sums to 1.
solve_emd <- function(x, y, a, b, squared, threads, call = rlang::caller_env(),
                      plan = FALSE) {
  options <- list(squared = squared, threads = threads, plan = plan)
  out <- .Call(ffi_emd, x, y, a, b, options)
  check_core(out, "Computing the Wasserstein distance", call,
             "Look for points that lie far from all others.")
}
