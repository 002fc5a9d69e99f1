# Raw counts (40 genes x 150 cells) and metadata: two programmes of genes, of which the
# first rises with the day. Every call gives the same.
small_counts <- function() {
  set.seed(42)
  day <- rep(c(0, 2, 5), c(40, 50, 60))
  programme <- rbind(day / 5 + rnorm(150, 0, 0.2), rnorm(150))
  loading <- matrix(rnorm(80, 0, 0.6), 40)
  counts <- matrix(rpois(6000, exp(0.7 + loading %*% programme)), 40)
  dimnames(counts) <- list(paste0("gene", 1:40), paste0("cell", 1:150))
  list(
    counts = Matrix::Matrix(counts, sparse = TRUE),
    cells = data.frame(day = day, stage = factor(paste0("E", day)),
                       donor = rep(c("a", "b"), 75), row.names = colnames(counts))
  )
}

# Makes a thing when it is first asked for.
once <- function(make) {
  made <- NULL
  function() {
    if (is.null(made)) made <<- make()
    made
  }
}

# Real objects: log-normalised, with a PCA of ten components.
small_seurat <- once(function() {
  data <- small_counts()
  x <- SeuratObject::CreateSeuratObject(data$counts, meta.data = data$cells)
  x <- Seurat::NormalizeData(x, verbose = FALSE)
  SeuratObject::VariableFeatures(x) <- paste0("gene", 1:30)
  x <- Seurat::ScaleData(x, verbose = FALSE)
  suppressWarnings(Seurat::RunPCA(x, npcs = 10, verbose = FALSE))
})

small_sce <- once(function() {
  data <- small_counts()
  x <- SingleCellExperiment::SingleCellExperiment(
    list(counts = data$counts), colData = S4Vectors::DataFrame(data$cells)
  )
  x <- scater::logNormCounts(x)
  scater::runPCA(x, ncomponents = 10)
})

# Without the messages that say what was used.
quiet_fit <- function(..., seed = 1, fit = vgfm_fit) {
  set.seed(seed)
  suppressMessages(fit(..., control = small_control(steps = 40)))
}

quiet_with_messages <- function(...) {
  set.seed(1)
  suppressMessages(vgfm_fit(..., control = small_control(steps = 40)),
                   classes = c("vgfm_message_space", "vgfm_message_time"))
}
