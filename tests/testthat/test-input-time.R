numbers <- function(time) suppressMessages(parse_time(time)$value)
bad_time <- function(time) {
  expect_error(suppressMessages(parse_time(time)), class = "vgfm_error_time")
}

test_that("numbers are times, however they are stored, without a message", {
  expect_silent({
    expect_identical(parse_time(c(2, 0, 14.5))$value, c(2, 0, 14.5))
    expect_identical(parse_time(c(2L, 0L))$value, c(2, 0))
    expect_identical(parse_time(c("10", "-1", "2.50"))$value, c(10, -1, 2.5))
    expect_identical(parse_time(factor(c("10", "9")))$value, c(10, 9))
    expect_identical(parse_time(c("1e1", " 2 "))$value, c(10, 2))
  })
})

test_that("times are in order and keep the user's labels", {
  p <- suppressMessages(parse_time(factor(c("d10", "d2", "d10", "D 2"))))
  expect_identical(p$times, c(2, 10))
  expect_identical(p$labels, c("d2", "d10"))
  expect_identical(p$index, c(2L, 1L, 2L, 1L))
})

test_that("the number in a label is the time", {
  expect_identical(numbers(c("E14.5", "E9")), c(14.5, 9))
  expect_identical(numbers(c("day 3", "Day10", "DAY  0")), c(3, 10, 0))
  expect_identical(numbers(c("1 day", "2 days")), c(1, 2))
  expect_identical(numbers(c("3h", "24 h")), c(3, 24))
  expect_identical(numbers(ordered(c("t_1", "t_20"))), c(1, 20))
  expect_identical(numbers(c("-3h", "0h", "+3 h")), c(-3, 0, 3))
  expect_identical(numbers(c("day -3", "day 3")), c(-3, 3))
  expect_identical(numbers(c("\u22123h", "3h")), c(-3, 3))
  expect_identical(numbers(c("week .5", "week 1.")), c(0.5, 1))
})

test_that("reading labels is said, in order of time", {
  expect_message(parse_time(c("E9", "E14.5")), class = "vgfm_message_time")
  expect_snapshot({
    p <- parse_time(c("E14.5", "E9", "E14.5"))
    p <- parse_time(paste("day", 12:1))
  })
})

test_that("dates count in days and time differences in their own unit", {
  date <- as.Date("2024-02-28") + c(0, 2)
  expect_identical(diff(parse_time(date)$times), 2)
  expect_identical(parse_time(date)$labels, c("2024-02-28", "2024-03-01"))
  hours <- as.difftime(c(0, 36), units = "hours")
  expect_identical(parse_time(hours)$value, c(0, 36))
})

test_that("labels that may be read in two ways are errors", {
  bad_time(c("day 3", "hour 12"))
  bad_time(c("3", "day 4"))
  bad_time(c("3 h", "1 d"))
  bad_time(c("E14.5", "P0"))
  bad_time(c("day-3", "day 3"))
  bad_time(c("day-3", "day-1"))
  bad_time(c("day\u20133", "day\u20131"))
  bad_time(c("2-3", "4-5"))
  bad_time(c("day 3 batch 1", "day 4 batch 1"))
  bad_time(c("1,5", "2,5"))
  bad_time(c("early", "late"))
  bad_time(factor(c("early", "late")))
  bad_time(c("", "1"))
  expect_snapshot(error = TRUE, {
    parse_time(c("day 3", "hour 12"))
    parse_time(c("day-3", "day3"))
    parse_time(c("E1", "E2 rep 1"))
    parse_time(factor(c("early", "late")))
  })
})

test_that("unknown, single and foreign times are errors", {
  for (time in list(
    c(0, NA), c(0, NaN), c(0, Inf), c("1", NA), factor(c("1", NA)), c(NA, NA_real_),
    as.Date(c("2024-01-01", NA)), c(1, 1), c("day 1", "day 1"), c(TRUE, FALSE),
    list(0, 1), c(1i, 2i), as.POSIXct(c(0, NA), origin = "1970-01-01"), NULL, mean
  )) {
    bad_time(time)
  }
  expect_snapshot(error = TRUE, {
    parse_time(c(0, NA, 1, NA))
    parse_time(c(5, 5, 5))
    parse_time(c(TRUE, FALSE))
  })
})

test_that("a level without cells is an error until it is dropped", {
  time <- factor(c("1", "2", "3"))[1:2]
  bad_time(time)
  expect_identical(numbers(droplevels(time)), c(1, 2))
  expect_snapshot(parse_time(time), error = TRUE)
})

test_that("time must be as long as there are cells, or name a column", {
  x <- matrix(0, 6, 2)
  expect_error(new_snapshots(x, 1:5), class = "vgfm_error_time")
  expect_error(new_snapshots(x, "day"), class = "vgfm_error_time")
  expect_snapshot(error = TRUE, {
    new_snapshots(x, 1:2)
    new_snapshots(as.data.frame(x), "day")
  })
})
