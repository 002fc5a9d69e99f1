#' Replicate fits: how sure the answers are
#'
#' Fits the same model to cells that are drawn anew, many times. Every function that asks
#' a fit takes the ensemble in its place, and gives a band beside each answer.
#'
#' Seeds say nothing of uncertainty: fits of the same cells with other seeds agree where
#' fits of other cells do not. So a replicate has
#' * half of the cells of each time, drawn without replacement; replicates 1 and 2 have
#'   the two halves of one split, and so on. What is estimated from halves spreads as what
#'   is estimated from all cells does over repeated experiments (McCarthy 1969, Efron
#'   1982). A bootstrap would make copies of cells, which are their own nearest
#'   neighbours. Of one cell or two of a time, all are taken;
#' * a price of mass change `tau` for each interval, log-uniform between that of the fit
#'   and the lower end of the plateau where growth is told from motion (see
#'   [vgfm_identifiability()]), but at least `r least_tau_share` of that of the fit; and
#'   down to that share where growth is not told. None is drawn where the user has set it;
#' * networks that start from other random numbers.
#'
#' What the fit has chosen by its cells (the bend of paths, whether growth needs the time,
#' verdicts) is taken over. Masses are those of the fit: how far population sizes are
#' known is not in the cells, even where numbers of cells are taken for them.
#'
#' Where growth is not told from motion, other answers fit the same cells as well, and
#' bands do not contain these. A message and `print()` name the intervals. By methods that
#' do not learn which cells grow, growth has a band of next to no width, as the masses
#' give it; a message says so, too.
#'
#' @section Bands: Columns `<value>_low` and `<value>_high` stand behind each `<value>`,
#'   that of the fit to all cells, and hold the truth with about the probability `level`.
#'   They lie on both sides of it, as far as the root mean square difference of the
#'   replicates from it times the quantile of Student's t. Those of
#'   probabilities, shares and masses keep to what these can be. A band is `NA` where
#'   less than half of the replicates say anything, as of kinds of very few cells. It says
#'   how much cells, random numbers and `tau` matter, not whether the method is right
#'   about the data.
#' @section Parallel fits: With the package future and a plan, as by
#'   `future::plan("multisession")`, replicates are fitted in its workers, one each at a
#'   time, with as many threads as there are cores for a worker (at most
#'   `getOption("vgfm.threads")`, 2 by default), or those of the fit's [vgfm_control()]. A
#'   replicate whose worker dies is made by another one, or in this process, and a warning
#'   says so. Progress goes to progressr, too, if that is installed. [set.seed()] fixes
#'   the result; plan and threads do not change it.
#' @param fit A fit from [vgfm_fit()] or [vgfm_resume()], complete, of a method that
#'   learns.
#' @param replicates Number of replicates, at least 2. With few, bands are rough: 20 do
#'   for a first look.
#' @param resume_dir A folder in which each replicate is kept as soon as it is there. The
#'   same call goes on from those that are there already, after Ctrl-C or a crash, or adds
#'   to them if `replicates` is larger. It holds one ensemble.
#' @param effort How hard replicates try: as the fit (`NULL`), or `"fast"`, `"default"` or
#'   `"high"` as in [vgfm_control()].
#' @param ... Must be empty.
#' @return An object of class `vgfm_ensemble`, with the fit itself as `$fit`, and
#'   replicates that share its cells. `tidy()` gives a row for each replicate:
#'   `replicate`, number of `cells`, geometric mean of `tau` over intervals, `w1` (the
#'   check of that name, see [vgfm_fit()]), `seconds`, `checks_failed`, `problems`
#'   (classes of its warnings); `glance()` one row: `replicates`, `cells`, `seconds`,
#'   `checks_failed` (replicates that fail a check), `failed` (replicates that could not
#'   be fitted). `vgfm_replicate()` gives one replicate as a fit, for all that can be done
#'   with one.
#' @section Errors: `vgfm_error_fit` for what is no complete fit, or one of a method that
#'   learns nothing; `vgfm_error_resume` for a folder that cannot be used, is damaged, or
#'   is another ensemble's; `vgfm_error_ensemble` if more than half of the replicates
#'   cannot be fitted.
#' @section Warnings: `vgfm_warning_replicates` for replicates that could not be fitted,
#'   `vgfm_warning_worker` for workers that died, `vgfm_warning_checkpoint` for replicates
#'   that could not be kept in the folder.
#' @section Messages: `vgfm_message_growth` says where growth is not told.
#' @references McCarthy (1969), Pseudo-replication: half samples, Review of the
#'   International Statistical Institute 37. Efron (1982), The Jackknife, the Bootstrap
#'   and Other Resampling Plans, SIAM.
#' @seealso [vgfm_growth()], [vgfm_fates()], [vgfm_growth_genes()] and all that take an
#'   ensemble.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' ensemble <- vgfm_ensemble(fit, replicates = 3)
#' ensemble
#' kind <- ifelse(cells$x1 + cells$x2 > 1, "moving", "resting")
#' vgfm_growth(ensemble, kind)
vgfm_ensemble <- function(fit, replicates = 20, resume_dir = NULL, effort = NULL, ...) {
  check_arguments()
  call <- rlang::current_env()
  check_fit(fit)
  check_can_replicate(fit, call)
  replicates <- check_count(replicates, min = 2)
  control <- replicate_control(fit, effort, call)
  folder <- open_folder(resume_dir, fit, control, new_key(), call)
  inform_bands(fit)
  lowest <- lowest_tau(fit)
  plans <- lapply(seq_len(replicates), function(number) {
    replicate_plan(fit, folder$key, number, lowest)
  })
  made <- lapply(seq_len(replicates), folder$read)
  todo <- which(vapply(made, is.null, NA))
  tick <- new_ticks(length(todo), fit$control$progress)
  on.exit(tick(finished = TRUE))
  work_of <- function(number) replicate_work(fit, control, plans[[number]])
  done <- function(number, replicate) {
    made[[number]] <<- replicate
    folder$write(number, replicate)
    tick()
  }
  if (pool_planned() && length(todo) > 0) {
    warn_lost(run_pool(todo, work_of, control, done), call)
  } else {
    for (number in todo) done(number, fit_replicate(work_of(number), control$threads))
  }
  new_ensemble(fit, made, folder$key, call)
}

# Settings of replicates: those of the fit, unless they are to try less or more.
replicate_control <- function(fit, effort, call) {
  control <- fit$control
  if (is.null(effort)) return(control)
  control$effort <- check_choice(effort, names(efforts), call = call)
  control[c("steps", "refine_steps")] <- list(NULL)
  resolve_control(control, fit$snapshots, fit$method, call)
}

# What bands do not contain.
inform_bands <- function(fit) {
  if (!is_learned(fit$method)) return(inform_no_growth(fit$method))
  untold <- untold_intervals(fit$identified)
  if (length(untold) == 0) return(invisible())
  inform_vgfm(c(
    "!" = "Growth is not told from motion between {in_short(untold)}.",
    i = "Bands do not contain what is not told: they may miss the truth there."
  ), class = "vgfm_message_growth")
}

ensemble_format <- 1L

new_ensemble <- function(fit, made, key, call) {
  failed <- vapply(made, function(replicate) is.null(replicate$fit), NA)
  if (any(failed)) {
    reason <- utils::tail(made[[which(failed)[1]]]$problems, 1)
    what <- c("{sum(failed)} of {length(failed)} replicates could not be fitted.",
              x = "The first: {reason}")
    if (mean(failed) > 0.5) {
      abort_input(c(what, i = "Look at the fit itself: are there few cells at a time?"),
                  arg = "fit", class = "vgfm_error_ensemble", call = call)
    }
    warn_vgfm(c(what, i = "Bands are those of the others."),
              class = "vgfm_warning_replicates", call = call)
  }
  structure(list(format = ensemble_format, fit = fit, replicates = made[!failed],
                 failed = sum(failed), key = key), class = "vgfm_ensemble")
}

check_can_replicate <- function(fit, call) {
  if (is_naive_fit(fit)) {
    abort_fit(c("The method {.val {fit$method$name}} learns nothing that replicates could
                 differ in.", i = "{.fn vgfm_methods} says which methods learn."), "fit",
              call)
  }
  if (!is_complete(fit) || fit$training$step == 0) {
    abort_fit(c("{.arg fit} is not complete: its training was interrupted, or had no
                 steps.", i = "Go on with {.fn vgfm_resume}."), "fit", call)
  }
}

warn_lost <- function(lost, call) {
  if (length(lost) == 0) return(invisible())
  warn_vgfm(c(
    "Workers gave no result for {length(lost)} replicate{?s}: {?it was/they were} made
     again.",
    i = "A worker that has died stays away until the plan is set again."
  ), class = "vgfm_warning_worker", call = call)
}

# Progress of our own, and to progressr.
new_ticks <- function(total, show) {
  progress <- new_progress("Fitting replicates", total, show)
  also <- if (total > 0 && requireNamespace("progressr", quietly = TRUE)) {
    progressr::progressor(total, on_exit = FALSE)
  }
  function(finished = FALSE) {
    if (finished) return(progress(0, finished = TRUE))
    progress(1)
    if (!is.null(also)) also()
  }
}
