# The table of fates of one fit.

# What is known before couplings are followed from the cells `at` to the time `to`: which
# types are kept. Says where growth is not told from motion.
prepare_lines <- function(fit, group, at, to, terminal, call) {
  if (is.null(fit$method$coupling)) {
    abort_input(c(
      "The method {.val {fit$method$name}} couples no cells, so that there are no lines of
       descent.",
      i = "{.code through = \"flow\"} follows its fields, if it has any."
    ), arg = "fit", class = c("vgfm_error_no_coupling", "vgfm_error_fit"), call = call)
  }
  times <- fit$snapshots$times
  first <- findInterval(min(at$time, to), times, left.open = TRUE) + 1
  intervals <- seq_len(length(times) - 1)
  intervals <- intervals[intervals >= first & times[intervals] < to]
  inform_lines(fit, intervals)
  find_terminal(fit, group, terminal, intervals, call)
}

# Says in which of some intervals growth is not told from motion.
inform_lines <- function(fit, intervals) {
  verdict <- fit$identified
  if (!is_learned(fit$method) || is.null(verdict)) return(invisible())
  verdict$identified <- verdict$identified | !seq_len(nrow(verdict)) %in% intervals
  untold <- untold_intervals(verdict)
  if (length(untold) == 0) return(invisible())
  inform_vgfm(c(
    "!" = "Growth is not told from motion between {in_short(untold)}.",
    i = if (any(fit$identified$identified) || !is.null(fit$snapshots$prior)) {
      "There lines of descent rest on the growth that is learned elsewhere or expected
       beforehand."
    } else {
      "Differences of growth are kept small there: types that grow seem to receive lines
       from others."
    }
  ), class = "vgfm_message_growth")
}

# `noise`: NULL, or that of stochastic paths; `terminal`: NULL for those along the flow.
fates_table <- function(fit, at, labels, to, by, terminal, neighbours, noise, call) {
  last <- match(to, fit$snapshots$times)
  found <- if (is.null(terminal)) {
    fates_along_flow(fit, at, labels, last, neighbours, noise, call)
  } else {
    fates_of_cells(fit, at, labels, last, kept_labels(fit, labels, terminal), neighbours,
                   call)
  }
  if (by == "group") return(fates_by_group(found, at, labels, fit))
  table <- fate_rows(at$name, "cell", at$time, found, levels(labels))
  with_error(in_user_times(table, fit$snapshots), fit, found$paths, noise, call)
}

# One row per row of `found`, named and timed, and fate.
fate_rows <- function(name, who, time, found, types) {
  kinds <- length(types)
  table <- data.frame(
    name = rep(name, each = kinds), time = rep(time, each = kinds),
    fate = factor(rep(types, length(name)), types),
    probability = as.vector(t(found$share)), mass = as.vector(t(found$mass))
  )
  stats::setNames(table, c(who, names(table)[-1]))
}

# Means over the cells of each time and type that has any.
fates_by_group <- function(found, at, labels, fit) {
  types <- levels(labels)
  cells <- which(!is.na(at$type))
  each <- interaction(at$type[cells], at$time[cells], drop = TRUE)
  sums <- function(values) rowsum(values[cells, , drop = FALSE], as.integer(each))
  count <- as.vector(table(each))
  one <- cells[match(levels(each), each)]
  table <- fate_rows(factor(at$type[one], types), "group", at$time[one],
                     list(share = sums(found$share) / count,
                          mass = sums(found$mass) / count), types)
  table$cells <- rep(count, each = length(types))
  in_user_times(table, fit$snapshots)
}

# The nearest labelled cells at the end of the path of each cell.
fates_along_flow <- function(fit, at, labels, last, neighbours, noise, call) {
  s <- fit$snapshots
  known <- labelled_cells(fit, labels, last, Inf)
  share_of <- function(moved) {
    near <- nearest_cells(compared_cells(known$x, fit), compared_cells(moved$x, fit),
                          min(neighbours, nrow(known$x)), fit$control,
                          call)$index
    mean_rows(t(type_columns(known$group)), near)
  }
  paths <- lapply(each_realisation(noise), function(noise) {
    moved <- advance_cells(fit, at$x, at$time, s$times[last], call = call, noise = noise)
    share <- share_of(moved)
    c(moved, list(share = share, mass = share * exp(unname(moved$log_weight)),
                  time = s$times[last]))
  })
  mean_of <- function(what) Reduce(`+`, lapply(paths, `[[`, what)) / length(paths)
  list(share = mean_of("share"), mass = mean_of("mass"), paths = paths)
}
