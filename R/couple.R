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
#' @param a Mass of every source cell; one number or n, positive.
#' @param b Mass that every target cell must receive; one number or m, positive.
#' @param tolerance Largest relative residual of a solution.
#' @param plan Return the dense plan as well? It has n x m numbers.
#' @param threads Number of threads; it does not change the result.
#' @return A list: `descendants` (n row sums), `potential_source` (n), `potential_target`
#'   (m), `cost` (the transport cost \eqn{\langle C, P\rangle}), `objective`, `residual`,
#'   `iterations` (Newton steps and conjugate-gradient steps), `epsilon`, `tau`, and
#'   `plan` (n x m) if asked for.
#' @section Errors: `vgfm_error_input` for bad arguments; `vgfm_error_convergence` if the
#'   tolerance is not reached.
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
                        threads = NULL) {
  x <- check_points(x)
  y <- check_points(y)
  check_same_features(x, y)
  epsilon <- check_number(epsilon, 0, bounds = "(]")
  tau <- check_number(tau, 0, bounds = "(]")
  tolerance <- check_number(tolerance, 1e-14, 0.1)
  a <- check_weights(a, nrow(x), positive = TRUE)
  b <- check_weights(b, nrow(y), positive = TRUE)
  plan <- check_flag(plan)
  if (plan && nrow(x) * nrow(y) > cells_limit) {
    abort_input(
      c("The plan of {nrow(x)} x {nrow(y)} cells is too large to be shown.",
        i = "Leave {.arg plan} out; {.field descendants} are its row sums."),
      arg = "plan"
    )
  }
  threads <- use_threads(threads)
  out <- solve_srot(t(x), t(y), a, b, epsilon, tau, tolerance, threads, keep = FALSE)
  if (plan) {
    out$plan <- .Call(ffi_plan_dense, t(x), t(y), out$potential_source,
                      out$potential_target, epsilon)
    dimnames(out$plan) <- list(rownames(x), rownames(y))
  }
  out
}

# x (d, n) and y (d, m). With `keep`, element `plan` is what training draws pairs from.
solve_srot <- function(x, y, a, b, epsilon, tau, tolerance, threads, keep,
                       call = rlang::caller_env()) {
  options <- list(epsilon = epsilon, tau = tau, tolerance = tolerance, threads = threads,
                  keep = keep)
  out <- .Call(ffi_srot, x, y, a, b, options)
  check_core(out, "Coupling the snapshots", call, paste(
    "Raise {.arg epsilon}, now {format(options$epsilon, digits = 3)} in the units of",
    "the solver, or look for cells that lie far from all others."
  ))
  out$status <- NULL
  c(out, epsilon = epsilon, tau = tau)
}

# Snapshots in standard units: positions (d, cells) centred and scaled, cells in the order
# of time; times from 0 with a mean gap of 1.
standardise <- function(snapshots) {
  order <- order(snapshots$index)
  times <- snapshots$times
  gap <- (times[length(times)] - times[1]) / (length(times) - 1)
  list(
    cells = t(to_standard(snapshots$x[order, , drop = FALSE], snapshots)),
    order = order,
    offset = cumsum(c(0, snapshots$counts)),
    times = (times - times[1]) / gap,
    gap = gap
  )
}

to_standard <- function(x, snapshots) {
  sweep(x, 2, snapshots$center) / snapshots$scale
}

from_standard <- function(x, snapshots) {
  sweep(x * snapshots$scale, 2, snapshots$center, "+")
}

# Stage 1: a coupling for every interval, in standard units.
couple_snapshots <- function(snapshots, control, call) {
  z <- standardise(snapshots)
  intervals <- length(snapshots$times) - 1
  members <- function(k) seq(z$offset[k] + 1, z$offset[k + 1])
  progress <- new_progress("Coupling", intervals, control$progress)
  on.exit(progress(0, finished = TRUE))
  lapply(seq_len(intervals), function(k) {
    on.exit(progress(1))
    x <- z$cells[, members(k), drop = FALSE]
    y <- z$cells[, members(k + 1), drop = FALSE]
    growth <- snapshots$mass[k + 1] / snapshots$mass[k]
    solve_srot(
      x, y, a = rep(1, ncol(x)), b = rep(ncol(x) * growth / ncol(y), ncol(y)),
      epsilon = control$epsilon / snapshots$scale^2,
      tau = control$tau / snapshots$scale^2,
      tolerance = control$transport_tolerance, threads = use_threads(control$threads),
      keep = TRUE,
      call = call
    )
  })
}
