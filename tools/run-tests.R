# Runs tests and counts them:
#   Rscript tools/run-tests.R [--core=FOLDER] [--each-kernel] [--r]
# --core: the C test programs built in FOLDER, of which there is one per file in
# tests/core; --each-kernel: once for each kernel table of this processor; --r: those of
# the installed package, after the rules of the tree. The last line printed is
# "N passed, N failed, N skipped"; the exit code is 0 if nothing failed.

arguments <- commandArgs(trailingOnly = TRUE)
core <- sub("^--core=", "", grep("^--core=", arguments, value = TRUE))
each_kernel <- "--each-kernel" %in% arguments
total <- c(passed = 0, failed = 0, skipped = 0)

count <- function(passed = 0, failed = 0, skipped = 0) {
  total <<- total + c(passed, failed, skipped)
}

skip <- function(what, why) {
  cat("skipped: ", what, ": ", why, "\n", sep = "")
  count(skipped = 1)
}

# A program prints "name: N passed, N failed" and says in its exit code whether any did.
# One that ends otherwise has failed, whatever it printed.
run_program <- function(path, label, env = character(), arguments = character()) {
  lines <- suppressWarnings(
    system2(path, arguments, stdout = TRUE, env = env, timeout = 1200)
  )
  status <- attr(lines, "status")
  pattern <- "^.*: ([0-9]+) passed, ([0-9]+) failed$"
  tally <- utils::tail(grep(pattern, lines, value = TRUE), 1)
  numbers <- c(0, 0)
  if (length(tally)) {
    numbers <- as.double(c(sub(pattern, "\\1", tally), sub(pattern, "\\2", tally)))
  }
  cat(sprintf("%-30s %6.0f passed, %.0f failed\n", label, numbers[1], numbers[2]))
  # What the program said, if it is not just the tally.
  cat(sprintf("  %s\n", setdiff(lines, tally)), sep = "")
  if (is.null(status) && !length(tally) || !is.null(status) && numbers[2] == 0) {
    code <- if (is.null(status)) "no tally" else paste("exit code", status)
    cat(label, ": failed with ", code, "\n", sep = "")
    numbers[2] <- numbers[2] + 1
  }
  count(numbers[1], numbers[2])
}

# The tables of this architecture, those that cannot run here as skips.
kernel_tables <- function(folder) {
  here <- system2(file.path(folder, "list_kernels"), stdout = TRUE)
  arm <- grepl("aarch64|arm64", R.version$arch)
  wanted <- c("naive", "generic", if (arm) "neon" else c("avx2", "avx512"))
  for (name in setdiff(wanted, here)) {
    skip(paste("C tests with kernels", name), "not on this processor or in this build")
  }
  intersect(wanted, here)
}

run_core <- function(folder) {
  sources <- list.files("tests/core", "^test_.*[.]c$")
  kernels <- if (each_kernel) kernel_tables(folder) else Sys.getenv("VGFM_KERNELS")
  for (table in kernels) {
    for (name in sub("[.]c$", "", sources)) {
      label <- if (each_kernel) paste0(name, " (", table, ")") else name
      run_program(file.path(folder, name), label, paste0("VGFM_KERNELS=", table))
    }
  }
}

rscript <- file.path(R.home("bin"), "Rscript")

# In a process of its own, so that a crash is a failure like any other.
run_r <- function() {
  tally <- tempfile()
  system2(rscript, c("--vanilla", "tools/run-r-tests.R", tally))
  if (file.exists(tally)) return(do.call(count, as.list(scan(tally, quiet = TRUE))))
  cat("R tests: failed, R stopped before their end\n")
  count(failed = 1)
}

for (folder in core) run_core(folder)
if ("--r" %in% arguments) {
  run_program("tools/check-tree.sh", "rules of the tree")
  run_program(rscript, "rules of the documents",
              arguments = c("--vanilla", "tools/check-docs.R"))
  run_r()
}
if (sum(total[1:2]) == 0) {
  cat("no tests were run\n")
  count(failed = 1)
}
cat(sprintf("%.0f passed, %.0f failed, %.0f skipped\n", total[1], total[2], total[3]))
quit(save = "no", status = total[["failed"]] > 0)
