#' Velocity on an embedding
#'
#' Carries the learned velocity from the coordinates of the fit over to a picture of the
#' cells in two dimensions, such as UMAP or t-SNE: as an arrow for each cell, as their
#' average on a grid, or as streamlines through that grid.
#'
#' Both methods look at the nearest neighbours of a cell, among the cells of all times, in
#' the coordinates of the fit.
#'
#' `"transition"` is the rule of La Manno and others (2018) and Bergen and others (2020).
#' The probability to move to a neighbour is proportional to the exponential of
#' `sharpness` times the cosine between the velocity and the way to it; the arrow is the
#' mean of the unit vectors to the neighbours on the embedding with these probabilities,
#' less their plain mean. It says where cells go; its length, at most 2 and without unit,
#' says how much the neighbours agree.
#'
#' `"tangent"` fits the embedding of the neighbourhood as a linear function of the
#' coordinates, by least squares with a slight ridge, and applies it to the velocity. Its
#' length is a speed, in units of the embedding per unit of time. A neighbourhood that the
#' embedding tears apart gives long arrows.
#'
#' Arrows on a grid are means over the cells around each node, weighted by a Gaussian
#' kernel. Nodes with few cells around them are left out. Streamlines follow the arrows,
#' interpolated between nodes, by a Runge-Kutta method of order 4, and keep their
#' distance from each other.
#'
#' @param fit A fit from [vgfm_fit()].
#' @param embedding Coordinates of the fitted cells in a picture: two columns, a row for
#'   each cell. Rows go by name where both sides are named, else by place; those of cells
#'   that were left out of the fit may be there too, and with names a part of the cells
#'   may be there alone, which are then the ones that count. Default: two features of the
#'   fit themselves, whose velocity needs no carrying over.
#' @param group A label for each cell, in the same way; `NA` for none. A grid and
#'   streamlines are then made for each group from its own cells.
#' @param as `"cells"`, `"grid"` or `"streamlines"`.
#' @param method `"transition"` or `"tangent"`, see below.
#' @param dims Two features, by number or name, when there is no `embedding`. A fit with
#'   one feature is shown against time.
#' @param neighbours Number of neighbours. All pairs of cells are compared, so they are
#'   exact, in time that grows with the square of the number of cells.
#' @param sharpness Factor of the cosine in a transition probability.
#' @param grid Number of nodes along each side.
#' @param smooth Standard deviation of the kernel, in distances between nodes.
#' @param min_mass Least weight of cells around a node, as a share of the weight around
#'   the densest nodes (99 % quantile).
#' @param ... Must be empty.
#' @return A data frame. For cells: `cell`, `time` and its `label`, position `x` and `y`,
#'   velocity `dx` and `dy`. For the grid: `x`, `y`, `dx`, `dy` and `mass`, the weight of
#'   cells around the node. For streamlines: `line` (its number), `x` and `y` along it in
#'   the direction of motion, and `speed`. With `group`, a column of that name. The
#'   attribute `axes` has the names of the coordinates.
#' @section Errors: `vgfm_error_fit`, and `vgfm_error_input` for an embedding or numbers
#'   that do not fit.
#' @references La Manno and others (2018), RNA velocity of single cells, Nature 560.
#'
#'   Bergen, Lange, Peidli, Wolf and Theis (2020), Generalizing RNA velocity to transient
#'   cell states through dynamical modeling, Nature Biotechnology 38.
#' @seealso [autoplot.vgfm()] with `type = "velocity"` draws it.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' head(vgfm_embed(fit))
#' bent <- cbind(sum = cells$x1 + cells$x2, ratio = cells$x2 / (1 + cells$x1))
#' head(vgfm_embed(fit, bent, "grid", method = "tangent"))
vgfm_embed <- function(fit, embedding = NULL, as = c("cells", "grid", "streamlines"),
                       method = c("transition", "tangent"), dims = 1:2, neighbours = 30,
                       sharpness = 10, grid = 35, smooth = 0.7, min_mass = 0.05,
                       group = NULL, ...) {
  check_arguments()
  check_fit(fit)
  as <- check_choice(as, c("cells", "grid", "streamlines"))
  method <- check_choice(method, c("transition", "tangent"))
  neighbours <- check_count(neighbours, min = 2)
  sharpness <- check_number(sharpness, min = 0, bounds = "(]")
  grid <- check_count(grid, min = 4, max = 1000)
  smooth <- check_number(smooth, min = 0, bounds = "(]")
  min_mass <- check_number(min_mass, min = 0, max = 1)
  cells <- if (is.null(embedding)) {
    own_velocity(fit, check_dims(dims, fit))
  } else {
    embedding <- check_embedding(embedding, fit)
    carried_velocity(fit, embedding, method, neighbours, sharpness)
  }
  group <- check_group(group, fit)
  if (!is.null(embedding)) group <- group[has_place(embedding)]
  axes <- attr(cells, "axes")
  if (as == "cells") {
    cells <- in_user_times(cells, fit$snapshots)
    cells$group <- group
    return(structure(cells, axes = axes))
  }
  spread_out <- function(cells) {
    field <- velocity_grid(cells, grid, smooth)
    dense <- field$mass >= min_mass * stats::quantile(field$mass, 0.99)
    if (as == "streamlines") streamlines(field, dense) else field[dense, ]
  }
  if (is.null(group)) return(without_row_names(spread_out(cells)))
  parts <- lapply(levels(group), function(label) {
    part <- cells[which(group == label), ]
    attr(part, "axes") <- axes
    out <- spread_out(part)
    out$group <- rep(factor(label, levels(group)), nrow(out))
    out
  })
  out <- do.call(rbind, parts)
  # Lines are numbered through.
  if (as == "streamlines") {
    out$line <- cumsum(!duplicated(data.frame(out$line, out$group)))
  }
  attr(out, "axes") <- axes
  without_row_names(out)
}

without_row_names <- function(table) {
  rownames(table) <- NULL
  table
}

check_embedding <- function(embedding, fit, call = rlang::caller_env()) {
  if (is.null(colnames(embedding)) && is.matrix(embedding) && ncol(embedding) == 2) {
    colnames(embedding) <- c("embedding 1", "embedding 2")
  }
  x <- as_cells(embedding, "embedding", call = call)$x
  n <- nrow(fit$snapshots$x)
  rows <- if (ncol(x) == 2) {
    rows_of_cells(fit, rownames(x), nrow(x), "embedding", call)
  }
  if (is.null(rows)) {
    abort_input(
      c("{.arg embedding} must have two columns and a row for each of the {n} cells of the
         fit.",
        x = "It has {ncol(x)} column{?s} and {nrow(x)} row{?s}.",
        i = "Rows with names are found by these; rows of other cells may be there, or of a
             part of the cells alone."),
      arg = "embedding", call = call
    )
  }
  out <- x[rows, , drop = FALSE]
  if (anyNA(rows)) rownames(out) <- rownames(fit$snapshots$x)
  out
}

# Numbers of the cells of the fit that an embedding places; a part of the cells may do.
has_place <- function(embedding) which(!is.na(embedding[, 1]))

# The table of some cells: position (rows x 2) and velocity (rows x 2) on the embedding.
embedded_cells <- function(fit, rows, position, velocity) {
  s <- fit$snapshots
  cell <- rownames(s$x) %||% as.character(seq_len(nrow(s$x)))
  out <- data.frame(
    cell = cell[rows], time = s$time[rows], x = position[, 1], y = position[, 2],
    dx = velocity[, 1], dy = velocity[, 2], row.names = NULL
  )
  structure(out, axes = colnames(position))
}

# Two features are an embedding of which the velocity is known.
own_velocity <- function(fit, dims) {
  # `dims` as figures call them.
  pick <- function(x, time) {
    out <- cbind(time, x)
    colnames(out) <- c(".time", figure_name(colnames(x)))
    out <- out[, dims]
    colnames(out) <- axis_name(dims)
    out
  }
  velocity <- pick(predict(fit, type = "velocity"), 1)
  position <- pick(fit$snapshots$x, fit$snapshots$time)
  embedded_cells(fit, seq_len(nrow(position)), position, velocity)
}

carried_velocity <- function(fit, embedding, method, neighbours, sharpness,
                             call = rlang::caller_env()) {
  rows <- has_place(embedding)
  x <- fit$snapshots$x[rows, , drop = FALSE]
  embedding <- embedding[rows, , drop = FALSE]
  velocity <- predict(fit, type = "velocity")[rows, , drop = FALSE]
  index <- neighbours_of(x, min(neighbours, nrow(x) - 1), fit$control, call)
  carried <- switch(method,
    transition = carry_by_transition(x, velocity, embedding, index, sharpness),
    tangent = carry_by_tangent(x, velocity, embedding, index)
  )
  embedded_cells(fit, rows, embedding, carried)
}

# x, velocity (n x d), embedding (n x 2), index (n x k) -> velocity on the embedding
# (n x 2). A neighbour at no distance has no direction, and cosine 0.
carry_by_transition <- function(x, velocity, embedding, index, sharpness) {
  places <- seq_len(ncol(index))
  to_unit <- function(v) v / positive_length(v)
  velocity <- to_unit(velocity)
  cosine <- vapply(places, function(j) {
    way <- x[index[, j], , drop = FALSE] - x
    rowSums(way * velocity) / positive_length(way)
  }, numeric(nrow(x)))
  weight <- exp(sharpness * (cosine - 1))
  weight <- weight / rowSums(weight) - 1 / ncol(index)
  Reduce(`+`, lapply(places, function(j) {
    weight[, j] * to_unit(embedding[index[, j], ] - embedding)
  }))
}

# Lengths of the rows; 1 for one of length 0, to divide by.
positive_length <- function(v) {
  length <- sqrt(rowSums(v^2))
  ifelse(length > 0, length, 1)
}

# The same by the linear function that fits each cell and its neighbours best.
carry_by_tangent <- function(x, velocity, embedding, index) {
  out <- embedding
  for (i in seq_len(nrow(x))) {
    near <- c(i, index[i, ])
    out[i, ] <- velocity[i, ] %*% local_slope(x[near, , drop = FALSE], embedding[near, ])
  }
  out
}

# Slope (d x 2) of a ridge regression of e (k x 2) on x (k x d), in whichever form has the
# smaller matrix to solve.
local_slope <- function(x, e) {
  x <- x - rep(colMeans(x), each = nrow(x))
  e <- e - rep(colMeans(e), each = nrow(e))
  size <- sum(x^2)
  if (size == 0) return(matrix(0, ncol(x), 2))
  ridge <- diag(tangent_ridge * size / ncol(x), min(dim(x)))
  if (nrow(x) < ncol(x)) return(crossprod(x, solve(tcrossprod(x) + ridge, e)))
  solve(crossprod(x) + ridge, crossprod(x, e))
}

# Share of the mean variance of a coordinate in a neighbourhood.
tangent_ridge <- 0.01
