# Growth as a fit has it against what was expected beforehand.

plot_prior <- function(fit, call) {
  s <- fit$snapshots
  if (is.null(s$prior)) {
    abort_fit(c("{.arg object} has no prior: it was fitted without {.arg growth_prior} or
                 {.arg stable}.",
                i = "See {.fn vgfm_growth_prior}."), "object", call)
  }
  sources <- seq_along(fit$couplings)
  expected <- rep(NA_real_, nrow(s$x))
  for (k in sources) {
    expected[s$index == k] <- average_prior(k, s, fit$control)$rate
  }
  believed <- format(round(fit$prior$believed, 2), trim = TRUE)
  panels <- paste0(s$labels[sources], ": believed by ", believed)
  cells <- data.frame(.prior = expected, .growth = predict(fit, type = "growth"),
                      .label = time_label(fit, s$index),
                      .panel = factor(panels[s$index], panels))
  cells <- cells[!is.na(expected), ]
  if (nrow(cells) == 0) {
    abort_fit("{.arg object} has a prior of cells of the last time alone.", "object",
              call)
  }
  cells <- cells[thin_rows(seq_len(nrow(cells)), figure_cells, fit), ]
  ggplot2::ggplot(cells, ggplot2::aes(.data$.prior, .data$.growth,
                                      colour = .data$.label)) +
    ggplot2::geom_abline(colour = "grey70", linetype = "dashed") +
    ggplot2::geom_point(size = 0.9, alpha = 0.6) +
    ggplot2::facet_wrap(ggplot2::vars(.data$.panel)) +
    scale_time() +
    ggplot2::labs(x = "growth expected, averaged over neighbours",
                  y = "growth of the fit", title = "Growth of the fit and its prior") +
    ggplot2::theme_minimal()
}
