# A problem of the size of the published pancreas data (8424 + 9972 cells, 2000 genes,
# five layers of 512, batches of 1024), simulated, beside PyTorch: its steps (training.py)
# and 1000 rounds of plain unbalanced Sinkhorn on a dense kernel (sinkhorn.py). Writes
# bench/pancreas.md.
#
# PyTorch runs on OpenBLAS, see bench/support.R. The steps of a whole fit are counted up
# from fewer.

library(vgfm)
source(file.path("bench", "support.R"))

measured <- 60
whole <- 2000

# Genes follow 50 latent axes, along three of which half of the cells move.
set.seed(1)
counts <- c(8424, 9972)
time <- rep(0:1, counts)
latent <- matrix(stats::rnorm(sum(counts) * 50), sum(counts))
moving <- time == 1 & latent[, 4] > 0
latent[moving, 1:3] <- latent[moving, 1:3] + 2
cells <- tcrossprod(latent, matrix(stats::rnorm(2000 * 50, sd = 0.1), 2000))
cells <- cells + stats::rnorm(length(cells), sd = 0.3)

control <- vgfm_control(width = 512, depth = 5, steps = measured, refine_steps = 0,
                        threads = 2)
total <- system.time(fit <- vgfm_fit(cells, time, control = control))[["elapsed"]]
peak <- peak_memory()
step <- fit$seconds[["match"]] / measured
own <- c(total - fit$seconds[["match"]], step)

program <- compile_training()
environment <- if (is.null(program)) character() else openblas_environment(program)
python <- python_with("torch")
if (is.na(python)) {
  cat("skipped: PyTorch is not installed\n")
  quit(save = "no")
}
path <- tempfile()
writeBin(as.vector(t(cells)), path)
coupling <- fit$couplings[[1]]
couple <- numbers(python, c("bench/sinkhorn.py", path, counts, 2000, coupling$epsilon,
                            coupling$tau), environment)
unlink(path)
theirs <- c(couple[1], torch_step(c(512, 5, 2000), 2, environment) / 1e3)

own <- c(own, own[1] + whole * own[2])
theirs <- c(theirs, theirs[1] + whole * theirs[2])
what <- c("all but the steps, s", "a step, s", sprintf("with %d steps, s", whole))
report <- c(
  "| 8424 + 9972 cells, 2000 genes | vgfm | PyTorch | times faster |",
  "| --- | --- | --- | --- |",
  sprintf("| %s | %.3g | %.3g | %.2f |", what, own, theirs, theirs / own),
  "",
  sprintf("Peak memory of vgfm's process, the simulation included: %.2f GiB.", peak),
  sprintf("Residual of the coupling: vgfm %.0e, Sinkhorn after 1000 rounds %.0e.",
          coupling$residual, couple[2]))
writeLines(report, file.path("bench", "pancreas.md"))
cat(report, sep = "\n")
