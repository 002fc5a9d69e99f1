#' Exact Wasserstein distance between two weighted point clouds
#'
#' Solves the optimal transport problem by the network simplex method, in double
#' precision and without approximation.
#'
#' With `gaussian = TRUE` the clouds are replaced by normal distributions of the same
#' means and covariances. The square of their distance has a closed form,
#' \eqn{|m - n|^2 + tr(A + B - 2 (A^{1/2} B A^{1/2})^{1/2})} for means m, n and covariances
#' A, B. The distance is a lower bound of the exact one of order 2 (Gelbrich 1990). It says
#' whether two clouds agree in place, size and direction, and takes seconds for 100,000
#' cells. It sees no more than that.
#'
#' @param x,y Numeric matrices, points in rows: n x d and m x d.
#' @param a,b Weights of the points, not negative; one number or one per point, by name if
#'   both have names. Both are normalised to sum to one.
#' @param order 1 for the distance with Euclidean cost, 2 for the square root of the
#'   optimal cost with squared Euclidean cost.
#' @param gaussian Whether to compare means and covariances alone; needs `order = 2`.
#' @param threads Number of threads; it does not change the result.
#' @param ... Must be empty.
#' @return The distance, in units of `x`: one number.
#' @section Errors: `vgfm_error_input` for bad arguments; `vgfm_error_precision` if points
#'   far from all others leave no digit of the distance (points without weight do not
#'   count, wherever they lie).
#' @references Peyre and Cuturi (2019), Computational Optimal Transport, chapter 3 and
#'   remark 2.31. Gelbrich (1990), On a formula for the L2 Wasserstein metric between
#'   measures on Euclidean and Hilbert spaces, Mathematische Nachrichten 147.
#' @seealso [vgfm_couple()]
#' @export
#' @examples
#' x <- matrix(rnorm(200), 100)
#' vgfm_wasserstein(x, x + 1) # a shift by one in each of two dimensions: sqrt(2)
#' vgfm_wasserstein(x, 3 * x, order = 2, gaussian = TRUE)
vgfm_wasserstein <- function(x, y, a = 1, b = 1, order = 1, gaussian = FALSE,
                             threads = NULL, ...) {
  check_arguments()
  x <- check_points(x)
  y <- check_points(y)
  check_same_features(x, y)
  a <- check_weights(a, x)
  b <- check_weights(b, y)
  order <- check_count(order, max = 2)
  gaussian <- check_flag(gaussian)
  if (gaussian) {
    if (order != 2) {
      abort_input(c("{.arg order} must be 2 with {.code gaussian = TRUE}, not {order}.",
                    i = "Only that distance between normal distributions is known."),
                  arg = "order")
    }
    return(gaussian_distance(x, y, a, b))
  }
  solve_emd(t(x), t(y), a, b, squared = order == 2, use_threads(threads))$distance
}

# In units in which no square overflows.
gaussian_distance <- function(x, y, a, b, call = rlang::caller_env()) {
  unit <- max(abs(x), abs(y))
  if (unit == 0) return(0)
  out <- .Call(ffi_gaussian_distance, t(x / unit), t(y / unit), a / sum(a), b / sum(b))
  check_core(out, "Computing the distance", call)
  out$distance * unit
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
