#' A method in its parts
#'
#' What is fitted, apart from how hard ([vgfm_control()]): a coupling of neighbouring
#' snapshots, a path between the cells of a pair, a model of growth, a way of training.
#' Take a method of [vgfm_methods()], set parameters of its parts, or replace parts. Parts
#' that do not go together are refused before anything runs.
#'
#' @section What the data decide: Values that are `NULL` are chosen when a fit starts;
#' `fit$method` has what was used. V is the variance within a snapshot, summed over
#' features, mean over snapshots: the size of the population itself, whatever distance it
#' travels. `bench/ablation.md` in the sources shows what each choice does for `vgfm`.
#' * `tau` decides the growth rates, interval by interval. On 400 cells of each of the
#'   two snapshots, couplings are solved along a grid of `tau` from 64 V to V / 32 (V
#'   here of these two), and log descendants averaged over 30 neighbours. As `tau`
#'   falls, they spread more. Where motion alone makes them differ, they do so
#'   gradually: of a cloud (Gaussian) that moves, the slope of log spread by log `tau`
#'   falls by no more than a third while `tau` falls to a quarter. Where branches of
#'   the population really grow and shrink, the spread rises as 1 / `tau` until mass
#'   change is cheaper than transport between branches, and then rests. Such a corner
#'   (a fall by 0.38 + 15 / n or more, n the number of cells, to a slope of at most
#'   0.3) identifies growth, if at least half of the cells count as parents there or
#'   the same few for all smaller `tau`. Its upper end is taken, where the slope is
#'   twice the flattest, between 0.1 and 0.3. Otherwise the data do not tell growth
#'   from motion, and a message says so: `tau` is then 3 V, or as much more as keeps
#'   log descendants from spreading by more than 0.15 over all such intervals
#'   together. There a cell is expected to grow as cells like it do in the intervals
#'   that identify growth, if any do. Where log descendants spread by 0.1 at most even at
#'   V / 4, growth is identified, too: it is the same for all. See
#'   [vgfm_identifiability()].
#' * `components` of the semi-relaxed coupling: with more than 1000 features, cells are
#'   compared in the 50 leading principal components of all cells (made of 4000 of them),
#'   and V is the variance there. That is where cells are coupled, `tau` is chosen and
#'   neighbours are looked for; paths, fields and [vgfm_evaluate()] are in all features.
#'   The guide *A fit in 2000 genes* shows what happens otherwise.
#' * `time` of growth: growth is learned as a property of the state of a cell, without
#'   the time, unless the data say that it changes: where two intervals in a row
#'   differ about the same states, or in the growth of all, by more than 0.8 of the
#'   variance of all growth rates, or where the clock of [vgfm_control()] runs unevenly.
#'   On the path `"cone"` it always changes with time. Rows of intervals that do not
#'   identify growth weigh 0.02, if others do. What is taught is the mean number of
#'   descendants of 30 neighbours.
#' * `epsilon` is 0.007 V in the semi-relaxed and the entropic coupling: between a third
#'   and three times of it, fits are equally good.
#' * `noise` is the local spacing, which is the median distance between nearest cells of a
#'   snapshot over the root of the number of features, times 2 in many dimensions and less
#'   in few (2 sqrt(d / (d + 30))), and times sqrt(K / 4) in more than K = 4 intervals,
#'   whose errors add up; at least 2 % of the root of the mean variance of a feature. Less
#'   lets the field learn single cells by heart, which shrinks the predicted cloud in many
#'   dimensions; more blurs it in few. One row in eight has noise as wide as the snapshot
#'   and a fiftieth of the weight, so that cells beside the data move as their neighbours.
#' * `bend` and `pooling`: with more than two times, straight lines between them change
#'   direction at every observed time. Bent paths pass through a cell with one velocity,
#'   between the mean that arrives there and the mean that leaves, the shorter gap
#'   counting more; it is at most three times the slower of the two, so that a course
#'   that slows down is not overshot. How much of that is right depends on the data: on
#'   simulated gene networks all of it halves the error at a time left out, on noisy
#'   cells in many dimensions it adds to it. So with four times or more, up to 8 inner
#'   times are left out in turn, their neighbours coupled (300 cells of each), and pairs
#'   put where paths have them at that time. The candidate (`bend` 0, 0.25, 0.5, 0.75 or
#'   1, `pooling` 0, 0.5 or 1) is taken with the lowest W1, geometric mean over these
#'   times. Noise is not to choose: an end of a range is taken over its middle only if it
#'   gains 1 % of the W1 at a single time. With fewer times, both are 0.5. `fit$bend` has
#'   the candidates and their W1.
#' * Couplings that are unbalanced at both ends have twice that `tau`, as each end pays
#'   for half of a gain; or more, where even the nearest cells of two snapshots are far
#'   apart, as noise has them in many dimensions: 4 times the square of 2 / pi of the
#'   distance within which one in ten cells has one of the other snapshot. `delta` of
#'   Wasserstein-Fisher-Rao geometry is half the root of it, as both costs agree at small
#'   distances. `epsilon` is a thousandth of it.
#' * `sigma` of a Brownian bridge is such that the noise gathered in the middle of a mean
#'   gap is `noise`, or that of the `epsilon` that is given. In `udsb`, whose simulated
#'   paths are to reach the next snapshot, the noise of a mean gap is half of the standard
#'   deviation of a feature within a snapshot. `epsilon` of a coupling
#'   beside it is `2 sigma^2` times the gap, which makes a Schroedinger bridge of them.
#' * `metric` of learned paths is `"land"` in up to 10 features, `"rbf"` in more. Their
#'   network has a quarter of the `steps` of matching. `rho` is 0.1 and `alpha` 1 for all
#'   data: with a tenth of that `rho`, times left out of simulated gene networks and of
#'   mouse haematopoiesis were found no better.
#'
#' @param name One of [vgfm_methods()].
#' @param ... Parameters of its parts, by name, such as `tau = 10` or `noise = 0`; see
#'   [method_parts].
#' @param coupling,path,growth,training Parts to take in place of those of the method.
#' @param settings `"data"` leaves to the data what is not given; `"paper"` takes what its
#'   authors published, as [vgfm_methods()] lists it.
#' @return A list of class `vgfm_method`: `name`, `coupling`, `path`, `growth` and
#'   `training`.
#' @section Errors: `vgfm_error_method` for unknown names, values out of range, and parts
#'   that do not go together.
#' @export
#' @seealso [vgfm_methods()], [vgfm_fit()]
#' @examples
#' vgfm_method("vgfm", tau = 10, noise = 0.1)
#' vgfm_method("ot_cfm", settings = "paper")
vgfm_method <- function(name = "vgfm", ..., coupling = NULL, path = NULL, growth = NULL,
                        training = NULL, settings = c("data", "paper")) {
  check_arguments(part_parameters, class = method_error)
  call <- rlang::current_env()
  name <- check_choice(name, names(method_table), class = method_error,
                       hint = "{.fn vgfm_methods} lists them.")
  settings <- check_choice(settings, c("data", "paper"), class = method_error)
  entry <- method_table[[name]]()
  method <- new_method(name, entry$parts)
  if (settings == "paper") method <- as_published(method, entry$paper, call)
  given <- list(coupling = coupling, path = path, growth = growth, training = training)
  for (kind in names(Filter(Negate(is.null), given))) {
    check_part(given[[kind]], kind, call)
    method[[kind]] <- given[[kind]]
  }
  method <- set_parameters(method, list(...), call)
  check_method(method, call = call)
}

part_parameters <- c("minibatch", "tau", "epsilon", "prior_strength", "delta",
                     "noise", "bend", "pooling", "sigma", "time", "mass", "matching",
                     "energy", "energy_growth", "metric", "width", "rho", "alpha",
                     "steps", "cells", "bandwidth", "rounds", "components", "pinn")

# `paper`: parts that its authors have instead, and parameters of parts.
as_published <- function(method, paper, call) {
  if (is.null(paper)) {
    abort_input(c("There are no published settings of {.val {method$name}}.",
                  i = "Leave {.arg settings} out."), arg = "settings",
                class = method_error, call = call)
  }
  whole <- names(paper) %in% part_kinds
  method[names(paper)[whole]] <- paper[whole]
  set_parameters(method, paper[!whole], call)
}

part_kinds <- c("coupling", "path", "growth", "training")

# The class of each part is the name of its constructor.
part_classes <- c(
  "coupling_exact", "coupling_entropic", "coupling_semirelaxed", "coupling_unbalanced",
  "path_straight", "path_smooth", "path_brownian", "path_cone", "path_metric",
  "growth_none", "growth_uniform", "growth_learned",
  "training_match", "training_refine", "training_none", "training_simulate",
  "training_density", "training_ipf"
)

new_method <- function(name, parts) {
  parts <- stats::setNames(lapply(part_kinds, function(kind) parts[[kind]]), part_kinds)
  structure(c(name = name, parts), class = "vgfm_method")
}

check_part <- function(part, kind, call) {
  made <- is.list(part) && inherits(part, paste0("vgfm_", kind)) &&
    class(part)[1] %in% part_classes
  if (made && startsWith(class(part)[1], paste0(kind, "_"))) return(invisible())
  makers <- paste0(kind, "_", c(coupling = "exact", path = "straight",
                                growth = "learned", training = "match")[[kind]], "()")
  abort_input(c("{.arg {kind}} must be a part such as {.code {makers}} makes, not
                 {describe(part)}.", i = "See {.code ?method_parts}."),
              arg = kind, class = method_error, call = call)
}

# Hands each parameter to the parts that have it; a coupling and a path may share one.
set_parameters <- function(method, numbers, call) {
  if (length(numbers) == 0) return(method)
  kinds <- part_kinds
  known <- lapply(method[kinds], names)
  twice <- names(numbers)[duplicated(names(numbers))]
  if (any(nzchar(twice))) {
    abort_input(c("The parameter {.arg {twice[1]}} is given twice.",
                  i = "Give it once; parts that share it all take it."),
                arg = twice[1], class = method_error, call = call)
  }
  for (name in names(numbers) %||% "") {
    having <- kinds[vapply(known, function(all) name %in% all, NA)]
    if (length(having) == 0 || name == "cost") {
      all <- setdiff(unlist(known, use.names = FALSE), "cost")
      abort_input(c(
        if (nzchar(name)) {
          "The method {.val {method$name}} has no parameter {.arg {name}}."
        } else "Parameters of parts must have names.",
        i = if (length(all) > 0) "Its parameters are {.arg {in_full(unique(all))}}."
        else "It has none."
      ), arg = name, class = c(method_error, "vgfm_error_argument"), call = call)
    }
    for (kind in having) {
      part <- method[[kind]]
      part[name] <- list(numbers[[name]])
      method[[kind]] <- remake_part(part, call)
    }
  }
  method
}

# The part as its constructor makes it, which checks the values.
remake_part <- function(part, call) {
  maker <- get(class(part)[1], mode = "function")
  tryCatch(do.call(maker, unclass(part)), vgfm_error = function(condition) {
    condition$call <- rlang::error_call(call)
    rlang::cnd_signal(condition)
  })
}

is_learned <- function(method) inherits(method$growth, "growth_learned")
is_density_trained <- function(method) inherits(method$training, "training_density")
is_simulated <- function(method) inherits(method$training, "training_simulate")
is_bridged <- function(method) inherits(method$training, "training_ipf")
is_trained_method <- function(method) !inherits(method$training, "training_none")
has_score <- function(method) {
  inherits(method$path, "path_brownian") && is_trained_method(method)
}
is_balanced <- function(coupling) {
  inherits(coupling, c("coupling_exact", "coupling_entropic"))
}

# The networks of a method.
head_names <- function(method) {
  if (!is_trained_method(method)) return(character())
  score <- if (is_simulated(method)) "potential" else "score"
  c("velocity", if (is_learned(method)) "growth", if (has_score(method)) score)
}

gives <- function(method) {
  growth <- switch(part_name(method$growth), learned = "growth by state",
                   uniform = "one growth rate per interval", none = NULL)
  c(if (is_trained_method(method)) "velocity" else "populations", growth,
    if (has_score(method)) c("score", "stochastic paths"))
}

# A method in a line, with all that is set.
show_method <- function(method) {
  parts <- vapply(part_kinds, function(kind) show_part(method[[kind]]), "")
  paste0(method$name, ": ", paste(part_kinds, parts, collapse = ", "))
}

#' @export
print.vgfm_method <- function(x, ...) {
  cli::cat_line("Method ", x$name)
  for (kind in part_kinds) {
    cli::cat_line("  ", format(kind, width = 9), show_part(x[[kind]]))
  }
  invisible(x)
}
