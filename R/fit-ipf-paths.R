# Simulated paths of iterated proportional fitting, and how fast their cells are born and
# die.

# Euler steps of an interval; starting cells of an interval, at most, at least, and
# numbers that paths may hold altogether.
bridge_steps <- 20
bridge_cells <- c(most = 1000, least = 100)
bridge_numbers <- 1e7
# Slots beside those that are lived in on average, for more births than on average.
bridge_room <- 1.2

# Drift (d, intervals) of the reference: mean displacement of an interval over its gap.
problem_reference <- function(problem) {
  cells <- matrix(floats(problem$cells), problem$features)
  means <- vapply(seq_along(problem$times), function(k) {
    rowMeans(cells[, seq(problem$offset[k] + 1, problem$offset[k + 1]), drop = FALSE])
  }, numeric(problem$features))
  means <- matrix(means, problem$features)
  intervals <- seq_len(ncol(means) - 1)
  (means[, intervals + 1, drop = FALSE] - means[, intervals, drop = FALSE]) *
    rep(1 / diff(problem$times), each = nrow(means))
}

# One interval simulated: forwards from snapshot k, backwards from the next. Where the
# paths begin and end, first (d, n) at the earlier time.
simulate_bridge <- function(bridging, forward, k, half, key, problem, snapshots, control,
                            rates = bridging$rates[k, ], births = TRUE, call) {
  at <- if (forward) k else k + 1
  gain <- log(snapshots$mass[k + 1] / snapshots$mass[k]) * if (forward) 1 else -1
  intervals <- length(problem$times) - 1
  most <- bridge_numbers / (bridge_steps * intervals * (2 * problem$features + 1))
  most <- min(max(most, bridge_cells[["least"]]), bridge_cells[["most"]])
  slots <- ceiling(most * if (births) bridge_room else 1)
  n <- max(1, floor(most * if (births) min(1, exp(-gain)) else 1))
  start <- starting_cells(problem, at, n, key)
  .Call(ffi_check_interrupt)
  out <- .Call(
    ffi_population, bridge_field(bridging, if (forward) "forward" else "backward"),
    list(start = start, slots = slots, steps = bridge_steps, from = problem$times[at],
         to = problem$times[if (forward) k + 1 else k], sigma = problem$sigma[k],
         reference = problem_reference(problem)[, k], learned = half > 1,
         factor = rates$factor, constant = rates$constant, births = births),
    key, use_threads(control$threads)
  )
  check_core(out, "Simulating the bridge", call)
  origin <- start[, out$origin, drop = FALSE]
  list(first = if (forward) origin else out$end, last = if (forward) out$end else origin,
       log_mass = out$log_mass)
}

# The key of an interval in a half-step.
bridge_key <- function(key, k, half) key_of(key, 1e4 + 1e3 * k + half)
key_of <- function(key, stream) floor(key_uniform(2, key, stream) * 2^32)

# Brownian bridges of interval k from `first` to `last` (d, n each): their places after
# 0, 1, ... steps, a list of matrices (d, n).
brownian_bridges <- function(first, last, k, problem, key) {
  h <- diff(problem$times)[k] / bridge_steps
  places <- list(first)
  for (j in seq_len(bridge_steps - 1)) {
    left <- bridge_steps - j + 1 # steps, this one included
    normal <- stats::qnorm(pmax(key_uniform(length(first), key, 10 + j), 1e-12))
    here <- places[[j]]
    places[[j + 1]] <- here + (last - here) / left +
      problem$sigma[k] * sqrt(h * (left - 1) / left) * normal
  }
  c(places, list(last))
}

# What a simulated interval teaches, as rows: input (d + 1, n), target (d, n) beside the
# reference. Of each path only its ends are kept, and a Brownian bridge is put between
# them. All half-steps leave those as the reference has them, so nothing changes but that
# errors of learned drifts do not pile up (Shi, De Bortoli, Campbell and Doucet 2023).
# The drift of time to come is the mean of (end - x) / (time left), and likewise
# backwards.
bridge_rows <- function(ends, learns_forward, k, problem, bridging, key, control, call) {
  prior <- bridging$heads$prior
  if (!is.null(prior)) {
    return(weighted_rows(ends, learns_forward, k, problem, bridging, key, control, call))
  }
  places <- brownian_bridges(ends$first, ends$last, k, problem, key)
  times <- step_times(problem, k)
  reference <- problem_reference(problem)[, k]
  steps <- seq_len(bridge_steps) + !learns_forward
  to <- if (learns_forward) bridge_steps + 1 else 1
  list(input = inputs_at(places[steps], times[steps]),
       target = do.call(cbind, lapply(steps, function(j) {
         (places[[to]] - places[[j]]) / (times[to] - times[j]) - reference
       })))
}

step_times <- function(problem, k) {
  seq(problem$times[k], problem$times[k + 1], length.out = bridge_steps + 1)
}

inputs_at <- function(places, times) {
  do.call(cbind, Map(function(x, t) rbind(x, t, deparse.level = 0), places, times))
}

# The same where cells are born and die by their state: of several bridges between the
# same ends one is taken, in proportion to the mass that the growth makes along it. Then
# ends say nothing of the drift by themselves; the mean of single steps does.
weighted_rows <- function(ends, learns_forward, k, problem, bridging, key, control,
                          call) {
  n <- ncol(ends$first)
  times <- step_times(problem, k)
  h <- diff(times)[1]
  field <- prior_field(bridging$heads$prior, problem$features)
  best <- NULL
  log_total <- rep(-Inf, n)
  for (i in seq_len(bridge_candidates)) {
    own <- key_of(key, 100 + i)
    places <- brownian_bridges(ends$first, ends$last, k, problem, own)
    log_mass <- numeric(n)
    for (j in seq_len(bridge_steps)) {
      out <- .Call(ffi_field_evaluate, field, places[[j]], rep(times[j], n),
                   use_threads(control$threads))
      check_core(out, "Evaluating the prior", call)
      log_mass <- log_mass + h * bridging$rates$factor[k] * out$growth
    }
    # Each candidate takes the place of those before it with its share of all so far.
    top <- pmax(log_total, log_mass)
    log_total <- top + log(exp(log_total - top) + exp(log_mass - top))
    taken <- key_uniform(n, key, 50 + i) < exp(log_mass - log_total)
    best <- if (is.null(best)) places else Map(function(old, new) {
      old[, taken] <- new[, taken]
      old
    }, best, places)
  }
  reference <- problem_reference(problem)[, k]
  steps <- seq_len(bridge_steps)
  at <- steps + !learns_forward
  list(input = inputs_at(best[at], times[at]),
       target = do.call(cbind, lapply(steps, function(j) {
         (best[[j + 1]] - best[[j]]) / h - reference
       })))
}
bridge_candidates <- 8

# A field of the prior alone: its velocity is 0, by a network of one unit.
prior_field <- function(prior, d) {
  shape <- replace(prior$shape, c("inputs", "outputs", "width", "hidden"),
                   list(d + 1, d, 1, 1))
  nothing <- list(shape = shape, offset = 0, scale = 1,
                  weights = numeric(count_parameters(shape)))
  list(heads = list(velocity = nothing, growth = prior))
}

# n cells (d, n) of a snapshot in random order; all of them equally often, as far as
# numbers go.
starting_cells <- function(problem, at, n, key) {
  count <- problem$offset[at + 1] - problem$offset[at]
  rounds <- lapply(seq_len(ceiling(n / count)), function(i) {
    order(key_uniform(count, key, i))
  })
  d <- problem$features
  chosen <- unlist(rounds)[seq_len(n)]
  bytes <- rep((problem$offset[at] + chosen - 1) * 4 * d, each = 4 * d) + seq_len(4 * d)
  matrix(floats(problem$cells[bytes]), d)
}

# --- births and deaths ---------------------------------------------------------------

# A growth prior as rates per standard time of the cells in their order; NULL for none.
standard_prior <- function(problem, snapshots) {
  rate <- snapshots$prior$rate[order(snapshots$index)]
  if (is.null(rate) || all(is.na(rate))) return(NULL)
  rate * (diff(snapshots$times) / diff(problem$times))[1]
}

prior_unit <- function(problem, snapshots) {
  rate <- standard_prior(problem, snapshots)
  rate <- rate[!is.na(rate)]
  offset <- mean(rate)
  c(offset = offset, scale = positive_or_one(sqrt(mean((rate - offset)^2))))
}

# The head `prior`, as a function of the state: from the cells whose rate is known.
learn_prior <- function(bridging, key, problem, snapshots, control, call) {
  bridging$prepared <- TRUE
  if (is.null(bridging$heads$prior)) return(bridging)
  rate <- standard_prior(problem, snapshots)
  known <- which(!is.na(rate))
  d <- problem$features
  cells <- matrix(floats(problem$cells), d)[, known, drop = FALSE]
  time <- rep(problem$times, snapshots$counts)[known]
  nothing <- as_floats(numeric(length(known)))
  rows <- list(
    offset = c(0, length(known)), input = as_floats(rbind(cells, time)),
    targets = list(as_floats(0 * cells), as_floats(rate[known])),
    weights = list(nothing, as_floats(rep(1, length(known))))
  )
  state <- list(heads = list(velocity = bridging$heads$forward,
                             growth = bridging$heads$prior),
                key = key, step = 0, losses = matrix(0, 2, 0))
  control$steps <- bridging$length
  state <- run_matching(state, rows, control, call = call, kept = TRUE,
                        name = "Learning the prior")
  bridging$prepared <- state$step == control$steps
  if (bridging$prepared) bridging$heads$prior <- state$heads$growth
  bridging
}

# Factor and constant of the growth of every interval, such that the population ends with
# the mass that was observed. Without a prior growth is the same for all.
balance_rates <- function(bridging, half, key, problem, snapshots, control, call) {
  gain <- diff(log(snapshots$mass))
  gaps <- diff(problem$times)
  rates <- bridging$rates
  if (is.null(bridging$heads$prior)) {
    rates$constant <- gain / gaps
    return(rates)
  }
  for (k in seq_along(gaps)) {
    free <- list(factor = 1, constant = 0)
    out <- simulate_bridge(bridging, TRUE, k, half, bridge_key(key, k, half), problem,
                           snapshots, control, free, births = FALSE, call)
    rates[k, c("factor", "constant")] <- balance_growth(out$log_mass, gain[k], gaps[k])
  }
  rates
}

# What log mass of paths, as the prior alone gives it, is to be multiplied by such that
# the mean mass is exp(gain): found by bisection, as the one nearest to 1 within limits.
# Where there is none, the prior counts once, and a constant rate makes up for the rest.
balance_growth <- function(log_mass, gain, gap) {
  missing <- function(factor) {
    value <- factor * log_mass
    top <- max(value)
    top + log(mean(exp(value - top))) - gain
  }
  grid <- exp(seq(log(factor_limits[1]), log(factor_limits[2]), length.out = 61))
  found <- vapply(grid, missing, 0)
  change <- which(found[-1] * found[-61] <= 0)
  if (length(change) == 0) return(list(factor = 1, constant = -missing(1) / gap))
  at <- change[which.min(abs(log(grid[change])))]
  ends <- grid[at + 0:1]
  while (diff(ends) > 1e-10 * ends[2]) {
    middle <- mean(ends)
    same <- missing(middle) * missing(ends[1]) > 0
    ends[if (same) 1 else 2] <- middle
  }
  list(factor = mean(ends), constant = 0)
}
factor_limits <- c(0.1, 10)
