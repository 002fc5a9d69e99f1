# Couplings of every kind, behind one function.

# The coupling of an interval. `problem`: of interval_problem(), in standard units, the
# scale of which is its `scale`; `effort`: tolerance, threads and memory in bytes (NULL:
# all that it takes). A list:
#   descendants       (n) mass at the end of the pairs of a source
#   gain_source, gain_target  (n), (m) log of the factor by which the mass of a pair
#                     changes, the sum of both; NULL for a side that keeps its marginal
#   row_sums, column_sums     of the plan
#   potential_source, potential_target, cost, objective, residual, iterations
#   square            mean squared length of its pairs; with `keep` alone
#   alone             sources and targets without a partner in reach
#   plan, sums        with `keep`: what training draws pairs from
#   epsilon, tau (Inf: kept), method, blocks
couple_interval <- function(coupling, problem, effort, keep = TRUE,
                            call = rlang::caller_env()) {
  numbers <- coupling_numbers(coupling, problem$scale, problem$interval)
  if (is.null(numbers$tau_source) && is.null(numbers$tau_target)) {
    problem$b <- problem$b * (sum(problem$a) / sum(problem$b))
  }
  solve_coupling(problem, numbers, effort, keep, call)
}

# What the core is to know of a coupling, in standard units; NULL for infinite.
coupling_numbers <- function(coupling, scale, interval) UseMethod("coupling_numbers")

coupling_numbers.coupling_exact <- function(coupling, scale, interval) {
  list(epsilon = 0, minibatch = coupling$minibatch)
}

coupling_numbers.coupling_entropic <- function(coupling, scale, interval) {
  list(epsilon = at_interval(coupling$epsilon, interval) / scale^2)
}

coupling_numbers.coupling_semirelaxed <- function(coupling, scale, interval) {
  list(epsilon = at_interval(coupling$epsilon, interval) / scale^2,
       tau_source = at_interval(coupling$tau, interval) / scale^2)
}

# With log cosines a tau of 4 delta^2 is that of the Wasserstein-Fisher-Rao distance.
coupling_numbers.coupling_unbalanced <- function(coupling, scale, interval) {
  delta <- if (identical(coupling$cost, "log_cos")) at_interval(coupling$delta, interval)
  tau <- at_interval(coupling$tau %||% (4 * delta^2), interval) / scale^2
  list(epsilon = at_interval(coupling$epsilon, interval) / scale^2,
       tau_source = tau, tau_target = tau, delta = if (!is.null(delta)) delta / scale)
}

at_interval <- function(values, interval) values[min(interval, length(values))]

# Who is in which of the blocks, or of the batches, is random, but the same for all fits;
# the interval tells one coupling from another. Exact couplings need no n x m costs.
solve_coupling <- function(problem, numbers, effort, keep, call) {
  balanced <- is.null(numbers$tau_source) && is.null(numbers$tau_target)
  memory <- effort$memory %||% 2^30
  blocks <- if (is.null(effort$memory) || numbers$epsilon == 0) 1 else
    count_blocks(ncol(problem$x), ncol(problem$y), memory)
  options <- list(
    epsilon = numbers$epsilon, tau_source = numbers$tau_source,
    tau_target = numbers$tau_target, delta = numbers$delta,
    tolerance = max(effort$tolerance, if (balanced) least_tolerance),
    threads = effort$threads, keep = keep,
    memory = memory, blocks = blocks, key = c(0, 0), stream = problem$interval,
    minibatch = numbers$minibatch %||% 0, least = least_descendants
  )
  out <- .Call(ffi_couple, problem$x, problem$y, problem$a, problem$b, options)
  check_core(out, "Coupling the snapshots", call, coupling_hint(out$status, numbers))
  method <- if (out$batches > 1) "minibatch" else if (blocks > 1) "blocks" else "whole"
  out[c("status", "batches")] <- NULL
  c(out, epsilon = numbers$epsilon, tau = numbers$tau_source %||% Inf, method = method,
    blocks = blocks)
}

# Where both marginals are kept, rounding may stop the solver below this.
least_tolerance <- 1e-6

# The way out of a coupling that failed.
coupling_hint <- function(status, numbers) {
  if (status_class(status) == "vgfm_error_reach") {
    if (is.null(numbers$delta)) {
      return("Raise {.arg tau}: at that price all cells would rather die than move.")
    }
    return("Raise {.arg delta}: cells further apart than pi times that are no pair.")
  }
  far <- "look for cells that lie far from all others."
  if (numbers$epsilon == 0) return(paste("Please", far))
  paste("Raise {.arg epsilon}, now", format(numbers$epsilon, digits = 3),
        "in the units of the solver, or", far)
}
