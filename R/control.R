#' Every setting of a fit
#'
#' All knobs of [vgfm_fit()] with their defaults, ranges and meaning. `NULL` means that
#' the value is derived from the data when the fit starts; `fit$control` holds what was
#' used.
#'
#' @section How the defaults are chosen:
#' * `epsilon` and `tau` are squared distances, so their defaults follow the data. The
#'   yardstick of an interval is the mean squared distance between cells of neighbouring
#'   snapshots that the transport has to bridge: the mean over target cells of the squared
#'   distance to the nearest source cell, plus the same the other way round, is the local
#'   spacing; the total variance is the global size.
#' * `noise` is 2 % of the data's scale. More blurs the field, less lets it overfit.
#' * `learning_rate`, `steps` and `batch`: a cosine from 3e-3 over 2000 steps of 1024
#'   rows; shorter schedules at a constant rate fit clearly worse.
#' * `activation`: leaky ReLU reaches half the error of SiLU and tanh at equal steps.
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
#' @param learning_rate Learning rate of Adam at the first step; it falls along half a
#'   cosine to 1 % of that.
#' @param tolerance Relative tolerance of the adaptive integrator.
#' @param transport_tolerance Largest relative residual at which a coupling counts as
#'   solved.
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
                         activation = c("leaky_relu", "silu", "tanh"), steps = 2000,
                         batch = 1024, learning_rate = 3e-3, tolerance = 1e-5,
                         transport_tolerance = 1e-9, threads = NULL,
                         progress = rlang::is_interactive()) {
  class <- "vgfm_error_control"
  structure(
    list(
      epsilon = check_number(epsilon, 0, bounds = "(]", allow_null = TRUE, class = class),
      tau = check_number(tau, 0, bounds = "(]", allow_null = TRUE, class = class),
      noise = check_number(noise, 0, allow_null = TRUE, class = class),
      width = check_count(width, max = 4096, class = class),
      depth = check_count(depth, max = 32, class = class),
      activation = check_choice(activation, names(activations), class = class),
      steps = check_count(steps, min = 0, class = class),
      batch = check_count(batch, max = 2^20, class = class),
      learning_rate = check_number(learning_rate, 0, 1, bounds = "(]", class = class),
      tolerance = check_number(tolerance, 1e-12, 0.1, class = class),
      transport_tolerance = check_number(transport_tolerance, 1e-12, 0.1, class = class),
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
  scale <- snapshots$scale
  control$epsilon <- control$epsilon %||% (default_epsilon * scale^2)
  control$tau <- control$tau %||% (default_tau * scale^2)
  control$noise <- control$noise %||% (0.02 * scale)
  control$threads <- use_threads(control$threads)
  control
}

#' @export
print.vgfm_control <- function(x, ...) {
  shown <- vapply(x, function(v) if (is.null(v)) "from the data" else format(v), "")
  cli::cat_line(format(names(shown)), "  ", shown)
  invisible(x)
}
