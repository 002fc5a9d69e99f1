# A sanity check: cells that divide must not be said to grow less than others.

# A correlation above this says nothing, be there ever so many cells.
cycle_least <- 0.2

# Warns if the score of known cell-cycle genes falls with growth: over all cells, or
# within a group.
warn_cycle <- function(fit, at, group, expression, near, call) {
  rows <- cycle_rows(expression$genes)
  if (length(rows) < least_genes) return(invisible())
  growth <- average_near(unname(evaluate_field(fit, at$x, at$time, call)$growth), near)
  score <- cycle_score(expression, rows, call)
  if (is.null(score)) return(invisible())
  sets <- c(list(all = seq_along(growth)),
            if (!is.null(group$summary)) split(seq_along(growth), group$labels))
  low <- vapply(sets, function(cells) falls_with(score[cells], growth[cells]), 0)
  if (!any(low < 0)) return(invisible())
  where <- if (low[1] < 0) "" else {
    paste0(" within ", in_short(names(low)[-1][low[-1] < 0]))
  }
  found <- if (low[1] < 0) low[1] else min(low[-1])
  warn_vgfm(c(
    "Known genes of the cell cycle fall with the predicted growth{where}: their score has
     a correlation of {format(found, digits = 2)} with it.",
    i = "Dividing cells are said to grow less than others, which is hardly right.",
    i = "See {.fn vgfm_identifiability}, and pass {.arg growth_prior} to
         {.fn vgfm_fit}."
  ), class = "vgfm_warning_cycle", call = call)
}

# The correlation of a score with growth if it is below the limit, else 0.
falls_with <- function(score, growth) {
  spread <- max(abs(growth), 0)
  still <- length(growth) < 10 || stats::sd(growth) <= 1e-6 * spread ||
    stats::sd(score) == 0
  if (still) return(0)
  r <- stats::cor(score, growth)
  if (r < -max(cycle_least, 3 / sqrt(length(growth)))) r else 0
}

# The genes of the cell cycle among some, in the symbols of the species that has more.
cycle_rows <- function(genes) {
  found <- lapply(c("human", "mouse"), function(species) {
    place <- match(species_symbols(cycle_genes, species), genes)
    unique(place[!is.na(place)])
  })
  found[[which.max(lengths(found))]]
}

# Per cell: the mean of these genes, standardised, less that of others of like expression.
# NULL if too few of them vary.
cycle_score <- function(expression, rows, call) {
  n <- if (expression$kind == "measured") length(expression$cells) else
    nrow(expression$x)
  even <- matrix(1 / n, n, 1)
  mean <- drop(gene_sums(expression, even))
  check_sums(matrix(mean), expression$genes, call)
  square <- drop(gene_sums(expression, even, square = TRUE))
  variance <- square - mean^2
  variance[variance < 1e-10 * square] <- 0
  rows <- rows[variance[rows] > 0]
  if (length(rows) < least_genes) return(NULL)
  weight <- set_weights(rows, list(mean = mean, variance = variance), rows)
  cell_sums(expression, weight)
}

# (cells): the sum over genes of weight times expression.
cell_sums <- function(expression, weight) {
  if (expression$kind != "measured") {
    return(drop(expression$x %*% crossprod(expression$rotation, weight)))
  }
  values <- expression$values
  weight <- matrix(weight)
  sums <- if (expression$rows) Matrix::crossprod(values, weight) else values %*% weight
  as.matrix(sums)[expression$cells, 1]
}
