# Sets of cells that bench/growth.R makes or reads.

# Where islands lie, 1 apart.
triangle <- rbind(c(0, 0), c(1, 0), c(0.5, sqrt(0.75)))

# Three clusters with sd 1 in five features, `apart` from each other; snapshots have as
# many cells of each as `factors` make of `n` from one time to the next.
islands <- function(apart, times, factors, n = 200) {
  centre <- apart * triangle
  parts <- lapply(seq_len(times), function(k) {
    island <- rep(1:3, round(n * factors^(k - 1)))
    x <- matrix(stats::rnorm(5 * length(island)), ncol = 5)
    x[, 1:2] <- x[, 1:2] + centre[island, ]
    data.frame(time = k - 1, island, x)
  })
  do.call(rbind, parts)
}

# Density of the islands at time k over that at the time before, at places (n, 2).
density_ratio <- function(x, apart, factors, k) {
  centre <- apart * triangle
  near <- exp(-0.5 * vapply(1:3, function(i) {
    (x[, 1] - centre[i, 1])^2 + (x[, 2] - centre[i, 2])^2
  }, numeric(nrow(x))))
  drop(near %*% factors^k) / drop(near %*% factors^(k - 1))
}

# One cloud with sd 1 in five features that moves `total` from first to last snapshot.
moving_cloud <- function(snapshots, total, n = 300) {
  time <- rep(seq(0, 1, length.out = snapshots), each = n)
  x <- matrix(stats::rnorm(5 * length(time)), ncol = 5)
  x[, 1] <- x[, 1] + total * time
  data.frame(time, x)
}

# A random number of the cells of each time, a third of them to all.
random_sizes <- function(cells) {
  rows <- lapply(split(seq_len(nrow(cells)), cells$time), function(rows) {
    rows[sort(sample.int(length(rows), round(length(rows) * stats::runif(1, 1 / 3, 1))))]
  })
  cells[unlist(rows), ]
}

# Genes that cells express while they divide (Whitfield and others 2002; Tirosh and others
# 2016).
cycle_genes <- c(
  "MKI67", "TOP2A", "CCNB1", "CCNB2", "CCNA2", "CDK1", "BUB1", "BUB1B", "AURKA", "AURKB",
  "PLK1", "CENPE", "CENPF", "TPX2", "UBE2C", "BIRC5", "KIF11", "KIF20A", "NUSAP1", "PRC1",
  "MCM2", "MCM3", "MCM4", "MCM5", "MCM6", "PCNA", "RRM1", "RRM2", "TYMS", "TK1", "GINS2",
  "CDC6", "CDC20", "HMGB2", "FEN1", "UHRF1", "CCNE2", "CDCA8", "NDC80", "CKS2"
)

# Human myoblasts that differentiate (Trapnell and others 2014): components of the
# thousand most variable log-transformed genes, hours, and a cell-cycle score. NULL where
# the package is not there.
myoblasts <- function(components = 10) {
  if (!requireNamespace("HSMMSingleCell", quietly = TRUE)) return(NULL)
  env <- new.env()
  names <- c("HSMM_expr_matrix", "HSMM_sample_sheet", "HSMM_gene_annotation")
  utils::data(list = names, package = "HSMMSingleCell", envir = env)
  values <- log2(env$HSMM_expr_matrix + 1)
  symbols <- env$HSMM_gene_annotation[rownames(values), "gene_short_name"]
  cycle <- values[symbols %in% cycle_genes, ]
  cycle <- cycle[apply(cycle, 1, stats::sd) > 0, ]
  values <- values[rowMeans(values > 1) > 0.1, ]
  variable <- order(-apply(values, 1, stats::var))[1:1000]
  list(
    x = stats::prcomp(t(values[variable, ]), rank. = components)$x,
    time = as.numeric(as.character(env$HSMM_sample_sheet[colnames(values), "Hours"])),
    score = rowMeans(scale(t(cycle)))
  )
}
