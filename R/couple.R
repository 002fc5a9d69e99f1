#' Couple two snapshots by optimal transport
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
#' That is the coupling of `vgfm`. With `coupling`, it is that of another method: exact,
#' entropic, or unbalanced at both ends (see [method_parts]), its parameters given.
#'
#' @param x,y Numeric matrices, cells in rows: the source (n x d) and the target (m x d).
#' @param epsilon,tau Entropic regularisation and price of mass change, in squared units
#'   of `x`. Needed without `coupling`, and not to be given with it.
#' @param a Mass of every source cell; one number or n, positive; by name, if both have
#'   names.
#' @param b Mass that every target cell must receive, or is to; one number or m, in the
#'   same way. A balanced coupling takes it in proportion, so that both totals agree.
#' @param tolerance Largest relative residual of a solution.
#' @param plan Return the dense plan as well? It has n x m numbers.
#' @param threads Number of threads; it does not change the result.
#' @param coupling A coupling such as [coupling_unbalanced()] makes it, or `NULL`.
#' @param ... Must be empty.
#' @return A list: `descendants` (n: mass at the end of the pairs of a source, in units of
#'   its own; row sums if masses are all 1 and the target keeps its own), `row_sums` (n)
#'   and `column_sums` (m) of the plan, `potential_source` (n), `potential_target`
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
#' exact <- vgfm_couple(x, y, coupling = coupling_exact(), plan = TRUE)
#' rowSums(exact$plan > 0)
vgfm_couple <- function(x, y, epsilon = NULL, tau = NULL, a = 1, b = 1, tolerance = 1e-9,
                        plan = FALSE, threads = NULL, coupling = NULL, ...) {
  check_arguments()
  x <- check_points(x)
  y <- check_points(y)
  check_same_features(x, y)
  check_squares(x, y)
  coupling <- given_coupling(coupling, epsilon, tau)
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
  problem <- list(x = t(x), y = t(y), a = a, b = b, scale = 1, interval = 1)
  effort <- list(tolerance = tolerance, threads = threads)
  out <- couple_interval(coupling, problem, effort, keep = FALSE)
  out <- out[c("descendants", "row_sums", "column_sums", "potential_source",
               "potential_target", "cost", "objective", "residual", "iterations",
               "epsilon", "tau")]
  if (plan) {
    out$plan <- dense_plan(problem, coupling, out, threads)
    dimnames(out$plan) <- list(rownames(x), rownames(y))
  }
  out
}

# A coupling of which every number is given.
given_coupling <- function(coupling, epsilon, tau, call = rlang::caller_env()) {
  if (is.null(coupling)) {
    if (is.null(epsilon) || is.null(tau)) {
      abort_input(c("{.arg epsilon} and {.arg tau} are needed without a {.arg coupling}.",
                    i = "Or pass one, such as {.code coupling = coupling_exact()}."),
                  arg = "epsilon", class = "vgfm_error_argument", call = call)
    }
    return(new_part("coupling", "semirelaxed", tau = check_price(tau, call = call),
                    epsilon = check_price(epsilon, call = call)))
  }
  check_idle("epsilon", !is.null(epsilon), "without {.arg coupling}", call)
  check_idle("tau", !is.null(tau), "without {.arg coupling}", call)
  check_part(coupling, "coupling", call)
  coupling <- remake_part(coupling, call)
  check_idle("components", is.finite(coupling$components %||% Inf), "in a fit", call)
  free <- c("minibatch", "delta", "prior_strength", "components",
            if (identical(coupling$cost, "log_cos")) "tau")
  needed <- c(setdiff(names(coupling), free),
              if (identical(coupling$cost, "log_cos")) "delta")
  open <- needed[vapply(needed, function(name) is.null(coupling[[name]]), NA)]
  if (length(open) > 0) {
    abort_input(c("{.arg coupling} must have {.arg {open}}: there is no fit to find
                   {cli::qty(open)}{?it/them} for.",
                  i = "Pass {.code coupling_{part_name(coupling)}({open[1]} = )}."),
                arg = "coupling", class = method_error, call = call)
  }
  coupling
}

# The plan (n, m) of a solved coupling `out`.
dense_plan <- function(problem, coupling, out, threads) {
  if (inherits(coupling, "coupling_exact")) {
    plan <- matrix(0, ncol(problem$x), ncol(problem$y))
    pairs <- solve_emd(problem$x, problem$y, problem$a, problem$b, TRUE, threads,
                       plan = TRUE)$plan
    plan[cbind(pairs$source, pairs$target)] <- pairs$flow * sum(problem$a)
    return(plan)
  }
  delta <- if (identical(coupling$cost, "log_cos")) coupling$delta
  .Call(ffi_plan_dense, problem$x, problem$y, out$potential_source, out$potential_target,
        out$epsilon, delta)
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
