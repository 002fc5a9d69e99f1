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
repeats <- 3
load <- "unknown"
if (file.exists("/proc/loadavg")) load <- sub(" .*", "", readLines("/proc/loadavg"))

# Milliseconds of a step with one and two threads, and of PyTorch; GFLOP/s of steps and
# of sgemm with two; ratios of these rates with one and two.
measure <- function(features, width, hidden) {
  network <- c(width, hidden, features)
  rounds <- if (width < 512) 3 else 1
  runs <- replicate(repeats, {
    own <- vapply(1:2, function(threads) {
      numbers(program, c(threads, network, 1024, rounds), environment)
    }, numeric(4))
    c(ms = own[1, ] / 1e3, torch = torch_step(network, 1, environment),
      rate = own[2:3, 2], ratio = own[4, ])
  })
  short <- nzchar(openblas_folder) && width <= 256 && features <= 30
  c(apply(runs[1:3, ], 1, min), apply(runs[4:5, ], 1, max),
    apply(runs[6:7, ], 1, stats::median),
    stock = if (short) torch_step(network, 1, character()) else NA)
}

rows <- Map(function(features, width, hidden) {
  m <- measure(features, width, hidden)
  line <- gsub("NA", "-", sprintf(
    "| %d x %d, d = %d | %.2f | %.2f | %.1f | %.0f | %.2f | %.2f | %.0f | %.0f |",
    hidden, width, features, m["ratio2"], m["ratio1"], m["torch"] / m["ms2"],
    m["stock"] / m["ms2"], m["ms1"] / m["ms2"], m["ms2"], m["rate1"], m["rate2"]
  ))
  cat(line, "\n")
  line
}, settings$features, settings$width, settings$hidden)

writeLines(c(
  "Whole steps, drawing the batch included, of both networks; batch 1024, best round.",
  "sgemm is OpenBLAS at order 1024 with as many threads, turn and turn about; as the",
  "clock of the processor varies, a step's part of its rate is the median over rounds.",
  "PyTorch is the faster of one and two threads, of Adam with and without `foreach`; no",
  "drawing; \"own\" is its own BLAS in place of OpenBLAS. Two threads, unless it says",
  sprintf("one. Before the run the machine's load average was %s.", load),
  "",
  paste("| layers x width, features | of sgemm's rate | 1 thread | times PyTorch's speed",
        "| own | gain of the second thread | ms | GFLOP/s | sgemm |"),
  "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
  unlist(rows)), file.path("bench", "training.md"))
