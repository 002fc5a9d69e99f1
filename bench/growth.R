# Growth against the truth, on simulated families with fresh seeds and two real sets:
#
#     Rscript bench/growth.R [seed ...] [family ...]
#
# Default: seeds 1 to 3, all families. With all of them it writes bench/growth.md, and
# takes half an hour or so, on one thread. Sourced, it only defines the families: each is
# a function of the seed and vgfm_control(), and returns a data frame with a row for each
# figure: family, seed, figure, value, asked.

library(vgfm)
source(file.path("bench", "support.R"))
for (part in c("measures", "sets", "culture")) {
  source(file.path("bench", paste0("growth-", part, ".R")))
}

options(vgfm.threads = 1)

# Descendants of each island over each interval, by the couplings and along the flow,
# beside the factor by which it grew, and the mean ratio of the true densities: where
# islands overlap, the place of a cell cannot say more.
islands_descendants <- function(fit, cells, apart, factors) {
  each <- expand.grid(island = 1:3, k = seq_along(fit$couplings))
  rows <- Map(function(island, k) {
    start <- cells$time == k - 1
    here <- cells$island[start] == island
    if (!any(here)) return(NULL)
    weight <- predict(fit, cells[start, -(1:2)], k - 1, "weight", to = k)
    descendants <- fit$couplings[[k]]$descendants
    ratio <- density_ratio(as.matrix(cells[start, 3:4]), apart, factors, k)
    data.frame(factor = factors[island], coupling = mean(descendants[here]),
               flow = mean(weight[here]), ratio = mean(ratio[here]))
  }, each$island, each$k)
  do.call(rbind, rows)
}

family_islands <- function(seed, control = vgfm_control(), apart = c(2, 4, 12, 40),
                           times = 2:3, ...) {
  each <- expand.grid(apart = apart, times = times, dies = c(FALSE, TRUE))
  rows <- Map(function(apart, times, dies) {
    set.seed(seed)
    factors <- c(2, 1, if (dies) 0 else 1 / 3)
    cells <- islands(apart, times, factors, ...)
    fit <- fit_growth(cells[-(1:2)], cells$time, as.vector(table(cells$time)), seed,
                      control = control)
    table <- islands_descendants(fit, cells, apart, factors)
    living <- table[table$factor > 0, ]
    dead <- table[table$factor == 0, ]
    name <- sprintf("%g sd apart, %d times%s:", apart, times,
                    if (dies) ", one dies" else "")
    values <- c(
      "true ratio of densities, worst error" = worst(living$ratio / living$factor - 1),
      "couplings, worst error" = worst(living$coupling / living$factor - 1),
      "flow, worst error" = worst(living$flow / living$factor - 1),
      if (dies) c("couplings, dead" = max(dead$coupling), "flow, dead" = max(dead$flow)),
      "intervals identified" = sum(said_identified(fit))
    )
    values <- named(name, values)
    asked <- c("", "<= 0.05", "<= 0.05", if (dies) c("< 0.05", "< 0.05"), "")
    figures("islands", seed, values, asked)
  }, each$apart, each$times, each$dies)
  do.call(rbind, rows)
}

# Cells of the first snapshot whose descendants over the whole course, relative to their
# mean, are .8 to 1.25: nothing grows.
family_cloud <- function(seed, control = vgfm_control(), snapshots = c(2, 3, 5, 9, 17),
                         total = c(0.5, 4, 30), ...) {
  each <- expand.grid(snapshots = snapshots, total = total)
  rows <- Map(function(snapshots, total) {
    set.seed(seed)
    cells <- moving_cloud(snapshots, total, ...)
    fit <- fit_growth(cells[-1], cells$time, rep(1, snapshots), seed, control = control)
    weight <- predict(fit, cells[cells$time == 0, -1], 0, "weight", to = 1)
    weight <- weight / mean(weight)
    within <- mean(weight >= 0.8 & weight <= 1.25)
    said <- said_identified(fit)
    values <- c("cells within" = within, "intervals identified" = sum(said),
                "met" = within >= 0.9 || isTRUE(!any(said)))
    values <- named(paste0(snapshots, " snapshots, ", total, " sd:"), values)
    figures("cloud", seed, values, c(">= 0.9, or not identified", "", "1"))
  }, each$snapshots, each$total)
  do.call(rbind, rows)
}

family_gene_network <- function(seed, control = vgfm_control(), ...) {
  set.seed(seed)
  cells <- vgfm_simulate_gene_network(...)
  fit <- fit_growth(cells[-1], cells$time, seed = seed, control = control)
  true <- attr(cells, "growth")
  growth <- predict(fit, type = "growth")
  source <- cells$time < max(cells$time)
  figures("gene network", seed, c(
    "correlation" = stats::cor(growth, true),
    "slope" = stats::coef(stats::lm(growth ~ true))[[2]],
    "naive control: correlation" = stats::cor(naive_growth(fit), true[source]),
    "correlation, sources alone" = stats::cor(growth[source], true[source]),
    "in-sample W1" = mean(vgfm_evaluate(fit)$w1),
    "intervals identified" = sum(said_identified(fit))
  ), c(">= 0.98", "0.9 to 1.1", "", "", "", ""))
}

# Nothing divides or dies, and snapshots have any number of cells. Growth is per interval.
family_no_growth <- function(seed, control = vgfm_control(), n = 600, ...) {
  none <- c(trunk = 0, A = 0, B = 0, C = 0)
  sets <- list(
    "culture" = function() vgfm_simulate_culture(n, birth = none, death = none, ...),
    "gene network" = function() vgfm_simulate_gene_network(n, division = 0)
  )
  rows <- Map(function(name, simulate) {
    set.seed(seed)
    cells <- random_sizes(simulate())
    gap <- diff(sort(unique(cells$time)))[1]
    fit_with <- function(mass = NULL) {
      fit_growth(cells[-1], cells$time, mass, seed, control = control)
    }
    counted <- fit_with()
    growth <- gap * predict(counted, type = "growth")
    one <- gap * predict(fit_with(rep(1, length(unique(cells$time)))), type = "growth")
    values <- c("says that cells were counted" = says_counted(counted),
                "no mass: sd of growth" = stats::sd(growth),
                "mass = 1: mean of growth" = mean(one),
                "mass = 1: sd of growth" = stats::sd(one))
    values <- named(paste0(name, ","), values)
    figures("no growth", seed, values, c("1", "", "", "<= 0.05"))
  }, names(sets), sets)
  do.call(rbind, rows)
}

# The message comes once in a session; what is printed stays.
says_counted <- function(fit) {
  shown <- utils::capture.output(print(fit))
  any(grepl("taken for|pass .?mass", shown, ignore.case = TRUE))
}

family_myoblasts <- function(seed, control = vgfm_control(), ...) {
  set <- myoblasts(...)
  if (is.null(set)) return(skip("HSMMSingleCell"))
  fit <- fit_growth(set$x, set$time, seed = seed, control = control)
  growth <- predict(fit, type = "growth")
  first <- set$time == 0
  gap <- diff(sort(unique(set$time)))[1]
  figures("myoblasts", seed, c(
    "correlation with the cell-cycle score, 0 h" =
      stats::cor(growth[first], set$score[first]),
    "sd of growth over the first interval" = gap * stats::sd(growth[first]),
    "first interval identified" = said_identified(fit)[1],
    "intervals identified" = sum(said_identified(fit))
  ), c(">= 0, or not identified", "", "", ""))
}

family_embryo <- function(seed, control = vgfm_control(), ...) {
  if (!requireNamespace("destiny", quietly = TRUE)) return(skip("destiny"))
  set <- vgfm_dataset("mouse_embryo")
  fit <- fit_growth(set$x, set$time, set$mass, seed, control = control)
  growth <- predict(fit, type = "growth")
  stage <- tapply(growth, set$time, mean)
  figures("mouse embryo", seed, c(
    "mean growth less log 2" = mean(growth) - log(2),
    "stages, worst error" = max(abs(stage - log(2))),
    "within a stage, sd" = stats::sd(growth - stats::ave(growth, set$time)),
    "intervals identified" = sum(said_identified(fit))
  ), c("+- 0.07", "<= 0.07", "", ""))
}

skip <- function(package) {
  message("skipped: the package ", package, " is not there")
  NULL
}

families <- list(
  culture = family_culture, culture_small = family_culture_small,
  culture_large = family_culture_large, culture_change = family_culture_change,
  culture_prior = family_culture_prior, islands = family_islands, cloud = family_cloud,
  gene_network = family_gene_network, no_growth = family_no_growth,
  myoblasts = family_myoblasts, embryo = family_embryo
)

run_families <- function(seeds = 1:3, which = names(families), ...) {
  each <- expand.grid(seed = seeds, name = which, stringsAsFactors = FALSE)
  do.call(rbind, Map(function(seed, name) {
    seconds <- system.time(rows <- families[[name]](seed, ...))[["elapsed"]]
    cat(sprintf("%-15s seed %d  %.0f s\n", name, seed, seconds))
    rows
  }, each$seed, each$name))
}

# A row for each figure: the mean over the seeds, then each seed's. What a fit does not
# say is left out.
growth_table <- function(rows) {
  rows <- rows[!is.na(rows$value), ]
  key <- factor(paste(rows$family, rows$figure, sep = "\r"),
                unique(paste(rows$family, rows$figure, sep = "\r")))
  shown <- function(v) sprintf("%.3f", v)
  parts <- lapply(split(rows, key), function(part) {
    data.frame(family = part$family[1], figure = part$figure[1], asked = part$asked[1],
               mean = shown(mean(part$value)),
               seeds = paste(shown(part$value), collapse = " "))
  })
  do.call(rbind, parts)
}

# The page bench/<name>.md of families and seeds that the command names, or of all.
main <- function(name = "growth", title = "Growth against the truth",
                 arguments = commandArgs(TRUE)) {
  is_seed <- grepl("^[0-9]+$", arguments)
  seeds <- if (any(is_seed)) as.integer(arguments[is_seed]) else 1:3
  which <- if (any(!is_seed)) arguments[!is_seed] else names(families)
  table <- growth_table(run_families(seeds, which))
  text <- c(
    paste0(title, ": means over seeds ", paste(seeds, collapse = ", ")),
    paste0("and each of them. `bench/", name, ".R` makes this page and says what figures ",
           "are."), "",
    markdown(table)
  )
  writeLines(text)
  if (setequal(which, names(families))) {
    writeLines(text, file.path("bench", paste0(name, ".md")))
  }
}

if (sys.nframe() == 0) main()
