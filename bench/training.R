# A training step beside OpenBLAS sgemm and PyTorch. Writes bench/training.md.
#
# VGFM_OPENBLAS names a folder with libopenblas.so, where the linker would not look by
# itself; if it has libblas.so.3 as well, PyTorch runs on that and, where this does not
# take too long, on its own library too.

source(file.path("bench", "support.R"))

folder <- Sys.getenv("VGFM_OPENBLAS")
libraries <- c(if (nzchar(folder)) sprintf("-L%s -Wl,-rpath,%s", folder, folder),
               "-lopenblas")
program <- compile("training", libraries)
if (is.null(program)) {
  cat("skipped: no OpenBLAS to link; see the head of bench/training.R\n")
  quit(save = "no")
}
environment <- if (nzchar(folder)) paste0("LD_LIBRARY_PATH=", folder) else character()

python <- python_with("torch")
torch <- function(arguments, environment) {
  if (is.na(python)) return(NA)
  numbers(python, c("bench/training.py", arguments), environment)[1]
}
stock <- function(network) {
  if (!nzchar(folder) || network[1] > 256 || network[3] > 30) return(NA)
  min(vapply(1:2, function(threads) torch(c(threads, network, 1), character()), 0))
}

settings <- rbind(expand.grid(features = c(2, 30, 1000), width = c(64, 128, 256),
                              hidden = 3),
                  list(features = 2000, width = 512, hidden = 5))
repeats <- 2
load <- "unknown"
if (file.exists("/proc/loadavg")) load <- sub(" .*", "", readLines("/proc/loadavg"))

# Milliseconds of a step with one and two threads, and of PyTorch with either; GFLOP/s.
measure <- function(features, width, hidden) {
  network <- c(width, hidden, features, 1024)
  rounds <- if (width < 512) 4 else 2
  runs <- replicate(repeats, {
    own <- vapply(1:2, function(threads) numbers(program, c(threads, network, rounds)),
                  numeric(3))
    other <- vapply(1:2, function(threads) {
      torch(c(threads, network, rounds), environment)
    }, 0)
    c(own[1, ], other, -own[2:3, 1], -own[2:3, 2])
  })
  least <- apply(runs, 1, min)
  c(ms = least[1:2] / 1e3, torch = min(least[3:4]) / 1e3, stock = stock(network) / 1e3,
    one = -least[5:6], two = -least[7:8])
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
