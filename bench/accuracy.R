# The benchmarks of the paper with every effort, and cells and times that the fit has not
# seen. Writes vignettes/benchmarks.csv, a row for each run and time, from which README,
# the vignettes and bench/accuracy.md have their figures; takes ten minutes or so. On one
# thread, so that `seconds`, those of the processor, do not depend on what else the
# machine does.

library(vgfm)
source(file.path("bench", "support.R"))

options(vgfm.threads = 1)
# Noise in 1000 dimensions leaves nothing for a high effort to find.
seeds <- function(task, effort, set) {
  if (task != "fitted" && effort != "default") return(NULL)
  if (effort == "high") return(if (!startsWith(set, "Gaussian")) 1)
  1:3
}

score <- function(task, set, effort, seed) {
  cells <- new_task(sets[[set]], task, seed)
  if (is.null(cells)) return(NULL)
  seconds <- sum(system.time(
    fit <- fit_task(cells, vgfm_control(effort), seed)
  )[c("user.self", "sys.self")])
  table <- score_task(fit, cells)
  cat(sprintf("%-8s %-22s %-8s seed %d  W1 %.3f  %.1f s\n", task, set, effort, seed,
              mean(table$w1), seconds))
  data.frame(
    task, set, effort, seed, seconds, growth = growth_agreement(set, fit),
    table[c("time", "cells", "w1", "floor", "apart", "rme", "spread")],
    # The masses as training left them, before they are made right.
    trained = if (task == "fitted") summary(fit)$mass_error else NA
  )
}

truth <- function(set) {
  if (!startsWith(set, "Gaussian")) return(NULL)
  cells <- sets[[set]]
  data.frame(task = "truth", set = set, effort = NA, seed = NA, seconds = NA, growth = 1,
             time = 1, cells = sum(cells$time == 1), w1 = gaussian_truth(cells),
             floor = NA, apart = NA, rme = 0, spread = 1, trained = NA)
}

sets <- benchmark_sets()
runs <- expand.grid(effort = c("fast", "default", "high"),
                    task = c("fitted", "time", "half"), set = names(sets),
                    stringsAsFactors = FALSE)
rows <- Map(function(task, set, effort) {
  do.call(rbind, lapply(seeds(task, effort, set), function(seed) {
    score(task, set, effort, seed)
  }))
}, runs$task, runs$set, runs$effort)
table <- do.call(rbind, c(unname(rows), lapply(names(sets), truth)))
write_table(table, "benchmarks.csv")

# The same figures as means, for bench/RESULTS.md.
means <- function(rows, by, digits) {
  out <- stats::aggregate(rows[names(digits)], rows[rev(by)], mean, na.action = NULL)
  out <- out[c(by, names(digits))]
  out[names(digits)] <- Map(function(v, d) {
    ifelse(is.na(v), "", formatC(v, d, format = "f"))
  }, out[names(digits)], digits)
  markdown(out)
}
table$effort <- factor(table$effort, c("fast", "default", "high"))
table$set <- factor(table$set, names(sets))
fitted <- table[table$task == "fitted", ]
unseen <- table[table$task %in% c("time", "half"), ]
true <- table[table$task == "truth", ]
writeLines(c(
  "Cells of the fit, means over times and three seeds (one for the effort high), seconds",
  "of one processor. rme is of masses that the fit was told, and made right; trained:",
  "what training alone had left; growth: correlation with the true one.", "",
  means(fitted, c("set", "effort"),
        c(w1 = 4, floor = 3, rme = 4, trained = 4, spread = 3, growth = 3, seconds = 1)),
  "", "The true motion itself scores:",
  sprintf("%s: %.3f.", true$set, true$w1), "",
  "What was not seen in training (default effort). time: the middle time was left out;",
  "half: half of the cells of every time were. apart: from the cells of the fit to those",
  "held out; rme is of the mass at the time left out.", "",
  means(unseen, c("set", "task"), c(w1 = 3, floor = 3, apart = 3, rme = 4, spread = 3))
), file.path("bench", "accuracy.md"))
