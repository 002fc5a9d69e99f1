# What each default of vgfm_control() does: it is changed, the others stay, and the fits
# are scored where it matters. Writes bench/ablation.md, and vignettes/ablation.csv, a row
# for each run. The public files are read from VGFM_DATA, as in bench/accuracy.R.

library(vgfm)
options(vgfm.threads = 2)

folder <- Sys.getenv("VGFM_DATA", file.path("..", "shared", "data"))

# What is changed. `used`: the settings of the default fit to the same cells; `v`: the
# variance within a snapshot, summed over features.
settings <- list(
  "default" = function(used, v) list(),
  "straight paths" = function(used, v) list(path = "straight"),
  "tau = 3 V" = function(used, v) list(tau = 3 * v),
  "tau = V / 2" = function(used, v) list(tau = v / 2),
  "noise / 3" = function(used, v) list(noise = used$noise / 3),
  "noise x 3" = function(used, v) list(noise = used$noise * 3),
  "no refinement" = function(used, v) list(refine_steps = 0),
  "effort fast" = function(used, v) list(effort = "fast"),
  "effort high" = function(used, v) list(effort = "high"),
  "width 32" = function(used, v) list(width = 32),
  "width 128" = function(used, v) list(width = 128)
)
uncalibrated <- "masses not calibrated"

# Where; "default" everywhere.
halves <- c("gene network, half", "dygen, half")
inner <- "gene network, inner time"
places <- list(
  "straight paths" = c(inner, halves),
  "tau = 3 V" = c("gene network", inner, halves[2], "Gaussian"),
  "tau = V / 2" = c("gene network", inner, halves[2]),
  "noise / 3" = c(halves, "Gaussian"),
  "noise x 3" = c(halves, "Gaussian"),
  "no refinement" = c("gene network", inner, halves, "dygen", "Gaussian"),
  "effort fast" = c("gene network", inner, halves, "dygen", "Gaussian"),
  "effort high" = c(inner, halves[2]),
  "width 32" = halves,
  "width 128" = halves[2]
)

# Seeds. Halves of dygen are small, 31 to 150 cells at a time, and differ much; the
# Gaussian takes long.
seeds <- list(
  "gene network" = 1:2, "gene network, inner time" = 1:2, "gene network, half" = 1:2,
  "dygen, half" = 1:3, "dygen" = 1:2, "Gaussian" = 1
)

# Cells of a task: those of the fit, with their masses, and those it is judged by.
task <- function(x, time, train = TRUE, test = TRUE, masses = table(time[train])) {
  train <- rep_len(train, length(time))
  test <- rep_len(test, length(time))
  list(x = x[train, ], time = time[train], mass = as.vector(masses) / masses[[1]],
       new = x[test, ], new_time = time[test])
}

whole <- function(cells) task(cells[-1], cells[[1]])

# Half of the cells of each snapshot, the masses known.
half <- function(cells) {
  time <- cells[[1]]
  place <- stats::ave(stats::runif(length(time)), time, FUN = rank)
  train <- place <= stats::ave(place, time, FUN = max) / 2
  task(cells[-1], time, train, !train, table(time))
}

without <- function(cells, left_out) {
  time <- cells[[1]]
  out <- task(cells[-1], time, time != left_out, time == left_out)
  out$new_mass <- sum(time == left_out) / sum(time == min(time))
  out
}

read_cells <- function(name) utils::read.csv(file.path(folder, paste0(name, ".csv")))

new_task <- function(data, seed) {
  set.seed(seed)
  switch(data,
    "gene network" = whole(read_cells("simulation_gene_data")),
    "gene network, inner time" = without(read_cells("simulation_gene_data"), 2),
    "gene network, half" = half(read_cells("simulation_gene_data")),
    "dygen, half" = half(read_cells("dygen")),
    "dygen" = whole(read_cells("dygen")),
    "Gaussian" = whole(vgfm_simulate_gaussian(100))
  )
}

score <- function(fit, task, seconds) {
  table <- vgfm_evaluate(fit, task$new, task$new_time)
  mass_error <- mean(table$rme)
  if (!is.null(task$new_mass)) {
    start <- task$x[task$time == min(task$time), ]
    weight <- predict(fit, start, task$time[1], "weight", to = task$new_time[1])
    mass_error <- abs(mean(weight) / task$new_mass - 1)
  }
  growth <- NA
  if ("x2" %in% names(task$x) && ncol(task$x) == 2) {
    true <- task$x$x2^2 / (1 + task$x$x2^2)
    growth <- stats::cor(predict(fit, type = "growth"), true)
  }
  data.frame(w1 = mean(table$w1), mass_error = mass_error, spread = mean(table$spread),
             growth = growth, seconds = seconds)
}

within_variance <- function(task) {
  mean(vapply(split(task$x, task$time), function(x) {
    sum(sweep(x, 2, colMeans(x))^2) / nrow(x)
  }, 0))
}

# All runs of a task: a data frame with a row each.
ablate <- function(data, seed) {
  task <- new_task(data, seed)
  v <- within_variance(task)
  used <- NULL
  rows <- list()
  for (name in names(settings)) {
    if (name != "default" && !data %in% places[[name]]) next
    control <- do.call(vgfm_control, settings[[name]](used, v))
    set.seed(seed)
    seconds <- system.time(
      fit <- vgfm_fit(task$x, task$time, task$mass, control = control)
    )[["elapsed"]]
    rows[[name]] <- score(fit, task, seconds)
    if (name == "default") {
      used <- fit$control
      fit$field$correction <- NULL
      rows[[uncalibrated]] <- score(fit, task, seconds)
    }
    cat(sprintf("%d %-25s %-15s W1 %.4f %5.1f s\n", seed, data, name, rows[[name]]$w1,
                seconds))
  }
  cbind(data = data, setting = names(rows), seed = seed, do.call(rbind, rows))
}

each <- data.frame(data = rep(names(seeds), lengths(seeds)), seed = unlist(seeds))
runs <- do.call(rbind, Map(ablate, each$data, each$seed))
figures <- c("w1", "mass_error", "spread", "growth")
runs[figures] <- signif(runs[figures], 4)
runs$seconds <- round(runs$seconds, 1)
utils::write.csv(runs, file.path("vignettes", "ablation.csv"), row.names = FALSE,
                 na = "")

# Means over seeds, a row for each setting and a column for each task.
means <- function(figure, format, rows = TRUE) {
  table <- tapply(runs[[figure]][rows], runs[rows, c("setting", "data")], mean)
  table <- table[c("default", uncalibrated, names(settings)[-1]), names(seeds)]
  shown <- sprintf(format, table)
  shown[is.na(table)] <- ""
  array(shown, dim(table), dimnames(table))
}

markdown <- function(table) {
  line <- function(cells) paste0("| ", paste(cells, collapse = " | "), " |")
  c(line(c("setting", colnames(table))), line(rep("---", ncol(table) + 1)),
    vapply(rownames(table), function(name) line(c(name, table[name, ])), ""))
}

# How far apart the cells of the fit are from those it is judged by, mean over times.
distance_apart <- function(data) {
  mean(vapply(seeds[[data]], function(seed) {
    task <- new_task(data, seed)
    times <- setdiff(unique(task$time), min(task$time))
    mean(vapply(times, function(t) {
      vgfm_wasserstein(task$x[task$time == t, ], task$new[task$new_time == t, ])
    }, 0))
  }, 0))
}

# The truth's own score: every cell moved and weighted as the simulation has it.
gaussian_truth <- function(seed) {
  task <- new_task("Gaussian", seed)
  start <- as.matrix(task$x[task$time == 0, ])
  resting <- start[, 2] > 1.25
  moved <- lapply(c(-1, 1), function(side) {
    start[, 1] <- start[, 1] + ifelse(resting, 0, side)
    start
  })
  vgfm_wasserstein(do.call(rbind, moved), task$x[task$time == 1, ],
                   rep(ifelse(resting, 5, 0.5), 2))
}

writeLines(c(
  "# What each default does", "",
  "One default of `vgfm_control()` is changed, the others stay: means over two seeds,",
  "three for halves of dygen, one for the Gaussian, with two threads.",
  "`bench/ablation.R` makes this page.", "",
  "* *inner time*: judged at time 2 of 0 to 4, which the fit has not seen.",
  "* *half*: judged by the half of the cells that was held out, the masses given. The",
  sprintf("  halves are %.3f apart on the gene network, and %.3f on dygen.",
          distance_apart(halves[1]), distance_apart(halves[2])),
  sprintf("* *Gaussian*: 100 features. The true motion has W1 %.3f.",
          mean(vapply(seeds$Gaussian, gaussian_truth, 0))),
  "* V is the variance within a snapshot, summed over features.", "",
  "Wasserstein-1 distance:", "", markdown(means("w1", "%.3f")), "",
  "Relative error of the mass (at the inner time, of a mass that was not seen):", "",
  markdown(means("mass_error", "%.4f")), "",
  "Spread, predicted variance over observed:", "", markdown(means("spread", "%.3f")), "",
  "Correlation of the growth rates with the true ones, all cells:", "",
  markdown(means("growth", "%.3f")[, 1:3]), "",
  "Seconds to fit with the first seed, on a machine shared with other work:", "",
  markdown(means("seconds", "%.1f", runs$seed == 1))
), file.path("bench", "ablation.md"))
