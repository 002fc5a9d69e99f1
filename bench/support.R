# What the benchmarks share.

best <- function(run, times = 3) {
  min(replicate(times, system.time(run())[["elapsed"]]))
}

config <- function(name) {
  system2(file.path(R.home("bin"), "R"), c("CMD", "config", name), stdout = TRUE)
}

# Compiles bench/<name>.c with the engine; the program, or NULL where it does not build.
compile <- function(name, libraries = NULL) {
  program <- file.path(tempdir(), name)
  sources <- c(file.path("bench", paste0(name, ".c")), Sys.glob("src/core/*/*.c"))
  arguments <- c("-std=gnu11 -O2 -fopenmp -Isrc/core", sources, libraries, "-lm -o",
                 program)
  status <- system(paste(c(config("CC"), arguments), collapse = " "))
  if (status == 0) program
}

# Numbers that a program prints on one line; NA where it fails.
numbers <- function(program, arguments, environment = character()) {
  line <- suppressWarnings(system2(program, arguments, stdout = TRUE, stderr = FALSE,
                                   env = environment))
  if (is.null(attr(line, "status"))) as.numeric(strsplit(line, " ")[[1]]) else NA
}

# Peak memory of this process in GiB; NA where the system does not say.
peak_memory <- function() {
  if (!file.exists("/proc/self/status")) return(NA)
  line <- grep("^VmHWM", readLines("/proc/self/status"), value = TRUE)
  as.double(gsub("[^0-9]", "", line)) / 2^20
}

# OpenBLAS: where the linker would not look by itself, VGFM_OPENBLAS names a folder with
# libopenblas.so; if it has libblas.so.3 as well, PyTorch runs on that.
openblas_folder <- Sys.getenv("VGFM_OPENBLAS")

# bench/training.c with OpenBLAS, or NULL.
compile_training <- function() {
  folder <- openblas_folder
  compile("training", c(if (nzchar(folder)) sprintf("-L%s -Wl,-rpath,%s", folder, folder),
                        "-lopenblas"))
}

# The environment in which OpenBLAS is fastest. Old versions know no new processor, and
# take kernels for a very old one; `program` is that of compile_training().
openblas_environment <- function(program) {
  folder <- openblas_folder
  path <- if (nzchar(folder)) paste0("LD_LIBRARY_PATH=", folder)
  each <- c(list(path), lapply(c("SKYLAKEX", "HASWELL", "ZEN"), function(type) {
    c(path, paste0("OPENBLAS_CORETYPE=", type))
  }))
  rates <- vapply(each, function(environment) {
    numbers(program, c(1, 64, 3, 2, 1024, 2), as.character(environment))[3]
  }, 0)
  as.character(each[[which.max(rates)]])
}

# Milliseconds of PyTorch's step, with one or two threads whichever is faster; NA where
# there is no PyTorch. `network` is width, hidden layers, features.
torch_step <- function(network, rounds, environment) {
  python <- python_with("torch")
  if (is.na(python)) return(NA)
  min(vapply(1:2, function(threads) {
    arguments <- c("bench/training.py", threads, network, 1024, rounds)
    numbers(python, arguments, environment)[1]
  }, 0)) / 1e3
}

# A Python that has a module, or NA.
python_with <- function(module) {
  has <- function(python) {
    nzchar(python) &&
      system2(python, c("-c", shQuote(paste("import", module))), stderr = FALSE) == 0
  }
  Filter(has, c(Sys.which("python3"), "/usr/bin/python3"))[1]
}

# The public files are read from VGFM_DATA; see tests/testthat/helper.R for the default.
read_snapshots <- function(name) {
  folder <- Sys.getenv("VGFM_DATA", file.path("..", "shared", "data"))
  path <- file.path(folder, paste0(name, ".csv"))
  if (!file.exists(path)) {
    cat("skipped:", path, "is not there\n")
    return(NULL)
  }
  cells <- utils::read.csv(path)
  list(x = cells[-1], time = cells[[1]])
}

gaussian <- function(d) {
  set.seed(100)
  cells <- vgfm::vgfm_simulate_gaussian(d)
  list(x = cells[-1], time = cells$time)
}

# The truth's own score: every cell moved and weighted as the simulation has it.
gaussian_truth <- function(cells) {
  x <- as.matrix(cells$x)
  start <- x[cells$time == 0, ]
  resting <- start[, 2] > 1.25
  right <- start
  right[, 1] <- right[, 1] + ifelse(resting, 0, 1)
  left <- start
  left[, 1] <- left[, 1] - ifelse(resting, 0, 1)
  vgfm::vgfm_wasserstein(rbind(right, left), x[cells$time == 1, ],
                         unname(rep(ifelse(resting, 5, 0.5), 2)))
}

# The public data that are there, and the Gaussian clusters, by name.
benchmark_sets <- function() {
  public <- c("simulation_gene_data", "dygen", "mouse_hematopoiesis")
  sets <- lapply(stats::setNames(public, public), read_snapshots)
  for (d in c(100, 1000)) sets[[paste0("Gaussian, ", d, "-D")]] <- gaussian(d)
  Filter(length, sets)
}

# What a fit sees of some cells, and what it is judged by; the same for a seed in all
# benchmarks, so that there is one figure for one thing. Tasks are
#   "fitted"  the cells of the fit,
#   "time"    all cells of the middle time, which is left out; NULL where there is none,
#   "half"    a random half of the cells of each time, the masses being known.
# A list: x, time and mass for the fit; new_x, new_time to judge it; new_mass, of a time
# that was left out, relative to the first.
new_task <- function(cells, task, seed) {
  set.seed(seed)
  time <- cells$time
  times <- sort(unique(time))
  middle <- times[(length(times) + 1) / 2]
  if (task == "time" && length(times) < 3) return(NULL)
  out <- switch(task,
    fitted = rep(FALSE, length(time)),
    time = time == middle,
    half = stats::ave(stats::runif(length(time)), time, FUN = rank) %% 2 == 0
  )
  judged <- out | task == "fitted"
  list(
    x = cells$x[!out, ], time = time[!out],
    mass = if (task == "half") as.vector(table(time)),
    new_x = cells$x[judged, ], new_time = time[judged],
    new_mass = if (task == "time") sum(out) / sum(time == times[1])
  )
}

fit_task <- function(task, control, seed, method = "vgfm") {
  set.seed(seed)
  vgfm::vgfm_fit(task$x, task$time, task$mass, method = method, control = control)
}

# The table of each time, with the error of the mass where one was left out, and the
# distance between the cells of the fit and those it is judged by.
score_task <- function(fit, task) {
  table <- vgfm::vgfm_evaluate(fit, task$new_x, task$new_time)
  if (!is.null(task$new_mass)) {
    start <- task$x[task$time == min(task$time), ]
    weight <- predict(fit, start, min(task$time), "weight", to = task$new_time[1])
    table$rme <- abs(mean(weight) / task$new_mass - 1)
  }
  table$apart <- vapply(table$time, function(t) {
    seen <- task$x[task$time == t, ]
    new <- task$new_x[task$new_time == t, ]
    if (nrow(seen) == 0 || identical(seen, new)) return(NA)
    vgfm::vgfm_wasserstein(as.matrix(seen), as.matrix(new))
  }, 0)
  table
}

# Correlation of learned and true growth over the fitted cells, where the truth is known.
growth_agreement <- function(set, fit) {
  x <- fit$snapshots$x
  true <- if (set == "simulation_gene_data") {
    x[, 2]^2 / (1 + x[, 2]^2)
  } else if (startsWith(set, "Gaussian")) {
    as.numeric(x[, 2] > 1.25)
  }
  if (is.null(true)) NA else stats::cor(predict(fit, type = "growth"), true)
}

# Numbers go into tables with four digits.
write_table <- function(table, name) {
  table[] <- lapply(table, function(v) if (is.double(v)) signif(v, 4) else v)
  utils::write.csv(table, file.path("vignettes", name), row.names = FALSE, na = "")
}

# A data frame as lines of Markdown.
markdown <- function(table) {
  line <- function(cells) paste0("| ", paste(cells, collapse = " | "), " |")
  c(line(names(table)), line(rep("---", ncol(table))),
    apply(as.matrix(table), 1, line, simplify = FALSE) |> unlist(use.names = FALSE))
}
