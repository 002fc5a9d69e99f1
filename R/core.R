# The R side of the glue: threads, keys, and conditions out of status codes.

# Runs after a `.Call()`: the result if all went well, else a classed error.
# `what` completes "<what> failed".
check_core <- function(result, what, call = rlang::caller_env()) {
  if (result$status == 0L) return(result)
  reason <- .Call(ffi_status_message, result$status)
  class <- switch(as.character(result$status),
    "1" = , "2" = , "5" = "vgfm_error_internal",
    "3" = "vgfm_error_not_finite",
    "4" = "vgfm_error_convergence",
    "vgfm_error_core"
  )
  cli::cli_abort("{what} failed: {reason}.", class = c(class, "vgfm_error"), call = call)
}

# Threads to use: the control's, else `options(vgfm.threads =)`, else two, and never more
# than there are processors.
use_threads <- function(threads = NULL) {
  if (is.null(threads)) threads <- getOption("vgfm.threads", 2L)
  threads <- check_count(threads, min = 1, arg = "threads")
  min(threads, .Call(ffi_runtime, NULL)$cores)
}

# Two 32-bit words from R's own generator, so that set.seed() rules everything after.
new_key <- function() floor(stats::runif(2) * 2^32)

# Numbers in [0, 1) that depend on a key and a stream alone; R's generator stays put.
key_uniform <- function(n, key, stream) .Call(ffi_uniform, n, key, stream)
