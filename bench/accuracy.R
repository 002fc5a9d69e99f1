# Accuracy and time of a default fit: mean over three seeds. Writes bench/accuracy.md.
# The public files are read from VGFM_DATA; see tests/testthat/helper.R for the default.

library(vgfm)

folder <- Sys.getenv("VGFM_DATA", file.path("..", "shared", "data"))
seeds <- 1:3

read_snapshots <- function(name) {
  cells <- utils::read.csv(file.path(folder, paste0(name, ".csv")))
  list(x = cells[-1], time = cells[[1]])
}

gaussian <- function(d) {
  set.seed(100)
  cells <- vgfm_simulate_gaussian(d)
  list(x = cells[-1], time = cells$time)
}

# The truth's own score: every cell moved and weighted as the simulation has it.
gaussian_truth <- function(cells) {
  x <- as.matrix(cells$x)
  start <- x[cells$time == 0, ]
  resting <- start[, 2] > 1.25
  right <- start
  right[, 1] <- right[, 1] + ifelse(resting, 0, 1)
  left <- start
  left[, 1] <- left[, 1] - ifelse(resting, 0, 1)
  vgfm_wasserstein(rbind(right, left), x[cells$time == 1, ],
                   rep(ifelse(resting, 5, 0.5), 2))
}

score <- function(name, cells) {
  runs <- vapply(seeds, function(seed) {
    set.seed(seed)
    seconds <- system.time(fit <- vgfm_fit(cells$x, cells$time))[["elapsed"]]
    table <- vgfm_evaluate(fit)
    growth <- predict(fit, type = "growth")
    true <- if (name == "simulation_gene_data") cells$x$x2^2 / (1 + cells$x$x2^2)
    c(colMeans(table[c("w1", "floor", "rme", "spread")]),
      cor = if (is.null(true)) NA else stats::cor(growth, true),
      seconds = seconds, fit$seconds)
  }, numeric(8))
  m <- rowMeans(runs)
  cat(sprintf("%-22s W1 %.4f (sd %.4f) floor %.3f RME %.4f spread %.3f cor %.3f  %.1f s",
              name, m["w1"], stats::sd(runs["w1", ]), m["floor"], m["rme"], m["spread"],
              m["cor"], m["seconds"]),
      sprintf("(couple %.2f, match %.2f)\n", m["couple"], m["match"]))
  sprintf("| %s | %.3f | %.3f | %.4f | %.2f | %.1f |", name, m["w1"], m["floor"],
          m["rme"], m["spread"], m["seconds"])
}

sets <- list()
for (name in c("simulation_gene_data", "dygen", "mouse_hematopoiesis")) {
  if (file.exists(file.path(folder, paste0(name, ".csv")))) {
    sets[[name]] <- read_snapshots(name)
  } else {
    cat("skipped:", name, "is not in", folder, "\n")
  }
}
for (d in c(100, 1000)) sets[[paste0("Gaussian, ", d, "-D")]] <- gaussian(d)

rows <- unlist(Map(score, names(sets), sets))
for (name in grep("^Gaussian", names(sets), value = TRUE)) {
  cat(name, "truth scores", gaussian_truth(sets[[name]]), "\n")
}
table <- c("| data | W1 | floor | RME | spread | seconds |",
           "| --- | --- | --- | --- | --- | --- |", rows)
writeLines(table, file.path("bench", "accuracy.md"))
