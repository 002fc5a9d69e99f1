# Stage 2: velocity and growth are regressed on the couplings.

# Calls of core last about so long, and at least so many steps, as each one packs and
# unpacks the networks.
slice_seconds <- 0.5
slice_steps <- 16

# What rows of an interval weigh in the growth, if it does not tell growth from motion and
# others do.
untold_weight <- 0.02

# What training reads, in the form core takes it; standard units. `couplings` come from
# couple_snapshots() with their plans. `units`: offset and scale of each head.
new_problem <- function(snapshots, couplings, method, control, identified) {
  z <- cell_order(snapshots)
  problem <- list(
    features = ncol(snapshots$x),
    cells = standard_cells(snapshots$x, z$order, snapshots, single = TRUE),
    offset = z$offset,
    times = if (has_score(method)) even_times(snapshots$times) else
      inner_times(snapshots, couplings),
    plans = lapply(couplings, `[[`, "plan"),
    growth = vapply(couplings, function(c) mean(c$descendants), 0),
    trust = growth_trust(identified, length(couplings)),
    wide = wide_noise(snapshots)
  )
  gaps <- diff(problem$times)
  problem <- c(problem, path_numbers(method$path, snapshots, gaps))
  log_growth <- if (is_learned(method)) local_growth(snapshots, couplings, control)
  # On the cone growth changes along the way of each pair.
  if (problem$path != "cone") problem$log_growth <- unlist(log_growth)
  problem$units <- list(
    velocity = c(offset = 0, scale = positive_or_one(
      sqrt(mean(square_displacement(couplings) / gaps^2) / ncol(snapshots$x))
    )),
    growth = if (is_learned(method)) growth_unit(log_growth, couplings, gaps),
    score = score_unit(problem, method),
    potential = score_unit(problem, method)
  )[head_names(method)]
  problem <- c(problem, pair_gains(couplings))
  if (problem$bend > 0 && length(gaps) > 1) {
    problem[c("slope_jump", "lean")] <- .Call(ffi_slopes, problem)
  }
  problem
}

score_unit <- function(problem, method) {
  if (has_score(method)) {
    c(offset = 0, scale = sqrt(mean(problem$sigma^2 / diff(problem$times))))
  }
}

# The path as core knows it, in standard units; `gaps` in standard time. The variance that
# gathers on a Brownian path within an interval is the same on either clock.
path_numbers <- function(path, snapshots, gaps) {
  intervals <- length(gaps)
  noise <- (path$noise %||% 0) / snapshots$scale
  out <- list(
    path = part_name(path), bend = path$bend %||% 0, pooling = path$pooling %||% 0,
    sigma = if (is.null(path$sigma)) rep(noise, intervals) else
      path$sigma * sqrt(diff(snapshots$times) / gaps) / snapshots$scale
  )
  if (!is.null(path$delta)) out$delta <- rep_len(path$delta, intervals) / snapshots$scale
  out
}

# What growth weighs, by interval. `identified`: NULL where none is learned.
growth_trust <- function(identified, intervals) {
  if (is.null(identified)) return(rep(1, intervals))
  ifelse(identified | !any(identified), 1, untold_weight)
}

# Mean and spread of growth rates over what sources weigh in training: their mean mass
# along the path.
growth_unit <- function(log_growth, couplings, gaps) {
  rates <- unlist(Map(`/`, log_growth, gaps))
  share <- unlist(lapply(couplings, function(coupling) {
    r <- log_descendants(coupling)
    mass <- ifelse(abs(r) < 1e-6, 1, expm1(r) / r)
    mass / sum(mass)
  }))
  offset <- stats::weighted.mean(rates, share)
  c(offset = offset, scale = positive_or_one(
    sqrt(stats::weighted.mean((rates - offset)^2, share))
  ))
}

# Log of the mass at the end of the pairs of a source, of mass 1 itself.
log_descendants <- function(coupling) log(pmax(coupling$descendants, least_descendants))

# How mass changes between the ends of a pair, see core/path/pairs.h: at the source alone,
# at both ends, or not at all. `sums`: of the masses of targets that are not all alike.
pair_gains <- function(couplings) {
  each <- function(part) lapply(couplings, `[[`, part)
  out <- list()
  if (any(lengths(each("sums")) > 0)) out$sums <- each("sums")
  if (!is.null(couplings[[1]]$gain_source)) {
    out$log_ends <- unlist(lapply(couplings, log_descendants))
    out$gain_target <- unlist(each("gain_target"))
    out$gain_source <- if (is.null(out$gain_target)) out$log_ends else
      unlist(each("gain_source"))
  }
  out
}

# Mean squared distance between the cells of a pair, by interval.
square_displacement <- function(couplings) {
  vapply(couplings, function(c) {
    semirelaxed <- !is.null(c$gain_source) && is.null(c$gain_target)
    if (semirelaxed || is.null(c$square)) c$cost / sum(c$descendants) else c$square
  }, 0)
}

# Without a clock of its own: noise gathers evenly in the user's time.
even_times <- function(times) standard_times(times, diff(times))

inner_times <- function(snapshots, couplings) {
  standard_times(snapshots$times, sqrt(square_displacement(couplings)))
}

# The noise of rows beside the data: as wide as a snapshot is in one feature.
wide_noise <- function(snapshots) {
  cells <- function(snapshots, rows) standard_cells(snapshots$x, rows, snapshots)
  sqrt(within_variance(snapshots, cells) / ncol(snapshots$x)) / snapshots$scale
}

# A scale to divide by; targets that are all the same to rounding need none.
positive_or_one <- function(x) if (x > 1e-6) x else 1

# A head at step 0: parameters, Adam's two moments, and the units of its answers.
new_head <- function(outputs, inputs, unit, control, key, stream) {
  shape <- list(
    inputs = inputs, outputs = outputs, width = control$width,
    hidden = control$depth, activation = unname(activations[control$activation])
  )
  weights <- .Call(ffi_network_init, shape, key, stream)
  list(shape = shape, offset = unit[["offset"]], scale = unit[["scale"]],
       weights = weights, first = 0 * weights, second = 0 * weights)
}

# The gradient of a network of straight pieces is constant on each, and no score.
new_potential <- function(problem, control, key) {
  if (control$activation == "leaky_relu") control$activation <- "silu"
  new_head(1, problem$features + 1, problem$units$potential, control, key, 3)
}

new_training <- function(problem, method, control, key) {
  d <- problem$features
  units <- problem$units
  heads <- list(
    velocity = new_head(d, d + 1, units$velocity, control, key, 1),
    growth = if (is_learned(method)) {
      new_head(1, d + method$growth$time, units$growth, control, key, 2)
    },
    score = if (has_score(method)) new_head(d, d + 1, units$score, control, key, 3),
    potential = if (has_score(method)) new_potential(problem, control, key)
  )[head_names(method)]
  list(heads = heads, key = key, step = 0, losses = matrix(0, length(heads), 0))
}

# The part of a training state that core advances, in vectors that nobody else holds:
# core writes weights, step and losses in place, so that they belong together whenever R
# is interrupted. `total`: steps of the whole schedule.
in_place <- function(state, total) {
  state <- state[c("heads", "step", "losses")]
  state$step <- as.double(state$step)
  losses <- matrix(0, nrow(state$losses), total)
  losses[, seq_len(ncol(state$losses))] <- state$losses
  state$losses <- losses
  .Call(ffi_copy, state)
}

# The same as R keeps it: to be written down at once, or when core is done with it, as
# weights and step are those that core goes on with.
as_it_stands <- function(state) {
  state$losses <- state$losses[, seq_len(state$step), drop = FALSE]
  state
}

# Training from where it stands to `control$steps`. An interrupt ends it early: what has
# been reached is returned. Slices let R breathe; where they are cut changes nothing.
# `save` is offered the training state now and then: it is copied if that is looked at.
# `kept`: whether rows are drawn from kept records, see core/path/replay.h.
run_matching <- function(training, problem, control, save = function(training) NULL,
                         call = rlang::caller_env(), kept = FALSE,
                         name = "Matching") {
  total <- control$steps
  if (training$step >= total) return(training)
  options <- list(
    batch = control$batch, steps = total, threads = use_threads(control$threads),
    learning_rate = control$learning_rate, rate_floor = rate_floor, key = training$key
  )
  state <- in_place(training, total)
  reached <- function() {
    training[names(state)] <- as_it_stands(state)
    training
  }
  advance <- function(steps) {
    out <- if (kept) .Call(ffi_replay_run, state, problem, options, steps) else
      .Call(ffi_match_run, state, problem, options, steps)
    check_core(out, "Training", call)
  }
  run_slices(state, advance, name, sum, control, function() save(reached()), call)
  training <- reached()
  warn_diverged(training$losses, control, call)
  training
}

# Steps of core by `advance(steps)` until the losses of `state`, which it writes in place,
# are full, or until the user interrupts, who is told so. `loss` puts those of the heads
# together, to be shown.
run_slices <- function(state, advance, title, loss, control, save, call) {
  total <- ncol(state$losses)
  progress <- new_progress(title, total - state$step, control$progress)
  on.exit(progress(0, finished = TRUE))
  slice <- slice_steps
  tryCatch(
    while (state$step < total) {
      steps <- min(slice, total - state$step)
      lap <- new_stopwatch()
      advance(steps)
      .Call(ffi_check_interrupt)
      longer <- min(4, slice_seconds / max(lap(), 1e-3))
      slice <- max(slice_steps, ceiling(steps * longer))
      recent <- seq(state$step - steps + 1, state$step)
      progress(steps, loss = loss(rowMeans(state$losses[, recent, drop = FALSE])))
      save()
    },
    interrupt = function(condition) {
      warn_vgfm(c(
        "Training was interrupted after step {state$step} of {total}.",
        i = "The fit holds what it had learned; {.fn vgfm_resume} goes on from there."
      ), class = "vgfm_warning_interrupted", call = call)
    }
  )
}

# What loss_ratio() says, and what to do about it.
warn_diverged <- function(losses, control, call) {
  if (isTRUE(loss_ratio(losses) <= check_limits[["loss"]])) return(invisible())
  last <- max(last_losses(losses))
  warn_vgfm(c(
    "Training diverged: the loss ended at {format(last, digits = 3)}.",
    i = "Fit again with a lower {.arg learning_rate} than {control$learning_rate}."
  ), class = "vgfm_warning_diverged", call = call)
}

# The trained fields, as core reads them.
new_field <- function(training, problem) {
  keep <- c("shape", "offset", "scale", "weights")
  field <- list(heads = lapply(training$heads, `[`, keep), times = problem$times)
  if (gives_score(field)) field$sigma <- problem$sigma[1]
  field
}

# What the losses of training are of: a head each, but for training by densities.
loss_names <- function(method) {
  if (is_density_trained(method)) c("density", "mass") else head_names(method)
}

# Mean losses over blocks of ten steps, a column for each.
loss_history <- function(training, method) {
  losses <- training$losses
  steps <- seq_len(ncol(losses))
  block <- (steps - 1) %/% 10
  by_block <- function(x, what) {
    if (length(x) == 0) numeric() else as.vector(tapply(x, block, what))
  }
  means <- lapply(seq_len(nrow(losses)), function(i) by_block(losses[i, ], mean))
  names(means) <- loss_names(method)
  data.frame(step = by_block(steps, max), means)
}
