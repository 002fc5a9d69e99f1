# The table of vgfm_benchmark_paper(): a row for each data set and method, and what was
# published of them.

# Means over the times after the first. Wang and others (2025), arXiv:2505.13413, Table 1,
# and, where it says "log", the log of a run committed with the code
# (github.com/DongyiWang-66/VGFM).
paper_printed <- "Wang and others 2025, Table 1"
paper_logged <- "log in the code of Wang and others 2025"
published_figures <- function() {
  printed <- function(set, method, w1, rme, note = NA_character_) {
    data.frame(set, method, w1, rme, note, source = paper_printed)
  }
  none <- "did not converge"
  methods <- c("ot_cfm", "ot_mfm", "udsb", "tigon", "deepruot", "vgfm")
  rbind(
    printed("simulation_gene", methods, c(.302, .311, .665, .099, .068, .046),
            c(NA, NA, .192, .065, .016, .006)),
    printed("dyngen", methods, c(3.926, 3.976, 1.914, 1.029, .474, .420),
            c(NA, NA, .658, .542, .199, .053)),
    printed("gaussian", methods, c(10.126, 11.008, NA, NA, NA, 3.010),
            c(NA, NA, NA, NA, NA, .037), c(NA, NA, none, none, none, NA)),
    data.frame(set = "mouse_hematopoiesis", method = "vgfm", w1 = mean(c(.105, .107)),
               rme = mean(c(.055, .037)), note = NA, source = paper_logged)
  )
}

# `found`: for each set its vgfm_benchmark(), and what was `refused` before.
new_paper_table <- function(found, methods, seeds, control, own) {
  sets <- names(found)
  stacked <- function(what) {
    tables <- Map(function(set, name) {
      table <- set$run[[what]]
      table$method <- factor(as.character(table$method), names(methods))
      cbind(set = factor(name, sets), table[names(table) != "part"])
    }, found, sets)
    # Times may be dates in one set and numbers in another.
    if (length(unique(lapply(tables, function(table) class(table$time)))) > 1) {
      tables <- lapply(tables, function(table) {
        table$time <- as.numeric(table$time)
        table
      })
    }
    table <- do.call(rbind, unname(tables))
    rownames(table) <- NULL
    table
  }
  rows <- Map(function(set, name) {
    rbind(paper_rows(set$run, name), refused_rows(set$refused, name))
  }, found, sets)
  table <- do.call(rbind, unname(rows))
  table$set <- factor(table$set, sets)
  naive <- vapply(methods, is_naive, NA)
  table$naive <- naive[table$method]
  table$method <- factor(table$method, names(methods))
  table <- with_published(table[order(table$set, table$method), ], methods, own)
  rownames(table) <- NULL
  structure(list(table = table, times = stacked("table"), repeats = stacked("repeats"),
                 seeds = seeds, control = control, methods = methods),
            class = "vgfm_benchmark_paper")
}

# Means over times of a benchmark of one set.
paper_rows <- function(run, set) {
  means <- summary(run)
  repeats <- tapply(run$table$repeats, run$table$method, min)
  failed <- is.na(means$w1)
  method <- as.character(means$method)
  data.frame(
    set, method, naive = means$naive, times = means$times, w1 = means$w1,
    w1_sd = means$w1_sd, floor = means$floor, rme = means$rme_trained,
    rme_sd = means$rme_trained_sd, rme_corrected = means$rme, spread = means$spread,
    seconds = means$seconds, repeats = as.vector(repeats[method]),
    reason = ifelse(failed, means$note, NA), note = ifelse(failed, NA, means$note)
  )
}

refused_rows <- function(refused, set) {
  if (length(refused) == 0) return(NULL)
  data.frame(
    set, method = names(refused), naive = FALSE, times = 0L, w1 = NA_real_,
    w1_sd = NA_real_, floor = NA_real_, rme = NA_real_, rme_sd = NA_real_,
    rme_corrected = NA_real_, spread = NA_real_, seconds = NA_real_, repeats = 0L,
    reason = unlist(refused, use.names = FALSE), note = NA_character_
  )
}

# Methods go by what they are, whatever the user calls them.
with_published <- function(table, methods, own) {
  published <- published_figures()
  kind <- vapply(methods, method_name, "")[as.character(table$method)]
  at <- match(paste(table$set, kind), paste(published$set, published$method))
  if (own) at[] <- NA
  names <- c("w1", "rme", "note", "source")
  table[paste0("published_", names)] <- published[at, names]
  table
}

#' @rdname vgfm_benchmark_paper
#' @export
tidy.vgfm_benchmark_paper <- function(x, ...) {
  check_arguments()
  x$table
}

#' @rdname vgfm_benchmark_paper
#' @param x,object What `vgfm_benchmark_paper()` gives.
#' @export
print.vgfm_benchmark_paper <- function(x, ...) {
  table <- x$table
  cli::cat_line("<vgfm_benchmark_paper> ", length(unique(table$method)), " methods on ",
                nlevels(table$set), " data set", if (nlevels(table$set) != 1) "s", ", ",
                length(x$seeds), " seed", if (length(x$seeds) != 1) "s")
  cli::cat_line("\nMean W1 over times / mass error of training (published in brackets):")
  said <- paper_remarks(table)
  print_wide(rbind(in_cells(table, figures_shown(table, said)),
                   floor = floors_of_sets(table)))
  cli::cat_line("\nSpread / seconds of a fit:")
  print_wide(in_cells(table, paste(format_figure(table$spread, 2), "/",
                                   format_figure(table$seconds, 2))))
  if (nrow(said) > 0) {
    cli::cat_line("\nNotes:")
    cli::cat_line("  [", seq_len(nrow(said)), "] ", said$who, ": ", said$text)
  }
  sources <- unique(stats::na.omit(table$published_source))
  if (length(sources) > 0) cli::cat_line("\nPublished: ", paste(sources, collapse = "; "))
  cli::cat_line("Next: tidy() for all figures, autoplot()")
  invisible(x)
}

# What there is to say, each thing once, with who it is about.
paper_remarks <- function(table) {
  text <- ifelse(is.na(table$w1), table$reason, table$note)
  about <- !is.na(text) & text != "did not converge"
  who <- paste0(table$method, " (", set_label(table$set), ")")[about]
  text <- text[about]
  said <- unique(text)
  data.frame(text = said, who = vapply(said, function(one) {
    paste(who[text == one], collapse = ", ")
  }, "", USE.NAMES = FALSE))
}

set_label <- function(set) {
  set <- as.character(set)
  ifelse(set %in% names(paper_sets), paper_sets[set], set)
}

# The text of each row: what was found, a mark if there is more to say, and in brackets
# what was published.
figures_shown <- function(table, said) {
  remark <- match(ifelse(is.na(table$w1), table$reason, table$note), said$text)
  shown <- ifelse(is.na(table$w1), why_none(table), two_figures(table$w1, table$rme))
  published <- paste(as_printed(table$published_w1), "/",
                     as_printed(table$published_rme))
  published <- ifelse(is.na(table$published_note), published, table$published_note)
  paste0(shown, ifelse(is.na(remark), "", paste0(" [", remark, "]")),
         ifelse(is.na(table$published_source), "", paste0(" (", published, ")")))
}

# The reason in a word or three.
why_none <- function(table) {
  ifelse(table$reason %in% "did not converge", "did not converge", "refused")
}

# A matrix of the text of each row, methods in rows and sets in columns.
in_cells <- function(table, text) {
  methods <- levels(table$method)
  naive <- methods %in% table$method[table$naive]
  rows <- ifelse(naive, paste0("(", methods, ")"), methods)
  out <- matrix("", length(methods), nlevels(table$set),
                dimnames = list(rows, set_label(levels(table$set))))
  out[cbind(as.integer(table$method), as.integer(table$set))] <- text
  out
}

floors_of_sets <- function(table) {
  format_figure(as.vector(tapply(table$floor, table$set, mean, na.rm = TRUE)))
}

# With the digits of the paper.
as_printed <- function(x) ifelse(is.na(x), "-", formatC(x, 3, format = "f"))

# A distance of the control `linear` is zero but for rounding.
two_figures <- function(w1, rme) {
  paste(format_figure(round(w1, 9)), "/", format_figure(rme, 2))
}
