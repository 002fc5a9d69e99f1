# Growth that is known: `rate`, a function of the state.
with_growth <- function(rate, env = parent.frame()) {
  local_function("evaluate_field", function(fit, x, time, call = NULL) {
    list(velocity = 0 * x, growth = rate(x))
  }, env)
}

# Expression of the 160 cells of small_fit(): genes a, b as they are, `none` without
# meaning, `flat` constant.
small_expression <- function() {
  cells <- small_cells()
  set.seed(5)
  values <- cbind(cells$x, none = stats::rpois(160, 0.5) + 0.5, flat = 2)
  rownames(values) <- paste0("cell", 1:160)
  values
}

small_groups <- function() rep(c("x", "y", NA), c(60, 70, 30))

quiet_genes <- function(...) suppressMessages(vgfm_growth_genes(...))

test_that("a gene that growth is made of has correlation 1 and that slope", {
  fit <- small_fit(steps = 10)
  with_growth(function(x) 3 - 0.5 * x[, "a"])
  table <- quiet_genes(fit, expression = small_expression(), average = 0)
  expect_identical(table$gene[1], "a")
  expect_equal(table$marginal[1], -1)
  expect_equal(table$marginal_slope[1], -0.5)
  expect_true(is.na(table$marginal[table$gene == "flat"]))
  expect_identical(table$gene[4], "flat")
})

test_that("associations are those of cor() and lm(), within and between groups", {
  fit <- small_fit(steps = 10)
  rate <- function(x) x[, "a"]^2 - x[, "b"]
  with_growth(rate)
  values <- small_expression()
  group <- small_groups()
  table <- quiet_genes(fit, expression = values, by = group, average = 0)
  growth <- rate(fit$snapshots$x)
  known <- !is.na(group)
  mean_of <- function(v) ave(v[known], group[known])
  expect_identical(levels(table$group), c("x", "y", "within groups", "between groups"))
  for (gene in c("a", "b", "none")) {
    e <- values[, gene]
    pairs <- list(
      x = list(e[which(group == "x")], growth[which(group == "x")]),
      y = list(e[which(group == "y")], growth[which(group == "y")]),
      "within groups" = list(e[known] - mean_of(e), growth[known] - mean_of(growth)),
      "between groups" = list(e[known], mean_of(growth))
    )
    for (level in names(pairs)) {
      row <- table[table$gene == gene & table$group == level, ]
      pair <- pairs[[level]]
      expect_equal(row$marginal, stats::cor(pair[[1]], pair[[2]]))
      slope <- unname(stats::coef(stats::lm(pair[[2]] ~ pair[[1]]))[2])
      expect_equal(row$marginal_slope, slope)
    }
  }
  expect_identical(unique(table$cells[table$group == "x"]), 60)
})

test_that("by time is by the observed times", {
  fit <- small_fit(steps = 10)
  with_growth(function(x) x[, "a"] + x[, "b"])
  values <- small_expression()
  time <- fit$snapshots$time
  by_time <- quiet_genes(fit, expression = values, by = "time")
  by_label <- quiet_genes(fit, expression = values, by = time)
  expect_identical(levels(by_time$group),
                   c("2", "4", "8", "within times", "between times"))
  expect_equal(by_time[-2], by_label[-2])
})

test_that("sparse, delayed and dense expression, of all or some genes, agree", {
  fit <- small_fit(steps = 40)
  values <- small_expression()
  values[, "none"] <- values[, "none"] - 0.5
  ask <- function(x, ...) quiet_genes(fit, expression = x, by = small_groups(), ...)
  dense <- ask(values)
  expect_equal(ask(Matrix::Matrix(values, sparse = TRUE)), dense)
  expect_equal(ask(as.data.frame(values)), dense)
  some <- ask(Matrix::Matrix(values, sparse = TRUE), genes = c("none", "a"))
  expect_equal(some, dense[dense$gene %in% c("none", "a"), ], ignore_attr = TRUE)
  skip_if_not_installed("DelayedArray")
  expect_equal(ask(DelayedArray::DelayedArray(values)), dense)
})

test_that("expression goes by the names of cells, in objects too", {
  cells <- small_cells()
  names <- paste0("cell", 1:160)
  set.seed(1)
  fit <- vgfm_fit(structure(cells$x, dimnames = list(names, c("a", "b"))), cells$time,
                  control = small_control(steps = 40))
  values <- small_expression()
  table <- quiet_genes(fit, expression = values)
  expect_equal(quiet_genes(fit, expression = values[160:1, ]), table)
  more <- rbind(values, other = 9)
  expect_equal(quiet_genes(fit, expression = more[161:1, ]), table)
  skip_if_not_installed("SingleCellExperiment")
  sce <- SingleCellExperiment::SingleCellExperiment(list(logcounts = t(values)))
  expect_equal(quiet_genes(fit, expression = sce), table)
  expect_equal(quiet_genes(fit, expression = sce[, 160:1], assay = "logcounts"), table)
  skip_if_not_installed("SeuratObject")
  counts <- Matrix::Matrix(t(values), sparse = TRUE)
  seurat <- SeuratObject::CreateSeuratObject(counts)
  seurat <- SeuratObject::SetAssayData(seurat, "data", counts)
  expect_equal(quiet_genes(fit, expression = seurat), table)
})

test_that("a fit of a reduction takes the genes of its object", {
  x <- small_sce()
  fit <- quiet_fit(x, "day", dims = 1:4)
  values <- t(as.matrix(SingleCellExperiment::logcounts(x)))
  table <- vgfm_growth_genes(fit, expression = x)
  expect_identical(attr(table, "expression"), "measured")
  expect_equal(vgfm_growth_genes(fit, expression = values), table)
  expect_equal(vgfm_growth_genes(fit, x), table, tolerance = 1e-6)
  expect_false(anyNA(table$partial))
})

test_that("expression that does not fit is refused", {
  fit <- small_fit(steps = 10)
  values <- unname(small_expression())
  colnames(values) <- c("a", "b", "none", "flat")
  broken <- values
  broken[3, 2] <- NA
  twice <- structure(values, dimnames = list(NULL, c("a", "a", "b", "c")))
  expect_snapshot(error = TRUE, {
    vgfm_growth_genes(fit, expression = t(values))
    vgfm_growth_genes(fit, expression = `colnames<-`(t(values), 1:160))
    vgfm_growth_genes(fit, expression = values[1:10, ])
    vgfm_growth_genes(fit, expression = broken)
    vgfm_growth_genes(fit, expression = twice)
    vgfm_growth_genes(fit, expression = unname(values))
    vgfm_growth_genes(fit, expression = values, genes = c("a", "zz"))
    vgfm_growth_genes(fit, expression = values, layer = "data")
    vgfm_growth_genes(fit, by = c("u", "v"))
    vgfm_growth_genes(fit, fit$snapshots$x[1:3, ], 2, by = "u")
  })
  counts <- values
  counts[] <- 1:5
  expect_warning(quiet_genes(fit, expression = counts), class = "vgfm_warning_counts")
})

test_that("few cells and constant growth have no association", {
  fit <- small_fit(steps = 10)
  values <- small_expression()
  group <- rep(c("one", "two", "rest"), c(1, 2, 157))
  table <- quiet_genes(fit, expression = values, by = group)
  small <- table[table$group %in% c("one", "two"), ]
  expect_true(all(is.na(small$marginal)))
  expect_identical(small$cells, rep(c(1, 2), each = 4))
  expect_true(is.na(small$partial_sd[small$group == "one" & small$gene == "a"]))
  with_growth(function(x) rep(0.3, nrow(x)))
  expect_true(all(is.na(quiet_genes(fit, expression = values)$marginal)))
})

test_that("growth is averaged over the nearest cells", {
  fit <- small_fit(steps = 10)
  set.seed(2)
  noise <- stats::rnorm(160)
  with_growth(function(x) if (nrow(x) == 160) noise else noise[1])
  values <- small_expression()
  near <- apply(as.matrix(stats::dist(fit$snapshots$x)), 1, function(d) order(d)[1:6])
  expect_equal(
    quiet_genes(fit, expression = values, genes = "a", average = 5)$marginal,
    stats::cor(values[, "a"], colMeans(matrix(noise[near], 6))), tolerance = 1e-6
  )
})

test_that("without a rotation there are no partial effects, and a message", {
  fit <- small_fit(steps = 10)
  values <- small_expression()
  colnames(values) <- paste0("gene", 1:4)
  expect_message(table <- vgfm_growth_genes(fit, expression = values),
                 class = "vgfm_message_expression")
  expect_true(all(is.na(table$partial)))
  rotation <- structure(matrix(1:8 / 10, 4), dimnames = list(colnames(values), NULL))
  expect_no_message(full <- vgfm_growth_genes(fit, expression = values,
                                              rotation = rotation))
  features <- vgfm_growth_genes(fit)
  slope <- features$partial[match(c("a", "b"), features$gene)]
  expect_equal(full$partial, drop(rotation[full$gene, ] %*% slope), ignore_attr = TRUE)
})

test_that("cell-cycle genes that fall with growth warn, and only then", {
  fit <- small_fit(steps = 10)
  set.seed(7)
  high <- fit$snapshots$x[, "a"] + stats::rnorm(160, sd = 0.3)
  values <- high + matrix(stats::rnorm(160 * 8, sd = 0.5), 160)
  colnames(values) <- cycle <- c("MKI67", "TOP2A", "CDK1", "PCNA", "MCM2", "AURKA",
                                 "CENPF", "BUB1")
  ask <- function(names = cycle, ...) {
    colnames(values) <- names
    quiet_genes(fit, expression = values, ...)
  }
  with_growth(function(x) -x[, "a"])
  expect_warning(ask(), class = "vgfm_warning_cycle")
  expect_warning(ask(tools::toTitleCase(tolower(cycle))), class = "vgfm_warning_cycle")
  expect_no_warning(ask(paste0("gene", 1:8)))
  expect_no_warning(ask(c(cycle[1:4], paste0("gene", 1:4)))) # too few of them
  with_growth(function(x) x[, "a"])
  expect_no_warning(ask())
  # Over all cells they rise, within a group they fall.
  group <- rep(c("x", "y"), c(60, 100))
  with_growth(function(x) {
    ifelse(group == "x", -x[, "a"], 5 * x[, "a"])
  })
  expect_warning(ask(by = group, average = 0), "within x", class = "vgfm_warning_cycle")
})

test_that("a fit of one feature has its gene by group and time, and genes are named", {
  cells <- small_cells()
  set.seed(1)
  fit <- vgfm_fit(cells$x[, "a", drop = FALSE], cells$time, control = small_control())
  with_growth(function(x) 1 + 2 * x[, "a"])
  for (by in list(small_groups(), "time")) {
    table <- suppressWarnings(quiet_genes(fit, by = by, average = 0))
    expect_identical(unique(table$gene), "a")
    inside <- !grepl("^between", table$group)
    expect_equal(table$marginal_slope[inside], rep(2, sum(inside)))
  }
  expect_error(quiet_genes(fit, genes = character()), class = "vgfm_error_genes")
})
