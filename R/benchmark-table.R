# The tables of a benchmark, out of the results of its tasks.

# One row for each repeat, method, part and time, in the order of methods, parts, times
# and seeds.
repeats_table <- function(tasks, results, snapshots, methods, parts) {
  kind <- vapply(tasks, `[[`, "", "kind")
  floors <- do.call(rbind, lapply(results[kind == "floor"], `[[`, "rows"))
  rows <- Map(function(task, result) {
    place <- result$rows$place
    size <- vapply(place, function(k) split_size(snapshots, task$split, k), 0)
    at <- match(paste(place, size), paste(floors$place, floors$size))
    naive <- is_naive(task$method)
    data.frame(
      method = factor(task$label, names(methods)), naive = naive,
      part = factor(task$split$part, parts), time = snapshots$times[place],
      seed = if (naive) NA_integer_ else task$seed,
      result$rows[c("cells", "used", "w1")], floor = floors$floor[at],
      result$rows[c("rme", "rme_trained", "spread")], seconds = result$seconds,
      note = result$note
    )
  }, tasks[kind == "fit"], results[kind == "fit"])
  table <- do.call(rbind, unname(rows))
  table <- table[order(table$method, table$part, table$time, table$seed), ]
  rownames(table) <- NULL
  in_user_times(table, snapshots)
}

# Means over the repeats that gave figures.
means_table <- function(repeats) {
  same <- interaction(repeats$method, repeats$part, repeats$label, drop = TRUE,
                      lex.order = TRUE)
  groups <- split(seq_len(nrow(repeats)), factor(same, unique(same)))
  rows <- lapply(groups, function(at) {
    group <- repeats[at, ]
    done <- group[!is.na(group$w1), ]
    row <- group[1, setdiff(names(group), "seed")]
    if (nrow(done) > 0) row[c("cells", "used")] <- done[1, c("cells", "used")]
    means <- c(benchmark_figures, "seconds")
    row[means] <- lapply(done[means], mean_or_na)
    row <- add_column(row, "w1_sd", stats::sd(done$w1), "w1")
    row <- add_column(row, "rme_sd", stats::sd(done$rme), "rme")
    row <- add_column(row, "rme_trained_sd", stats::sd(done$rme_trained), "rme_trained")
    row <- add_column(row, "repeats", nrow(done), "seconds")
    row$note <- notes_of(group)
    row
  })
  table <- do.call(rbind, unname(rows))
  rownames(table) <- NULL
  table
}

mean_or_na <- function(x) if (length(x) == 0) NA_real_ else mean(x)

# What there was to say of some repeats; where it is not said of all, of how many.
notes_of <- function(repeats) {
  notes <- repeats$note[!is.na(repeats$note)]
  if (length(notes) == 0) return(NA_character_)
  counts <- table(factor(notes, unique(notes)))
  n <- nrow(repeats)
  often <- ifelse(counts < n, paste0(" (", counts, " of ", n, " seeds)"), "")
  paste0(names(counts), often, collapse = "; ")
}

# The error of the mass that says the most: of fits whose mass was made right at the
# observed times, that before.
with_mass_error <- function(table) {
  trained <- !is.na(table$rme_trained)
  table$mass_error <- ifelse(trained, table$rme_trained, table$rme)
  table$mass_error_sd <- ifelse(trained, table$rme_trained_sd, table$rme_sd)
  table
}

# The same, NA where the masses were given: a method that learns no growth has them right
# at the times of the fit.
mass_tested <- function(table) {
  table <- with_mass_error(table)
  given <- is.na(table$rme_trained) & table$part != "time left out"
  table$mass_error[given] <- NA
  table
}

#' @rdname vgfm_benchmark
#' @export
tidy.vgfm_benchmark <- function(x, ...) {
  check_arguments()
  x$table
}

#' @rdname vgfm_benchmark
#' @export
summary.vgfm_benchmark <- function(object, ...) {
  check_arguments()
  repeats <- object$repeats
  table <- object$table
  groups <- split(seq_len(nrow(table)), list(table$method, table$part), drop = TRUE)
  rows <- lapply(groups, function(at) {
    group <- table[at, ]
    same <- repeats[repeats$method == group$method[1] & repeats$part == group$part[1], ]
    # Of each repeat the mean over times; of a repeat that misses one there is none.
    sd_of_means <- function(figure) {
      seeds <- factor(same$seed, exclude = NULL)
      stats::sd(vapply(split(same[[figure]], seeds), mean, 0), na.rm = TRUE)
    }
    data.frame(
      method = group$method[1], naive = group$naive[1], part = group$part[1],
      times = nrow(group), w1 = mean(group$w1),
      w1_sd = sd_of_means("w1"), floor = mean(group$floor),
      rme = mean(group$rme), rme_sd = sd_of_means("rme"),
      rme_trained = mean(group$rme_trained), rme_trained_sd = sd_of_means("rme_trained"),
      spread = mean(group$spread), seconds = mean(group$seconds),
      note = paste_notes(group$note)
    )
  })
  out <- do.call(rbind, unname(rows))
  out <- out[order(out$part, out$method), ]
  rownames(out) <- NULL
  out$best_w1 <- is_best(out, "w1")
  out$best_rme <- is_best(mass_tested(out), "mass_error")
  structure(out, class = c("summary.vgfm_benchmark", "data.frame"))
}

paste_notes <- function(notes) {
  notes <- unique(notes[!is.na(notes)])
  if (length(notes) == 0) NA_character_ else paste(notes, collapse = "; ")
}

# The lowest figure of each part among methods that learn.
is_best <- function(table, figure) {
  value <- ifelse(table$naive, NA, table[[figure]])
  least <- stats::ave(value, table$part, FUN = function(v) {
    if (all(is.na(v))) NA else min(v, na.rm = TRUE)
  })
  !is.na(value) & value == least
}

#' @rdname vgfm_benchmark
#' @export
print.vgfm_benchmark <- function(x, ...) {
  table <- x$table
  learned <- unique(table$method[!table$naive])
  naive <- unique(table$method[table$naive])
  cli::cat_line("<vgfm_benchmark> ", length(learned), " method",
                if (length(learned) != 1) "s", " and ", length(naive),
                " naive controls, ", length(x$seeds), " seed",
                if (length(x$seeds) != 1) "s")
  print(summary(x))
  cli::cat_line("Next: tidy() for each time, autoplot()")
  invisible(x)
}

#' @export
print.summary.vgfm_benchmark <- function(x, ...) {
  wide <- function(figure, best = FALSE) wide_figures(x, figure, best)
  cli::cat_line("\nMean W1 over times (* lowest of the methods):")
  print_wide(rbind(wide("w1", "best_w1"), floor = floors_in_short(x)))
  cli::cat_line("\nMean relative error of mass (0 where masses are given):")
  print_wide(wide_figures(with_mass_error(x), "mass_error", "best_rme"))
  cli::cat_line("\nSeconds of a fit:")
  print_wide(wide("seconds")[as.character(unique(x$method[!x$naive])), , drop = FALSE])
  for (part in intersect(benchmark_parts[-1], x$part)) {
    print_beaten(x[x$part == part, ], part)
  }
  print_notes(x[!is.na(x$note), ])
  invisible(x)
}

# Each note once for a method, with the parts that it is about.
print_notes <- function(x) {
  if (nrow(x) == 0) return(invisible())
  cli::cat_line("\nNotes:")
  same <- paste(x$method, x$note)
  for (group in split(x, factor(same, unique(same)))) {
    cli::cat_line("  ", as.character(group$method[1]), " (",
                  paste(group$part, collapse = ", "), "): ", group$note[1])
  }
}

# A matrix of text, methods in rows and parts in columns.
wide_figures <- function(x, figure, best) {
  shown <- format_figure(x[[figure]])
  several <- x[[paste0(figure, "_sd")]]
  if (!is.null(several)) {
    several <- ifelse(is.na(several), "", paste(" +-", format_figure(several, 2)))
    shown <- paste0(shown, several)
  }
  if (is.character(best)) shown <- paste0(shown, ifelse(x[[best]], " *", "  "))
  methods <- intersect(levels(x$method), x$method)
  parts <- intersect(levels(x$part), x$part)
  out <- matrix("", length(methods), length(parts), dimnames = list(methods, parts))
  out[cbind(match(x$method, methods), match(x$part, parts))] <- shown
  rownames(out)[methods %in% x$method[x$naive]] <-
    paste0("(", intersect(methods, x$method[x$naive]), ")")
  out
}

format_figure <- function(x, digits = 3) {
  shown <- vapply(signif(x, digits), function(x) {
    format(x, digits = digits, scientific = x != 0 && abs(x) < 1e-6)
  }, "")
  ifelse(is.na(x), "-", shown)
}

floors_in_short <- function(x) {
  floor <- tapply(x$floor, factor(x$part, intersect(levels(x$part), x$part)), mean)
  paste0(format_figure(floor), "  ")
}

print_wide <- function(text) print(text, quote = FALSE, right = TRUE)

# Whether the best method is beaten by a control at what was held out.
print_beaten <- function(x, part) {
  # Of a half that is left out, the masses are known.
  for (figure in c("w1", if (part == "time left out") "rme")) {
    naive <- x[x$naive, ]
    control <- naive[which.min(naive[[figure]]), ]
    best <- x[x[[paste0("best_", figure)]], ][1, ]
    if (isTRUE(best[[figure]] > control[[figure]])) {
      what <- c(w1 = "W1", rme = "mass error")[[figure]]
      cli::cat_line("No method beats ", as.character(control$method), " in ", what,
                    " where a ", sub(" .*", "", part), " is left out.")
    }
  }
}
