# A fit under way, written to a file now and then, so that a crash loses little of it.

# Seconds between two writings, at least; more where writing itself takes long.
checkpoint_seconds <- 20
checkpoint_share <- 0.2 # of the time may go into writing

# A function to call with what there is, as often as one likes: it writes `state_of(...)`
# when it is time, or at once if `now`. A file that cannot be written is warned of once.
new_checkpoint <- function(file, state_of, call) {
  if (is.null(file)) return(function(..., now = FALSE) invisible())
  last <- elapsed()
  pause <- checkpoint_seconds
  function(..., now = FALSE) {
    if (!now && elapsed() - last < pause) return(invisible())
    start <- elapsed()
    tryCatch(write_whole(state_of(...), file), error = function(error) {
      warn_vgfm(c(
        "The checkpoint {.file {file}} could not be written; training goes on.",
        x = "{conditionMessage(error)}"
      ), class = "vgfm_warning_checkpoint", call = call)
      pause <<- Inf
    })
    last <<- elapsed()
    pause <<- max(pause, (last - start) / checkpoint_share)
    invisible()
  }
}

elapsed <- function() proc.time()[["elapsed"]]

# The file is the old one or the new one, at any moment.
write_whole <- function(object, file) {
  new <- tempfile(paste0(".", basename(file), "-"), dirname(file))
  on.exit(unlink(new))
  # A failed connection warns of its reason before it fails.
  withCallingHandlers(
    saveRDS(object, new, compress = FALSE),
    warning = function(warning) stop(conditionMessage(warning), call. = FALSE)
  )
  if (!file.rename(new, file)) stop("It could not be given its name.", call. = FALSE)
}

# What a checkpoint holds: a finished or interrupted fit, or a list of class
# "vgfm_checkpoint" with the arguments of run_stages().
read_checkpoint <- function(file, call) {
  fail <- function(message, parent = NULL, .envir = parent.frame()) {
    abort_fit(message, "fit", call, parent, .envir)
  }
  if (!file.exists(file)) {
    fail(c("There is no checkpoint {.file {file}}.",
           i = "{.arg fit} must be a fit, or the file that {.fn vgfm_control} was given as
                {.arg checkpoint}."))
  }
  # readRDS() warns of what it cannot read before it fails.
  unreadable <- function(condition) {
    fail("{.file {file}} cannot be read as a checkpoint.", condition)
  }
  state <- tryCatch(readRDS(file), error = unreadable, warning = unreadable)
  if (inherits(state, "vgfm")) return(check_fit(state, call = call))
  whole <- inherits(state, "vgfm_checkpoint") && identical(state$format, fit_format) &&
    is.null(snapshots_fault(state$snapshots)) &&
    is.null(control_fault(state$control)) &&
    is.null(method_fault(state$method, length(state$snapshots$times) - 1))
  if (!whole) {
    fail(c("{.file {file}} is no checkpoint of this version of vgfm.",
           i = "Fit again."))
  }
  state
}
