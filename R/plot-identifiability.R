# The figure of vgfm_identifiability(): descendants against tau.

#' @rdname vgfm_identifiability
#' @export
autoplot.vgfm_identifiability <- function(object, ...) {
  check_arguments()
  verdict <- object$verdict
  titles <- paste0(verdict$from, " to ", verdict$to, ": ",
                   ifelse(verdict$identified, "identified", "not told from motion"))
  panel <- function(interval) factor(titles[interval], titles)
  verdict$.panel <- panel(verdict$interval)
  curves <- object$descendants
  curves <- curves[!is.na(curves$descendants), ]
  curves$.panel <- panel(curves$interval)
  # Log axes have no place for none.
  curves$.descendants <- pmax(curves$descendants, least_descendants)
  # The plateau is shaded from bottom to top.
  limits <- range(curves$.descendants, verdict$mass)
  limits <- limits * (max(limits) / min(limits) + 1)^c(-0.05, 0.05)
  ggplot2::ggplot(curves, ggplot2::aes(.data$tau, .data$.descendants)) +
    ggplot2::geom_rect(
      ggplot2::aes(xmin = .data$plateau_low, xmax = .data$plateau_high, ymin = limits[1],
                   ymax = limits[2]),
      verdict[verdict$identified, ], inherit.aes = FALSE, fill = "grey88"
    ) +
    ggplot2::geom_hline(ggplot2::aes(yintercept = .data$mass), verdict,
                        linetype = "dashed", colour = "grey60") +
    ggplot2::geom_vline(ggplot2::aes(xintercept = .data$tau), verdict,
                        colour = "grey15") +
    ggplot2::geom_line(ggplot2::aes(colour = .data$group), linewidth = 0.8) +
    ggplot2::facet_wrap(ggplot2::vars(.data$.panel)) +
    ggplot2::scale_x_log10() +
    ggplot2::scale_y_log10(limits = limits, expand = ggplot2::expansion(0)) +
    colours_of_groups(levels(curves$group)) +
    ggplot2::labs(x = "tau: price of mass change", y = "descendants per cell",
                  title = "Is growth told from motion?") +
    ggplot2::theme_minimal()
}

# Blue for those that have the fewest descendants, red for the most.
colours_of_groups <- function(groups) {
  if (identical(groups, c("fewest", "middle", "most"))) {
    ggplot2::scale_colour_manual("thirds of cells,\nby descendants",
                                 values = c("#2166ac", "grey50", "#b2182b"))
  } else {
    ggplot2::scale_colour_viridis_d(NULL, option = "D", end = 0.85)
  }
}

#' @rdname vgfm_identifiability
#' @export
plot.vgfm_identifiability <- function(x, ...) {
  figure <- ggplot2::autoplot(x, ...)
  print(figure)
  invisible(figure)
}
