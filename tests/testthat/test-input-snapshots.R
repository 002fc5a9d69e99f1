cells <- function(n = 6, d = 2) {
  matrix(as.double(seq_len(n * d))^2, n, d, dimnames = list(NULL, letters[seq_len(d)]))
}
time <- c(0, 0, 1, 1, 1, 3)

test_that("snapshots hold what was passed", {
  s <- new_snapshots(cells(), time)
  expect_s3_class(s, "vgfm_snapshots")
  expect_identical(s$x, cells())
  expect_identical(s$features, c("a", "b"))
  expect_true(s$named)
  expect_identical(s$time, time)
  expect_identical(s$times, c(0, 1, 3))
  expect_identical(s$labels, c("0", "1", "3"))
  expect_identical(s$index, c(1L, 1L, 2L, 2L, 2L, 3L))
  expect_identical(s$counts, c(2L, 3L, 1L))
  expect_identical(s$mass, c(1, 1.5, 0.5))
})

test_that("cells keep their place and their names whatever the order of time", {
  x <- cells()
  rownames(x) <- paste0("cell", 1:6)
  s <- new_snapshots(x, rev(time))
  expect_identical(s$x, x)
  expect_identical(s$index, c(3L, 2L, 2L, 2L, 1L, 1L))
})

test_that("matrix, data frame and sparse matrix give the same", {
  wanted <- new_snapshots(cells(), time)
  table <- as.data.frame(cells())
  expect_identical(new_snapshots(table, time), wanted)
  by_column <- new_snapshots(cbind(day = time, table), "day")
  expect_identical(by_column$clock$column, "day")
  by_column$clock$column <- NULL
  expect_identical(by_column, wanted)
  expect_identical(new_snapshots(Matrix::Matrix(cells(), sparse = TRUE), time), wanted)
  whole <- cells()
  storage.mode(whole) <- "integer"
  expect_identical(new_snapshots(whole, time), wanted)
  expect_identical(new_snapshots(cells(), matrix(time)), wanted)
  expect_identical(new_snapshots(cells(), data.frame(day = time)), wanted)
})

test_that("features without names are called by their place", {
  s <- new_snapshots(unname(cells()), time)
  expect_identical(s$features, c("x1", "x2"))
  expect_false(s$named)
  x <- cells()
  colnames(x) <- c("", "b")
  expect_identical(new_snapshots(x, time)$features, c("x1", "b"))
})

test_that("centre and scale are those of the definition", {
  x <- cells(6, 3)
  s <- new_snapshots(x, time)
  expect_equal(s$center, colMeans(x))
  variance <- apply(x, 2, function(v) mean((v - mean(v))^2))
  expect_equal(s$scale, sqrt(mean(variance)))
})

test_that("scale follows the unit exactly, from 1e-300 to 1e300, and ignores an offset", {
  x <- cells()
  scale <- new_snapshots(x, time)$scale
  for (unit in 2^c(-990, -27, 27, 990)) {
    expect_identical(new_snapshots(x * unit, time)$scale, scale * unit)
  }
  # Sixteenths beside 1e8 are exact in double precision.
  offset <- new_snapshots(x / 16 + 1e8, time)
  expect_equal(offset$scale, scale / 16, tolerance = 1e-14)
  expect_equal(offset$center - 1e8, colMeans(x) / 16, tolerance = 1e-7)
  for (size in c(1e8, 1e-8)) {
    expect_equal(new_snapshots(x * size, time)$scale, scale * size)
  }
})

test_that("constant features and duplicated cells work", {
  x <- cbind(cells(), c = 0.1)
  s <- new_snapshots(x, time)
  expect_identical(s$center[["c"]], 0.1)
  expect_equal(s$scale, new_snapshots(cells(), time)$scale * sqrt(2 / 3))
  same <- matrix(0.1, 6, 2)
  expect_identical(new_snapshots(same, time)$scale, 1)
  twice <- cells()[c(1, 1, 1, 2, 2, 2), ]
  expect_identical(new_snapshots(twice, time)$counts, c(2L, 3L, 1L))
})

test_that("a measured mass is relative to the first time, in order or by name", {
  expect_identical(new_snapshots(cells(), time, mass = c(2, 4, 8))$mass, c(1, 2, 4))
  by_name <- c("3" = 8, "0" = 2, "1" = 4)
  expect_identical(new_snapshots(cells(), time, mass = by_name)$mass, c(1, 2, 4))
  label <- paste("day", time)
  expect_identical(
    suppressMessages(
      new_snapshots(cells(), label, mass = c("day 1" = 4, "day 0" = 2, "day 3" = 8))$mass
    ),
    c(1, 2, 4)
  )
})

test_that("a bad mass is an error", {
  bad <- list(
    c(1, 2), 1:6, c(1, 0, 2), c(1, -1, 2), c(1, NA, 2), c(1, Inf, 2), "1", NULL,
    c(a = 1, b = 2, c = 3), c("0" = 1, "0" = 2, "3" = 1)
  )
  for (mass in Filter(length, bad)) {
    expect_error(new_snapshots(cells(), time, mass), class = "vgfm_error_mass")
  }
  expect_snapshot(error = TRUE, {
    new_snapshots(cells(), time, mass = c(1, 2))
    new_snapshots(cells(), time, mass = c(1, -1, 2))
    new_snapshots(cells(), time, mass = c(E1 = 1, E2 = 2, E3 = 3))
  })
})

test_that("missing and infinite values are found and named", {
  for (bad in c(NA, NaN, Inf, -Inf)) {
    x <- cells()
    x[4, 2] <- bad
    expect_error(new_snapshots(x, time), class = "vgfm_error_x")
    expect_error(new_snapshots(as.data.frame(x), time), class = "vgfm_error_x")
  }
  x <- cells()
  x[4:5, 2] <- c(NaN, NA)
  rownames(x) <- paste0("cell", 1:6)
  expect_snapshot(new_snapshots(x, time), error = TRUE)
})

test_that("finite values whose sum overflows are no error of that kind", {
  x <- matrix(c(8e307, 9e307, 7e307, 8e307), 4, 1)
  expect_equal(new_snapshots(x, c(0, 0, 1, 1))$center, c(x1 = 8e307))
})

test_that("what is not a table of numbers is an error that names the column", {
  table <- data.frame(a = 1:6, type = letters[1:6], b = TRUE)
  expect_error(new_snapshots(table, time), class = "vgfm_error_x")
  text <- matrix("a", 6, 2)
  for (x in list(1:6, "a", NULL, list(1, 2), text, cells() > 4, cells() + 1i)) {
    expect_error(new_snapshots(x, time), class = "vgfm_error_x")
  }
  expect_snapshot(error = TRUE, {
    new_snapshots(table, time)
    new_snapshots(cells() > 4, time)
  })
})

test_that("too few cells or features, and features of one name, are errors", {
  expect_error(new_snapshots(cells()[0, ], numeric()), class = "vgfm_error_x")
  expect_error(new_snapshots(cells()[1, , drop = FALSE], 0), class = "vgfm_error_x")
  expect_error(new_snapshots(cells()[, 0], time), class = "vgfm_error_x")
  expect_error(new_snapshots(as.data.frame(cells())[, 0], time), class = "vgfm_error_x")
  x <- cells()
  colnames(x) <- c("a", "a")
  expect_snapshot(error = TRUE, {
    new_snapshots(cells()[1, , drop = FALSE], 0)
    new_snapshots(cells()[, 0], time)
    new_snapshots(x, time)
  })
})

test_that("a sparse matrix too large to be dense is refused before it is made so", {
  x <- Matrix::sparseMatrix(1, 1, x = 1, dims = c(1e5, 3e4))
  expect_error(new_snapshots(x, rep(0:1, 5e4)), class = "vgfm_error_x")
})

test_that("newdata is put into the order of the fit by name", {
  known <- new_snapshots(cells(6, 3), time)
  x <- cells(2, 3)
  expect_identical(check_newdata(known, x), x)
  expect_identical(check_newdata(known, x[, c("c", "a", "b")]), x)
  expect_identical(check_newdata(known, unname(x)), x)
  table <- data.frame(c = x[, "c"], type = "T", a = x[, "a"], b = x[, "b"])
  expect_identical(check_newdata(known, table), x)
})

test_that("newdata goes by place where a side has no names", {
  known <- new_snapshots(unname(cells(6, 3)), time)
  x <- cells(2, 3)
  expect_identical(unname(check_newdata(known, x)), unname(x))
  expect_identical(colnames(check_newdata(known, x)), c("x1", "x2", "x3"))
  colnames(x) <- c("x3", "x2", "x1")
  expect_warning(found <- check_newdata(known, x), class = "vgfm_warning_extrapolation")
  expect_identical(found, x[, 3:1])
})

test_that("newdata with other features is an error", {
  known <- new_snapshots(cells(6, 3), time)
  x <- cells(2, 3)
  colnames(x)[3] <- "z"
  more <- cbind(cells(2, 3), 1)
  bad <- list(x, cells(2, 2), cells(2, 4), unname(cells(2, 2)), more, 1:3)
  for (newdata in bad) {
    expect_error(check_newdata(known, newdata), class = "vgfm_error_newdata")
  }
  expect_snapshot(error = TRUE, {
    check_newdata(known, x)
    check_newdata(known, unname(cells(2, 2)))
  })
})

test_that("delayed values give what the matrix gives, bit for bit", {
  skip_if_not_installed("DelayedArray")
  cells <- small_cells()
  # Values yet to be computed, in rows and columns that have to be put together.
  delayed <- t(DelayedArray::DelayedArray(t(cells$x)) * 3)[, 2:1]
  matrix <- (cells$x * 3)[, 2:1]
  old <- DelayedArray::getAutoBlockSize()
  on.exit(suppressMessages(DelayedArray::setAutoBlockSize(old)))
  for (size in c(1e8, 300, 8)) {
    suppressMessages(DelayedArray::setAutoBlockSize(size))
    expect_identical(new_snapshots(delayed, cells$time),
                     new_snapshots(matrix, cells$time))
  }
  suppressMessages(DelayedArray::setAutoBlockSize(old))
  fit <- small_fit(steps = 3)
  expect_identical(predict(fit, delayed / 3, 2), predict(fit, matrix / 3, 2))
  counts <- DelayedArray::DelayedArray(matrix(1:12, 4))
  expect_identical(as_cells(counts)$x, as_cells(matrix(1:12, 4))$x)
  expect_error(as_cells(DelayedArray::DelayedArray(matrix(c(1, NA, 2, 3), 2))),
               class = "vgfm_error_x")
  skip_if_not_installed("HDF5Array")
  on_disk <- HDF5Array::writeHDF5Array(cells$x, tempfile(), "x", with.dimnames = TRUE)
  expect_identical(as_cells(on_disk)$x, cells$x)
})

test_that("a plain matrix is not copied, and never changed", {
  cells <- small_cells()
  cells$x[1, 1] <- cells$x[1, 1] # a copy of its own
  before <- cells$x + 0
  snapshots <- new_snapshots(cells$x, cells$time)
  expect_identical(snapshots$x, before)
  expect_identical(cells$x, before)
  expect_identical(rlang::obj_address(snapshots$x), rlang::obj_address(cells$x))
})

test_that("standard units are what they say, for any rows", {
  cells <- small_cells()
  s <- new_snapshots(cells$x, cells$time)
  rows <- c(160L, 3L, 77L)
  want <- t(sweep(cells$x, 2, s$center) / s$scale)
  expect_identical(standard_cells(s$x, rows, s), unname(want[, rows]))
  expect_identical(standard_cells(s$x, integer(), s), matrix(0, 2, 0))
  raw <- standard_cells(s$x, 1:160, s, single = TRUE)
  floats <- readBin(raw, "numeric", 320, size = 4)
  expect_equal(floats, as.vector(want), tolerance = 2^-24)
})

test_that("times of few cells warn, and times of one cell each are an error", {
  control <- small_control(steps = 0)
  cells <- small_cells()
  rows <- c(1:30, 31:39, 71:160)
  expect_warning(vgfm_fit(cells$x[rows, ], cells$time[rows], 1:3, control = control),
                 "9 at \"4\"", class = "vgfm_warning_small")
  rows <- c(1:30, 31:40, 71:160)
  expect_no_warning(vgfm_fit(cells$x[rows, ], cells$time[rows], 1:3, control = control))
  # Pseudotime: the remedy that the error names does help.
  time <- sort(sin(1:160) + cells$time)
  for (fun in list(vgfm_fit, vgfm_cv)) {
    error <- expect_error(fun(cells$x, time, control = control),
                          class = "vgfm_error_time")
    expect_match(conditionMessage(error), "ave(time, cut(time, 5))", fixed = TRUE)
  }
  binned <- ave(time, cut(time, 5))
  expect_length(unique(binned), 5)
  expect_s3_class(suppressWarnings(vgfm_fit(cells$x, binned, control = control)), "vgfm")
  few <- c(1:30, 31:33, 71:160)
  # cut() does not take labels.
  labels <- paste("day", cells$time[few])
  warning <- expect_warning(
    suppressMessages(vgfm_fit(cells$x[few, ], labels, 1:3, control = control)),
    class = "vgfm_warning_small"
  )
  expect_no_match(conditionMessage(warning), "cut(", fixed = TRUE)
  expect_snapshot(error = TRUE, {
    fit <- vgfm_fit(cells$x[few, ], cells$time[few], 1:3, control = control)
    fit <- vgfm_fit(cells$x, time)
  })
})

test_that("a matrix of a picture's coordinates warns", {
  cells <- small_cells()
  colnames(cells$x) <- c("UMAP_1", "UMAP_2")
  expect_warning(as_snapshots(cells$x, cells$time, call = NULL),
                 class = "vgfm_warning_embedding")
  colnames(cells$x) <- c("UMAP_1", "gene")
  expect_no_warning(as_snapshots(cells$x, cells$time, call = NULL))
})

test_that("who gives no masses is told what is taken for them, once", {
  forget <- function() rm(list = ls(said), envir = said)
  on.exit(for (what in c("equal counts", "counts")) said_before(what))
  forget()
  x <- matrix(as.double(1:72) %% 7, 36)
  snapshots <- function(time, ...) as_snapshots(x, time, ..., call = NULL)
  expect_message(snapshots(rep(0:1, each = 18)), "18 cells at every time",
                 class = "vgfm_message_mass")
  expect_no_message(snapshots(rep(0:1, each = 18)))
  # log(24 / 12) in two units of time; another kind, said once more.
  expect_message(s <- snapshots(rep(c(0, 2), c(12, 24))), "mean growth 0.35",
                 class = "vgfm_message_mass")
  expect_false(s$measured)
  forget()
  expect_no_message(s <- snapshots(rep(0:1, each = 18), mass = c(1, 2)))
  expect_true(s$measured)
  # Nothing is said of data that are refused.
  expect_no_message(expect_error(snapshots(1:36), class = "vgfm_error_time"))
})
