# Moments of genes, wherever their values are.

# Mean and variance of each gene over some cells. Of values on disk or yet to be computed,
# a block is in memory at a time.
gene_moments <- function(values, cells, call) {
  if (is.matrix(values) || inherits(values, "Matrix")) {
    return(block_moments(values[, cells, drop = FALSE]))
  }
  rlang::check_installed("DelayedArray", "to read it in blocks.", call = call)
  values <- values[, cells, drop = FALSE]
  mean <- numeric(nrow(values))
  variance <- mean
  grid <- DelayedArray::rowAutoGrid(values)
  for (at in seq_along(grid)) {
    place <- grid[[at]]
    rows <- DelayedArray::start(place)[1]:DelayedArray::end(place)[1]
    part <- block_moments(DelayedArray::read_block(values, place))
    mean[rows] <- part$mean
    variance[rows] <- part$variance
  }
  list(mean = mean, variance = variance)
}

# (genes, cells) -> per gene. Log-normalised values are of the order of 1, so that the
# difference of squares loses no more than a few digits.
block_moments <- function(values) {
  n <- ncol(values)
  mean <- unname(Matrix::rowMeans(values))
  square <- unname(Matrix::rowMeans(values^2))
  list(mean = mean, variance = pmax(square - mean^2, 0) * n / max(n - 1, 1))
}
