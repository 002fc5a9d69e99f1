#' Derivatives of the velocity
#'
#' The derivatives of the learned velocity with respect to the state, cell by cell or as
#' means over groups of cells, in features of the fit or in genes; with eigenvalues.
#'
#' The velocity is that of the flow that carries the populations. Where noise spreads
#' cells as fast as regulation draws them together the flow stands still, and its
#' derivatives are 0: for what a feature does to another see [vgfm_regulation()].
#'
#' In genes the matrix is `R J R'`, with `R` the rotation (genes x features) and `J` the
#' Jacobian in features.
#'
#' @inheritParams vgfm_growth_genes
#' @param group A label for each fitted cell, as in [vgfm_fates()], over whose cells
#'   derivatives are averaged; of `newdata`, one for each of its cells. `NULL`: single
#'   cells.
#' @param genes Names of genes in which the result is to be. Default: the features of the
#'   fit.
#' @param rotation A matrix, genes x features of the fit, that takes genes to features.
#'   Default: the one that came with the fit; without one the features are the genes.
#' @param eigen Add the eigenvalues? They are those of the Jacobian in features, by
#'   LAPACK's `dgeev`.
#' @return An array, cells (or groups) x features x features, whose element `[c, i, j]` is
#'   the derivative at cell `c` (its mean over group `c`) of velocity `i` with respect to
#'   feature `j`, per unit of time; genes in place of features if `genes` or a `rotation`
#'   are given. With `eigen`, an attribute `"eigenvalues"`: a complex matrix, cells (or
#'   groups) x features, per unit of time, in descending order of their real parts. Of an
#'   ensemble also attributes `"low"` and `"high"`, arrays of the same shape.
#' @section Errors: `vgfm_error_newdata` for too many cells, `vgfm_error_rotation` and
#'   `vgfm_error_genes` as in [vgfm_gene_velocity()], `vgfm_error_no_field` if the method
#'   of the fit learns no velocity; those of [predict.vgfm()].
#' @seealso [vgfm_regulation()], [vgfm_fixed_points()]
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[c("x1", "x2")], cells$time, control = vgfm_control("fast"))
#' vgfm_jacobian(fit, data.frame(x1 = 1, x2 = 2), time = 8)[1, , ]
#' kind <- ifelse(cells$x1 + cells$x2 > 1, "dividing", "resting")
#' attr(vgfm_jacobian(fit, group = kind), "eigenvalues")
vgfm_jacobian <- function(fit, newdata = NULL, time = NULL, group = NULL, genes = NULL,
                          rotation = NULL, eigen = !is.null(group), level = 0.9, ...) {
  check_arguments()
  call <- rlang::current_env()
  check_fit_or_ensemble(fit)
  main <- main_fit(fit)
  check_moving(main)
  eigen <- check_flag(eigen)
  level <- check_level(level)
  rotation <- jacobian_rotation(main, rotation, genes, call)
  at <- cells_at(main, newdata, time)
  group <- jacobian_groups(group, main, newdata, at, call)
  check_jacobian_size(if (is.null(group)) nrow(at$x) else nlevels(group),
                      rotation %||% identity_rotation(main), call)
  weighted <- is.null(newdata)
  mean_of <- function(one, rows) {
    weight <- if (weighted) tabulate(rows, nrow(at$x)) else rep(1, nrow(at$x))
    if (is.null(group)) cell_jacobians(one, at, call) else
      mean_jacobians(one, at, group, weight, call)
  }
  all <- seq_len(nrow(main$snapshots$x))
  whole <- mean_of(main, all)
  out <- rotate_jacobians(whole, rotation)
  if (is_ensemble(fit)) {
    table <- answer(fit, level, function(one, rows) {
      as_effects(rotate_jacobians(mean_of(one, rows), rotation))
    }, c("group", "target", "regulator"), "effect")
    attr(out, "low") <- as_array_like(table$effect_low, out)
    attr(out, "high") <- as_array_like(table$effect_high, out)
  }
  if (eigen) attr(out, "eigenvalues") <- eigenvalues_of(whole)
  out
}

# The rotation to the genes that are asked for; NULL for features.
jacobian_rotation <- function(fit, rotation, genes, call) {
  if (is.null(rotation) && is.null(genes)) return(NULL)
  find_rotation(fit, rotation, genes, call)
}

jacobian_groups <- function(group, fit, newdata, at, call) {
  if (is.null(group)) return(NULL)
  if (is.null(newdata)) return(check_group(group, fit, call))
  newdata_group(group, at, call, "group")
}

check_jacobian_size <- function(n, rotation, call) {
  if (as.double(n) * max(dim(rotation))^2 > cells_limit) {
    d <- nrow(rotation)
    abort_x(c(
      "{n} Jacobian{?s} of {d} x {d} derivatives are too much.",
      i = "Pass fewer cells as {.arg newdata}, a {.arg group}, or fewer {.arg genes}."
    ), "newdata", "vgfm_error_newdata", call)
  }
}

# (cells, d, d): derivative of velocity i by feature j, per unit of the user's time. Both
# are in units of the features, whose scale cancels.
cell_jacobians <- function(fit, at, call) {
  features <- fit$snapshots$features
  d <- length(features)
  out <- array(0, c(nrow(at$x), d, d))
  for (i in seq_len(d)) {
    out[, i, ] <- field_gradient(fit, at$x, at$time, as.double(seq_len(d + 1) == i), call)
  }
  dimnames(out) <- list(rownames(at$x), velocity = features, feature = features)
  out
}

# (groups, d, d): means over the cells of each level, NA for one without cells.
mean_jacobians <- function(fit, at, group, weight, call) {
  features <- fit$snapshots$features
  d <- length(features)
  share <- vapply(levels(group), function(level) {
    weight * (!is.na(group) & group == level)
  }, numeric(length(group)))
  share <- matrix(share, length(group))
  share <- share / rep(colSums(share), each = nrow(share))
  out <- array(0, c(nlevels(group), d, d))
  for (i in seq_len(d)) {
    seed <- as.double(seq_len(d + 1) == i)
    out[, i, ] <- crossprod(share, field_gradient(fit, at$x, at$time, seed, call))
  }
  out[is.nan(out)] <- NA
  dimnames(out) <- list(levels(group), velocity = features, feature = features)
  out
}

# R J R' for each J.
rotate_jacobians <- function(jacobians, rotation) {
  if (is.null(rotation)) return(jacobians)
  genes <- rownames(rotation)
  out <- array(0, c(dim(jacobians)[1], length(genes), length(genes)))
  for (c in seq_len(dim(jacobians)[1])) {
    out[c, , ] <- rotation %*% slice_of(jacobians, c) %*% t(rotation)
  }
  dimnames(out) <- list(dimnames(jacobians)[[1]], velocity = genes, feature = genes)
  out
}

slice_of <- function(jacobians, c) matrix(jacobians[c, , ], dim(jacobians)[2])

# A complex matrix (cells or groups, d), largest real part first.
eigenvalues_of <- function(jacobians) {
  d <- dim(jacobians)[2]
  out <- vapply(seq_len(dim(jacobians)[1]), function(c) {
    j <- slice_of(jacobians, c)
    if (anyNA(j)) return(rep(NA_complex_, d))
    values <- as.complex(eigen(j, symmetric = FALSE, only.values = TRUE)$values)
    values[order(-Re(values), -Im(values))]
  }, complex(d))
  matrix(out, ncol = d, byrow = TRUE, dimnames = list(dimnames(jacobians)[[1]], NULL))
}

# The table of an array of Jacobians.
as_effects <- function(jacobians) {
  names <- dimnames(jacobians)
  rows <- dim(jacobians)[1]
  d <- dim(jacobians)[2]
  data.frame(
    group = rep(names[[1]] %||% as.character(seq_len(rows)), d * d),
    target = rep(rep(names[[2]], each = rows), d),
    regulator = rep(names[[3]], each = rows * d), effect = as.vector(jacobians)
  )
}

as_array_like <- function(values, like) {
  array(values, dim(like), dimnames(like))
}
