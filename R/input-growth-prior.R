#' Growth expected of cells, from genes of proliferation and apoptosis
#'
#' Scores two sets of genes in every cell, and turns the scores into birth and death rates
#' by doubling times and half-lives that you can read off a culture dish. The result is
#' for `growth_prior` in [vgfm_fit()]: where snapshots do not tell growth from motion, it
#' says which cells divide.
#'
#' A score is the mean over the genes of a set of standardised log expression (over all
#' cells: mean 0, standard deviation 1), minus the same mean over all other genes of like
#' mean expression, in 20 classes, so that the depth of a cell does not count. Where a
#' matrix has fewer than 200 other genes, nothing is subtracted.
#'
#' The birth rate is log(2) over a doubling time: the longest for a score at the 1 %
#' quantile of all cells and below, the shortest at the 99 % quantile and above, and in
#' between in a straight line (of rates). The death rate goes by half-lives in the same
#' way. The rate is birth less death. Quantiles are of the cells at hand: where no cell
#' divides, some are said to. [vgfm_fit()] averages rates over neighbouring cells, drops
#' what is noise, and compares the rest with the data.
#'
#' Transcripts of apoptosis genes tell little of death: their proteins wait in healthy
#' cells. Where they are not to count, pass `apoptosis = character()`.
#'
#' Built-in sets: for proliferation 86 genes of S, G2 and M phase, chosen from those of
#' Tirosh et al. (2016); for apoptosis 36 genes that promote it or carry it out, chosen
#' from the KEGG pathways of apoptosis and p53. Mouse symbols are those of human genes
#' with a capital, but for `Trp53` and `Trp53inp1`; `CASP10` and `TNFRSF10A` have none.
#'
#' @param x Log-normalised expression: a matrix (also sparse or delayed) or data frame
#'   with cells in rows and genes in named columns; a Seurat object, a
#'   SingleCellExperiment or SummarizedExperiment.
#' @param species `"human"` or `"mouse"`: whose symbols the built-in sets are in.
#' @param proliferation,apoptosis Names of genes. Default: the built-in sets. With
#'   `character()` there are no births, or no deaths.
#' @param doubling The shortest and the longest doubling time of a cell, in the unit of
#'   time of the fit. The default is for days; for hours pass `c(24, 240)`.
#' @param half_life The shortest and the longest half-life of a cell, in the same unit.
#'   Default: as `doubling`.
#' @param ... For methods; must be empty here.
#' @param assay,layer As in [vgfm_fit.Seurat()]: where the values are.
#' @return A data frame of class `vgfm_growth_prior` with one row per cell: `cell` (name
#'   or number), the scores `proliferation` and `apoptosis`, the rates `birth` and
#'   `death`, and `rate`, all per unit of time. Its attribute `genes` is a list of the
#'   genes found in each set.
#' @section Errors: `vgfm_error_genes` if fewer than 5 genes of proliferation are found
#'   and vary (or of your own set of fewer genes, not all), `vgfm_error_input` for times
#'   that are not positive and increasing, `vgfm_error_x` for what cannot be read.
#' @section Warnings: `vgfm_warning_genes` if fewer than 5 genes of apoptosis are found:
#'   death rates are then 0. `vgfm_warning_counts` if the values are raw counts.
#' @section Messages: `vgfm_message_genes` says how many genes were found, and which rates
#'   come out.
#' @references Tirosh et al. (2016), Dissecting the multicellular ecosystem of metastatic
#'   melanoma by single-cell RNA-seq, Science 352, 189-196. Schiebinger et al. (2019),
#'   Cell 176, 928-943, who make such rates for optimal transport.
#' @seealso [vgfm_fit()], which says how a prior is used.
#' @order 1
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_culture(n = 200, genes = 400, components = 5, founders = 800,
#'                                counts = TRUE)
#' counts <- attr(cells, "counts")
#' values <- log1p(t(as.matrix(counts)) / Matrix::colSums(counts) * 400)
#' program <- attr(cells, "program")
#' prior <- vgfm_growth_prior(
#'   values, proliferation = names(program)[program == "proliferation"],
#'   apoptosis = names(program)[program == "apoptosis"]
#' )
#' prior
#' cor(prior$rate, attr(cells, "growth"))
#' fit <- vgfm_fit(cells[-1], cells$time, mass = attr(cells, "mass"),
#'                 growth_prior = prior, control = vgfm_control("fast", steps = 100))
#' fit$prior
vgfm_growth_prior <- function(x, ...) {
  check_required()
  UseMethod("vgfm_growth_prior")
}

#' @rdname vgfm_growth_prior
#' @order 2
#' @export
vgfm_growth_prior.default <- function(x, species = c("human", "mouse"),
                                      proliferation = NULL, apoptosis = NULL,
                                      doubling = c(1, 10), half_life = doubling, ...) {
  check_arguments()
  call <- rlang::current_env()
  if (is.data.frame(x)) x <- as_cells(x, call = call)$x
  if (length(dim(x)) != 2 || is.null(colnames(x))) {
    abort_x(c(
      "{.arg x} must be a matrix whose columns are named by genes, not {describe(x)}.",
      i = "Cells are rows, genes are columns."
    ), "x", NULL, call)
  }
  settings <- check_prior_settings(species, proliferation, apoptosis, doubling, half_life,
                                   call)
  # Rows of genes from here on, as containers have them.
  prior_of_genes(Matrix::t(x), "x", settings, call)
}

# Fewer genes than this are no set, unless the user's own has no more.
least_genes <- 5

check_prior_settings <- function(species, proliferation, apoptosis, doubling, half_life,
                                 call) {
  species <- check_choice(species, c("human", "mouse"), call = call)
  check_spans <- function(x, arg) {
    x <- as_numbers(x)
    fits <- length(x) == 2 && all(is.finite(x)) && x[1] > 0 && x[2] >= x[1]
    if (!fits) {
      abort_input(c(
        "{.arg {arg}} must be two positive times, the shortest first, not
         {describe(x)}.",
        i = "For example {.code c(1, 10)}, in the unit of time of the fit."
      ), arg = arg, call = call)
    }
    unname(as.double(x))
  }
  check_genes <- function(x, arg) {
    if (is.null(x)) return(species_symbols(built_in_sets[[arg]], species))
    if (!is.character(x) || anyNA(x)) {
      abort_input("{.arg {arg}} must be names of genes, not {describe(x)}.", arg = arg,
                  class = "vgfm_error_genes", call = call)
    }
    stats::setNames(nm = unique(unname(x)))
  }
  doubling <- check_spans(doubling, "doubling")
  sets <- list(proliferation = check_genes(proliferation, "proliferation"),
               apoptosis = check_genes(apoptosis, "apoptosis"))
  if (length(unlist(sets)) == 0) {
    abort_input("{.arg proliferation} or {.arg apoptosis} must have genes.",
                arg = "proliferation", class = "vgfm_error_genes", call = call)
  }
  list(species = species, sets = sets, built_in = is.null(apoptosis),
       doubling = doubling, half_life = check_spans(half_life, "half_life"))
}

# values (genes, cells) -> the table.
prior_of_genes <- function(values, what, settings, call) {
  twice <- unlist(settings$sets) %in% rownames(values)[duplicated(rownames(values))]
  check_different(unlist(settings$sets)[twice],
                  "The genes of {.arg x} must have different names.", "x",
                  "vgfm_error_x", call)
  warn_raw_counts(utils::head(values, 500), what, call)
  moments <- gene_moments(values, seq_len(ncol(values)), call)
  found <- find_sets(values, moments, settings, call)
  weights <- lapply(found, set_weights, moments, exclude = unlist(found))
  scores <- lapply(weights, function(weight) {
    drop(as.matrix(Matrix::crossprod(values, matrix(weight)))) -
      sum(weight * moments$mean)
  })
  birth <- score_rate(scores$proliferation, settings$doubling)
  death <- score_rate(scores$apoptosis, settings$half_life)
  genes <- lapply(found, function(rows) rownames(values)[rows])
  tell_genes(genes, settings, birth - death)
  structure(
    data.frame(cell = colnames(values) %||% seq_len(ncol(values)),
               proliferation = unname(scores$proliferation),
               apoptosis = unname(scores$apoptosis), birth = birth, death = death,
               rate = birth - death, row.names = NULL),
    genes = genes, doubling = settings$doubling, half_life = settings$half_life,
    class = c("vgfm_growth_prior", "data.frame")
  )
}

# Rows of the genes of each set that are there and vary; today's symbol before that of
# before.
find_sets <- function(values, moments, settings, call) {
  rows <- lapply(settings$sets, function(symbols) {
    place <- match(symbols, rownames(values))
    there <- which(!is.na(place))
    place <- unique(place[there[!duplicated(names(symbols)[there])]])
    place[moments$variance[place] > 0]
  })
  for (set in names(rows)) {
    wanted <- length(unique(names(settings$sets[[set]])))
    count <- length(rows[[set]])
    if (count >= min(least_genes, wanted)) next
    lines <- c(
      "Of the {wanted} genes of {set}, {count} {cli::qty(count)}{?is/are} found and
       var{?ies/y}.",
      i = symbol_hint(rownames(values), settings$sets[[set]])
    )
    if (set == "apoptosis" && settings$built_in) {
      warn_vgfm(c(lines, i = "Death rates are taken to be 0."),
                class = "vgfm_warning_genes", call = call)
      rows[[set]] <- integer()
    } else {
      abort_input(lines, arg = set, class = "vgfm_error_genes", call = call)
    }
  }
  rows
}

# Why genes are not found, if it is a matter of names.
symbol_hint <- function(names, symbols) {
  other_case <- sum(toupper(symbols) %in% toupper(names))
  if (other_case >= least_genes) {
    return(paste(other_case, "are there in other letters: is {.arg species} right?"))
  }
  if (mean(grepl("^ENS[A-Z]*G[0-9]", names)) > 0.5) {
    return("Genes are named by their Ensembl identifiers; rename them by symbol.")
  }
  paste("Genes are called", paste(utils::head(names, 3), collapse = ", "), "...")
}

expression_classes <- 20
least_others <- 200

# What values are multiplied by, gene by gene, for the score of the genes in `rows`: one
# over the standard deviation, mean over these, less the mean over others of their class.
set_weights <- function(rows, moments, exclude) {
  weight <- numeric(length(moments$mean))
  if (length(rows) == 0) return(weight)
  scale <- 1 / sqrt(moments$variance)
  weight[rows] <- scale[rows] / length(rows)
  others <- setdiff(which(moments$variance > 0), exclude)
  if (length(others) < least_others) return(weight)
  # Classes of as many other genes each, by mean expression.
  inner <- seq_len(expression_classes - 1) / expression_classes
  ends <- stats::quantile(moments$mean[others], inner)
  class <- findInterval(moments$mean, ends)
  size <- tabulate(class[others] + 1, expression_classes)
  share <- tabulate(class[rows] + 1, expression_classes) / length(rows)
  own <- class[others] + 1
  weight[others] <- -scale[others] * share[own] / size[own]
  weight
}

# Rates that go in a straight line from log(2) over the longest time to log(2) over the
# shortest; 0 where there are no genes.
score_rate <- function(score, times) {
  ends <- unname(stats::quantile(score, c(0.01, 0.99)))
  if (ends[2] <= ends[1]) return(0 * unname(score))
  share <- pmin(pmax((unname(score) - ends[1]) / (ends[2] - ends[1]), 0), 1)
  log(2) / times[2] + share * (log(2) / times[1] - log(2) / times[2])
}

tell_genes <- function(genes, settings, rate) {
  counts <- vapply(names(genes), function(set) {
    wanted <- length(unique(names(settings$sets[[set]])))
    paste(length(genes[[set]]), "of", wanted, "genes of", set)
  }, "")
  ends <- format(range(rate), digits = 2)
  inform_vgfm(c(
    i = "Growth prior from {counts}: rates of {ends[1]} to {ends[2]} per unit of time.",
    i = "Doubling times run from {settings$doubling[1]} to {settings$doubling[2]} units of
         time, half-lives from {settings$half_life[1]} to {settings$half_life[2]}."
  ), class = "vgfm_message_genes")
}

#' @export
print.vgfm_growth_prior <- function(x, ...) {
  genes <- attr(x, "genes")
  cli::cat_line("<vgfm_growth_prior> of ", nrow(x), " cells, from ",
                length(genes$proliferation), " genes of proliferation and ",
                length(genes$apoptosis), " of apoptosis")
  ends <- stats::quantile(x$rate, c(0, 0.05, 0.5, 0.95, 1), names = FALSE)
  names(ends) <- c("least", "5 %", "median", "95 %", "most")
  cli::cat_line("net rate per unit of time:")
  print(signif(ends, 3))
  cli::cat_line("Next: vgfm_fit(, growth_prior = )")
  invisible(x)
}
