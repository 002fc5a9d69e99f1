# Accuracy and time of fits, by effort, and on what was not seen in training: means over
# three seeds. Writes bench/accuracy.md.

library(vgfm)

source(file.path("bench", "support.R"))

seeds <- 1:3

score <- function(name, cells, effort) {
  runs <- vapply(seeds, function(seed) {
    set.seed(seed)
    seconds <- system.time(
      fit <- vgfm_fit(cells$x, cells$time, control = vgfm_control(effort))
    )[["elapsed"]]
    table <- vgfm_evaluate(fit)
    growth <- predict(fit, type = "growth")
    true <- if (name == "simulation_gene_data") cells$x$x2^2 / (1 + cells$x$x2^2)
    c(colMeans(table[c("w1", "floor", "rme", "spread")]),
      trained = mean(summary(fit)$mass_error),
      cor = if (is.null(true)) NA else stats::cor(growth, true), seconds = seconds)
  }, numeric(7))
  m <- rowMeans(runs)
  cat(name, effort, format(m, digits = 3), "\n")
  sprintf("| %s | %s | %.4f | %.3f | %.4f | %.4f | %.3f | %s | %.1f |", name, effort,
          m["w1"], m["floor"], m["rme"], m["trained"], m["spread"],
          if (is.na(m["cor"])) "" else sprintf("%.3f", m["cor"]), m["seconds"])
}

# Distance from the population that a fit predicts at one time to cells it has not seen.
distance_to <- function(fit, x, time) {
  cloud <- vgfm_interpolate(fit, time, from = "first")
  vgfm_wasserstein(as.matrix(cloud[names(x)]), as.matrix(x), cloud$weight)
}

half <- function(time, seed) {
  set.seed(seed + 10)
  groups <- split(seq_along(time), time)
  seq_along(time) %in% unlist(lapply(groups, function(g) sample(g, length(g) %/% 2)))
}

# W1 to the half of the cells that was held out, masses being those of all cells.
score_half <- function(name, cells) {
  mass <- as.vector(table(cells$time))
  runs <- vapply(seeds, function(seed) {
    kept <- half(cells$time, seed)
    set.seed(seed)
    fit <- vgfm_fit(cells$x[kept, ], cells$time[kept], mass = mass)
    each <- vapply(unique(cells$time)[-1], function(t) {
      unseen <- cells$x[!kept & cells$time == t, ]
      c(distance_to(fit, unseen, t),
        vgfm_wasserstein(as.matrix(cells$x[kept & cells$time == t, ]),
                         as.matrix(unseen)))
    }, numeric(2))
    rowMeans(each)
  }, numeric(2))
  sprintf("| %s, half of the cells | %.3f | %.3f |", name, mean(runs[1, ]),
          mean(runs[2, ]))
}

# W1 at a time that was left out.
score_time <- function(name, cells, left) {
  kept <- cells$time != left
  runs <- vapply(seeds, function(seed) {
    set.seed(seed)
    fit <- vgfm_fit(cells$x[kept, ], cells$time[kept])
    unseen <- cells$x[!kept, ]
    some <- half(rep(0, nrow(unseen)), seed)
    c(distance_to(fit, unseen, left),
      vgfm_wasserstein(as.matrix(unseen[some, ]), as.matrix(unseen[!some, ])))
  }, numeric(2))
  sprintf("| %s, time %g | %.3f | %.3f |", name, left, mean(runs[1, ]), mean(runs[2, ]))
}

sets <- benchmark_sets()
efforts <- c("fast", "default", "high")
rows <- unlist(lapply(names(sets), function(name) {
  # Noise in many dimensions leaves nothing for a high effort to find.
  tried <- if (startsWith(name, "Gaussian")) efforts[1:2] else efforts
  vapply(tried, function(effort) score(name, sets[[name]], effort), "")
}))
truth <- vapply(grep("^Gaussian", names(sets), value = TRUE), function(name) {
  sprintf("%s: %.3f", name, gaussian_truth(sets[[name]]))
}, "")
small <- intersect(c("simulation_gene_data", "dygen"), names(sets))
unseen <- c(
  vapply(small, function(name) score_half(name, sets[[name]]), ""),
  if ("simulation_gene_data" %in% small) {
    score_time("simulation_gene_data", sets$simulation_gene_data, 2)
  }
)
writeLines(c(
  "Cells of the fit; cor: of learned and true growth. RME is of masses that the fit was",
  "told, and made right; RME before: what training alone had left.", "",
  "| data | effort | W1 | floor | RME | RME before | spread | cor | seconds |",
  "| --- | --- | --- | --- | --- | --- | --- | --- | --- |", rows, "",
  paste0("W1 of the truth itself, every cell moved and weighted as simulated: ",
         paste(truth, collapse = "; "), "."),
  "", "What was not seen in training (default effort):", "",
  "| held out | W1 | floor |", "| --- | --- | --- |", unseen
), file.path("bench", "accuracy.md"))
