# Time and peak memory of a fit and its evaluation against the number of cells: 50
# features, five times, all defaults, two threads. Writes bench/scale.md and scale.png.
# "RME before" is the mass error that training left, before masses are calibrated.
# CPU seconds, which neighbours on the machine cannot raise, are those of the process with
# the simulation.
# VGFM_BENCH_MOST is the largest number of cells, default 1e6. Each size runs in a process
# of its own, which this file starts with the number as its argument.

library(vgfm)
source(file.path("bench", "support.R"))

# A population that branches for three units of time into eight kinds, each seen at five
# times by as many cells. A kind moves in ten of the d dimensions; features vary as
# principal components do, by 1 / k. Kinds grow at rates of their own, from the time
# after they branched, when it can be told which is which: the true `growth` of a cell.
branching <- function(cells, d = 50, times = 5, levels = 3, moving = 10) {
  kinds <- 2^levels
  ancestor <- function(depth) ceiling(seq_len(kinds) / 2^(levels - min(depth, levels)))
  each <- cells / times
  # The tree first, so that it is the same for any number of cells.
  rates <- matrix(stats::runif(times * kinds, 0, 0.8), kinds)
  steps <- array(stats::rnorm(times * kinds * moving, sd = 1.2), c(kinds, moving, times))
  centre <- matrix(0, kinds, moving)
  mass <- rep(1 / kinds, kinds)
  out <- list(x = matrix(0, cells, d), time = rep(seq_len(times) - 1, each = each),
              growth = numeric(cells), mass = numeric(times))
  for (k in seq_len(times)) {
    rows <- (k - 1) * each + seq_len(each)
    kind <- sample.int(kinds, each, replace = TRUE, prob = mass)
    rate <- rates[ancestor(max(k - 2, 0)), k]
    for (j in seq_len(d)) out$x[rows, j] <- stats::rnorm(each, sd = 1 / sqrt(j))
    for (j in seq_len(moving)) out$x[rows, j] <- out$x[rows, j] + centre[kind, j]
    out$growth[rows] <- rate[kind]
    out$mass[k] <- sum(mass)
    centre <- centre + steps[ancestor(k - 1), , k]
    mass <- mass * exp(rate)
  }
  out
}

measure <- function(cells) {
  set.seed(1)
  data <- branching(cells)
  control <- vgfm_control(threads = 2)
  fit <- vgfm_fit(data$x, data$time, mass = data$mass, control = control)
  evaluate <- system.time(table <- vgfm_evaluate(fit))[["elapsed"]]
  last <- data$time < max(data$time)
  growth <- predict(fit, type = "growth")[last]
  print(fit)
  print(table)
  c(cells = cells, fit$seconds, evaluate = evaluate, cpu = sum(proc.time()[1:2]),
    memory = peak_memory(),
    blocks = fit$couplings[[1]]$blocks, w1 = mean(table$w1), floor = mean(table$floor),
    rme = mean(summary(fit)$mass_error), spread = mean(table$spread),
    cor = stats::cor(growth, data$growth[last]))
}

argument <- commandArgs(trailingOnly = TRUE)
if (length(argument) == 2) {
  saveRDS(measure(as.double(argument[1])), argument[2])
  quit(save = "no")
}

measure_apart <- function(cells) {
  result <- tempfile()
  script <- file.path("bench", "scale.R")
  system2(file.path(R.home("bin"), "Rscript"),
          c(script, format(cells, scientific = FALSE), result))
  readRDS(result)
}

sizes <- 10^seq(3, 6, by = 0.5)
sizes <- 50 * round(sizes[sizes <= as.double(Sys.getenv("VGFM_BENCH_MOST", "1e6"))] / 50)
runs <- as.data.frame(do.call(rbind, lapply(sizes, measure_apart)))
runs$total <- runs$couple + runs$match + runs$refine + runs$evaluate

line <- function(values) paste("|", paste(values, collapse = " | "), "|")
table <- with(runs, cbind(
  cells = format(cells, big.mark = " ", scientific = FALSE),
  "couple, s" = sprintf("%.1f", couple), "match, s" = sprintf("%.1f", match),
  "refine, s" = sprintf("%.1f", refine),
  "evaluate, s" = sprintf("%.1f", evaluate), "all, s" = sprintf("%.1f", total),
  "CPU, s" = sprintf("%.0f", cpu), "peak, GiB" = sprintf("%.2f", memory), blocks = blocks,
  W1 = sprintf("%.3f", w1), floor = sprintf("%.3f", floor),
  "RME before" = sprintf("%.4f", rme),
  spread = sprintf("%.2f", spread), "growth, cor" = sprintf("%.2f", cor)
))
writeLines(c(line(colnames(table)), line(rep("---", ncol(table))), apply(table, 1, line)),
           file.path("bench", "scale.md"))

stages <- c("couple", "match", "refine", "evaluate", "total", "cpu")
labels <- c("couple", "match", "refine", "evaluate", "all", "all, CPU")
long <- data.frame(
  cells = rep(runs$cells, length(stages)), seconds = unlist(runs[stages]),
  stage = factor(rep(labels, each = nrow(runs)), labels)
)
# A line of slope one through the CPU time that the most cells took.
most <- nrow(runs)
guide <- data.frame(cells = range(runs$cells),
                    seconds = runs$cpu[most] * range(runs$cells) / runs$cells[most])
library(ggplot2)
figure <- ggplot(long, aes(cells, seconds)) +
  geom_line(data = guide, linetype = "dashed", colour = "grey50") +
  geom_line(aes(colour = stage)) +
  geom_point(aes(colour = stage), size = 1) +
  scale_x_log10(labels = function(x) format(x, big.mark = " ", scientific = FALSE)) +
  scale_y_log10() +
  scale_colour_viridis_d(NULL, end = 0.9) +
  labs(x = "cells (50 features, 5 times)", y = "seconds, 2 threads; dashed: linear") +
  theme_minimal(9)
ggsave(file.path("bench", "scale.png"), figure, width = 5, height = 3, dpi = 100,
       bg = "white")
