# The figure of velocity: arrows or streamlines over the cells.

plot_velocity <- function(fit, dims, embedding, as, n, group, ...) {
  placed <- if (!is.null(embedding)) embedding[has_place(embedding), , drop = FALSE]
  # That a part of the cells has no place has been said.
  arrows <- suppressMessages(
    vgfm_embed(fit, placed, as, dims = match(dims, figure_name(fit$snapshots$features)),
               group = group, ...),
    classes = "vgfm_message_left_out"
  )
  if (as == "cells") {
    known <- if (is.null(group)) seq_len(nrow(arrows)) else which(!is.na(arrows$group))
    arrows <- arrows[thin_rows(known, n, fit), ]
  }
  arrows$.group <- arrows$group
  base_figure(fit, cells_table(fit, embedding, group), dims) +
    ggplot2::geom_point(ggplot2::aes(colour = .data$.label), size = 0.9, alpha = 0.4) +
    scale_time() +
    switch(as,
      streamlines = stream_layers(arrows),
      grid = arrow_layer(arrows, 1.3 * max(1, nlevels(group)) / length(unique(arrows$x))),
      cells = arrow_layer(arrows, 0.08)
    ) +
    ggplot2::labs(title = "Velocity of the cells")
}

# Arrows of which all but the longest 2 % are within `longest`, in widths of the figure.
arrow_layer <- function(arrows, longest) {
  width <- function(value) max(diff(range(value)), .Machine$double.xmin)
  length <- sqrt((arrows$dx / width(arrows$x))^2 + (arrows$dy / width(arrows$y))^2)
  factor <- longest / stats::quantile(length[length > 0], 0.98, names = FALSE)
  arrows$.to_x <- arrows$x + factor * arrows$dx
  arrows$.to_y <- arrows$y + factor * arrows$dy
  ggplot2::geom_segment(
    ggplot2::aes(.data$x, .data$y, xend = .data$.to_x, yend = .data$.to_y), arrows,
    inherit.aes = FALSE, colour = "grey10", linewidth = 0.3, arrow = arrow_head(1.1)
  )
}

arrow_head <- function(millimetres) {
  ggplot2::arrow(length = ggplot2::unit(millimetres, "mm"), angle = 25, type = "closed")
}

# Lines that are wide where cells are fast, each with a head in its middle.
stream_layers <- function(lines) {
  middle <- vapply(split(seq_len(nrow(lines)), lines$line), function(rows) {
    rows[ceiling(length(rows) / 2)]
  }, 1L)
  heads <- cbind(lines[middle, intersect(c("x", "y", ".group"), names(lines))],
                 .to = lines[middle + 1, c("x", "y")])
  list(
    ggplot2::geom_path(
      ggplot2::aes(.data$x, .data$y, group = .data$line, linewidth = .data$speed), lines,
      inherit.aes = FALSE, colour = "grey10", lineend = "round"
    ),
    ggplot2::geom_segment(
      ggplot2::aes(.data$x, .data$y, xend = .data$.to.x, yend = .data$.to.y), heads,
      inherit.aes = FALSE, colour = "grey10", linewidth = 0.3, arrow = arrow_head(1.8)
    ),
    ggplot2::scale_linewidth_continuous(range = c(0.15, 0.8), guide = "none")
  )
}
