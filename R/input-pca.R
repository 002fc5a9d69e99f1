# Principal components of genes, for containers that have none yet.

# Below this many genes or cells LAPACK is quick, and exact.
lapack_limit <- 500

# values (genes, cells), a matrix or sparse -> x (cells, n), rotation (genes, n), centre
# (genes), so that x = (t(values) - centre) rotation. Genes are centred, not scaled. Has
# no randomness: the same data give the same components.
principal_components <- function(values, n, call) {
  centre <- Matrix::rowMeans(values)
  rotation <- principal_axes(values, centre, n, call)
  # The sign of a component means nothing; its largest loading is made positive.
  largest <- apply(abs(rotation), 2, which.max)
  sign <- sign(rotation[cbind(largest, seq_len(ncol(rotation)))])
  rotation <- rotation * rep(sign, each = nrow(rotation))
  dimnames(rotation) <- list(rownames(values), paste0("PC", seq_len(ncol(rotation))))
  list(x = project(values, centre, rotation), rotation = rotation, centre = centre)
}

project <- function(values, centre, rotation) {
  x <- as.matrix(Matrix::crossprod(values, rotation))
  x <- x - rep(drop(centre %*% rotation), each = nrow(x))
  dimnames(x) <- list(colnames(values), colnames(rotation))
  x
}

principal_axes <- function(values, centre, n, call) {
  small <- min(dim(values)) <= lapack_limit
  if (small || n >= min(dim(values)) / 2) {
    check_dense_size(values, "x", NULL, call)
    return(svd(as.matrix(values) - centre, nu = n, nv = 0)$u)
  }
  rlang::check_installed("irlba", "to find principal components of large data.",
                         call = call)
  start <- key_uniform(nrow(values), c(0, 0), 1) - 0.5
  irlba::irlba(Matrix::t(values), nv = n, nu = 0, center = centre, v = start)$v
}
