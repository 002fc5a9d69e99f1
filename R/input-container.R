# What is asked of single-cell containers, whatever their class; container-read.R has the
# answers. Genes are rows there, cells columns.

is_container <- function(x) inherits(x, c("Seurat", "SummarizedExperiment"))

# The package that knows the class; after readRDS() it may not have been loaded yet.
load_container <- function(x, call) {
  rlang::check_installed(attr(class(x), "package"), "to read such an object.",
                         call = call)
}

# Metadata of the cells: a data frame.
cell_metadata <- function(x) UseMethod("cell_metadata")
# Names of the reductions, those to be preferred first.
reduction_names <- function(x) UseMethod("reduction_names")
# A list: x (cells, dims), and rotation (genes, dims) or NULL.
read_reduction <- function(x, name) UseMethod("read_reduction")
assay_names <- function(x) UseMethod("assay_names")
# The assay that is used unless the user names one.
default_assay <- function(x) UseMethod("default_assay")
# Values (genes, cells): a matrix, or something sparse or delayed.
read_assay <- function(x, assay, layer, call) UseMethod("read_assay")
variable_genes <- function(x, assay) UseMethod("variable_genes")
# Values (genes, cells) of the assay and layer that the user names in `space`, else of the
# usual ones.
expression_values <- function(x, space, call) UseMethod("expression_values")
# Whether there are values that may be log-normalised.
has_expression <- function(x, space) UseMethod("has_expression")
# Coordinates of all cells of one that a fit of `source` is asked about.
newdata_coordinates <- function(x, source, arg, class, call) {
  UseMethod("newdata_coordinates")
}

# What vgfm_fit() takes beyond `x`, `time` and `mass` of objects.
container_arguments <- c("reduction", "dims", "assay", "layer", "features", "split_by",
                         "growth_prior", "stable")
