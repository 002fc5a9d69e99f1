# Seconds of the published methods beside ours, on one core. Writes bench/paper-speed.md
# and vignettes/paper-speed.csv; takes some minutes.
#
# Theirs are twins in PyTorch (bench/paper-speed.py): seconds of an iteration are measured
# on a few, and multiplied by the number that was published. Ours are those of a fit with
# the published networks, rows and number of steps, extrapolated from fits with a tenth and
# two tenths of the steps, and those of the default fit, in vignettes/paper.csv, which
# bench/paper.R has measured. PyTorch runs on the fastest of what there is: its own BLAS, or
# OpenBLAS as bench/support.R says (VGFM_OPENBLAS).
#
#   Rscript bench/paper-speed.R [ROUNDS] [default]
#
# With `default`, fits of the published size, which take most of the time, are left out.

library(vgfm)
source(file.path("bench", "support.R"))

python <- python_with("torch")
if (is.na(python)) {
  cat("skipped: no Python with PyTorch\n")
  quit(save = "no")
}
given <- commandArgs(trailingOnly = TRUE)
rounds <- c(setdiff(given, "default"), "3")[1]
folder <- Sys.getenv("VGFM_DATA", file.path("..", "shared", "data"))
files <- c(simulation_gene = "simulation_gene_data.csv", dyngen = "dygen.csv")
files <- file.path(folder, files) |> stats::setNames(names(files))
files <- files[file.exists(files)]
if (length(files) == 0) {
  cat("skipped: no data in", folder, "\n")
  quit(save = "no")
}

# A row for each stage: its name, seconds of an iteration, iterations.
run_twin <- function(method, file, environment) {
  lines <- system2(python, c("bench/paper-speed.py", method, shQuote(file), rounds),
                   stdout = TRUE, env = c("OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1",
                                          environment))
  utils::read.csv(text = lines, header = FALSE,
                  col.names = c("stage", "seconds", "iterations"))
}
environments <- list(character())
if (nzchar(openblas_folder)) {
  path <- paste0("LD_LIBRARY_PATH=", openblas_folder)
  types <- paste0("OPENBLAS_CORETYPE=", c("SKYLAKEX", "HASWELL", "ZEN"))
  environments <- c(environments, path, lapply(types, function(type) c(path, type)))
}
probes <- vapply(environments, function(environment) {
  tryCatch(run_twin("probe", files[[1]], environment)$seconds, error = function(e) Inf)
}, 0)
environment <- environments[[which.min(probes)]]
cat("PyTorch runs with:", if (length(environment)) environment else "its own BLAS", "\n")

# Our method and settings that do as much as the twins: the same units and layers, rows in
# a step, and `share` of the numbers of steps. `k` intervals, `n` cells at the first time.
published_run <- function(method, k, n, steps, share) {
  settings <- function(..., steps, refine_steps = NULL) {
    if (!is.null(refine_steps)) refine_steps <- round(share * refine_steps)
    vgfm_control(..., steps = round(share * steps), refine_steps = refine_steps,
                 threads = 1, progress = FALSE)
  }
  # deepruot goes through its cells in parts, one in each step.
  parts <- min(8, n %/% 64)
  switch(method,
    ot_cfm = list(vgfm_method("ot_cfm"), settings(
      width = 64, depth = 3, activation = "silu", steps = steps, batch = 256 * k)),
    ot_mfm = list(vgfm_method("ot_mfm", steps = round(share * steps)), settings(
      width = 64, depth = 3, activation = "silu", steps = steps, batch = 128 * k)),
    deepruot = list(vgfm_method("deepruot"), settings(
      width = 400, depth = 2, steps = max(200 * parts, 1001), refine_steps = 200,
      batch = n * k)),
    tigon = list(vgfm_method("tigon"), settings(
      width = 16, depth = 4, activation = "tanh", steps = steps)),
    udsb = list(vgfm_method("udsb", rounds = round(share * 100)), settings(
      width = 32, depth = 3, activation = "silu", steps = 1000, batch = 512 * 101))
  )
}
# Seconds of the whole run, from those of a tenth and of two tenths of it.
run_ours <- function(method, file, steps) {
  if (!method %in% vgfm_methods()$method) return(NA_real_)
  cells <- utils::read.csv(file)
  counts <- table(cells[[1]])
  seconds <- function(share) {
    run <- published_run(method, length(counts) - 1, counts[[1]], steps, share)
    set.seed(1)
    system.time(suppressWarnings(suppressMessages(
      vgfm_fit(cells[-1], cells[[1]], method = run[[1]], control = run[[2]])
    )))[["elapsed"]]
  }
  tryCatch({
    tenth <- seconds(0.1)
    tenth + 9 * max(seconds(0.2) - tenth, 0)
  }, vgfm_error = function(error) {
    cat(method, ":", conditionMessage(error), "\n")
    NA_real_
  })
}

ours <- utils::read.csv(file.path("vignettes", "paper.csv"))
ours <- stats::aggregate(seconds ~ set + method, ours, mean)
methods <- c("ot_cfm", "ot_mfm", "deepruot", "tigon", "udsb")
rows <- lapply(names(files), function(set) {
  lapply(methods, function(method) {
    stages <- run_twin(method, files[[set]], environment)
    total <- sum(stages$seconds * stages$iterations)
    own <- ours$seconds[ours$set == set & ours$method == method]
    row <- data.frame(
      set, method, stages = paste(stages$stage, collapse = " + "),
      ms = paste(signif(1e3 * stages$seconds, 2), collapse = " + "),
      iterations = paste(stages$iterations, collapse = " + "), pytorch = total,
      same = if ("default" %in% given) NA_real_ else
        run_ours(method, files[[set]], stages$iterations[1])
    )
    row$times <- row$pytorch / row$same
    row$default <- if (length(own) == 1) own else NA_real_
    row$times_default <- row$pytorch / row$default
    print(row)
    row
  })
})
table <- do.call(rbind, unlist(rows, recursive = FALSE))
write_table(table, "paper-speed.csv")

shown <- table
numbers <- c("pytorch", "same", "times", "default", "times_default")
shown[numbers] <- lapply(shown[numbers], function(v) {
  ifelse(is.na(v), "-", format(signif(v, 2), trim = TRUE, drop0trailing = TRUE,
                               scientific = FALSE))
})
names(shown)[4:10] <- c("ms of an iteration", "iterations", "PyTorch, s",
                        "vgfm, same size, s", "times as fast", "vgfm, default, s",
                        "times as fast")
writeLines(c(
  "# Speed beside the published methods",
  "",
  "One core. Milliseconds of an iteration are measured; seconds of PyTorch are these",
  "times the published number of iterations, so they are extrapolated. Seconds of vgfm at",
  "the same size are those of a fit with networks of the published size, as many rows in a",
  "step, and as many steps, extrapolated from fits with a tenth and two tenths of these.",
  "Those of the fit with default settings beside are measured. Algorithms are our own:",
  "couplings are solved once, not in each step; all networks of a fit have the size of its",
  "largest. \"-\": not run.",
  "",
  "The PyTorch programs are twins that we wrote from these settings",
  "(`bench/paper-speed.py`), not the public code, and leave out what they can: no",
  "validation, no logging, no saving. Where a number was not fixed it is the least one,",
  "but for `ot_mfm`, which may stop early: its number is the most.",
  "* `ot_mfm`: 1000 epochs at most for each stage.",
  "* `deepruot`: 200 epochs for fields and for all together (200 to 500 were used), no",
  "  second pass with Sinkhorn distances, no equation residual.",
  "* `tigon`: one step of the integrator for each interval.",
  "* `udsb`: two phases of 100 rounds; no network for the rate of births.",
  "", markdown(shown)
), file.path("bench", "paper-speed.md"))
