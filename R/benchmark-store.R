# Finished tasks of a benchmark on disk: a file for each, which is found again by a hash
# of all that its result depends on.

# The folder in full, made if it is not there.
check_resume_dir <- function(dir, call) {
  if (is.null(dir)) return(NULL)
  if (!rlang::is_string(dir) || dir == "") {
    abort_scalar(dir, "the path of a folder, or `NULL`", NULL, "resume_dir", NULL, call)
  }
  if (!dir.exists(dir)) dir.create(dir, showWarnings = FALSE)
  if (!dir.exists(dir) || file.access(dir, 2) != 0) {
    abort_input(c(
      "{.arg resume_dir} must be a folder that can be written to, not {.file {dir}}.",
      i = "Make the folder first, or name another."
    ), arg = "resume_dir", call = call)
  }
  normalizePath(dir)
}

# Each task with the `hash` of what its result depends on and, given a folder, its `file`.
with_files <- function(tasks, snapshots, dir) {
  if (is.null(dir)) return(tasks)
  data <- hash_of(snapshots[c("x", "time", "mass", "prior")])
  lapply(tasks, function(task) {
    about <- task[setdiff(names(task), c("label", "seed"))]
    # What these are changes no figure.
    about$control[c("threads", "progress", "checkpoint")] <- NULL
    version <- as.character(utils::packageVersion("vgfm"))
    task$hash <- hash_of(c(about, data = data, format = fit_format, version = version))
    task$file <- file.path(dir, paste0(task$kind, "-", task$hash, ".rds"))
    task
  })
}

# A hash of values, however R holds them in memory: version 2 of the format writes all
# alike, behind a header of 14 bytes that names the version of R. Names of cells and
# features count for nothing.
hash_of <- function(values) {
  if (is.matrix(values$x)) values$x <- list(dim(values$x), as.vector(values$x))
  rlang::hash(serialize(values, NULL, version = 2)[-seq_len(14)])
}

# The result of a task as it is on disk; NULL if there is none, or the file is damaged.
read_result <- function(task) {
  if (is.null(task$file) || !file.exists(task$file)) return(NULL)
  # readRDS() warns of what it cannot read before it fails.
  unreadable <- function(condition) NULL
  stored <- tryCatch(readRDS(task$file), error = unreadable, warning = unreadable)
  whole <- is.list(stored) && identical(stored$hash, task$hash) &&
    identical(stored$check, hash_of(stored["result"]))
  if (whole) stored$result
}

# A result that cannot be kept is no reason to lose it.
write_result <- function(result, task) {
  if (is.null(task$file) || !result$keeping) return(invisible())
  stored <- list(hash = task$hash, check = hash_of(list(result = result)),
                 result = result)
  tryCatch(write_whole(stored, task$file), error = function(error) {
    warn_vgfm(c(
      "A finished part of the benchmark could not be kept in {.file {task$file}}.",
      x = "{conditionMessage(error)}"
    ), class = "vgfm_warning_checkpoint", call = NULL)
  })
  invisible()
}
