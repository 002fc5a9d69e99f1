# Whole numbers as 64-bit integers, from their bytes: bit64 is not needed.
as_64 <- function(x) {
  words <- vapply(x, function(value) {
    c(value %% 2^32, floor(value / 2^32) %% 2^32)
  }, numeric(2))
  words <- as.integer(ifelse(words >= 2^31, words - 2^32, words))
  bytes <- writeBin(words, raw(), endian = "little")
  doubles <- readBin(bytes, "double", length(x), endian = "little")
  structure(doubles, class = "integer64")
}

labelled <- function(x) {
  structure(x, labels = c(low = 1), class = c("haven_labelled", "vctrs_vctr", "double"))
}

with_unit <- function(x) structure(x, units = "mm", class = "units")

test_that("64-bit integers are the numbers that they stand for", {
  values <- c(0, 1, -1, 5, -7, 2^31 - 5, 2^31, -2^31 + 1, 2^40 + 3, -2^40, 2^53)
  # The lowest 32-bit integer in either half is NA to R, and is one of these.
  expect_identical(as_numbers(as_64(values[values != 2^31])), values[values != 2^31])
  bytes <- as.raw(c(0, 0, 0, 0x80, 0, 0, 0, 0))
  expect_identical(
    as_numbers(structure(readBin(bytes, "double"), class = "integer64")), 2^31
  )
  # The lowest 64-bit integer is NA to bit64.
  bytes <- as.raw(c(0, 0, 0, 0, 0, 0, 0, 0x80))
  expect_identical(
    as_numbers(structure(readBin(bytes, "double"), class = "integer64")), NA_real_
  )
})

test_that("they are as bit64 has them", {
  skip_if_not(nzchar(system.file(package = "bit64")), "bit64 is not installed")
  as_bit64 <- getExportedValue("bit64", "as.integer64")
  values <- c(0, 1, -1, 2^31, -2^31, 2^32, 2^40 + 3, NA)
  expect_identical(as_numbers(as_bit64(values)), values)
})

test_that("64-bit integers are read wherever numbers are", {
  cells <- small_cells()
  x <- round(100 * cells$x)
  table <- data.frame(a = 0, b = x[, "b"])[rep(1, 160), ]
  table$a <- as_64(x[, "a"])
  table$b <- x[, "b"]
  rownames(table) <- NULL
  wanted <- new_snapshots(x, cells$time)
  expect_identical(new_snapshots(table, cells$time), wanted)
  expect_identical(new_snapshots(x, as_64(cells$time)), wanted)
  day <- data.frame(day = cells$time)
  day$day <- as_64(cells$time) # data.frame() would need bit64
  expect_identical(new_snapshots(x, day), wanted)
  whole <- as_64(x)
  dim(whole) <- dim(x)
  dimnames(whole) <- dimnames(x)
  expect_identical(new_snapshots(whole, cells$time), wanted)
  mass <- new_snapshots(x, cells$time, as_64(c(1, 2, 5)))$mass
  expect_identical(mass, c(1, 2, 5))
  expect_identical(check_count(as_64(5)), 5L)
  expect_identical(check_number(as_64(-5)), -5)
  expect_equal(vgfm_wasserstein(as_64(c(0, 1)), c(2, 3), as_64(c(1, 3))),
               vgfm_wasserstein(c(0, 1), c(2, 3), c(1, 3)))
  fit <- vgfm_fit(x, cells$time, control = small_control(steps = 2))
  expect_identical(predict(fit, x[1:2, ], as_64(4)), predict(fit, x[1:2, ], 4))
  group <- as_64(rep(1:2, 80))
  expect_identical(levels(check_group(group, fit)), c("1", "2"))
})

test_that("numbers whose class gives them another meaning are refused, with a hint", {
  cells <- small_cells()
  for (classed in list(
    labelled(cells$x[, "a"]), with_unit(cells$x[, "a"]), factor(round(cells$x[, "a"])),
    as.difftime(cells$x[, "a"], units = "hours"), as.Date(cells$x[, "a"], "1970-01-01"),
    structure(cells$x[, "a"], class = "unknown")
  )) {
    table <- data.frame(b = cells$x[, "b"])
    table$a <- classed
    error <- expect_error(new_snapshots(table, cells$time), class = "vgfm_error_x")
    expect_match(conditionMessage(error), "\"a\"")
    expect_error(vgfm_wasserstein(classed, 1:3), class = "vgfm_error_x")
    expect_error(vgfm_wasserstein(1:160, 1:3, a = classed), class = "vgfm_error_input")
    expect_error(check_number(take(classed, 1)), class = "vgfm_error_input")
    expect_error(new_snapshots(cells$x, cells$time, mass = take(classed, 1:3)),
                 class = "vgfm_error_mass")
  }
  for (class in c("units", "unknown")) {
    x <- structure(cells$x, class = class)
    expect_error(new_snapshots(x, cells$time), class, class = "vgfm_error_x")
  }
  for (time in list(labelled(cells$time), with_unit(cells$time))) {
    expect_error(new_snapshots(cells$x, time), class = "vgfm_error_time")
  }
  expect_snapshot(error = TRUE, {
    new_snapshots(data.frame(a = labelled(c(1, 2))), 1:2)
    new_snapshots(data.frame(a = factor(c(10, 20))), 1:2)
    new_snapshots(structure(matrix(1:4, 2), class = "units"), 1:2)
    new_snapshots(matrix(1:4, 2), with_unit(c(1, 2)))
  })
})

test_that("classes that change nothing are dropped", {
  cells <- small_cells()
  wanted <- new_snapshots(cells$x, cells$time)
  table <- data.frame(a = I(cells$x[, "a"]), b = cells$x[, "b"])
  expect_identical(new_snapshots(table, I(cells$time)), wanted)
  x <- structure(cells$x, class = c("loadings"))
  expect_identical(new_snapshots(x, cells$time), wanted)
  # A table of counts has the names of the times.
  expect_equal(new_snapshots(cells$x, cells$time, table(cells$time))$mass, wanted$mass)
  # Grouped tables and their like are data frames.
  grouped <- as.data.frame(cells$x)
  class(grouped) <- c("odd_df", "data.frame")
  registerS3method("[", "odd_df", function(x, ...) stop("This is not to be called."))
  expect_identical(new_snapshots(grouped, cells$time), wanted)
})
