# What bench/growth.R measures on a fit.

# One row for each figure, the `asked` being the same for all or one each.
figures <- function(family, seed, values, asked = "") {
  data.frame(family = family, seed = seed, figure = names(values),
             value = unname(unlist(values)), asked = asked)
}

named <- function(what, values) stats::setNames(values, paste(what, names(values)))

# A fit whose random numbers hang on the seed, without its message on masses.
fit_growth <- function(x, time, mass = NULL, seed = 1, ...) {
  set.seed(seed)
  withCallingHandlers(
    vgfm::vgfm_fit(as.matrix(x), time, mass, ...),
    vgfm_message_mass = function(message) invokeRestart("muffleMessage")
  )
}

# For each interval, whether the fit says that its growth is told from motion; NA where it
# does not say.
said_identified <- function(fit) {
  said <- fit$identified$identified
  if (is.null(said)) rep(NA, length(fit$couplings)) else said
}

log_descendants <- function(fit) {
  lapply(fit$couplings, function(c) log(pmax(c$descendants, 1e-3)))
}

# The naive control: rates that the couplings of the fit give to the sources, averaged
# over those nearest in state, whatever their time. One for each source, in the order of
# the fit's cells.
naive_growth <- function(fit, neighbours = 45) {
  s <- fit$snapshots
  source <- s$index < length(s$times)
  rate <- numeric(sum(source))
  rate[order(s$index[source])] <- unlist(Map(`/`, log_descendants(fit), diff(s$times)))
  near <- nearest_rows(s$x[source, , drop = FALSE], neighbours)
  colMeans(matrix(rate[near], nrow(near)))
}

# The k rows of x nearest to each, itself among them: (k, rows).
nearest_rows <- function(x, k) {
  square <- rowSums(x^2)
  k <- min(k, nrow(x))
  blocks <- split(seq_len(nrow(x)), (seq_len(nrow(x)) - 1) %/% 500)
  do.call(cbind, lapply(blocks, function(rows) {
    distance <- square - 2 * tcrossprod(x, x[rows, , drop = FALSE])
    apply(distance, 2, function(d) order(d)[seq_len(k)])
  }))
}

agreement <- function(predicted, true) {
  c(correlation = stats::cor(predicted, true), rmse = sqrt(mean((predicted - true)^2)))
}

# Growth per day of each branch over each interval, by what was sampled: mass ratio x
# share of the descendants at its end / share at its start. `lineage`: those whose true
# ancestor was of the branch, so that what commits from the trunk meanwhile does not
# count; `plain`: all cells of the branch. Columns `cells`: how many there were at the
# start; `true`: their mean rate then.
sampled_growth <- function(cells) {
  branch <- attr(cells, "branch")
  ancestor <- attr(cells, "ancestor")
  mass <- attr(cells, "mass")
  days <- sort(unique(cells$time))
  each <- expand.grid(branch = setdiff(levels(branch), "trunk"),
                      k = seq_len(length(days) - 1), stringsAsFactors = FALSE)
  rows <- Map(function(label, k) {
    start <- cells$time == days[k]
    end <- cells$time == days[k + 1]
    here <- start & branch == label
    gap <- days[k + 1] - days[k]
    rate <- function(among) {
      share <- mean(among[end]) / mean(branch[start] == label)
      log(mass[[k + 1]] / mass[[k]] * share) / gap
    }
    data.frame(branch = label, day = days[k], to = days[k + 1], cells = sum(here),
               plain = rate(branch == label),
               lineage = rate(as.character(ancestor[, k]) == label),
               true = mean(attr(cells, "growth")[here]))
  }, each$branch, each$k)
  do.call(rbind, rows)
}

# The same table with what the fit says: `along`, log of the mean number of descendants
# over the interval, per day; `at`, mean growth of the branch's cells at its start; `end`,
# of those at its end; `kept`, the share of the descendants whose nearest observed cell is
# of the branch.
branch_growth <- function(fit, cells) {
  branch <- attr(cells, "branch")
  table <- sampled_growth(cells)
  growth <- predict(fit, type = "growth")
  at <- function(label, day) mean(growth[cells$time == day & branch == label])
  table$at <- mapply(at, table$branch, table$day)
  table$end <- mapply(at, table$branch, table$to)
  moved <- Map(function(label, day, to) {
    here <- cells[cells$time == day & branch == label, -1]
    if (nrow(here) == 0) return(c(NA, NA))
    fates <- vgfm::vgfm_fates(fit, as.character(branch), here, day, to, neighbours = 1)
    kept <- sum(fates$mass[fates$fate == label]) / sum(fates$mass)
    c(log(sum(fates$mass) / nrow(here)) / (to - day), kept)
  }, table$branch, table$day, table$to)
  table$along <- vapply(moved, `[`, 0, 1)
  table$kept <- vapply(moved, `[`, 0, 2)
  table
}

# Mean probability to end in A, B and C, of the cells of the first day.
trunk_fates <- function(fit, cells) {
  first <- min(cells$time)
  fates <- vgfm::vgfm_fates(fit, as.character(attr(cells, "branch")),
                            cells[cells$time == first, -1], first)
  mean <- tapply(fates$probability, fates$fate, mean)[c("A", "B", "C")]
  mean[is.na(mean)] <- 0
  mean / sum(mean)
}
