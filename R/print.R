#' Print and summarise a fit
#'
#' @param x,object A fit from [vgfm_fit()], its summary, or fits of replicates.
#' @param ... Ignored by `print()`, must be empty for `summary()`.
#' @return `print()` gives its argument back, invisibly. `summary()` gives a list of class
#'   `summary.vgfm`: `evaluation` (see [vgfm_evaluate()]), `couplings` (a data frame with
#'   one row per interval: `from`, `to`, `cost` per unit of mass, `tau`, whether growth is
#'   `identified` there (see [vgfm_identifiability()]), the lowest and highest
#'   number of `descendants`, `residual`, number of `blocks`), `mass_error` (at each later
#'   time the relative error of mass before it was made right, see [vgfm_control()]),
#'   `seconds` by stage, and the `fit` itself.
#' @section Errors: `vgfm_error_fit` for what is no fit.
#' @section Warnings: `vgfm_warning_not_evaluated` from `summary()` if the fields cannot
#'   be integrated, as after a training that diverged: `evaluation` then has `NA`.
#' @name print.vgfm
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' summary(fit)
NULL

#' @rdname print.vgfm
#' @order 1
#' @export
print.vgfm <- function(x, ...) {
  check_fit(x, "x")
  s <- x$snapshots
  cli::cat_line("<vgfm> velocity and growth of ", nrow(s$x), " cells, ", ncol(s$x),
                " features, ", length(s$times), " times")
  cli::cat_line("times  ", in_short(s$labels))
  cli::cat_line("cells  ", in_short(s$counts))
  cli::cat_line("mass   ", in_short(format(s$mass, digits = 3, trim = TRUE)),
                if (!s$measured) " (numbers of cells; pass mass = if measured)")
  if (!is.null(x$prior)) cli::cat_line("prior  ", prior_in_short(x))
  cli::cat_line("steps  ", if (is_naive_fit(x)) "none: nothing is learned" else
    paste0(x$training$step, " of ", x$control$steps, ", refined ", refined_steps(x),
           " of ", x$control$refine_steps, ", in ", format(sum(x$seconds), digits = 2),
           " s"))
  cli::cat_line("method ", method_in_short(x))
  cli::cat_line("growth ", growth_in_short(x))
  cli::cat_line("paths  ", paths_in_short(x))
  blocks <- vapply(x$couplings, `[[`, 0, "blocks")
  if (any(blocks > 1)) {
    cli::cat_line("blocks ", in_short(blocks), " per coupling (see ?vgfm_control)")
  }
  if (!is.null(x$checks)) {
    error <- max(trained_mass_error(x))
    cli::cat_line("mass error of training ", if (is.na(error)) "not known" else
      paste0(format_figures(error), ", made right at the observed times"))
    cli::cat_line("checks ", checks_in_short(x), if (!all(x$checks$passed))
      " (see fit$checks)")
  }
  if (is.null(x$checks) && x$training$step > 0) {
    cli::cat_line("checks not made, masses as training left them: it was interrupted")
  }
  stopped <- x$training$refinement$stopped
  if (!is.null(stopped)) cli::cat_line("refinement stopped: ", stopped)
  going_on <- if (!is_complete(x)) "vgfm_resume() to go on, "
  next_step <- if (all(x$checks$passed)) {
    "vgfm_evaluate(), autoplot(), predict(), vgfm_trajectories()"
  } else {
    "autoplot(, \"history\"), ?vgfm_fit (section Checks: what may help)"
  }
  cli::cat_line("Next: ", going_on, next_step)
  invisible(x)
}

method_in_short <- function(fit) {
  shown <- vapply(c("coupling", "path"), function(kind) {
    part <- fit$method[[kind]]
    if (is.null(part)) "none" else part_name(part)
  }, "")
  paste0(fit$method$name, ": ", shown[["coupling"]], " coupling, ", shown[["path"]],
         " paths, growth ", part_name(fit$method$growth))
}

growth_in_short <- function(fit) {
  if (!is_learned(fit$method)) return("of the whole population, from the masses")
  untold <- untold_intervals(fit$identified)
  if (length(untold) == 0) return("told from motion in all intervals")
  paste0("NOT told from motion between ", in_short(untold),
         " (see vgfm_identifiability())")
}

paths_in_short <- function(fit) {
  left_out <- max(0, fit$bend$times)
  path <- fit$method$path
  paste0(show_part(path),
         if (left_out > 0) paste("; bend chosen by", left_out, "left-out times"),
         if (is_learned(fit$method)) {
           if (isTRUE(fit$method$growth$time)) "; growth may change with time" else
             "; growth by state alone"
         })
}

checks_in_short <- function(fit) {
  failed <- fit$checks$check[!fit$checks$passed]
  if (length(failed) == 0) return("all passed")
  paste0("FAILED: ", paste(failed, collapse = ", "))
}

prior_in_short <- function(fit) {
  prior <- fit$snapshots$prior
  stable <- sum(prior$stable)
  of <- c(paste("growth of", sum(!is.na(prior$rate)), "cells"),
          if (stable > 0) paste(stable, "stable"))
  paste0(paste(of, collapse = ", "), ", believed by ",
         in_short(format(round(fit$prior$believed, 2), trim = TRUE)),
         " (see fit$prior)")
}

#' @rdname print.vgfm
#' @export
summary.vgfm <- function(object, ...) {
  check_arguments()
  check_fit(object, "object")
  times <- object$snapshots$labels
  intervals <- seq_along(object$couplings)
  pick <- function(what) vapply(object$couplings, what, 0)
  structure(
    list(
      fit = object,
      evaluation = evaluate_anyway(object),
      couplings = data.frame(
        from = times[intervals], to = times[intervals + 1],
        cost = pick(function(c) c$cost / sum(c$descendants)),
        tau = object$method$coupling$tau %||% rep(NA_real_, length(intervals)),
        identified = object$identified$identified %||% rep(NA, length(intervals)),
        descendants_min = pick(function(c) min(c$descendants)),
        descendants_max = pick(function(c) max(c$descendants)),
        residual = pick(function(c) c$residual),
        blocks = pick(function(c) c$blocks)
      ),
      mass_error = trained_mass_error(object),
      seconds = object$seconds
    ),
    class = "summary.vgfm"
  )
}

#' @rdname print.vgfm
#' @export
print.summary.vgfm <- function(x, ...) {
  print(x$fit)
  cli::cat_line("\nPredicted against observed, by time:")
  print(x$evaluation, digits = 3, row.names = FALSE)
  if (!is.null(x$fit$checks)) {
    cli::cat_line("\nChecks (fit$checks says what they are):")
    figures <- c("check", "value", "limit", "passed")
    print(x$fit$checks[figures], digits = 3, row.names = FALSE)
  }
  if (nrow(x$couplings) > 0) {
    cli::cat_line("\nCouplings (cost per unit of mass):")
    print(x$couplings, digits = 3, row.names = FALSE)
  }
  if (!is.null(x$fit$prior)) {
    cli::cat_line("\nGrowth expected beforehand, and how far it is believed:")
    print(x$fit$prior, digits = 2, row.names = FALSE)
  }
  cli::cat_line("\nSeconds by stage: ",
                paste(names(x$seconds), format(x$seconds, digits = 2), collapse = ", "))
  invisible(x)
}
