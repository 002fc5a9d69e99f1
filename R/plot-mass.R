# The mass of groups over time, as a figure.

plot_mass <- function(fit, group, call) {
  table <- masses(fit, group, call)
  figure <- draw_masses(table[table$kind == "predicted", ],
                        table[table$kind == "observed", ]) + time_axis(fit)
  if (is.null(group)) return(figure)
  figure + panels_of_masses()
}

#' @rdname autoplot.vgfm_answer
#' @export
autoplot.vgfm_masses <- function(object, ...) {
  check_arguments()
  check_drawn(object, c("time", "label", "group", "mass", "observed"))
  seen <- object[!is.na(object$observed), ]
  seen$mass <- seen$observed
  figure <- draw_masses(object, seen) + axis_of_times(object)
  if (nlevels(droplevels(object$group)) == 1) return(figure)
  figure + panels_of_masses()
}

# `predicted`, `observed`: time, mass, group; bands of a prediction, if there are any.
draw_masses <- function(predicted, observed) {
  band <- if ("mass_low" %in% names(predicted)) {
    ggplot2::geom_ribbon(
      ggplot2::aes(ymin = .data$mass_low, ymax = .data$mass_high), fill = "#b2182b",
      alpha = 0.2
    )
  }
  ggplot2::ggplot(predicted, ggplot2::aes(.data$time, .data$mass)) +
    band +
    ggplot2::geom_line(ggplot2::aes(linetype = "predicted"), colour = "#b2182b",
                       linewidth = 0.8) +
    ggplot2::geom_point(ggplot2::aes(shape = "observed"), observed, colour = "grey15",
                        size = 2) +
    ggplot2::expand_limits(y = 0) +
    ggplot2::labs(x = "time", y = "relative mass", shape = NULL, linetype = NULL,
                  title = "Mass over time") +
    ggplot2::theme_minimal() +
    ggplot2::theme(legend.position = "bottom",
                   plot.margin = ggplot2::margin(6, 18, 6, 6))
}

panels_of_masses <- function() {
  ggplot2::facet_wrap(ggplot2::vars(.data$group), scales = "free_y")
}
