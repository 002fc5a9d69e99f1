# What input-container.R asks of containers, by class. Their packages are Suggests: who
# has such an object has the package.

# --- Seurat -----------------------------------------------------------------------------

cell_metadata.Seurat <- function(x) x[[]]

# Those of the default assay first, and of these "pca"; else the shortest name first, as
# others are often made from it.
reduction_names.Seurat <- function(x) {
  names <- SeuratObject::Reductions(x) %||% character() # NULL for none, from 5 on
  of <- vapply(names, function(name) SeuratObject::DefaultAssay(x[[name]]), "")
  names[order(of != SeuratObject::DefaultAssay(x), !is_pca(names), nchar(names), names,
              method = "radix")]
}

# As Seurat, scater and scanpy call theirs.
is_pca <- function(names) tolower(names) %in% c("pca", "x_pca")

# Where a reduction holds some of the cells only, the others get NA.
read_reduction.Seurat <- function(x, name) {
  values <- SeuratObject::Embeddings(x[[name]])
  rotation <- SeuratObject::Loadings(x[[name]])
  list(
    x = values[match(colnames(x), rownames(values)), , drop = FALSE],
    rotation = if (length(rotation) > 0) rotation
  )
}

assay_names.Seurat <- function(x) SeuratObject::Assays(x)

default_assay.Seurat <- function(x) SeuratObject::DefaultAssay(x)

# SeuratObject has layers since its version 5, for assays of either make.
read_assay.Seurat <- function(x, assay, layer, call) {
  so <- asNamespace("SeuratObject")
  layered <- "LayerData" %in% getNamespaceExports(so)
  from <- x[[assay]]
  layers <- if (layered) so$Layers(from) else {
    slots <- c("counts", "data", "scale.data")
    slots[vapply(slots, function(s) length(so$GetAssayData(from, slot = s)) > 0, NA)]
  }
  if (!layer %in% layers) {
    split <- layers[startsWith(layers, paste0(layer, "."))]
    abort_name(
      layer, "layer", layers, "vgfm_error_x", call,
      hint = if (length(split) > 0) {
        "It is split: join its parts with {.code SeuratObject::JoinLayers()}."
      } else if (layer == "data") {
        "Normalise the counts with {.code Seurat::NormalizeData()}."
      }
    )
  }
  values <- if (layered) read_layer(from, layer) else so$GetAssayData(from, slot = layer)
  if (!identical(colnames(values), colnames(x))) {
    part <- identical(colnames(from), colnames(x))
    abort_x(c(
      "Layer {.val {layer}} of assay {.val {assay}} must have all cells of the object.",
      x = "It has {ncol(values)} of {ncol(x)}.",
      i = if (part) {
        "It is one part of a split layer: join the parts with
         {.code SeuratObject::JoinLayers()}."
      } else {
        "Pass {.code subset(x, cells = colnames(x[[\"{assay}\"]]))}."
      }
    ), "layer", NULL, call)
  }
  values
}

# SeuratObject 5.0 makes a plain vector of a layer that is cut to one gene or one cell,
# and then cannot read it.
read_layer <- function(assay, layer) {
  so <- asNamespace("SeuratObject")
  values <- attr(assay, "layers")[[layer]]
  if (is.null(values) || !is.null(dim(values))) {
    return(so$LayerData(assay, layer = layer))
  }
  names <- list(so$Features(assay, layer = layer), so$Cells(assay, layer = layer))
  matrix(values, length(names[[1]]), length(names[[2]]), dimnames = names)
}

variable_genes.Seurat <- function(x, assay) {
  SeuratObject::VariableFeatures(x, assay = assay)
}

# --- SummarizedExperiment and SingleCellExperiment --------------------------------------

cell_metadata.SummarizedExperiment <- function(x) {
  as.data.frame(SummarizedExperiment::colData(x), optional = TRUE)
}

reduction_names.SummarizedExperiment <- function(x) character()

reduction_names.SingleCellExperiment <- function(x) {
  names <- SingleCellExperiment::reducedDimNames(x)
  names[order(!is_pca(names), nchar(names), names, method = "radix")]
}

# scater hangs the rotation on the matrix of scores; a LinearEmbeddingMatrix has both.
read_reduction.SingleCellExperiment <- function(x, name) {
  values <- SingleCellExperiment::reducedDim(x, name)
  rotation <- attr(values, "rotation")
  if (inherits(values, "LinearEmbeddingMatrix")) {
    loadings <- as.matrix(SingleCellExperiment::featureLoadings(values))
    if (length(loadings) > 0) rotation <- loadings
    names <- colnames(values)
    values <- as.matrix(SingleCellExperiment::sampleFactors(values))
    colnames(values) <- names
  }
  values <- as.matrix(values)
  names <- list(colnames(x), colnames(values))
  list(x = matrix(values, nrow(values), dimnames = names), rotation = rotation)
}

assay_names.SummarizedExperiment <- function(x) {
  SummarizedExperiment::assayNames(x) %||% character()
}

# Normalised values first, then whatever is not known to be raw; zellkonverter calls what
# scanpy works on "X".
default_assay.SummarizedExperiment <- function(x) {
  names <- assay_names(x)
  normalised <- c("logcounts", "lognorm", "data", "X", "normcounts")
  c(intersect(normalised, names), setdiff(names, raw_assays), names)[1]
}

raw_assays <- c("counts", "raw", "matrix", "spliced", "unspliced", "ambiguous",
                "spanning", "soupX_counts")

read_assay.SummarizedExperiment <- function(x, assay, layer, call) {
  SummarizedExperiment::assay(x, assay)
}

# Where scran's users keep them, and where zellkonverter puts those of scanpy.
variable_genes.SummarizedExperiment <- function(x, assay) {
  data <- SummarizedExperiment::rowData(x)
  for (column in intersect(c("subset", "highly_variable"), names(data))) {
    chosen <- data[[column]]
    if (is.logical(chosen) && any(chosen, na.rm = TRUE)) {
      return(rownames(x)[which(chosen)])
    }
  }
  character()
}
