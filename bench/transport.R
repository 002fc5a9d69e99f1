# Seconds of the two transport solvers on neighbouring snapshots of mouse haematopoiesis,
# best of three, with one and two threads. Writes bench/transport.md.

library(vgfm)

path <- file.path(Sys.getenv("VGFM_DATA", file.path("..", "shared", "data")),
                  "mouse_hematopoiesis.csv")
if (!file.exists(path)) {
  cat("skipped:", path, "is not here; set VGFM_DATA\n")
  quit(save = "no")
}
cells <- utils::read.csv(path)
snapshot <- function(time) as.matrix(cells[cells$samples == time, -1])

best <- function(run) min(replicate(3, system.time(run())[["elapsed"]]))

rows <- character()
for (k in 0:1) {
  x <- snapshot(k)
  y <- snapshot(k + 1)
  size <- sprintf("%d x %d", nrow(x), nrow(y))
  seconds <- vapply(1:2, function(threads) {
    c(best(function() vgfm_couple(x, y, 0.03, 10, threads = threads)),
      best(function() vgfm_wasserstein(x, y, threads = threads)))
  }, numeric(2))
  residual <- vgfm_couple(x, y, 0.03, 10)$residual
  rows <- c(
    rows,
    sprintf("| semi-relaxed, epsilon 0.03, tau 10, residual %.0e | %s | %.2f | %.2f |",
            residual, size, seconds[1, 1], seconds[1, 2]),
    sprintf("| exact Wasserstein-1 | %s | %.2f | %.2f |",
            size, seconds[2, 1], seconds[2, 2])
  )
}
table <- c("| problem | size | seconds, 1 thread | 2 threads |",
           "| --- | --- | --- | --- |", rows)
writeLines(table, file.path("bench", "transport.md"))
cat(table, sep = "\n")
