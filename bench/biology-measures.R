# What bench/biology.R measures on a fit of a culture.

# Expected calibration error: cells are binned by the probability of a fate; a bin's error
# is the distance of the mean probability from the mean truth, and bins weigh as many
# cells as they have. `predicted`, `true`: cells x fates.
calibration_error <- function(predicted, true, bins = 10) {
  bin <- pmin(floor(predicted * bins), bins - 1)
  each <- split(data.frame(p = as.vector(predicted), t = as.vector(true)), as.vector(bin))
  sum(vapply(each, function(d) nrow(d) * abs(mean(d$p) - mean(d$t)), 0)) /
    length(predicted)
}

# Probabilities of A, B and C by cell, (cells, 3), of the cells of all days but the last.
# What is said to stay in the trunk belongs to no fate.
fate_matrix <- function(fit, cells, ...) {
  fates <- vgfm_fates(fit, attr(cells, "branch"), ...)
  out <- vapply(c("A", "B", "C"), function(name) {
    fates$probability[fates$fate == name]
  }, numeric(sum(fates$fate == "A")))
  list(p = out, day = fates$time[fates$fate == "A"])
}

fate_figures <- function(name, seed, fit, cells, ...) {
  found <- fate_matrix(fit, cells, ...)
  earlier <- found$day < max(cells$time)
  p <- found$p[earlier, ]
  day <- found$day[earlier]
  rows <- cells$time < max(cells$time)
  true <- attr(cells, "fate")[rows, ]
  branch <- attr(cells, "branch")[rows]
  trunk <- branch == "trunk"
  kept <- function(at) {
    min(vapply(c("A", "B", "C"), function(b) {
      mean(p[branch == b & day == at, b])
    }, 0), na.rm = TRUE)
  }
  figures(name, seed, c(
    "fates: calibration error" = calibration_error(p, true),
    "fates: calibration error, mean of the fates'" =
      mean(vapply(1:3, function(f) {
        calibration_error(p[, f, drop = FALSE], true[, f, drop = FALSE])
      }, 0)),
    "fates: calibration error, trunk" = calibration_error(p[trunk, ], true[trunk, ]),
    "fates: trunk of day 0, worst distance from 1/3" =
      max(abs(colMeans(p[day == 0, ]) - 1 / 3)),
    "fates: the same from the true mean" =
      max(abs(colMeans(p[day == 0, ]) - colMeans(true[day == 0, ]))),
    "fates: correlation with the truth, trunk" =
      stats::cor(as.vector(p[trunk, ]), as.vector(true[trunk, ])),
    "type kept, worst branch, day 2" = kept(2),
    "type kept, worst branch, day 3" = kept(3)
  ), c("<= 0.05", "<= 0.05", "", "<= 0.08", "", "", "", ">= 0.95"))
}

# Probability that a gene of `positive` scores higher than one of `negative`.
auc <- function(score, positive, negative) {
  rank <- rank(c(score[positive], score[negative]))
  n <- sum(positive)
  (mean(rank[seq_len(n)]) - (n + 1) / 2) / sum(negative)
}

log_normalised <- function(cells) {
  counts <- Matrix::t(attr(cells, "counts"))
  depth <- Matrix::rowSums(counts)
  log1p(counts / depth * mean(depth))
}

# Signs with which genes of a program go with growth between the branches.
program_signs <- c(proliferation = 1, apoptosis = -1, A = 1, B = -1, C = -1)

growth_genes_of <- function(fit, cells) {
  out <- vgfm_growth_genes(fit, by = attr(cells, "branch"),
                           expression = log_normalised(cells))
  out$program <- attr(cells, "program")[out$gene]
  out$marginal[is.na(out$marginal)] <- 0
  out
}

# AUC by the size of the association, against genes of no program: between the groups,
# and of a branch's genes within the branch.
gene_figures <- function(name, seed, fit, cells) {
  genes <- growth_genes_of(fit, cells)
  of <- function(group, program) {
    some <- genes[genes$group == group, ]
    auc(abs(some$marginal), some$program == program, some$program == "none")
  }
  programs <- names(program_signs)
  between <- vapply(programs, function(p) of("between groups", p), 0)
  within <- vapply(c("A", "B", "C"), function(p) of(p, p), 0)
  early <- vgfm_fate_genes(fit, attr(cells, "branch"), time = 1,
                           expression = log_normalised(cells))
  early$program <- attr(cells, "program")[early$gene]
  fates <- vapply(c("A", "B", "C"), function(p) {
    some <- early[early$fate == p, ]
    auc(some$marginal, some$program == paste("bias", p), some$program == "none")
  }, 0)
  figures(name, seed, c(
    named("growth genes between groups, AUC:", between),
    named("growth genes within the branch, AUC:", within),
    named("fate genes of day 1, AUC: bias", fates)
  ), c(rep(">= 0.95", 8), rep("", 3)))
}

# True shares of types among the ancestors of the last day's cells of each branch.
true_ancestors <- function(cells) {
  branch <- attr(cells, "branch")
  last <- cells$time == max(cells$time)
  days <- sort(unique(cells$time))
  rows <- lapply(utils::head(seq_along(days), -1), function(k) {
    each <- expand.grid(ancestor = levels(branch), type = c("A", "B", "C"),
                        stringsAsFactors = FALSE)
    each$time <- days[k]
    each$true <- mapply(function(ancestor, type) {
      mean(attr(cells, "ancestor")[last & branch == type, k] == ancestor)
    }, each$ancestor, each$type)
    each
  })
  do.call(rbind, rows)
}

ancestor_figures <- function(name, seed, fit, cells) {
  said <- vgfm_ancestors(fit, attr(cells, "branch"))
  both <- merge(as.data.frame(said), true_ancestors(cells),
                by = c("time", "type", "ancestor"))
  # Days at which cells of several types are there.
  mixed <- both$time %in% both$time[both$true > 0 & both$true < 1]
  error <- abs(both$share - both$true)
  figures(name, seed, c(
    "ancestors: mean absolute error" = mean(error),
    "ancestors: the same, days of several types" = mean(error[mixed]),
    "ancestors: worst error" = max(error)
  ), c("<= 0.08", "", ""))
}

# Whether bands hold the truth, with room for what counts as nothing.
held <- function(true, low, high, room = 1e-3) {
  mean(true >= low - room & true <= high + room)
}

# Bands of an ensemble of a fit to a culture: growth of branches with 10 cells or more,
# fates of types, of single cells of the trunk; and signs of stable genes of programs.
band_figures <- function(name, seed, ensemble, cells) {
  branch <- attr(cells, "branch")
  growth <- as.data.frame(vgfm_growth(ensemble, branch))
  mean_rate <- stats::aggregate(list(true = attr(cells, "growth")),
                                list(time = cells$time, group = branch), mean)
  growth <- merge(growth[growth$cells >= 10, ], mean_rate)
  true <- attr(cells, "fate")
  fates <- as.data.frame(vgfm_fates(ensemble, branch, by = "group"))
  fates <- fates[fates$time < max(cells$time) & fates$fate != "trunk" &
                   fates$cells >= 10, ]
  fates$true <- mapply(function(time, group, fate) {
    mean(true[cells$time == time & branch == group, fate])
  }, fates$time, as.character(fates$group), as.character(fates$fate))
  single <- as.data.frame(vgfm_fates(ensemble, branch))
  rows <- as.integer(single$cell)
  single <- single[branch[rows] == "trunk" & single$time < 3 & single$fate != "trunk", ]
  single$true <- true[cbind(as.integer(single$cell),
                            match(single$fate, colnames(true)))]
  genes <- growth_genes_of(ensemble, cells)
  genes <- genes[genes$group == "between groups" & genes$stable &
                   genes$program %in% names(program_signs), ]
  trunk <- fates[fates$group == "trunk", ]
  figures(name, seed, c(
    "bands: growth by branch" = held(growth$true, growth$growth_low, growth$growth_high),
    "bands: fates by type" = held(fates$true, fates$probability_low,
                                  fates$probability_high),
    "bands: fates of the trunk, by day" = held(trunk$true, trunk$probability_low,
                                               trunk$probability_high),
    "bands: fates of single cells of the trunk" =
      held(single$true, single$probability_low, single$probability_high),
    "stable genes, sign right" =
      mean(sign(genes$marginal) == program_signs[as.character(genes$program)])
  ), c(rep("0.80 to 0.97", 3), "", ">= 0.95"))
}

# The mass of the population at a time that the fit has not seen.
mass_held <- function(cells, mass, out, seed, control) {
  seen <- cells$time != out
  times <- sort(unique(cells$time))
  fit <- fit_growth(cells[seen, -1], cells$time[seen], mass[times != out], seed,
                    control = control)
  table <- as.data.frame(vgfm_masses(vgfm_ensemble(fit), times = out))
  held(mass[times == out] / mass[1], table$mass_low, table$mass_high, 0)
}
