# The equation of continuity of a potential, in logs and along the flow: with the log
# density 2 s / sigma^2, (2 / sigma^2) (ds/dt + v . grad s) + div v - g = 0.

# Cells that are followed, and the times at which they are looked at in an interval.
equation_cells <- 500
equation_times <- 8
equation_most_features <- 10

# What core reads, see core/train/continuity.h: where cells are (d + 1, n) on their way,
# the direction of their way there, and the derivative that the output of the potential
# is to have along it. `weight` is of squared errors of that; `pinn` of log density.
equation_rows <- function(training, snapshots, problem, control, pinn, call) {
  observed <- problem$times
  times <- stats::approx(seq_along(observed), observed,
                         seq(1, length(observed), by = 1 / equation_times))$y
  clouds <- roll_out(training, snapshots, problem, control, call, times, equation_cells)
  x <- do.call(cbind, lapply(clouds, `[[`, "x"))
  time <- rep(times, each = ncol(clouds[[1]]$x))
  flow <- training
  flow$heads <- training$heads[c("velocity", "growth")]
  field <- new_field(flow, problem)
  threads <- use_threads(control$threads)
  there <- .Call(ffi_field_evaluate, field, x, time, threads)
  check_core(there, "Evaluating the flow", call)
  change <- there$growth - divergence(field, x, time, threads, call)
  slope <- 2 * problem$units$potential[["scale"]] / problem$sigma[1]^2
  list(input = rbind(x, time), direction = rbind(there$velocity, 1),
       want = as.vector(change) / slope, weight = pinn * slope^2)
}

# Of the velocity at x (d, n), per unit of standard time.
divergence <- function(field, x, time, threads, call) {
  d <- nrow(x)
  rows <- lapply(seq_len(d), function(i) {
    out <- .Call(ffi_field_gradient, field, x, time, as.double(seq_len(d + 1) == i),
                 threads)
    check_core(out, "Differentiating the flow", call)
    out$gradient[i, ]
  })
  Reduce(`+`, rows)
}

# The divergence takes a pass for every feature, and where there are many, cells on their
# way say nothing of the rest of a volume.
check_equation_features <- function(snapshots, method, call) {
  features <- ncol(snapshots$x)
  if (!isTRUE(method$training$pinn > 0) || features <= equation_most_features) {
    return(invisible())
  }
  abort_input(c(
    "{.arg pinn} needs the divergence of the velocity, which is had feature by feature,
     and there are {features} features.",
    i = "Use at most {equation_most_features} features, such as principal components, or
         leave {.arg pinn} out."
  ), arg = "method", class = method_error, call = call)
}
