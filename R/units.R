# Standard units: positions with mean 0 and variance 1, times from 0 on a clock on which
# the mean gap is at most 1 (see standard_times()).

# The order of the cells in time, and where in it each snapshot begins.
cell_order <- function(snapshots) {
  list(order = order(snapshots$index), offset = cumsum(c(0, snapshots$counts)))
}

# Positions (d, rows) in standard units of some rows of x (cells x d); with `single` as
# float32 in a raw vector, as core reads them.
standard_cells <- function(x, rows, snapshots, single = FALSE) {
  .Call(ffi_standard, x, rows, snapshots$center, snapshots$scale, single)
}

from_standard <- function(x, snapshots) {
  sweep(x * snapshots$scale, 2, snapshots$center, "+")
}

# Standard times of the observed ones. An interval is as long as its gap, unless cells
# move there far faster or slower than they typically do: one scale of velocity and one
# input for the time serve intervals of 1 hour and of 16 badly. `displacement`: how far
# cells travel in each interval (root mean square, from the couplings).
standard_times <- function(times, displacement) {
  gaps <- diff(times)
  speed <- pmax(displacement, 1e-6 * max(displacement, 1e-300)) / gaps
  typical <- exp(mean(log(speed)))
  bounded <- pmin(pmax(speed, typical / speed_range), typical * speed_range)
  gaps <- gaps * speed / bounded
  span <- min(length(gaps), longest_course)
  c(0, cumsum(gaps) / sum(gaps) * span)
}

# Speeds up to so many times above or below the typical one (geometric mean) stay as they
# are.
speed_range <- 4
# The mean interval is one unit of standard time, but a whole course is at most this
# long: networks fit inputs of the size of 1 best.
longest_course <- 4

# Standard time as a function of the user's: through the observed times, smooth, and
# never backwards (Fritsch and Carlson 1980); linear outside of them.
time_scale <- function(fit) {
  stats::splinefun(fit$snapshots$times, fit$field$times, method = "monoH.FC")
}

standard_time <- function(fit, time) time_scale(fit)(time)

# Standard time that passes per unit of the user's, at each of some times.
time_rate <- function(fit, time) time_scale(fit)(time, deriv = 1)
