# Families of bench/growth.R that are cultures: branches commit, grow and die.

# The figures of a fit to a culture. By branch: means of the last two days that have an
# interval behind them, where a branch has at least `least` cells.
culture_figures <- function(family, seed, fit, cells, least = 10) {
  table <- branch_growth(fit, cells)
  days <- utils::tail(sort(unique(table$day)), 2)
  recent <- table[table$day %in% days & table$cells >= least, ]
  rbind(
    branch_figures(family, seed, recent, recent[recent$day == days[2], ]),
    cell_figures(family, seed, fit, cells)
  )
}

worst <- function(difference) max(abs(difference), na.rm = TRUE)

by_branch <- function(value, rows) {
  vapply(split(value, factor(rows$branch, c("A", "B", "C"))), mean, 0)
}

# `recent`: the table of the last two days; `latest`: of the last one.
branch_figures <- function(family, seed, recent, latest) {
  interval <- by_branch(recent$along - recent$lineage, recent)
  ends <- (latest$at + latest$end) / 2
  cells <- by_branch(ends - latest$lineage, latest)
  kept <- by_branch(recent$kept, recent)
  rbind(
    figures(family, seed, c(
      named("growth over the interval,", by_branch(recent$along, recent)),
      named("sampled by lineage,", by_branch(recent$lineage, recent)),
      named("sampled, plain,", by_branch(recent$plain, recent)),
      named("true rate,", by_branch(recent$true, recent)),
      named("growth at the cells, last two snapshots,", by_branch(ends, latest)),
      named("sampled, last interval,", by_branch(latest$lineage, latest))
    )),
    figures(family, seed, c(
      "growth by branch over the interval, worst error" = worst(interval),
      "growth by branch at the cells, worst error" = worst(cells),
      "types kept, worst branch, last two days" = min(kept, na.rm = TRUE),
      "types kept, worst branch, last day" = min(latest$kept)
    ), c("<= 0.12", "<= 0.12", ">= 0.95", ">= 0.95"))
  )
}

cell_figures <- function(family, seed, fit, cells) {
  source <- cells$time < max(cells$time)
  true <- attr(cells, "growth")[source]
  field <- agreement(predict(fit, type = "growth")[source], true)
  naive <- agreement(naive_growth(fit), true)
  fates <- trunk_fates(fit, cells)
  figures(family, seed, c(
    "correlation" = field[["correlation"]],
    "naive control: correlation" = naive[["correlation"]],
    "correlation less naive control's" = field[["correlation"]] - naive[["correlation"]],
    "RMSE" = field[["rmse"]],
    "naive control: RMSE" = naive[["rmse"]],
    named("fate of the trunk,", fates),
    "fates of the trunk, worst error" = max(abs(fates - 1 / 3)),
    "intervals identified" = sum(said_identified(fit))
  ), c(">= 0.88", "", ">= -0.02", "<= 0.17", "", "", "", "", "<= 0.15", ""))
}

fit_culture <- function(cells, seed, control, ...) {
  fit_growth(cells[-1], cells$time, attr(cells, "mass"), seed, control = control, ...)
}

family_culture <- function(seed, control = vgfm_control(), n = 1000, ...,
                           family = "culture") {
  set.seed(seed)
  cells <- vgfm_simulate_culture(n, ...)
  culture_figures(family, seed, fit_culture(cells, seed, control), cells)
}

family_culture_small <- function(seed, control = vgfm_control(), ...) {
  family_culture(seed, control, n = 400, components = 10, ..., family = "culture, small")
}

family_culture_large <- function(seed, control = vgfm_control(), ...) {
  family_culture(seed, control, n = 1200, genes = 3000, components = 30, ...,
                 family = "culture, large")
}

# Growth of A, .78 a day, is halved at day 4 of 6; branches are there from day 2 on.
family_culture_change <- function(seed, control = vgfm_control(), n = 1000, ...) {
  set.seed(seed)
  cells <- vgfm_simulate_culture(n, days = 0:6, ...,
                                 change = list(day = 4, birth = c(A = 0.41)))
  fit <- fit_culture(cells, seed, control)
  table <- branch_growth(fit, cells)
  table <- table[table$branch == "A" & table$cells >= 10, ]
  mean_of <- function(what, half) mean(table[[what]][(table$day >= 4) == half])
  values <- c(
    "before: growth of A" = mean_of("along", FALSE),
    "before: sampled" = mean_of("lineage", FALSE),
    "after: growth of A" = mean_of("along", TRUE),
    "after: sampled" = mean_of("lineage", TRUE)
  )
  source <- cells$time < max(cells$time)
  true <- attr(cells, "growth")[source]
  rbind(
    figures("culture, change", seed, values),
    figures("culture, change", seed, c("before: error" = abs(values[[1]] - values[[2]]),
                                       "after: error" = abs(values[[3]] - values[[4]])),
            "<= 0.15"),
    figures("culture, change", seed, c(
      "correlation" = stats::cor(predict(fit, type = "growth")[source], true),
      "naive control: correlation" = stats::cor(naive_growth(fit), true),
      "intervals identified" = sum(said_identified(fit))
    ))
  )
}

# With a prior that correlates with the truth, and the same one shuffled. `...` goes to
# vgfm_fit(), for instance the prior's strength.
family_culture_prior <- function(seed, control = vgfm_control(), n = 1000,
                                 correlation = 0.8, ...) {
  if (!"growth_prior" %in% names(formals(vgfm:::vgfm_fit.default))) return(NULL)
  set.seed(seed)
  cells <- vgfm_simulate_culture(n)
  true <- attr(cells, "growth")
  noise <- stats::sd(true) * sqrt(1 / correlation^2 - 1)
  prior <- true + stats::rnorm(length(true), sd = noise)
  shuffled <- sample(prior)
  source <- cells$time < max(cells$time)
  measure <- function(...) {
    fit <- fit_culture(cells, seed, control, ...)
    list(agreement(predict(fit, type = "growth")[source], true[source]),
         max(abs(trunk_fates(fit, cells) - 1 / 3)))
  }
  none <- measure()
  right <- measure(growth_prior = prior, ...)
  wrong <- measure(growth_prior = shuffled, ...)
  figures("culture, prior", seed, c(
    "correlation without" = none[[1]][["correlation"]],
    "correlation" = right[[1]][["correlation"]],
    "fates of the trunk, worst error" = right[[2]],
    "shuffled: correlation" = wrong[[1]][["correlation"]],
    "shuffled: RMSE over that without" = wrong[[1]][["rmse"]] / none[[1]][["rmse"]]
  ), c("", ">= 0.93", "<= 0.08", "", "<= 1.1"))
}
