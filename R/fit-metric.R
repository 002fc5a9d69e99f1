# The metric of learned paths: small where cells are, so that a way through the cells is
# short. One for each interval, from the cells of both its ends, in standard units.

# Cells of an interval that make up its metric, at most, half of them from either end; and
# others that the user gives, at most.
metric_cells <- 1000
# "land" up to so many features: beyond, kernels about single cells hardly overlap.
land_features <- 10
# Cells that are near: this share of them. A number of cells would shrink with more cells.
near_share <- 0.05
# Bells of "rbf", at most, cells for each at least, and rounds that place them.
rbf_centres <- 100
rbf_cells <- 8
rbf_rounds <- 15

metric_kind <- function(path, features) {
  path$metric %||% if (features <= land_features) "land" else "rbf"
}

# As core reads it: see core/path/metric.h.
interval_metric <- function(snapshots, k, path, control) {
  rows <- unlist(lapply(k + 0:1, function(at) {
    spaced(which(snapshots$index == at), metric_cells / 2)
  }))
  points <- t(standard_cells(snapshots$x, rows, snapshots))
  if (!is.null(path$cells)) {
    more <- spaced(seq_len(nrow(path$cells)), metric_cells)
    points <- rbind(points, t(standard_cells(path$cells, more, snapshots)))
  }
  kind <- metric_kind(path, ncol(points))
  make <- if (kind == "land") land_metric else rbf_metric
  c(make(points, path$width, control), kind = kind, floor = path$rho,
    alpha = path$alpha)
}

# Spread of the cells about a place, feature by feature, in units of what it is at a cell
# on average.
land_metric <- function(points, width, control) {
  near <- min(nrow(points), 2 + ceiling(near_share * nrow(points)))
  reach <- nearest_cells(points, points, near, control)$distance[, near]
  rate <- 1 / (width * positive_or_one(stats::median(reach)))^2
  bells <- exp(-0.5 * rate * square_distances(points, points))
  spread <- bells %*% points^2 - 2 * points * (bells %*% points) +
    points^2 * rowSums(bells)
  list(points = points, rate = rate, scale = 1 / positive_or_one(mean(spread)))
}

# Bells about centres of cells, as wide as the cells of a centre spread; their sum is 1 at
# the cells as nearly as it can be.
rbf_metric <- function(points, width, control) {
  number <- min(rbf_centres, max(1, nrow(points) %/% rbf_cells))
  found <- centres_of(points, number, control)
  rate <- 1 / (width^2 * found$square)
  bells <- exp(-0.5 * square_distances(points, found$centres) *
                 rep(rate, each = nrow(points)))
  list(points = found$centres, rate = rate, weight = weights_to_one(bells))
}

# Lloyd (1982) from evenly spaced cells: `centres` (number x d), those with cells, and
# `square`, the mean squared distance of their cells. Of a lone cell, that of all.
centres_of <- function(points, number, control) {
  centres <- points[spaced(seq_len(nrow(points)), number), , drop = FALSE]
  for (round in seq_len(rbf_rounds)) {
    found <- nearest_cells(centres, points, 1, control)
    counts <- tabulate(found$index, nrow(centres))
    sums <- rowsum(points, found$index[, 1], reorder = TRUE)
    moved <- sums / counts[counts > 0]
    still <- nrow(moved) == nrow(centres) && max(abs(moved - centres)) < 1e-6
    centres <- unname(moved)
    if (still) break
  }
  found <- nearest_cells(centres, points, 1, control)
  counts <- tabulate(found$index, nrow(centres))
  square <- as.vector(tapply(found$distance^2, factor(found$index, seq_along(counts)),
                             sum)) / counts
  all <- positive_or_one(mean(found$distance^2))
  square[!is.finite(square) | square < 1e-3 * all] <- all
  list(centres = centres, square = square)
}

# Weights w, at least `least`, for which bells w is nearest to 1: coordinate descent on
# the squares of what is missing.
weights_to_one <- function(bells, least = 1e-4, sweeps = 200) {
  gram <- crossprod(bells)
  want <- colSums(bells)
  weight <- rep(1, ncol(bells))
  slope <- as.vector(gram %*% weight) - want
  for (sweep in seq_len(sweeps)) {
    largest <- 0
    for (i in which(diag(gram) > 0)) {
      step <- max(least, weight[i] - slope[i] / gram[i, i]) - weight[i]
      weight[i] <- weight[i] + step
      slope <- slope + step * gram[, i]
      largest <- max(largest, abs(step))
    }
    if (largest < 1e-6) break
  }
  weight
}

# (n x m) of the rows of x and y.
square_distances <- function(x, y) {
  pmax(outer(rowSums(x^2), rowSums(y^2), "+") - 2 * tcrossprod(x, y), 0)
}

# The cells that a user adds have the features of the others.
check_features_of_metric <- function(cells, snapshots, call) {
  features <- ncol(snapshots$x)
  if (is.null(cells) || ncol(cells) == features) return(invisible())
  abort_input(c("{.arg cells} of {.fn path_metric} must have the {features} feature{?s} of
                 {.arg x} as columns, not {ncol(cells)}.",
                i = "Give them in the same order and units."),
              arg = "cells", class = method_error, call = call)
}
