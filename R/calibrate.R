# The masses of a population are known at the observed times; what training misses of
# them, the same for all cells, is added to the growth: a rate that is constant between
# observed times. It moves no cell and changes no share of the mass.

# Starting cells that the predicted masses are taken from, at most.
calibrating_cells <- 2000

# Log of observed over predicted mass at all times, 0 at the first; none for fields that
# diverged.
mass_correction <- function(fit) {
  s <- fit$snapshots
  rows <- spaced(which(s$index == 1), calibrating_cells)
  ahead <- tryCatch(
    follow(fit, s$x[rows, , drop = FALSE], s$times[1], s$times[-1]),
    vgfm_error_convergence = function(condition) NULL
  )
  if (is.null(ahead)) return(NULL)
  missed <- log(s$mass[-1]) - log(vapply(ahead, function(state) {
    mean(exp(state$log_weight))
  }, 0))
  if (all(is.finite(missed))) c(0, missed)
}

# The relative error of mass at the later times that training left.
trained_mass_error <- function(fit) {
  correction <- fit$field$correction
  if (is.null(correction)) return(numeric())
  abs(exp(-correction[-1]) - 1)
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
