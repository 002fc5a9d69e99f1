# Stage 1: a coupling for every interval.

# What is coupled in interval k: cells x (d, n) and y (d, m), of cells_in_state(), at most
# so many of each, evenly spread, and their masses a (n) and b (m): one for each source,
# and for targets together as much more as the population has grown.
interval_problem <- function(snapshots, k, most = Inf) {
  cells <- function(k) {
    rows <- spaced(which(snapshots$index == k), most)
    cells_in_state(snapshots, rows)
  }
  x <- cells(k)
  y <- cells(k + 1)
  growth <- snapshots$mass[k + 1] / snapshots$mass[k]
  list(x = x, y = y, a = rep(1, ncol(x)), b = rep(ncol(x) * growth / ncol(y), ncol(y)),
       scale = snapshots$scale, interval = k)
}

# In standard units. Intervals that are `identified` come first: what they say of the
# growth of a state is expected of it in the others. `solved` has those that there are
# already; `save` gets all there are after each.
couple_snapshots <- function(snapshots, method, control, identified, call, solved = NULL,
                             save = function(couplings) NULL) {
  intervals <- length(snapshots$times) - 1
  coupling <- method$coupling
  solved <- solved %||% vector("list", intervals)
  threads <- use_threads(control$threads)
  told <- identified %||% logical(intervals)
  todo <- Filter(function(k) is.null(solved[[k]]), order(!told))
  # What is expected of a source is what it leaves: masses at both ends leave no room.
  expects <- inherits(coupling, "coupling_semirelaxed")
  sources <- NULL
  progress <- new_progress("Coupling", length(todo), control$progress)
  on.exit(progress(0, finished = TRUE))
  prior <- if (length(todo) > 0 && !is.null(identified)) {
    weigh_prior(snapshots, coupling, control, identified, call)
  }
  for (k in todo) {
    problem <- interval_problem(snapshots, k)
    solve <- function(a, tolerance = control$transport_tolerance, keep = TRUE) {
      effort <- list(tolerance = tolerance, threads = threads,
                     memory = control$memory * 2^30)
      couple_interval(coupling, replace(problem, "a", list(a)), effort, keep, call)
    }
    state <- if (expects && any(told) && !told[k]) {
      sources <- sources %||% source_rates(snapshots, solved, which(told))
      growth_of_state(sources, problem$x, diff(snapshots$times)[k], control)
    }
    expected <- exp(state$log_descendants %||% numeric(ncol(problem$x)))
    solved[[k]] <- if (is.null(prior)) solve(expected / mean(expected)) else
      solve_with_prior(prior, k, state, solve, snapshots, coupling$prior_strength, call)
    save(solved)
    progress(1)
  }
  solved
}
