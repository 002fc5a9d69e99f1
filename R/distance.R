# Distances between clouds of cells; of large ones, between samples.

# With more pairs of cells than this, distances are means over so many samples of so many
# cells. What is drawn depends on the number of cells alone, so that fits compare.
exact_pairs <- 4e7
sample_cells <- 5000
sample_times <- 4

# Cells in a sample of n predicted or m observed ones, of which it takes two for the
# floor; infinite where all are used.
sample_size <- function(n, m) {
  pairs <- max(as.double(n) * m, m^2 / 4)
  if (pairs <= exact_pairs) return(Inf)
  max(1, min(sample_cells, m %/% 2))
}

# Wasserstein-1 distance between a weighted cloud x and a cloud y, cells in rows. `size`:
# cells in a sample.
cloud_distance <- function(x, weight, y, threads, call = rlang::caller_env(),
                           size = sample_size(nrow(x), nrow(y))) {
  distance <- function(x, weight, y) {
    solve_emd(t(x), t(y), weight, rep(1, nrow(y)), FALSE, threads, call)$cost
  }
  if (size == Inf) return(distance(x, weight, y))
  mean(vapply(seq_len(sample_times), function(time) {
    target <- y[shuffled(nrow(y), time) <= size, , drop = FALSE]
    if (nrow(x) <= size) return(distance(x, weight, target))
    distance(x[draw_cells(weight, size, time), , drop = FALSE], rep(1, size), target)
  }, 0))
}

# Wasserstein-1 distance between two random halves of a cloud, or `size` cells of each,
# mean over more splits the smaller it is.
halves_distance <- function(cloud, size, threads, splits = NULL) {
  n <- nrow(cloud)
  if (n < 2) return(NA_real_)
  splits <- splits %||%
    if (size < Inf) sample_times else min(20, max(2, round(5000 / n)))
  mean(vapply(seq_len(splits), function(split) {
    place <- shuffled(n, split)
    first <- place <= min(n / 2, size)
    second <- place > n / 2 & place <= n / 2 + size
    solve_emd(t(cloud[first, , drop = FALSE]), t(cloud[second, , drop = FALSE]),
              rep(1, sum(first)), rep(1, sum(second)), FALSE, threads)$cost
  }, 0))
}
