# The transport solvers: exact beside CRAN's transport and Python's POT, semi-relaxed
# beside Sinkhorn, and seconds on neighbouring snapshots of mouse haematopoiesis. Writes
# bench/transport.md.

library(vgfm)
source(file.path("bench", "support.R"))

report <- function(problem, other, own, theirs, difference) {
  line <- sprintf("| %s | %s | %.1f | %.2f | %.2f | %.0e |", problem, other,
                  theirs / own, own, theirs, difference)
  cat(line, "\n")
  line
}

has_transport <- requireNamespace("transport", quietly = TRUE)
if (!has_transport) cat("skipped: transport is not installed\n")
python <- python_with("ot")
if (is.na(python)) cat("skipped: POT is not installed\n")

# The least of one and two threads on all sides. The others are handed their cost matrix.
exact <- function(n, d) {
  set.seed(1)
  x <- matrix(stats::rnorm(n * d), n)
  y <- matrix(stats::rnorm(n * d, 0.5), n)
  cost <- as.matrix(stats::dist(rbind(x, y)))[seq_len(n), n + seq_len(n)]
  one <- rep(1, n)
  seconds <- min(vapply(1:2, function(threads) {
    best(function() ours <<- vgfm_wasserstein(x, y, threads = threads))
  }, 0))
  others <- Filter(length, list(by_transport(cost), by_pot(cost)))
  lines <- lapply(others, function(theirs) {
    report(sprintf("exact W1, %d x %d, d = %d", n, n, d), theirs$name, seconds,
           theirs$seconds, abs(ours / theirs$cost - 1))
  })
  unlist(lines)
}

by_transport <- function(cost) {
  if (!has_transport) return(NULL)
  one <- rep(1, nrow(cost))
  plan <- NULL
  seconds <- min(vapply(1:2, function(threads) {
    best(function() {
      plan <<- transport::transport(one, one, cost, method = "networkflow",
                                    threads = threads)
    })
  }, 0))
  list(name = paste("transport", utils::packageVersion("transport")), seconds = seconds,
       cost = sum(plan$mass * cost[cbind(plan$from, plan$to)]) / nrow(cost))
}

by_pot <- function(cost) {
  if (is.na(python)) return(NULL)
  path <- tempfile()
  on.exit(unlink(path))
  writeBin(as.vector(t(cost)), path)
  line <- system2(python, c("bench/pot.py", path, nrow(cost)), stdout = TRUE)
  words <- strsplit(line, " ")[[1]]
  list(name = paste("POT", words[3]), seconds = as.numeric(words[1]),
       cost = as.numeric(words[2]))
}

relaxed <- function(n, d) {
  m <- numbers(sinkhorn, c(1, n, d, 1e-6, 2))
  report(sprintf("semi-relaxed, %d x %d, d = %d", n, n, d),
         sprintf("Sinkhorn, %.0f iterations", m[5]), m[1], m[3], m[6])
}

sinkhorn <- compile("sinkhorn")
ratios <- c(exact(2000, 2), exact(2000, 50), relaxed(2000, 2), relaxed(2000, 50))

path <- file.path(Sys.getenv("VGFM_DATA", file.path("..", "shared", "data")),
                  "mouse_hematopoiesis.csv")
mouse <- function() {
  cells <- utils::read.csv(path)
  snapshot <- function(time) as.matrix(cells[cells$samples == time, -1])
  unlist(lapply(0:1, function(k) {
    x <- snapshot(k)
    y <- snapshot(k + 1)
    size <- sprintf("%d x %d", nrow(x), nrow(y))
    seconds <- vapply(1:2, function(threads) {
      c(best(function() vgfm_couple(x, y, 0.03, 10, threads = threads)),
        best(function() vgfm_wasserstein(x, y, threads = threads)))
    }, numeric(2))
    residual <- vgfm_couple(x, y, 0.03, 10)$residual
    sprintf("| %s | %s | %.2f | %.2f |",
            c(sprintf("semi-relaxed, epsilon 0.03, tau 10, residual %.0e", residual),
              "exact Wasserstein-1"), size, seconds[, 1], seconds[, 2])
  }))
}
rows <- if (file.exists(path)) mouse() else cat("skipped:", path, "is not here\n")

writeLines(c(
  "All to the same accuracy: network flows of transport and POT to the exact optimum,",
  "Sinkhorn in the logarithmic domain, one exponential an entry, to the residual 1e-6",
  "with one thread. The last column compares costs (relative) or row sums (of mean 1).",
  "",
  "| problem | beside | times faster | seconds | theirs | difference |",
  "| --- | --- | --- | --- | --- | --- |", ratios,
  "",
  "| mouse haematopoiesis | size | seconds, 1 thread | 2 threads |",
  "| --- | --- | --- | --- |", rows), file.path("bench", "transport.md"))
