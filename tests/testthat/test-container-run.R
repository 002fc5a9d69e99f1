columns <- paste0("vgfm_", c("growth", "doubling_time", "speed", "descendants"))
annotate <- function(fun, ...) quiet_fit(..., fit = fun)

# What the columns say, from predict() alone.
expected_columns <- function(fit) {
  growth <- predict(fit, type = "growth")
  data.frame(
    vgfm_growth = growth, vgfm_doubling_time = ifelse(growth > 0, log(2) / growth, NA),
    vgfm_speed = apply(predict(fit), 1, function(v) sqrt(sum(v^2))),
    vgfm_descendants = predict(fit, type = "weight")
  )
}

test_that("RunVGFM() puts fields, velocity, fit and call where Seurat keeps them", {
  x <- small_seurat()
  fit <- quiet_fit(x, "day", reduction = "pca", dims = 1:5)
  out <- annotate(RunVGFM, x, "day", reduction = "pca", dims = 1:5)
  expect_identical(SeuratObject::Tool(out, "RunVGFM")$field, fit$field)
  expect_equal(out[[]][columns], expected_columns(fit))
  expect_identical(out[[]][names(x[[]])], x[[]])
  velocity <- SeuratObject::Embeddings(out, "vgfm_velocity")
  expect_identical(unname(velocity), unname(predict(fit)))
  expect_identical(dimnames(velocity), list(colnames(x), paste0("VGFMVEL_", 1:5)))
  expect_identical(SeuratObject::Key(out[["vgfm_velocity"]]), "VGFMVEL_",
                   ignore_attr = TRUE)
  command <- SeuratObject::Command(out, "RunVGFM.RNA.pca")
  expect_output(print(command), "dims : 1 2 3 4 5.*steps = 40")
  # The same place where the reduction is not named.
  again <- annotate(RunVGFM, out, "day")
  expect_identical(SeuratObject::Command(again), SeuratObject::Command(out))
  expect_identical(out[["pca"]], x[["pca"]])
  expect_true(validObject(out))
})

test_that("runVGFM() puts them where SingleCellExperiment keeps them", {
  x <- small_sce()
  fit <- quiet_fit(x, "day", dims = 1:5)
  out <- annotate(runVGFM, x, "day", dims = 1:5)
  expect_identical(S4Vectors::metadata(out)$vgfm$field, fit$field)
  data <- SummarizedExperiment::colData(out)
  expect_equal(as.data.frame(data[columns]), expected_columns(fit))
  expect_identical(SingleCellExperiment::reducedDim(out, "VGFM_velocity"), predict(fit))
  expect_identical(data[names(SummarizedExperiment::colData(x))],
                   SummarizedExperiment::colData(x))
  expect_true(validObject(out))
})

test_that("descendants follow the growth that was put in", {
  x <- small_seurat()
  out <- annotate(RunVGFM, x, "day", dims = 1:5, mass = c(1, 4, 16))
  first <- out$vgfm_descendants[x$day == 0]
  # Cells of the first day become 16 times as many; a short fit, so roughly.
  expect_equal(mean(first), 16, tolerance = 0.25)
  expect_equal(unname(out$vgfm_descendants[x$day == 5]), rep(1, 60))
})

test_that("cells that were left out have NA, and all else is in its place", {
  keep <- c(1:9, 21:150)
  for (kind in c("seurat", "sce")) {
    x <- if (kind == "seurat") small_seurat() else small_sce()
    run <- if (kind == "seurat") RunVGFM else runVGFM
    x$day[10:20] <- NA
    out <- annotate(run, x, "day")
    fit <- quiet_fit(x, "day")
    expect_identical(which(is.na(out$vgfm_growth)), 10:20, ignore_attr = TRUE)
    expect_identical(unname(out$vgfm_growth[keep]), unname(predict(fit, type = "growth")))
    velocity <- read_reduction(out, reduction_names(out)[2])$x
    expect_identical(unname(velocity[keep, ]), unname(predict(fit)))
    expect_true(all(is.na(velocity[10:20, ])))
    expect_identical(rownames(velocity), colnames(x))
  }
})

test_that("every cell has the fit of its replicate", {
  x <- small_seurat()
  out <- annotate(RunVGFM, x, "day", split_by = "donor")
  fits <- SeuratObject::Tool(out, "RunVGFM")
  for (donor in c("a", "b")) {
    expect_identical(out$vgfm_growth[x$donor == donor],
                     predict(fits[[donor]], type = "growth"))
  }
})

test_that("an annotated object can be subset and merged, and annotated again", {
  x <- small_seurat()
  out <- annotate(RunVGFM, x, "day")
  part <- subset(out, subset = vgfm_growth > stats::median(out$vgfm_growth))
  expect_equal(ncol(part), 75)
  expect_identical(part$vgfm_speed, out$vgfm_speed[colnames(part)])
  expect_identical(rownames(SeuratObject::Embeddings(part, "vgfm_velocity")),
                   colnames(part))
  # Seurat 5 merges all reductions or none.
  all <- utils::packageVersion("SeuratObject") >= "5"
  both <- merge(out, SeuratObject::RenameCells(x, add.cell.id = "other"),
                merge.dr = if (all) TRUE else "pca")
  expect_identical(both$vgfm_growth[1:150], out$vgfm_growth)
  expect_true(all(is.na(both$vgfm_growth[151:300])))
  again <- annotate(RunVGFM, out, "day", dims = 1:3)
  expect_equal(ncol(SeuratObject::Embeddings(again, "vgfm_velocity")), 3)
  expect_named(again[[]], names(out[[]]))
  two <- annotate(RunVGFM, out, "day", dims = 1:3, name = "second")
  expect_identical(two[[]][columns], out[[]][columns])
  expect_identical(two$second_growth, again$vgfm_growth)
  sce <- annotate(runVGFM, small_sce(), "day")
  some <- sce[, sce$vgfm_growth > 0]
  both <- SingleCellExperiment::cbind(some, some)
  expect_identical(both$vgfm_growth, rep(some$vgfm_growth, 2))
})

test_that("the tool is found whatever the call looked like", {
  x <- small_seurat()
  control <- small_control(steps = 1)
  piped <- suppressMessages(x |> RunVGFM("day", control = control))
  applied <- suppressMessages(lapply(list(x), RunVGFM, "day", control = control))[[1]]
  called <- suppressMessages(
    do.call(vgfm::RunVGFM, list(x, "day", control = control), quote = TRUE)
  )
  for (out in list(piped, applied, called)) {
    expect_s3_class(SeuratObject::Tool(out, "RunVGFM"), "vgfm")
  }
})

test_that("Seurat and scater draw what was added", {
  draws <- function(plot) {
    file <- tempfile(fileext = ".png")
    on.exit(unlink(file))
    grDevices::png(file)
    suppressWarnings(print(plot)) # says how many NA it does not draw
    grDevices::dev.off()
    expect_gt(file.size(file), 1000)
  }
  x <- small_seurat()
  x$day[6:10] <- NA
  out <- annotate(RunVGFM, x, "day")
  for (column in columns) draws(Seurat::FeaturePlot(out, column, reduction = "pca"))
  draws(Seurat::VlnPlot(out, "vgfm_growth", group.by = "stage"))
  sce <- annotate(runVGFM, small_sce(), "day")
  draws(scater::plotReducedDim(sce, "PCA", colour_by = "vgfm_growth"))
  draws(scater::plotColData(sce, "vgfm_descendants", x = "stage"))
})

test_that("runs of different names keep their fits and their calls", {
  x <- small_seurat()
  one <- annotate(RunVGFM, x, "day", dims = 1:5)
  two <- annotate(RunVGFM, one, "day", dims = 1:3, name = "alt")
  first <- SeuratObject::Tool(one, "RunVGFM")
  expect_identical(SeuratObject::Tool(two, "RunVGFM"), first)
  second <- SeuratObject::Tool(two, "RunVGFM.alt")
  expect_identical(second$snapshots$source$dims, 1:3)
  expect_identical(unname(two$alt_growth), unname(predict(second, type = "growth")))
  commands <- SeuratObject::Command(two)
  expect_true(all(c("RunVGFM.RNA.pca", "RunVGFM.RNA.pca.alt") %in% commands))
  dims <- function(name) slot(SeuratObject::Command(two, name), "params")$dims
  expect_identical(dims("RunVGFM.RNA.pca"), 1:5)
  expect_identical(dims("RunVGFM.RNA.pca.alt"), 1:3)
  s <- annotate(runVGFM, annotate(runVGFM, small_sce(), "day", dims = 1:5), "day",
                dims = 1:3, name = "alt")
  expect_identical(S4Vectors::metadata(s)$vgfm$snapshots$source$dims, 1:5)
  expect_identical(S4Vectors::metadata(s)$alt$snapshots$source$dims, 1:3)
})

test_that("labels and pictures of a subset are taken, by the names of its cells", {
  x <- annotate(RunVGFM, small_seurat(), "day", dims = 1:5)
  part <- subset(x, cells = colnames(x)[seq(1, 150, 2)])
  fit <- SeuratObject::Tool(part, "RunVGFM")
  quiet <- function(code) suppressMessages(code, classes = "vgfm_message_left_out")
  expect_message(vgfm_fates(fit, part$donor, part), "75 of 150",
                 class = "vgfm_message_left_out")
  fates <- quiet(vgfm_fates(fit, part$stage, part))
  expect_setequal(fates$cell, colnames(part))
  expect_identical(quiet(vgfm_fates(fit, part[["stage"]], part)), fates)
  # Those of the subset alone count: the same with NA for the others.
  stage <- x$stage
  stage[!colnames(x) %in% colnames(part)] <- NA
  expect_identical(vgfm_fates(fit, stage, part), fates)
  picture <- SeuratObject::Embeddings(part, "pca")[, 1:2]
  arrows <- quiet(vgfm_embed(fit, picture, group = part$donor))
  expect_identical(arrows$cell, colnames(part))
  figure <- quiet(autoplot(fit, "growth", embedding = picture, group = part$stage))
  expect_equal(nrow(ggplot2::ggplot_build(figure)$data[[1]]), 75)
  s <- annotate(runVGFM, small_sce(), "day")
  part <- s[, seq(1, 150, 2)]
  fit <- S4Vectors::metadata(part)$vgfm
  # Bioconductor's columns have no names.
  error <- expect_error(vgfm_fates(fit, part$donor), class = "vgfm_error_input")
  expect_match(conditionMessage(error), "setNames")
  labels <- stats::setNames(part$donor, colnames(part))
  expect_setequal(quiet(vgfm_fates(fit, labels, part))$cell, colnames(part))
})
