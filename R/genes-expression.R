# Expression of the cells that are asked about: measured, in whatever holds it, or
# reconstructed from the features of a fit by a rotation. Never made dense.

# A list with `genes`, their names, and `kind`: "measured", "reconstructed" or "features".
#   measured       values, a matrix of any kind, its genes in rows if `rows`; `cells`, the
#                  place in it of each cell asked about; `size`, how many it has
#   reconstructed  x (cells, d), rotation (genes, d): expression is x times its transpose.
#                  So it is for features, whose rotation is the identity.
new_expression <- function(fit, expression, newdata, at, genes, rotation, space, call) {
  if (is.null(expression) && is_container(newdata) && has_expression(newdata, space)) {
    expression <- newdata
  }
  check_idle("assay", !is.null(space$assay) && !is_container(expression),
             "if {.arg expression} is an object with assays", call)
  check_idle("layer", !is.null(space$layer) && !inherits(expression, "Seurat"),
             "if {.arg expression} is a Seurat object", call)
  if (!is.null(expression)) {
    return(measured_expression(fit, expression, newdata, at, genes, space, call))
  }
  own <- !is.null(rotation)
  rotation <- rotation %||% identity_rotation(fit)
  kind <- if (own) "reconstructed" else "features"
  check_known_genes(genes, rownames(rotation), call,
                    if (own) "the rotation" else "the fit")
  if (!is.null(genes)) rotation <- rotation[genes, , drop = FALSE]
  # Moments are of differences from the mean, so that no digits are lost.
  list(kind = kind, genes = rownames(rotation), rotation = rotation,
       x = at$x - rep(colMeans(at$x), each = nrow(at$x)))
}

identity_rotation <- function(fit) {
  features <- fit$snapshots$features
  structure(diag(1, length(features)), dimnames = list(features, features))
}

measured_expression <- function(fit, x, newdata, at, genes, space, call) {
  container <- is_container(x)
  values <- if (container) expression_values(x, space, call) else
    matrix_of_genes(x, at$x, call)
  names <- if (container) rownames(values) else colnames(values)
  cells <- if (container) colnames(values) else rownames(values)
  size <- if (container) ncol(values) else nrow(values)
  place <- expression_cells(fit, cells, size, newdata, at, container, call)
  check_different(names, "The genes of {.arg expression} must have different names.",
                  "expression", "vgfm_error_genes", call,
                  "Rename them, for example with {.fn make.unique}.")
  check_known_genes(genes, names, call)
  if (!is.null(genes)) {
    wanted <- match(genes, names)
    values <- if (container) values[wanted, , drop = FALSE] else
      values[, wanted, drop = FALSE]
    names <- genes
  }
  few <- utils::head(seq_along(names), 500)
  warn_raw_counts(if (container) values[few, , drop = FALSE] else
    values[, few, drop = FALSE], "expression", call)
  if (!container && !is_plain_or_sparse(values)) {
    values <- Matrix::t(values)
    container <- TRUE
  }
  list(kind = "measured", genes = names, values = values, rows = container,
       cells = place, size = size)
}

is_plain_or_sparse <- function(x) is.matrix(x) || inherits(x, "Matrix")

# Cells in rows, genes in named columns.
matrix_of_genes <- function(x, cells, call) {
  if (is.data.frame(x)) x <- as_cells(x, "expression", call = call)$x
  there <- !is.null(rownames(cells)) && all(rownames(cells) %in% rownames(x))
  turned <- !there && length(dim(x)) == 2 && nrow(x) != nrow(cells) &&
    ncol(x) == nrow(cells)
  numbers <- !is.matrix(x) || !is.null(as_numbers(x))
  if (length(dim(x)) != 2 || is.null(colnames(x)) || !numbers || turned) {
    abort_input(c(
      "{.arg expression} must be an object with genes, or a numeric matrix whose columns
       are named by genes, not {describe(x)}.",
      i = "Cells are rows, genes are columns.",
      i = if (turned) "Of genes x cells pass {.code Matrix::t()}."
    ), arg = "expression", class = "vgfm_error_genes", call = call)
  }
  x
}

# Where in the expression each of the cells asked about is: by name where both sides have
# names, else by place.
expression_cells <- function(fit, names, size, newdata, at, container, call) {
  wanted <- rownames(at$x)
  if (!is.null(names) && !is.null(wanted)) {
    check_different(wanted, "The cells must have different names, as {.arg expression}
                             goes by name.", "expression", "vgfm_error_genes", call,
                    remove_names)
    check_different(names[names %in% wanted],
                    "The cells of {.arg expression} must have different names.",
                    "expression", "vgfm_error_genes", call, remove_names)
    place <- match(wanted, names)
    if (!anyNA(place)) return(place)
    abort_input(c(
      "{.arg expression} must have all the cells asked about.",
      x = "There is none called {.val {wanted[is.na(place)][1]}}.",
      i = remove_names
    ), arg = "expression", class = "vgfm_error_genes", call = call)
  }
  if (size == nrow(at$x)) return(seq_len(size))
  if (is.null(newdata) && isTRUE(size == fit$snapshots$source$of)) {
    return(fit$snapshots$source$cells)
  }
  orientation <- if (container) "columns" else "rows"
  abort_input(c(
    "{.arg expression} must have the {nrow(at$x)} cell{?s} asked about in its
     {orientation}, not {size}."
  ), arg = "expression", class = "vgfm_error_genes", call = call)
}

remove_names <- "Remove the names of its cells if they are in the order of the fit."

check_gene_names <- function(genes, call) {
  if (is.null(genes)) return(NULL)
  if (!is.character(genes) || anyNA(genes) || length(genes) == 0) {
    abort_input("{.arg genes} must be names of genes, not {describe(genes)}.",
                arg = "genes", class = "vgfm_error_genes", call = call)
  }
  unique(genes)
}

check_known_genes <- function(genes, known, call, where = "the expression") {
  unknown <- setdiff(genes, known)
  if (length(unknown) > 0) {
    abort_input(
      c("{.arg genes} must be genes of {where}.", x = "Unknown: {.val {unknown}}."),
      arg = "genes", class = "vgfm_error_genes", call = call
    )
  }
}

# (genes, columns): expression, or its square, times weights of cells (cells, columns).
gene_sums <- function(expression, weights, square = FALSE) {
  if (expression$kind != "measured") {
    x <- expression$x
    rotation <- expression$rotation
    if (!square) return(rotation %*% as.matrix(Matrix::crossprod(x, weights)))
    sums <- vapply(seq_len(ncol(weights)), function(k) {
      moment <- crossprod(x, as.vector(weights[, k]) * x)
      rowSums((rotation %*% moment) * rotation)
    }, numeric(nrow(rotation)))
    return(matrix(sums, nrow(rotation)))
  }
  full <- spread_weights(weights, expression)
  values <- expression$values
  if (square) values <- values^2
  sums <- if (expression$rows) values %*% full else Matrix::crossprod(values, full)
  as.matrix(sums)
}

# Weights of all cells that the expression has, of which some are asked about. Sparse if
# the values are: a cell has a weight in its own group alone.
spread_weights <- function(weights, expression) {
  at <- which(weights != 0, arr.ind = TRUE)
  full <- Matrix::sparseMatrix(
    i = expression$cells[at[, 1]], j = at[, 2], x = weights[at],
    dims = c(expression$size, ncol(weights))
  )
  if (inherits(expression$values, "Matrix")) full else as.matrix(full)
}

# Genes whose values cannot be counted with.
check_sums <- function(sums, genes, call) {
  bad <- genes[!is.finite(rowSums(sums))]
  if (length(bad) == 0) return(invisible())
  abort_input(c(
    "{.arg expression} must not have missing or infinite values.",
    x = "{length(bad)} gene{?s} {?has/have} some, as {.val {bad[1]}}.",
    i = "Leave {cli::qty(length(bad))}{?it/them} out, or impute."
  ), arg = "expression", class = "vgfm_error_genes", call = call)
}
