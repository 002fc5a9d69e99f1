# Where there are many features, cells are compared in their leading principal components.
# The noise of thousands of genes hides how far cells are from each other: the variance
# within a snapshot, in units of which `tau` is, would be that of noise, and cells with
# few counts, which are noisy, would seem to be far from all others.

# So many, where there are more than `many_features` features.
leading_components <- 50
many_features <- 1000

# Cells from which they are made, at most; directions beside those wanted, and rounds of
# iteration. Noise directions need not converge.
leading_cells <- 4000
leading_spare <- 10
leading_rounds <- 4

# Only semi-relaxed couplings: others are compared as their authors had them.
resolve_components <- function(method, snapshots) {
  if (inherits(method$coupling, "coupling_semirelaxed") &&
        ncol(snapshots$x) > many_features) {
    method$coupling$components <- method$coupling$components %||% leading_components
  }
  method
}

# The directions (d, components), orthonormal, along which cells of all times vary most,
# by subspace iteration (Halko, Martinsson and Tropp 2011); NULL for all features. The
# start is fixed, so that the same cells have the same.
leading_axes <- function(snapshots, components) {
  features <- ncol(snapshots$x)
  rows <- spaced(seq_len(nrow(snapshots$x)), leading_cells)
  if (is.null(components) || components >= min(features, length(rows))) return(NULL)
  z <- standard_cells(snapshots$x, rows, snapshots)
  z <- z - rowMeans(z)
  size <- min(components + leading_spare, dim(z))
  start <- matrix(key_uniform(as.double(features) * size, c(0, 0), 2) - 0.5, features)
  axes <- qr.Q(qr(start))
  for (round in seq_len(leading_rounds)) {
    axes <- qr.Q(qr(z %*% crossprod(z, axes)))
  }
  among <- svd(crossprod(z, axes), nu = 0, nv = components)$v
  axes %*% among
}

# Some cells as they are compared: (k, cells), in standard units.
cells_in_state <- function(snapshots, rows) {
  in_leading(standard_cells(snapshots$x, rows, snapshots), snapshots)
}

# Cells (n, d) in units of x, as cells of a fit are compared: (n, k).
compared_cells <- function(x, fit) {
  leading <- fit$snapshots$leading
  if (is.null(leading)) x else x %*% leading
}

# Cells (d, n) in standard units, in the leading components if cells are compared there.
in_leading <- function(z, snapshots) {
  if (is.null(snapshots$leading)) z else crossprod(snapshots$leading, z)
}
