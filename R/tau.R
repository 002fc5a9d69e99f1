# The price of mass change, tau, from the data.
#
# As tau grows, the log descendants of cells spread less. Where motion alone makes them
# differ, their spread falls as 1 / tau, all the way. Where the branches of a population
# really grow and shrink, it stays put while tau is too dear to blur cells within a branch
# and too cheap to pay transport between branches. That plateau, the corner of the L-curve
# of transport against mass change, is looked for from large tau down.

tau_grid <- 2^(4:-7)   # in units of the variance within a snapshot
# Without a plateau: this, or what keeps the standard deviation of log descendants, mean
# over intervals, from being larger than that; in a course of K > 3 intervals, than that
# over K - 2, as what motion adds in one interval it adds in each.
tau_otherwise <- 3
spread_otherwise <- 0.3
# On the plateau, the slope must be this much flatter than on both sides of it.
plateau_depth <- 3
# Cells of each snapshot that take part, evenly spread; the rule needs no more.
tau_cells <- 150

choose_tau <- function(snapshots, epsilon, variance) {
  unit <- variance / snapshots$scale^2
  spread <- rep(0, length(tau_grid))
  parents <- rep(1, length(tau_grid))
  for (k in seq_len(length(snapshots$times) - 1)) {
    x <- tau_sample(snapshots, k)
    y <- tau_sample(snapshots, k + 1)
    mass <- ncol(x) * snapshots$mass[k + 1] / snapshots$mass[k]
    found <- vapply(tau_grid * unit, function(tau) {
      descendants_spread(x, y, mass, epsilon / snapshots$scale^2, tau)
    }, numeric(2))
    spread <- spread + found[1, ]
    parents <- pmin(parents, found[2, ])
  }
  spread <- sqrt(spread / (length(snapshots$times) - 1))
  budget <- spread_otherwise / max(1, length(snapshots$times) - 3)
  variance * (plateau(tau_grid, spread) %||% open_plateau(tau_grid, spread, parents) %||%
                without_plateau(tau_grid, spread, budget))
}

tau_sample <- function(snapshots, k) {
  rows <- spaced(which(snapshots$index == k), tau_cells)
  standard_cells(snapshots$x, rows, snapshots)
}

# Variance of the log descendants, and the effective share of parents among the sources;
# NA where this tau is beyond the solver.
descendants_spread <- function(x, y, mass, epsilon, tau) {
  out <- tryCatch(
    solve_srot(x, y, rep(1, ncol(x)), rep(mass / ncol(y), ncol(y)), epsilon, tau,
               tolerance = 1e-4, threads = 1, keep = FALSE),
    vgfm_error = function(condition) NULL
  )
  if (is.null(out)) return(c(NA, NA))
  log_children <- log(pmax(out$descendants, 1e-6))
  share <- sum(out$descendants)^2 / (length(out$descendants) * sum(out$descendants^2))
  c(mean((log_children - mean(log_children))^2), share)
}

# A group that lies far from all others and dies out, or grows, does so at any small tau:
# the plateau has no end. It is told from that of a cloud that only moves, where a few
# cells next to the target have all descendants, by the share of parents.
open_flat <- 0.1
open_parents <- 0.5

# The largest tau from which on two steps are flat after a steep one; NULL for none.
open_plateau <- function(at, spread, parents) {
  slope <- abs(diff(log(spread)) / -diff(log(at)))
  for (i in seq(2, length(slope) - 1)) {
    flat <- slope[i + 0:1] <= open_flat
    if (isTRUE(all(flat)) && isTRUE(max(slope[seq_len(i - 1)]) >= 0.5) &&
        isTRUE(parents[i + 1] >= open_parents)) {
      return(at[i])
    }
  }
  NULL
}

# Growth that cannot be told from motion is kept modest.
without_plateau <- function(at, spread, budget) {
  known <- is.finite(spread) & spread > 0
  if (sum(known) < 2) return(tau_otherwise)
  tau <- exp(seq(log(tau_otherwise), log(at[1]), length.out = 50))
  log_spread <- stats::approx(log(at[known]), log(spread[known]), log(tau), rule = 2)$y
  # The spread falls at most as 1 / tau, and does beyond the grid.
  min(tau * pmax(exp(log_spread) / budget, 1))
}

# Where `spread` over `at` (falling) is flattest first, by the vertex of a parabola in
# logarithms; NULL if nowhere.
plateau <- function(at, spread) {
  known <- is.finite(spread) & spread > 0
  at <- at[known]
  spread <- spread[known]
  count <- length(at) - 1
  if (count < 3) return(NULL)
  slope <- diff(log(spread)) / -diff(log(at))
  middle <- log(sqrt(at[-1] * at[-length(at)]))
  for (i in seq(2, count - 1)) {
    flat <- max(slope[i], 0)
    after <- seq(i + 1, count)
    ends <- which(slope[after] >= plateau_depth * flat & slope[after] > 0.1)
    if (slope[i] > slope[i - 1] || slope[i] > slope[i + 1]) next
    if (length(ends) == 0 || max(slope[seq_len(i - 1)]) < plateau_depth * flat) next
    if (any(slope[after[seq_len(ends[1])]] < slope[i])) next
    bend <- slope[i - 1] - 2 * slope[i] + slope[i + 1]
    shift <- if (bend > 0) (slope[i - 1] - slope[i + 1]) / (2 * bend) else 0
    return(exp(middle[i] + shift * log(at[2] / at[1])))
  }
  NULL
}
