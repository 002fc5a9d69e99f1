# One replicate of an ensemble: the cells and settings it has, its fit, and how that is
# kept without its cells.

# A replicate has a tau of at least this share of that of the fit; and more, where the
# plateau ends before.
least_tau_share <- 0.25

# What a replicate is to be, a function of the fit, the key of the ensemble and its number
# alone: rows of the original cells; tau of each interval, at most that of the fit, evenly
# on the scale of logarithms; and the key of its own random numbers. `lowest`: of
# lowest_tau().
replicate_plan <- function(fit, key, number, lowest) {
  draw <- function(n, stream) key_uniform(n, key, 8 * number + stream)
  tau <- fit$method$coupling$tau
  list(
    rows = half_of_cells(fit$snapshots$index, key, number),
    tau = if (!is.null(lowest)) tau * (lowest / tau)^draw(length(tau), 1),
    key = floor(draw(2, 2) * 2^32)
  )
}

# Half of the cells of each time, none twice: what is estimated from halves spreads as
# what all cells say does over experiments (McCarthy 1969; Efron 1982, chapter 8), and no
# copy of a cell is among its neighbours. Replicates 2 i - 1 and 2 i have the halves of
# one split. Of one cell or two, all.
half_of_cells <- function(index, key, number) {
  split <- number + number %% 2
  order <- order(index, key_uniform(length(index), key, 8 * split))
  halves <- lapply(split(order, index[order]), function(rows) {
    n <- max(ceiling(length(rows) / 2), min(length(rows), 2))
    if (number %% 2 == 1) utils::head(rows, n) else utils::tail(rows, n)
  })
  sort(unlist(halves, use.names = FALSE))
}

# The lowest tau of each interval, in units of the method; NULL where none is to be drawn:
# no growth is learned, or the user has set tau.
lowest_tau <- function(fit) {
  tau <- fit$method$coupling$tau
  if (is.null(tau) || !is_learned(fit$method) || !is_tau_of_data(fit)) return(NULL)
  share <- vapply(seq_along(tau), function(k) {
    found <- fit$identified[k, ]
    if (!found$identified) return(least_tau_share)
    plateau <- plateau_range(fit$scan[fit$scan$interval == k, ], found$tau)
    max(least_tau_share, plateau[1] / found$tau)
  }, 0)
  pmin(share, 1) * tau
}

# Whether the prices are those that the data give, not the user's.
is_tau_of_data <- function(fit) {
  method <- fit$method
  reach <- if (inherits(method$coupling, "coupling_unbalanced")) {
    partner_distance(fit$snapshots, fit$control)
  } else 0
  method$coupling[c("tau", "delta", "epsilon")] <- list(NULL)
  if (!is.null(method$path$delta)) method$path["delta"] <- list(NULL)
  found <- resolve_tau(method, fit$identified$tau, reach)$coupling$tau
  isTRUE(all.equal(found, fit$method$coupling$tau))
}

# The cells of a replicate as snapshots: units, times and masses are those of all.
replicate_snapshots <- function(snapshots, rows) {
  snapshots$x <- snapshots$x[rows, , drop = FALSE]
  rownames(snapshots$x) <- NULL # labels go by place, `rows`
  snapshots$index <- snapshots$index[rows]
  snapshots$time <- snapshots$times[snapshots$index]
  snapshots$counts <- tabulate(snapshots$index, length(snapshots$times))
  snapshots$prior <- take_prior(snapshots$prior, rows)
  if (!is.null(snapshots$source$cells)) {
    snapshots$source$cells <- snapshots$source$cells[rows]
  }
  snapshots
}

# The method at other prices: what was derived from tau follows it.
replicate_method <- function(method, tau) {
  if (is.null(tau)) return(method)
  factor <- tau / method$coupling$tau
  method$coupling$tau <- tau
  if (inherits(method$coupling, "coupling_unbalanced")) {
    method$coupling$epsilon <- method$coupling$epsilon * factor
    if (!is.null(method$coupling$delta)) {
      method$coupling$delta <- method$coupling$delta * sqrt(factor)
    }
    if (!is.null(method$path$delta)) method$path$delta <- method$coupling$delta
  }
  method
}

# All that the fit of a replicate needs, and no cells but its own: it may have to travel
# to another process. What the fit to all cells has chosen (bend, clock of growth,
# verdicts) is taken over, so a replicate costs no scan.
replicate_work <- function(fit, control, plan) {
  control$progress <- FALSE
  control["checkpoint"] <- list(NULL)
  list(snapshots = replicate_snapshots(fit$snapshots, plan$rows),
       method = replicate_method(fit$method, plan$tau), control = control,
       chosen = fit[c("identified", "scan", "bend")], plan = plan)
}

# `problems`: messages of warnings, and of the error if `fit` is NULL.
fit_replicate <- function(work, threads) {
  work$control["threads"] <- list(threads)
  problems <- character()
  lap <- new_stopwatch()
  fit <- withCallingHandlers(
    tryCatch(
      run_stages(work$snapshots, work$method, work$control, work$chosen, work$plan$key,
                 call = quote(vgfm_ensemble())),
      error = function(error) {
        if (is_time_limit(error)) stop(error)
        problems <<- c(problems, cli::ansi_strip(conditionMessage(error)))
        NULL
      }
    ),
    vgfm_warning_interrupted = function(condition) rlang::interrupt(),
    vgfm_warning = function(condition) {
      problems <<- c(problems, class(condition)[1])
      rlang::cnd_muffle(condition)
    },
    vgfm_message = rlang::cnd_muffle
  )
  thin_replicate(fit, work$plan, problems, lap())
}

replicate_holds <- c("couplings", "field", "prior", "seconds", "checks")

# A fit without its cells, and without what training alone needs.
thin_replicate <- function(fit, plan, problems, seconds) {
  c(plan, list(problems = problems, seconds = seconds, fit = if (!is.null(fit)) {
    c(fit[intersect(replicate_holds, names(fit))],
      list(stopped = fit$training$refinement$stopped))
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
