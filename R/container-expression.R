# Expression in a container, for questions about genes.

expression_values.Seurat <- function(x, space, call) {
  load_container(x, call)
  if (!is.null(space$assay)) check_name(space$assay, "assay", assay_names(x), call)
  assay <- space$assay %||% default_assay(x)
  values <- read_assay(x, assay, space$layer %||% "data", call)
  colnames(values) <- colnames(x)
  values
}

expression_values.SummarizedExperiment <- expression_values.Seurat

# Of an object with reductions and counts alone, components are all that is known.
has_expression.Seurat <- function(x, space) {
  named <- c(space$assay, space$layer)
  length(named) > 0 || tryCatch({
    read_assay(x, default_assay(x), "data", NULL)
    TRUE
  }, vgfm_error = function(error) FALSE)
}

has_expression.SummarizedExperiment <- function(x, space) {
  !is.null(space$assay) ||
    length(assay_names(x)) > 0 && !default_assay(x) %in% raw_assays
}
