# Training by simulation: the flow is learned from networks that know nothing, by what the
# cells of the first snapshot become; where there is noise, a potential is then trained on
# the clouds that the flow makes.

# Steps of matching that the potential gets for each of simulation.
score_steps <- 3
# Cells that stand for a cloud, at most.
score_cells <- 2000

run_training.training_simulate <- function(part, training, snapshots, problem, control,
                                           save, spend, call) {
  training <- run_simulation(training, snapshots, problem, control, part, save, call)
  spend("match")
  before <- training$refinement$step
  training <- run_refinement(training, snapshots, problem, control, part, save, call)
  spend("refine")
  if (is.null(training$heads$potential)) return(training)
  # A potential of another flow is of no use.
  if (!identical(training$refinement$step, before)) training$scoring <- NULL
  if (!is_simulated_out(training, snapshots, control)) return(training)
  training <- run_scoring(training, snapshots, problem, control, save, call,
                          pinn = part$pinn %||% 0)
  spend("match")
  training
}

# Whether the flow is done, and not only begun.
is_simulated_out <- function(training, snapshots, control) {
  state <- list(training = training, snapshots = snapshots, control = control)
  control$steps > 0 && training$step >= control$steps &&
    (!is.null(training$refinement$stopped) ||
       refined_steps(state) >= control$refine_steps)
}

# Whether there is no potential, or it is trained.
is_scored <- function(training, control) {
  is.null(training$heads$potential) ||
    (training$scoring$step %||% 0) >= score_steps * control$steps
}

# Rolls the first snapshot out through all times, `control$steps` times, and follows the
# gradient of distances, mass errors and energies. Losses are the mean W1 in standard
# units, as that of the velocity, and the mean mass error, as that of growth.
run_simulation <- function(training, snapshots, problem, control, weights,
                           save = function(training) NULL, call = rlang::caller_env()) {
  steps <- control$steps
  if (training$step >= steps) return(training)
  parts <- count_parts(snapshots)
  total <- ceiling(steps / parts)
  core <- refine_problem(snapshots, problem, weights)
  settings <- replace(refine_settings, c("learning_rate", "folds"),
                      list(control$learning_rate, 1))
  options <- refine_options(training, control, weights, parts, total, settings)
  rounds <- training$step %/% parts
  ran <- training$losses[1:2, seq(1, by = parts, length.out = rounds), drop = FALSE]
  state <- in_place(list(heads = training$heads, step = rounds, losses = ran), total)
  reached <- function() {
    now <- as_it_stands(state)
    training$heads <- now$heads
    training$step <- min(now$step * parts, steps)
    losses <- matrix(0, length(training$heads), training$step)
    of_step <- (seq_len(training$step) - 1) %/% parts + 1
    losses[1:2, ] <- now$losses[, of_step]
    training$losses <- losses
    training
  }
  progress <- new_progress("Simulating", total - rounds, control$progress)
  on.exit(progress(0, finished = TRUE))
  tryCatch(
    while (state$step < total) {
      check_core(.Call(ffi_fit_run, state, core, options, 1), "Training", call)
      .Call(ffi_check_interrupt)
      progress(1, loss = state$losses[1, state$step])
      save(reached())
    },
    interrupt = function(condition) {
      warn_vgfm(c(
        "Training was interrupted after step {reached()$step} of {steps}.",
        i = "The fit holds what it had learned; {.fn vgfm_resume} goes on from there."
      ), class = "vgfm_warning_interrupted", call = call)
    }
  )
  training <- reached()
  warn_diverged(training$losses, control, call)
  training
}

# Matches the potential alone, on Brownian bridges between the clouds that the flow makes
# of the first snapshot at the observed times; with `pinn`, on the equation of continuity
# as well. The loss of every step of simulation is the mean over the steps of matching
# that belong to it.
run_scoring <- function(training, snapshots, problem, control,
                        save = function(training) NULL, call = rlang::caller_env(),
                        pinn = 0) {
  if (is_scored(training, control)) return(training)
  clouds <- roll_out(training, snapshots, problem, control, call)
  rows <- score_problem(clouds, problem, control, call)
  if (pinn > 0) {
    rows$equation <- equation_rows(training, snapshots, problem, control, pinn, call)
  }
  control$steps <- score_steps * control$steps
  state <- training$scoring
  state$heads <- training$heads["potential"]
  if (is.null(training$scoring)) {
    fresh <- new_potential(problem, control, training$key)
    state <- list(step = 0, losses = matrix(0, 1, 0), heads = list(potential = fresh))
  }
  state$key <- training$key
  with_potential <- function(state) {
    training$heads["potential"] <- state$heads
    training$scoring <- state[c("step", "losses")]
    training
  }
  state <- run_matching(state, rows, control, function(s) save(with_potential(s)), call)
  training <- with_potential(state)
  if (state$step >= control$steps) {
    training$losses[length(training$heads), ] <-
      colMeans(matrix(state$losses, score_steps))
  }
  training
}

# The first snapshot, at most `cells` of it, at all `times` (standard, the first is its
# own): a list of x (d, n) in standard units and weight (n), with the mean 1.
roll_out <- function(training, snapshots, problem, control, call, times = problem$times,
                     cells = score_cells) {
  rows <- spaced(which(snapshots$index == 1), cells)
  field <- new_field(training, problem)
  x <- standard_cells(snapshots$x, rows, snapshots)
  states <- rbind(x, 0)
  last <- nrow(states)
  clouds <- list(list(x = x, weight = rep(1, ncol(x))))
  for (k in seq_along(times)[-1]) {
    out <- .Call(ffi_field_advance, field, states, rep(times[k - 1], ncol(x)), times[k],
                 control$tolerance, use_threads(control$threads))
    check_core(out, "Rolling out the flow", call)
    states <- out$states
    weight <- exp(states[last, ] - max(states[last, ]))
    clouds[[k]] <- list(x = states[-last, , drop = FALSE], weight = weight / mean(weight))
  }
  clouds
}

# Rows of pairs of neighbouring clouds, coupled exactly by their weights: so the score is
# that of the weighted density.
score_problem <- function(clouds, problem, control, call) {
  effort <- list(tolerance = control$transport_tolerance,
                 threads = use_threads(control$threads))
  couplings <- lapply(seq_along(clouds)[-1], function(k) {
    from <- clouds[[k - 1]]
    to <- clouds[[k]]
    couple_interval(coupling_exact(),
                    list(x = from$x, y = to$x, a = from$weight, b = to$weight, scale = 1,
                         interval = k - 1), effort, call = call)
  })
  x <- t(do.call(cbind, lapply(clouds, `[[`, "x")))
  list(
    features = ncol(x), cells = .Call(ffi_standard, x, seq_len(nrow(x)),
                                      numeric(ncol(x)), 1, TRUE),
    offset = c(0, cumsum(vapply(clouds, function(cloud) ncol(cloud$x), 0L))),
    times = problem$times, plans = lapply(couplings, `[[`, "plan"),
    sums = lapply(couplings, `[[`, "sums"),
    log_ends = log(unlist(lapply(couplings, `[[`, "descendants"))),
    growth = rep(1, length(couplings)), trust = rep(1, length(couplings)),
    path = "brownian", sigma = problem$sigma, bend = 0, pooling = 0, wide = 0
  )
}
