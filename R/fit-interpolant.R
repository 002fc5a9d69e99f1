# Before matching, where paths are learned: a network is trained to bend the lines between
# pairs so that their energy under the metric is small (Kapusniak and others 2024).

# Rows whose mean energy on straight lines is the unit of each interval.
straight_rows <- 16384
# Rows of a step, at most: a path has no noise, and needs fewer than a field.
path_batch <- 256
# Its stream of random numbers.
path_stream <- 8

has_learned_path <- function(method) inherits(method$path, "path_metric")

# Steps of it, if any are taken: a quarter of those of matching.
with_path_steps <- function(method, control) {
  if (has_learned_path(method) && is.null(method$path$steps) && control$steps > 0) {
    method$path$steps <- ceiling(control$steps / 4)
  }
  method
}

# The network at step 0, which bends nothing; its unit is what cells travel, by feature.
# Paths have a velocity only if its slopes are continuous.
new_path_training <- function(problem, control, key) {
  d <- problem$features
  if (control$activation == "leaky_relu") control$activation <- "silu"
  travelled <- problem$units$velocity[["scale"]] * mean(diff(problem$times))
  head <- new_head(d, 2 * d + 1, c(offset = 0, scale = travelled), control, key,
                   path_stream)
  last <- length(head$weights) - seq_len((control$width + 1) * d) + 1
  head$weights[last] <- 0
  list(heads = list(path = head), step = 0,
       losses = matrix(0, length(problem$times) - 1, 0))
}

# The training state after all steps of the paths, or where the user interrupts it.
# training$path: heads$path, step, losses (energy over that of straight lines, a row per
# interval), and `straight`, the latter.
run_path_training <- function(training, snapshots, problem, method, control,
                              save = function(training) NULL,
                              call = rlang::caller_env()) {
  path <- method$path
  if (is_bent(training, method) || control$steps == 0) return(training)
  intervals <- seq_len(length(problem$times) - 1)
  problem$metrics <- lapply(intervals, interval_metric, snapshots = snapshots,
                            path = path, control = control)
  options <- list(
    batch = min(control$batch, path_batch), steps = path$steps,
    threads = use_threads(control$threads),
    learning_rate = control$learning_rate, rate_floor = rate_floor, key = training$key
  )
  if (is.null(training$path)) {
    training$path <- new_path_training(problem, control, training$key)
    training$path$straight <- straight_energy(training$path, problem, options, call)
  }
  problem$straight <- training$path$straight
  state <- in_place(training$path, path$steps)
  reached <- function() {
    training$path[names(state)] <- as_it_stands(state)
    training
  }
  advance <- function(steps) {
    check_core(.Call(ffi_path_run, state, problem, options, steps), "Training of paths",
               call)
  }
  run_slices(state, advance, "Bending paths", mean, control, function() save(reached()),
             call)
  reached()
}

# Energy of straight lines by interval: a few steps of the network that bends nothing, at
# no learning rate.
straight_energy <- function(path, problem, options, call) {
  intervals <- length(problem$times) - 1
  steps <- ceiling(straight_rows * intervals / options$batch)
  options$learning_rate <- 0
  problem$straight <- rep(1, intervals)
  state <- in_place(path, steps)
  check_core(.Call(ffi_path_run, state, problem, options, steps), "Training of paths",
             call)
  energy <- rowMeans(state$losses)
  ifelse(energy > 0, energy, 1) # where no cell moves, there is nothing to bend
}

# Whether the paths of a method are there to be learned from.
is_bent <- function(training, method) {
  !has_learned_path(method) ||
    (!is.null(method$path$steps) && isTRUE(training$path$step >= method$path$steps))
}

# The problem of matching, with the network that bends its paths.
with_learned_path <- function(problem, training) {
  if (!is.null(training$path)) {
    keep <- c("shape", "offset", "scale", "weights")
    problem$learned <- training$path$heads$path[keep]
  }
  problem
}
