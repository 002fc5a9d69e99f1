# Genes of the simulated culture: programs, counts, and log-normalised expression.

culture_programs <- c("mature", "immature", "A", "B", "C", "bias A", "bias B", "bias C",
                      "proliferation", "apoptosis")

# The program of each gene, 4 % for each.
gene_programs <- function(genes) {
  each <- max(1, round(0.04 * genes))
  names <- paste0("gene", seq_len(genes))
  program <- c(rep(culture_programs, each = each),
               rep("none", genes - each * length(culture_programs)))
  stats::setNames(factor(program, c(culture_programs, "none")), names)
}

# Counts (genes, cells), sparse, at a depth of about a count per gene.
culture_counts <- function(state, program, batch, doublets) {
  size <- length(state$s)
  bias <- 0.6 * state$z %*% culture_directions
  activity <- cbind(
    pmin(state$s, 1), -pmin(state$s, 1),
    vapply(1:3, function(b) 1.6 * state$r * (state$branch == b), numeric(size)),
    bias, state$birth, 3 * state$death, 0
  )
  genes <- length(program)
  base <- stats::rnorm(genes, sd = 0.7)
  loading <- stats::runif(genes, 0.6, 1.4)
  depth <- exp(stats::rnorm(size, sd = 0.3))
  shift <- matrix(0, genes, length(unique(state$day)))
  if (batch > 0) {
    some <- sample.int(genes, round(genes / 5))
    shift[some, ] <- stats::rnorm(length(some) * ncol(shift), sd = batch)
  }
  day <- match(state$day, unique(state$day))
  mean_of <- function(cells) {
    log_mean <- base + loading * t(activity[cells, as.integer(program), drop = FALSE])
    exp(log_mean + shift[, day[cells]]) * rep(depth[cells], each = genes)
  }
  # A few cells at a time: most counts are 0 and need not be kept.
  slices <- split(seq_len(size), (seq_len(size) - 1) %/% 1000)
  values <- do.call(cbind, lapply(slices, function(cells) {
    mean <- mean_of(cells)
    both <- stats::runif(length(cells)) < doublets
    if (any(both)) {
      other <- cells[sample.int(length(cells))]
      mean[, both] <- mean[, both] + mean_of(other[both])
    }
    drawn <- stats::rnbinom(length(mean), size = 4, mu = mean)
    Matrix::Matrix(matrix(drawn, genes), sparse = TRUE)
  }))
  dimnames(values) <- list(names(program), paste0("cell", seq_len(size)))
  values
}

# log(1 + counts at the mean depth)
log_normalised <- function(counts) {
  depth <- Matrix::colSums(counts)
  scaled <- counts %*% Matrix::Diagonal(x = mean(depth) / pmax(depth, 1))
  dimnames(scaled) <- dimnames(counts)
  log1p(scaled)
}
