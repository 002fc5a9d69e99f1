# A simulated set of the size of the published pancreas data, 8424 + 9972 cells of 2000
# genes, with its truth: fits in gene space and through 50 components, each in a process
# of its own on one thread, so that seconds and peak memory are its own.
#
#     Rscript bench/genespace.R
#
# Writes bench/genespace.md and vignettes/genespace-*.csv, which the guide "A fit in 2000
# genes" reads. Takes an hour or so; GENESPACE_CELLS="842,997" makes a trial of a minute
# a case, which writes nothing into the tree. What single cases gave is kept in
# GENESPACE_DIR, if that is set, and not made again. `--one CASE` makes one alone, and
# `--write` writes what there is.

library(vgfm)
source(file.path("bench", "support.R"))
source(file.path("bench", "biology-measures.R"))

options(vgfm.threads = 1)

given <- Sys.getenv("GENESPACE_CELLS")
sizes <- if (nzchar(given)) as.integer(strsplit(given, ",")[[1]]) else c(8424, 9972)
folder <- Sys.getenv("GENESPACE_DIR", file.path(tempdir(), "genespace"))
components <- 50

# At day 3 branches are apart; at day 2 cells of the trunk are just committing. `few`: a
# sixth of the cells.
days <- list(apart = c(3, 4), committing = c(2, 3), few = c(3, 4))
sizes_of <- function(set) if (set == "few") round(sizes / 6) else sizes

# `within`: the components in which cells are compared, as ?method_parts has it.
cases <- data.frame(
  name = c("apart-genes", "apart-components", "committing-genes", "committing-components",
           "apart-refined", "apart-all", "committing-all", "few-genes",
           "few-components"),
  days = c("apart", "apart", "committing", "committing", "apart", "apart",
           "committing", "few", "few"),
  space = c("genes", "components", "genes", "components", "genes", "genes", "genes",
            "genes", "components"),
  refine = c(0, NA, 0, NA, NA, 0, 0, 0, NA),
  within = c(50, Inf, 50, Inf, 50, Inf, Inf, 50, Inf)
)

file_of <- function(...) file.path(folder, paste0(..., ".rds"))
keep <- function(x, ...) saveRDS(x, file_of(...), compress = FALSE)

# Cells in genes and in components, and what is true of them. Velocities of some cells of
# the first day are enough.
simulate <- function(name) {
  if (file.exists(file_of(name, "-truth"))) return(invisible())
  set.seed(1)
  cells <- vgfm_simulate_culture(sizes_of(name), days = days[[name]], genes = 2000,
                                 components = NULL, velocity = TRUE)
  genes <- as.matrix(cells[-1])
  keep(genes, name, "-genes")
  first <- sizes_of(name)[1]
  some <- seq(1, first, length.out = min(1500, first))
  truth <- attributes(cells)[c("growth", "branch", "fate", "mass", "program")]
  truth$time <- cells$time
  truth$some <- round(some)
  truth$velocity <- attr(cells, "velocity")[truth$some, ]
  set.seed(1)
  few <- vgfm_simulate_culture(sizes_of(name), days = days[[name]], genes = 2000,
                               components = components)
  keep(as.matrix(few[-1]), name, "-components")
  truth$rotation <- attr(few, "rotation")
  keep(truth, name, "-truth")
}

fit_case <- function(case) {
  truth <- readRDS(file_of(case$days, "-truth"))
  x <- readRDS(file_of(case$days, "-", case$space))
  control <- vgfm_control(refine_steps = if (!is.na(case$refine)) case$refine)
  method <- vgfm_method("vgfm", components = case$within)
  set.seed(1)
  before <- peak_memory()
  seconds <- system.time({
    fit <- suppressMessages(vgfm_fit(x, truth$time, truth$mass, method = method,
                                     control = control))
  })[["elapsed"]]
  list(fit = fit, truth = truth, seconds = seconds, before = before,
       peak = peak_memory())
}

# Of each gene over cells; NA where its true velocity is the same for all.
gene_correlation <- function(said, true) {
  vapply(seq_len(ncol(said)), function(j) {
    suppressWarnings(stats::cor(said[, j], true[, j]))
  }, 0)
}

velocity_figures <- function(run, case) {
  truth <- run$truth
  fit <- run$fit
  rotation <- if (case$space == "components") truth$rotation
  x <- fit$snapshots$x[truth$some, ]
  said <- vgfm_gene_velocity(fit, x, truth$time[truth$some], rotation = rotation)
  true <- truth$velocity
  program <- truth$program
  own <- function(b) {
    mean(gene_correlation(said[, program == b], true[, program == b]))
  }
  branches <- c("A", "B", "C")
  table <- data.frame(gene = names(program), program = program, true = colMeans(true),
                      said = colMeans(said))
  list(
    values = c(
      velocity_genes = stats::cor(table$said, table$true),
      velocity_slope = unname(stats::coef(stats::lm(said ~ true, table))[2]),
      velocity_branch = mean(vapply(branches, own, 0)),
      velocity_entries = stats::cor(as.vector(said), as.vector(true))
    ),
    table = table
  )
}

# Of some cells, at most 4000; measured expression for all fits.
growth_gene_figures <- function(run, case) {
  truth <- run$truth
  rows <- unique(round(seq(1, length(truth$time), length.out = 4000)))
  expression <- readRDS(file_of(case$days, "-genes"))[rows, ]
  table <- suppressWarnings(suppressMessages(vgfm_growth_genes(
    run$fit, run$fit$snapshots$x[rows, ], truth$time[rows], by = truth$branch[rows],
    expression = expression
  )))
  table$marginal[is.na(table$marginal)] <- 0
  table$program <- truth$program[table$gene]
  of <- function(group, programs, against) {
    some <- table[table$group == group, ]
    auc(abs(some$marginal), some$program %in% programs, against(some$program))
  }
  flat <- function(program) program == "none"
  others <- function(own) function(program) !program %in% own
  growth <- c("proliferation", "apoptosis")
  branches <- c("A", "B", "C")
  c(auc_growth = of("between groups", growth, flat),
    auc_growth_others = of("between groups", growth, others(growth)),
    auc_growth_branch_genes_apart = of("between groups", growth,
                                       others(c(growth, branches))),
    auc_branches = of("between groups", branches, flat))
}

# At the first day. Where cells are committing, those of the trunk are asked. Not where
# cells are compared in all genes, as their neighbours take many minutes.
fate_figures_of <- function(run, case) {
  names <- c("fates_error", "fates_trunk_error", "fates_trunk_correlation", "kept_worst")
  if (case$space == "genes" && is.infinite(case$within)) {
    return(list(values = stats::setNames(rep(NA, 4), names)))
  }
  truth <- run$truth
  first <- truth$time == min(truth$time)
  fates <- suppressMessages(vgfm_fates(run$fit, truth$branch, time = min(truth$time)))
  branches <- c("A", "B", "C")
  said <- vapply(branches, function(b) fates$probability[fates$fate == b],
                 numeric(sum(first)))
  true <- truth$fate[first, ]
  branch <- as.character(truth$branch[first])
  trunk <- branch == "trunk"
  kept <- vapply(branches, function(b) mean(said[branch == b, b]), 0)
  bins <- NULL
  if (any(trunk)) {
    p <- as.vector(said[trunk, ])
    bin <- cut(p, seq(0, 1, 0.1), include.lowest = TRUE)
    bins <- data.frame(said = tapply(p, bin, mean),
                       true = tapply(as.vector(true[trunk, ]), bin, mean),
                       cells = as.vector(table(bin)), row.names = NULL)
  }
  list(
    values = c(
      fates_error = calibration_error(said, true),
      fates_trunk_error = if (any(trunk)) calibration_error(said[trunk, ], true[trunk, ])
      else NA,
      fates_trunk_correlation = if (any(trunk)) {
        stats::cor(as.vector(said[trunk, ]), as.vector(true[trunk, ]))
      } else NA,
      kept_worst = min(kept)
    ),
    bins = bins
  )
}

# Wasserstein-1 distance and spread of 1500 cells of the first day, moved to the last, and
# as many seen there; in components for all fits, so that they can be compared.
cloud_figures <- function(run, case) {
  truth <- run$truth
  last <- truth$time == max(truth$time)
  moved <- predict(run$fit, run$fit$snapshots$x[truth$some, ], min(truth$time), "state",
                   to = max(truth$time))
  weight <- predict(run$fit, run$fit$snapshots$x[truth$some, ], min(truth$time),
                    "weight", to = max(truth$time))
  seen <- readRDS(file_of(case$days, "-components"))[last, ]
  turns <- split(seq_len(nrow(seen)), seq_len(nrow(seen)) %% 4)
  pick <- function(rows) seen[rows[seq(1, length(rows), length.out =
                                         min(1500, length(rows)))], ]
  here <- pick(turns[[1]])
  in_components <- function(x) if (ncol(x) == ncol(seen)) x else x %*% truth$rotation
  # Both are the same up to a shift, which components have and the product has not.
  moved <- in_components(as.matrix(moved))
  if (case$space == "genes") {
    genes <- colMeans(readRDS(file_of(case$days, "-genes")))
    moved <- moved - rep(drop(genes %*% truth$rotation), each = nrow(moved))
  }
  variance <- function(x, w) {
    w <- w / sum(w)
    sum(w * rowSums((x - rep(colSums(w * x), each = nrow(x)))^2))
  }
  c(w1 = vgfm_wasserstein(moved, here, weight),
    floor = vgfm_wasserstein(pick(turns[[2]]), here),
    spread = sqrt(variance(moved, weight) / variance(here, rep(1, nrow(here)))))
}

run_case <- function(case) {
  run <- fit_case(case)
  truth <- run$truth
  fit <- run$fit
  growth <- predict(fit, type = "growth")
  first <- truth$time == min(truth$time)
  velocity <- velocity_figures(run, case)
  fates <- fate_figures_of(run, case)
  values <- c(
    seconds = run$seconds, fit$seconds, peak_gib = run$peak, read_gib = run$before,
    steps = fit$control$steps, refine_steps = fit$control$refine_steps,
    told = fit$identified$identified,
    growth_correlation = stats::cor(growth[first], truth$growth[first]),
    growth_slope = unname(stats::coef(stats::lm(growth[first] ~ truth$growth[first]))[2]),
    velocity$values, fates$values, growth_gene_figures(run, case),
    cloud_figures(run, case)
  )
  key <- list(branch = truth$branch, time = truth$time)
  said <- stats::aggregate(list(said = growth, true = truth$growth), key, mean)
  said$cells <- stats::aggregate(growth, key, length)$x
  list(values = values, growth = said, velocity = velocity$table, bins = fates$bins)
}

# A process for each, so that the peak is that of one fit.
run_all <- function() {
  dir.create(folder, showWarnings = FALSE, recursive = TRUE)
  rscript <- file.path(R.home("bin"), "Rscript")
  call <- function(what) {
    status <- system2(rscript, c("bench/genespace.R", "--one", what),
                      env = c(paste0("GENESPACE_DIR=", folder),
                              paste0("GENESPACE_CELLS=", given), "OMP_NUM_THREADS=1"))
    if (status != 0) stop("failed: ", what)
  }
  for (name in names(days)) call(name)
  for (name in cases$name) if (!file.exists(file_of("case-", name))) call(name)
  kept_results()
}

# Of the cases that were run.
kept_results <- function() {
  there <- cases$name[file.exists(file_of("case-", cases$name))]
  lapply(stats::setNames(nm = there), function(name) readRDS(file_of("case-", name)))
}

# A table of results, one row for each case and thing.
stack <- function(results, what) {
  parts <- lapply(names(results), function(name) {
    table <- results[[name]][[what]]
    if (is.null(table)) return(NULL)
    numbers <- vapply(table, is.double, NA)
    table[numbers] <- lapply(table[numbers], function(v) signif(round(v, 6), 4))
    cbind(case = name, table)
  })
  do.call(rbind, parts)
}

write_results <- function(results) {
  values <- as.data.frame(t(vapply(results, function(one) signif(one$values, 4),
                                   results[[1]]$values)))
  fits <- cbind(cases[match(names(results), cases$name),
                      c("name", "days", "space", "within")], values)
  write <- function(table, name) {
    utils::write.csv(table, file.path("vignettes", paste0("genespace-", name, ".csv")),
                     row.names = FALSE, quote = FALSE)
  }
  write(fits, "fits")
  write(stack(results, "growth"), "growth")
  write(stack(results, "bins"), "fates")
  velocity <- stack(results[c("apart-genes", "apart-components")], "velocity")
  # Every sixteenth gene is enough for a figure.
  number <- as.integer(sub("gene", "", velocity$gene))
  write(velocity[number %% 16 == 0, ], "velocity")
  shown <- as.data.frame(lapply(as.data.frame(t(values)), formatC, digits = 3))
  report <- c(
    sprintf("%d + %d cells, 2000 genes, one thread. `bench/genespace.R` says what the",
            sizes[1], sizes[2]), "figures are; `few` has a sixth of the cells.", "",
    markdown(cbind(figure = names(values), stats::setNames(shown, names(results))))
  )
  writeLines(report, file.path("bench", "genespace.md"))
  cat(report, sep = "\n")
}

arguments <- commandArgs(TRUE)
if (identical(arguments[1], "--write")) {
  write_results(kept_results())
} else if (identical(arguments[1], "--one")) {
  what <- arguments[2]
  if (what %in% names(days)) simulate(what) else {
    keep(run_case(cases[cases$name == what, ]), "case-", what)
  }
} else {
  results <- run_all()
  if (!nzchar(given)) write_results(results)
}
