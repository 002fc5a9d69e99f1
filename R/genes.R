#' Velocity and growth in units of genes
#'
#' If a fit was made in principal components, its fields can be read in genes: a velocity
#' is carried back by the rotation; the derivative of the growth rate goes by the chain
#' rule.
#'
#' A rotation is there if the fit was made from a Seurat object whose reduction has
#' loadings, from a SingleCellExperiment whose reduction has the attribute `"rotation"`
#' (as scater's has), or in components made by the package. Units are those of the values
#' that the components were made of: Seurat scales every gene to unit variance before its
#' PCA; scater and this package take log-normalised values as they are. Of a fit made from
#' genes, or from a matrix without a rotation, the features themselves are the genes.
#'
#' @param fit A fit from [vgfm_fit()].
#' @param newdata,time Cells and their times, as in [predict.vgfm()]. Default: those of
#'   the fit.
#' @param genes Names of genes. Default: all.
#' @param rotation A matrix, genes x features of the fit, that takes genes to features.
#'   Default: the one that came with the fit.
#' @param ... Must be empty.
#' @return `vgfm_gene_velocity()`: a matrix, cells x genes, of changes per unit of time.
#'   `vgfm_growth_genes()`: a data frame with one row per gene, the strongest first:
#'   `gene`; `effect`, the derivative of the growth rate with respect to it, mean over the
#'   cells; `sd`, its standard deviation over the cells. `vgfm_jacobian()`: an array,
#'   cells x features x features, whose element `[c, i, j]` is the derivative at cell `c`
#'   of velocity `i` with respect to feature `j`, per unit of time.
#' @details An effect says how the fitted growth rate changes with a gene, all others
#'   held fixed. Where genes go together the data do not say which of them it is.
#' @section Errors: `vgfm_error_rotation` if there is no rotation or it does not fit;
#'   `vgfm_error_genes` for unknown genes; `vgfm_error_no_growth` from
#'   `vgfm_growth_genes()` and `vgfm_error_no_field` from the others if the method of the
#'   fit learns no growth by state, or no velocity; those of [predict.vgfm()].
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[c("x1", "x2")], cells$time, control = vgfm_control("fast"))
#' vgfm_growth_genes(fit)
#' vgfm_jacobian(fit, data.frame(x1 = 1, x2 = 2), time = 8)[1, , ]
vgfm_gene_velocity <- function(fit, newdata = NULL, time = NULL, genes = NULL,
                               rotation = NULL, ...) {
  check_arguments()
  check_fit(fit)
  call <- rlang::current_env()
  rotation <- find_rotation(fit, rotation, genes, call)
  at <- cells_at(fit, newdata, time)
  if (as.double(nrow(at$x)) * nrow(rotation) > cells_limit) {
    abort_input(
      c("{nrow(at$x)} cells x {nrow(rotation)} genes are too many to be made dense.",
        i = "Choose some {.arg genes}, or pass fewer cells as {.arg newdata}."),
      arg = "genes", class = "vgfm_error_genes", call = call
    )
  }
  tcrossprod(evaluate_field(fit, at$x, at$time)$velocity, rotation)
}

#' @rdname vgfm_gene_velocity
#' @export
vgfm_growth_genes <- function(fit, newdata = NULL, time = NULL, genes = NULL,
                              rotation = NULL, ...) {
  check_arguments()
  check_fit(fit)
  check_growth_learned(fit)
  rotation <- find_rotation(fit, rotation, genes, rlang::current_env())
  at <- cells_at(fit, newdata, time)
  features <- ncol(at$x)
  gradient <- field_gradient(fit, at$x, at$time, c(rep(0, features), 1))
  gradient <- gradient / fit$snapshots$scale
  # Of r g, r a row of the rotation: variance r cov(g) r'.
  variance <- rowSums((rotation %*% stats::cov(gradient)) * rotation)
  out <- data.frame(
    gene = rownames(rotation), effect = drop(rotation %*% colMeans(gradient)),
    sd = sqrt(pmax(variance, 0)), row.names = NULL
  )
  out <- out[order(-abs(out$effect)), ]
  rownames(out) <- NULL
  out
}

#' @rdname vgfm_gene_velocity
#' @export
vgfm_jacobian <- function(fit, newdata = NULL, time = NULL, ...) {
  check_arguments()
  check_fit(fit)
  check_moving(fit)
  at <- cells_at(fit, newdata, time)
  features <- fit$snapshots$features
  d <- length(features)
  if (nrow(at$x) * d^2 > cells_limit) {
    abort_x(c(
      "{.arg newdata} has too many cells: {nrow(at$x)} with {d} x {d} derivatives each.",
      i = "Pass some of them."
    ), "newdata", "vgfm_error_newdata", rlang::current_env())
  }
  out <- vapply(seq_len(d), function(i) {
    field_gradient(fit, at$x, at$time, as.double(seq_len(d + 1) == i))
  }, matrix(0, nrow(at$x), d))
  out <- aperm(array(out, c(nrow(at$x), d, d)), c(1, 3, 2))
  dimnames(out) <- list(rownames(at$x), velocity = features, feature = features)
  out
}

# (genes, features), rows named; the identity where the features are the genes.
find_rotation <- function(fit, rotation, genes, call) {
  features <- fit$snapshots$features
  source <- fit$snapshots$source
  if (!is.null(genes) && (!is.character(genes) || anyNA(genes))) {
    abort_input("{.arg genes} must be names of genes, not {describe(genes)}.",
                arg = "genes", class = "vgfm_error_genes", call = call)
  }
  rotation <- rotation %||% source$rotation
  if (is.null(rotation) && identical(source$kind, "reduction")) {
    abort_input(
      c("The fit has no rotation: reduction {.val {source$reduction}} has no loadings.",
        i = "Pass {.arg rotation}, a matrix of genes x dimensions."),
      arg = "rotation", class = "vgfm_error_rotation", call = call
    )
  }
  if (is.null(rotation)) {
    rotation <- diag(1, length(features))
    rownames(rotation) <- features
  }
  given <- rotation
  rotation <- if (is.matrix(rotation)) as_numbers(rotation)
  fits <- !is.null(rotation) && !is.null(rownames(rotation)) &&
    ncol(rotation) == length(features) && all(is.finite(rotation))
  # Columns go by name where both sides have the same names.
  if (fits && fit$snapshots$named && any(colnames(rotation) %in% features)) {
    fits <- setequal(colnames(rotation), features)
    if (fits) rotation <- rotation[, features, drop = FALSE]
  }
  if (!fits) {
    abort_input(
      c("{.arg rotation} must be a numeric matrix, genes (with names) x
         {length(features)} feature{?s}, not {describe(given)}.",
        i = "The features of the fit are {.val {features}}."),
      arg = "rotation", class = "vgfm_error_rotation", call = call
    )
  }
  unknown <- setdiff(genes, rownames(rotation))
  if (length(unknown) > 0) {
    abort_input(
      c("{.arg genes} must be genes of the rotation.", x = "Unknown: {.val {unknown}}."),
      arg = "genes", class = "vgfm_error_genes", call = call
    )
  }
  if (is.null(genes)) rotation else rotation[genes, , drop = FALSE]
}
