# Time and peak memory of a fit and its evaluation against the number of cells: 50
# features, five times, all defaults, two threads. Writes bench/scale.md and scale.png.
# VGFM_BENCH_MOST is the largest number of cells, default 1e6. Each size runs in a process
# of its own, which this file starts with the number as its argument.

library(vgfm)

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

# Peak memory of this process in GiB; NA where the system does not say.
peak_memory <- function() {
  if (!file.exists("/proc/self/status")) return(NA)
  line <- grep("^VmHWM", readLines("/proc/self/status"), value = TRUE)
  as.double(gsub("[^0-9]", "", line)) / 2^20
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
  c(cells = cells, fit$seconds, evaluate = evaluate, memory = peak_memory(),
    blocks = fit$couplings[[1]]$blocks, w1 = mean(table$w1), floor = mean(table$floor),
    rme = mean(table$rme), spread = mean(table$spread),
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
runs$total <- runs$couple + runs$match + runs$evaluate

line <- function(...) paste0("| ", paste(..., sep = " | "), " |")
writeLines(c(
  line("cells", "couple, s", "match, s", "evaluate, s", "all, s", "peak, GiB", "blocks",
       "W1", "floor", "RME", "spread", "growth, cor"),
  line("---", "---", "---", "---", "---", "---", "---", "---", "---", "---", "---", "---"),
  sprintf(line("%s", "%.1f", "%.1f", "%.1f", "%.1f", "%.2f", "%d", "%.3f", "%.3f", "%.4f",
               "%.2f", "%.2f"),
          format(runs$cells, big.mark = " ", scientific = FALSE), runs$couple, runs$match,
          runs$evaluate, runs$total, runs$memory, as.integer(runs$blocks), runs$w1,
          runs$floor, runs$rme, runs$spread, runs$cor)
), file.path("bench", "scale.md"))
