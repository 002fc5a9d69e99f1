# Stochastic paths of cells: dX = (v + S) dt + sigma dW, for fits with a score.

# Tolerance of a simulation: the root mean square error of a cell's position, in standard
# units, and of its log weight, per unit of standard time (a mean interval). A hundredth
# of the standard deviation of the data is far below what training can tell.
simulation_tolerance <- 0.01

# What makes paths stochastic, from the user's arguments; NULL where they are not. The
# noise of a cell depends on the fit, on the realisation and on the cell's number.
new_noise <- function(fit, stochastic, realisation, given, many = FALSE,
                      call = rlang::caller_env()) {
  stochastic <- check_flag(stochastic, arg = "stochastic", call = call)
  check_idle("realisation", given && !stochastic, "with {.code stochastic = TRUE}", call)
  if (!stochastic) return(NULL)
  check_score(fit, "stochastic", "{.code TRUE}", call)
  if (!many) realisation <- check_count(realisation, arg = "realisation", call = call)
  list(realisation = check_realisations(realisation, call),
       tolerance = simulation_tolerance)
}

check_score <- function(fit, arg, value, call = rlang::caller_env()) {
  if (gives_score(fit$field)) return(invisible())
  abort_input(c(
    paste0("{.arg {arg}} cannot be ", value, ": the method of this fit,
            {.val {fit$method$name}}, learns no score."),
    i = "{.fn vgfm_methods} says which do; {.val sf2m} is one."
  ), arg = arg, class = "vgfm_error_score", call = call)
}

check_realisations <- function(x, call) {
  whole <- is.numeric(x) && length(x) > 0 && all(is.finite(x)) && all(x == round(x)) &&
    all(x >= 1 & x <= .Machine$integer.max) && !anyDuplicated(x)
  if (!whole) {
    value <- describe(x)
    abort_input(c(
      "{.arg realisation} must have different whole numbers from 1 on, not {value}.",
      i = "Each is a draw of its own of all paths, as in {.code realisation = 1:10}."
    ), arg = "realisation", call = call)
  }
  as.double(x)
}

# The noise of each realisation; one NULL without noise.
each_realisation <- function(noise) {
  if (is.null(noise)) return(list(NULL))
  lapply(noise$realisation, function(i) utils::modifyList(noise, list(realisation = i)))
}

# A result of a simulation with the error that was reached as an attribute; as it is
# without noise.
with_error <- function(result, fit, states, noise, call = rlang::caller_env()) {
  if (is.null(noise)) return(result)
  table <- error_table(fit, states, noise)
  if (any(table$beyond > 0)) warn_simulation(fit, table, states, noise, call)
  structure(result, error = in_user_times(table, fit$snapshots))
}

# Root mean squares over cells of the errors of position (in units of the features, over
# these too) and of log weight, and how many cells are beyond the tolerance.
error_table <- function(fit, states, noise) {
  rows <- lapply(states, function(state) {
    most <- noise$tolerance * state$passed * (1 + 1e-9) # sums round
    worst <- pmax(state$error[, 1], state$error[, 2])
    rms <- sqrt(colMeans(state$error^2))
    data.frame(time = state$time, position = rms[1] * fit$snapshots$scale,
               log_weight = rms[2], cells = nrow(state$x), beyond = sum(worst > most))
  })
  do.call(rbind, rows)
}

warn_simulation <- function(fit, table, states, noise, call) {
  at <- which.max(table$beyond)
  row <- table[at, ]
  time <- show_time(fit$snapshots, row$time)
  most <- noise$tolerance * max(states[[at]]$passed)
  warn_vgfm(c(
    "The steps of the simulation are not small enough for {row$beyond} of {row$cells}
     cell{?s} at time {time}.",
    x = "The error of positions is {format(row$position, digits = 2)} (root mean square),
         that of log weights {format(row$log_weight, digits = 2)}.",
    i = "At most {format(most * fit$snapshots$scale, digits = 2)} and
         {format(most, digits = 2)} were wanted. The fields change too fast: see
         {.code autoplot(fit, \"history\")}."
  ), class = "vgfm_warning_simulation", call = call)
}
