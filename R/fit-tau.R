# The price of mass change, tau, of every interval, and whether the interval tells growth
# from motion.
#
# As tau falls, the log descendants of cells spread more. Where motion alone makes them
# differ, they do so gradually: for a Gaussian cloud that moves by d the spread is
# d / (1 + tau / c), c twice its variance along the motion, and the slope of its logarithm
# by that of tau falls from 1 to 0 as tau / (tau + c): by a third at most while tau falls
# to a quarter. Where branches of a population really grow and shrink, the spread rises as
# 1 / tau until mass change is cheaper than transport between branches, and then rests:
# the slope falls at once. That corner is looked for, and its upper end is taken.

# In units of the variance within the two snapshots.
tau_grid <- 2^(6:-5)
# Cells of each snapshot that take part, evenly spread, and nearest ones over which log
# descendants are averaged: 30, but no more than a quarter.
tau_cells <- 400
tau_neighbours <- function(n) ceiling(min(30, n / 4))

# On the plateau the slope is at most this.
flat_slope <- 0.3
# It falls there by at least this much while tau falls to a quarter. Pure motion makes it
# a third, give or take what samples of n cells do.
corner_fall <- function(n) 0.38 + 15 / n
# In a cloud that has moved on, the few cells next to the target have all descendants, and
# fewer the lower tau is: a plateau of their spread says nothing. So the effective share
# of sources that have descendants must be half, or stay as it is, as where a few cells
# really have most descendants.
half_parents <- 0.5
least_parents <- 0.1
steady_parents <- 0.95
# Where mass change is cheap, at this tau, and log descendants of neighbours spread by no
# more than this, there are no differences in growth to be told.
cheap_tau <- 0.25
no_difference <- 0.1

# Without a corner: this, or as much more as keeps log descendants from spreading by more
# than `careful_spread` over the whole course, should the intervals say the same.
careful_tau <- 3
careful_spread <- 0.15

# list(identified, scan), data frames. `identified` has one row per interval:
#   interval; from, to: labels; identified; tau, in squared units of x; spread: standard
#   deviation of log descendants there, averaged over neighbours; parents: effective
#   share of sources with descendants; note, in words.
# `scan` has one row per interval and tau: interval, tau, spread, slope (from this tau to
#   the next, which is half of it), parents; NA where the coupling could not be solved.
identify_growth <- function(snapshots, epsilon, control) {
  intervals <- seq_len(length(snapshots$times) - 1)
  fewer <- pmin(snapshots$counts[intervals], snapshots$counts[intervals + 1], tau_cells)
  scans <- lapply(intervals, function(k) {
    scan_interval(interval_problem(snapshots, k, tau_cells), epsilon, control,
                  enough = function(scan) is_settled(scan, fewer[k]))
  })
  corners <- Map(find_corner, scans, fewer)
  unknown <- sum(vapply(corners, function(corner) is.null(corner$tau), NA))
  verdict <- do.call(rbind, Map(function(k, scan, corner) {
    tau <- corner$tau %||% careful(scan, careful_spread / unknown)
    data.frame(
      interval = k, from = snapshots$labels[k], to = snapshots$labels[k + 1],
      identified = corner$identified, tau = tau * snapshots$scale^2,
      spread = scan_at(scan, "spread", tau), parents = scan_at(scan, "parents", tau),
      note = corner$note
    )
  }, intervals, scans, corners))
  scan <- do.call(rbind, Map(function(k, scan) cbind(interval = k, scan), intervals,
                             scans))
  scan$tau <- scan$tau * snapshots$scale^2
  list(identified = verdict, scan = scan)
}

tau_rows <- function(snapshots, k) spaced(which(snapshots$index == k), tau_cells)

# `problem`: of interval_problem(); epsilon in the user's units, tau in standard ones.
# Down the grid until there is `enough`; the rest is NA. With `keep`, the attribute
# `descendants` has those of every cell at every tau (n, taus).
scan_interval <- function(problem, epsilon, control, enough = function(scan) FALSE,
                          keep = FALSE) {
  epsilon <- epsilon / problem$scale^2
  problem$scale <- 1
  x <- problem$x
  square <- function(z) mean(colSums((z - rowMeans(z))^2))
  variance <- mean(c(square(x), square(problem$y)))
  # Two snapshots of one point each.
  if (variance < 1e-9) variance <- nrow(x)
  tau <- tau_grid * variance
  near <- nearest_cells(t(x), t(x), tau_neighbours(ncol(x)), control)$index
  scan <- data.frame(tau = tau, spread = NA_real_, parents = NA_real_, slope = NA_real_)
  descendants <- matrix(NA_real_, ncol(x), length(tau))
  for (i in seq_along(tau)) {
    coupling <- new_part("coupling", "semirelaxed", tau = tau[i], epsilon = epsilon)
    descendants[, i] <- descendants_at(problem, coupling, control)
    scan[i, c("spread", "parents")] <- descendants_spread(descendants[, i], near)
    level <- log(pmax(scan$spread, 1e-12))
    scan$slope <- c(diff(level) / -diff(log(tau)), NA)
    if (enough(scan)) break
  }
  if (keep) attr(scan, "descendants") <- descendants
  scan
}

# Whether a scan under way has a corner and all that its upper end hangs on.
is_settled <- function(scan, n) {
  done <- sum(!is.na(scan$spread))
  corner <- find_corner(scan, n)
  !is.null(corner$tau) && done >= corner$place + 4
}

# Descendants of every source; NA where this coupling is beyond the solver.
descendants_at <- function(problem, coupling, control) {
  effort <- list(tolerance = 1e-4, threads = use_threads(control$threads))
  out <- tryCatch(couple_interval(coupling, problem, effort, keep = FALSE),
                  vgfm_error = function(condition) NULL)
  out$descendants %||% rep(NA_real_, ncol(problem$x))
}

# Spread of the log descendants, averaged over the neighbours `near` (n, k) of every cell,
# and the effective share of parents among the sources.
descendants_spread <- function(descendants, near) {
  gain_source <- log(pmax(descendants, least_descendants))
  averaged <- rowMeans(matrix(gain_source[near], nrow(near)))
  share <- sum(descendants)^2 / (length(descendants) * sum(descendants^2))
  c(sqrt(mean((averaged - mean(averaged))^2)), share)
}

# list(identified, tau and place of the corner (NULL without one), note) of a scan of n
# cells a snapshot.
# The last step is left out: below it, descendants follow single cells.
find_corner <- function(scan, n) {
  if (grow_alike(scan)) {
    return(list(identified = TRUE, note = "descendants hardly differ at any tau"))
  }
  slope <- scan$slope
  places <- seq(2, length(slope) - 2)
  fall <- pmax(slope[places - 1], slope[pmax(places - 2, 1)]) - slope[places]
  falls <- abs(slope[places]) <= flat_slope & fall >= corner_fall(n)
  parents <- scan$parents[places]
  steady <- parents >= least_parents & slope[places] <= flat_slope / 3 &
    scan$parents[places + 1] >= steady_parents * parents
  corner <- places[which(falls & (parents >= half_parents | steady))]
  if (length(corner) > 0) {
    return(list(identified = TRUE, tau = upper_end(scan, corner[1]), place = corner[1],
                note = "descendants of neighbours agree over a range of tau"))
  }
  list(identified = FALSE, note = if (sum(!is.na(slope)) < 3) {
    "not told from motion: couplings could be solved at too few tau"
  } else if (any(falls, na.rm = TRUE)) {
    "not told from motion: where tau is low, few cells have all descendants"
  } else {
    "not told from motion: descendants depend on tau throughout"
  })
}

grow_alike <- function(scan) {
  isTRUE(scan$spread[tau_grid == cheap_tau] <= no_difference)
}

# The tau from which on the slope is near that of the flattest step from `place` on: twice
# it, but no less than a third of `flat_slope` and no more than that. Below, descendants
# follow single cells; above, some of the growth is missed.
upper_end <- function(scan, place) {
  middle <- log(scan$tau) - log(2) / 2
  slope <- scan$slope
  flattest <- min(slope[place:min(place + 2, length(slope) - 1)], na.rm = TRUE)
  enough <- min(max(2 * flattest, flat_slope / 3), flat_slope)
  place <- which(slope <= enough & seq_along(slope) >= place - 1)[1]
  if (place == 1) return(scan$tau[1])
  exp(stats::approx(slope[place - 1:0], middle[place - 1:0], enough)$y)
}

# The lowest and the highest tau of a plateau whose upper end is `tau`: from there on
# downwards, as far as log descendants hardly spread more.
plateau_range <- function(scan, tau) {
  if (grow_alike(scan)) return(range(scan$tau[tau_grid >= cheap_tau]))
  flat <- abs(scan$slope) <= flat_slope
  step <- max(1, sum(scan$tau >= tau))
  if (!isTRUE(flat[step])) step <- step + 1
  while (isTRUE(flat[step + 1])) step <- step + 1
  c(min(scan$tau[step + 1], tau), tau)
}

# A tau at which the spread is no more than the budget.
careful <- function(scan, budget) {
  unit <- scan$tau[1] / tau_grid[1]
  known <- is.finite(scan$spread) & scan$spread > 0
  if (sum(known) < 2) return(careful_tau * unit)
  tau <- exp(seq(log(careful_tau), log(tau_grid[1]), length.out = 60)) * unit
  spread <- exp(stats::approx(log(scan$tau[known]), log(scan$spread[known]), log(tau),
                              rule = 2)$y)
  # The spread falls at most as 1 / tau, and does beyond the grid.
  min(tau * pmax(spread / budget, 1))
}

# A column of the scan between its taus; beyond the largest, spread falls as 1 / tau.
scan_at <- function(scan, column, tau) {
  known <- is.finite(scan[[column]])
  if (sum(known) < 2) return(NA_real_)
  value <- stats::approx(log(scan$tau[known]), scan[[column]][known], log(tau),
                         rule = 2)$y
  if (column == "spread") value * min(1, max(scan$tau) / tau) else value
}
