# What each default does: it is changed, the others stay, and the fits
# are scored where it matters. Writes bench/ablation.md, and vignettes/ablation.csv, a row
# for each run; takes ten minutes or so. Cells, halves and seeds are those of
# bench/accuracy.R, and so are the figures of the default.

library(vgfm)
source(file.path("bench", "support.R"))

options(vgfm.threads = 2)

# What is changed of control or method. `used`: the path of the default fit to the same
# cells; `v`: the variance within a snapshot, summed over features.
settings <- list(
  "default" = function(used, v) list(),
  "straight paths" = function(used, v) list(bend = 0),
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

# The cells and the task of each.
seeds <- 1:3
tasks <- list(
  "gene network" = c("simulation_gene_data", "fitted"),
  "gene network, inner time" = c("simulation_gene_data", "time"),
  "gene network, half" = c("simulation_gene_data", "half"),
  "dygen, half" = c("dygen", "half"),
  "dygen" = c("dygen", "fitted"),
  "Gaussian" = c("Gaussian, 100-D", "fitted")
)
sets <- benchmark_sets()
tasks <- Filter(function(task) task[1] %in% names(sets), tasks)

score <- function(data, fit, task, seconds) {
  table <- score_task(fit, task)
  data.frame(w1 = mean(table$w1), apart = mean(table$apart),
             mass_error = mean(table$rme), spread = mean(table$spread),
             growth = growth_agreement(tasks[[data]][1], fit),
             seconds = round(seconds, 1))
}

within_variance <- function(task) {
  mean(vapply(split(task$x, task$time), function(x) {
    sum(sweep(x, 2, colMeans(x))^2) / nrow(x)
  }, 0))
}

# All runs of a task: a data frame with a row each.
ablate <- function(data, seed) {
  task <- new_task(sets[[tasks[[data]][1]]], tasks[[data]][2], seed)
  v <- within_variance(task)
  used <- NULL
  rows <- list()
  for (name in names(settings)) {
    if (name != "default" && !data %in% places[[name]]) next
    changed <- settings[[name]](used, v)
    of_control <- names(changed) %in% names(formals(vgfm_control))
    control <- do.call(vgfm_control, changed[of_control])
    method <- do.call(vgfm_method, changed[!of_control])
    seconds <- system.time(fit <- fit_task(task, control, seed, method))[["elapsed"]]
    rows[[name]] <- score(data, fit, task, seconds)
    if (name == "default") {
      used <- fit$method$path
      fit$field$correction <- NULL
      rows[[uncalibrated]] <- score(data, fit, task, seconds)
    }
    cat(sprintf("%d %-25s %-15s W1 %.4f %5.1f s\n", seed, data, name, rows[[name]]$w1,
                seconds))
  }
  cbind(data = data, setting = names(rows), seed = seed, do.call(rbind, rows))
}

each <- expand.grid(seed = seeds, data = names(tasks), stringsAsFactors = FALSE)
runs <- do.call(rbind, Map(ablate, each$data, each$seed))
true <- data.frame(data = "Gaussian", setting = "the true motion", seed = 1,
                   w1 = gaussian_truth(sets[["Gaussian, 100-D"]]), apart = NA,
                   mass_error = 0, spread = 1, growth = 1, seconds = NA)
write_table(rbind(runs, true), "ablation.csv")

# Means over seeds, a row for each setting and a column for each task.
means <- function(figure, format, rows = TRUE) {
  table <- tapply(runs[[figure]][rows], runs[rows, c("setting", "data")], mean)
  table <- table[c("default", uncalibrated, names(settings)[-1]), names(tasks)]
  shown <- sprintf(format, table)
  shown[is.na(table)] <- ""
  shown <- array(shown, dim(table), dimnames(table))
  data.frame(setting = rownames(table), shown, check.names = FALSE)
}

apart <- tapply(runs$apart, runs$data, mean)
writeLines(c(
  "# What each default does", "",
  "One default is changed, the others stay: means over three seeds,",
  "with two threads. Cells, halves and seeds are those of `bench/accuracy.R`.",
  "`bench/ablation.R` makes this page.", "",
  "* *inner time*: judged at time 2 of 0 to 4, which the fit has not seen.",
  "* *half*: judged by the half of the cells that was held out, the masses given. The",
  sprintf("  halves are %.3f apart on the gene network, and %.3f on dygen.",
          apart[halves[1]], apart[halves[2]]),
  sprintf("* *Gaussian*: 100 features. The true motion has W1 %.3f.",
          true$w1),
  "* V is the variance within a snapshot, summed over features.", "",
  "Wasserstein-1 distance:", "", markdown(means("w1", "%.3f")), "",
  "Relative error of the mass (at the inner time, of a mass that was not seen):", "",
  markdown(means("mass_error", "%.4f")), "",
  "Spread, predicted variance over observed:", "", markdown(means("spread", "%.3f")), "",
  "Correlation of the growth rates with the true ones, all cells:", "",
  markdown(means("growth", "%.3f")[1:4]), "",
  "Seconds to fit with the first seed, on a machine shared with other work:", "",
  markdown(means("seconds", "%.1f", runs$seed == 1))
), file.path("bench", "ablation.md"))
