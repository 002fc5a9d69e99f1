#' Public data of known origin
#'
#' Cells, their times and, where it was measured, the size of the population at each time,
#' in the form that [vgfm_fit()] takes.
#'
#' * `"simulation_gene"`: the simulated gene network of Wang and others (2025); 3031 cells
#'   at 5 times, 2 genes. [vgfm_simulate_gene_network()] makes the like.
#' * `"dyngen"`: a branching simulation; 728 cells at 5 times, 5 features.
#' * `"mouse_hematopoiesis"`: mouse blood formation in culture, by Weinreb and others
#'   (2020); 10998 cells at 3 times, an embedding in 2 dimensions.
#' * `"mouse_embryo"`: mouse embryos from 2 to 64 cells, by Guo and others (2010); 428
#'   cells, 48 genes by quantitative PCR. `time` is the number of divisions, 1 to 6, and
#'   `mass` the number of cells of an embryo, 2 to 64: every cell divides once in a unit
#'   of time, a growth of `log(2)`. Values are logarithms to base 2 of expression relative
#'   to two housekeeping genes. Taken from the Bioconductor package destiny, which has to
#'   be installed.
#'
#' The first three are the benchmark files of the papers. They are not part of this
#' package, and are fetched from where they were published with the code of VGFM.
#' `options(vgfm.data_url = )` names another place: the address of a folder that holds
#' `simulation_gene_data.csv`, `dygen.csv` or `mouse_hematopoiesis.csv`, or its path. A
#' file is fetched once, compared with its checksum (SHA-256 from R 4.5 on, MD5 before),
#' and kept in `tools::R_user_dir("vgfm", "cache")`.
#'
#' @param name One of the names above.
#' @param ... Must be empty.
#' @return A list: `x`, a matrix with cells in rows; `time`, one number per cell; `mass`,
#'   one number per time, or `NULL` where it was not measured.
#' @section Errors: `vgfm_error_input` for an unknown name; `vgfm_error_data` if the data
#'   cannot be fetched or kept, or are not those of the checksum.
#' @references Guo, Huss, Tong, Wang, Sun, Clarke and Robson (2010), Resolution of cell
#'   fate decisions revealed by single-cell gene expression analysis from zygote to
#'   blastocyst, Developmental Cell 18.
#'
#'   Wang, Jiang, Zhang, Gu, Zhou and Sun (2025), Joint Velocity-Growth Flow Matching for
#'   Single-Cell Dynamics Modeling, arXiv:2505.13413.
#'
#'   Weinreb, Rodriguez-Fraticelli, Camargo and Klein (2020), Lineage tracing on
#'   transcriptional landscapes links state to fate during differentiation, Science 367.
#' @export
#' @examplesIf requireNamespace("destiny", quietly = TRUE)
#' embryo <- vgfm_dataset("mouse_embryo")
#' dim(embryo$x)
#' table(embryo$time)
#' embryo$mass
vgfm_dataset <- function(name, ...) {
  check_arguments()
  name <- check_choice(name, c(rownames(data_files), "mouse_embryo"))
  if (name == "mouse_embryo") return(mouse_embryo())
  cells <- utils::read.csv(fetch(data_files[name, ]))
  list(x = as.matrix(cells[-1]), time = cells[[1]], mass = NULL)
}

# Where the authors of VGFM have published them, at the commit of these checksums.
data_address <- paste0(
  "https://raw.githubusercontent.com/DongyiWang-66/VGFM/",
  "42179fd15168bbea826c1253eaa55c7a568ad789/data"
)
data_files <- data.frame(
  row.names = c("simulation_gene", "dyngen", "mouse_hematopoiesis"),
  file = c("simulation_gene_data.csv", "dygen.csv", "mouse_hematopoiesis.csv"),
  bytes = c(124310, 74797, 475201),
  md5 = c(
    "c4ee5ab060bf967caa0d248c60898415", "394b74748198ee356f224ed1b31539d8",
    "85484fa3c815aeef3533a5387654aee9"
  ),
  sha256 = c(
    "d41e3bcd94ff55383264461f2eed048780dbea8faffb77011cff9b8dce231d10",
    "2518aedc7e621195af54927aed60741e71a01239942ddc6502e15e1aafcb803d",
    "be4360cd67e76205501de63124379be5c82506748e018197a3fdb4dbb1c7ca2f"
  )
)

abort_data <- function(message, call, parent = NULL, .envir = parent.frame()) {
  cli::cli_abort(message, class = c("vgfm_error_data", "vgfm_error"), call = call,
                 parent = parent, .envir = .envir)
}

# The better of the sums that this R can make.
best_sum <- function() if (getRversion() >= "4.5") "sha256" else "md5"

sum_of <- function(path, kind = best_sum()) {
  unname(getExportedValue("tools", paste0(kind, "sum"))(path))
}

is_file <- function(path, file) identical(sum_of(path), file[[best_sum()]])

# Path of a file in the cache, fetched if it is not there. It gets its name only once it
# is complete and right.
fetch <- function(file, call = rlang::caller_env()) {
  folder <- tools::R_user_dir("vgfm", "cache")
  path <- file.path(folder, file$file)
  if (is_file(path, file)) return(path)
  from <- data_url(file$file, call)
  dir.create(folder, recursive = TRUE, showWarnings = FALSE)
  new <- tempfile("incomplete-", folder)
  on.exit(unlink(new))
  check_room(new, file$bytes, call)
  tryCatch(copy_from(from, new), error = function(error) {
    abort_data(c(
      "Could not fetch {.file {from}}.",
      i = "Is the network up? {.code options(vgfm.data_url = )} names another folder that
           holds the file: an address or a path."
    ), call, parent = error)
  })
  if (!is_file(new, file)) {
    abort_data(c(
      "{.file {from}} is not the published file.",
      x = "Its MD5 sum should be {file$md5} and is {sum_of(new, \"md5\")}.",
      i = "It may be incomplete, or another version; set {.code options(vgfm.data_url = )}
           to a folder that has the right one."
    ), call)
  }
  if (!file.rename(new, path)) abort_data("Could not write {.file {path}}.", call)
  path
}

# Is there room for a file? What fails later is then not the disk.
check_room <- function(path, bytes, call) {
  written <- tryCatch(
    suppressWarnings({
      writeBin(raw(bytes), path)
      identical(file.size(path), bytes)
    }),
    error = function(error) FALSE
  )
  if (written) return(invisible())
  abort_data(c(
    "Could not write {bytes} bytes into {.file {dirname(path)}}.",
    i = "Is the disk full, or the folder not yours? The environment variable
         {.envvar R_USER_CACHE_DIR} names another one."
  ), call)
}

# Where a file is to be had.
data_url <- function(file, call) {
  base <- getOption("vgfm.data_url", data_address)
  if (!is.character(base) || length(base) != 1 || is.na(base) || base == "") {
    abort_data(c(
      "The option {.code vgfm.data_url} must be the address or the path of a folder, not
       {describe(base)}.",
      i = "Without it, {.file {file}} is fetched from where it was published."
    ), call)
  }
  paste0(sub("/+$", "", base), "/", file)
}

copy_from <- function(from, to) {
  if (!grepl("^[a-z]+://", from)) {
    if (!file.exists(from)) stop("There is no such file.")
    if (!file.copy(from, to, overwrite = TRUE)) stop("The file could not be copied.")
    return(invisible())
  }
  # A failure is an error; the warning beside it says why.
  status <- withCallingHandlers(
    utils::download.file(from, to, quiet = TRUE, mode = "wb"),
    warning = function(warning) stop(conditionMessage(warning), call. = FALSE)
  )
  if (status != 0) stop("The download failed with status ", status, ".")
}

# The published values are cycle thresholds less those of the housekeeping genes: a cycle
# more is half the expression.
mouse_embryo <- function(call = rlang::caller_env()) {
  if (!nzchar(system.file(package = "destiny"))) {
    abort_data(c(
      "The data set {.val mouse_embryo} is part of the package {.pkg destiny}.",
      i = "Install it, with {.code BiocManager::install(\"destiny\")}."
    ), call)
  }
  env <- new.env()
  utils::data(list = "guo_norm", package = "destiny", envir = env)
  cells <- env$guo_norm@phenoData@data
  x <- -t(env$guo_norm@assayData[["exprs"]])
  rownames(x) <- as.character(cells$Cell)
  list(x = x, time = log2(cells$num_cells), mass = 2^(1:6))
}
