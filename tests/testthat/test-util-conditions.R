test_that("errors carry their classes, argument and call", {
  outer <- function(epsilon) check_number(epsilon, min = 0, class = "vgfm_error_special")
  error <- expect_error(outer(-1), class = "vgfm_error_input")
  expect_s3_class(error, c("vgfm_error_special", "vgfm_error_input", "vgfm_error"),
                  exact = FALSE)
  expect_identical(error$arg, "epsilon")
  expect_identical(as.character(error$call[[1]]), "outer")
})

test_that("warnings and messages are classed", {
  expect_warning(warn_vgfm("late", class = "vgfm_warning_time"), class = "vgfm_warning")
  expect_message(inform_vgfm("so", class = "vgfm_message_time"), class = "vgfm_message")
})

test_that("a number inside its range comes back as a double", {
  expect_identical(check_number(3L), 3)
  expect_identical(check_number(0, min = 0), 0)
  expect_identical(check_number(1, max = 1), 1)
  expect_identical(check_number(Inf, min = 0, allow_inf = TRUE), Inf)
  expect_null(check_number(NULL, allow_null = TRUE))
})

test_that("what is not a number in the range is refused", {
  bad <- list(
    -1, NA_real_, NaN, Inf, "1", TRUE, c(1, 2), numeric(), NULL, list(1),
    as.Date("2020-01-01")
  )
  for (x in bad) expect_error(check_number(x, min = 0), class = "vgfm_error_input")
  expect_error(check_number(0, min = 0, bounds = "(]"), class = "vgfm_error_input")
  expect_error(check_number(1, max = 1, bounds = "[)"), class = "vgfm_error_input")
})

test_that("a count is a whole number, and an integer afterwards", {
  expect_identical(check_count(5), 5L)
  expect_identical(check_count(0, min = 0), 0L)
  for (x in list(0, 1.5, -2, NA, "2", 3e9, 1:2, NULL)) {
    expect_error(check_count(x), class = "vgfm_error_input")
  }
})

test_that("a flag is TRUE or FALSE", {
  expect_true(check_flag(TRUE))
  expect_false(check_flag(c(a = FALSE)))
  for (x in list(NA, 1, "TRUE", c(TRUE, TRUE), NULL)) {
    expect_error(check_flag(x), class = "vgfm_error_input")
  }
})

test_that("a choice is one of the words, and the whole default is the first", {
  expect_identical(check_choice("b", c("a", "b")), "b")
  expect_identical(check_choice(c("a", "b"), c("a", "b")), "a")
  for (x in list("c", 1, NA_character_, c("b", "a"), NULL)) {
    expect_error(check_choice(x, c("a", "b")), class = "vgfm_error_input")
  }
})

test_that("error texts name argument, range, value and remedy", {
  fit <- function(steps = 1, rate = 1, path = "straight", verbose = TRUE) {
    check_count(steps, max = 1000)
    check_number(rate, 0, 1, "(]", hint = "Try {.code rate = 0.003}.")
    check_choice(path, c("straight", "bridge"))
    check_flag(verbose)
  }
  expect_snapshot(error = TRUE, {
    fit(steps = 2.5)
    fit(rate = 0)
    fit(rate = 1:3)
    fit(rate = NULL)
    fit(path = "{curved}")
    fit(verbose = NA)
  })
})

test_that("values are described in a few words", {
  expect_identical(describe(NULL), "NULL")
  expect_identical(describe("E14"), "\"E14\"")
  expect_identical(describe(1 / 3), "0.333333333333333")
  expect_identical(describe(1:3), "an integer vector of length 3")
  expect_identical(describe(matrix(0, 2, 3)), "a matrix of 2 x 3")
  expect_identical(describe(data.frame(a = 1)), "a data.frame of 1 x 1")
  expect_identical(describe(mean), "a function")
})
