# Replicates by the user's plan of futures, or one after the other. The result depends on
# neither: all that is random hangs on the plan of a replicate.

# Whether replicates go to other processes.
pool_planned <- function() {
  requireNamespace("future", quietly = TRUE) &&
    !inherits(future::plan(), "sequential")
}

# Threads of a replicate: those of the fit, or the share of the cores that a worker has.
pool_threads <- function(control) {
  control$threads %||% max(1, min(
    getOption("vgfm.threads", 2L),
    parallelly::availableCores() %/% max(1, future::nbrOfWorkers())
  ))
}

# Makes the replicates of `plans` (a list, named by number), each handed to
# `done(number, replicate)` when it is there. One whose worker died is made here in the
# end. Returns the numbers of those.
run_pool <- function(parts, plans, done) {
  threads <- pool_threads(parts$control)
  workers <- future::nbrOfWorkers()
  waiting <- list()
  lost <- character()
  collect <- function() {
    for (name in names(waiting)) {
      if (!future::resolved(waiting[[name]])) next
      replicate <- tryCatch(future::value(waiting[[name]]), FutureError = identity)
      waiting[[name]] <<- NULL
      if (inherits(replicate, "FutureError")) lost <<- c(lost, name)
      else done(as.integer(name), replicate)
    }
  }
  for (name in names(plans)) {
    # A plan does not mend its workers, and would wait for them.
    launched <- if (length(lost) < workers) {
      tryCatch(launch_replicate(parts, plans[[name]], threads),
               error = function(error) NULL)
    }
    if (is.null(launched)) lost <- c(lost, name) else waiting[[name]] <- launched
    collect()
  }
  while (length(waiting) > 0) {
    collect()
    Sys.sleep(0.02)
  }
  for (name in lost) {
    done(as.integer(name), fit_replicate(parts, plans[[name]], parts$control$threads))
  }
  as.integer(lost)
}

launch_replicate <- function(parts, plan, threads) {
  future::future(
    quote(make(parts, plan, threads)), substitute = FALSE, seed = FALSE,
    packages = "vgfm",
    globals = list(make = fit_replicate, parts = parts, plan = plan, threads = threads)
  )
}
