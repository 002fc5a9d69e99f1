learned <- c("couplings", "field", "history", "training")

test_that("a Seurat object gives, bit for bit, what its matrix gives", {
  x <- small_seurat()
  pca <- SeuratObject::Embeddings(x, "pca")
  plain <- quiet_fit(pca[, 1:5], x$day)
  fit <- quiet_fit(x, "day", reduction = "pca", dims = 1:5)
  expect_identical(fit[learned], plain[learned])
  expect_identical(quiet_fit(x, x$day, reduction = "pca", dims = 1:5)[learned],
                   plain[learned])
  expect_identical(quiet_fit(x, rev(x$day), dims = 1:5)[learned], plain[learned])
  expect_identical(quiet_fit(x, "stage", dims = 1:5)$field, plain$field)
  genes <- c("gene7", "gene3")
  data <- as.matrix(SeuratObject::GetAssayData(x))
  expect_identical(quiet_fit(x, "day", features = genes)[learned],
                   quiet_fit(t(data[genes, ]), x$day)[learned])
})

test_that("so does a SingleCellExperiment", {
  x <- small_sce()
  pca <- SingleCellExperiment::reducedDim(x, "PCA")
  plain <- quiet_fit(pca[, 1:5], x$day)
  expect_identical(quiet_fit(x, "day", dims = 1:5)[learned], plain[learned])
  genes <- c("gene7", "gene3")
  values <- t(as.matrix(SingleCellExperiment::logcounts(x)[genes, ]))
  plain <- quiet_fit(values, x$day)
  expect_identical(quiet_fit(x, "day", features = genes)[learned], plain[learned])
  # The same as a SummarizedExperiment, whose values are on disk or otherwise delayed.
  delayed <- getExportedValue("DelayedArray", "DelayedArray")
  bare <- SummarizedExperiment::SummarizedExperiment(
    list(logcounts = delayed(SingleCellExperiment::logcounts(x))),
    colData = SummarizedExperiment::colData(x)
  )
  expect_identical(quiet_fit(bare, "day", features = genes)[learned], plain[learned])
})

test_that("what is used is said, unless the user said it", {
  x <- small_seurat()
  control <- small_control(steps = 1)
  expect_message(vgfm_fit(x, "day", control = control),
                 "10 of 10 dimensions of reduction \"pca\"", class = "vgfm_message_space")
  expect_silent(vgfm_fit(x, "day", reduction = "pca", control = control))
  expect_message(vgfm_fit(x, "day", assay = "RNA", dims = 1:4, control = control),
                 "4 principal components, made here from 30 genes")
})

test_that("components made here are those of prcomp(), and project new cells", {
  x <- small_seurat()
  fit <- quiet_fit(x, "day", assay = "RNA", dims = 1:6)
  data <- t(as.matrix(SeuratObject::GetAssayData(x)))[, paste0("gene", 1:30)]
  oracle <- stats::prcomp(data, rank. = 6)
  expect_equal(abs(fit$snapshots$x), abs(oracle$x), tolerance = 1e-8, ignore_attr = TRUE)
  expect_equal(abs(fit$snapshots$source$rotation), abs(oracle$rotation),
               tolerance = 1e-8, ignore_attr = TRUE)
  expect_equal(predict(fit, x[, 31:60], x$day[31:60]), predict(fit)[31:60, ],
               tolerance = 1e-6)
  # Larger than LAPACK is used for: irlba, to its own tolerance of 1e-5.
  set.seed(2)
  scores <- matrix(rnorm(3 * 600), 600) %*% diag(c(9, 6, 4))
  big <- scores %*% matrix(rnorm(3 * 550), 3) + rnorm(600 * 550)
  before <- .Random.seed
  pca <- principal_components(Matrix::Matrix(t(big), sparse = TRUE), 3, NULL)
  expect_identical(.Random.seed, before)
  oracle <- stats::prcomp(big, rank. = 3)
  expect_equal(abs(pca$x), abs(oracle$x), tolerance = 1e-4, ignore_attr = TRUE)
})

test_that("raw counts give a warning, wherever they come from", {
  x <- small_seurat()
  control <- small_control(steps = 1)
  fit <- function(...) suppressMessages(vgfm_fit(..., control = control))
  expect_warning(fit(x, "day", features = "gene1", layer = "counts"),
                 class = "vgfm_warning_counts")
  expect_warning(fit(x, "day", layer = "counts"), class = "vgfm_warning_counts")
  expect_warning(fit(small_sce(), "day", features = "gene1", assay = "counts"),
                 class = "vgfm_warning_counts")
  counts <- Matrix::t(small_counts()$counts)
  expect_warning(fit(counts, x$day), class = "vgfm_warning_counts")
  expect_warning(fit(as.matrix(counts), x$day), class = "vgfm_warning_counts")
  expect_no_warning(fit(as.matrix(counts)[, 1:5], x$day))
  expect_no_warning(fit(x, "day", features = "gene1"))
  expect_no_warning(fit(Matrix::t(SeuratObject::GetAssayData(x)), x$day))
})

test_that("cells without a time are left out, as are levels without cells", {
  x <- small_seurat()
  x$stage[c(2, 150)] <- NA
  expect_message(fit <- quiet_with_messages(x, "stage"), "2 of 150 cells have no time",
                 class = "vgfm_message_left_out")
  keep <- setdiff(1:150, c(2, 150))
  plain <- quiet_fit(SeuratObject::Embeddings(x, "pca")[keep, ], x$day[keep])
  expect_identical(fit[learned], plain[learned])
  expect_identical(fit$snapshots$source$cells, keep)
  late <- quiet_fit(x[, x$day > 0], "stage")
  expect_identical(late$snapshots$labels, c("E2", "E5"))
  x$day <- NA
  expect_error(quiet_fit(x, "day"), class = "vgfm_error_time")
})

test_that("replicates are fitted each on its own", {
  x <- small_seurat()
  set.seed(1)
  one <- quiet_fit(x[, x$donor == "a"], "day")
  fits <- quiet_fit(x, "day", split_by = "donor")
  expect_s3_class(fits, "vgfm_list")
  expect_named(fits, c("a", "b"))
  expect_identical(fits$a[learned], one[learned])
  expect_identical(fits$b$snapshots$source$cells, seq(2L, 150L, 2L))
  expect_identical(tidy(fits)$replicate, c("a", "a", "b", "b"))
  expect_identical(glance(fits)$cells, c(75L, 75L))
  expect_identical(augment(fits)$cell, colnames(x)[order(x$donor)])
  expect_identical(augment(fits, x)$stage, x$stage[order(x$donor)], ignore_attr = TRUE)
  # A part of the object, in an order of its own, is known by the names of its cells.
  some <- x[, c(9:1, 120)] # Seurat 5 keeps the order of x
  part <- augment(fits, some)
  expect_identical(part$cell, colnames(some)[order(some$donor)])
  expect_setequal(part$cell, colnames(x)[c(9:1, 120)])
  all <- augment(fits, x)
  expect_equal(part$vgfm_growth, all$vgfm_growth[match(part$cell, all$cell)])
  expect_error(augment(fits, 1), class = "vgfm_error_x")
  expect_output(print(fits), "a  75 cells at 0, 2, 5")
  masses <- list(b = c(1, 2, 3), a = c(2, 2, 2))
  fits <- quiet_fit(x, "day", split_by = "donor", mass = masses)
  expect_identical(fits$a$snapshots$mass, c(1, 1, 1))
  expect_identical(fits$b$snapshots$mass, c(1, 2, 3))
})

test_that("new cells are read from containers as those of the fit were", {
  for (x in list(small_seurat(), small_sce())) {
    fit <- quiet_fit(x, "stage", dims = 1:5)
    some <- c(3, 60, 110)
    for (type in c("velocity", "growth", "state", "weight")) {
      all <- predict(fit, type = type)
      part <- predict(fit, x[, some], type = type)
      expect_equal(part, if (is.matrix(all)) all[some, ] else all[some])
    }
    expect_identical(predict(fit, x[, some], 4), predict(fit, fit$snapshots$x[some, ], 4))
    expect_equal(vgfm_evaluate(fit, x), vgfm_evaluate(fit))
    expect_equal(vgfm_evaluate(fit, x, "day"), vgfm_evaluate(fit))
    paths <- vgfm_trajectories(fit, x[, some], times = c(0, 5))
    expect_identical(unique(paths$cell), colnames(x)[some])
    genes <- quiet_fit(x, "day", features = c("gene4", "gene2"))
    expect_identical(predict(genes, x, "day"), predict(genes))
  }
})

test_that("cells of unknown time are no part of an evaluation", {
  x <- small_seurat()
  fit <- quiet_fit(x, "day")
  known <- vgfm_evaluate(fit, x[, -(45:60)])
  x$day[45:60] <- NA
  expect_equal(vgfm_evaluate(fit, x), known)
  expect_error(predict(fit, x), class = "vgfm_error_time")
})

test_that("what is not there is an error that says what there is", {
  x <- small_seurat()
  s <- small_sce()
  fit <- quiet_fit(x, "day", dims = 1:5)
  genes <- quiet_fit(x, "day", features = c("gene4", "gene2"))
  expect_snapshot(error = TRUE, {
    vgfm_fit(x, "days")
    vgfm_fit(x, c(0, 1))
    vgfm_fit(x, "day", reduction = "umap")
    vgfm_fit(x, "day", reduction = "pca", dims = 1:11)
    vgfm_fit(x, "day", reduction = "pca", dims = c(1, 1))
    vgfm_fit(x, "day", reduction = "pca", features = "gene1")
    vgfm_fit(x, "day", features = c("gene1", "Sox2"))
    vgfm_fit(x, "day", features = c("gene1", "gene1"))
    vgfm_fit(x, "day", assay = "ADT")
    vgfm_fit(x, "day", layer = "normalised")
    vgfm_fit(x, "orig.ident", reduction = "pca")
    vgfm_fit(x, "day", split.by = "donor")
    vgfm_fit(x, "day", split_by = "stage", reduction = "pca")
    vgfm_fit(x, "day", split_by = "donor", mass = list(a = 1:3))
    vgfm_fit(s, "day", reduction = "UMAP")
    vgfm_fit(s, "day", assay = "counts", layer = "data")
    predict(fit, s, 0)
    predict(genes, x["gene4", ], 0)
    predict(small_fit(), x, 0)
    RunVGFM(s, "day")
    runVGFM(x, "day")
  })
  expect_error(vgfm_fit(x, "days"), class = "vgfm_error_time")
  expect_error(vgfm_fit(x, "day", reduction = "umap"), class = "vgfm_error_x")
  expect_error(vgfm_fit(x, "day", split_by = "stage", reduction = "pca"),
               class = "vgfm_error_split_by")
})

test_that("an object cut to one gene or one cell is read like any other", {
  x <- small_seurat()
  genes <- quiet_fit(x, "day", features = c("gene4", "gene2"))
  one_gene <- quiet_fit(x, "day", features = "gene4")
  growth <- function(fit, ...) unname(predict(fit, ..., type = "growth"))
  expect_identical(growth(genes, x[, "cell7"], x$day[[7]]), growth(genes)[7])
  expect_identical(growth(one_gene, x["gene4", ]), growth(one_gene))
  expect_identical(growth(one_gene, x["gene4", "cell7"], x$day[[7]]), growth(one_gene)[7])
  expect_error(predict(genes, x["gene4", ], 0), "gene2", class = "vgfm_error_newdata")
  expect_error(predict(genes, x["gene4", "cell7"], 0), "gene2",
               class = "vgfm_error_newdata")
  # A reduction keeps the loadings of the genes that are left.
  reduced <- quiet_fit(x, "day", reduction = "pca")
  for (left in list("gene4", paste0("gene", c(2, 7, 60)))) {
    expect_identical(growth(reduced, x[left, ]), growth(reduced))
  }
})

test_that("cell names used twice are an error; no names are none", {
  s <- small_sce()
  named <- quiet_fit(s, "day")
  colnames(s)[2] <- "cell1"
  expect_error(vgfm_fit(s, "day"), "\"cell1\"", class = "vgfm_error_x")
  colnames(s) <- NULL
  fit <- quiet_fit(s, "day")
  expect_identical(fit$field, named$field)
  expect_identical(augment(fit, s)$cell, 1:150)
})

test_that("gene names used twice are an error, unless these genes have no part in it", {
  s <- small_sce()
  rownames(s)[2] <- "gene1"
  expect_error(vgfm_fit(s, "day", features = c("gene1", "gene3")), "gene1",
               class = "vgfm_error_x")
  expect_error(quiet_fit(s, "day", assay = "logcounts"), class = "vgfm_error_x")
  expect_s3_class(quiet_fit(s, "day", features = c("gene4", "gene3")), "vgfm")
})

test_that("the PCA is that of the default assay, and no velocity", {
  x <- small_seurat()
  x[["SCT"]] <- SeuratObject::CreateAssayObject(SeuratObject::GetAssayData(x))
  x[["sctpca"]] <- SeuratObject::CreateDimReducObject(
    2 * SeuratObject::Embeddings(x, "pca")[, 1:4], key = "SPC_", assay = "SCT"
  )
  reduction_of <- function(x) quiet_fit(x, "day")$snapshots$source$reduction
  expect_identical(reduction_of(x), "pca")
  SeuratObject::DefaultAssay(x) <- "SCT"
  expect_identical(reduction_of(x), "sctpca")
  x[["sctpca"]] <- x[["pca"]] <- NULL
  SeuratObject::DefaultAssay(x) <- "RNA"
  x <- quiet_fit(x, "day", name = "pca", fit = RunVGFM)
  x[["pca"]] <- NULL # where it has put the components that it made
  expect_identical(quiet_fit(x, "day")$snapshots$source$kind, "components")
})

test_that("a reduction of some of the cells says so", {
  x <- small_seurat()
  # As objects of version 5 may have it.
  x@reductions$part <- SeuratObject::CreateDimReducObject(
    SeuratObject::Embeddings(x, "pca")[1:140, ], key = "PART_", assay = "RNA"
  )
  expect_error(vgfm_fit(x, "day", reduction = "part"), "lacks 10 of 150",
               class = "vgfm_error_x")
  x$day[141:150] <- NA
  expect_s3_class(quiet_fit(x, "day", reduction = "part"), "vgfm")
})

test_that("times by name need a name for every cell", {
  x <- small_sce()
  time <- stats::setNames(x$day, colnames(x))
  expect_identical(quiet_fit(x, rev(time))$field, quiet_fit(x, "day")$field)
  names(time)[3] <- "another"
  expect_error(vgfm_fit(x, time), "cell3", class = "vgfm_error_time")
})

test_that("Seurat and scater spell a reduction in their own way", {
  x <- small_seurat()
  fit <- quiet_fit(x, "day")
  s <- Seurat::as.SingleCellExperiment(x)
  expect_equal(predict(fit, s, "day"), predict(fit))
})

test_that("one gene is no space of components", {
  x <- small_sce()["gene1", ]
  SingleCellExperiment::reducedDims(x) <- list()
  expect_error(vgfm_fit(x, "day"), "two genes", class = "vgfm_error_x")
})

test_that("axes of another PCA are not taken for those of the fit", {
  x <- small_seurat()
  fit <- quiet_fit(x, "day")
  other <- suppressWarnings(Seurat::RunPCA(x[, 20:150], npcs = 10, verbose = FALSE))
  expect_error(predict(fit, other), "axes are others", class = "vgfm_error_newdata")
  expect_equal(nrow(predict(fit, x[, 20:30])), 11)
})

test_that("layers of version 5 are read, split ones are to be joined", {
  skip_if_not(utils::packageVersion("SeuratObject") >= "5.0.0",
              "SeuratObject is older than 5, which needs a newer Matrix than this R has")
  so <- asNamespace("SeuratObject")
  data <- small_counts()
  x <- so$CreateSeuratObject(data$counts, meta.data = data$cells)
  expect_s4_class(x[["RNA"]], "Assay5")
  expect_error(vgfm_fit(x, "day"), "NormalizeData", class = "vgfm_error_x")
  values <- log1p(data$counts)
  x <- so$SetAssayData(x, layer = "data", new.data = values)
  genes <- c("gene7", "gene3")
  plain <- quiet_fit(t(as.matrix(values[genes, ])), data$cells$day)
  expect_identical(quiet_fit(x, "day", features = genes)[learned], plain[learned])
  out <- quiet_fit(x, "day", features = genes, fit = RunVGFM)
  expect_identical(SeuratObject::Tool(out, "RunVGFM")$field, plain$field)
  expect_equal(out$vgfm_growth, predict(plain, type = "growth"), ignore_attr = TRUE)
  parts <- x
  parts[["RNA"]] <- split(parts[["RNA"]], f = parts$donor)
  expect_error(vgfm_fit(parts, "day", features = genes), "JoinLayers",
               class = "vgfm_error_x")
  expect_identical(quiet_fit(so$JoinLayers(parts), "day", features = genes)$field,
                   plain$field)
})
