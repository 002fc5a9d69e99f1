# The work of a benchmark, in tasks that depend on nothing but themselves. There are two
# kinds: the distance between halves of a snapshot (`floor`), and one fit by one method
# with what it predicts.

# A list of tasks. `seeds`: those of the repeats; methods that learn nothing have one.
benchmark_tasks <- function(snapshots, methods, splits, seeds, control) {
  keys <- lapply(seeds, key_of_seed)
  tasks <- list()
  add <- function(...) tasks[[length(tasks) + 1]] <<- list(...)
  for (split in splits) {
    for (label in names(methods)) {
      method <- methods[[label]]
      repeats <- if (is_naive(method)) 1 else seq_along(seeds)
      for (i in repeats) {
        add(kind = "fit", split = split, label = label,
            method = method_without_time(method, split$place),
            seed = seeds[i], key = keys[[i]], control = control)
      }
    }
  }
  for (floor in benchmark_floors(snapshots, splits)) {
    add(kind = "floor", place = floor[1], size = floor[2], control = control)
  }
  tasks
}

# The key that vgfm_fit() draws after set.seed(seed).
key_of_seed <- function(seed) with_seed(seed, new_key())

# A value that is drawn after set.seed(seed). R's generator stays as it was, and a kind
# that the user has chosen makes no difference.
with_seed <- function(seed, code) {
  old <- get0(".Random.seed", globalenv(), inherits = FALSE)
  kind <- RNGkind()
  on.exit({
    do.call(RNGkind, as.list(kind))
    if (is.null(old)) rm(".Random.seed", envir = globalenv()) else
      assign(".Random.seed", old, globalenv())
  })
  set.seed(seed, "Mersenne-Twister", "Inversion", "Rejection")
  code
}

# Which floors are needed, each once: places, and sizes of samples.
benchmark_floors <- function(snapshots, splits) {
  needed <- lapply(splits, function(split) {
    places <- if (is.na(split$place)) seq_along(snapshots$counts)[-1] else split$place
    lapply(places, function(k) c(k, split_size(snapshots, split, k)))
  })
  unique(unlist(needed, recursive = FALSE))
}

# Results of all tasks, in their order. Those that are on disk are read, the others are
# computed, in other processes where the user has planned so.
run_tasks <- function(tasks, snapshots, show, call) {
  results <- lapply(tasks, read_result)
  open <- which(vapply(results, is.null, NA))
  tick <- benchmark_progress(length(open), show && !futures_planned())
  on.exit(tick(finished = TRUE))
  work <- function(task) {
    result <- run_task(task, snapshots, call)
    write_result(result, task)
    tick()
    result
  }
  results[open] <- if (futures_planned()) {
    # A process that is done takes the next task. Random numbers depend on the keys alone.
    future.apply::future_lapply(tasks[open], work, future.seed = FALSE,
                                future.chunk.size = 1)
  } else {
    lapply(tasks[open], work)
  }
  results
}

# A function to call after each task, and once with `finished`.
benchmark_progress <- function(total, show, envir = rlang::caller_env()) {
  if (total > 0 && progressr_listens()) {
    progress <- progressr::progressor(total, envir = envir)
    return(function(finished = FALSE) if (!finished) progress())
  }
  progress <- new_progress("Benchmarking", total, show && total > 0)
  function(finished = FALSE) if (finished) progress(0, finished = TRUE) else progress(1)
}

# Whether the user wants the reports of progressr: by global handlers, or in
# with_progress().
progressr_listens <- function() {
  if (!requireNamespace("progressr", quietly = TRUE)) return(FALSE)
  within <- vapply(sys.frames(), function(frame) {
    identical(environmentName(topenv(frame)), "progressr")
  }, NA)
  any(within) || isTRUE(progressr::handlers(global = NA))
}

# What a task gives: `rows`, a table with a row for each place; for a fit also `seconds`,
# a `note` (NA if there is nothing to say), and whether it is worth `keeping`.
run_task <- function(task, snapshots, call) {
  if (task$kind == "floor") {
    cloud <- snapshots$x[snapshots$index == task$place, , drop = FALSE]
    floor <- halves_distance(cloud, task$size, use_threads(task$control$threads))
    rows <- data.frame(place = task$place, size = task$size, floor = floor)
    return(list(rows = rows, keeping = TRUE))
  }
  cells <- split_cells(snapshots, task$split, call)
  seconds <- NA_real_
  notes <- character()
  keeping <- TRUE
  failed <- function(error) {
    if (is_time_limit(error)) stop(error)
    notes <<- c(failure_note(error), notes)
    # What is not of this package may be another thing tomorrow, such as memory.
    keeping <<- inherits(error, "vgfm_error")
    rows_without_figures(cells)
  }
  rows <- tryCatch(withCallingHandlers({
    lap <- new_stopwatch()
    fit <- fit_snapshots(cells$snapshots, task$method, task$control, call, task$key)
    seconds <- lap()
    notes <- c(notes, checks_note(fit))
    score_fit(fit, cells, task$split, snapshots, call)
  }, vgfm_warning = function(warning) {
    if (inherits(warning, "vgfm_warning_interrupted")) rlang::interrupt()
    notes <<- c(notes, if (!inherits(warning, "vgfm_warning_checks"))
      warning_note(warning))
    rlang::cnd_muffle(warning)
  }, vgfm_message = rlang::cnd_muffle), error = failed)
  note <- if (length(notes) > 0) paste(unique(notes), collapse = "; ") else NA_character_
  list(rows = rows, seconds = seconds, note = note, keeping = keeping)
}

# Figures of a fit at each place of a split, but for the floor.
score_fit <- function(fit, cells, split, snapshots, call) {
  times <- snapshots$times[cells$places]
  states <- populations(fit, times, cells$from, call)
  rows <- lapply(seq_along(times), function(i) {
    k <- cells$places[i]
    cloud <- snapshots$x[cells$judged & snapshots$index == k, , drop = FALSE]
    row <- compare_clouds(fit, states[[i]], cloud, snapshots$mass[k], call,
                          split_size(snapshots, split, k), floor = NA_real_)
    row$rme_trained <- NA_real_
    if (split$part != "time left out" && is_learned(fit$method)) {
      row$rme_trained <- trained_mass_error(fit)[match(k, seq_along(snapshots$times)[-1])]
    }
    cbind(place = k, row[c("cells", "used", benchmark_figures)])
  })
  do.call(rbind, rows)
}

# Columns that are computed in every repeat.
benchmark_figures <- c("w1", "rme", "rme_trained", "spread")

rows_without_figures <- function(cells) {
  rows <- data.frame(place = cells$places, cells = NA_integer_, used = NA_real_)
  rows[benchmark_figures] <- NA_real_
  rows
}

failure_note <- function(error) {
  if (inherits(error, field_errors)) return("did not converge")
  if (!inherits(error, "vgfm_error")) return(first_line(rlang::cnd_header(error)))
  in_a_line(rlang::cnd_header(error))
}

checks_note <- function(fit) {
  if (is.null(fit$checks)) return(NULL)
  failed <- fit$checks$check[!fit$checks$passed]
  if (length(failed) > 0) paste("failed checks:", paste(failed, collapse = ", "))
}

warning_note <- function(warning) {
  if (inherits(warning, "vgfm_warning_diverged")) return("training diverged")
  in_a_line(rlang::cnd_header(warning))
}

# A header of this package as text in one line, which cli has broken into several.
in_a_line <- function(text) gsub("\\s+", " ", cli::ansi_strip(text))

# What others say first; the rest may be long.
first_line <- function(text) {
  cli::ansi_strip(strsplit(paste0(text, "\n"), "\n")[[1]][1])
}
