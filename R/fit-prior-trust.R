# How far a prior is believed: as far as the data do not contradict it.

# Cells of each snapshot that prior and data are compared on: at most, and at least.
trust_cells <- 1000
least_compared <- 10

# The prior beside what data say, interval by interval; NULL without one. `identified`:
# whether the data of each interval tell growth from motion.
#   rates   a list: what is expected of each source cell, NA for nothing
#   table   a row per interval, as in `fit$prior`
weigh_prior <- function(snapshots, coupling, control, identified, call) {
  if (is.null(snapshots$prior)) return(NULL)
  times <- seq_along(snapshots$times)
  intervals <- times[-1] - 1
  averages <- lapply(times, average_prior, snapshots, control)
  samples <- lapply(intervals, sample_interval, snapshots, coupling, control, call)
  expected <- lapply(intervals, function(k) prior_on_the_way(k, averages, samples[[k]]))
  compared <- lapply(intervals, function(k) {
    if (identified[k]) compare_prior(k, expected[[k]]$rate, samples[[k]], snapshots)
  })
  pick <- function(from, what) vapply(from, function(x) x[[what]] %||% NA_real_, 0)
  data <- pick(compared, "data")
  both <- pick(compared, "both")
  variance <- pick(compared, "variance")
  pooled <- prior_trust(data, both, variance)
  trust <- ifelse(is.na(data), pooled, mapply(prior_trust, data, both, variance))
  reliability <- pick(expected, "reliability")
  reliability[is.na(reliability)] <- 0 # of nobody anything is expected
  list(
    rates = lapply(expected, `[[`, "rate"),
    table = data.frame(
      from = snapshots$labels[intervals], to = snapshots$labels[intervals + 1],
      known = vapply(expected, function(x) mean(!is.na(x$rate)), 0),
      reliability = reliability, correlation = pick(compared, "correlation"),
      trust = trust, believed = coupling$prior_strength * trust * reliability
    )
  )
}

# Some cells of snapshot k and the next, and their coupling without a prior:
#   sources, targets  places of these cells in their snapshots
#   near              (cells of snapshot k, neighbours): places among `sources`
#   plan              (sources, targets)
sample_interval <- function(k, snapshots, coupling, control, call) {
  rows <- which(snapshots$index == k)
  later <- which(snapshots$index == k + 1)
  sample <- list(sources = spaced(seq_along(rows), trust_cells),
                 targets = spaced(seq_along(later), trust_cells))
  sample$near <- near_in_state(rows[sample$sources], rows, snapshots, control)
  problem <- interval_problem(snapshots, k, trust_cells)
  effort <- list(tolerance = 1e-4, threads = use_threads(control$threads))
  sample$solve <- function(expected) {
    couple_interval(coupling, replace(problem, "a", list(expected)), effort,
                    keep = FALSE, call = call)
  }
  out <- sample$solve(problem$a)
  sample$plan <- .Call(ffi_plan_dense, problem$x, problem$y, out$potential_source,
                       out$potential_target, out$epsilon, NULL)
  sample
}

# Whether data agree with `rate` on the cells of snapshot k; NULL for too few cells to
# say. Log descendants are averaged over neighbours, and regressed on those of the prior:
# once as a coupling without the prior has them, and once as one that takes it for
# granted.
#   variance     of the log descendants of the prior
#   data, both   slopes on it of those of the two couplings
#   correlation  of the prior and the coupling without it
compare_prior <- function(k, rate, sample, snapshots) {
  rows <- which(snapshots$index == k)
  use <- which(!is.na(rate) & !snapshots$prior$stable[rows])
  use <- spaced(use, trust_cells)
  if (length(use) < least_compared) return(NULL)
  prior <- rate[use] * diff(snapshots$times)[k]
  if (stats::sd(prior) < 1e-6) return(NULL)
  around <- function(descendants) {
    found <- log(pmax(descendants, least_descendants))
    rowMeans(matrix(found[sample$near[use, ]], length(use)))
  }
  slope <- function(found) stats::cov(prior, found) / stats::var(prior)
  data <- around(rowSums(sample$plan))
  expected <- prior_expected(k, rate, 1, snapshots)[sample$sources]
  both <- around(sample$solve(expected)$descendants)
  list(variance = stats::var(prior), data = slope(data), both = slope(both),
       correlation = if (stats::sd(data) > 0) stats::cor(prior, data) else 0)
}

# How far a prior is believed, from 0 to 1: as far as a coupling that believes it so far
# has a slope of just that on it. Slopes run from `data`, where it is not believed, to
# `both`, where it is, in a straight line; `data` alone would be too low wherever tau is
# high. Of several intervals together; 1 where there is nothing to compare.
prior_trust <- function(data, both, variance) {
  weight <- ifelse(is.na(data), 0, variance)
  from_data <- sum((weight * data)[weight > 0])
  room <- sum((weight * (1 - both + data))[weight > 0])
  if (room < least_room * sum(weight[weight > 0]) || room == 0) return(1)
  min(max(from_data / room, 0), 1)
}

# Where the coupling follows the prior by more than the rest of this share, data are
# silent.
least_room <- 0.05

# Where growth is not told from motion, tau keeps what motion adds to log descendants
# modest. A prior says better which cells divide, and shall not be outweighed: beside one,
# motion adds a tenth of that. `verdict`: tau and identified, by interval.
tau_with_prior <- function(verdict, snapshots) {
  raised <- if (is.null(snapshots$prior)) 1 else tau_beside_prior
  verdict$tau * ifelse(verdict$identified, 1, raised)
}

tau_beside_prior <- 10
