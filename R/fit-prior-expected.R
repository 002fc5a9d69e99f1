# What couplings expect of cells beforehand.

# What a coupling expects of the cells of snapshot k. A prior `rate` counts by `trust`:
# the rest is that of the whole population, which cells of unknown rate have too. `state`:
# what other intervals say of such cells, of growth_of_state(); NULL for nothing. Both
# together count for no more than one, the prior by `believed`. Stable cells have one
# descendant each, and all others share what is left of the mass.
prior_expected <- function(k, rate, trust, snapshots, state = NULL, believed = trust) {
  gap <- diff(snapshots$times)[k]
  total <- log(snapshots$mass[k + 1] / snapshots$mass[k])
  log_expected <- ifelse(is.na(rate), 0, trust * (rate * gap - total))
  if (!is.null(state)) {
    weight <- ifelse(is.na(rate), 0, believed) + state$trust
    log_expected <- (log_expected + state$log_descendants) / pmax(weight, 1)
  }
  expected <- pmax(exp(log_expected), least_descendants)
  stable <- snapshots$prior$stable[snapshots$index == k]
  mass <- length(expected) * exp(total)
  left <- mass - sum(stable)
  if (all(stable) || left <= least_descendants * sum(!stable)) {
    # More cells are called stable than are there afterwards.
    expected[stable] <- exp(-total)
    return(expected * mass / sum(expected))
  }
  expected[!stable] <- expected[!stable] * left / sum(expected[!stable])
  expected[stable] <- 1
  expected
}

# The coupling of interval k, which keeps what was expected as its `prior`. `prior`: of
# weigh_prior(); `state`: as above; `solve` gives a coupling for what is expected of its
# sources.
solve_with_prior <- function(prior, k, state, solve, snapshots, strength, call) {
  stable <- snapshots$prior$stable[snapshots$index == k]
  row <- prior$table[k, ]
  unpinned <- prior_expected(k, prior$rates[[k]], strength * row$trust,
                             snapshots, state, row$believed)
  expected <- pin_stable(unpinned, stable, function(a) {
    solve(a, tolerance = 1e-4, keep = FALSE)$descendants
  })
  out <- solve(expected)
  warn_stable(out$descendants[stable], row, call)
  c(out, list(prior = c(list(expected = unpinned), row)))
}

# Stable cells shall have one descendant, whatever the coupling would like: what is
# expected of them is raised or lowered until they do, or nearly. `solve` takes what is
# expected, and gives row sums. A step of 1 never goes too far, but may bring little;
# later ones are as long as what the last one brought suggests (Barzilai, Borwein 1988).
pin_stable <- function(expected, stable, solve) {
  if (!any(stable) || all(stable)) return(expected)
  change <- 0
  best <- list(error = Inf)
  step <- 1
  before <- NULL
  for (round in seq_len(stable_rounds)) {
    tried <- expected
    tried[stable] <- tried[stable] * exp(change)
    error <- log(pmax(solve(tried)[stable], least_descendants))
    worst <- max(abs(error))
    if (worst < best$error) best <- list(error = worst, tried = tried)
    if (best$error < stable_tolerance) break
    gain <- sum(before * (before - error))
    if (gain > 0) step <- min(max(step * sum(before^2) / gain, 1), 30)
    change <- pmin(pmax(change - step * error, -stable_change), stable_change)
    before <- error
  }
  best$tried
}

stable_rounds <- 20
# Of log descendants.
stable_tolerance <- 0.05
# What is expected is changed by no more than this, in logarithms: the solver has an end.
stable_change <- 12

warn_stable <- function(descendants, interval, call) {
  if (all(abs(log(pmax(descendants, least_descendants))) < 2 * stable_tolerance)) {
    return(invisible())
  }
  ends <- format(range(descendants), digits = 2)
  warn_vgfm(c(
    "Cells that are called stable have {ends[1]} to {ends[2]} descendants from
     {.val {interval$from}} to {.val {interval$to}}, not 1.",
    i = "The masses, or the cells of {.val {interval$to}}, leave no room for 1: are
         {.arg mass} and {.arg stable} right?"
  ), class = "vgfm_warning_stable", call = call)
}

# What couplings keep of the prior, as a table; NULL without one.
prior_table <- function(couplings) {
  priors <- Filter(length, lapply(couplings, `[[`, "prior"))
  do.call(rbind, lapply(priors, function(prior) as.data.frame(prior[prior_columns])))
}

prior_columns <- c("from", "to", "known", "reliability", "correlation", "trust",
                   "believed")
