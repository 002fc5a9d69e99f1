# The R tests of the installed package: Rscript tools/run-r-tests.R FILE. Writes the
# numbers passed, failed and skipped to FILE. Local, so that no test finds these names.
local({
  suppressPackageStartupMessages(library(testthat))
  # Snapshots are compared here, though not on CRAN.
  Sys.setenv(NOT_CRAN = "true")
  # A figure that is drawn without a device would leave an Rplots.pdf behind.
  options(device = function(...) stop("A figure was drawn, and no device was open."))
  on_ci <- nzchar(Sys.getenv("CI"))

  # One line per file, without the spinner that only a terminal can turn.
  progress <- ProgressReporter$new(
    show_praise = FALSE, max_failures = Inf, min_time = Inf,
    update_interval = if (isatty(stdout())) 0.1 else Inf
  )
  results <- test_dir(
    "tests/testthat", package = "vgfm", load_package = "installed", reporter = progress,
    stop_on_failure = FALSE
  )

  total <- c(passed = 0, failed = 0, skipped = 0)
  for (test in results) {
    name <- paste0(test$file, ": ", test$test)
    for (expectation in test$results) {
      kind <- sub("^expectation_", "", class(expectation)[1])
      text <- sub("^Reason: ", "", conditionMessage(expectation))
      # A snapshot made just now has compared nothing.
      new <- kind == "warning" && on_ci && grepl("^Adding new", text)
      if (kind == "skip") cat("skipped: ", name, ": ", text, "\n", sep = "")
      if (new) cat("failed: ", name, ": its snapshot is not in the tree\n", sep = "")
      total <- total + c(
        kind == "success", kind %in% c("failure", "error") || new, kind == "skip"
      )
    }
  }
  writeLines(format(total), commandArgs(trailingOnly = TRUE)[1])
})
