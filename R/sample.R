# Some of many cells: every so many-th, at random, or in proportion to their weight. All
# but resample() takes the same ones again.

# At most so many of some rows, evenly spaced.
spaced <- function(rows, most) {
  rows[unique(round(seq(1, length(rows), length.out = min(most, length(rows)))))]
}

# n cells of snapshot k, at random but always the same ones for a fit.
snapshot_cells <- function(fit, k, n) {
  rows <- thin_rows(which(fit$snapshots$index == k), n, fit)
  x <- fit$snapshots$x[rows, , drop = FALSE]
  if (is.null(rownames(x))) rownames(x) <- rows
  x
}

# At most n of some rows, at random but always the same ones for a fit.
thin_rows <- function(rows, n, fit) {
  if (length(rows) <= n) return(rows)
  rows[sort(order(key_uniform(length(rows), fit$training$key, 1))[seq_len(n)])]
}

# 1 ... n in random order, as places.
shuffled <- function(n, time, stream = 0) order(key_uniform(n, c(stream, 0), time))

# Cells drawn in proportion to their weights: along their sum, in random order, at even
# distances.
draw_cells <- function(weight, size, time) {
  order <- shuffled(length(weight), time, stream = 1)
  order[along_weights(weight[order], (seq_len(size) - 0.5) / size)]
}

# Places of n draws from weighted cells, at even steps of the cumulated weight from one
# random start.
resample <- function(weight, n) {
  along_weights(weight, (stats::runif(1) + seq_len(n) - 1) / n)
}

# Whose weight lies at shares `at` (above 0, below 1) of the cumulated weight.
along_weights <- function(weight, at) {
  ends <- cumsum(weight)
  findInterval(at * ends[length(ends)], ends, left.open = TRUE) + 1
}
