# Replicates kept in a folder, so that none is made twice.

# What decides what a replicate is, apart from its number and the key.
ensemble_hash <- function(fit, control) {
  numerics <- setdiff(names(control), c("threads", "progress", "checkpoint", "memory"))
  rlang::hash(list(ensemble_format, fit$snapshots, fit$method, control[numerics],
                   fit$identified, fit$scan, fit$field$heads))
}

# A folder of replicates: list(key, read(number), write(number, replicate)). Without one,
# nothing is kept. The key of an ensemble that was begun there is taken up again.
open_folder <- function(folder, fit, control, key, call) {
  if (is.null(folder)) {
    return(list(key = key, read = function(number) NULL,
                write = function(number, replicate) NULL))
  }
  if (!rlang::is_string(folder)) {
    abort_input("{.arg resume_dir} must be the name of a folder, not {describe(folder)}.",
                arg = "resume_dir", call = call)
  }
  fail <- function(message, error = NULL) {
    abort_input(message, arg = "resume_dir", class = "vgfm_error_resume", parent = error,
                call = call, .envir = parent.frame())
  }
  if (!dir.exists(folder) && !dir.create(folder, FALSE, TRUE)) {
    fail("The folder {.file {folder}} cannot be made.")
  }
  # What cannot be kept later, as on a full disk, is no reason to lose it.
  keep <- function(object, file, otherwise) {
    tryCatch(write_whole(object, file), error = otherwise)
  }
  hash <- ensemble_hash(fit, control)
  index <- file.path(folder, "ensemble.rds")
  if (file.exists(index)) {
    begun <- read_kept(index)
    if (is.null(begun)) {
      fail("{.file {index}} is damaged: remove it, or empty the folder.")
    }
    if (!identical(begun$hash, hash)) {
      fail(c("{.file {folder}} holds replicates of another fit.",
             i = "Choose another {.arg resume_dir}, or empty this one."))
    }
    key <- begun$key
  } else {
    keep(list(hash = hash, key = key), index, function(error) {
      fail("Nothing can be written into {.file {folder}}.", error)
    })
  }
  file_of <- function(number) file.path(folder, sprintf("replicate-%04d.rds", number))
  list(
    key = key,
    read = function(number) {
      kept <- if (file.exists(file_of(number))) read_kept(file_of(number))
      ours <- identical(kept$hash, hash) && identical(kept$key, key)
      if (ours && is.null(replicate_fault(kept$replicate, fit))) kept$replicate
    },
    write = function(number, replicate) {
      # A failure may be another thing tomorrow, as one of memory.
      if (is.null(replicate$fit)) return(invisible())
      keep(list(hash = hash, key = key, replicate = replicate), file_of(number),
           function(error) {
        warn_vgfm(c("Replicate {number} could not be kept in {.file {folder}}.",
                    x = "{conditionMessage(error)}"),
                  class = "vgfm_warning_checkpoint", call = call)
      })
    }
  )
}

# NULL for a file that is damaged: what was in it is made again.
read_kept <- function(file) {
  unreadable <- function(condition) NULL
  kept <- tryCatch(readRDS(file), error = unreadable, warning = unreadable)
  if (is.list(kept)) kept
}
