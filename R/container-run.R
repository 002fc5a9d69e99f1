#' Put velocity and growth of its cells into a single-cell object
#'
#' Fits the cells of an object, as [vgfm_fit.Seurat()] does, and gives the object back
#' with the results in the places where such objects keep theirs. `RunVGFM()` is for
#' Seurat objects, `runVGFM()` for SingleCellExperiments.
#'
#' @param object,x A Seurat object; a SingleCellExperiment.
#' @inheritParams vgfm_fit.Seurat
#' @param name What the names of all results begin with. Another name keeps those of an
#'   earlier run.
#' @return The object, with these added, `NA` for cells that were left out of the fit:
#'   * Metadata of cells: `vgfm_growth`, exponential growth rate per unit of time;
#'     `vgfm_doubling_time`, `NA` where mass does not grow; `vgfm_speed`, length of the
#'     velocity; `vgfm_descendants`, expected number of descendants at the last observed
#'     time, which is 1 for the cells of that time; `vgfm_prior`, if there is a
#'     `growth_prior` or `stable`: what was said of each cell.
#'   * A reduction with the velocities, cells x dimensions, per unit of time:
#'     `vgfm_velocity` with the key `VGFMVEL_` in a Seurat object, `VGFM_velocity` in a
#'     SingleCellExperiment. Arrows, not places: do not use it as coordinates. Its
#'     dimensions are the features of the fit, in their order.
#'   * The fit: `SeuratObject::Tool(object, "RunVGFM")`, `metadata(x)$vgfm`. With another
#'     `name`, say `"alt"`, `Tool(object, "RunVGFM.alt")` and `metadata(x)$alt`. Seurat's
#'     command log has the call, in the same way. A subset of the object keeps all this;
#'     labels and embeddings of its cells are found by name. Seurat's `merge()` drops
#'     tools and, unless told, reductions.
#'   * The PCA, if components were made for the fit and there is none of that name: a
#'     reduction `"pca"` or `"PCA"` of all cells, with its loadings.
#' @inheritSection vgfm_fit.Seurat Errors
#' @inheritSection vgfm_fit.Seurat Warnings
#' @export
#' @examplesIf requireNamespace("SingleCellExperiment", quietly = TRUE)
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' sce <- SingleCellExperiment::SingleCellExperiment(
#'   list(logcounts = t(cells[c("x1", "x2")])), colData = cells["time"]
#' )
#' sce <- runVGFM(sce, "time", features = c("x1", "x2"),
#'                control = vgfm_control("fast"))
#' tapply(sce$vgfm_growth, sce$time, mean)
RunVGFM <- function(object, ...) {
  check_required()
  UseMethod("RunVGFM")
}

#' @rdname RunVGFM
#' @export
RunVGFM.default <- function(object, ...) {
  abort_input(
    c("{.arg object} must be a Seurat object, not {describe(object)}.",
      i = "{.fn runVGFM} is for a SingleCellExperiment, {.fn vgfm_fit} for all else."),
    arg = "object", class = "vgfm_error_x", call = rlang::current_env()
  )
}

# Seurat finds the name of the command in the calls, so it is logged here and nowhere
# deeper.
#' @rdname RunVGFM
#' @export
RunVGFM.Seurat <- function(object, time, mass = NULL, ..., reduction = NULL, dims = NULL,
                           assay = NULL, layer = NULL, features = NULL, split_by = NULL,
                           growth_prior = NULL, stable = NULL, method = "vgfm",
                           control = vgfm_control(), name = "vgfm") {
  check_arguments()
  check_prefix(name)
  call <- rlang::current_env()
  method <- as_method(method, call = call)
  control <- check_control(control, call = call)
  snapshots <- as_snapshots(
    object, time, mass, reduction = reduction, dims = dims, assay = assay,
    layer = layer, features = features, split_by = split_by, growth_prior = growth_prior,
    stable = stable, call = call
  )
  fit <- fit_all(snapshots, method, control, call)
  out <- annotate_container(fit, ncol(object), colnames(object), name)
  key <- paste0(toupper(gsub("[^[:alnum:]]", "", name)), "VEL_")
  colnames(out$velocity) <- paste0(key, seq_len(ncol(out$velocity)))
  assay <- velocity_assay(object, fit, assay)
  object <- SeuratObject::AddMetaData(object, out$table)
  # That of an earlier run goes first: Seurat 5 warns of a change of dimensions.
  velocity <- paste0(name, "_velocity")
  if (velocity %in% SeuratObject::Reductions(object)) object[[velocity]] <- NULL
  object[[velocity]] <- SeuratObject::CreateDimReducObject(
    embeddings = out$velocity, key = key, assay = assay
  )
  made <- made_components(object, fit, "pca", call)
  if (!is.null(made)) {
    object[["pca"]] <- SeuratObject::CreateDimReducObject(
      embeddings = made$x, loadings = made$rotation, key = "PC_", assay = assay
    )
  }
  # Each name has a tool and a command of its own.
  tool <- paste0("RunVGFM", if (name != "vgfm") paste0(".", name))
  object@tools[[tool]] <- fit
  # The log takes the arguments from here as they stand; it can print plain vectors only.
  # It files the call under the reduction.
  used <- first_fit(fit)$snapshots$source
  reduction <- used$reduction
  dims <- used$dims
  if (length(time) > 1) time <- "one for every cell"
  if (is.list(growth_prior)) growth_prior <- "from genes"
  if (length(growth_prior) > 1) growth_prior <- "one for every cell"
  if (length(stable) > 1) stable <- paste(length(stable), "values")
  if (is.list(mass)) mass <- paste0(names(mass), ": ", vapply(mass, toString, ""))
  method <- show_method(method)
  set <- Filter(length, unclass(control))
  control <- paste(names(set), vapply(set, show_setting, ""), sep = " = ")
  command <- SeuratObject::LogSeuratCommand(object, return.command = TRUE)
  if (name != "vgfm") command@name <- paste0(command@name, ".", name)
  object[[command@name]] <- command
  object
}

# Components that were made for the fit, of all cells of the object, if their place in it
# is free: x (cells, dims) and rotation (genes, dims). NULL otherwise.
made_components <- function(x, fit, name, call) {
  source <- first_fit(fit)$snapshots$source
  if (source$kind != "components") return(NULL)
  if (tolower(name) %in% tolower(reduction_names(x))) return(NULL)
  list(x = newdata_coordinates(x, source, "x", NULL, call), rotation = source$rotation)
}

# The assay that the coordinates come from.
velocity_assay <- function(object, fit, assay) {
  source <- first_fit(fit)$snapshots$source
  if (source$kind != "reduction") return(source$assay)
  SeuratObject::DefaultAssay(object[[source$reduction]])
}

#' @rdname RunVGFM
#' @export
runVGFM <- function(x, ...) {
  check_required()
  UseMethod("runVGFM")
}

#' @rdname RunVGFM
#' @export
runVGFM.default <- function(x, ...) {
  abort_input(
    c("{.arg x} must be a SingleCellExperiment, not {describe(x)}.",
      i = "{.fn RunVGFM} is for a Seurat object, {.fn vgfm_fit} for all else; a
           SummarizedExperiment becomes one by
           {.code methods::as(x, \"SingleCellExperiment\")}."),
    arg = "x", class = "vgfm_error_x", call = rlang::current_env()
  )
}

#' @rdname RunVGFM
#' @export
runVGFM.SingleCellExperiment <- function(x, time, mass = NULL, ..., reduction = NULL,
                                         dims = NULL, assay = NULL, features = NULL,
                                         split_by = NULL, growth_prior = NULL,
                                         stable = NULL, method = "vgfm",
                                         control = vgfm_control(), name = "vgfm") {
  check_arguments()
  check_prefix(name)
  call <- rlang::current_env()
  method <- as_method(method, call = call)
  control <- check_control(control, call = call)
  snapshots <- as_snapshots(
    x, time, mass, reduction = reduction, dims = dims, assay = assay,
    features = features, split_by = split_by,
    growth_prior = growth_prior, stable = stable, call = call
  )
  fit <- fit_all(snapshots, method, control, call)
  out <- annotate_container(fit, ncol(x), colnames(x), name)
  data <- SummarizedExperiment::colData(x)
  data[names(out$table)] <- out$table
  SummarizedExperiment::colData(x) <- data
  velocity <- paste0(toupper(name), "_velocity")
  SingleCellExperiment::reducedDim(x, velocity) <- out$velocity
  made <- made_components(x, fit, "PCA", call)
  if (!is.null(made)) {
    # As scater has it.
    SingleCellExperiment::reducedDim(x, "PCA") <-
      structure(made$x, rotation = made$rotation)
  }
  S4Vectors::metadata(x)[[name]] <- fit
  x
}

check_prefix <- function(name, call = rlang::caller_env()) {
  if (!rlang::is_string(name) || !grepl("^[A-Za-z][A-Za-z0-9_.]*$", name)) {
    abort_input(
      "{.arg name} must be letters and digits, a letter first, not {describe(name)}.",
      arg = "name", call = call
    )
  }
}

first_fit <- function(fit) if (inherits(fit, "vgfm_list")) fit[[1]] else fit

# table (cells, columns) and velocity (cells, dims) for all n cells of a container; NA for
# those of no fit.
annotate_container <- function(fit, n, names, prefix) {
  fits <- if (inherits(fit, "vgfm_list")) fit else list(fit)
  parts <- lapply(fits, function(f) {
    annotate_cells(f, f$snapshots$x, f$snapshots$time, f$snapshots$prior$rate)
  })
  cells <- unlist(lapply(fits, function(f) f$snapshots$source$cells), use.names = FALSE)
  place <- match(seq_len(n), cells)
  bind <- function(what) do.call(rbind, unname(lapply(parts, `[[`, what)))
  table <- bind("table")[place, ]
  velocity <- bind("velocity")[place, , drop = FALSE]
  names(table) <- paste0(prefix, "_", names(table))
  rownames(table) <- names
  rownames(velocity) <- names
  list(table = table, velocity = velocity)
}
