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
