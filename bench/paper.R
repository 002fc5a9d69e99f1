# The paper's table and panels. Writes vignettes/paper.csv, a row for each method, data
# set, seed and time, by vgfm_benchmark_paper(); vignettes/paper-growth.csv, how growth
# agrees with the truth; and vignettes/paper-panels.csv, what the vignette draws.
#
#   Rscript bench/paper.R [methods=vgfm,ot_cfm] [sets=dyngen] [seeds=1] [workers=2]
#                         [panels=no]
#
# Rows of other methods and sets stay in the files. Each finished fit is kept in
# .build/paper, by the build of the package: what was stopped goes on from there.

library(vgfm)
source(file.path("bench", "support.R"))

given <- strsplit(commandArgs(trailingOnly = TRUE), "=")
given <- stats::setNames(lapply(given, `[`, 2), vapply(given, `[`, "", 1))
words <- function(name, default) {
  value <- given[[name]]
  if (is.null(value)) default else strsplit(value, ",")[[1]]
}
unknown <- setdiff(names(given), c("methods", "sets", "seeds", "workers", "panels"))
if (length(unknown) > 0) stop("unknown argument: ", unknown[1])

naive <- c("hold", "linear", "counts")
every <- vgfm_methods()$method
methods <- words("methods", setdiff(every, naive))
sets <- words("sets", c("simulation_gene", "dyngen", "gaussian", "mouse_hematopoiesis"))
workers <- as.integer(words("workers", "1"))
# One seed where a fit takes long.
large <- c("gaussian", "mouse_hematopoiesis")
slow <- c("tigon", "udsb")
seeds_of <- function(set, slow) {
  as.integer(words("seeds", if (set %in% large || slow) "1" else c("1", "2", "3")))
}

options(vgfm.threads = 1)
folder <- Sys.getenv("VGFM_DATA", file.path("..", "shared", "data"))
if (dir.exists(folder)) options(vgfm.data_url = normalizePath(folder))
if (!requireNamespace("future.apply", quietly = TRUE)) workers <- 1
if (workers > 1) future::plan("multisession", workers = workers)

# Fits of another build are other fits.
built <- list.files(system.file(package = "vgfm"), "[.](so|dll|rdb)$", recursive = TRUE,
                    full.names = TRUE)
build <- substr(rlang::hash(unname(tools::md5sum(built))), 1, 12)
store <- file.path(".build", "paper", build)
dir.create(store, recursive = TRUE, showWarnings = FALSE)

# Replaces the rows of some sets and methods in a file. `by`: further columns to order by.
merge_rows <- function(new, name, by) {
  path <- file.path("vignettes", name)
  old <- if (file.exists(path)) utils::read.csv(path)
  old <- old[!paste(old$set, old$method) %in% paste(new$set, new$method), names(new)]
  rows <- rbind(old, new)
  order_of <- function(values, levels) match(values, levels, length(levels) + 1)
  known <- c("simulation_gene", "dyngen", "gaussian", "mouse_hematopoiesis")
  place <- c(list(order_of(rows$set, known), order_of(rows$method, every)), rows[by])
  write_table(rows[do.call(order, unname(place)), ], name)
}

# --- the table -----------------------------------------------------------------------

table_of <- function(set, methods, seeds) {
  if (length(methods) == 0) return(invisible())
  made <- vgfm_benchmark_paper(methods, set, seeds = seeds, resume_dir = store,
                               control = vgfm_control(threads = 1))
  print(made)
  rows <- made$repeats
  rows <- rows[c("set", "method", "seed", "time", "cells", "w1", "floor", "rme_trained",
                 "rme", "spread", "seconds", "note")]
  names(rows)[8:9] <- c("rme", "rme_corrected")
  rows$set <- as.character(rows$set)
  rows$method <- as.character(rows$method)
  merge_rows(rows, "paper.csv", c("time", "seed"))
}
for (set in sets) {
  table_of(set, setdiff(methods, slow), seeds_of(set, FALSE))
  table_of(set, intersect(methods, slow), seeds_of(set, TRUE))
}
if (identical(words("panels", "yes"), "no")) quit(save = "no")

# --- panels --------------------------------------------------------------------------

cells_of <- function(set) {
  if (set == "gaussian") return(gaussian(1000))
  vgfm_dataset(set)
}
true_growth <- function(set, x) {
  switch(set, simulation_gene = 0.067 * 8 * x[, 2]^2 / (1 + x[, 2]^2),
         gaussian = log(10) * (x[, 2] > 1.25))
}
# The fit of seed 1, kept as the figures are.
fit_path <- function(set, method) {
  file.path(store, paste0("fit-", set, "-", method, ".rds"))
}
panel_fit <- function(method, set, cells) {
  set.seed(1)
  fit <- tryCatch(suppressWarnings(suppressMessages(
    vgfm_fit(cells$x, cells$time, method = method,
             control = vgfm_control(threads = 1, progress = FALSE))
  )), vgfm_error = function(error) NULL)
  saveRDS(fit, fit_path(set, method))
}
# Fits that are not there yet, in as many processes as were asked for.
make_fits <- function(set, methods) {
  open <- methods[!file.exists(fit_path(set, methods))]
  if (length(open) == 0) return(invisible())
  cells <- cells_of(set)
  cat("panels of ", set, ": ", toString(open), "\n", sep = "")
  if (workers > 1) {
    future.apply::future_lapply(open, panel_fit, set = set, cells = cells,
                                future.seed = NULL, future.chunk.size = 1,
                                future.packages = "vgfm")
  } else {
    for (method in open) panel_fit(method, set, cells)
  }
}
# Two coordinates to draw in.
plane <- function(set, x, fit) {
  if (set != "dyngen") return(x[, 1:2])
  stats::predict(stats::prcomp(fit$snapshots$x), x)[, 1:2]
}
some <- function(n, most) round(seq(1, n, length.out = min(n, most)))

# The mass that training gives the first snapshot on its way, before it is corrected.
mass_rows <- function(set, method, fit) {
  s <- fit$snapshots
  fit$field$correction <- NULL
  times <- sort(unique(c(s$times, seq(s$times[1], max(s$times), length.out = 17))))
  paths <- vgfm_trajectories(fit, times = times, n = 400)
  mass <- tapply(paths$weight, paths$time, mean)
  data.frame(set, method, kind = "mass", id = NA, time = times, x1 = NA, x2 = NA,
             value = as.vector(mass))
}
observed_rows <- function(set, fit) {
  s <- fit$snapshots
  data.frame(set, method = "observed", kind = "mass", id = NA, time = s$times, x1 = NA,
             x2 = NA, value = s$mass)
}
# Fewer points and paths where all methods stand side by side.
most <- function(method, few, many) if (method %in% c("vgfm", "truth")) many else few

# Cells with their growth, by `method`, or as it is in truth.
cell_rows <- function(set, method, fit, growth) {
  s <- fit$snapshots
  rows <- unlist(lapply(split(seq_along(s$index), s$index), function(at) {
    at[some(length(at), most(method, 30, 300 / length(s$times)))]
  }))
  at <- plane(set, s$x[rows, ], fit)
  data.frame(set, method, kind = "cell", id = NA, time = s$time[rows], x1 = at[, 1],
             x2 = at[, 2], value = growth[rows])
}
path_rows <- function(set, method, fit) {
  s <- fit$snapshots
  first <- which(s$index == 1)
  first <- first[some(length(first), most(method, 20, 40))]
  paths <- vgfm_trajectories(fit, s$x[first, ], s$times[1],
                             seq(s$times[1], max(s$times), length.out = most(method, 9, 13)))
  features <- utils::tail(names(paths), ncol(s$x))
  at <- plane(set, as.matrix(paths[features]), fit)
  data.frame(set, method, kind = "path", id = match(paths$cell, unique(paths$cell)),
             time = paths$time, x1 = at[, 1], x2 = at[, 2], value = paths$weight)
}

learns_growth <- with(vgfm_methods(), method[growth == "learned"])
in_paper <- unique(vgfm:::published_figures()$method)
for (set in sets) {
  rows <- agreement <- NULL
  grows <- methods %in% learns_growth
  # Methods of the paper have paths on the gene network, and masses everywhere.
  drawn <- methods == "vgfm" | (set == "simulation_gene" & methods %in% in_paper)
  known <- grows & set %in% c("simulation_gene", "gaussian")
  needed <- methods[drawn | known | (grows & methods %in% in_paper)]
  make_fits(set, needed)
  for (method in needed) {
    fit <- readRDS(fit_path(set, method))
    if (is.null(fit)) next
    if (method %in% methods[drawn]) rows <- rbind(rows, path_rows(set, method, fit))
    if (!method %in% learns_growth) next
    if (method %in% in_paper) rows <- rbind(rows, mass_rows(set, method, fit))
    growth <- predict(fit, type = "growth")
    truth <- true_growth(set, fit$snapshots$x)
    if (!is.null(truth)) {
      agreement <- rbind(agreement,
                         data.frame(set, method, growth = stats::cor(growth, truth)))
    }
    if (method %in% methods[drawn]) {
      rows <- rbind(rows, cell_rows(set, method, fit, growth))
    }
    if (method != "vgfm") next
    rows <- rbind(rows, observed_rows(set, fit))
    if (!is.null(truth)) rows <- rbind(rows, cell_rows(set, "truth", fit, truth))
  }
  if (!is.null(rows)) {
    rows[4:8] <- lapply(rows[4:8], signif, 3)
    merge_rows(rows, "paper-panels.csv", c("kind", "id", "time"))
  }
  if (!is.null(agreement)) merge_rows(agreement, "paper-growth.csv", character())
}
