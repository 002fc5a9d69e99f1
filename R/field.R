# The learned fields of a fit: values, derivatives, and cells carried along them, in the
# user's units.

# velocity (n x d), growth (n) and, for a model with a score, the gradient of the log
# density (n x d) at cells x (n x d) and times, in the user's units
evaluate_field <- function(fit, x, time, call = rlang::caller_env()) {
  rate <- time_rate(fit, time)
  time <- standard_time(fit, time)
  velocity <- matrix(0, nrow(x), ncol(x), dimnames = cells_by_features(x, fit))
  growth <- stats::setNames(numeric(nrow(x)), rownames(x))
  if (is_naive_fit(fit)) {
    check_has_fields(fit, call)
    growth[] <- added_growth(fit, time) * rate
    return(list(velocity = velocity, growth = growth))
  }
  score <- if (gives_score(fit$field)) velocity
  for (cells in cell_slices(nrow(x), fit)) {
    .Call(ffi_check_interrupt)
    out <- .Call(ffi_field_evaluate, fit$field, standard_cells(x, cells, fit$snapshots),
                 time[cells], use_threads(fit$control$threads))
    check_core(out, "Evaluating the fields", call)
    velocity[cells, ] <- t(out$velocity) * (fit$snapshots$scale * rate[cells])
    learned <- out$growth %||% 0 # no network: one rate for all
    growth[cells] <- (learned + added_growth(fit, time[cells])) * rate[cells]
    # The head is sigma^2 / 2 times the gradient, in standard units.
    if (!is.null(score)) {
      score[cells, ] <- t(out$score) * (2 / fit$field$sigma^2 / fit$snapshots$scale)
    }
  }
  list(velocity = velocity, growth = growth, score = score)
}

cells_by_features <- function(x, fit) list(rownames(x), fit$snapshots$features)

# Cells dealt with by one call, and multiplications by a parameter of the networks, some
# tenths of a second: between calls R shows progress and listens to the user, and
# intermediate results stay small.
cells_a_call <- 20000
products_a_call <- 5e9

cell_slices <- function(n, fit) {
  products <- sum(vapply(fit$field$heads, function(h) count_parameters(h$shape), 0))
  size <- max(64, min(cells_a_call, floor(products_a_call / products)))
  split(seq_len(n), (seq_len(n) - 1) %/% size)
}

# Weights are shown as they are, not as logarithms.
check_weight <- function(log_weight, call) {
  if (any(log_weight > log(.Machine$double.xmax))) {
    cli::cli_abort(c(
      "Integrating the flow failed: masses grow beyond double precision, to
       exp({format(max(log_weight), digits = 3)}).",
      i = "Times far outside the observed ones, or a training that diverged, do this:
           see {.code autoplot(fit, \"history\")}."
    ), class = c("vgfm_error_not_finite", "vgfm_error"), call = call)
  }
}

# States x (n x d) and log weights after integrating from `from` (one number or n) to
# `to`, in the user's units. With `noise` (see new_noise()), also the errors (n x 2) of
# position, in standard units, and of log weight, and the standard time that has `passed`.
# `number`: of the cells, which have noise of their own.
advance_cells <- function(fit, x, from, to, log_weight = rep(0, nrow(x)),
                          call = rlang::caller_env(), noise = NULL,
                          number = seq_len(nrow(x))) {
  from <- standard_time(fit, rep_len(as.double(from), nrow(x)))
  to <- standard_time(fit, to)
  moved <- matrix(0, nrow(x), ncol(x), dimnames = cells_by_features(x, fit))
  error <- matrix(0, nrow(x), 2)
  last <- ncol(x) + 1
  log_weight <- log_weight - added_mass(fit, from)
  if (is_naive_fit(fit)) {
    check_has_fields(fit, call)
    moved[] <- x
    log_weight <- log_weight + added_mass(fit, to)
    return(list(x = moved, log_weight = stats::setNames(log_weight, rownames(x))))
  }
  slices <- cell_slices(nrow(x), fit)
  progress <- new_progress("Integrating", length(slices),
                           fit$control$progress && length(slices) > 1)
  on.exit(progress(0, finished = TRUE))
  for (cells in slices) {
    states <- rbind(standard_cells(x, cells, fit$snapshots), log_weight[cells])
    out <- advance_slice(fit, states, from[cells], to, noise, number[cells], call)
    moved[cells, ] <- from_standard(t(out$states[-last, , drop = FALSE]), fit$snapshots)
    log_weight[cells] <- out$states[last, ] + added_mass(fit, to)
    if (!is.null(noise)) error[cells, ] <- t(out$error)
    progress(1)
  }
  check_weight(log_weight, call)
  state <- list(x = moved, log_weight = stats::setNames(log_weight, rownames(x)))
  if (is.null(noise)) state else c(state, list(error = error, passed = abs(to - from)))
}

# One slice of states (d + 1, n) in standard units, along the flow or with noise.
advance_slice <- function(fit, states, from, to, noise, number, call) {
  threads <- use_threads(fit$control$threads)
  out <- if (is.null(noise)) {
    .Call(ffi_field_advance, fit$field, states, from, to, fit$control$tolerance, threads)
  } else {
    .Call(ffi_field_simulate, fit$field, states, from, to, as.double(number),
          fit$training$key, noise, threads)
  }
  check_core(out, "Integrating the flow", call, paste(
    "Times far outside the observed ones, or a training that diverged, do this:",
    "see {.code autoplot(fit, \"history\")}."
  ))
}

# States as they are before cells move: no mass gained and, with noise, no error.
new_state <- function(x, noise) {
  state <- list(x = x, log_weight = rep(0, nrow(x)))
  if (is.null(noise)) return(state)
  c(state, list(error = matrix(0, nrow(x), 2), passed = rep(0, nrow(x))))
}

# A state moved on to `to`. Errors along a path add up.
move_on <- function(fit, state, from, to, call, noise, number) {
  moved <- advance_cells(fit, state$x, from, to, state$log_weight, call, noise, number)
  sums <- intersect(c("error", "passed"), names(moved))
  moved[sums] <- Map(`+`, moved[sums], state[sums])
  moved
}

some_of_state <- function(state, rows) {
  lapply(state, function(part) {
    if (is.matrix(part)) part[rows, , drop = FALSE] else part[rows]
  })
}

put_in_state <- function(state, rows, some) {
  for (part in names(some)) {
    if (is.matrix(some[[part]])) state[[part]][rows, ] <- some[[part]]
    else state[[part]][rows] <- some[[part]]
  }
  state
}

# States at each of `times`, in increasing order, of cells that start at times of their
# own (one each): back to the times before, forth to those after.
follow_each <- function(fit, x, from, times, call = rlang::caller_env(), noise = NULL,
                        number = seq_len(nrow(x))) {
  ways <- list(
    forth = list(times = times, starts = function(time) from <= time),
    back = list(times = rev(times), starts = function(time) from > time)
  )
  out <- lapply(times, function(time) c(new_state(x, noise), time = time))
  for (way in ways) {
    state <- new_state(x, noise)
    at <- from
    for (time in way$times) {
      rows <- which(way$starts(time))
      if (length(rows) == 0) next
      moved <- move_on(fit, some_of_state(state, rows), at[rows], time, call, noise,
                       number[rows])
      state <- put_in_state(state, rows, moved)
      at[rows] <- time
      place <- match(time, times)
      out[[place]] <- put_in_state(out[[place]], rows, moved)
    }
  }
  out
}

# States at each of `times`, which run away from `from`, where all cells start.
follow <- function(fit, x, from, times, call = rlang::caller_env(), noise = NULL,
                   number = seq_len(nrow(x))) {
  state <- new_state(x, noise)
  out <- vector("list", length(times))
  for (i in seq_along(times)) {
    state <- move_on(fit, state, from, times[i], call, noise, number)
    from <- times[i]
    out[[i]] <- c(state, time = times[i])
  }
  out
}

# (cells, features): derivative with respect to standard units of x of the sum of `seed`
# times (velocity in standard units, growth), per unit of the user's time.
field_gradient <- function(fit, x, time, seed, call = rlang::caller_env()) {
  gradient <- matrix(0, nrow(x), ncol(x))
  rate <- time_rate(fit, time)
  time <- standard_time(fit, time)
  for (cells in cell_slices(nrow(x), fit)) {
    .Call(ffi_check_interrupt)
    out <- .Call(ffi_field_gradient, fit$field, standard_cells(x, cells, fit$snapshots),
                 time[cells], seed, use_threads(fit$control$threads))
    check_core(out, "Differentiating the fields", call)
    gradient[cells, ] <- t(out$gradient)
  }
  gradient * rate
}

# What is added to log weights from standard time 0 on, and to growth rates (per unit of
# standard time); nothing beyond the last observed time.
added_mass <- function(fit, time) {
  correction <- fit$field$correction
  if (is.null(correction)) return(0 * time)
  stats::approx(fit$field$times, correction, time, rule = 2)$y
}

added_growth <- function(fit, time) {
  correction <- fit$field$correction
  if (is.null(correction)) return(0 * time)
  times <- fit$field$times
  rate <- c(0, diff(correction) / diff(times), 0)
  rate[findInterval(time, times, rightmost.closed = TRUE) + 1]
}

count_parameters <- function(shape) {
  with(lapply(shape, as.double), {
    (inputs + 1) * width + (hidden - 1) * (width + 1) * width + (width + 1) * outputs
  })
}

# Whether a field answers for a score, by a network of its own or by a potential.
gives_score <- function(field) {
  !is.null(field$heads$score) || !is.null(field$heads$potential)
}

# Fits of methods that learn nothing; see fit-naive.R.
is_naive_fit <- function(fit) inherits(fit, "vgfm_naive")

# Where cells stay where they are, a velocity has no derivatives worth a table.
check_moving <- function(fit, call = rlang::caller_env()) {
  if (!is_naive_fit(fit)) return(invisible())
  abort_input(c("The method {.val {fit$method$name}} learns no velocity.",
                i = "{.fn vgfm_methods} says which do; {.val vgfm} is one."),
              arg = "fit", class = c("vgfm_error_no_field", "vgfm_error_fit"),
              call = call)
}

# Growth that is the same for all cells of an interval says nothing of single ones.
check_growth_learned <- function(fit, call = rlang::caller_env()) {
  if (is_learned(fit$method)) return(invisible())
  abort_input(c(
    "The method {.val {fit$method$name}} does not learn how growth goes by state.",
    i = "{.fn vgfm_methods} says which do; {.val vgfm} is one."
  ), arg = "fit", class = c("vgfm_error_no_growth", "vgfm_error_fit"), call = call)
}

# The pairs of `linear` say where the cells of a snapshot are, but not where others go.
check_has_fields <- function(fit, call = rlang::caller_env()) {
  if (!is_naive_fit(fit) || is.null(fit$method$path)) return(invisible())
  abort_input(c(
    "The method {.val {fit$method$name}} learns no velocity.",
    i = "{.fn vgfm_interpolate} and {.fn vgfm_evaluate} give its populations."
  ), arg = "fit", class = c("vgfm_error_no_field", "vgfm_error_fit"), call = call)
}
