# The genes that principal components are made from, where an object has none yet.

# So many genes at most.
variable_limit <- 2000

# Names of genes: those that the object calls variable, else those that vary most; all, if
# there are no more than that.
component_genes <- function(x, source, cells, call) {
  known <- variable_genes(x, source$assay)
  if (length(known) > 0) return(known)
  values <- read_assay(x, source$assay, source$layer, call)
  if (nrow(values) <= variable_limit) return(character())
  varying <- most_variable(gene_moments(values, cells, call), variable_limit)
  rownames(values)[varying]
}

# Numbers of the n genes whose variance is furthest above that of other genes of the same
# mean: a trend through the log variances over the means, by local regression (Cleveland
# 1979). Differences are of the variances, not of their logs, as in the model of Lun,
# McCarthy and Marioni (2016) of log-normalised values.
most_variable <- function(moments, n) {
  some <- which(moments$variance > 0)
  mean <- moments$mean[some]
  variance <- moments$variance[some]
  trend <- stats::lowess(mean, log(variance), f = 0.3)
  expected <- stats::approx(trend, xout = mean, rule = 2, ties = "mean")$y
  above <- variance - exp(expected)
  sort(some[utils::head(order(-above), n)])
}
