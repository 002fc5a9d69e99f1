#' Velocity in units of genes
#'
#' If a fit was made in principal components, its velocity can be read in genes: it is
#' carried back by the rotation.
#'
#' A rotation is there if the fit was made from a Seurat object whose reduction has
#' loadings, from a SingleCellExperiment whose reduction has the attribute `"rotation"`
#' (as scater's has), or in components made by the package. Units are those of the values
#' that the components were made of: Seurat scales every gene to unit variance before its
#' PCA; scater and this package take log-normalised values as they are. Of a fit made from
#' genes, or from a matrix without a rotation, the features themselves are the genes.
#'
#' @param fit A fit from [vgfm_fit()], or an ensemble of fits.
#' @param newdata,time Cells and their times, as in [predict.vgfm()]. Default: those of
#'   the fit.
#' @param genes Names of genes. Default: all.
#' @param rotation A matrix, genes x features of the fit, that takes genes to features.
#'   Default: the one that came with the fit.
#' @param level Of an ensemble: probability with which a band is to hold the truth.
#' @param ... Must be empty.
#' @return A matrix, cells x genes, of changes per unit of time. Of an ensemble also
#'   attributes `"low"` and `"high"`, matrices of the same shape.
#' @section Errors: `vgfm_error_rotation` if there is no rotation or it does not fit;
#'   `vgfm_error_genes` for unknown genes; `vgfm_error_no_field` if the method of the fit
#'   learns no velocity; those of [predict.vgfm()].
#' @seealso [vgfm_growth_genes()], [vgfm_regulation()]
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[c("x1", "x2")], cells$time, control = vgfm_control("fast"))
#' head(vgfm_gene_velocity(fit))
vgfm_gene_velocity <- function(fit, newdata = NULL, time = NULL, genes = NULL,
                               rotation = NULL, level = 0.9, ...) {
  check_arguments()
  check_fit_or_ensemble(fit)
  call <- rlang::current_env()
  main <- main_fit(fit)
  rotation <- find_rotation(main, rotation, genes, call)
  at <- cells_at(main, newdata, time)
  if (as.double(nrow(at$x)) * nrow(rotation) > cells_limit) {
    abort_input(
      c("{nrow(at$x)} cells x {nrow(rotation)} genes are too many to be made dense.",
        i = "Choose some {.arg genes}, or pass fewer cells as {.arg newdata}."),
      arg = "genes", class = "vgfm_error_genes", call = call
    )
  }
  velocity_of <- function(one) {
    tcrossprod(evaluate_field(one, at$x, at$time, call)$velocity, rotation)
  }
  out <- velocity_of(main)
  if (!is_ensemble(fit)) return(out)
  table <- answer(fit, level, function(one, rows) {
    data.frame(entry = seq_along(out), velocity = as.vector(velocity_of(one)))
  }, "entry", "velocity")
  attr(out, "low") <- as_array_like(table$velocity_low, out)
  attr(out, "high") <- as_array_like(table$velocity_high, out)
  out
}

# (genes, features), rows named; the identity where the features are the genes.
find_rotation <- function(fit, rotation, genes, call) {
  features <- fit$snapshots$features
  source <- fit$snapshots$source
  genes <- check_gene_names(genes, call)
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
  check_known_genes(genes, rownames(rotation), call, "the rotation")
  if (is.null(genes)) rotation else rotation[genes, , drop = FALSE]
}
