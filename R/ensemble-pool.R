# Replicates by the user's plan of futures, or one after the other. The result depends on
# neither: all that is random hangs on the plan of a replicate.

# So often a replicate is tried by workers; seconds between two looks at them.
most_tries <- 2
look_seconds <- 0.02

# Whether replicates go to other processes.
pool_planned <- function() {
  requireNamespace("future", quietly = TRUE) &&
    !inherits(future::plan(), "sequential")
}

# Threads of a replicate: those of the fit, or the share of the cores that a worker has.
pool_threads <- function(control, workers) {
  cores <- .Call(ffi_runtime, NULL)$cores
  control$threads %||% max(1, min(use_threads(), cores %/% workers))
}

# Makes replicates `todo`, of work_of(number), each handed to `done(number, replicate)`
# when it is there. One whose worker died is given to another, and in the end made here.
# Returns the numbers of those.
run_pool <- function(todo, work_of, control, done) {
  # How large a replicate is, is known; the limit is about what is sent by mistake.
  old <- options(future.globals.maxSize = Inf)
  on.exit(options(old))
  # The plan waits for those that are not free; for one that is dead, for ever.
  workers <- min(future::nbrOfWorkers(), future::nbrOfFreeWorkers())
  threads <- pool_threads(control, max(1, future::nbrOfWorkers()))
  tries <- integer(max(todo))
  running <- list()
  lost <- integer()
  lose <- function(number) {
    lost <<- c(lost, number)
    tries[number] <<- tries[number] + 1L
    todo <<- c(todo, number)
  }
  while (length(todo) > 0 || length(running) > 0) {
    while (length(todo) > 0 && length(running) < max(workers, 1)) {
      number <- todo[1]
      todo <- todo[-1]
      if (workers < 1 || tries[number] >= most_tries) {
        done(number, fit_replicate(work_of(number), control$threads))
        next
      }
      future <- launch_replicate(work_of(number), threads)
      if (is.null(future)) {
        # The plan would give the next one to the same worker.
        workers <- 0
        lose(number)
      } else {
        running[[as.character(number)]] <- future
      }
    }
    for (name in names(running)[vapply(running, has_ended, NA)]) {
      replicate <- collect_replicate(running[[name]])
      running[[name]] <- NULL
      if (inherits(replicate, "error")) {
        if (inherits(replicate, "FutureError")) workers <- workers - 1
        lose(as.integer(name))
      } else {
        done(as.integer(name), replicate)
      }
    }
    if (length(running) > 0) Sys.sleep(look_seconds)
  }
  sort(unique(lost))
}

# NULL if it cannot be handed to a worker.
launch_replicate <- function(work, threads) {
  tryCatch(
    future::future(
      quote(make(work, threads)), substitute = FALSE, seed = FALSE, stdout = NA,
      conditions = NULL, packages = "vgfm",
      globals = list(make = fit_replicate, work = work, threads = threads)
    ),
    error = function(error) NULL
  )
}

# A worker that cannot be asked has ended, too.
has_ended <- function(future) {
  tryCatch(future::resolved(future), error = function(error) TRUE)
}

# The replicate, or the error if there is none: a FutureError if the worker died.
collect_replicate <- function(future) {
  tryCatch(future::value(future), error = function(error) {
    if (is_time_limit(error)) stop(error)
    error
  })
}
