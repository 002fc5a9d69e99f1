# What a benchmark fits, and what it judges the fits by. A split is a list of `part`, one
# of benchmark_parts, and of `place`, the number of the snapshot that is left out (or NA).
# The same splits serve all methods and all repeats.

benchmark_parts <- c("fitted", "time left out", "half left out")

# One split for each fit that a method needs.
benchmark_splits <- function(snapshots, parts, call) {
  splits <- lapply(parts, function(part) {
    places <- NA
    if (part == "time left out") places <- left_out_places(snapshots, NULL, call)
    lapply(places, function(place) list(part = part, place = place))
  })
  unlist(splits, recursive = FALSE)
}

# `snapshots`: what is fitted; `judged`: which cells of all judge the fit; `places`: the
# numbers of their snapshots; `from`: whose cells are carried there, see populations().
split_cells <- function(snapshots, split, call) {
  index <- snapshots$index
  if (split$part == "time left out") {
    return(list(snapshots = without_snapshot(snapshots, split$place, call),
                judged = index == split$place, places = split$place, from = "both"))
  }
  fitted <- judged <- rep(TRUE, length(index))
  if (split$part == "half left out") {
    fitted <- first_half(snapshots)
    judged <- !fitted
    snapshots <- some_snapshots(snapshots, fitted, snapshots$mass, call)
  }
  # The first snapshot is where predictions start.
  list(snapshots = snapshots, judged = judged,
       places = setdiff(sort(unique(index[judged])), 1), from = "first")
}

# A random half of the cells of each snapshot, one more if they are odd, so that no time
# is lost. It depends on the numbers of cells alone.
first_half <- function(snapshots) {
  half <- logical(length(snapshots$index))
  for (k in seq_along(snapshots$counts)) {
    n <- snapshots$counts[k]
    half[snapshots$index == k] <- shuffled(n, k, stream = 2) <= ceiling(n / 2)
  }
  half
}

# Cells in a sample where a split compares clouds at a place, for all methods alike: as
# many as a fit that carries whole snapshots needs.
split_size <- function(snapshots, split, place) {
  counts <- snapshots$counts
  judged <- counts[place]
  carried <- counts[1]
  if (split$part == "time left out") carried <- sum(counts[place + c(-1, 1)])
  if (split$part == "half left out") {
    carried <- ceiling(carried / 2)
    judged <- judged %/% 2
  }
  sample_size(carried, judged)
}
