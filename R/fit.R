#' Learn velocity and growth from snapshots
#'
#' Fits one velocity field \eqn{v(x, t)} and one growth field \eqn{g(x, t)} to cells that
#' were observed at a few times, by Joint Velocity-Growth Flow Matching: neighbouring
#' snapshots are coupled by semi-relaxed optimal transport ([vgfm_couple()]), whose row
#' sums say how many descendants each cell has; two neural networks are then regressed on
#' the pairs, without simulation, and refined by what [vgfm_evaluate()] measures.
#'
#' `set.seed()` fixes the result, bit for bit, at any number of threads, on processors of
#' one kind (with AVX-512 or AVX2, with NEON, or others). Ctrl-C during
#' training returns the fit as it stands; [vgfm_resume()] goes on.
#'
#' For objects of Seurat and Bioconductor see [vgfm_fit.Seurat()].
#'
#' @section Times:
#' Gaps between times count, and rates are per unit of time. The unit is that of the
#' numbers; of labels such as `"E14.5"` or `"day 3"`, that of the number in them; a day
#' for dates and date-times; that of a `difftime`; a year for months and quarters. Factors
#' are read by their labels, whatever the order of their levels. Times that differ by no
#' more than rounding are an error.
#'
#' Every function of a fit takes times in the terms that the fit was made with, or as its
#' labels, and gives them back so: a column `time` holds dates where the fit has dates,
#' and a column `label` what the user calls each observed time. Times of another kind,
#' such as a date where the fit has numbers or a label with another unit, are an error.
#'
#' @section Growth expected beforehand:
#' A coupling may not tell growth from motion. It then follows what is expected of cells:
#' the same of all, or what `growth_prior` says. Of the prior differences between cells
#' count, as the masses fix the total of every interval. It is not taken at its word:
#' * Rates are averaged over up to 30 neighbours (fewer where a snapshot has less than 300
#'   cells), as growth is a property of the state, and over the way of a cell: half with
#'   its own rate, half with those of its descendants in the next snapshot. A cell of
#'   unknown rate has that of its neighbours where half of them have one; others are
#'   expected to grow as the population does.
#' * `reliability` is the share of the variance between neighbourhoods that is more than
#'   the variance within them would leave. Averages are drawn to their mean by it: for
#'   rates that have nothing to do with the state it is near 0, and the prior vanishes.
#' * `trust`: in intervals that tell growth from motion, log descendants of a coupling
#'   without the prior are compared with those of the prior. The prior is believed as far
#'   as both agree, from 0 (no relation, or the opposite one) to 1. Other intervals have
#'   the trust of those together; it is 1 where no interval can tell, so that there a
#'   wrong prior is believed.
#' * Where growth is not told from motion, `tau` is ten times as high as without a prior,
#'   unless you set it: what motion adds to log descendants falls to a tenth, and does not
#'   outweigh the prior.
#' * `believed` is reliability times trust times the `prior_strength` of the coupling, see
#'   [method_parts].
#'
#' `stable` cells have the rate 0, whatever `growth_prior` says of them, and their
#' couplings are solved until they have one descendant each, within 5 %. The growth field
#' learns that as it learns all else, and is near 0 there, not 0.
#'
#' `fit$prior` has a row per interval: `from`, `to`, `known` (share of the source cells of
#' whom something is expected), `reliability` (of their snapshot), `correlation` of prior
#' and data (`NA` where these do not tell), `trust` and `believed`. [augment()] gives the
#' prior of each cell as `vgfm_prior` beside its `vgfm_growth`, and `autoplot(fit,
#' "prior")` draws one against the other.
#'
#' @section How many cells:
#' A snapshot stands for its population. Some hundred cells at each time are enough for
#' velocities in a few dimensions. Growth needs more: its noise is that of the number
#' of cells of a kind, and in simulations 150 cells at each time were too few where a
#' kind was rare. With few cells, `floor` in [vgfm_evaluate()] is high, and says how
#' far two samples of one population are apart. `vignette("fit-quality")` shows fits to
#' 15, 60 and 240 cells at a time.
#'
#' A snapshot of fewer than 10 cells gives a warning of class `vgfm_warning_small`. Where
#' more than half of the times have a single cell, as with pseudotime, there is an error
#' of class `vgfm_error_time`: bin the times first, for example by
#' `ave(time, cut(time, 5))`.
#'
#' @param x Cells in rows, features (coordinates, principal components, genes) in columns:
#'   a numeric matrix, a data frame of numbers, a sparse `Matrix`, or a `DelayedMatrix`
#'   (as from HDF5Array), which is read block by block. All features share one scale;
#'   there must be at least two cells.
#' @param time Time of every cell: numbers, a factor, text with one number each such as
#'   `"E14.5"` or `"day 3"` (the number is used, and a message says so), `Date`,
#'   `POSIXct`, `difftime`, or `yearmon` and `yearqtr` of the package zoo; or, if `x` is a
#'   data frame, the name of its column of times. At least two distinct values,
#'   see section "Times". Times go by name where they and the rows of `x` have names, else
#'   by place. Every cell has a time here; drop those without.
#' @param mass Population size at each time, in order of time (or named by its label), in
#'   any unit. Default: the numbers of cells in `x`, which is right only if every snapshot
#'   holds the same share of the population.
#' @param ... For methods; must be empty here.
#' @param growth_prior What is known of growth beforehand, or `NULL`: a net rate (births
#'   less deaths) for each cell, per unit of time, `NA` where it is not known, by name
#'   where both have names; the result of [vgfm_growth_prior()]; or, if the columns of `x`
#'   are genes, `"human"`, `"mouse"` or a list of gene sets `proliferation` and
#'   `apoptosis`, of which [vgfm_growth_prior()] then makes rates with its defaults. See
#'   section "Growth expected beforehand".
#' @param stable Cells that neither divide nor die: `TRUE` or `FALSE` for each cell, or
#'   the names of such cells.
#' @param method What is fitted: a name of [vgfm_methods()], or a [vgfm_method()].
#' @param control How hard: settings of training and numerics, see [vgfm_control()].
#' @return An object of class `vgfm`: a list with `snapshots` (the data), `identified` and
#'   `scan` (the verdict of each interval on whether growth is told from motion, and what
#'   it rests on, see [vgfm_identifiability()]), `couplings` (for each interval the
#'   expected `descendants` of its source cells, potentials, cost, residual, and the
#'   `method` and number of `blocks` it was solved by), `bend` (what was tried for `bend`
#'   and `pooling` of [path_smooth()]: `w1` is the geometric mean over so many left-out
#'   `times`, in units of `x`; `NULL` where both were given), `field` (the networks),
#'   `history` (training losses), `checks` (see below), `seconds` by stage, `prior` (see
#'   "Growth expected beforehand"; `NULL` without one), `method` and `control` (as used),
#'   `training` (what [vgfm_resume()] needs) and `format`, a number that tells fits
#'   of other versions apart. Use [predict()], [vgfm_trajectories()], [vgfm_evaluate()]
#'   and [autoplot()] rather than its parts.
#' @section Checks: A trained fit is checked by what can be computed cheaply, and warns
#' (class `vgfm_warning_checks`) if a figure is beyond its limit. `fit$checks` is a data
#' frame with one row per check: `check`, `value`, `limit`, `passed` and `note`. They are
#' * `"training loss"`: loss at the end over that at the beginning, at most 10;
#' * `"refinement"`: it went to its end, or the note says why it stopped;
#' * `"predicted cells"`: by how many ranges of a feature a predicted cell lies outside of
#'   the data, at most 1;
#' * `"trained mass"`: relative error of the mass that training left, before it was made
#'   right at the observed times, at most 0.5;
#' * `"W1"`: distance between predicted and observed cells over the distance between two
#'   halves of the snapshot, mean over times (500 cells of each), at most 2.
#'
#' What may help where a check fails: a lower `learning_rate` (training loss, refinement,
#' predicted cells); `effort = "high"` (trained mass, W1); to look for cells far from all
#' others and for masses that jump (trained mass, predicted cells); more cells at each
#' time.
#'
#' A fit whose training was interrupted is not checked yet, and its masses are as training
#' left them: `fit$checks` is `NULL`.
#'
#' A fit that passes may still be wrong about what these figures do not see: which cells
#' grow, and what happens between the times.
#' @section Errors: All have class `vgfm_error`. `vgfm_error_input` for unusable
#'   arguments, with `vgfm_error_argument` for one that is missing, unknown or
#'   abbreviated, `vgfm_error_x`, `vgfm_error_time`, `vgfm_error_mass`,
#'   `vgfm_error_method` (also a `growth_prior` for a coupling that takes none),
#'   `vgfm_error_prior` (also rates that give a cell more than 10000 descendants between
#'   two snapshots, as where hours are taken for days) or `vgfm_error_control`;
#'   `vgfm_error_convergence` if a coupling cannot be solved to its tolerance.
#' @section Messages: `vgfm_message_time` says which numbers were read from labels,
#'   `vgfm_message_mass`, once in a session, that numbers of cells are taken for the size
#'   of the population, `vgfm_message_growth` between which times growth is not told from
#'   motion, or that the method does not learn which cells grow.
#' @section Warnings: `vgfm_warning_interrupted` after Ctrl-C, `vgfm_warning_diverged` if
#'   the loss grew without bound, `vgfm_warning_time_feature` if a feature is the time,
#'   `vgfm_warning_counts` if `x` looks like raw counts of many genes,
#'   `vgfm_warning_embedding` if the features of `x` are called as those of a UMAP or
#'   t-SNE, `vgfm_warning_small` for times of few cells, `vgfm_warning_far_cells` if a
#'   hundredth of the cells make up most of the variance, `vgfm_warning_mass` if numbers
#'   of cells, taken for masses, jump more than tenfold; `vgfm_warning_checks` if a check
#'   fails (see above), `vgfm_warning_checkpoint` if that file cannot be written,
#'   `vgfm_warning_stable` if `stable` cells cannot have one descendant each.
#' @references Wang, Jiang, Zhang, Gu, Zhou and Sun (2025), Joint Velocity-Growth Flow
#'   Matching for Single-Cell Dynamics Modeling, NeurIPS 2025, arXiv:2505.13413.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[c("x1", "x2")], cells$time, control = vgfm_control("fast"))
#' fit
#' vgfm_evaluate(fit)
vgfm_fit <- function(x, ...) {
  check_required()
  UseMethod("vgfm_fit")
}

#' @rdname vgfm_fit
#' @export
vgfm_fit.default <- function(x, time, mass = NULL, ..., growth_prior = NULL,
                             stable = NULL, method = "vgfm", control = vgfm_control()) {
  check_arguments()
  call <- rlang::current_env()
  method <- as_method(method, call = call)
  control <- check_control(control, call = call)
  snapshots <- as_snapshots(x, time, mass, growth_prior = growth_prior, stable = stable,
                            call = call)
  fit_snapshots(snapshots, method, control, call)
}

# Everything random hangs on one key.
fit_snapshots <- function(snapshots, method, control, call = rlang::caller_env(),
                          key = new_key()) {
  control <- resolve_control(control, snapshots, method, call)
  method <- resolve_components(method, snapshots)
  snapshots$leading <- leading_axes(snapshots, method$coupling$components)
  method <- resolve_method(method, snapshots, control, call)
  if (!is_learned(method)) inform_no_growth(method)
  if (!is_trained_method(method)) return(new_naive_fit(snapshots, method, control, key))
  chosen <- list()
  if (is_learned(method)) {
    chosen <- identify_growth(snapshots, scan_epsilon(method, snapshots), control)
    chosen$identified$tau <- tau_with_prior(chosen$identified, snapshots)
    inform_growth(chosen$identified, !is.null(snapshots$prior),
                  is_simulated(method) || is_density_trained(method))
    reach <- if (inherits(method$coupling, "coupling_unbalanced")) {
      partner_distance(snapshots, control)
    } else 0
    method <- resolve_tau(method, chosen$identified$tau, reach)
  }
  if (inherits(method$path, "path_smooth")) {
    paths <- choose_bend(method, control, snapshots)
    method$path[names(paths$settings)] <- paths$settings
    chosen$bend <- paths$table
  }
  run_stages(snapshots, method, control, chosen, key, call = call)
}

# The stages in order, from where they stand: `chosen` has what the choice of settings
# rests on (identified, scan, bend, as in a fit), `couplings` those that are solved, with
# their plans, and `training` its state.
run_stages <- function(snapshots, method, control, chosen, key, couplings = NULL,
                       training = NULL, seconds =
                         c(couple = 0, match = 0, refine = 0), call) {
  # The file belongs to the run, not to the fit.
  file <- control$checkpoint
  control["checkpoint"] <- list(NULL)
  lap <- new_stopwatch()
  spend <- function(stage) seconds[[stage]] <<- seconds[[stage]] + lap()
  save <- new_checkpoint(file, function(couplings, training = NULL) {
    structure(list(format = fit_format, snapshots = snapshots, method = method,
                   control = control, chosen = chosen, key = key, couplings = couplings,
                   training = training, seconds = seconds), class = "vgfm_checkpoint")
  }, call)
  identified <- chosen$identified$identified
  couplings <- couple_snapshots(snapshots, method, control, identified, call, couplings,
                                save)
  if (is_learned(method)) {
    method$growth$time <- method$growth$time %||%
      growth_needs_time(snapshots, couplings, identified, control)
  }
  method <- with_path_steps(method, control)
  spend("couple")
  problem <- new_problem(snapshots, couplings, method, control, identified)
  training <- training %||% new_training(problem, method, control, key)
  save_training <- function(training) save(couplings, training)
  training <- run_path_training(training, snapshots, problem, method, control,
                                save_training, call)
  problem <- with_learned_path(problem, training)
  if (is_bent(training, method)) {
    training <- run_training(method$training, training, snapshots, problem, control,
                             save = save_training, spend = spend, call = call)
  }
  fit <- new_fit(snapshots, method, chosen, couplings, problem, training, control,
                 seconds, call)
  new_checkpoint(file, identity, call)(fit, now = TRUE)
  fit
}

# All the training of a kind, from where it stands. `spend(stage)` puts the time since its
# last call down to that stage: "match" or "refine".
run_training <- function(part, training, snapshots, problem, control, save, spend, call) {
  UseMethod("run_training")
}

run_training.training_match <- function(part, training, snapshots, problem, control, save,
                                        spend, call) {
  training <- run_matching(training, problem, control, save, call)
  spend("match")
  training
}

run_training.training_refine <- function(part, training, snapshots, problem, control,
                                         save, spend, call) {
  training <- run_matching(training, problem, control, save, call)
  spend("match")
  training <- run_refinement(training, snapshots, problem, control, part, save, call)
  spend("refine")
  training
}

new_fit <- function(snapshots, method, chosen, couplings, problem, training, control,
                    seconds, call = rlang::caller_env()) {
  couplings <- lapply(couplings, function(c) in_user_units(c, snapshots$scale))
  fit <- structure(
    list(
      format = fit_format, snapshots = snapshots, method = method,
      identified = chosen$identified, scan = chosen$scan, bend = chosen$bend,
      couplings = couplings,
      field = new_field(training, problem),
      history = loss_history(training, method), seconds = seconds, control = control,
      training = training
    ),
    class = "vgfm"
  )
  fit$prior <- prior_table(couplings)
  # An untrained field is shown as it is; what an interrupt left is not expected to be
  # good yet, and the user is not to wait.
  if (training$step == 0 || !is_trained(fit)) return(fit)
  tryCatch(calibrate_and_check(fit, call), interrupt = function(condition) {
    warn_vgfm(c(
      "The checks of the fit were interrupted; its training is complete.",
      i = "{.fn vgfm_resume} makes the checks, and the masses right at the times."
    ), class = "vgfm_warning_interrupted", call = call)
    fit
  })
}

calibrate_and_check <- function(fit, call) {
  states <- predicted_course(fit)
  if (!inherits(fit$method$growth, "growth_none")) {
    fit$field$correction <- mass_correction(fit, states)
  }
  fit$checks <- fit_checks(fit, states)
  warn_checks(fit, call)
  fit
}

# Whether there is nothing left to do: all is trained, and checked.
is_complete <- function(fit) {
  is_trained(fit) && (fit$training$step == 0 || !is.null(fit$checks))
}

# Whether all the training that was asked for is done, or can be.
is_trained <- function(fit) {
  control <- fit$control
  matched <- fit$training$step >= control$steps
  refined <- !is.null(fit$training$refinement$stopped) ||
    refined_steps(fit) >= control$refine_steps
  matched && (control$steps == 0 || refined && is_scored(fit$training, control))
}

# A coupling without its plan; squared distances in the square of the data's units.
in_user_units <- function(coupling, scale) {
  squared <- c("potential_source", "potential_target", "cost", "square", "epsilon", "tau")
  for (part in intersect(squared, names(Filter(Negate(is.null), coupling)))) {
    coupling[[part]] <- coupling[[part]] * scale^2
  }
  coupling[c("plan", "sums", "objective", "row_sums", "column_sums")] <- NULL
  coupling
}

# Seconds since the stopwatch was made or last read.
new_stopwatch <- function() {
  last <- elapsed()
  function() {
    now <- elapsed()
    on.exit(last <<- now)
    now - last
  }
}
