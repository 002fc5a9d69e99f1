# The nearest cells of some to others.

# For each row of `queries` (m x d) the k nearest rows of `points` (n x d), nearest first:
# a list of index (m x k) and distance (m x k). All pairs are compared, so it is exact;
# in slices, between which R shows progress and listens to the user.
nearest_cells <- function(points, queries, k, control, call = rlang::caller_env()) {
  # By a power of two, so that squares neither over- nor underflow in any unit.
  largest <- max(abs(range(points, queries)))
  unit <- if (largest > 0) 2^floor(log2(largest)) else 1
  points <- t(points / unit)
  queries <- queries / unit
  m <- nrow(queries)
  slice <- max(64, floor(pairs_a_call / (ncol(points) * max(nrow(points), 8))))
  slices <- split(seq_len(m), (seq_len(m) - 1) %/% slice)
  progress <- new_progress("Neighbours", length(slices), control$progress)
  on.exit(progress(0, finished = TRUE))
  index <- matrix(0L, m, k)
  distance <- matrix(0, m, k)
  for (rows in slices) {
    out <- .Call(ffi_nearest, points, t(queries[rows, , drop = FALSE]), k,
                 use_threads(control$threads))
    check_core(out, "Finding the nearest cells", call)
    index[rows, ] <- t(out$index)
    distance[rows, ] <- sqrt(t(out$square)) * unit
    progress(1)
  }
  list(index = index, distance = distance)
}

# Squares of differences in one call: about half a second.
pairs_a_call <- 2e9

# The k nearest other cells of each cell: index (n x k).
neighbours_of <- function(x, k, control, call = rlang::caller_env()) {
  index <- nearest_cells(x, x, k + 1, control, call)$index
  # A cell that is not among its own, for others lie where it does, counts as the last.
  self <- max.col(cbind(index == seq_len(nrow(x)), TRUE), "first")
  keep <- outer(pmin(self, k + 1), seq_len(k + 1), `!=`)
  matrix(t(index)[t(keep)], nrow(x), k, byrow = TRUE)
}
