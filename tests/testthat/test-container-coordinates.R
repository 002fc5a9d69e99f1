# A small object with the reductions named, each of two dimensions, and these assays.
object_with <- function(reductions = character(), assays = "logcounts", genes = 40) {
  data <- small_counts()
  values <- log1p(as.matrix(data$counts))[seq_len(min(genes, 40)), ]
  x <- SingleCellExperiment::SingleCellExperiment(
    stats::setNames(rep(list(values), length(assays)), assays),
    colData = S4Vectors::DataFrame(data$cells)
  )
  for (name in reductions) {
    SingleCellExperiment::reducedDim(x, name) <-
      t(values[1:2, ]) + nchar(name) # so that they differ
  }
  x
}

test_that("corrected reductions go before a PCA, whatever their order", {
  usual <- function(...) usual_reduction(object_with(c(...)))
  expect_identical(usual("PCA", "HARMONY"), "HARMONY")
  expect_identical(usual("X_umap", "X_pca", "X_pca_harmony"), "X_pca_harmony")
  expect_identical(usual("X_pca_harmony", "X_pca"), "X_pca_harmony")
  expect_identical(usual("corrected", "PCA"), "corrected")
  expect_identical(usual("X_scVI", "X_pca"), "X_scVI")
  expect_identical(usual("PCA_old", "PCA", "UMAP"), "PCA")
  expect_identical(usual("my_pca", "X_pca"), "X_pca")
  # A picture of a corrected reduction is none; nor is a velocity, nor anything else.
  expect_identical(usual("harmony_umap", "PCA"), "PCA")
  expect_null(usual("UMAP", "TSNE", "VGFM_velocity", "PCA_velocity"))
  expect_null(usual("NMF"))
})

test_that("a message says which is used, and which others there are", {
  x <- object_with(c("UMAP", "PCA", "HARMONY", "VGFM_velocity"))
  control <- small_control(steps = 0)
  expect_snapshot({
    fit <- vgfm_fit(x, "day", control = control)
    fit <- vgfm_fit(object_with("PCA"), "day", control = control)
    fit <- vgfm_fit(object_with("UMAP"), "day", dims = 1:2, control = control)
  })
  expect_silent(vgfm_fit(x, "day", reduction = "PCA", control = control))
})

test_that("pictures as coordinates warn", {
  x <- object_with(c("UMAP", "TSNE", "PCA", "X_draw_graph_fa"))
  control <- small_control(steps = 0)
  for (name in c("UMAP", "TSNE", "X_draw_graph_fa")) {
    expect_warning(vgfm_fit(x, "day", reduction = name, control = control), name,
                   class = "vgfm_warning_embedding")
  }
  expect_no_warning(vgfm_fit(x, "day", reduction = "PCA", control = control))
})

test_that("normalised assays go before raw ones", {
  usual <- function(...) default_assay(object_with(assays = c(...)))
  expect_identical(usual("spliced", "unspliced", "X"), "X")
  expect_identical(usual("counts", "spliced", "logcounts"), "logcounts")
  expect_identical(usual("counts", "spliced", "denoised"), "denoised")
  expect_identical(usual("counts", "X"), "X")
  expect_identical(usual("counts"), "counts")
})

test_that("a LinearEmbeddingMatrix keeps its loadings", {
  x <- small_sce()
  pca <- SingleCellExperiment::reducedDim(x, "PCA")
  SingleCellExperiment::reducedDim(x, "PCA") <-
    SingleCellExperiment::LinearEmbeddingMatrix(
      matrix(pca, nrow(pca), dimnames = dimnames(pca)), attr(pca, "rotation")
    )
  fit <- quiet_fit(x, "day", dims = 1:5)
  plain <- quiet_fit(small_sce(), "day", dims = 1:5)
  # Such a matrix has names for its columns only if factorData() has.
  expect_identical(unname(fit$snapshots$x), unname(plain$snapshots$x))
  expect_identical(fit$field, plain$field)
  expect_identical(suppressMessages(vgfm_growth_genes(fit)),
                   suppressMessages(vgfm_growth_genes(plain)))
})

# Genes of one mean and noise alone, but for those that a programme moves.
noisy_genes <- function(n = 2500, moved = 300) {
  set.seed(3)
  programme <- rnorm(120)
  level <- runif(n, 1, 3)
  values <- level + matrix(rnorm(n * 120, 0, 0.2 + 0.1 * level), n)
  varying <- sample(n, moved)
  values[varying, ] <- values[varying, ] + 0.5 * outer(rep(1, moved), programme)
  dimnames(values) <- list(paste0("g", seq_len(n)), paste0("c", 1:120))
  list(values = values, varying = sort(varying))
}

test_that("the genes that vary beyond the trend are found, however they are stored", {
  # Noise rises with the mean, so that variance alone would choose otherwise.
  made <- noisy_genes()
  moments <- gene_moments(made$values, 1:120, NULL)
  expect_equal(moments$mean, unname(rowMeans(made$values)))
  expect_equal(moments$variance, unname(apply(made$values, 1, stats::var)))
  chosen <- most_variable(moments, 300)
  hits <- mean(chosen %in% made$varying)
  by_variance <- order(-moments$variance)[1:300]
  expect_gt(hits, 0.8)
  expect_gt(hits, mean(by_variance %in% made$varying) + 0.1)
  sparse <- gene_moments(Matrix::Matrix(made$values, sparse = TRUE), 1:120, NULL)
  expect_equal(sparse, moments)
  skip_if_not_installed("DelayedArray")
  delayed <- DelayedArray::DelayedArray(made$values)
  old <- DelayedArray::getAutoBlockSize()
  on.exit(suppressMessages(DelayedArray::setAutoBlockSize(old)))
  suppressMessages(DelayedArray::setAutoBlockSize(120 * 8 * 100))
  expect_equal(gene_moments(delayed, 1:120, NULL), moments)
  expect_equal(gene_moments(delayed, 5:70, NULL),
               gene_moments(made$values, 5:70, NULL))
})

test_that("components are made of variable genes, and kept in the object", {
  made <- noisy_genes()
  x <- SingleCellExperiment::SingleCellExperiment(
    list(logcounts = made$values), colData = S4Vectors::DataFrame(day = rep(0:2, 40))
  )
  x$day[7] <- NA
  out <- suppressMessages(
    runVGFM(x, "day", dims = 1:4, control = small_control(steps = 2))
  )
  fit <- S4Vectors::metadata(out)$vgfm
  genes <- fit$snapshots$source$genes
  expect_length(genes, variable_limit)
  expect_true(mean(rownames(x)[made$varying] %in% genes) > 0.95)
  # Those of the components that prcomp() finds, for all cells.
  pca <- SingleCellExperiment::reducedDim(out, "PCA")
  expect_identical(dimnames(pca), list(colnames(x), paste0("PC", 1:4)))
  expect_equal(pca[-7, ], fit$snapshots$x, tolerance = 1e-10, ignore_attr = TRUE)
  expect_true(all(is.finite(pca[7, ])))
  oracle <- stats::prcomp(t(made$values[genes, -7]), rank. = 4)
  expect_equal(abs(pca[-7, 1]), abs(oracle$x[, 1]), tolerance = 1e-6)
  # The next fit finds it, with the loadings.
  set.seed(1)
  again <- suppressMessages(vgfm_fit(out, "day", control = small_control(steps = 2)))
  expect_identical(again$snapshots$source$kind, "reduction")
  expect_equal(again$snapshots$source$rotation, fit$snapshots$source$rotation)
  expect_equal(predict(fit, out[, 1:6], 1), predict(fit, x[, 1:6], 1))
  # What the object calls variable goes first.
  SummarizedExperiment::rowData(x)$subset <- seq_len(nrow(x)) <= 50
  expect_identical(
    suppressMessages(
      vgfm_fit(x, "day", dims = 1:3, control = small_control(steps = 0))
    )$snapshots$source$genes,
    rownames(x)[1:50]
  )
})

test_that("a PCA that is there is not replaced", {
  x <- small_seurat()
  out <- quiet_fit(x, "day", assay = "RNA", dims = 1:3, fit = RunVGFM)
  expect_identical(out[["pca"]], x[["pca"]])
  x[["pca"]] <- NULL
  out <- quiet_fit(x, "day", dims = 1:3, fit = RunVGFM)
  fit <- SeuratObject::Tool(out, "RunVGFM")
  expect_equal(unname(SeuratObject::Embeddings(out, "pca")), unname(fit$snapshots$x))
  expect_equal(unname(SeuratObject::Loadings(out, "pca")),
               unname(fit$snapshots$source$rotation))
})

test_that("one part of a split layer asks to join, and not to subset", {
  skip_if_not(utils::packageVersion("SeuratObject") >= "5.0.0",
              "SeuratObject is older than 5, which needs a newer Matrix than this R has")
  so <- asNamespace("SeuratObject")
  data <- small_counts()
  x <- so$CreateSeuratObject(data$counts, meta.data = data$cells)
  x <- so$SetAssayData(x, layer = "data", new.data = log1p(data$counts))
  x[["RNA"]] <- split(x[["RNA"]], f = x$donor)
  expect_error(vgfm_fit(x, "day", layer = "data.a", features = "gene1"), "JoinLayers",
               class = "vgfm_error_x")
})

test_that("as_snapshots() reads what vgfm_fit() and vgfm_cv() read, without a fit", {
  x <- small_seurat()
  fit <- quiet_fit(x, "stage", dims = 1:4)
  set.seed(1)
  before <- .Random.seed
  read <- suppressMessages(as_snapshots(x, "stage", dims = 1:4, call = NULL))
  expect_identical(.Random.seed, before)
  expect_identical(read, fit$snapshots)
  s <- small_sce()
  control <- small_control(steps = 5)
  set.seed(5)
  scores <- suppressMessages(vgfm_cv(s, "day", dims = 1:3, control = control))
  set.seed(5)
  pca <- SingleCellExperiment::reducedDim(s, "PCA")[, 1:3]
  expect_equal(scores, vgfm_cv(pca, s$day, control = control))
  expect_error(vgfm_cv(s, "day", split_by = "donor", control = control),
               class = "vgfm_error_split_by")
  expect_error(vgfm_cv(s, "day", layer = "data", control = control),
               class = "vgfm_error_argument")
})
