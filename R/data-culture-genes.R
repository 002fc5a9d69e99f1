# Genes of the simulated culture: programs, counts, and log-normalised expression.

culture_programs <- c("mature", "immature", "A", "B", "C", "bias A", "bias B", "bias C",
                      "proliferation", "apoptosis")

# Of the counts: the larger, the less they vary beyond what Poisson counts do.
count_size <- 4

# The program of each gene, 4 % for each.
gene_programs <- function(genes) {
  each <- max(1, round(0.04 * genes))
  names <- paste0("gene", seq_len(genes))
  program <- c(rep(culture_programs, each = each),
               rep("none", genes - each * length(culture_programs)))
  stats::setNames(factor(program, c(culture_programs, "none")), names)
}

# What expression is made of. `activity`, of programs (cells, 11), and `change`, that of
# activity per day along the path of a cell; `base` and `loading` by gene; `depth` and
# `day` by cell; `shift` (genes, days).
gene_model <- function(state, program, batch) {
  size <- length(state$s)
  genes <- length(program)
  branches <- function(value) {
    vapply(1:3, function(b) value * (state$branch == b), numeric(size))
  }
  trunk <- state$branch == 0 & state$s < 1
  model <- list(
    program = program, day = match(state$day, unique(state$day)),
    activity = cbind(
      pmin(state$s, 1), -pmin(state$s, 1), branches(1.6 * state$r),
      0.6 * state$z %*% culture_directions, state$birth, 3 * state$death, 0
    ),
    # The bias drifts to no side.
    change = cbind(
      maturing * trunk, -maturing * trunk, branches(rep(1.6 * progressing, size)),
      matrix(0, size, 3), state$birth_change, 3 * state$death_change, 0
    ),
    base = stats::rnorm(genes, sd = 0.7),
    loading = stats::runif(genes, 0.6, 1.4),
    depth = exp(stats::rnorm(size, sd = 0.3)),
    shift = matrix(0, genes, length(unique(state$day)))
  )
  if (batch > 0) {
    some <- sample.int(genes, round(genes / 5))
    model$shift[some, ] <- stats::rnorm(length(some) * ncol(model$shift), sd = batch)
  }
  model
}

# Log expression (genes, some cells), and its change per day.
log_expression <- function(model, cells) {
  model$base + by_gene(model, model$activity, cells) + model$shift[, model$day[cells]]
}

by_gene <- function(model, activity, cells) {
  model$loading * t(activity[cells, as.integer(model$program), drop = FALSE])
}

# Few cells at a time, so that no second dense matrix of all is needed.
in_slices <- function(size) split(seq_len(size), (seq_len(size) - 1) %/% 1000)

# Counts (genes, cells), sparse, at a depth of about a count per gene.
culture_counts <- function(model, doublets) {
  genes <- length(model$program)
  size <- length(model$depth)
  mean_of <- function(cells) {
    exp(log_expression(model, cells)) * rep(model$depth[cells], each = genes)
  }
  values <- do.call(cbind, lapply(in_slices(size), function(cells) {
    mean <- mean_of(cells)
    both <- stats::runif(length(cells)) < doublets
    if (any(both)) {
      other <- cells[sample.int(length(cells))]
      mean[, both] <- mean[, both] + mean_of(other[both])
    }
    drawn <- stats::rnbinom(length(mean), size = count_size, mu = mean)
    Matrix::Matrix(matrix(drawn, genes), sparse = TRUE)
  }))
  dimnames(values) <- list(names(model$program), paste0("cell", seq_len(size)))
  values
}

# log(1 + counts at the mean depth)
log_normalised <- function(counts) {
  depth <- Matrix::colSums(counts)
  scaled <- counts %*% Matrix::Diagonal(x = mean(depth) / pmax(depth, 1))
  dimnames(scaled) <- dimnames(counts)
  log1p(scaled)
}

# Change per day of the mean log-normalised expression (cells, genes), along the path of a
# cell which matures and progresses. Where some genes rise, the others fall by
# normalisation. `total`: mean total of the counts of a cell.
culture_velocity <- function(model, total) {
  size <- length(model$depth)
  genes <- length(model$program)
  sums <- numeric(size)
  for (cells in in_slices(size)) {
    sums[cells] <- colSums(exp(log_expression(model, cells)))
  }
  # Of these a count becomes log(1 + scale x count).
  scale <- total / (model$depth * sums)
  response <- expression_response(stats::quantile(scale, (1:9 - 0.5) / 9, names = FALSE))
  out <- matrix(0, size, genes, dimnames = list(NULL, names(model$program)))
  for (cells in in_slices(size)) {
    share <- exp(log_expression(model, cells)) / rep(sums[cells], each = genes)
    change <- by_gene(model, model$change, cells)
    total_change <- rep(colSums(share * change), each = genes)
    level <- log(share * total)
    velocity <- change * response$count(level) - total_change * response$scale(level)
    out[cells, ] <- t(velocity)
  }
  out
}

# By how much the mean of log(1 + scale x count) rises where the log of the mean count
# rises by 1, `count`, and where the log of the scale does, `scale`: functions of the log
# of scale x mean count, means over some scales. By the derivative of the negative
# binomial, d log p(k) / d log mu = size (k - mu) / (mu + size).
expression_response <- function(scales) {
  level <- seq(-9, 9, 0.1)
  at <- function(level, scale) {
    mu <- exp(level) / scale
    k <- 0:stats::qnbinom(1e-12, count_size, mu = mu, lower.tail = FALSE)
    p <- stats::dnbinom(k, count_size, mu = mu)
    c(sum(p * log1p(scale * k) * count_size * (k - mu)) / (mu + count_size),
      sum(p * scale * k / (1 + scale * k)))
  }
  each <- lapply(scales, function(scale) vapply(level, at, numeric(2), scale = scale))
  mean <- Reduce(`+`, each) / length(each)
  list(count = stats::approxfun(level, mean[1, ], rule = 2),
       scale = stats::approxfun(level, mean[2, ], rule = 2))
}
