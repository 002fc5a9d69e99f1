#' Fit the cells of a Seurat object or a SingleCellExperiment
#'
#' [vgfm_fit()] for objects that hold genes in rows and cells in columns, with metadata
#' and reductions. [RunVGFM()] and [runVGFM()] do the same and put the results into the
#' object.
#'
#' Coordinates are the first of these that applies:
#' * the genes named in `features`;
#' * the `reduction` that is named;
#' * unless `assay` or `layer` is given, a reduction that is there: one that was corrected
#'   for batches (its name has harmony, integrated, corrected, mnn, scvi, scanvi, totalvi,
#'   scanorama, inmf, liger, bbknn, combat or conos in it), else a PCA; one of the default
#'   assay before others, a short name before a long one;
#' * principal components made here from the log-normalised data, centred and not scaled:
#'   of the variable features of the object (for a SingleCellExperiment, those that
#'   `rowSubset()` or scanpy's `highly_variable` has), or of the 2000 genes whose variance
#'   is furthest above the trend of variance over mean, or of all genes if there are no
#'   more than that.
#'
#' A message of class `vgfm_message_space` says what is used, and which other reductions
#' there are, unless you said it. [predict()], [vgfm_evaluate()] and [vgfm_trajectories()]
#' take such objects as `newdata` and read the same coordinates from them.
#'
#' Cells without a time are left out, with a message.
#'
#' @section Batches and integrated reductions:
#' A fit takes every difference between snapshots for motion, that of batches too. If
#' each time is a batch of its own, nothing tells the two apart; controls that are
#' measured in every batch, or several batches a time, do. Where cells were integrated,
#' name the corrected reduction, such as `reduction = "harmony"`. An integration that
#' aligns *times*, rather than batches within a time, removes the motion that is looked
#' for. With replicates that each cover all times, `split_by` needs no integration:
#' cells are coupled within a replicate only. A UMAP or t-SNE keeps neighbourhoods and
#' neither distances nor speeds: draw velocities on it by [vgfm_embed()], and do not
#' fit in it.
#'
#' @param x A Seurat object, a SingleCellExperiment or a SummarizedExperiment.
#' @param time Name of the column of the cells' metadata that holds the times, or a vector
#'   with a time for every cell, by name if it has names; as in [vgfm_fit()], and `NA` for
#'   cells to leave out.
#' @param mass As in [vgfm_fit()]: population size at each time. With `split_by` it may be
#'   a list of such, named by replicate.
#' @param ... Must be empty.
#' @param reduction Name of the reduction whose dimensions are the coordinates.
#' @param dims Which of its dimensions. Default: the first 30, or those there are.
#' @param assay,layer For genes and components: the assay (default: the object's default
#'   assay; `"logcounts"`, `"X"` or another that is not known to hold raw counts) and, of
#'   Seurat objects, the layer or slot (default: `"data"`).
#' @param features Names of the genes that are the coordinates.
#' @param split_by Name of a column of the metadata that holds replicates, each of which
#'   was observed at two or more times. Every replicate is fitted on its own, so that
#'   cells are coupled within it only, and how far the fits agree can be seen.
#' @param growth_prior What is known of growth beforehand, or `NULL`: the name of a column
#'   of the metadata with net rates per unit of time, `NA` where they are not known; such
#'   rates for all cells; the result of [vgfm_growth_prior()]; `"human"`, `"mouse"` or a
#'   list of gene sets `proliferation` and `apoptosis`, of which [vgfm_growth_prior()]
#'   then makes rates from the default assay, with its defaults. See [vgfm_fit()].
#' @param stable Cells that neither divide nor die: the name of a column of the metadata
#'   that is `TRUE` for them, `TRUE` or `FALSE` for all cells, or names of cells.
#' @param method What is fitted: a name of [vgfm_methods()], or a [vgfm_method()].
#' @param control Settings, see [vgfm_control()].
#' @return A fit of class `vgfm`, see [vgfm_fit()]. With `split_by`, a list of fits named
#'   by replicate, of class `vgfm_list`, for which there are [tidy()], [glance()] and
#'   [augment()].
#' @section Errors: `vgfm_error_x` if cells, a reduction, an assay, a layer or features
#'   are not there or have a name twice; `vgfm_error_split_by` if replicates are not there
#'   or one of them cannot be fitted; `vgfm_error_time`, `vgfm_error_mass`,
#'   `vgfm_error_prior` and `vgfm_error_control` as in [vgfm_fit()]; those of
#'   [vgfm_growth_prior()] for gene sets.
#' @section Warnings: `vgfm_warning_counts` if the values of genes are raw counts,
#'   `vgfm_warning_embedding` if the reduction is a UMAP, t-SNE or another picture, whose
#'   distances mean little; those of [vgfm_fit()].
#' @section Messages: `vgfm_message_space` says which coordinates are used,
#'   `vgfm_message_time` which numbers were read from labels, `vgfm_message_left_out` how
#'   many cells have no time.
#' @name vgfm_fit.Seurat
#' @examplesIf requireNamespace("SingleCellExperiment", quietly = TRUE)
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' sce <- SingleCellExperiment::SingleCellExperiment(
#'   list(logcounts = t(cells[c("x1", "x2")])), colData = cells["time"]
#' )
#' fit <- vgfm_fit(sce, "time", features = c("x1", "x2"),
#'                 control = vgfm_control("fast"))
#' vgfm_growth_genes(fit)
NULL

#' @rdname vgfm_fit.Seurat
#' @export
vgfm_fit.Seurat <- function(x, time, mass = NULL, ..., reduction = NULL, dims = NULL,
                            assay = NULL, layer = NULL, features = NULL, split_by = NULL,
                            growth_prior = NULL, stable = NULL, method = "vgfm",
                            control = vgfm_control()) {
  check_arguments()
  call <- rlang::current_env()
  method <- as_method(method, call = call)
  control <- check_control(control, call = call)
  snapshots <- as_snapshots(
    x, time, mass, reduction = reduction, dims = dims, assay = assay, layer = layer,
    features = features, split_by = split_by, growth_prior = growth_prior,
    stable = stable, call = call
  )
  fit_all(snapshots, method, control, call)
}

#' @rdname vgfm_fit.Seurat
#' @export
vgfm_fit.SummarizedExperiment <- function(x, time, mass = NULL, ..., reduction = NULL,
                                          dims = NULL, assay = NULL, features = NULL,
                                          split_by = NULL, growth_prior = NULL,
                                          stable = NULL, method = "vgfm",
                                          control = vgfm_control()) {
  check_arguments()
  call <- rlang::current_env()
  method <- as_method(method, call = call)
  control <- check_control(control, call = call)
  snapshots <- as_snapshots(
    x, time, mass, reduction = reduction, dims = dims, assay = assay,
    features = features, split_by = split_by, growth_prior = growth_prior,
    stable = stable, call = call
  )
  fit_all(snapshots, method, control, call)
}

as_snapshots.Seurat <- function(x, time, mass = NULL, ..., reduction = NULL, dims = NULL,
                                assay = NULL, layer = NULL, features = NULL,
                                split_by = NULL, growth_prior = NULL, stable = NULL,
                                call) {
  check_spare(..., known = c("x", "time", "mass", container_arguments), call = call)
  space <- list(reduction = reduction, dims = dims, assay = assay, layer = layer,
                features = features)
  prior <- list(growth_prior = growth_prior, stable = stable)
  container_snapshots(x, time, mass, space, split_by, prior, call)
}

as_snapshots.SummarizedExperiment <- function(x, time, mass = NULL, ...,
                                              reduction = NULL, dims = NULL,
                                              assay = NULL, features = NULL,
                                              split_by = NULL, growth_prior = NULL,
                                              stable = NULL, call) {
  check_spare(..., call = call,
              known = c("x", "time", "mass", setdiff(container_arguments, "layer")))
  space <- list(reduction = reduction, dims = dims, assay = assay, features = features)
  prior <- list(growth_prior = growth_prior, stable = stable)
  container_snapshots(x, time, mass, space, split_by, prior, call)
}

# What both do. With replicates, a list of the snapshots of each.
container_snapshots <- function(x, time, mass, space, split_by, prior, call) {
  load_container(x, call)
  check_different(colnames(x), "The cells of {.arg x} must have different names.", "x",
                  "vgfm_error_x", call,
                  "Rename them: {.code colnames(x) <- make.unique(colnames(x))}.")
  column <- if (is_column_name(time, ncol(x))) time
  time <- container_time(x, time, call)
  replicate <- if (!is.null(split_by)) {
    as_labels(metadata_column(x, split_by, "split_by", "vgfm_error_split_by", call))
  }
  cells <- known_cells(time, replicate, call)
  chosen <- choose_coordinates(x, cells, space, call)
  prior <- read_prior(prior$growth_prior, prior$stable, x, colnames(x), ncol(x), call)
  snapshots_of <- function(cells_of, mass) {
    rows <- match(cells_of, cells)
    snapshots <- new_snapshots(chosen$x[rows, , drop = FALSE],
                               without_empty_levels(take(time, cells_of)), mass, call)
    check_snapshots(snapshots, call)
    snapshots <- with_prior(snapshots, prior, cells_of, call)
    snapshots$clock$column <- column
    snapshots$source <- c(chosen$source, list(cells = cells_of, of = ncol(x)))
    snapshots
  }
  if (is.null(replicate)) return(snapshots_of(cells, mass))
  parts <- split(cells, replicate[cells])
  masses <- replicate_masses(mass, names(parts), call)
  for_replicates(names(parts), function(name) {
    snapshots_of(parts[[name]], masses[[name]])
  }, call)
}
