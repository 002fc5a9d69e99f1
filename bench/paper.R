# The benchmarks of the paper with every effort, and cells and times that the fit has not
# seen. Writes vignettes/benchmarks.csv, from which vignettes/benchmarks.Rmd makes its
# tables; takes ten minutes or so. On one thread, so that `seconds`, those of the
# processor, do not depend on what else the machine does.

library(vgfm)
source(file.path("bench", "support.R"))

options(vgfm.threads = 1)
seeds <- list(fast = 1:3, default = 1:3, high = 1)

# One row per time of what is asked of a fit.
score <- function(task, set, effort, seed, train, test = NULL) {
  set.seed(seed)
  seconds <- sum(system.time(
    fit <- vgfm_fit(train$x, train$time, control = vgfm_control(effort))
  )[c("user.self", "sys.self")])
  table <- if (is.null(test)) vgfm_evaluate(fit) else {
    vgfm_evaluate(fit, test$x, test$time)
  }
  cat(sprintf("%-8s %-22s %-8s seed %d  W1 %.3f  %.1f s\n", task, set, effort, seed,
              mean(table$w1), seconds))
  out <- data.frame(task, set, effort, seed, seconds, growth = growth_agreement(set, fit),
                    table[c("time", "cells", "w1", "floor", "rme", "spread")],
                    trained = NA)
  # The masses as training left them, before they are made right.
  if (is.null(test)) out$trained <- summary(fit)$mass_error
  # The mass of a time left out is predicted too.
  unseen <- is.na(out$rme)
  start <- train$x[train$time == 0, ]
  out$rme[unseen] <- vapply(out$time[unseen], function(time) {
    mass <- mean(predict(fit, start, time = 0, type = "weight", to = time))
    abs(mass / (sum(test$time == time) / nrow(start)) - 1)
  }, 0)
  out
}

# Correlation of learned and true growth over the fitted cells, where the truth is known.
growth_agreement <- function(set, fit) {
  x <- fit$snapshots$x
  true <- if (set == "simulation_gene_data") {
    x[, 2]^2 / (1 + x[, 2]^2)
  } else if (grepl("^Gaussian", set)) {
    as.numeric(x[, 2] > 1.25)
  }
  if (is.null(true)) NA else stats::cor(predict(fit, type = "growth"), true)
}

rows_of <- function(cells, keep) {
  list(x = cells$x[keep, ], time = cells$time[keep])
}

fitted <- function(set, cells) {
  Map(function(effort, seed) score("fitted", set, effort, seed, cells),
      rep(names(seeds), lengths(seeds)), unlist(seeds))
}

# The middle one of the times left out.
time_left_out <- function(set, cells) {
  times <- sort(unique(cells$time))
  if (length(times) < 3) return(NULL)
  out <- cells$time == times[(length(times) + 1) / 2]
  lapply(seeds$default, function(seed) {
    score("time", set, "default", seed, rows_of(cells, !out), rows_of(cells, out))
  })
}

# A random half of the cells of every time left out.
half_left_out <- function(set, cells) {
  lapply(seeds$default, function(seed) {
    set.seed(seed)
    out <- stats::ave(stats::runif(nrow(cells$x)), cells$time, FUN = rank) %% 2 == 0
    score("half", set, "default", seed, rows_of(cells, !out), rows_of(cells, out))
  })
}

truth <- function(set, cells) {
  if (!grepl("^Gaussian", set)) return(NULL)
  data.frame(task = "truth", set = set, effort = NA, seed = NA, seconds = NA, growth = 1,
             time = 1, cells = sum(cells$time == 1), w1 = gaussian_truth(cells),
             floor = NA, rme = 0, spread = NA, trained = NA)
}

sets <- benchmark_sets()
rows <- lapply(names(sets), function(set) {
  cells <- sets[[set]]
  c(fitted(set, cells), time_left_out(set, cells), half_left_out(set, cells),
    list(truth(set, cells)))
})
table <- do.call(rbind, unlist(rows, recursive = FALSE))
table[] <- lapply(table, function(v) if (is.double(v)) signif(v, 4) else v)
utils::write.csv(table, file.path("vignettes", "benchmarks.csv"), row.names = FALSE)
