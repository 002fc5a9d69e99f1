# Populations of methods that learn nothing.

# States at some times, as populations() has them: the snapshot before (the control
# `hold`, and `counts`, whose mass follows the masses), or the pairs of the exact coupling
# on straight lines. At an observed time it is the one before that is held against it.
naive_states <- function(fit, times, call = rlang::caller_env()) {
  s <- fit$snapshots
  lapply(times, function(time) {
    before <- max(1, findInterval(time - rounding(s$times), s$times))
    if (is.null(fit$method$path)) {
      cloud <- snapshots_as_one(s, before)
      rows <- which(s$index == before)
    } else {
      cloud <- straight_population(s, before, time, use_threads(fit$control$threads),
                                   call)
      rows <- seq_along(cloud$weight)
    }
    mass <- if (inherits(fit$method$growth, "growth_none")) s$mass[before] else
      mass_between(s, before, time)
    list(x = cloud$x, time = time, rows = rows,
         log_weight = log(cloud$weight / mean(cloud$weight)) + log(mass))
  })
}
