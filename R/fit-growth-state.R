# Growth as a property of the state of a cell: what intervals that tell growth from motion
# say of cells like it, whatever their day.

# Single cells differ by the noise of the samples. So descendants are averaged over the
# nearest of n cells: 30, or as few as keep a rare kind apart from others.
state_neighbours <- function(n) ceiling(min(30, n / 10))

# Cells that are asked, at most, of a snapshot or of all together.
state_cells <- 4000

# Places of the nearest `points` (d, n) of every query (d, m), and their distances: index,
# distance (m, k).
nearest_in_state <- function(points, queries, control) {
  nearest_cells(t(points), t(queries), state_neighbours(ncol(points)), control)
}

# The growth rates of sources of some intervals, as their couplings have them: x (d, n) in
# standard units; rate (n), log descendants per unit of the user's time.
source_rates <- function(snapshots, couplings, intervals) {
  z <- cell_order(snapshots)
  most <- max(1, state_cells %/% length(intervals))
  parts <- lapply(intervals, function(k) {
    chosen <- spaced(seq_len(snapshots$counts[k]), most)
    x <- cells_in_state(snapshots, z$order[z$offset[k] + chosen])
    descendants <- couplings[[k]]$descendants[chosen]
    gap <- diff(snapshots$times)[k]
    list(x = x, rate = log(pmax(descendants, least_descendants)) / gap)
  })
  x <- do.call(cbind, lapply(parts, `[[`, "x"))
  list(x = x, rate = unlist(lapply(parts, `[[`, "rate")))
}

# Log of the mean number of descendants of the neighbours of every source, interval by
# interval: single cells differ by the noise of the samples.
local_growth <- function(snapshots, couplings, control) {
  z <- cell_order(snapshots)
  lapply(seq_along(couplings), function(k) {
    x <- cells_in_state(snapshots, z$order[seq(z$offset[k] + 1, z$offset[k + 1])])
    descendants <- couplings[[k]]$descendants
    asked <- spaced(seq_along(descendants), state_cells)
    near <- nearest_in_state(x[, asked, drop = FALSE], x, control)$index
    log(pmax(rowMeans(matrix(descendants[asked][near], nrow(near))), least_descendants))
  })
}

# What `sources` say of the growth of cells (d, m): the mean rate of the nearest ones, and
# how far that can be trusted, in [0, 1]: less where they are farther away than sources
# are from each other.
state_rate <- function(sources, cells, control) {
  near <- nearest_in_state(sources$x, cells, control)
  own <- spaced(seq_len(ncol(sources$x)), 500)
  apart <- nearest_in_state(sources$x, sources$x[, own, drop = FALSE], control)$distance
  usual <- stats::median(apart[, ncol(apart)])
  far <- near$distance[, ncol(near$distance)]
  list(rate = rowMeans(matrix(sources$rate[near$index], nrow(near$index))),
       trust = ifelse(far <= usual, 1, usual / far)^2)
}

# Log descendants of cells (d, m) in a time, as far as `sources` can be trusted with them,
# and that trust; only differences count, as masses decide the mean number.
growth_of_state <- function(sources, cells, gap, control) {
  found <- state_rate(sources, cells, control)
  gain_source <- found$rate * gap
  # Few sources, or copies of one cell, are far from all others.
  middle <- sum(found$trust * gain_source) / max(sum(found$trust), 1e-300)
  list(log_descendants = found$trust * (gain_source - middle), trust = found$trust)
}

# Growth is a property of the state, unless the data say that it changes with time: where
# an interval differs from the next by more, in the mean square, than this share of the
# variance of all rates; and by more than `no_difference` log descendants.
most_difference <- 0.8

# Intervals that identify growth are asked about the same states, cell by cell; all about
# the growth of the whole population, which the masses give. In simulations where growth
# goes by state, the largest shares are 0 to 0.5, and 1.2 or more where it stops, turns
# round or changes for all cells. The clock of the networks, who know no other time, must
# run evenly, too, or nearly.
most_pace <- 1.25
growth_needs_time <- function(snapshots, couplings, identified, control) {
  gaps <- diff(snapshots$times)
  pace <- diff(inner_times(snapshots, couplings)) / gaps
  if (max(pace) > most_pace * min(pace)) return(TRUE)
  sources <- lapply(seq_along(couplings), function(k) {
    source_rates(snapshots, couplings, k)
  })
  rate <- lapply(sources, function(s) state_rate(s, s$x, control)$rate)
  # `differences`: a list, of an interval from the next.
  differs <- function(differences, intervals) {
    if (length(differences) == 0) return(FALSE)
    square <- vapply(differences, function(d) mean(d^2), 0)
    least <- (no_difference / mean(gaps))^2
    limit <- most_difference * stats::var(unlist(rate[intervals])) + least
    any(square > limit, na.rm = TRUE)
  }
  known <- which(identified)
  same_states <- Map(function(k, after) {
    before <- state_rate(sources[[k]], sources[[after]]$x, control)
    (before$rate - rate[[after]])[before$trust >= 0.5]
  }, utils::head(known, -1), known[-1])
  level <- diff(log(snapshots$mass)) / gaps
  differs(same_states, known) || differs(as.list(diff(level)), seq_along(couplings))
}
