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
  sources <- c(file.path("bench", paste0(name, ".c")), Sys.glob("src/core/*.c"))
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
                         rep(ifelse(resting, 5, 0.5), 2))
}

# The public data that are there, and the Gaussian clusters, by name.
benchmark_sets <- function() {
  public <- c("simulation_gene_data", "dygen", "mouse_hematopoiesis")
  sets <- lapply(stats::setNames(public, public), read_snapshots)
  for (d in c(100, 1000)) sets[[paste0("Gaussian, ", d, "-D")]] <- gaussian(d)
  Filter(length, sets)
}
