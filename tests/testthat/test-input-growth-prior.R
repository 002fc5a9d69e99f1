# Log-normalised values (cells, genes) of a culture whose genes of two programmes are
# called like those of the built-in sets.
culture_genes <- once(function() {
  set.seed(5)
  cells <- vgfm_simulate_culture(n = 150, genes = 600, components = 5, founders = 600,
                                 counts = TRUE)
  counts <- attr(cells, "counts")
  program <- attr(cells, "program")
  names <- paste0("other", seq_along(program))
  for (set in names(built_in_sets)) {
    rows <- which(program == set)
    names[rows] <- built_in_sets[[set]][seq_along(rows)]
  }
  rownames(counts) <- names
  values <- log1p(counts %*% Matrix::Diagonal(x = 600 / Matrix::colSums(counts)))
  dimnames(values) <- dimnames(counts)
  list(values = Matrix::t(values), counts = counts, cells = cells,
       growth = attr(cells, "growth"))
})

quiet_prior <- function(...) suppressMessages(vgfm_growth_prior(...))

test_that("rates from genes follow the growth that made them", {
  data <- culture_genes()
  prior <- quiet_prior(data$values)
  expect_s3_class(prior, "vgfm_growth_prior")
  expect_gt(cor(prior$rate, data$growth), 0.5)
  expect_identical(prior$cell, rownames(data$values))
  # Genes of neither programme say nothing.
  others <- grep("^other", colnames(data$values), value = TRUE)
  none <- quiet_prior(data$values, proliferation = others[400:424],
                      apoptosis = character())
  expect_lt(abs(cor(none$rate, data$growth)), 0.3)
})

test_that("doubling times and half-lives are where the scores end", {
  data <- culture_genes()
  prior <- quiet_prior(data$values, doubling = c(2, 8), half_life = c(1, 5))
  expect_equal(range(prior$birth), log(2) / c(8, 2))
  expect_equal(range(prior$death), log(2) / c(5, 1))
  expect_equal(prior$rate, prior$birth - prior$death)
  expect_identical(order(prior$birth[20:40]), order(pmin(pmax(
    prior$proliferation, quantile(prior$proliferation, 0.01)
  ), quantile(prior$proliferation, 0.99))[20:40]))
  half <- quiet_prior(data$values, doubling = c(4, 16), half_life = c(2, 10))
  expect_equal(half$rate, prior$rate / 2)
  births <- quiet_prior(data$values, apoptosis = character())
  expect_identical(births$death, numeric(nrow(births)))
})

test_that("a score is a mean of standardised values, and depth does not count", {
  set.seed(1)
  few <- matrix(rnorm(400), 40, dimnames = list(NULL, c(cycle_genes[1:6], letters[1:4])))
  prior <- quiet_prior(few, apoptosis = character())
  expect_equal(prior$proliferation, rowMeans(scale(few[, 1:6])))
  # All genes of a cell higher by the same number of standard deviations.
  wide <- matrix(rnorm(40 * 400), 40)
  colnames(wide) <- c(cycle_genes[1:80], paste0("g", 1:320))
  depth <- rep(c(0, 3), 20)
  deep <- quiet_prior(wide + depth, apoptosis = character())
  expect_lt(abs(cor(deep$proliferation, depth)), 0.35)
  expect_gt(cor(rowMeans((wide + depth)[, 1:80]), depth), 0.95)
})

test_that("matrices, sparse and delayed ones, tables and objects give the same", {
  data <- culture_genes()
  wanted <- quiet_prior(data$values)
  expect_equal(quiet_prior(as.matrix(data$values)), wanted)
  expect_equal(quiet_prior(as.data.frame(as.matrix(data$values))), wanted)
  skip_if_not_installed("DelayedArray")
  delayed <- getExportedValue("DelayedArray", "DelayedArray")
  expect_equal(quiet_prior(delayed(as.matrix(data$values))), wanted)
  skip_if_not_installed("SingleCellExperiment")
  sce <- SingleCellExperiment::SingleCellExperiment(
    list(counts = data$counts, logcounts = Matrix::t(data$values))
  )
  expect_equal(quiet_prior(sce), wanted)
  expect_warning(quiet_prior(sce, assay = "counts"), class = "vgfm_warning_counts")
  skip_if_not_installed("Seurat")
  x <- SeuratObject::CreateSeuratObject(data$counts)
  x <- Seurat::NormalizeData(x, scale.factor = 600, verbose = FALSE)
  expect_equal(quiet_prior(x), wanted)
})

test_that("mouse symbols and those of before are found", {
  data <- culture_genes()
  human <- data$values[, !colnames(data$values) %in% not_in_mice]
  mouse <- human
  colnames(mouse) <- ifelse(colnames(mouse) == "TP53", "Trp53", paste0(
    substr(colnames(mouse), 1, 1), tolower(substring(colnames(mouse), 2))
  ))
  expect_equal(quiet_prior(mouse, "mouse")$rate, quiet_prior(human)$rate)
  expect_error(quiet_prior(mouse), "is `species` right", class = "vgfm_error_genes")
  symbols <- species_symbols(death_genes, "mouse")
  expect_true(all(c("Trp53", "Casp3", "Pidd") %in% symbols))
  expect_false(any(c("Tp53", "Casp10", "Tnfrsf10a") %in% symbols))
  old <- data$values
  colnames(old)[colnames(old) == "CENPU"] <- "MLF1IP"
  expect_true("MLF1IP" %in% attr(quiet_prior(old), "genes")$proliferation)
  # Both names at once count once.
  both <- cbind(old, CENPU = old[, 1])
  found <- attr(quiet_prior(both), "genes")$proliferation
  expect_identical(intersect(c("CENPU", "MLF1IP"), found), "CENPU")
})

test_that("too few genes are an error, or no deaths; what was found is said", {
  data <- culture_genes()
  values <- data$values
  expect_message(vgfm_growth_prior(values),
                 "24 of 86 genes of proliferation and 24 of 36 genes of apoptosis",
                 class = "vgfm_message_genes")
  drop <- function(genes) values[, !colnames(values) %in% genes]
  expect_error(quiet_prior(drop(cycle_genes[-(1:4)])), class = "vgfm_error_genes")
  expect_warning(prior <- quiet_prior(drop(death_genes[-(1:4)])),
                 class = "vgfm_warning_genes")
  expect_true(all(prior$death == 0))
  expect_error(quiet_prior(values, apoptosis = c("nonsense", "none")),
               class = "vgfm_error_genes")
  expect_error(quiet_prior(values, proliferation = character(),
                           apoptosis = character()), class = "vgfm_error_genes")
  renamed <- values
  colnames(renamed) <- sprintf("ENSG%011d", seq_len(ncol(values)))
  expect_error(quiet_prior(renamed), "Ensembl", class = "vgfm_error_genes")
  for (times in list(1, c(2, 1), c(0, 1), c(1, NA), "day")) {
    expect_error(quiet_prior(values, doubling = times), class = "vgfm_error_input")
  }
  expect_error(quiet_prior(unname(as.matrix(values))), class = "vgfm_error_x")
  expect_output(print(quiet_prior(values)), "24 genes of proliferation")
})

test_that("the built-in sets have each gene once, and old names of their own genes", {
  expect_identical(lengths(built_in_sets), c(proliferation = 86L, apoptosis = 36L))
  expect_false(anyDuplicated(unlist(built_in_sets)) > 0)
  expect_true(all(c(names(old_symbols), names(mouse_only), not_in_mice) %in%
                    unlist(built_in_sets)))
  expect_false(any(old_symbols %in% unlist(built_in_sets)))
})
