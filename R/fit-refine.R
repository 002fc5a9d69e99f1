# Stage 3: the fields are refined by what they are judged by. All cells of the first
# snapshot are rolled out through all observed times; the gradient of the exact
# Wasserstein distances and of the mass errors is followed, with the matching loss as an
# anchor between the times.

# Cells per step: all starting cells, all target cells, up to these numbers.
refine_most <- c(start = 2000, target = 4000)
# Runge-Kutta steps per interval; first learning rate, steps until it is reached, and the
# norm gradients are cut to; folds of the cells that sit out a round in turn.
refine_settings <- list(substeps = 4, learning_rate = 4e-4, warm_up = 30, clip = 1,
                        folds = 5)
# Starting cells per step, at least, and parts they are cut into, at most: one plan serves
# as many steps as there are parts.
refine_part <- 64
refine_parts <- 8

count_parts <- function(snapshots) {
  n <- min(snapshots$counts[1], refine_most[["start"]])
  min(refine_parts, max(1, n %/% refine_part))
}

new_refinement <- function(training) {
  fresh <- function(network) {
    network$first <- 0 * network$first
    network$second <- 0 * network$second
    network
  }
  list(heads = lapply(training$heads, fresh), step = 0, losses = matrix(0, 2, 0))
}

# Standard units, as core reads it. `problem` is that of matching; it is no anchor where
# that weighs nothing.
refine_problem <- function(snapshots, problem, weights = training_refine()) {
  z <- cell_order(snapshots)
  times <- problem$times
  steps <- refine_settings$substeps
  parts <- Map(function(from, to) seq(from, to, length.out = steps + 1)[-1],
               times[-length(times)], times[-1])
  list(
    cells = standard_cells(snapshots$x, z$order, snapshots),
    offset = z$offset,
    mass = snapshots$mass,
    boundary = c(times[1], unlist(parts)),
    observed_step = steps * (seq_along(times) - 1),
    anchor = if (!identical(weights$matching %||% 0, 0)) problem
  )
}

# `weights`: of the terms, as a part of a method has them.
refine_options <- function(training, control, weights, parts, rounds, settings) {
  c(
    list(most_start = refine_most[["start"]], most_target = refine_most[["target"]],
         parts = parts, batch = control$batch, rounds = rounds, rate_floor = rate_floor,
         key = training$key, threads = use_threads(control$threads),
         mass_weight = weights$mass, anchor = weights$matching %||% 0,
         energy = weights$energy %||% 0, energy_growth = weights$energy_growth %||% 0),
    settings
  )
}

# What a refinement must not make worse: mean over rounds and times of W1 to the cells
# that sat out (standard units) plus the relative mass error.
refine_score <- function(losses) mean(colSums(losses))

# The training state after `control$refine_steps` of refinement, or the best state on the
# way to it: the start is one of the candidates, and is kept as `matched`. A round that
# fails ends it, and `refinement$stopped` says why.
run_refinement <- function(training, snapshots, problem, control,
                           weights = training_refine(),
                           save = function(training) NULL, call = rlang::caller_env()) {
  parts <- count_parts(snapshots)
  folds <- refine_settings$folds
  total <- folds * ceiling(control$refine_steps / parts / folds)
  # Nothing was matched, or not all yet.
  if (total == 0 || control$steps == 0 || training$step < control$steps) return(training)
  core <- refine_problem(snapshots, problem, weights)
  options <- refine_options(training, control, weights, parts, total, refine_settings)
  stopped <- NULL
  # Rounds until all folds have judged once more, and whether they could be run; the
  # user's Ctrl-C goes on as such.
  run <- function(state, options) {
    out <- .Call(ffi_fit_run, state, core, options, folds - state$step %% folds)
    if (status_class(out$status) %in% field_errors) {
      stopped <<- .Call(ffi_status_message, out$status)
      return(FALSE)
    }
    check_core(out, "Refinement", call)
    TRUE
  }
  best <- training
  best$matched <- training$matched %||% training$heads
  state <- in_place(training$refinement %||% new_refinement(training), total)
  # Keeps the state if it is better. Again and again is as good as once.
  judge <- function() {
    score <- refine_score(state$losses[, seq(state$step - folds + 1, state$step)])
    if (score < best$score) {
      best$heads <<- .Call(ffi_copy, state$heads)
      best$score <<- score
    }
    score
  }
  reached <- function() {
    # An interrupt may have come between a round and its judgement.
    if (state$step > 0 && state$step %% folds == 0) judge()
    best$refinement <- as_it_stands(state)
    best$refinement$stopped <- stopped
    best
  }
  progress <- new_progress("Refining", total - state$step, control$progress)
  on.exit(progress(0, finished = TRUE))
  tryCatch(
    {
      if (is.null(best$score)) {
        best$score <- first_score(training, run, options, folds)
      }
      while (is.null(stopped) && state$step < total && run(state, options)) {
        .Call(ffi_check_interrupt)
        score <- judge()
        progress(folds, loss = score)
        save(reached())
      }
    },
    interrupt = function(condition) {
      warn_vgfm(c(
        "Refinement was interrupted after round {state$step} of {total}.",
        i = "The fit is the best so far; {.fn vgfm_resume} goes on from there."
      ), class = "vgfm_warning_interrupted", call = call)
    }
  )
  reached()
}

# The score of the fields as matching left them: rounds at no learning rate, on a copy.
first_score <- function(training, run, options, folds) {
  state <- in_place(new_refinement(training), folds)
  options$learning_rate <- 0
  if (run(state, options)) refine_score(state$losses) else Inf
}

# The training state as matching left it.
unrefined <- function(training) {
  training$scoring <- NULL
  if (is.null(training$refinement)) return(training)
  training$heads <- training$matched
  training[c("matched", "refinement", "score")] <- NULL
  training
}

# Steps of refinement that a fit has had.
refined_steps <- function(fit) {
  rounds <- fit$training$refinement$step %||% 0
  min(rounds * count_parts(fit$snapshots), fit$control$refine_steps)
}
