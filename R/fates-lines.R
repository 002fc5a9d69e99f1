# Lines of descent from one snapshot to the next: the couplings of a fit, solved again
# with the growth that its field has learned.

# Interval k from some `sources` to some `targets`, of cells_of_lines(): `line` (n, m),
# sparse, a row in proportion to where a random line of descent of a source goes; and
# `mass` (n, m): how many descendants of a source are at each target. `kept`: labels of
# all cells of the fit, of types that are not left; NA for other cells.
#
# A pair changes its mass by exp(G), G = gap (g(x_i) + g(y_j)) / 2 for the rates g at its
# ends. So the plan is P = e^G T, and T, which has no growth, has the marginals
# e^(gap g / 2) and b e^(-gap g / 2), up to factors of rows and columns.
lines_between <- function(fit, k, sources, targets, kept = NULL,
                          call = rlang::caller_env()) {
  s <- fit$snapshots
  half <- half_growth(fit, k, sources$rows, targets$rows)
  constant <- inherits(fit$method$growth, "growth_none")
  growth <- if (constant) 1 else s$mass[k + 1] / s$mass[k]
  n <- length(sources$rows)
  m <- length(targets$rows)
  a <- exp(half$source)
  b <- exp(-half$target) / m
  b <- b * (sum(a) / sum(b))
  problem <- list(x = sources$x, y = targets$x, a = a, b = b, scale = s$scale,
                  interval = k)
  if (!is.null(kept) && any(!is.na(kept[c(sources$rows, targets$rows)]))) {
    apart <- sqrt(kept_distance * within_variance(s)) / s$scale
    problem$x <- rbind(problem$x, apart * source_corners(kept[sources$rows]))
    problem$y <- rbind(problem$y, apart * target_corners(kept[targets$rows]))
  }
  solved <- solve_lines(fit, k, problem, call)
  plan <- sparse_plan(solved, n, m)
  # With growth back in, all targets together weigh n growth.
  back <- exp(half$target)
  back <- back * (n * growth / sum(solved$column_sums * back))
  list(line = plan, mass = plan %*% Matrix::Diagonal(x = back))
}

# Some `rows` of one snapshot as lines see them: `x` (d, n) in standard units, averaged
# over the nearest of them, as a fate is a property of the state, and single cells lie
# where the noise of all their features puts them. Rare cells apart from all others stay
# so: neighbours at more than `far_neighbour` times the usual distance do not count.
cells_of_lines <- function(fit, rows, call = rlang::caller_env()) {
  x <- t(cells_in_state(fit$snapshots, rows))
  near <- nearest_cells(x, x, state_neighbours(length(rows)), fit$control, call)
  usual <- stats::median(near$distance[, ncol(near$distance)])
  far <- near$distance > far_neighbour * usual
  near$index[far] <- row(far)[far] # the cell itself in their place
  list(rows = rows, x = t(mean_rows(x, near$index)))
}

far_neighbour <- 2

# Squared distance of the types that are kept, as a multiple of the variance within a
# snapshot: further than cells of one snapshot are apart.
kept_distance <- 8

# Types as places (levels + 1, cells): a target is at the corner of its type, or at 0 if
# it is of no kept type. A source of a kept type is at the same corner, lifted so that all
# sources are equally far from the nearest corner; another source is as far from all of
# them. So a kept type is hard to leave, and as easy to enter as any other.
target_corners <- function(type) rbind(type_columns(type), 0)

source_corners <- function(type) {
  corner <- type_columns(type)
  corner[, is.na(type)] <- 0.5
  rbind(corner, ifelse(is.na(type), 0, sqrt(nlevels(type)) / 2))
}

snapshot_rows <- function(fit, k) which(fit$snapshots$index == k)

# Half of the log growth in interval k, by the rate at each source and at each target.
# Without a trained field, all that the coupling says of sources.
half_growth <- function(fit, k, sources, targets) {
  s <- fit$snapshots
  if (!is_learned(fit$method)) {
    return(list(source = numeric(length(sources)), target = numeric(length(targets))))
  }
  if (fit$training$step == 0) {
    all <- local_growth(s, fit$couplings, fit$control)[[k]]
    return(list(source = all[match(sources, snapshot_rows(fit, k))],
                target = numeric(length(targets))))
  }
  half <- function(rows, at) {
    x <- s$x[rows, , drop = FALSE]
    rate <- evaluate_field(fit, x, rep(s$times[at], length(rows)))$growth
    most <- -log(least_descendants)
    unname(pmin(pmax(rate * diff(s$times)[k], -most), most)) / 2
  }
  list(source = half(sources, k), target = half(targets, k + 1))
}

# Without learned growth, the coupling of the method. With it, mass is settled, and what
# is left is who goes where: each target comes from some source (semi-relaxed), as
# sharply as in a fit without noise on its paths.
#
# Where growth is told from motion, the price of the fit lets descendants differ from what
# the field says. In other intervals the field knows more than they do, if any interval
# tells: there the price is `untold_price` times as high. Descendants then are those of
# the field where cells can move to make up the difference, but not where types that are
# kept would have to change. The same holds where the user has named stable cells: their
# descendants are known.
coupling_of_lines <- function(fit, k) {
  coupling <- fit$method$coupling
  if (!is_learned(fit$method)) return(coupling)
  semirelaxed <- inherits(coupling, "coupling_semirelaxed")
  told <- fit$identified$identified
  tau <- at_interval(if (semirelaxed) coupling$tau else fit$identified$tau, k)
  s <- fit$snapshots
  if (any(s$prior$stable[s$index == k])) {
    tau <- untold_price * tau
  } else if (any(told) && !told[k]) {
    tau <- (fit$untold_price %||% untold_price) * tau
  }
  sharp <- semirelaxed && !inherits(fit$method$path, "path_brownian")
  epsilon <- if (sharp) at_interval(coupling$epsilon, k) else
    scan_epsilon(fit$method, fit$snapshots)
  coupling_semirelaxed(tau = tau, epsilon = epsilon)
}

untold_price <- 30

# Bands of an answer that rests on lines. Replicates have that price in common, though
# where growth is not told nothing says what it is: so bands are wider by how far the
# answer moves if it is no higher than in the fit. `ask` as in answer().
answer_lines <- function(fit, level, ask, key, value) {
  table <- answer(fit, level, ask, key, value)
  one <- main_fit(fit)
  told <- one$identified$identified
  if (!is_ensemble(fit) || all(told) || !any(told)) return(table)
  one$untold_price <- 1
  other <- ask(one, seq_len(nrow(one$snapshots$x)))
  for (name in value) {
    table <- widen_bands(table, name, abs(other[[name]] - table[[name]]))
  }
  table
}

# Masses of lines need not be closer than this to what they should be: samples of cells
# are not.
lines_tolerance <- 1e-5

solve_lines <- function(fit, k, problem, call) {
  control <- fit$control
  effort <- list(tolerance = max(control$transport_tolerance, lines_tolerance),
                 threads = use_threads(control$threads), memory = control$memory * 2^30)
  couple_interval(coupling_of_lines(fit, k), problem, effort, call = call)
}

# The plan (n, m) of a coupling that was solved with `keep`.
sparse_plan <- function(solved, n, m) {
  entries <- .Call(ffi_plan_entries, solved$plan, n, m)
  value <- pmax(entries$share, 0) * rep(solved$column_sums, diff(entries$start))
  Matrix::sparseMatrix(i = entries$source, p = entries$start, x = value, dims = c(n, m),
                       index1 = FALSE)
}


# One row per level, 1 where a cell is of it: (levels, cells).
type_columns <- function(type) {
  out <- outer(seq_len(nlevels(type)), as.integer(type), `==`)
  out[is.na(out)] <- FALSE
  out + 0
}
