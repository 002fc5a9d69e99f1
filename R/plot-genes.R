# Figures of what genes have to do with growth and fates, with each other, and of what a
# shift of them does.

#' @rdname autoplot.vgfm_answer
#' @export
autoplot.vgfm_growth_genes <- function(object, n = 10, ...) {
  check_arguments()
  plot_genes(object, intersect("group", names(object)), check_count(n),
             "Genes that go with growth", "correlation with growth")
}

#' @rdname autoplot.vgfm_answer
#' @export
autoplot.vgfm_fate_genes <- function(object, n = 10, ...) {
  check_arguments()
  plot_genes(object, "fate", check_count(n), "Early genes that go with a fate",
             "correlation with the probability of the fate")
}

# The strongest genes of each panel, as points.
plot_genes <- function(table, panel, n, title, axis, call = rlang::caller_env()) {
  check_drawn(table, c("gene", panel, "marginal"), call)
  check_known_rows(!is.na(table$marginal), call)
  table <- table[!is.na(table$marginal), ]
  group <- if (length(panel) > 0) table[[panel]] else rep("", nrow(table))
  rank <- stats::ave(-abs(table$marginal), group, FUN = function(v) {
    rank(v, ties.method = "first")
  })
  table <- table[rank <= n, ]
  # Each panel has genes of its own, in its own order.
  name <- paste(table$gene, if (length(panel) > 0) table[[panel]], sep = "\r")
  table$.name <- stats::reorder(factor(name, unique(name)), table$marginal)
  stable <- table$stable %||% rep(TRUE, nrow(table))
  table$.stable <- factor(ifelse(stable, "stable", "not stable"),
                          c("stable", "not stable"))
  figure <- ggplot2::ggplot(table, ggplot2::aes(.data$.name, .data$marginal)) +
    ggplot2::geom_hline(yintercept = 0, colour = "grey70", linetype = "dashed") +
    band_points(table, "marginal", colour = "grey45") +
    ggplot2::geom_point(ggplot2::aes(shape = .data$.stable, colour = .data$marginal > 0),
                        size = 2, fill = "white") +
    ggplot2::scale_shape_manual(NULL, values = c(16, 21), drop = FALSE,
                                guide = if (is.null(table$stable)) "none" else "legend") +
    ggplot2::scale_colour_manual(values = c("TRUE" = "#b2182b", "FALSE" = "#2166ac"),
                                 guide = "none") +
    ggplot2::scale_x_discrete(labels = function(name) sub("\r.*", "", name)) +
    ggplot2::coord_flip() +
    ggplot2::labs(x = NULL, y = axis, title = title) +
    ggplot2::theme_minimal() +
    ggplot2::theme(plot.margin = ggplot2::margin(6, 12, 6, 6))
  if (length(panel) == 0) return(figure)
  figure + ggplot2::facet_wrap(ggplot2::vars(.data[[panel]]), scales = "free_y")
}

#' @rdname autoplot.vgfm_answer
#' @export
autoplot.vgfm_regulation <- function(object, ...) {
  check_arguments()
  check_drawn(object, c("regulator", "target", "effect"))
  in_order <- function(x) factor(x, unique(x))
  object$regulator <- in_order(object$regulator)
  object$target <- in_order(object$target)
  figure <- ggplot2::ggplot(object, ggplot2::aes(.data$regulator, .data$target)) +
    ggplot2::geom_tile(ggplot2::aes(fill = .data$effect)) +
    ggplot2::scale_fill_gradient2("effect\nper unit\nof time", low = "#2166ac",
                                  mid = "grey95", high = "#b2182b") +
    ggplot2::coord_fixed() +
    ggplot2::labs(x = "regulator", y = "target", title = "What drives what") +
    ggplot2::theme_minimal() +
    ggplot2::theme(panel.grid = ggplot2::element_blank())
  if ("effect_low" %in% names(object)) {
    sure <- object[object$effect_low > 0 | object$effect_high < 0, ]
    figure <- figure + ggplot2::geom_point(data = sure, size = 1.2)
  }
  if (!"group" %in% names(object)) return(figure)
  figure + ggplot2::facet_wrap(ggplot2::vars(.data$group))
}

#' @rdname autoplot.vgfm_answer
#' @export
autoplot.vgfm_perturb <- function(object, ...) {
  check_arguments()
  values <- c(difference = "difference of mass,\nper shifted cell",
              share_difference = "difference of share\n")
  check_drawn(object, c("group", names(values)))
  long <- do.call(rbind, lapply(names(values), function(value) {
    out <- data.frame(group = object$group, what = values[[value]],
                      value = object[[value]])
    for (side in c("_low", "_high")) {
      out[paste0("value", side)] <- object[[paste0(value, side)]]
    }
    out
  }))
  # The share of all is 1, shifted or not.
  total <- long$group == utils::tail(levels(factor(long$group)), 1)
  if (!all(total)) long <- long[!total | long$what == values[["difference"]], ]
  ggplot2::ggplot(long, ggplot2::aes(.data$group, .data$value)) +
    ggplot2::geom_hline(yintercept = 0, colour = "grey70", linetype = "dashed") +
    band_points(long, "value", colour = "grey45") +
    ggplot2::geom_point(size = 2) +
    ggplot2::facet_wrap(ggplot2::vars(.data$what), scales = "free_x") +
    ggplot2::coord_flip() +
    ggplot2::labs(x = NULL, y = "shifted less unshifted",
                  title = "What the shift does") +
    ggplot2::theme_minimal()
}
