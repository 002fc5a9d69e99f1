# A training step beside OpenBLAS sgemm and PyTorch. Writes bench/training.md.
#
# Needs OpenBLAS, see bench/support.R, and for the comparison PyTorch, which runs on the
# same OpenBLAS and, where this does not take too long, on its own library too.

source(file.path("bench", "support.R"))

program <- compile_training()
if (is.null(program)) {
  cat("skipped: no OpenBLAS to link; see bench/support.R\n")
  quit(save = "no")
}
environment <- openblas_environment(program)

settings <- rbind(expand.grid(features = c(2, 30, 1000), width = c(64, 128, 256),
                              hidden = 3),
                  list(features = 2000, width = 512, hidden = 5))
repeats <- 2
load <- "unknown"
if (file.exists("/proc/loadavg")) load <- sub(" .*", "", readLines("/proc/loadavg"))

# Milliseconds of a step with one and two threads, and of PyTorch; GFLOP/s of steps and
# of sgemm.
measure <- function(features, width, hidden) {
  network <- c(width, hidden, features)
  rounds <- if (width < 512) 4 else 2
  runs <- replicate(repeats, {
    own <- vapply(1:2, function(threads) {
      numbers(program, c(threads, network, 1024, rounds), environment)
    }, numeric(3))
    c(own[1, ] / 1e3, torch_step(network, rounds, environment), -own[2:3, 1],
      -own[2:3, 2])
  })
  least <- apply(runs, 1, min)
  short <- nzchar(openblas_folder) && width <= 256 && features <= 30
  c(ms = least[1:2], torch = least[3],
    stock = if (short) torch_step(network, 1, character()) else NA,
    one = -least[4:5], two = -least[6:7])
}

rows <- Map(function(features, width, hidden) {
  m <- measure(features, width, hidden)
  line <- gsub("NA", "-", sprintf(
    "| %d x %d, d = %d | %.2f | %.2f | %.1f | %.0f | %.2f | %.2f | %.0f | %.0f |",
    hidden, width, features, m["two1"] / m["two2"], m["one1"] / m["one2"],
    m["torch"] / m["ms2"], m["stock"] / m["ms2"], m["ms1"] / m["ms2"], m["ms2"],
    m["two1"], m["two2"]
  ))
  cat(line, "\n")
  line
}, settings$features, settings$width, settings$hidden)

writeLines(c(
  "Whole steps, drawing the batch included, of both networks; batch 1024, best round.",
  "sgemm is OpenBLAS at order 1024 with as many threads, turn and turn about. PyTorch is",
  "the faster of one and two threads, of Adam with and without `foreach`; no drawing;",
  "\"own\" is its own BLAS in place of OpenBLAS. Two threads throughout, unless it says",
  sprintf("one. Before the run the machine's load average was %s.", load),
  "",
  paste("| layers x width, features | of sgemm's rate | 1 thread | times PyTorch's speed",
        "| own | gain of the second thread | ms | GFLOP/s | sgemm |"),
  "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
  unlist(rows)), file.path("bench", "training.md"))
