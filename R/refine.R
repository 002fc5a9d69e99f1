# Stage 3: the fields are refined by what they are judged by. All cells of the first
# snapshot are rolled out through all observed times; the gradient of the exact
# Wasserstein distances and of the mass errors is followed, with the matching loss as an
# anchor between the times.

# Cells per step: all starting cells, all target cells, up to these numbers.
refine_most <- c(start = 2000, target = 4000)
# Runge-Kutta steps per interval; weights of the squared mass error and of the matching
# loss beside W1 (standard units); first learning rate, and the norm gradients are cut to.
refine_settings <- list(substeps = 4, mass_weight = 10, anchor = 0.1,
                        learning_rate = 5e-4, clip = 1)
# Share of each later snapshot that judges the steps and takes no part in them; how often.
judged_share <- 0.2
judged_times <- 10

new_refinement <- function(training) {
  fresh <- function(network) {
    network$first <- 0 * network$first
    network$second <- 0 * network$second
    network
  }
  list(velocity = fresh(training$velocity), growth = fresh(training$growth), step = 0,
       losses = matrix(0, 2, 0), scores = data.frame(step = numeric(), score = numeric()))
}

# Which cells, in the order of standardise(), judge: none of the first snapshot, none of
# those with fewer than ten cells.
judging_cells <- function(snapshots, key) {
  index <- sort(snapshots$index)
  judging <- key_uniform(length(index), key, 3) < judged_share
  judging & index > 1 & snapshots$counts[index] >= 10
}

# Standard units, as core reads it. `problem` is that of matching.
refine_problem <- function(snapshots, problem, judging) {
  z <- standardise(snapshots)
  index <- sort(snapshots$index)
  steps <- refine_settings$substeps
  parts <- Map(function(from, to) seq(from, to, length.out = steps + 1)[-1],
               z$times[-length(z$times)], z$times[-1])
  list(
    cells = standard_cells(snapshots$x, z$order[!judging], snapshots),
    offset = c(0, cumsum(tabulate(index[!judging], length(z$times)))),
    mass = snapshots$mass,
    boundary = c(z$times[1], unlist(parts)),
    observed = steps * (seq_along(z$times) - 1),
    anchor = problem
  )
}

# Mean over times of W1 to the judging cells (standard units) and the relative mass error:
# what a refinement must not make worse. Times without judging cells count by mass alone.
judge <- function(fit, judging) {
  s <- fit$snapshots
  cloud <- s$x[order(s$index)[judging], , drop = FALSE]
  time <- sort(s$time)[judging]
  start <- s$x[s$index == 1, , drop = FALSE]
  parts <- lapply(follow(fit, start, s$times[1], s$times[-1]), function(state) {
    y <- cloud[time == state$time, , drop = FALSE]
    mass <- known_mass(s, state$time)
    weight <- exp(state$log_weight - max(state$log_weight))
    w1 <- if (nrow(y) == 0) 0 else {
      cloud_distance(state$x, weight, y, use_threads(fit$control$threads)) / s$scale
    }
    w1 + abs(mean(exp(state$log_weight)) - mass) / mass
  })
  mean(unlist(parts))
}

# The training state after `control$refine_steps` of refinement, or the best state on the
# way to it: the start is one of the candidates.
run_refinement <- function(training, snapshots, problem, control) {
  total <- control$refine_steps
  if (total == 0) return(training)
  judging <- judging_cells(snapshots, training$key)
  core <- refine_problem(snapshots, problem, judging)
  options <- c(
    list(most_start = refine_most[["start"]], most_target = refine_most[["target"]],
         batch = control$batch, steps = total, rate_floor = rate_floor,
         key = training$key, threads = use_threads(control$threads)),
    refine_settings
  )
  score_of <- function(state) {
    judge(list(snapshots = snapshots, control = control,
               field = new_field(state, problem)), judging)
  }
  state <- training$refinement %||% new_refinement(training)
  best <- training
  best$score <- best$score %||% score_of(training)
  progress <- new_progress("Refining", total - state$step, control$progress)
  on.exit(progress(0, finished = TRUE))
  tryCatch(
    while (state$step < total) {
      steps <- min(ceiling(total / judged_times), total - state$step)
      out <- .Call(ffi_refine_run, state$velocity, state$growth, core, options,
                   state$step, steps)
      if (out$status != 0L) break # left the numbers: the best state stands
      state[c("velocity", "growth")] <- out[c("velocity", "growth")]
      state$step <- state$step + steps
      state$losses <- cbind(state$losses, out$losses)
      score <- score_of(state)
      state$scores[nrow(state$scores) + 1, ] <- c(state$step, score)
      if (score < best$score) {
        best[c("velocity", "growth")] <- state[c("velocity", "growth")]
        best$score <- score
      }
      progress(steps, loss = utils::tail(out$losses[1, ], 1))
    },
    interrupt = function(condition) {
      warn_vgfm(c(
        "Refinement was interrupted after step {state$step} of {total}.",
        i = "The fit is the best so far; {.fn vgfm_resume} goes on from there."
      ), class = "vgfm_warning_interrupted")
    }
  )
  best$refinement <- state
  best
}
