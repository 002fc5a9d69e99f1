# The masses of a population are known at the observed times; what training misses of
# them, the same for all cells, is added to the growth: a rate that is constant between
# observed times. It moves no cell and changes no share of the mass.

# Starting cells that the predicted masses are taken from, at most.
calibrating_cells <- 2000

# Some cells of the first snapshot at all later times, as the trained fields carry them;
# NULL where these cannot be integrated, as after a training that diverged.
predicted_course <- function(fit) {
  s <- fit$snapshots
  rows <- spaced(which(s$index == 1), calibrating_cells)
  if_fields_fail(follow(fit, s$x[rows, , drop = FALSE], s$times[1], s$times[-1]),
                 function(error) NULL)
}

# Log of observed over predicted mass at all times, 0 at the first; NULL where masses are
# not finite.
mass_correction <- function(fit, states) {
  if (is.null(states)) return(NULL)
  s <- fit$snapshots
  missed <- log(s$mass[-1]) - log(vapply(states, function(state) {
    mean(exp(state$log_weight))
  }, 0))
  if (all(is.finite(missed))) c(0, missed)
}

# The relative error of mass at the later times that training left; NA where masses were
# not finite.
trained_mass_error <- function(fit) {
  correction <- fit$field$correction
  if (is.null(correction) || !is_learned(fit$method)) {
    return(rep(NA_real_, length(fit$snapshots$times) - 1))
  }
  abs(expm1(-correction[-1]))
}
