#' Figures of a fit
#'
#' @param object,x A fit from [vgfm_fit()]; of an ensemble, its fit to all cells is drawn,
#'   without bands.
#' @param type `"trajectory"`: paths of cells from the first snapshot, ending in dots,
#'   over the data.
#'   `"growth"`: growth rate of every observed cell; the colours end at the 0.5 % and
#'   99.5 % quantiles.
#'   `"velocity"`: where cells go, over the data; the wider a streamline or the longer an
#'   arrow, the faster.
#'   `"mass"`: predicted mass over time as a line, observed as dots, in total and by
#'   group.
#'   `"history"`: training losses.
#'   `"fit"`: every later snapshot above the cloud predicted for it, dots as large as
#'   their mass.
#'   `"prior"`: growth of the fit against that of a growth prior, averaged over
#'   neighbours, for each time but the last, with how far it was believed; see
#'   [vgfm_fit()].
#' @param dims Two features to draw, by number or name. A fit with one feature is drawn
#'   against time.
#' @param n Number of paths, 60 unless given, or of arrows on cells, 200.
#' @param embedding For `"velocity"` and `"growth"`: two coordinates of each fitted cell,
#'   as from UMAP, to draw instead of two features. See [vgfm_embed()].
#' @param as For `"velocity"`: `"streamlines"`, `"grid"` for arrows on a grid, or
#'   `"cells"` for arrows on `n` of the cells, which is the default for one feature.
#' @param group A label for each fitted cell, such as its type; `NA` for none. There is a
#'   panel for each. Labels go by name where both sides are named, else by place; those
#'   of cells that were left out of the fit may be there too, or, with names, those of a
#'   part of the cells alone. `"trajectory"` has `n` paths
#'   that begin in each group, `"growth"` and `"velocity"` have its cells. For `"mass"`, a
#'   predicted cell has the label of the nearest labelled cell of the observed time;
#'   between two times, those of both, in shares that follow the time. At most 2000 cells
#'   of the first snapshot are followed.
#' @param ... For `"velocity"`: arguments of [vgfm_embed()], such as `method` or `grid`.
#'   For `plot()`: arguments of `autoplot()`.
#' @return `autoplot()` gives a ggplot2 object, to which themes and scales can be added;
#'   `plot()` draws it and returns it invisibly. Of more than 50000 cells a sample is
#'   drawn.
#' @section Errors: `vgfm_error_input` for features that are not in the fit, an embedding
#'   or labels that are not one for each cell, and arguments that `type` does not have;
#'   `vgfm_error_fit` for `"prior"` of a fit without one.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' autoplot(fit, "growth")
#' autoplot(fit, "velocity")
#' autoplot(fit, "mass", group = ifelse(cells$x1 > 1.2, "moving", "resting"))
#' @importFrom ggplot2 autoplot
autoplot.vgfm <- function(object, type = c("trajectory", "growth", "velocity", "mass",
                                           "history", "fit", "prior"),
                          dims = 1:2, n = NULL, embedding = NULL,
                          as = c("streamlines", "grid", "cells"), group = NULL, ...) {
  check_arguments(setdiff(names(formals(vgfm_embed)), c("fit", "...")))
  call <- rlang::current_env()
  check_fit(object, "object")
  types <- c("trajectory", "growth", "velocity", "mass", "history", "fit",
             "prior")
  type <- check_choice(type, types)
  given <- c(n = !is.null(n), embedding = !is.null(embedding), as = !missing(as),
             group = !is.null(group))
  check_used(type, c(names(given)[given], names(list(...))))
  n <- check_count(n, allow_null = TRUE)
  if (missing(as) && ncol(object$snapshots$x) == 1) as <- "cells"
  as <- check_choice(as, c("streamlines", "grid", "cells"))
  group <- check_group(group, object)
  if (type == "history") return(plot_history(object, call))
  if (type == "prior") return(plot_prior(object, call))
  if (type == "mass") return(plot_mass(object, group, call))
  if (is.null(embedding)) {
    dims <- check_dims(dims, object)
  } else {
    embedding <- check_embedding(embedding, object)
    colnames(embedding) <- figure_name(colnames(embedding))
    dims <- colnames(embedding)
  }
  figure <- switch(type,
    trajectory = plot_trajectory(object, dims, n %||% 60, group, call),
    growth = plot_growth(object, dims, embedding, group),
    velocity = plot_velocity(object, dims, embedding, as, n %||% 200, group, ...),
    fit = plot_fit(object, dims, call)
  )
  if (is.null(group)) return(figure)
  figure + ggplot2::facet_wrap(ggplot2::vars(.data$.group))
}

#' @rdname autoplot.vgfm
#' @export
plot.vgfm <- function(x, ...) {
  check_fit(x, "x")
  figure <- ggplot2::autoplot(x, ...)
  print(figure)
  invisible(figure)
}

#' @rdname autoplot.vgfm
#' @export
autoplot.vgfm_ensemble <- function(object, ...) {
  check_ensemble(object, "object")
  ggplot2::autoplot(object$fit, ...)
}

#' @rdname autoplot.vgfm
#' @export
plot.vgfm_ensemble <- function(x, ...) {
  check_ensemble(x, "x")
  plot.vgfm(x$fit, ...)
}

#' @export
ggplot2::autoplot

# What a type makes use of beside `dims`.
used_by <- list(trajectory = c("n", "group"), growth = c("embedding", "group"),
                velocity = c("n", "embedding", "as", "group"), mass = "group",
                history = character(), fit = character(), prior = character())

check_used <- function(type, given, call = rlang::caller_env()) {
  used_by$velocity <- c(used_by$velocity, names(formals(vgfm_embed)))
  idle <- setdiff(given, used_by[[type]])
  if (length(idle) > 0) {
    others <- names(Filter(function(used) idle[1] %in% used, used_by))
    abort_input(
      c("A figure of type {.val {type}} makes no use of {.arg {idle[1]}}.",
        i = "{.val {others}} do{cli::qty(length(others))}{?es/}."),
      arg = idle[1], call = call
    )
  }
}

# The observed cells as a table, in the columns that figures need and those of a matrix
# `extra`, without cells of no group; a sample, if they are many.
cells_table <- function(fit, extra = NULL, group = NULL) {
  s <- fit$snapshots
  out <- features_table(s$x)
  if (ncol(s$x) == 1) out$.time <- s$time
  out$.label <- time_label(fit, s$index)
  if (!is.null(extra)) out[colnames(extra)] <- as.data.frame(extra)
  out$.group <- group
  out <- out[thin_rows(seq_len(nrow(out)), figure_cells, fit), ]
  # An embedding may place a part of the cells.
  if (!is.null(extra)) out <- out[!is.na(out[[colnames(extra)[1]]]), ]
  if (is.null(group)) out else out[!is.na(out$.group), ]
}

# Features in columns, as figures call them.
features_table <- function(x) {
  out <- data.frame(x, check.names = FALSE, row.names = NULL)
  stats::setNames(out, figure_name(colnames(x)))
}

# Most dots of a kind in a figure.
figure_cells <- 50000

time_label <- function(fit, index) {
  factor(fit$snapshots$labels[index], levels = fit$snapshots$labels)
}

base_figure <- function(fit, data, dims, ...) {
  figure <- ggplot2::ggplot(data, ggplot2::aes(.data[[dims[1]]], .data[[dims[2]]], ...)) +
    ggplot2::labs(x = axis_name(dims[1]), y = axis_name(dims[2])) +
    ggplot2::theme_minimal()
  if (dims[1] != ".time") return(figure)
  figure + time_axis(fit)
}

# Times as the user calls them.
time_axis <- function(fit) {
  ggplot2::scale_x_continuous(breaks = fit$snapshots$times,
                              labels = fit$snapshots$labels)
}

scale_time <- function() {
  large <- ggplot2::guide_legend(override.aes = list(size = 2.5, alpha = 1))
  ggplot2::scale_colour_viridis_d("time", option = "D", end = 0.9, guide = large)
}

# Three or four breaks of a legend.
few <- function(limits) pretty(limits, 3)

plot_trajectory <- function(fit, dims, n, group, call) {
  s <- fit$snapshots
  # With groups, n of each.
  some <- split(which(s$index == 1), (group %||% factor(s$index))[s$index == 1])
  rows <- unlist(lapply(some, thin_rows, n, fit), use.names = FALSE)
  if (length(rows) == 0) {
    abort_input(
      c("{.arg group} has no label for a cell of the first time, where paths begin.",
        i = "Label cells of time {.val {s$labels[1]}} too."),
      arg = "group", call = call
    )
  }
  times <- seq(s$times[1], max(s$times), length.out = 50)
  states <- follow(fit, s$x[rows, , drop = FALSE], s$times[1], times, call)
  paths <- do.call(rbind, lapply(states, function(state) {
    data.frame(.cell = rows, .time = state$time, .weight = exp(state$log_weight),
               features_table(state$x), check.names = FALSE, row.names = NULL)
  }))
  paths$.group <- group[paths$.cell]
  ends <- paths[paths$.time == max(paths$.time), ]
  base_figure(fit, cells_table(fit, group = group), dims) +
    ggplot2::geom_point(ggplot2::aes(colour = .data$.label), size = 0.7, alpha = 0.5) +
    ggplot2::geom_path(
      ggplot2::aes(group = .data$.cell, linewidth = .data$.weight), paths,
      colour = "grey15", alpha = 0.45, lineend = "round"
    ) +
    ggplot2::geom_point(data = ends, colour = "black", size = 1) +
    scale_time() +
    ggplot2::scale_linewidth_continuous("mass", range = c(0.2, 1), breaks = few) +
    ggplot2::labs(title = "Paths of cells from the first snapshot")
}

plot_growth <- function(fit, dims, embedding, group) {
  growth <- predict(fit, type = "growth")
  cells <- cells_table(fit, cbind(embedding, .growth = growth), group)
  base_figure(fit, cells, dims, colour = .data$.growth) +
    ggplot2::geom_point(size = 0.9) +
    ggplot2::scale_colour_gradient2(
      "growth\nper unit\nof time", low = "#2166ac", mid = "grey85", high = "#b2182b",
      limits = stats::quantile(growth, c(0.005, 0.995)), oob = squish
    ) +
    ggplot2::labs(title = "Growth rate of the observed cells",
                  subtitle = growth_caveat(fit))
}

# A few extreme cells shall not take the colours from all others.
squish <- function(x, range) pmin(pmax(x, range[1]), range[2])

plot_fit <- function(fit, dims, call) {
  s <- fit$snapshots
  later <- seq_along(s$times)[-1]
  start <- snapshot_cells(fit, 1, ceiling(figure_cells / length(later)))
  population <- follow(fit, start, s$times[1], s$times[-1], call)
  predicted <- do.call(rbind, Map(function(state, k) {
    data.frame(features_table(state$x), .time = state$time, .label = time_label(fit, k),
               .weight = exp(state$log_weight), check.names = FALSE, row.names = NULL)
  }, population, later))
  cells <- cells_table(fit, cbind(.time = s$time, .weight = 1, .index = s$index))
  cells <- cells[cells$.index > 1, names(predicted)]
  both <- rbind(cbind(predicted, .kind = "predicted"), cbind(cells, .kind = "observed"))
  base_figure(fit, both, dims, colour = .data$.kind, size = .data$.weight) +
    ggplot2::geom_point(alpha = 0.4) +
    ggplot2::facet_grid(ggplot2::vars(.data$.kind), ggplot2::vars(.data$.label)) +
    ggplot2::scale_colour_manual(values = c(observed = "grey35", predicted = "#b2182b"),
                                 guide = "none") +
    ggplot2::scale_size_area("mass", max_size = 2, breaks = few) +
    ggplot2::labs(title = "Observed, and predicted from the first snapshot")
}

plot_history <- function(fit, call) {
  history <- fit$history
  if (nrow(history) == 0) {
    abort_fit(c("{.arg object} has no history: it was fitted with {.code steps = 0}.",
                i = "Train it with {.fn vgfm_resume}."), "object", call)
  }
  fields <- setdiff(names(history), "step")
  long <- data.frame(
    step = rep(history$step, length(fields)),
    loss = unlist(history[fields], use.names = FALSE),
    field = factor(rep(fields, each = nrow(history)), fields)
  )
  ggplot2::ggplot(long, ggplot2::aes(.data$step, .data$loss)) +
    ggplot2::geom_line(colour = "grey20", linewidth = 0.4) +
    ggplot2::facet_wrap(ggplot2::vars(.data$field), scales = "free_y") +
    ggplot2::scale_y_log10() +
    ggplot2::labs(x = "step", y = "weighted mean squared error",
                  title = "Training history") +
    ggplot2::theme_minimal()
}
