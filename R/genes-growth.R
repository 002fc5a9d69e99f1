#' Which genes go with growth
#'
#' Says of each gene how its expression goes with the predicted growth of the cells, over
#' all cells, within groups or times, and between them; and beside it, how the fitted
#' growth rate changes with the gene while all else is held fixed.
#'
#' **Marginal.** The correlation of expression with predicted growth: what is meant by "a
#' gene of growing cells". It is linear, for ranks lose a gene that a rare kind of cell
#' has alone. Growth is averaged over each cell and its `average` nearest cells first, as
#' its variation between neighbours is noise of the fit.
#'
#' **Partial.** The derivative of the growth rate by the gene, by the chain rule through
#' the rotation. Genes that go together share it in ways that the data do not tell apart,
#' and its sign can be the opposite of the marginal one. Rank genes by the marginal one.
#' It is per unit of the values that the components were made of: Seurat scales every gene
#' to unit variance before its PCA, so there it is per standard deviation of the gene.
#'
#' With `by`, three questions are answered at once. *Within* one group: which genes tell
#' faster from slower cells of this kind. *Within groups*: the same over all groups
#' together, differences between groups taken off. *Between groups*: how expression goes
#' with the mean growth of the group that a cell belongs to, so that genes of a kind that
#' grows are found, also if all its cells grow alike.
#'
#' Where some genes rise, normalisation by the total makes all others seem to fall. So of
#' measured expression of 200 genes or more, what most genes have in common is taken off:
#' the median covariance of genes of like mean expression, in up to 20 classes of 100 or
#' more.
#'
#' Counts are noisy, and noise in expression draws correlations and slopes to 0, more so
#' for genes of low expression.
#'
#' @param fit A fit from [vgfm_fit()], or an ensemble of fits.
#' @param newdata,time Cells and their times, as in [predict.vgfm()]. Default: those of
#'   the fit.
#' @param genes Names of genes. Default: all.
#' @param rotation A matrix, genes x features of the fit, that takes genes to features.
#'   Default: the one that came with the fit.
#' @param by `NULL` for all cells together, `"time"`, or a label for each cell asked
#'   about, such as its type, as in [vgfm_fates()].
#' @param expression Log-normalised expression of the cells asked about: a Seurat or
#'   Bioconductor object, or a matrix (also sparse or delayed) or data frame with cells in
#'   rows and genes in named columns. Cells go by name where both sides have names, else
#'   by place. Default: `newdata`, if that is such an object; else what the features say,
#'   by the rotation; else, without a rotation, the features themselves.
#' @param assay,layer Where in an object the values are, as in [vgfm_fit.Seurat()].
#' @param average Number of nearest cells that growth is averaged over, at most a tenth of
#'   all; 0 for none.
#' @param level Of an ensemble: probability with which a band is to hold the truth.
#' @param ... Must be empty.
#' @return A data frame with one row per gene, and per level of `by`, the strongest
#'   marginal association first:
#'   * `gene`;
#'   * `group`, with `by`: a level, or `"within groups"`, `"between groups"` (`"within
#'     times"`, `"between times"`);
#'   * `cells`: their number;
#'   * `marginal`: the correlation with growth, `NA` where the gene or growth is constant,
#'     and for fewer than 3 cells;
#'   * `marginal_slope`: by least squares, by how much growth differs (per unit of time)
#'     between cells that differ by one unit of expression;
#'   * `partial`, `partial_sd`: mean and standard deviation over the cells of the
#'     derivative of growth by the gene, per unit of the values that the components were
#'     made of. `NA` without a rotation, and between groups.
#'
#'   Of an ensemble also `marginal_low`, `marginal_high` and so on; `sign_agreement`, the
#'   share of replicates in which the marginal association has the sign that it has in the
#'   fit to all cells; and `stable`: whether that is at least 0.95 and `marginal` is 3 or
#'   more standard deviations of the replicates away from 0. Replicates differ in their
#'   cells, so that what is chance among the cells at hand is not stable. The attribute
#'   `"expression"` says what was used: `"measured"`, `"reconstructed"` or `"features"`.
#' @section Errors: `vgfm_error_genes` for unknown genes and expression that does not fit
#'   the cells or has missing values; `vgfm_error_rotation` for a rotation that does not
#'   fit; `vgfm_error_no_growth` if the method of the fit learns no growth by state;
#'   `vgfm_error_input` for labels that do not fit; those of [predict.vgfm()].
#' @section Warnings: `vgfm_warning_cycle` if the score of known genes of the cell cycle
#'   (see [vgfm_growth_prior()]) falls with the predicted growth: its correlation, over
#'   all cells or within a group, is below -0.2 and below -3 / sqrt(cells). Dividing cells
#'   are then said to grow less than others, and growth is hardly right.
#'   `vgfm_warning_counts` if the values are raw counts.
#' @section Messages: `vgfm_message_expression` if expression is reconstructed, or the
#'   features stand for genes though they are components, and if there is no partial
#'   effect.
#' @seealso [vgfm_fate_genes()], [vgfm_gene_velocity()], [vgfm_regulation()]
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_culture(n = 200, genes = 200, components = 5, founders = 800,
#'                                counts = TRUE)
#' fit <- vgfm_fit(cells[-1], cells$time, mass = attr(cells, "mass"),
#'                 control = vgfm_control("fast"))
#' counts <- Matrix::t(attr(cells, "counts"))
#' values <- log1p(counts / Matrix::rowSums(counts) * 200)
#' genes <- vgfm_growth_genes(fit, by = attr(cells, "branch"), expression = values,
#'                            rotation = attr(cells, "rotation"))
#' genes$program <- attr(cells, "program")[genes$gene]
#' head(genes[genes$group == "C", ])
#' head(genes[genes$group == "between groups", ])
vgfm_growth_genes <- function(fit, newdata = NULL, time = NULL, genes = NULL,
                              rotation = NULL, by = NULL, expression = NULL,
                              assay = NULL, layer = NULL, average = 30, level = 0.9,
                              ...) {
  check_arguments()
  call <- rlang::current_env()
  check_fit_or_ensemble(fit)
  main <- main_fit(fit)
  check_growth_learned(main)
  average <- check_count(average, min = 0)
  genes <- check_gene_names(genes, call)
  rotation <- growth_rotation(main, rotation, expression, call)
  at <- cells_at(main, newdata, time)
  check_some_cells(at$x, call)
  group <- growth_groups(by, main, newdata, at, call)
  space <- list(assay = assay, layer = layer)
  known <- new_expression(main, expression, newdata, at, genes, rotation, space, call)
  partial <- partial_rotation(main, known, rotation)
  near <- near_cells(main, at, average, call)
  told <- is.null(newdata)
  ask <- function(one, rows) {
    weight <- if (told) tabulate(rows, nrow(at$x)) else rep(1, nrow(at$x))
    gene_growth_table(one, at, group, weight, known, partial, near, call)
  }
  tell_expression(main, known, partial)
  warn_cycle(main, at, group, known, near, call)
  value <- c("marginal", "marginal_slope", if (!is.null(partial)) "partial")
  out <- answer_signs(fit, level, ask, c("gene", "group"), value)
  out <- rank_genes(within_one(out), "marginal", "group")
  if (is.null(by)) out$group <- NULL
  as_answer(structure(out, expression = known$kind), "vgfm_growth_genes")
}

# What `by` means: labels, a factor, and the names of the summaries over them.
growth_groups <- function(by, fit, newdata, at, call) {
  if (is.null(by)) return(list(labels = factor(rep("all", nrow(at$x)))))
  if (identical(by, "time")) {
    s <- fit$snapshots
    times <- sort(unique(at$time))
    labels <- factor(at$time, times, make.unique(show_time(s, times)))
    return(list(labels = labels, summary = summary_levels(levels(labels), "times")))
  }
  labels <- if (is.null(newdata)) check_group(by, fit, call, "by") else
    newdata_group(by, at, call)
  list(labels = labels, summary = summary_levels(levels(labels), "groups"))
}

# A label for each cell of `newdata`.
newdata_group <- function(by, at, call, arg = "by") {
  labels <- as_plain_vector(by)
  if (is.atomic(labels)) {
    labels <- label_levels(in_cell_order(labels, rownames(at$x), arg, NULL, call))
  }
  if (!is.atomic(labels) || length(labels) != nrow(at$x) || all(is.na(labels))) {
    abort_input("{.arg {arg}} must have a label for each of the {nrow(at$x)} cell{?s} of
                 {.arg newdata}, not be {describe(by)}.", arg = arg, call = call)
  }
  labels
}

# The table of one fit. Moments over a group and over all cells are sums of one weight.
gene_growth_table <- function(fit, at, group, weight, expression, rotation, near, call) {
  growth <- unname(evaluate_field(fit, at$x, at$time, call)$growth)
  growth <- average_near(growth, near)
  out <- associations(expression, growth, group$labels, weight, group$summary, call)
  out$partial <- NA_real_
  out$partial_sd <- NA_real_
  if (is.null(rotation)) return(out)
  features <- ncol(at$x)
  gradient <- field_gradient(fit, at$x, at$time, c(rep(0, features), 1), call)
  gradient <- gradient / fit$snapshots$scale
  for (level in setdiff(levels(out$group), group$summary[2])) {
    every <- level %in% group$summary
    cells <- !is.na(group$labels) & (every | group$labels == level)
    w <- weight * cells
    if (sum(w) == 0) next
    mean <- colSums(gradient * w) / sum(w)
    moved <- gradient - rep(mean, each = nrow(gradient))
    # Of r g, r a row of the rotation: variance r cov(g) r'.
    covariance <- crossprod(moved, moved * w) / (sum(w) - 1)
    variance <- rowSums((rotation$values %*% covariance) * rotation$values)
    rows <- which(out$group == level)[rotation$at]
    out$partial[rows] <- drop(rotation$values %*% mean)
    out$partial_sd[rows] <- if (sum(w) > 1) sqrt(pmax(variance, 0)) else NA
  }
  out
}

# The rotation that is used: the one given, or that of the fit; NULL for none.
growth_rotation <- function(fit, rotation, expression, call) {
  given <- !is.null(rotation) || !is.null(fit$snapshots$source$rotation)
  if (given) find_rotation(fit, rotation, NULL, call)
}

# The rows of a rotation for the genes of an expression: values (some genes, d), and which
# genes these are, `at`. Where the features are genes it is the identity. NULL for none.
partial_rotation <- function(fit, expression, rotation) {
  components <- identical(fit$snapshots$source$kind, "reduction")
  if (is.null(rotation) && expression$kind == "measured" && components) return(NULL)
  rotation <- rotation %||% identity_rotation(fit)
  place <- match(expression$genes, rownames(rotation))
  at <- which(!is.na(place))
  if (length(at) == 0) return(NULL)
  list(values = rotation[place[at], , drop = FALSE], at = at)
}

tell_expression <- function(fit, expression, partial) {
  features <- length(fit$snapshots$features)
  reduction <- fit$snapshots$source$reduction
  lines <- c(
    i = if (expression$kind == "reconstructed")
      "Expression is reconstructed from {features} feature{?s} by the rotation; pass
       {.arg expression} for what was measured.",
    i = if (expression$kind == "features" && !is.null(reduction))
      "Reduction {.val {reduction}} has no loadings: its dimensions stand for genes. Pass
       {.arg expression} or {.arg rotation}.",
    i = if (is.null(partial))
      "There are no partial effects: no rotation leads from these genes to the features
       of the fit. Pass {.arg rotation}."
  )
  if (length(lines) > 0) inform_vgfm(lines, class = "vgfm_message_expression")
}
