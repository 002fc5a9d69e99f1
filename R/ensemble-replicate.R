# One replicate of an ensemble: the cells and settings it has, its fit, and how that is
# kept without its cells.

# Where growth is told from motion, tau is drawn from its plateau; else within this factor
# of the careful one.
untold_tau <- 2

# What a replicate is to be, a function of the fit, the key of the ensemble and its number
# alone: rows of the original cells, drawn with replacement within each time; tau of each
# interval; and the key of its own random numbers.
replicate_plan <- function(fit, key, number) {
  s <- fit$snapshots
  draw <- function(n, stream) key_uniform(n, key, 8 * number + stream)
  u <- draw(nrow(s$x), 0)
  rows <- integer(nrow(s$x))
  for (k in seq_along(s$times)) {
    own <- which(s$index == k)
    rows[own] <- own[ceiling(u[own] * length(own) + (u[own] == 0))]
  }
  list(rows = rows, tau = draw_tau(fit, draw(length(s$times) - 1, 1)),
       key = floor(draw(2, 2) * 2^32))
}

# NULL where nothing is to be drawn: no growth is learned, or the user has set tau.
draw_tau <- function(fit, u) {
  found <- fit$identified
  own <- fit$method$coupling$tau
  if (is.null(found) || is.null(own) || !is_learned(fit$method)) return(NULL)
  range <- vapply(seq_along(fit$couplings), function(k) {
    tau <- found$tau[k]
    if (!found$identified[k]) return(tau * c(1 / untold_tau, untold_tau))
    plateau_range(fit$scan[fit$scan$interval == k, ], tau)
  }, numeric(2))
  drawn <- range[1, ] * (range[2, ] / range[1, ])^u
  # As a multiple of what was found, in whatever units the coupling has it.
  rep_len(own, length(u)) * drawn / found$tau
}

# The cells of a replicate as snapshots: the frame, times and masses are those of all.
replicate_snapshots <- function(snapshots, rows) {
  snapshots$x <- snapshots$x[rows, , drop = FALSE]
  rownames(snapshots$x) <- NULL
  snapshots$prior <- take_prior(snapshots$prior, rows)
  if (!is.null(snapshots$source$cells)) {
    snapshots$source$cells <- snapshots$source$cells[rows]
  }
  snapshots
}

replicate_method <- function(method, tau) {
  if (!is.null(tau)) method$coupling$tau <- tau
  method
}

# Fits a replicate. What the fit to all cells has chosen (bend, clock of growth, verdicts)
# is taken over. `problems`: messages of warnings, and of the error if `fit` is NULL.
fit_replicate <- function(parts, plan, threads) {
  control <- parts$control
  control$progress <- FALSE
  control$threads <- threads
  control["checkpoint"] <- list(NULL)
  problems <- character()
  fit <- withCallingHandlers(
    tryCatch(
      run_stages(replicate_snapshots(parts$snapshots, plan$rows),
                 replicate_method(parts$method, plan$tau), control, parts$chosen,
                 plan$key, call = quote(vgfm_ensemble())),
      vgfm_error = function(error) {
        problems <<- c(problems, cli::ansi_strip(conditionMessage(error)))
        NULL
      }
    ),
    vgfm_warning_interrupted = function(condition) rlang::interrupt(),
    vgfm_warning = function(condition) {
      problems <<- c(problems, class(condition)[1])
      rlang::cnd_muffle(condition)
    },
    vgfm_message_growth = rlang::cnd_muffle
  )
  thin_replicate(fit, plan, problems)
}

# What every replicate needs of the fit to all cells.
replicate_parts <- function(fit) {
  list(snapshots = fit$snapshots, method = fit$method, control = fit$control,
       chosen = fit[c("identified", "scan", "bend")])
}

replicate_holds <- c("couplings", "field", "prior", "seconds", "checks")

# A fit without its cells, and without what training alone needs.
thin_replicate <- function(fit, plan, problems) {
  c(plan, list(problems = problems, fit = if (!is.null(fit)) {
    c(fit[intersect(replicate_holds, names(fit))], list(stopped =
      fit$training$refinement$stopped))
  }))
}

# The whole fit of a replicate again, for all that can be asked of a fit.
replicate_fit <- function(ensemble, number) {
  fit <- ensemble$fit
  own <- ensemble$replicates[[number]]
  fit$snapshots <- replicate_snapshots(fit$snapshots, own$rows)
  fit$method <- replicate_method(fit$method, own$tau)
  fit[replicate_holds] <- own$fit[replicate_holds]
  heads <- fit$training$heads
  for (name in names(heads)) {
    heads[[name]][names(fit$field$heads[[name]])] <- fit$field$heads[[name]]
    heads[[name]]$first[] <- 0
    heads[[name]]$second[] <- 0
  }
  fit$training$heads <- heads
  fit$training$key <- own$key
  fit
}
