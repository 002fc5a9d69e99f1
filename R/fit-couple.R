# Stage 1: a coupling for every interval.

# In standard units. Intervals that are `identified` come first: what they say of the
# growth of a state is expected of it in the others. `solved` has those that there are
# already; `save` gets all there are after each.
couple_snapshots <- function(snapshots, control, identified, call, solved = NULL,
                             save = function(couplings) NULL) {
  z <- cell_order(snapshots)
  intervals <- length(snapshots$times) - 1
  members <- function(k) {
    rows <- z$order[seq(z$offset[k] + 1, z$offset[k + 1])]
    standard_cells(snapshots$x, rows, snapshots)
  }
  memory <- control$memory * 2^30
  solved <- solved %||% vector("list", intervals)
  threads <- use_threads(control$threads)
  todo <- Filter(function(k) is.null(solved[[k]]), order(!identified))
  sources <- NULL
  progress <- new_progress("Coupling", length(todo), control$progress)
  on.exit(progress(0, finished = TRUE))
  prior <- if (length(todo) > 0) weigh_prior(snapshots, control, identified, call)
  for (k in todo) {
    x <- members(k)
    y <- members(k + 1)
    growth <- snapshots$mass[k + 1] / snapshots$mass[k]
    solve <- function(a, tolerance = control$transport_tolerance, keep = TRUE) {
      solve_srot(
        x, y, a = a, b = rep(ncol(x) * growth / ncol(y), ncol(y)),
        epsilon = control$epsilon / snapshots$scale^2,
        tau = control$tau[k] / snapshots$scale^2, tolerance = tolerance,
        threads = threads, keep = keep, memory = memory,
        blocks = count_blocks(ncol(x), ncol(y), memory), stream = k, call = call
      )
    }
    state <- if (!identified[k] && any(identified)) {
      sources <- sources %||% source_rates(snapshots, solved, which(identified))
      growth_of_state(sources, x, diff(snapshots$times)[k], control)
    }
    expected <- exp(state$log_descendants %||% numeric(ncol(x)))
    solved[[k]] <- if (is.null(prior)) solve(expected / mean(expected)) else
      solve_with_prior(prior, k, state, solve, snapshots, control, call)
    save(solved)
    progress(1)
  }
  solved
}
