# Figures of the answers of a fit or of an ensemble; bands are drawn where there are some.

#' Figures of answers
#'
#' Draws the tables of [vgfm_growth()], [vgfm_masses()], [vgfm_fates()],
#' [vgfm_ancestors()], [vgfm_growth_genes()], [vgfm_fate_genes()], [vgfm_regulation()] and
#' [vgfm_perturb()]. Bands are drawn where the table is that of an ensemble.
#'
#' * Growth: the mean rate of each group over time; hollow where growth is not told from
#'   motion.
#' * Masses: predicted as a line, observed as dots, in a panel for each group.
#' * Fates, by group: the shares of the fates of each type, in a panel for each time, as
#'   bars, or points with bands. By cell: how many cells have which probability, in a
#'   panel for each time and fate. Cells of the time that is asked about have the fate
#'   that they are, and are not drawn.
#' * Ancestors, by group: the same the other way round.
#' * Genes: the `n` genes of the strongest association, in a panel for each group or fate;
#'   of an ensemble, those that are not stable are hollow.
#' * Regulation: a tile for each pair of genes; a dot where the band does not hold 0.
#' * Perturbation: the difference of mass of each group, per shifted cell, and of its
#'   share.
#'
#' @param object,x A table of one of these functions.
#' @param n Number of genes in a panel.
#' @param ... Of `plot()`: arguments of `autoplot()`.
#' @return A ggplot2 object; `plot()` draws it and returns it invisibly.
#' @section Errors: `vgfm_error_input` for a table without the columns that it had, or in
#'   which no row has a value.
#' @name autoplot.vgfm_answer
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' kind <- ifelse(cells$x1 + cells$x2 > 1, "moving", "resting")
#' autoplot(vgfm_growth(fit, kind))
#' autoplot(vgfm_fates(fit, kind, by = "group"))
NULL

check_drawn <- function(table, columns, call = rlang::caller_env()) {
  # A band has two ends.
  ends <- lapply(columns, paste0, c("_low", "_high"))
  banded <- Filter(function(pair) any(pair %in% names(table)), ends)
  columns <- c(columns, unlist(banded))
  missing <- setdiff(columns, names(table))
  if (length(missing) > 0) {
    abort_input(c("{.arg object} has no column {.val {missing}} any more.",
                  i = "Draw the table as it was given."), arg = "object", call = call)
  }
  check_known_rows(rep(TRUE, nrow(table)), call)
}

# `known`: which rows have something to draw.
check_known_rows <- function(known, call) {
  if (any(known)) return(invisible())
  what <- if (length(known) == 0) "It has no rows" else "All its values are {.code NA}"
  abort_input(c("{.arg object} has nothing to draw.", x = paste0(what, ".")),
              arg = "object", call = call)
}

#' @rdname autoplot.vgfm_answer
#' @export
plot.vgfm_answer <- function(x, ...) {
  figure <- ggplot2::autoplot(x, ...)
  print(figure)
  invisible(figure)
}

# Values with their band, if there is one, as points.
band_points <- function(table, value, ...) {
  low <- paste0(value, "_low")
  if (!low %in% names(table)) return(list())
  list(ggplot2::geom_linerange(
    ggplot2::aes(ymin = .data[[low]], ymax = .data[[paste0(value, "_high")]]), ...
  ))
}

# Times in the order of their values, as the user calls them.
label_factor <- function(table) {
  shown <- ifelse(is.na(table$label), format(table$time), table$label)
  factor(shown, unique(shown[order(table$time)]))
}

#' @rdname autoplot.vgfm_answer
#' @export
autoplot.vgfm_group_growth <- function(object, ...) {
  check_arguments()
  check_drawn(object, c("time", "label", "group", "growth", "told"))
  object$told <- factor(ifelse(object$told, "told from motion", "not told"),
                        c("told from motion", "not told"))
  dodge <- ggplot2::position_dodge(width = 0.06 * diff(range(as.numeric(object$time))))
  ggplot2::ggplot(object, ggplot2::aes(.data$time, .data$growth, colour = .data$group)) +
    ggplot2::geom_hline(yintercept = 0, colour = "grey70", linetype = "dashed") +
    ggplot2::geom_line(position = dodge, linewidth = 0.4) +
    band_points(object, "growth", position = dodge) +
    ggplot2::geom_point(ggplot2::aes(shape = .data$told), position = dodge, size = 2.2,
                        fill = "white") +
    ggplot2::scale_shape_manual(NULL, values = c(16, 21), drop = FALSE) +
    scale_kinds("group") +
    axis_of_times(object) +
    ggplot2::labs(x = "time", y = "growth per unit of time",
                  title = "Growth by group") +
    ggplot2::theme_minimal()
}

# Numbers of time as the user calls them, fewer where there is no room for all.
axis_of_times <- function(table) {
  if (!is.numeric(table$time)) return(list())
  first <- !duplicated(table$time)
  if (!all(is.na(table$label))) first <- first & !is.na(table$label)
  ggplot2::scale_x_continuous(
    breaks = table$time[first], labels = as.character(label_factor(table))[first],
    minor_breaks = NULL, guide = ggplot2::guide_axis(check.overlap = TRUE)
  )
}

scale_kinds <- function(name, aesthetics = "colour") {
  ggplot2::scale_colour_viridis_d(name, option = "D", end = 0.85,
                                  aesthetics = aesthetics)
}

#' @rdname autoplot.vgfm_answer
#' @export
autoplot.vgfm_fates <- function(object, ...) {
  check_arguments()
  who <- if ("group" %in% names(object)) "group" else "cell"
  check_drawn(object, c("time", "label", who, "fate", "probability"))
  object <- before_the_end(object)
  if (who == "cell") return(plot_shares_of_cells(object, "fate"))
  plot_shares(object, "group", "fate", "probability", "type of the cell",
              "Fates of each type")
}

#' @rdname autoplot.vgfm_answer
#' @export
autoplot.vgfm_ancestors <- function(object, ...) {
  check_arguments()
  if ("cell" %in% names(object)) {
    abort_input(c("There is no figure of the ancestors of types by cell.",
                  i = "Draw {.code vgfm_ancestors(by = \"group\")}."), arg = "object")
  }
  plot_shares(object, "type", "ancestor", "share", "type of the descendant",
              "Ancestors of each type")
}

# Without the cells of the last time, if all of these have a fate for certain: they are
# what is asked about.
before_the_end <- function(table) {
  last <- table$time == max(table$time)
  certain <- all(table$probability[last] %in% c(0, 1))
  if (all(last) || !certain) table else table[!last, ]
}

plot_shares <- function(table, across, kind, value, axis, title,
                        call = rlang::caller_env()) {
  check_drawn(table, c("time", "label", across, kind, value), call)
  table$.label <- label_factor(table)
  figure <- ggplot2::ggplot(table, ggplot2::aes(.data[[across]], .data[[value]])) +
    ggplot2::facet_wrap(ggplot2::vars(.data$.label), nrow = 1, scales = "free_x") +
    ggplot2::labs(x = axis, y = value, title = title) +
    ggplot2::theme_minimal() +
    ggplot2::theme(axis.text.x = ggplot2::element_text(angle = 45, hjust = 1))
  if (!paste0(value, "_low") %in% names(table)) {
    return(figure + ggplot2::geom_col(ggplot2::aes(fill = .data[[kind]])) +
             scale_kinds(kind, "fill"))
  }
  dodge <- ggplot2::position_dodge(width = 0.6)
  figure + ggplot2::aes(colour = .data[[kind]]) +
    band_points(table, value, position = dodge) +
    ggplot2::geom_point(position = dodge) + scale_kinds(kind)
}

plot_shares_of_cells <- function(table, kind, call = rlang::caller_env()) {
  table$.label <- label_factor(table)
  ggplot2::ggplot(table, ggplot2::aes(.data$probability, fill = .data[[kind]])) +
    ggplot2::geom_histogram(breaks = seq(0, 1, 0.05), show.legend = FALSE) +
    ggplot2::facet_grid(ggplot2::vars(.data[[kind]]), ggplot2::vars(.data$.label),
                        scales = "free_y") +
    ggplot2::scale_x_continuous(breaks = c(0, 0.5, 1), labels = c("0", "0.5", "1")) +
    scale_kinds(kind, "fill") +
    ggplot2::labs(x = "probability", y = "cells", title = "Fates of single cells") +
    ggplot2::theme_minimal()
}
