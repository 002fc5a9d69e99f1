# The demonstration behind `make demo`: simulated cells with known growth, real ones if
# they are here or can be fetched, a table and figures for each.

library(vgfm)
library(ggplot2)

# A figure that is drawn without a device would leave an Rplots.pdf behind.
options(device = function(...) stop("A figure was drawn, and no device was open."))

folder <- "demo"
dir.create(folder, showWarnings = FALSE)

heading <- function(...) cat("\n", ..., "\n", sep = "")

# Fit, table of each time point, seconds by stage.
fit_and_report <- function(cells, time) {
  seconds <- system.time(fit <- vgfm_fit(cells, time))[["elapsed"]]
  table <- vgfm_evaluate(fit)
  print(format(table, digits = 3), row.names = FALSE)
  cat(sprintf("mean: W1 %.3f, mass error that training left %.4f\n", mean(table$w1),
              mean(table$rme_trained, na.rm = TRUE)))
  stages <- paste(names(fit$seconds), sprintf("%.1f s", fit$seconds), collapse = ", ")
  cat(sprintf("seconds to fit: %.1f (%s)\n", seconds, stages))
  fit
}

save_figure <- function(figure, name) {
  path <- file.path(folder, paste0(name, ".png"))
  ggsave(path, figure, width = 7, height = 5, dpi = 150, bg = "white")
  cat("  ", path, "\n", sep = "")
}

save_figures <- function(fit, name) {
  for (type in c("trajectory", "growth", "history", "fit")) {
    save_figure(autoplot(fit, type), paste0(name, "-", type))
  }
}

heading("1. A simulated gene network whose cells divide (vgfm_simulate_gene_network())")
set.seed(1)
network <- vgfm_simulate_gene_network()
cat("cells:", nrow(network), " times:", toString(unique(network$time)), "\n")
fit <- fit_and_report(network[-1], network$time)
growth <- predict(fit, type = "growth")
cat(sprintf("correlation of the learned growth with the true one: %.3f\n",
            cor(as.vector(growth), attr(network, "growth"))))
save_figures(fit, "gene-network")

# From the folder that holds the public files here, if there is one, else the network.
here <- Sys.getenv("VGFM_DATA", file.path("..", "shared", "data"))
if (is.null(getOption("vgfm.data_url")) && dir.exists(here)) options(vgfm.data_url = here)
mouse <- tryCatch(vgfm_dataset("mouse_hematopoiesis"), vgfm_error_data = identity)
if (inherits(mouse, "error")) {
  heading("2. Without real cells (vgfm_dataset(\"mouse_hematopoiesis\")):")
  cat(conditionMessage(mouse), "\n", sep = "")
} else {
  heading("2. Mouse haematopoiesis (Weinreb and others, 2020)")
  cat("cells:", nrow(mouse$x), " times:", toString(unique(mouse$time)), "\n")
  set.seed(1)
  save_figures(fit_and_report(mouse$x, mouse$time), "mouse-haematopoiesis")
}

heading("3. Questions to a simulated culture (vgfm_simulate_culture()), with bands")
set.seed(1)
culture <- vgfm_simulate_culture(n = 500, components = 10, counts = TRUE)
branch <- attr(culture, "branch")
fit <- vgfm_fit(culture[-1], culture$time, mass = attr(culture, "mass"),
                control = vgfm_control("fast"))
seconds <- system.time(ensemble <- vgfm_ensemble(fit, 10))[["elapsed"]]
cat(sprintf("seconds for 10 replicates: %.1f\n", seconds))
growth <- vgfm_growth(ensemble, branch)
true <- aggregate(list(true = attr(culture, "growth")),
                  list(time = culture$time, group = branch), mean)
both <- merge(growth, true)
both$true <- round(both$true, 3)
shown <- c("time", "group", "cells", "growth", "growth_low", "growth_high", "true",
           "told")
cat("\nGrowth by branch, with bands, beside the truth:\n")
print(format(as.data.frame(both[both$cells >= 10, shown]), digits = 2), row.names = FALSE)
fates <- vgfm_fates(ensemble, branch, by = "group")
founders <- fates[fates$time == 0 & fates$fate != "trunk", ]
founders$true <- colMeans(attr(culture, "fate")[culture$time == 0, ])
cat("\nFates of the founders:\n")
print(format(as.data.frame(founders[c("fate", "probability", "probability_low",
                                      "probability_high", "true")]), digits = 2),
      row.names = FALSE)
counts <- Matrix::t(attr(culture, "counts"))
values <- log1p(counts / Matrix::rowSums(counts) * mean(Matrix::rowSums(counts)))
genes <- vgfm_growth_genes(ensemble, by = branch, expression = values)
save_figure(autoplot(growth), "culture-growth")
save_figure(autoplot(fates), "culture-fates")
save_figure(autoplot(vgfm_ancestors(ensemble, branch, from = 2:3)), "culture-ancestors")
save_figure(autoplot(genes[genes$group %in% c("A", "C", "between groups"), ], n = 8),
            "culture-genes")

cat(
  "\nw1     distance of the predicted cells to those observed, in units of the features",
  "floor  the same between two halves of what was observed: near it, w1 is good",
  "rme    relative error of the population size, made right here",
  "rme_trained  the same before it was made right",
  "spread variance of the predicted cells over that of the observed, 1 at best",
  sep = "\n"
)
cat("\nFigures are in ", normalizePath(folder), "\n", sep = "")
cat("Next, with your own cells in rows:  fit <- vgfm_fit(x, time); autoplot(fit)\n")
cat("Help: R_LIBS=.build/library R -e 'help(package = \"vgfm\")'\n")
