test_that("augment() gives every cell of the fit what predict() says", {
  fit <- small_fit()
  table <- augment(fit)
  expect_named(table, c("cell", "time", "label", "a", "b", "vgfm_growth",
                        "vgfm_doubling_time", "vgfm_speed", "vgfm_descendants"))
  expect_identical(table$cell, 1:160)
  expect_identical(as.matrix(table[c("a", "b")]), small_cells()$x, ignore_attr = TRUE)
  expect_identical(table$vgfm_growth, unname(predict(fit, type = "growth")))
  expect_identical(table$vgfm_descendants, unname(predict(fit, type = "weight")))
  expect_equal(table$vgfm_speed^2, unname(rowSums(predict(fit)^2)))
  expect_identical(is.na(table$vgfm_doubling_time), table$vgfm_growth <= 0)
})

test_that("it joins what is known of other cells, NA where the time is not", {
  fit <- small_fit()
  cells <- data.frame(b = c(3, 0, 1), type = c("x", "y", "z"), a = c(3, 0, 1),
                      day = c(2, NA, 8), row.names = c("p", "q", "r"))
  table <- augment(fit, cells, "day")
  expect_identical(table[c("b", "type", "a", "day")], cells, ignore_attr = TRUE)
  expect_identical(table$cell, c("p", "q", "r"))
  expect_identical(is.na(table$vgfm_speed), c(FALSE, TRUE, FALSE))
  expect_identical(table$vgfm_growth[3],
                   predict(fit, cells[3, ], 8, "growth"), ignore_attr = TRUE)
  expect_identical(augment(fit, cells, 4)$vgfm_growth,
                   predict(fit, cells, 4, "growth"), ignore_attr = TRUE)
  none <- augment(fit, cells, c(NA, NA, NA))
  expect_true(all(is.na(none$vgfm_growth)))
  expect_error(augment(fit, cells), class = "vgfm_error_time")
})

test_that("it joins an object's metadata, and replaces what an earlier run left", {
  x <- small_seurat()
  x$stage[7] <- NA
  x <- quiet_fit(x, "stage", fit = RunVGFM)
  fit <- SeuratObject::Tool(x, "RunVGFM")
  table <- augment(fit, x)
  expect_identical(table$cell, colnames(x))
  expect_identical(table[names(x[[]])], x[[]], ignore_attr = TRUE)
  expect_equal(anyDuplicated(names(table)), 0)
  s <- small_sce()
  table <- augment(quiet_fit(s, "day"), s)
  expect_identical(table$donor, s$donor)
  expect_false(anyNA(table$vgfm_growth))
})

test_that("columns of the data that have a name of the table's own are kept", {
  fit <- small_fit(steps = 5)
  cells <- data.frame(small_cells()$x[1:3, ], cell = c("x", "y", "z"), label = 1:3)
  table <- augment(fit, cells, 2)
  expect_identical(table$cell.1, cells$cell)
  expect_identical(table$label, cells$label)
  expect_identical(table$cell, 1:3)
})
