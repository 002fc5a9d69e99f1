# Standard units: positions with mean 0 and variance 1, times from 0 with a mean gap of 1.

# Snapshots in standard units: the order of their cells in time, and where in it each
# snapshot begins; times from 0 with a mean gap of 1.
standardise <- function(snapshots) {
  order <- order(snapshots$index)
  times <- snapshots$times
  gap <- (times[length(times)] - times[1]) / (length(times) - 1)
  list(
    order = order,
    offset = cumsum(c(0, snapshots$counts)),
    times = (times - times[1]) / gap,
    gap = gap
  )
}

# Positions (d, rows) in standard units of some rows of x (cells x d); with `single` as
# float32 in a raw vector, as core reads them.
standard_cells <- function(x, rows, snapshots, single = FALSE) {
  .Call(ffi_standard, x, rows, snapshots$center, snapshots$scale, single)
}

to_standard <- function(x, snapshots) {
  sweep(x, 2, snapshots$center) / snapshots$scale
}

from_standard <- function(x, snapshots) {
  sweep(x * snapshots$scale, 2, snapshots$center, "+")
}

standard_time <- function(fit, time) {
  times <- fit$snapshots$times
  (time - times[1]) / time_unit(fit)
}

# The mean gap between observed times: one unit of standard time.
time_unit <- function(fit) {
  diff(range(fit$snapshots$times)) / (length(fit$snapshots$times) - 1)
}

observed_times <- function(fit) standard_time(fit, fit$snapshots$times)
