# The figure of vgfm_benchmark(): methods in rows, a point for each time.

#' @rdname vgfm_benchmark
#' @param object What `vgfm_benchmark()` gives, as `x` is for `tidy()`, `print()` and
#'   `plot()`.
#' @param type `"w1"` or `"rme"`, the figure to draw.
#' @export
autoplot.vgfm_benchmark <- function(object, type = c("w1", "rme"), ...) {
  check_arguments()
  type <- check_choice(type, c("w1", "rme"))
  table <- object$table
  if (type == "rme") table <- with_mass_error(table)
  figure <- c(w1 = "w1", rme = "mass_error")[[type]]
  table$.value <- table[[figure]]
  table$.low <- pmax(table$.value - table[[paste0(figure, "_sd")]], 0)
  table$.high <- table$.value + table[[paste0(figure, "_sd")]]
  table$.method <- methods_in_rows(table)
  table$.time <- factor(table$label, unique(table$label[order(table$time)]))
  drawn <- table[!is.na(table$.value), ]
  learned <- drawn[!drawn$naive, ]
  figure <- ggplot2::ggplot(drawn, ggplot2::aes(.data$.value, .data$.method)) +
    ggplot2::facet_wrap(ggplot2::vars(.data$part), nrow = 1, scales = "free_x")
  if (type == "w1") figure <- figure + floor_lines(table)
  # Points of several times beside each other, the first on top.
  aside <- ggplot2::position_dodge2(width = 0.5, reverse = TRUE)
  figure +
    ggplot2::geom_point(ggplot2::aes(group = .data$.time), drawn[drawn$naive, ],
                        position = aside, colour = "grey60", size = 1.6) +
    ggplot2::geom_linerange(
      ggplot2::aes(xmin = .data$.low, xmax = .data$.high, colour = .data$.time),
      learned[!is.na(learned$.low), ], position = aside, show.legend = FALSE
    ) +
    ggplot2::geom_point(ggplot2::aes(colour = .data$.time), learned, position = aside,
                        size = 2.2) +
    ggplot2::geom_text(ggplot2::aes(0, .data$.method, label = .data$note),
                       missing_rows(table), hjust = 0, size = 3, colour = "grey35") +
    ggplot2::scale_y_discrete(limits = levels(table$.method)) +
    scale_time() +
    # Controls are often ten times as far off as methods, and some are at 0.
    ggplot2::scale_x_sqrt(limits = c(0, NA),
                          breaks = function(limits) pretty(sqrt(limits), 4)^2) +
    ggplot2::labs(x = c(w1 = "W1", rme = "relative error of mass")[[type]], y = NULL,
                  title = "Methods on the same cells",
                  subtitle = if (type == "w1") "lines: two halves of the snapshot") +
    ggplot2::theme_minimal() +
    ggplot2::theme(panel.grid.major.y = ggplot2::element_line(colour = "grey92"),
                   panel.spacing = ggplot2::unit(1.2, "lines"))
}

# Methods from top to bottom in the order of the table, controls below and in brackets.
methods_in_rows <- function(table) {
  levels <- levels(table$method)
  naive <- levels %in% table$method[table$naive]
  shown <- ifelse(naive, paste0("(", levels, ")"), levels)
  factor(shown[as.integer(table$method)], rev(shown))
}

floor_lines <- function(table) {
  floors <- unique(table[!is.na(table$floor), c("part", ".time", "floor")])
  ggplot2::geom_vline(ggplot2::aes(xintercept = .data$floor, colour = .data$.time),
                      floors, linetype = "dashed", linewidth = 0.4, alpha = 0.7,
                      show.legend = FALSE)
}

# A note for each method and part that has no figure at all.
missing_rows <- function(table) {
  groups <- split(table, list(table$method, table$part), drop = TRUE)
  none <- Filter(function(group) all(is.na(group$.value)), groups)
  rows <- lapply(none, function(group) {
    row <- group[1, ]
    row$note <- strtrim(row$note, 40)
    row
  })
  if (length(rows) == 0) return(table[0, ])
  do.call(rbind, unname(rows))
}

#' @rdname vgfm_benchmark
#' @export
plot.vgfm_benchmark <- function(x, ...) {
  figure <- ggplot2::autoplot(x, ...)
  print(figure)
  invisible(figure)
}
