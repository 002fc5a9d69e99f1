# Accuracy and time of a default fit: mean over three seeds. Writes bench/accuracy.md.

library(vgfm)

source(file.path("bench", "support.R"))

seeds <- 1:3

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

sets <- benchmark_sets()
rows <- unlist(Map(score, names(sets), sets))
for (name in grep("^Gaussian", names(sets), value = TRUE)) {
  cat(name, "truth scores", gaussian_truth(sets[[name]]), "\n")
}
table <- c("| data | W1 | floor | RME | spread | seconds |",
           "| --- | --- | --- | --- | --- | --- |", rows)
writeLines(table, file.path("bench", "accuracy.md"))
