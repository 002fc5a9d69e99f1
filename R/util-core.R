# The R side of the glue: threads, keys, and conditions out of status codes.

# Runs after a `.Call()`: the result if all went well, else a classed error.
# `what` completes "<what> failed".
check_core <- function(result, what, call = rlang::caller_env(), hint = NULL) {
  if (result$status == 0L) return(result)
  class <- status_class(result$status)
  if (class == "interrupt") raise_caught()
  reason <- .Call(ffi_status_message, result$status)
  cli::cli_abort(c("{what} failed: {reason}.", i = hint),
                 class = c(class, "vgfm_error"), call = call)
}

# The class of the condition that a status other than 0 becomes, see core/status.h.
status_class <- function(status) {
  switch(as.character(status),
    "3" = "vgfm_error_not_finite",
    "4" = "vgfm_error_convergence",
    "6" = "interrupt",
    "7" = "vgfm_error_precision",
    "8" = "vgfm_error_reach",
    "vgfm_error_internal"
  )
}

# Those that say that the fields lead nowhere: neither the program nor the user is at
# fault.
field_errors <- c("vgfm_error_not_finite", "vgfm_error_convergence",
                  "vgfm_error_precision")

# The value of an expression; that of `otherwise`, a function of the error, where the
# fields lead nowhere.
if_fields_fail <- function(value, otherwise) {
  rlang::try_fetch(value, vgfm_error = function(error) {
    if (inherits(error, field_errors)) otherwise(error) else rlang::zap()
  })
}

# What stopped core goes on as what it was: the user's Ctrl-C, or the error of
# setTimeLimit().
raise_caught <- function() {
  caught <- .Call(ffi_caught)
  if (inherits(caught, "error")) {
    caught["call"] <- list(NULL) # of the place where it was caught
    stop(caught)
  }
  rlang::interrupt()
}

# Called from C: an argument is not what its function takes, which R should have found.
abort_border <- function(reason) {
  cli::cli_abort(c(
    "The core of vgfm was handed what it does not take: {reason}.",
    i = "If this is about a fit, it is damaged: fit again. Else it is a bug."
  ), class = c("vgfm_error_internal", "vgfm_error"), call = NULL)
}

# The process that loaded the package, as opposed to one forked from it.
process <- new.env(parent = emptyenv())

.onLoad <- function(libname, pkgname) {
  process$id <- Sys.getpid()
  kernels <- Sys.getenv("VGFM_KERNELS")
  if (.Call(ffi_runtime, kernels)$status != 0L) {
    warning("VGFM_KERNELS=", kernels, " is not to be had here; using ",
            .Call(ffi_runtime, NULL)$kernels, call. = FALSE)
  }
}

# Threads to use: the control's, else `options(vgfm.threads =)`, else two, and never more
# than there are processors. One in a forked process (parallel::mclapply()): OpenMP's
# threads do not survive the fork, and waiting for them would never end.
use_threads <- function(threads = NULL, call = rlang::caller_env()) {
  if (is.null(threads)) threads <- getOption("vgfm.threads", 2L)
  threads <- check_count(threads, min = 1, arg = "threads", call = call)
  if (Sys.getpid() != process$id) return(1L)
  min(threads, .Call(ffi_runtime, NULL)$cores)
}

# Two 32-bit words from R's own generator, so that set.seed() rules everything after.
new_key <- function() floor(stats::runif(2) * 2^32)

# Numbers in [0, 1) that depend on a key and a stream alone; R's generator stays put.
key_uniform <- function(n, key, stream) .Call(ffi_uniform, n, key, stream)
