# Every method on the sets of the paper, by vgfm_benchmark(): three seeds, default effort,
# two threads. Writes bench/methods.md; takes a quarter of an hour or so.

library(vgfm)
source(file.path("bench", "support.R"))

options(vgfm.threads = 2)
sets <- benchmark_sets()
sets <- sets[!names(sets) %in% "Gaussian, 100-D"]
all <- vgfm_methods()
learning <- all$method[all$training != "none"]

# A thousand dimensions are fitted alone: a held-out half says nothing there.
parts_of <- function(set) {
  if (startsWith(set, "Gaussian")) return("fitted")
  c("fitted", "time left out")
}

rows <- lapply(names(sets), function(set) {
  cells <- sets[[set]]
  table <- vgfm_benchmark(cells$x, cells$time, methods = learning,
                          parts = parts_of(set), seeds = 1:3,
                          control = vgfm_control(progress = FALSE))
  print(table)
  cbind(set = set, summary(table))
})
table <- do.call(rbind, rows)

shown <- c(w1 = 4, w1_sd = 4, floor = 3, rme = 3, rme_trained = 4, spread = 2,
           seconds = 1)
out <- table[c("set", "part", "method", names(shown))]
out[names(shown)] <- Map(function(v, digits) {
  ifelse(is.na(v), "", formatC(v, digits, format = "f"))
}, out[names(shown)], shown)
writeLines(c(
  "# Methods side by side", "",
  "Made by `bench/methods.R`: means over times and three seeds. `w1_sd` is the standard",
  "deviation of the mean over seeds, `floor` the distance between halves of a snapshot.",
  "`linear` is 0 on the data that it was made of, which is no prediction. Seconds are",
  "those of the fit.", "",
  markdown(out)
), file.path("bench", "methods.md"))
