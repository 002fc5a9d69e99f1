# The parts that methods are made of: couplings, paths, growth, training. A part is a list
# of its parameters; NULL means that the data decide when a fit starts.

new_part <- function(kind, name, ...) {
  structure(list(...), class = c(paste0(kind, "_", name), paste0("vgfm_", kind)))
}

part_name <- function(part) sub("^[a-z]+_", "", class(part)[1])

# For checks of arguments: the class of their errors.
method_error <- "vgfm_error_method"

#' Parts of a method
#'
#' A method of learning from snapshots is a coupling of neighbouring snapshots, a path
#' between the cells of a pair, a model of growth, and a way of training. [vgfm_method()]
#' puts parts together; these functions make them. `NULL` leaves a value to the data, as
#' [vgfm_method()] says under "What the data decide".
#'
#' @section Couplings:
#' * `coupling_exact()`: optimal transport with squared distances, masses kept at both
#'   ends (network simplex). With `minibatch`, plans of random batches, averaged.
#' * `coupling_entropic()`: the same with entropy, a static Schroedinger bridge.
#' * `coupling_semirelaxed()`: sources may leave more or fewer descendants, at the price
#'   `tau`; every target has its ancestors.
#' * `coupling_unbalanced()`: masses may change at both ends. With `cost = "log_cos"` it
#'   is Wasserstein-Fisher-Rao transport: cells further apart than pi `delta` are no pair.
#'
#' @section Paths:
#' * `path_straight()`: at constant speed, positions with noise of one size.
#' * `path_smooth()`: the same, bent where straight lines would change direction at an
#'   observed time.
#' * `path_brownian()`: Brownian bridge with `sigma` per root of time. It gives a score,
#'   so cells can be simulated with noise.
#' * `path_cone()`: geodesic of the Wasserstein-Fisher-Rao metric; mass changes along it.
#' * `path_metric()`: straight lines, bent by a network that is trained first to make them
#'   short under a metric that is small where cells are, see section "Learned paths".
#'
#' @section Growth:
#' * `growth_none()`: mass is constant.
#' * `growth_uniform()`: one rate for all cells of an interval, from the masses.
#' * `growth_learned()`: a network, taught the log descendants of the coupling, or on the
#'   cone the rate along the path.
#'
#' @section Training:
#' * `training_match()`: networks are regressed on pairs.
#' * `training_refine()`: the same, then fitted to the snapshots by simulation, as
#'   [vgfm_control()] has it under "Refinement".
#' * `training_simulate()`: from networks that know nothing, cells of the first snapshot
#'   are rolled out through all times, and the fields follow the gradient of the distances
#'   to the snapshots, of the mass errors and of the energies of motion and growth. With
#'   `path_brownian()`, a potential is then matched whose gradient is the score. No pairs
#'   are read: the coupling gives the units of the networks, the clock, and the answers
#'   that follow couplings ([vgfm_fates()], [vgfm_identifiability()]); of the path,
#'   `sigma` alone counts.
#' * `training_density()`: points of the density of a later snapshot are carried back to
#'   the snapshots before, and the log densities that they arrive with are compared with
#'   those there; so are the masses that the cells of the first time make. The price is
#'   the Wasserstein-Fisher-Rao action of these cells. The coupling and the path are not
#'   read: they give the units, and answer what is asked of couplings ([vgfm_fates()]).
#' * `training_ipf()`: iterated proportional fitting. Drifts of both directions are
#'   regressed in turns on paths that the other one simulates, with births and deaths;
#'   then velocity and score on both. All rounds together have as many training steps as
#'   `steps` of [vgfm_control()] says, velocity and score as many again. It needs
#'   `path_brownian()`.
#' * `training_none()`: nothing is learned.
#'
#' @section Learned paths:
#' Between cells x0 and x1 a path is x0 + s (x1 - x0) + 2 s (1 - s) phi(x0, x1, t), with a
#' network phi that makes the energy of paths small, the mean of M(x) times the squared
#' velocity (Kapusniak and others 2024). It is trained before the fields, and then stays
#' as it is. M = (h + `rho`)^-`alpha` has, in each interval, up to 1000 cells of both its
#' ends, evenly spread:
#' * `"land"`, for up to 10 features: of each feature, h is the spread of the cells about
#'   a place, under a bell of width `width` times the distance (median of the cells)
#'   within which a twentieth of the cells lie. It is divided by its mean at the cells.
#' * `"rbf"`, for more: h is a sum of up to 100 bells about centres of the cells
#'   (k-means), `width` times as wide as the cells of a centre spread, weighted so that h
#'   is near 1 at the cells.
#'
#' So h is about 1 where cells are and 0 far from them, whatever their number and units,
#' and `rho` says how much shorter a way through cells is than one beside them: with
#' `alpha` 1, 1 / `rho` times. With `alpha = 0` paths are straight.
#'
#' What the metric does not see, it does not bend to: where both ends of an interval are
#' far apart and no cell lies between them, paths remain straight. Cells in between, as
#' of another experiment, can be given as `cells`; they are coupled with nobody. They are
#' not left out where [vgfm_cv()] leaves a time out, so they must not be cells of it.
#' `fit$training$path$losses` has the energy of the paths over that of straight lines, a
#' row per interval and a column per step.
#'
#' @param minibatch Cells of either snapshot in a batch; `NULL` for the plan of all.
#' @param epsilon Entropic regularisation of the coupling, in squared units of `x`;
#'   positive; one number, or one for each interval. Smaller means sharper pairs and more
#'   work.
#' @param tau Price of changing a cell's mass in the coupling, in squared units of `x`;
#'   positive. Large values force equal numbers of descendants, small ones let mass
#'   appear wherever the target is near. One number, or one for each interval.
#' @param prior_strength How far a growth prior is believed, from 0 (not at all) to 1 (as
#'   far as the data do not contradict it), see [vgfm_fit()].
#' @param components Number of leading principal components of all cells in which these
#'   are compared with each other, when they are coupled and when neighbours are looked
#'   for. `NULL`: 50 where there are more than 1000 features, else all features. `Inf`:
#'   all features. Paths and fields are in all features at any rate. In thousands of genes
#'   distances are those of noise: `tau` is then chosen far too high, and cells with few
#'   counts seem to be far from all others.
#' @param cost `"squared"` distances or `"log_cos"`.
#' @param delta Length, in units of `x`, that a cell travels at the cost of growing by a
#'   factor; positive; one number, or one for each interval. With `"log_cos"`, `tau` is
#'   `4 delta^2` unless given.
#' @param noise Standard deviation of the noise added to positions on the path, in units
#'   of `x`; at least 0.
#' @param bend How much paths between paired cells bend, from 0 (straight lines) to 1
#'   (no change of velocity at a cell, on average).
#' @param pooling How far the bend at a cell is drawn to the mean of its snapshot, from 0
#'   (its own) to 1 (that of all). A cell's own is noisy where cells are.
#' @param sigma Standard deviation of the noise that gathers in a unit of time, in units
#'   of `x`; positive.
#' @param mass,matching Weights, at least 0, of the squared relative error of mass and of
#'   the loss of matching, beside the Wasserstein-1 distance in standard units.
#' @param energy,energy_growth Weights, at least 0, of the integrals over time of squared
#'   speed and of squared growth rate along the ways of cells, by their mass and in
#'   standard units. More energy for motion means shorter ways at the price of distance:
#'   on simulated gene networks, 0.1 told growth better than 0.03 (correlation with the
#'   truth 0.99 and 0.97) where W1 rose from 0.030 to 0.037.
#' @param pinn Weight, at least 0, of the equation of continuity in the training of the
#'   potential, beside the squared error of the score in units of its network. With the
#'   potential s, log density is 2 s / sigma^2, and along the flow with velocity v and
#'   growth g it is to change by g - div v: (2 / sigma^2) (ds/dt + v . grad s) + div v - g
#'   is 0. The square of what it is instead is taken per standard time, at cells of the
#'   first snapshot on their way. Velocity and growth do not change by it, but the score
#'   gives way: on a simulated gene network (`sigma` 0.2), its correlation with that of
#'   weight 0 was 0.99 for 0.01 and 0.96 for 1, and W1 of paths with noise rose from 0.245
#'   to 0.246 and 0.250. It needs `path_brownian()` and at most 10 features, as div v is
#'   exact.
#' @param metric `"land"`, `"rbf"`, or `NULL` for the one that suits the number of
#'   features.
#' @param width Width of the bells of the metric, relative to the cells; positive.
#' @param rho,alpha The metric is (h + `rho`)^-`alpha`, see section "Learned paths"; `rho`
#'   positive, `alpha` at least 0.
#' @param steps Steps of training of the paths; `NULL` for a quarter of those of matching.
#' @param cells Further cells that the metric sees, or `NULL`: a matrix with a row per
#'   cell and the features of `x` as columns, in their order and units; of more than 1000,
#'   some that are evenly spread.
#' @param bandwidth Standard deviation of the kernels that make the density of a snapshot,
#'   in units of `x`; positive. `NULL`: 1.5 times that at which cells are most likely
#'   under the density of the others.
#' @param rounds How often each of the two drifts is learned anew.
#' @param time May growth change with time at the same state? `NULL`: as the data have it.
#' @param ... Must be empty.
#' @return A list of class `vgfm_coupling`, `vgfm_path`, `vgfm_growth` or `vgfm_training`.
#' @section Errors: A value out of its range is an error of class `vgfm_error_method`.
#' @references [vgfm_methods()] names the sources.
#' @name method_parts
#' @seealso [vgfm_method()]
#' @examples
#' vgfm_method("ot_cfm", coupling = coupling_exact(minibatch = 256))
#' vgfm_method("vgfm", path = path_straight(noise = 0.1))
NULL

#' @rdname method_parts
#' @export
coupling_exact <- function(minibatch = NULL, ...) {
  check_arguments(class = method_error)
  new_part("coupling", "exact", minibatch =
             check_count(minibatch, min = 2, allow_null = TRUE, class = method_error))
}

#' @rdname method_parts
#' @export
coupling_entropic <- function(epsilon = NULL, ...) {
  check_arguments(class = method_error)
  new_part("coupling", "entropic",
           epsilon = check_prices(epsilon, class = method_error))
}

#' @rdname method_parts
#' @export
coupling_semirelaxed <- function(tau = NULL, epsilon = NULL, prior_strength = 1,
                                 components = NULL, ...) {
  check_arguments(class = method_error)
  new_part("coupling", "semirelaxed", tau = check_prices(tau, class = method_error),
           epsilon = check_prices(epsilon, class = method_error),
           prior_strength = check_number(prior_strength, 0, 1, class = method_error),
           components = check_components(components))
}

check_components <- function(x, call = rlang::caller_env()) {
  if (is.numeric(x) && length(x) == 1 && isTRUE(x == Inf)) return(Inf)
  check_count(x, arg = "components", allow_null = TRUE, class = method_error, call = call)
}

#' @rdname method_parts
#' @export
coupling_unbalanced <- function(tau = NULL, epsilon = NULL,
                                cost = c("squared", "log_cos"), delta = NULL, ...) {
  check_arguments(class = method_error)
  cost <- check_choice(cost, c("squared", "log_cos"), class = method_error)
  if (cost == "squared" && !is.null(delta)) {
    abort_input(c("{.arg delta} is a length of the cost {.val log_cos}.",
                  i = "Use {.code cost = \"log_cos\"}, or leave it out."),
                arg = "delta", class = method_error)
  }
  new_part("coupling", "unbalanced", tau = check_prices(tau, class = method_error),
           epsilon = check_prices(epsilon, class = method_error), cost = cost,
           delta = check_prices(delta, class = method_error))
}

#' @rdname method_parts
#' @export
path_straight <- function(noise = NULL, ...) {
  check_arguments(class = method_error)
  new_part("path", "straight",
           noise = check_number(noise, 0, allow_null = TRUE, class = method_error))
}

#' @rdname method_parts
#' @export
path_smooth <- function(noise = NULL, bend = NULL, pooling = NULL, ...) {
  check_arguments(class = method_error)
  new_part("path", "smooth",
           noise = check_number(noise, 0, allow_null = TRUE, class = method_error),
           bend = check_number(bend, 0, 1, allow_null = TRUE, class = method_error),
           pooling = check_number(pooling, 0, 1, allow_null = TRUE, class = method_error))
}

#' @rdname method_parts
#' @export
path_brownian <- function(sigma = NULL, ...) {
  check_arguments(class = method_error)
  new_part("path", "brownian",
           sigma = check_number(sigma, 0, bounds = "(]", allow_null = TRUE,
                                hint = "Without noise, take {.fn path_straight}.",
                                class = method_error))
}

#' @rdname method_parts
#' @export
path_cone <- function(delta = NULL, ...) {
  check_arguments(class = method_error)
  new_part("path", "cone",
           delta = check_prices(delta, class = method_error))
}

#' @rdname method_parts
#' @export
path_metric <- function(metric = NULL, noise = NULL, width = 1, rho = 0.1, alpha = 1,
                        steps = NULL, cells = NULL, ...) {
  check_arguments(class = method_error)
  if (!is.null(metric)) {
    metric <- check_choice(metric, c("land", "rbf"), class = method_error)
  }
  new_part("path", "metric", metric = metric,
           noise = check_number(noise, 0, allow_null = TRUE, class = method_error),
           width = check_number(width, 0, bounds = "(]", class = method_error),
           rho = check_number(rho, 0, bounds = "(]", class = method_error),
           alpha = check_number(alpha, 0, class = method_error),
           steps = check_count(steps, min = 1, allow_null = TRUE, class = method_error),
           cells = check_metric_cells(cells))
}

# Further cells of a metric, as a matrix of numbers.
check_metric_cells <- function(cells, call = rlang::caller_env()) {
  if (is.null(cells)) return(NULL)
  if (is.data.frame(cells)) cells <- as.matrix(cells)
  fits <- is.matrix(cells) && is.numeric(cells) && nrow(cells) > 0 &&
    all(is.finite(cells))
  if (!fits) {
    abort_input(c("{.arg cells} must be a matrix of finite numbers with a row per cell,
                   not {describe(cells)}.",
                  i = "Its columns are the features of {.arg x}."),
                arg = "cells", class = method_error, call = call)
  }
  storage.mode(cells) <- "double"
  unname(cells)
}

#' @rdname method_parts
#' @export
growth_none <- function(...) {
  check_arguments(class = method_error)
  new_part("growth", "none")
}

#' @rdname method_parts
#' @export
growth_uniform <- function(...) {
  check_arguments(class = method_error)
  new_part("growth", "uniform")
}

#' @rdname method_parts
#' @export
growth_learned <- function(time = NULL, ...) {
  check_arguments(class = method_error)
  new_part("growth", "learned",
           time = check_flag(time, allow_null = TRUE, class = method_error))
}

#' @rdname method_parts
#' @export
training_match <- function(...) {
  check_arguments(class = method_error)
  new_part("training", "match")
}

#' @rdname method_parts
#' @export
training_refine <- function(mass = 10, matching = 1, ...) {
  check_arguments(class = method_error)
  new_part("training", "refine", mass = check_number(mass, 0, class = method_error),
           matching = check_number(matching, 0, class = method_error))
}

#' @rdname method_parts
#' @export
training_simulate <- function(energy = 0.03, energy_growth = 0.01, mass = 10, pinn = 0,
                              ...) {
  check_arguments(class = method_error)
  new_part("training", "simulate", energy = check_number(energy, 0, class = method_error),
           energy_growth = check_number(energy_growth, 0, class = method_error),
           mass = check_number(mass, 0, class = method_error),
           pinn = check_number(pinn, 0, class = method_error))
}

#' @rdname method_parts
#' @export
training_density <- function(mass = 10, energy = 0.001, energy_growth = 0.001,
                             bandwidth = NULL, ...) {
  check_arguments(class = method_error)
  new_part("training", "density", mass = check_number(mass, 0, class = method_error),
           energy = check_number(energy, 0, class = method_error),
           energy_growth = check_number(energy_growth, 0, class = method_error),
           bandwidth = check_number(bandwidth, 0, bounds = "(]", allow_null = TRUE,
                                    class = method_error))
}

#' @rdname method_parts
#' @export
training_ipf <- function(rounds = 10, ...) {
  check_arguments(class = method_error)
  new_part("training", "ipf",
           rounds = as.double(check_count(rounds, max = 1000, class = method_error)))
}

#' @rdname method_parts
#' @export
training_none <- function(...) {
  check_arguments(class = method_error)
  new_part("training", "none")
}

# A part in a line: its name, and what is set.
show_part <- function(part) {
  if (is.null(part)) return("none")
  values <- Filter(Negate(is.null), unclass(part))
  if (length(values) == 0) return(part_name(part))
  shown <- paste(names(values), vapply(values, show_setting, ""), sep = " ")
  paste0(part_name(part), " (", paste(shown, collapse = ", "), ")")
}

print_part <- function(x, ...) {
  cli::cat_line(sub("^vgfm_", "", class(x)[2]), ": ", show_part(x))
  invisible(x)
}

#' @export
print.vgfm_coupling <- print_part
#' @export
print.vgfm_path <- print_part
#' @export
print.vgfm_growth <- print_part
#' @export
print.vgfm_training <- print_part
