# How far paths bend, from the data: before training, by couplings alone.
#
# Inner times are left out in turn. The snapshots around one are coupled, pairs are put
# where bent paths have them at that time, and W1 from the snapshot there is taken. The
# bend at a cell depends on the interval beyond it, so it takes four times at least.

# Candidates for both settings.
bend_grid <- c(0, 0.25, 0.5, 0.75, 1)
pooling_grid <- c(0, 0.5, 1)
# Both settings where the data have nothing to say.
bend_otherwise <- 0.5
# What an end of the range must gain of the W1 at a single time to be taken instead: where
# the data say little, noise is not to choose.
bend_price <- 0.01
# Cells of each snapshot, and inner times, that take part, evenly spread.
bend_cells <- 300
bend_times <- 8
# Distances below this, in standard units, are all alike.
bend_least <- 1e-6

# list(settings, table): `bend` and `pooling`, and where one was left to the data, the
# candidates: `w1`, geometric mean over so many `times`, in units of x, and which was
# `chosen`.
choose_bend <- function(method, control, snapshots) {
  path <- method$path
  if (!is.null(path$bend) && !is.null(path$pooling)) return(list(settings = list()))
  inner <- spaced(which(scorable(length(snapshots$times))), bend_times)
  table <- bend_candidates(path, scored = length(inner) > 0)
  if (nrow(table) == 1) inner <- integer()
  scores <- vapply(inner, function(k) {
    if_fields_fail(scores_at(snapshots, k, method, control, table),
                   function(error) rep(NA_real_, nrow(table)))
  }, numeric(nrow(table)))
  scores <- matrix(log(pmax(scores, bend_least)), nrow(table))
  scores <- scores[, colSums(is.na(scores)) == 0, drop = FALSE]
  table$w1 <- if (ncol(scores) > 0) exp(rowMeans(scores)) * snapshots$scale else NA_real_
  table$times <- ncol(scores)
  far <- (table$bend - bend_otherwise)^2 +
    ifelse(table$bend > 0, (table$pooling - bend_otherwise)^2, 0)
  price <- bend_price * far / bend_otherwise^2
  table$chosen <- seq_len(nrow(table)) == which.min(rowSums(scores) + price)
  list(settings = as.list(table[table$chosen, c("bend", "pooling")]), table = table)
}

# Which of so many times have a neighbour on both sides and one more on either.
scorable <- function(times) {
  place <- seq_len(times)
  place > 1 & place < times & times > 3
}

# With `bend` 0, all `pooling` is alike.
bend_candidates <- function(path, scored) {
  grid <- function(value, grid) value %||% if (scored) grid else bend_otherwise
  poolings <- grid(path$pooling, pooling_grid)
  table <- expand.grid(bend = grid(path$bend, bend_grid), pooling = poolings,
                       KEEP.OUT.ATTRS = FALSE)
  middle <- poolings[which.min(abs(poolings - bend_otherwise))]
  table <- table[table$bend > 0 | table$pooling == middle, ]
  rownames(table) <- NULL
  table
}

# W1, in standard units, of every candidate at time k.
scores_at <- function(snapshots, k, method, control, table) {
  around <- intersect(k + c(-2, -1, 1, 2), seq_along(snapshots$times))
  some <- some_cells(snapshots, around)
  # An interval over the time left out takes the larger price of both.
  taus <- rep_len(method$coupling$tau, length(snapshots$times) - 1)
  couplings <- lapply(seq_along(around[-1]), function(i) {
    couple_some(some, i, method$coupling$epsilon,
                max(taus[seq(around[i], around[i + 1] - 1)]))
  })
  method$path[c("bend", "pooling")] <- 1
  problem <- new_problem(some, couplings, method, control,
                         identified = rep(TRUE, length(couplings)))
  places <- path_places(some, couplings, problem, match(k - 1, around),
                        snapshots$times[k])
  rows <- spaced(which(snapshots$index == k), bend_cells)
  seen <- standard_cells(snapshots$x, rows, snapshots)
  mapply(function(bend, pooling) {
    found <- places(bend, pooling)
    solve_emd(found, seen, rep(1, ncol(found)), rep(1, ncol(seen)), FALSE, 1)$cost
  }, table$bend, table$pooling)
}

# Some cells of some snapshots, in the form of all.
some_cells <- function(snapshots, places) {
  rows <- unlist(lapply(places, function(k) {
    spaced(which(snapshots$index == k), bend_cells)
  }))
  index <- match(snapshots$index[rows], places)
  list(x = snapshots$x[rows, , drop = FALSE], index = index,
       counts = tabulate(index, length(places)), times = snapshots$times[places],
       mass = snapshots$mass[places], center = snapshots$center,
       scale = snapshots$scale, leading = snapshots$leading)
}

couple_some <- function(some, k, epsilon, tau) {
  coupling <- new_part("coupling", "semirelaxed", tau = tau, epsilon = epsilon)
  couple_interval(coupling, interval_problem(some, k),
                  list(tolerance = 1e-4, threads = 1))
}

# Places (d, bend_cells) at a time in interval k, in standard units, as a function of the
# two settings. Of all pairs in order, those at even distances along their mass there.
path_places <- function(some, couplings, problem, k, time) {
  from <- which(some$index == k)
  to <- which(some$index == k + 1)
  x <- standard_cells(some$x, from, some)
  y <- standard_cells(some$x, to, some)
  clock <- stats::splinefun(some$times, problem$times, method = "monoH.FC")
  gap <- diff(problem$times)[k]
  s <- (clock(time) - problem$times[k]) / gap
  pairs <- path_pairs(couplings[[k]], cells_in_state(some, from),
                      cells_in_state(some, to), s)
  straight <- (1 - s) * x[, pairs$source, drop = FALSE] +
    s * y[, pairs$target, drop = FALSE]
  first <- from[pairs$source]
  last <- to[pairs$target]
  function(bend, pooling) {
    problem$bend <- bend
    problem$pooling <- pooling
    slopes <- read_slopes(problem)
    start <- s * (1 - s)^2
    end <- s^2 * (1 - s)
    # Paths end without curvature, as core/path/pairs.c has it.
    at_first <- if (k == 1) 0.5 else 0
    at_last <- if (k == length(couplings)) 0.5 else 0
    leave <- gap * (start + at_last * end) * slopes$lean[first]
    arrive <- gap * (end + at_first * start) * (1 - slopes$lean[last])
    d <- nrow(x)
    straight - slopes$slope_jump[, first, drop = FALSE] * rep(leave, each = d) -
      slopes$slope_jump[, last, drop = FALSE] * rep(arrive, each = d)
  }
}

path_pairs <- function(coupling, x, y, s) {
  plan <- .Call(ffi_plan_dense, x, y, coupling$potential_source,
                coupling$potential_target, coupling$epsilon, NULL)
  mass <- plan * pmax(coupling$descendants, least_descendants)^(s - 1)
  ends <- cumsum(mass)
  at <- (seq_len(bend_cells) - 0.5) / bend_cells * ends[length(ends)]
  place <- findInterval(at, ends, left.open = TRUE)
  list(source = place %% ncol(x) + 1, target = place %/% ncol(x) + 1)
}

# slope_jump (d, cells) and lean (cells) of core/path/hermite.h.
read_slopes <- function(problem) {
  bends <- .Call(ffi_slopes, problem)
  floats <- lapply(bends, function(raw) readBin(raw, "numeric", length(raw) / 4, 4))
  list(slope_jump = matrix(floats$slope_jump, problem$features), lean = floats$lean)
}
