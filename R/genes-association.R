# How a number per cell, as growth or the probability of a fate, goes with expression.

# Correlations of fewer cells than this say nothing.
association_cells <- 3

# For each gene and level of `group` (a factor, NA for cells that do not count): cells,
# marginal (correlation), marginal_slope (by least squares: change of y per unit of
# expression). `weight`: how often each cell counts. With `summary`, two names, also of
# all cells with the means of their level taken off (within levels), and of the means of
# the levels (between them).
#
# The moments are those of Chan, Golub and LeVeque (1983): of groups, put together.
associations <- function(expression, y, group, weight, summary, call) {
  known <- !is.na(group) & weight > 0
  levels <- levels(group)
  share <- matrix(0, length(y), length(levels))
  share[cbind(which(known), as.integer(group)[known])] <- weight[known]
  size <- colSums(share)
  cells <- colSums(share > 0)
  total <- function(sums) sums / rep(pmax(size, 1), each = NROW(sums))
  mean_y <- drop(total(crossprod(y, share)))
  from_mean <- y - mean_y[as.integer(group)]
  from_mean[!known] <- 0
  var_y <- drop(total(crossprod(from_mean^2, share)))
  mean <- total(gene_sums(expression, share))
  check_sums(mean, expression$genes, call)
  square <- total(gene_sums(expression, share, square = TRUE))
  variance <- pmax(square - mean^2, 0)
  # What is left of a constant gene is rounding.
  variance[variance < 1e-10 * square] <- 0
  covariance <- total(gene_sums(expression, share * from_mean))
  parts <- lapply(seq_along(levels), function(k) {
    list(level = levels[k], cells = cells[k], covariance = covariance[, k],
         variance = variance[, k], var_y = var_y[k])
  })
  if (!is.null(summary)) {
    p <- size / max(sum(size), 1)
    off <- mean - drop(mean %*% p)
    off_y <- mean_y - sum(p * mean_y)
    within <- list(level = summary[1], cells = sum(cells),
                   covariance = drop(covariance %*% p),
                   variance = drop(variance %*% p), var_y = sum(p * var_y))
    between <- list(level = summary[2], cells = sum(cells),
                    covariance = drop(off %*% (p * off_y)),
                    variance = within$variance + drop(off^2 %*% p),
                    var_y = sum(p * off_y^2))
    parts <- c(parts, list(within, between))
  }
  overall <- drop(mean %*% size) / max(sum(size), 1)
  if (expression$kind == "measured") parts <- lapply(parts, less_composition, overall)
  all_levels <- vapply(parts, `[[`, "", "level")
  largest <- max(abs(y[known]), 0)
  rows <- lapply(parts, association_rows, expression$genes, largest, all_levels)
  do.call(rbind, rows)
}

# Where some genes rise, normalisation by the total makes all others fall. So what most
# genes of like mean expression have in common is taken off the covariances: the median
# of a class. Of few genes it cannot be told.
less_composition <- function(part, mean) {
  varies <- which(part$variance > 0)
  if (length(varies) < least_others) return(part)
  classes <- min(expression_classes, length(varies) %/% least_of_class)
  ends <- stats::quantile(mean[varies], seq_len(classes - 1) / classes)
  class <- findInterval(mean[varies], ends)
  common <- tapply(part$covariance[varies], class, stats::median)
  part$covariance[varies] <- part$covariance[varies] - common[as.character(class)]
  part
}

# A median of fewer genes would be one of a programme.
least_of_class <- 100

# Rows of one level. Neither a constant gene nor a constant y goes with anything.
association_rows <- function(part, genes, largest, levels) {
  varies <- part$cells >= association_cells && part$var_y > (1e-6 * largest)^2
  some <- varies & part$variance > 0
  marginal <- ifelse(some, part$covariance / sqrt(part$variance * part$var_y), NA)
  slope <- ifelse(some, part$covariance / part$variance, NA)
  data.frame(gene = genes, group = factor(part$level, levels), cells = part$cells,
             marginal = pmin(pmax(unname(marginal), -1), 1),
             marginal_slope = unname(slope), row.names = NULL)
}

# What is said of all cells, within and between groups; by names that no group has.
summary_levels <- function(levels, what) {
  names <- paste(c("within", "between"), what)
  utils::tail(make.unique(c(levels, names)), 2)
}

# The mean of y over each cell and its nearest among all: what single cells have beyond
# that is noise of the field.
average_near <- function(y, near) {
  if (is.null(near)) return(y)
  (y + rowSums(matrix(y[near], nrow(near)))) / (ncol(near) + 1)
}

# Numbers of the nearest other cells (n, k); NULL for none. k is at most a tenth of the
# cells, so that rare kinds stay apart.
near_cells <- function(fit, at, k, call) {
  k <- min(k, nrow(at$x) %/% 10)
  if (k < 1) return(NULL)
  s <- fit$snapshots
  z <- in_leading(standard_cells(at$x, seq_len(nrow(at$x)), s), s)
  neighbours_of(t(z), k, fit$control, call)
}

# No correlation is beyond 1, be a band ever so wide.
within_one <- function(table) {
  for (end in intersect(c("marginal_low", "marginal_high"), names(table))) {
    table[[end]] <- pmin(pmax(table[[end]], -1), 1)
  }
  table
}

# The strongest first, level by level.
rank_genes <- function(table, strength, level) {
  strength <- abs(table[[strength]])
  order <- order(as.integer(table[[level]]), -strength, method = "radix")
  out <- table[order, ]
  rownames(out) <- NULL
  same_answer(out, table)
}
