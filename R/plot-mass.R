# The mass of groups over time, as a figure.

plot_mass <- function(fit, group, call) {
  table <- masses(fit, group, call)
  predicted <- table[table$kind == "predicted", ]
  observed <- table[table$kind == "observed", ]
  figure <- ggplot2::ggplot(predicted, ggplot2::aes(.data$time, .data$mass)) +
    ggplot2::geom_line(ggplot2::aes(linetype = "predicted"), colour = "#b2182b",
                       linewidth = 0.8) +
    ggplot2::geom_point(ggplot2::aes(shape = "observed"), observed, colour = "grey15",
                        size = 2) +
    time_axis(fit) +
    ggplot2::expand_limits(y = 0) +
    ggplot2::labs(x = "time", y = "relative mass", shape = NULL, linetype = NULL,
                  title = "Mass over time") +
    ggplot2::theme_minimal() +
    ggplot2::theme(legend.position = "bottom",
                   plot.margin = ggplot2::margin(6, 18, 6, 6))
  if (is.null(group)) return(figure)
  figure + ggplot2::facet_wrap(ggplot2::vars(.data$group), scales = "free_y")
}
