# Coordinates of cells in a container: dimensions of a reduction, genes, or principal
# components made here. What they are is kept with the snapshots as their `source`, so
# that those of other cells can be had in the same way.

# kind        "reduction", "genes" or "components"
# reduction, dims   name and columns of a reduction; for components dims alone
# assay, layer, genes   of what; for genes and components
# rotation    (genes, dims) with rownames, or NULL: what takes genes to coordinates
# centre      (genes) for components: the means that were taken off before
# time, cells, of   the column of times, if there is one; which columns of the container
#             are in the fit, and of how many

# More components or dimensions than this are used only when the user asks for them.
usual_dims <- 30

# Coordinates (cells, features) and their source, from what the user said in `space`: a
# list of reduction, dims, assay, layer, features, each of which may be NULL.
choose_coordinates <- function(x, cells, space, call) {
  check_space(x, space, call)
  reduction <- space$reduction
  if (is.null(unlist(space[c("reduction", "features", "assay", "layer")]))) {
    reduction <- usual_reduction(x)
  }
  if (!is.null(reduction)) {
    return(choose_reduction(x, cells, reduction, space$dims, is.null(space$reduction),
                            call))
  }
  source <- list(
    kind = if (is.null(space$features)) "components" else "genes",
    assay = space$assay %||% default_assay(x),
    layer = if (inherits(x, "Seurat")) space$layer %||% "data"
  )
  source$genes <- space$features %||% component_genes(x, source, cells, call)
  values <- read_genes(x, source, cells, "x", NULL, call)
  source$genes <- rownames(values)
  warn_raw_counts(values, source$layer %||% source$assay, call)
  if (source$kind == "genes") return(list(x = as_points(values, call), source = source))
  most <- min(dim(values)) - 1
  if (most < 1) {
    abort_x(c(
      "Principal components need two genes and two cells at least.",
      x = "There are {nrow(values)} gene{?s} and {ncol(values)} cell{?s}.",
      i = "Name the gene in {.arg features} to fit it as it is."
    ), "x", NULL, call)
  }
  dims <- check_columns(space$dims %||% seq_len(min(usual_dims, most)), most, call)
  pca <- principal_components(values, max(dims), call)
  source <- c(source, list(dims = dims, centre = pca$centre,
                           rotation = pca$rotation[, dims, drop = FALSE]))
  others <- other_reductions(x)
  inform_vgfm(c(
    i = "Using {length(dims)} principal component{?s}, made here from
         {length(source$genes)} gene{?s} of assay {.val {source$assay}}.",
    i = if (length(others) > 0) "There are also reductions: {.val {others}}."
  ), class = "vgfm_message_space")
  list(x = pca$x[, dims, drop = FALSE], source = source)
}

choose_reduction <- function(x, cells, name, dims, inform, call) {
  found <- read_reduction(x, name)
  there <- ncol(found$x)
  used <- check_columns(dims %||% seq_len(min(usual_dims, there)), there, call)
  if (inform) {
    others <- other_reductions(x, name)
    inform_vgfm(c(
      i = "Using {length(used)} of {there} dimension{?s} of reduction {.val {name}};
           choose by {.arg reduction} and {.arg dims}.",
      i = if (length(others) > 0) "There are also: {.val {others}}."
    ), class = "vgfm_message_space")
  }
  warn_embedding(name, "reduction", call)
  source <- list(kind = "reduction", reduction = name, dims = used)
  source$rotation <- rotation_of(found, used)
  values <- found$x[cells, used, drop = FALSE]
  without <- sum(rowSums(is.na(values)) == ncol(values))
  if (without > 0) {
    abort_x(c(
      "Reduction {.val {name}} must have all cells that have a time.",
      x = "It lacks {without} of {nrow(values)}.",
      i = "Subset the object, or give them {.code NA} as their {.arg time}."
    ), "reduction", NULL, call)
  }
  list(x = values, source = source)
}

# That some genes have loadings only, as with a projection, makes no difference here.
rotation_of <- function(found, dims) {
  rotation <- found$rotation
  if (is.null(rotation) || ncol(rotation) < max(dims)) return(NULL)
  rotation[, dims, drop = FALSE]
}

newdata_coordinates.Seurat <- function(x, source, arg, class, call) {
  container_coordinates(x, source, arg, class, call)
}

newdata_coordinates.SummarizedExperiment <- newdata_coordinates.Seurat

# Those of all cells of another container, as those of the fit were made.
container_coordinates <- function(x, source, arg, class, call) {
  load_container(x, call)
  if (is.null(source)) {
    abort_x(c(
      "{.arg {arg}} must be a matrix or data frame, as the fit was made from one.",
      x = "It is {describe(x)}.",
      i = "Pass the matrix of its cells, with the features of the fit."
    ), arg, class, call)
  }
  if (source$kind == "reduction") {
    # Seurat says "pca" where scater says "PCA".
    names <- reduction_names(x)
    name <- names[match(tolower(source$reduction), tolower(names))]
    if (is.na(name)) {
      abort_name(source$reduction, arg, names, c(class, "vgfm_error_x"), call,
                 what = "reduction")
    }
    found <- read_reduction(x, name)
    check_columns(source$dims, ncol(found$x), call, arg, class)
    check_same_rotation(rotation_of(found, source$dims), source, arg, class, call)
    return(found$x[, source$dims, drop = FALSE])
  }
  if (!source$assay %in% assay_names(x)) {
    abort_name(source$assay, arg, assay_names(x), c(class, "vgfm_error_x"), call,
               what = "assay")
  }
  values <- read_genes(x, source, seq_len(ncol(x)), arg, class, call)
  if (source$kind == "genes") return(as_points(values, call))
  project(values, source$centre, source$rotation)
}

# Two objects may both have a "pca", each with axes of its own. An object cut to some of
# its genes has these loadings only.
check_same_rotation <- function(rotation, source, arg, class, call) {
  kept <- source$rotation
  if (is.null(kept) || is.null(rotation)) return(invisible())
  shared <- intersect(rownames(kept), rownames(rotation))
  same <- length(shared) > 0 && ncol(kept) == ncol(rotation) &&
    isTRUE(all.equal(unname(rotation[shared, , drop = FALSE]),
                     unname(kept[shared, , drop = FALSE]), tolerance = 1e-6))
  if (!same) {
    abort_x(c(
      "{.arg {arg}} must have the reduction {.val {source$reduction}} of the fit.",
      x = "It has one of this name, whose loadings differ: the axes are others.",
      i = "Project the new cells onto the reduction that the fit was made of."
    ), arg, class, call)
  }
}

# values (genes, cells) of the source's genes, all if it names none.
read_genes <- function(x, source, cells, arg, class, call) {
  values <- read_assay(x, source$assay, source$layer, call)
  genes <- source$genes
  if (length(genes) == 0) genes <- rownames(values)
  if (length(genes) == 0) {
    abort_x("The genes (rows) of {.arg {arg}} must have names.", arg, class, call)
  }
  place <- match(genes, rownames(values))
  if (anyNA(place)) {
    absent <- genes[is.na(place)]
    abort_x(c(
      "Not all genes are in assay {.val {source$assay}}.",
      x = "Missing: {.val {absent}}.",
      i = if (arg == "x") "Leave them out of {.arg features}." else
        "The fit was made with them; add their values."
    ), arg, class, call)
  }
  named <- rownames(values)[rownames(values) %in% genes]
  twice <- unique(named[duplicated(named)])
  if (length(twice) > 0) {
    abort_x(c(
      "The genes of {.arg {arg}} must have different names.",
      x = "{cli::qty(twice)}Used more than once: {.val {twice}}.",
      i = "Rename them, for example with {.fn make.unique}."
    ), arg, class, call)
  }
  values <- values[place, cells, drop = FALSE]
  if (is.matrix(values) || inherits(values, "Matrix")) return(values)
  check_dense_size(values, arg, class, call)
  as.matrix(values)
}

# (genes, cells) -> dense (cells, genes)
as_points <- function(values, call) {
  check_dense_size(values, "x", NULL, call)
  t(as.matrix(values))
}
