# The growth prior of the genes of a container.

#' @rdname vgfm_growth_prior
#' @export
vgfm_growth_prior.Seurat <- function(x, species = c("human", "mouse"),
                                     proliferation = NULL, apoptosis = NULL,
                                     doubling = c(1, 10), half_life = doubling, ...,
                                     assay = NULL, layer = NULL) {
  check_arguments()
  call <- rlang::current_env()
  settings <- check_prior_settings(species, proliferation, apoptosis, doubling, half_life,
                                   call)
  container_growth_prior(x, assay, layer %||% "data", settings, call)
}

#' @rdname vgfm_growth_prior
#' @export
vgfm_growth_prior.SummarizedExperiment <- function(x, species = c("human", "mouse"),
                                                   proliferation = NULL, apoptosis = NULL,
                                                   doubling = c(1, 10),
                                                   half_life = doubling, ...,
                                                   assay = NULL) {
  check_arguments()
  call <- rlang::current_env()
  settings <- check_prior_settings(species, proliferation, apoptosis, doubling, half_life,
                                   call)
  container_growth_prior(x, assay, NULL, settings, call)
}

container_growth_prior <- function(x, assay, layer, settings, call) {
  load_container(x, call)
  if (!is.null(assay)) check_name(assay, "assay", assay_names(x), call)
  assay <- assay %||% default_assay(x)
  values <- read_assay(x, assay, layer, call)
  colnames(values) <- colnames(x)
  prior_of_genes(values, layer %||% assay, settings, call)
}
