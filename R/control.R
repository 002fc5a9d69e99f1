#' Every setting of a fit
#'
#' All knobs of [vgfm_fit()] with their defaults, ranges and meaning. `NULL` means that
#' the value is derived from the data when the fit starts; `fit$control` holds what was
#' used.
#'
#' @section How the defaults are chosen:
#' Measured on simulated gene networks, branching simulations, Gaussian clusters in up to
#' 1000 dimensions and mouse haematopoiesis. V is the variance within a snapshot, summed
#' over features, mean over snapshots: the size of the population itself, whatever
#' distance it travels.
#' * `tau` is 3 V. It decides the growth rates: a few times smaller, and the descendants
#'   of like cells scatter; a few times larger, and dividing and resting cells blur.
#' * `epsilon` is 0.007 V: between a third and three times of it, fits are equally good.
#' * `noise` is 0.6 times the local spacing: the median distance between nearest cells of
#'   a snapshot, over the root of the number of features; at least 2 % of the root of
#'   the mean variance of a feature. Less lets the field learn single cells by heart,
#'   which shrinks the predicted cloud in many dimensions; more blurs it.
#' * `steps` is 2000 for up to 60 features and falls with the root of their number beyond:
#'   there the field is simple against the noise of the cells, and longer training learns
#'   that noise, which shrinks the predicted cloud.
#' * `learning_rate` falls from 0.01 along half a cosine. At 0.003 the same quality takes
#'   twice the steps; at 0.02 some seeds end clearly worse.
#' * `activation`: leaky ReLU reaches lower errors than SiLU and tanh at equal steps.
#'
#' @section Refinement:
#' With `refine_steps` above 0, the matched fields are refined by what [vgfm_evaluate()]
#' measures: the first snapshot is rolled out through all times, and the fields follow
#' the gradient of the exact Wasserstein-1 distances, in positions and in weights, and of
#' the mass errors; the matching loss stays as an anchor. A fifth of the cells of each
#' later snapshot takes no part in the steps and judges them by W1 plus relative mass
#' error: of ten states on the way and the unrefined one, the best is returned. On small
#' branching data, 300 steps lowered W1 by a quarter, at 25 ms a step with a few hundred
#' cells; a step costs more on larger data. Off by default.
#'
#' @section Couplings in blocks:
#' Where the squared distances between two snapshots of n and m cells do not fit in
#' `memory` (by default, above 11585 x 11585), both are dealt into the least number of
#' blocks of at most 2500 cells (the geometric mean of source and target; fewer with a
#' `memory` below 0.05), and each block is coupled exactly. Time and memory then grow with
#' the number of cells, not with its square. Every cell is in one block and every target
#' receives its mass. Cells are dealt so that a block holds its share of every
#' neighbourhood: the numbers of descendants then are those of the whole coupling but for
#' noise, over which the growth field averages. They are the same for every seed.
#' `fit$couplings[[k]]$method` is `"blocks"` or `"whole"`, `$blocks` their number.
#'
#' @param epsilon Entropic regularisation of the coupling, in squared units of `x`;
#'   positive. Smaller means sharper pairs and more work.
#' @param tau Price of changing a cell's mass in the coupling, in squared units of `x`;
#'   positive. Large values force equal numbers of descendants, small ones let mass
#'   appear wherever the target is near.
#' @param noise Standard deviation of the noise added to positions on the path, in units
#'   of `x`; at least 0.
#' @param width,depth Units per hidden layer, and number of hidden layers, of both
#'   networks.
#' @param activation `"leaky_relu"`, `"silu"` or `"tanh"`.
#' @param steps Number of training steps; 0 stops after the coupling.
#' @param batch Rows per training step, shared equally among the intervals.
#' @param refine_steps Steps of refinement after the matching, see the section below;
#'   0 for none.
#' @param learning_rate Learning rate of Adam at the first step; it falls along half a
#'   cosine to 1 % of that.
#' @param tolerance Relative tolerance of the adaptive integrator.
#' @param transport_tolerance Largest relative residual at which a coupling counts as
#'   solved.
#' @param memory Gibibytes that the squared distances of a coupling may take, 8 bytes for
#'   each pair of cells; at least 0.001. Larger couplings are solved in blocks, see the
#'   section below.
#' @param threads Number of threads. Default: `getOption("vgfm.threads", 2)`. It changes
#'   no result.
#' @param progress Show a progress bar on what takes longer than a second? Default: in
#'   interactive sessions.
#' @return A list of class `vgfm_control`.
#' @section Errors: A value out of its range is an error of class `vgfm_error_control`.
#' @seealso [vgfm_fit()]
#' @export
#' @examples
#' vgfm_control(steps = 500, width = 32)
vgfm_control <- function(epsilon = NULL, tau = NULL, noise = NULL, width = 64, depth = 3,
                         path = c("smooth", "straight"), activation = c("leaky_relu", "silu", "tanh"), steps = NULL,
                         batch = 1024, refine_steps = 0, learning_rate = 0.01,
                         tolerance = 1e-6, transport_tolerance = 1e-9, memory = 1,
                         threads = NULL,
                         progress = rlang::is_interactive()) {
  class <- "vgfm_error_control"
  structure(
    list(
      epsilon = check_number(epsilon, 0, bounds = "(]", allow_null = TRUE, class = class),
      tau = check_number(tau, 0, bounds = "(]", allow_null = TRUE, class = class),
      noise = check_number(noise, 0, allow_null = TRUE, class = class),
      width = check_count(width, max = 4096, class = class),
      depth = check_count(depth, max = 32, class = class),
      path = check_choice(path, c("smooth", "straight"), class = class),
      activation = check_choice(activation, names(activations), class = class),
      steps = check_count(steps, min = 0, allow_null = TRUE, class = class),
      batch = check_count(batch, max = 2^20, class = class),
      refine_steps = check_count(refine_steps, min = 0, class = class),
      learning_rate = check_number(learning_rate, 0, 1, bounds = "(]", class = class),
      tolerance = check_number(tolerance, 1e-12, 0.1, class = class),
      transport_tolerance = check_number(transport_tolerance, 1e-12, 0.1, class = class),
      memory = check_number(memory, 0.001, class = class),
      threads = check_count(threads, allow_null = TRUE, class = class),
      progress = check_flag(progress, class = class)
    ),
    class = "vgfm_control"
  )
}

# In the order of core/kernels.h.
activations <- c(leaky_relu = 0, silu = 1, tanh = 2)

# The final learning rate as a share of the first.
rate_floor <- 0.01

# Fills in what depends on the data, in units of x.
resolve_control <- function(control, snapshots) {
  features <- ncol(snapshots$x)
  variance <- within_variance(snapshots)
  control$epsilon <- control$epsilon %||% (0.007 * variance)
  control$tau <- control$tau %||% choose_tau(snapshots, control$epsilon, variance)
  control$noise <- control$noise %||% max(
    2 * sqrt(features / (features + 30)) * local_spacing(snapshots),
    0.02 * snapshots$scale
  )
  control$steps <- control$steps %||% round(2000 * min(1, sqrt(60 / features)))
  control
}

# At most so many of some rows, evenly spaced.
spaced <- function(rows, most) {
  rows[unique(round(seq(1, length(rows), length.out = min(most, length(rows)))))]
}

# Total variance within a snapshot, of at most 20000 cells each, mean over snapshots; that
# of all cells where every snapshot is a single point.
within_variance <- function(snapshots) {
  times <- seq_along(snapshots$times)
  within <- mean(vapply(times, function(k) {
    rows <- spaced(which(snapshots$index == k), 20000)
    total_variance(to_standard(snapshots$x[rows, , drop = FALSE], snapshots))
  }, 0))
  if (within < 1e-9) within <- ncol(snapshots$x)
  within * snapshots$scale^2
}

# Median distance to the nearest cell of the same snapshot, per root of a feature, mean
# over snapshots; from at most 200 cells against 5000 of each.
local_spacing <- function(snapshots) {
  spacing <- vapply(seq_along(snapshots$times), function(k) {
    others <- spaced(which(snapshots$index == k), 5000)
    cells <- spaced(others, 200)
    x <- to_standard(snapshots$x[cells, , drop = FALSE], snapshots)
    y <- to_standard(snapshots$x[others, , drop = FALSE], snapshots)
    square <- outer(rowSums(x^2), rowSums(y^2), "+") - 2 * tcrossprod(x, y)
    square[cbind(seq_along(cells), match(cells, others))] <- Inf
    stats::median(sqrt(pmax(apply(square, 1, min), 0)))
  }, 0)
  spacing <- spacing[is.finite(spacing)] # a snapshot of one cell has none
  if (length(spacing) == 0) return(0)
  mean(spacing) / sqrt(ncol(snapshots$x)) * snapshots$scale
}

#' @export
print.vgfm_control <- function(x, ...) {
  shown <- vapply(x, function(v) if (is.null(v)) "from the data" else format(v), "")
  cli::cat_line(format(names(shown)), "  ", shown)
  invisible(x)
}
