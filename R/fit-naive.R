# Fits of methods that learn nothing: they have the data, and the masses.

new_naive_fit <- function(snapshots, method, control, key) {
  times <- snapshots$times
  growth <- if (inherits(method$growth, "growth_uniform")) log(snapshots$mass) else
    0 * times
  structure(
    list(
      format = fit_format, snapshots = snapshots, method = method, couplings = list(),
      field = list(heads = list(), times = even_times(times),
                   correction = growth),
      history = data.frame(step = numeric()), control = control,
      seconds = c(couple = 0, match = 0, refine = 0),
      training = list(heads = list(), key = key, step = 0, losses = matrix(0, 0, 0))
    ),
    class = c("vgfm_naive", "vgfm")
  )
}
