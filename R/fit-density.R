# Training by densities: points of later snapshots are carried back to earlier ones, and
# the log densities that they arrive with are compared with those of the snapshots there,
# see core/train/density.h.

# Points of each later snapshot in a step that go back to the one before, and to the
# first; starting cells that go forward; cells of a snapshot that make its density, at
# most. Runge-Kutta steps per interval. Share of the steps in which the bandwidth falls;
# difference of log densities from which on it counts linearly; warm-up and norm that
# gradients are cut to; features up to which the divergence is exact.
density_settings <- list(near = 64, far = 32, cloud = 64, cells = 2000, substeps = 2,
                         annealed = 0.8, knee = 1, warm_up = 30, clip = 1, exact = 10)

# Standard units, as core reads it. `times` are those of the networks.
density_problem <- function(snapshots, times, bandwidth, settings) {
  rows <- lapply(seq_along(times), function(k) {
    spaced(which(snapshots$index == k), settings$cells)
  })
  steps <- settings$substeps
  parts <- Map(function(from, to) seq(from, to, length.out = steps + 1)[-1],
               times[-length(times)], times[-1])
  narrow <- bandwidth / snapshots$scale
  wide <- max(narrow, wide_noise(snapshots))
  list(
    cells = standard_cells(snapshots$x, unlist(rows), snapshots),
    offset = c(0, cumsum(lengths(rows))),
    mass = snapshots$mass,
    boundary = c(times[1], unlist(parts)),
    observed_step = steps * (seq_along(times) - 1),
    narrow = rep(narrow, length(times)), wide = rep(wide, length(times))
  )
}

run_training.training_density <- function(part, training, snapshots, problem, control,
                                          save, spend, call) {
  settings <- density_settings
  core <- density_problem(snapshots, problem$times, part$bandwidth, settings)
  training <- run_density(training, core, control, part, settings, save, call)
  spend("match")
  training
}

run_density <- function(training, core, control, part, settings, save, call) {
  total <- control$steps
  if (training$step >= total) return(training)
  options <- list(
    near = settings$near, far = settings$far, cloud = settings$cloud,
    anneal = round(settings$annealed * total), knee = settings$knee,
    mass_weight = part$mass, energy = part$energy, energy_growth = part$energy_growth,
    exact = as.numeric(nrow(core$cells) <= settings$exact), warm_up = settings$warm_up,
    steps = total, learning_rate = control$learning_rate, rate_floor = rate_floor,
    clip = settings$clip, key = training$key, threads = use_threads(control$threads)
  )
  state <- in_place(training, total)
  reached <- function() {
    training[names(state)] <- as_it_stands(state)
    training
  }
  advance <- function(steps) {
    check_core(.Call(ffi_density_run, state, core, options, steps), "Training", call,
               "Fit again with a lower {.arg learning_rate} than
                {control$learning_rate}.")
  }
  run_slices(state, advance, "Matching densities", sum, control,
             function() save(reached()), call)
  reached()
}

# Squared distances of at most `bandwidth_cells` cells of each snapshot of more than one,
# standard units.
density_squares <- function(snapshots) {
  squares <- lapply(seq_along(snapshots$times), function(k) {
    rows <- spaced(which(snapshots$index == k), bandwidth_cells)
    as.matrix(stats::dist(t(standard_cells(snapshots$x, rows, snapshots))))^2
  })
  Filter(function(square) nrow(square) > 1, squares)
}
bandwidth_cells <- 500

# What other cells add to the density at each cell, over the most that one adds, and the
# log of that.
other_kernels <- function(square, bandwidth) {
  logs <- -square / (2 * bandwidth^2)
  diag(logs) <- -Inf
  top <- apply(logs, 1, max)
  list(kernel = exp(logs - top), top = top)
}

# The bandwidth, in units of x: that at which cells are most likely under the density of
# the others of their snapshot (leave-one-out likelihood, Duin 1976; mean over snapshots),
# times `smoother`, as the flow shall not follow the noise of single cells. Measured at 1,
# 1.5 and 2: 1 is best on the mouse set, 2 on the gene network and dyngen.
smoother <- 1.5
likely_bandwidth <- function(snapshots) {
  squares <- density_squares(snapshots)
  wide <- wide_noise(snapshots)
  if (length(squares) == 0) return(wide * snapshots$scale)
  likelihood <- function(log_h) {
    mean(vapply(squares, function(square) {
      other <- other_kernels(square, exp(log_h))
      mean(other$top + log(rowSums(other$kernel) / (nrow(square) - 1)))
    }, 0)) - ncol(snapshots$x) * log_h
  }
  found <- stats::optimize(likelihood, log(wide) + c(-5, 1), maximum = TRUE, tol = 0.01)
  smoother * exp(found$maximum) * snapshots$scale
}

# Cells whose kernels make the density at a cell, effectively: (sum w)^2 / sum w^2 of what
# they add (Kish 1965); the median cell, mean over snapshots.
density_neighbours <- function(snapshots, bandwidth) {
  squares <- density_squares(snapshots)
  mean(vapply(squares, function(square) {
    kernel <- other_kernels(square, bandwidth / snapshots$scale)$kernel
    stats::median(rowSums(kernel)^2 / rowSums(kernel^2))
  }, 0))
}

# Densities say something where a cell has others like it.
density_most_features <- 50
density_least_neighbours <- 8

check_density_features <- function(snapshots, method, call) {
  features <- ncol(snapshots$x)
  if (features <= density_most_features) return(invisible())
  abort_input(c(
    "The method {.val {method$name}} compares densities, and there are none in {features}
     features: nearly all of a volume is beyond all cells.",
    i = "Use at most {density_most_features} features, such as principal components, or
         another method."
  ), arg = "method", class = method_error, call = call)
}

check_density_neighbours <- function(snapshots, method, call) {
  neighbours <- density_neighbours(snapshots, method$training$bandwidth)
  if (isTRUE(neighbours >= density_least_neighbours)) return(invisible())
  shown <- format(neighbours, digits = 2)
  abort_input(c(
    "The method {.val {method$name}} compares densities, which cannot be had from these
     cells: the density at a typical cell rests on {shown} others, and
     {density_least_neighbours} are needed.",
    i = "Use fewer features, more cells, a larger {.arg bandwidth} than
         {format(method$training$bandwidth, digits = 3)}, or another method."
  ), arg = "method", class = method_error, call = call)
}
