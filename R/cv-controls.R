# What a fit has to beat at a time that was left out: predictions that learn nothing.

# Columns of vgfm_cv(). `snapshots`: those of the fit; `cloud` and `mass`: what was
# observed at `time`, between two of theirs; `size`: cells in a sample, as in
# cloud_distance().
naive_controls <- function(snapshots, time, cloud, mass, size, threads, call) {
  distance <- function(naive) {
    cloud_distance(naive$x, naive$weight, cloud, threads, call, size)
  }
  before <- findInterval(time, snapshots$times)
  expected <- loglinear_mass(snapshots, time)
  data.frame(
    w1_previous = distance(snapshots_as_one(snapshots, before)),
    w1_nearest = distance(snapshots_as_one(snapshots, nearest_places(snapshots, time))),
    w1_straight = distance(straight_population(snapshots, before, time, threads, call)),
    rme_loglinear = abs(expected - mass) / mass
  )
}

# The snapshot nearest to a time, or the two that are.
nearest_places <- function(snapshots, time) {
  gap <- abs(snapshots$times - time)
  which(gap <= min(gap) + rounding(snapshots$times))
}

# The cells of some snapshots, which weigh as much as their masses.
snapshots_as_one <- function(snapshots, places) {
  rows <- which(snapshots$index %in% places)
  list(x = snapshots$x[rows, , drop = FALSE],
       weight = (snapshots$mass / snapshots$counts)[snapshots$index[rows]])
}

# The pairs of the exact plan (squared costs, equal weights) between a snapshot and the
# next, each on the straight line that joins it (McCann 1997).
straight_population <- function(snapshots, before, time, threads, call) {
  most <- if (prod(snapshots$counts[before + 0:1]) > exact_pairs) sample_cells else Inf
  cells <- lapply(before + 0:1, function(k) {
    rows <- which(snapshots$index == k)
    snapshots$x[rows[shuffled(length(rows), k) <= most], , drop = FALSE]
  })
  pairs <- solve_emd(t(cells[[1]]), t(cells[[2]]), rep(1, nrow(cells[[1]])),
                     rep(1, nrow(cells[[2]])), TRUE, threads, call, plan = TRUE)$plan
  s <- time_share(snapshots, before, time)
  list(x = (1 - s) * cells[[1]][pairs$source, , drop = FALSE] +
         s * cells[[2]][pairs$target, , drop = FALSE],
       weight = pairs$flow)
}

loglinear_mass <- function(snapshots, time) {
  mass_between(snapshots, findInterval(time, snapshots$times), time)
}

# The same at a time in the interval that begins at `before`, or at its end.
mass_between <- function(snapshots, before, time) {
  s <- time_share(snapshots, before, time)
  exp(sum(c(1 - s, s) * log(snapshots$mass[before + 0:1])))
}

# The share of an interval that has passed at a time.
time_share <- function(snapshots, before, time) {
  (time - snapshots$times[before]) / diff(snapshots$times[before + 0:1])
}
