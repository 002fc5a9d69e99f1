# What a method leaves to the data, in units of x.

# Epsilon of an unbalanced coupling as a share of its tau: log gains then are right to
# .001 where they spread by .08.
unbalanced_entropy <- 1e-3

# All but what identify_growth() and choose_bend() find: `tau`, and the bend.
resolve_method <- function(method, snapshots, control, call = rlang::caller_env()) {
  check_unit(snapshots$scale, call)
  gaps <- diff(snapshots$times)
  check_method_prices(method, length(gaps), call)
  check_prior_use(method, snapshots, call)
  if ("noise" %in% names(method$path)) {
    method$path$noise <- method$path$noise %||% path_noise(snapshots, control)
  }
  if (inherits(method$path, "path_brownian")) {
    method$path$sigma <- method$path$sigma %||%
      (if (is_bridged(method)) ipf_sigma(snapshots) else
        bridge_sigma(method$coupling, snapshots, control))
    # Pairs of clouds that are rolled out are none of the coupling's.
    if (!is_simulated(method)) {
      method$coupling <- bridge_coupling(method$coupling, method$path$sigma, gaps, call)
    }
  }
  if ("epsilon" %in% names(method$coupling) && is.null(method$coupling$epsilon) &&
        !inherits(method$coupling, "coupling_unbalanced")) {
    method$coupling$epsilon <- 0.007 * within_variance(snapshots)
  }
  # A prior has one factor for each interval.
  if (is_bridged(method) && is_learned(method)) {
    method$growth$time <- method$growth$time %||% TRUE
  }
  if (has_learned_path(method)) {
    method$path$metric <- metric_kind(method$path, ncol(snapshots$x))
    check_features_of_metric(method$path$cells, snapshots, call)
  }
  if (is_density_trained(method)) {
    check_density_features(snapshots, method, call)
    method$training$bandwidth <- method$training$bandwidth %||%
      likely_bandwidth(snapshots)
    check_density_neighbours(snapshots, method, call)
  }
  if (is_simulated(method)) check_equation_features(snapshots, method, call)
  # Along a cone mass falls and rises at the same states.
  if (inherits(method$path, "path_cone")) method$growth$time <- TRUE
  method
}

# A prior is what sources are expected to leave, and only one coupling asks for that.
check_prior_use <- function(method, snapshots, call) {
  if (is_bridged(method) && is_learned(method) &&
        !any(is.finite(snapshots$prior$rate))) {
    abort_input(c(
      "{.fn training_ipf} learns the growth that a {.arg growth_prior} says, and there is
       none.",
      i = "Give one, or use {.fn growth_uniform}."
    ), arg = "growth_prior", class = method_error, call = call)
  }
  reads_pairs <- !is_simulated(method) && !is_density_trained(method)
  told <- inherits(method$coupling, "coupling_semirelaxed") && reads_pairs &&
    (!is_bridged(method) || is_learned(method))
  if (is.null(snapshots$prior) || told) return(invisible())
  abort_input(c(
    "The method {.val {method$name}} makes no use of a growth prior or of stable cells.",
    i = if (is_bridged(method)) {
      "Leave {.arg growth_prior} and {.arg stable} out, or pass {.code method =
       vgfm_method(\"udsb\", coupling = coupling_semirelaxed(), growth =
       growth_learned())}."
    } else {
      "Leave {.arg growth_prior} and {.arg stable} out, or use
       {.fn coupling_semirelaxed} with {.fn training_match} or
       {.fn training_refine}."
    }
  ), arg = "growth_prior", class = method_error, call = call)
}

# For each interval the distance, in units of x, within which one in ten cells of either
# snapshot has one of the other. Noise in many dimensions keeps all cells so far apart,
# and a jump of the whole population too: then a price of mass alone may leave nobody in
# reach. One in ten, as others may rightly have no partner: they die out.
partner_distance <- function(snapshots, control) {
  vapply(seq_len(length(snapshots$times) - 1), function(k) {
    problem <- interval_problem(snapshots, k, partner_cells)
    nearest <- function(points, queries) {
      nearest_cells(t(points), t(queries), 1, control)$distance
    }
    far <- c(nearest(problem$x, problem$y), nearest(problem$y, problem$x))
    unname(stats::quantile(far, 0.1)) * snapshots$scale
  }, 0)
}
partner_cells <- 1000

# Once `tau` is known, one number per interval. `reach`: of partner_distance(); where mass
# changes at both ends, cells so far apart are worth a path. On the cone that turns by
# half of a right angle.
resolve_tau <- function(method, tau, reach = 0) {
  coupling <- method$coupling
  intervals <- length(tau)
  if (inherits(coupling, "coupling_semirelaxed")) {
    coupling$tau <- rep_len(coupling$tau %||% tau, length(tau))
  }
  if (inherits(coupling, "coupling_unbalanced")) {
    # A gain is shared by both ends, each of which pays for half of it: the price of all
    # is half of what a source alone would pay.
    tau <- coupling$tau %||% pmax(2 * tau, 4 * (2 / pi * reach)^2)
    if (coupling$cost == "log_cos") {
      coupling$delta <- coupling$delta %||% method$path$delta %||% (sqrt(tau) / 2)
      tau <- coupling$tau %||% (4 * coupling$delta^2)
    }
    coupling$tau <- rep_len(tau, intervals)
    coupling$epsilon <- coupling$epsilon %||% (unbalanced_entropy * coupling$tau)
    if (inherits(method$path, "path_cone")) method$path$delta <- coupling$delta
  }
  method["coupling"] <- list(coupling)
  method
}

# The local spacing of cells, and more of it in many dimensions and long courses.
path_noise <- function(snapshots, control) {
  features <- ncol(snapshots$x)
  longer <- max(1, (length(snapshots$times) - 1) / longest_course)
  max(2 * sqrt(features / (features + 30) * longer) *
        local_spacing(snapshots, use_threads(control$threads)),
      least_noise * snapshots$scale)
}

# A Brownian bridge over a mean gap is sigma sqrt(gap) / 2 wide in its middle: as wide as
# the noise of straight paths. A given epsilon of the coupling has its own sigma.
bridge_sigma <- function(coupling, snapshots, control) {
  gap <- mean(diff(snapshots$times))
  if (inherits(coupling, "coupling_entropic") && length(coupling$epsilon) > 0) {
    return(sqrt(mean(coupling$epsilon) / (2 * gap)))
  }
  2 * path_noise(snapshots, control) / sqrt(gap)
}

# Paths are to reach all cells of the next snapshot within a few rounds: in a mean gap
# they gather half of the spread of a snapshot.
ipf_sigma <- function(snapshots) {
  spread <- sqrt(within_variance(snapshots) / ncol(snapshots$x))
  ipf_share * spread / sqrt(mean(diff(snapshots$times)))
}
ipf_share <- 0.5

# Pairs of a Schroedinger bridge have epsilon = 2 sigma^2 gap: an epsilon that is given
# must agree, or the rows belong to no process.
bridge_coupling <- function(coupling, sigma, gaps, call) {
  if (!"epsilon" %in% names(coupling)) return(coupling)
  epsilon <- 2 * sigma^2 * gaps
  given <- coupling$epsilon
  if (!is.null(given) && inherits(coupling, "coupling_entropic") &&
        any(abs(given / epsilon - 1) > 1e-6)) {
    abort_input(c(
      "{.arg epsilon} and {.arg sigma} disagree: a bridge with sigma
       {format(sigma, digits = 4)} has epsilon 2 sigma^2 gap, here
       {in_short(format(epsilon, digits = 4, trim = TRUE))}.",
      i = "Give one of them."
    ), arg = "epsilon", class = method_error, call = call)
  }
  coupling$epsilon <- given %||% epsilon
  coupling
}

# The epsilon of the scan of tau: that of the coupling, where it is one as the scan's.
scan_epsilon <- function(method, snapshots) {
  own <- inherits(method$coupling, "coupling_semirelaxed") &&
    (is_simulated(method) || !inherits(method$path, "path_brownian")) &&
    length(method$coupling$epsilon) == 1
  if (own) method$coupling$epsilon else 0.007 * within_variance(snapshots)
}

# Of couplings and paths: one number, or one per interval.
prices <- c("tau", "epsilon", "delta")
check_method_prices <- function(method, intervals, call) {
  for (part in method[c("coupling", "path")]) {
    for (price in intersect(prices, names(part))) {
      check_prices_of_intervals(part[[price]], intervals, price, call)
    }
  }
}

# The method where the snapshot at `place` is left out; NA for none.
method_without_time <- function(method, place) {
  if (is.na(place)) return(method)
  for (kind in c("coupling", "path")) {
    for (price in intersect(prices, names(method[[kind]]))) {
      method[[kind]][price] <- list(without_time(method[[kind]][[price]], place))
    }
  }
  method
}

# Prices of all intervals without a time inside: that of the interval over it is the
# larger of two.
without_time <- function(tau, place) {
  if (length(tau) < 2) return(tau)
  c(tau[seq_len(place - 2)], max(tau[place - 1:0]), tau[-seq_len(place)])
}
