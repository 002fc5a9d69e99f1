# d f / d x of a function of one row of features, by central differences.
differences <- function(f, x, h = 1e-5) {
  vapply(seq_along(x), function(j) {
    step <- replace(0 * x, j, h)
    (f(x + step) - f(x - step)) / (2 * h)
  }, f(x))
}

quiet_genes <- function(...) suppressMessages(vgfm_growth_genes(...))

# The fields of one cell in double.
twin_fields <- function(fit, x, time) {
  s <- fit$snapshots
  f <- fit$field$heads
  unit <- 3 # the mean gap: cells are about as fast in both intervals
  input <- cbind(t((x - s$center) / s$scale), (time - s$times[1]) / unit)
  list(
    velocity = drop(f$velocity$scale * twin_network(f$velocity, input)) * s$scale / unit,
    growth = drop(f$growth$offset + f$growth$scale * twin_network(f$growth, input)) / unit
  )
}

test_that("derivatives agree with differences of the fields in double", {
  for (activation in c("silu", "tanh")) {
    fit <- small_fit(steps = 40, activation = activation)
    at <- c(1, 50, 160)
    x <- fit$snapshots$x[at, ]
    time <- c(2, 4.5, 8)
    jacobian <- vgfm_jacobian(fit, x, time)
    expect_identical(dim(jacobian), c(3L, 2L, 2L))
    for (c in 1:3) {
      field <- function(x) twin_fields(fit, x, time[c])
      expect_equal(unname(jacobian[c, , ]),
                   unname(differences(function(x) field(x)$velocity, x[c, ])),
                   tolerance = 1e-4)
      slope <- differences(function(x) field(x)$growth, x[c, ])
      genes <- vgfm_growth_genes(fit, x[c, , drop = FALSE], time[c])
      expect_equal(genes$partial[match(c("a", "b"), genes$gene)], slope,
                   tolerance = 1e-4)
      expect_true(all(is.na(genes$partial_sd)))
    }
  }
})

test_that("partial effects are mean and deviation over cells", {
  fit <- small_fit(steps = 40)
  s <- fit$snapshots
  each <- t(vapply(1:160, function(c) {
    genes <- vgfm_growth_genes(fit, s$x[c, , drop = FALSE], s$time[c])
    genes$partial[match(c("a", "b"), genes$gene)]
  }, c(0, 0)))
  table <- vgfm_growth_genes(fit)
  expect_false(is.unsorted(-abs(table$marginal)))
  table <- table[match(c("a", "b"), table$gene), ]
  expect_equal(table$partial, colMeans(each), tolerance = 1e-6)
  expect_equal(table$partial_sd, apply(each, 2, sd), tolerance = 1e-6)
})

test_that("the gene that drives growth is found", {
  # Cells double the sooner the more they have of `driver`; they do not move.
  set.seed(3)
  first <- cbind(driver = stats::runif(150), idle = stats::runif(150))
  second <- first[c(1:150, which(first[, "driver"] > stats::runif(150))), ]
  fit <- quiet_fit(rbind(first, second), rep(0:1, c(150, nrow(second))))
  table <- vgfm_growth_genes(vgfm_resume(fit, steps = 400))
  expect_identical(table$gene, c("driver", "idle"))
  # 5 to 75 over seven seeds
  expect_gt(table$partial[1], 2 * abs(table$partial[2]))
  expect_gt(table$marginal[1], 0.9)
})

test_that("rotations carry velocity and growth to genes", {
  fits <- list(
    quiet_fit(small_seurat(), "day", dims = 2:5),
    quiet_fit(small_sce(), "day", dims = 2:5),
    quiet_fit(small_seurat(), "day", assay = "RNA", dims = 2:5)
  )
  rotations <- list(
    SeuratObject::Loadings(small_seurat(), "pca")[, 2:5],
    attr(SingleCellExperiment::reducedDim(small_sce(), "PCA"), "rotation")[, 2:5],
    fits[[3]]$snapshots$source$rotation
  )
  for (k in seq_along(fits)) {
    fit <- fits[[k]]
    rotation <- rotations[[k]]
    velocity <- vgfm_gene_velocity(fit)
    expect_equal(velocity, predict(fit) %*% t(rotation))
    expect_equal(vgfm_gene_velocity(fit, genes = c("gene3", "gene1")),
                 velocity[, c("gene3", "gene1")])
    # The chain rule: a step along a gene is a step of its loadings.
    identity <- structure(diag(4), dimnames = list(fit$snapshots$features, NULL))
    features <- quiet_genes(fit, rotation = identity)
    slope <- features$partial[match(fit$snapshots$features, features$gene)]
    expect_message(table <- vgfm_growth_genes(fit), class = "vgfm_message_expression")
    expect_identical(attr(table, "expression"), "reconstructed")
    expect_equal(table$partial, drop(rotation[table$gene, ] %*% slope),
                 ignore_attr = TRUE)
    # Reconstructed, never made dense.
    values <- fit$snapshots$x %*% t(rotation)
    dense <- vgfm_growth_genes(fit, expression = values, rotation = rotation)
    expect_equal(dense, table, ignore_attr = TRUE, tolerance = 1e-6)
  }
})

test_that("a missing or wrong rotation and unknown genes are errors", {
  x <- small_seurat()
  bare <- SeuratObject::CreateDimReducObject(
    SeuratObject::Embeddings(x, "pca"), key = "PC_", assay = "RNA"
  )
  x[["pca"]] <- bare
  fit <- quiet_fit(x, "day", dims = 1:3)
  expect_snapshot(error = TRUE, {
    vgfm_gene_velocity(fit)
    vgfm_growth_genes(fit, rotation = diag(2))
    vgfm_growth_genes(small_fit(), genes = "c")
    vgfm_jacobian("fit")
  })
  rotation <- SeuratObject::Loadings(small_seurat(), "pca")[, 1:3]
  expect_equal(dim(vgfm_gene_velocity(fit, rotation = rotation)), c(150, 30))
})
