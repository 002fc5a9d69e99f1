# The figure of vgfm_benchmark_paper(): methods in rows, a panel for each data set.

#' @rdname vgfm_benchmark_paper
#' @param type `"w1"` or `"rme"`, the figure to draw.
#' @export
autoplot.vgfm_benchmark_paper <- function(object, type = c("w1", "rme"), ...) {
  check_arguments()
  type <- check_choice(type, c("w1", "rme"))
  table <- object$table
  table$.value <- table[[type]]
  table$.published <- table[[paste0("published_", type)]]
  # Of methods without growth there is no error to draw.
  drawn <- table$method %in% table$method[!is.na(table$.value) | !is.na(table$.published)]
  table <- table[drawn, ]
  table$method <- droplevels(table$method)
  table$.method <- methods_in_rows(table)
  table$.set <- factor(set_label(table$set), unique(set_label(levels(table$set))))
  ours <- table[!is.na(table$.value), ]
  theirs <- table[!is.na(table$.published), ]
  none <- table[is.na(table$w1) & !is.na(table$reason), ]
  none$.said <- why_none(none)
  shapes <- c("here" = 16, "published" = 5)
  # A key is drawn of what there is.
  colours <- c("black", "#B2182B")[c(nrow(ours), nrow(theirs)) > 0]
  figure <- ggplot2::ggplot(table, ggplot2::aes(y = .data$.method)) +
    ggplot2::facet_wrap(ggplot2::vars(.data$.set), nrow = 1, scales = "free_x")
  if (type == "w1") {
    figure <- figure + ggplot2::geom_vline(
      ggplot2::aes(xintercept = .data$floor),
      unique(table[!is.na(table$floor), c(".set", "floor")]),
      linetype = "dashed", colour = "grey50", linewidth = 0.4
    )
  }
  figure +
    ggplot2::geom_point(ggplot2::aes(.data$.value, shape = "here",
                                     colour = .data$naive), ours, size = 2) +
    ggplot2::geom_point(ggplot2::aes(.data$.published, shape = "published"), theirs,
                        colour = "#B2182B", size = 2) +
    ggplot2::geom_text(ggplot2::aes(0, label = .data$.said), none, hjust = 0, size = 2.6,
                       nudge_y = 0.35, colour = "grey35") +
    ggplot2::scale_shape_manual(NULL, values = shapes, guide = ggplot2::guide_legend(
      override.aes = list(colour = colours)
    )) +
    ggplot2::scale_colour_manual(values = c("FALSE" = "black", "TRUE" = "grey60"),
                                 guide = "none") +
    ggplot2::scale_y_discrete(limits = levels(table$.method)) +
    ggplot2::scale_x_sqrt(limits = c(0, NA),
                          breaks = function(limits) pretty(sqrt(limits), 2)^2) +
    ggplot2::labs(x = c(w1 = "W1", rme = "error of mass that training leaves")[[type]],
                  y = NULL, title = "Methods on the data sets of the paper",
                  subtitle = if (type == "w1") "lines: two halves of a snapshot") +
    ggplot2::theme_minimal() +
    ggplot2::theme(legend.position = "bottom",
                   panel.grid.major.y = ggplot2::element_line(colour = "grey92"),
                   panel.spacing = ggplot2::unit(1.2, "lines"))
}

#' @rdname vgfm_benchmark_paper
#' @export
plot.vgfm_benchmark_paper <- function(x, ...) {
  figure <- ggplot2::autoplot(x, ...)
  print(figure)
  invisible(figure)
}
