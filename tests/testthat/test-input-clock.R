# Each kind of time that vgfm_fit() takes: the times of cells, and other moments.
day_one <- as.Date("2024-02-28")
noon <- as.POSIXct("2024-02-28 12:00:00", tz = "America/New_York")
kinds <- list(
  number = list(times = c(2, 4, 8), between = 5),
  large = list(times = c(1e5, 2e5, 4e5), between = 2.5e5),
  label = list(times = c("day 2", "Day 4", "day8"), between = "DAY 5"),
  factor = list(times = factor(c("E2", "E4", "E8")), between = "E5"),
  date = list(times = day_one + c(0, 2, 6), between = day_one + 3),
  datetime = list(times = noon + 3600 * c(0, 2, 6), between = noon + 3 * 3600),
  difftime = list(times = as.difftime(c(2, 4, 8), units = "hours"),
                  between = as.difftime(300, units = "mins")),
  yearmon = list(times = structure(2024 + c(1, 3, 7) / 12, class = "yearmon"),
                 between = structure(2024 + 4 / 12, class = "yearmon")),
  yearqtr = list(times = structure(2023 + c(1, 2, 4) / 4, class = "yearqtr"),
                 between = structure(2023 + 3 / 4, class = "yearqtr"))
)

fit_of <- function(kind) {
  cells <- small_cells()
  times <- take(kind$times, rep(1:3, c(30, 40, 90)))
  set.seed(1)
  suppressMessages(vgfm_fit(cells$x, times, control = small_control(steps = 30)))
}

test_that("every time argument takes what vgfm_fit() takes, and gives it back", {
  cells <- small_cells()
  for (name in names(kinds)) {
    kind <- kinds[[name]]
    fit <- fit_of(kind)
    s <- fit$snapshots
    second <- take(kind$times, 2)
    last <- take(kind$times, 3)
    # The user's terms: numbers for labels, else the class that went in.
    own <- from_clock(s$times, s$clock)
    if (s$clock$kind != "label") expect_equal(own, kind$times, info = name)
    x <- s$x[1:3, ]
    inner <- fit_times(s, kind$between)
    expect_true(inner > s$times[2] && inner < s$times[3], info = name)
    expect_identical(fit_times(s, own), s$times, info = name)
    # Labels of the fit are times too.
    expect_identical(fit_times(s, s$labels), s$times, info = name)

    at <- predict(fit, x, second, type = "state", to = last)
    expect_identical(predict(fit, x, s$labels[2], "state", to = s$labels[3]), at)
    expect_equal(
      at, advance_cells(fit, x, s$times[2], s$times[3])$x, tolerance = 1e-12
    )
    other <- predict(fit, x, kind$between)
    expect_false(isTRUE(all.equal(other, predict(fit, x, second))))

    paths <- vgfm_trajectories(fit, x, from = second, times = take(kind$times, 3:1))
    expect_identical(paths$time, take(own, rep(1:3, 3)), info = name)
    expect_identical(paths$label, rep(s$labels, 3))
    between <- vgfm_interpolate(fit, kind$between)
    expect_identical(take(between$time, 1), from_clock(inner, s$clock))
    expect_true(all(is.na(between$label)))
    expect_identical(unique(vgfm_interpolate(fit, second)$label), s$labels[2])

    table <- vgfm_evaluate(fit)
    expect_identical(table$time, take(own, 2:3))
    expect_identical(table$label, s$labels[2:3])
    times <- take(kind$times, rep(1:3, c(30, 40, 90)))
    expect_equal(vgfm_evaluate(fit, s$x, times), table)
    # What comes back goes in.
    expect_equal(vgfm_evaluate(fit, s$x, augment(fit)$time), table)
    expect_identical(augment(fit)$label, s$labels[s$index])
    expect_identical(augment(fit)$time, take(own, s$index))
    fates <- vgfm_fates(fit, rep(1, 160), x, kind$between)
    expect_identical(fates$time, from_clock(rep(inner, 3), s$clock))
    early <- vgfm_fates(fit, rep(1, 160), to = second)
    expect_identical(early$time, take(own, s$index[s$index < 3]))
    embedded <- vgfm_embed(fit)
    expect_identical(embedded$time, take(own, s$index))
    expect_identical(embedded$label, s$labels[s$index])
    left <- suppressMessages(
      vgfm_cv(s$x, times, times = second, control = small_control(steps = 2))
    )
    expect_identical(left$time, take(own, 2))
    expect_identical(left$label, s$labels[2])
    expect_error(vgfm_interpolate(fit, list(1)), class = "vgfm_error_time")
    expect_error(vgfm_interpolate(fit, take(own, NA_integer_)), class = "vgfm_error_time")
  }
})

test_that("units are days for dates, a year for months and quarters", {
  gaps <- function(name) {
    times <- kinds[[name]]$times
    diff(suppressMessages(parse_time(times))$times)
  }
  expect_equal(gaps("date"), c(2, 4))
  expect_equal(gaps("datetime"), c(2, 4) / 24)
  expect_equal(gaps("difftime"), c(2, 4))
  expect_equal(gaps("yearmon"), c(2, 4) / 12)
  expect_equal(gaps("yearqtr"), c(1, 2) / 4)
})

test_that("labels of all kinds are as the user writes them", {
  labels <- function(name) parse_time(kinds[[name]]$times)$labels
  expect_identical(labels("date"), c("2024-02-28", "2024-03-01", "2024-03-05"))
  expect_identical(labels("datetime"), c("2024-02-28 12:00:00", "2024-02-28 14:00:00",
                                         "2024-02-28 18:00:00"))
  expect_identical(labels("difftime"), c("2 hours", "4 hours", "8 hours"))
  expect_identical(labels("yearmon"), c("Feb 2024", "Apr 2024", "Aug 2024"))
  expect_identical(labels("yearqtr"), c("2023 Q2", "2023 Q3", "2024 Q1"))
  expect_identical(labels("large"), c("100000", "200000", "400000"))
  twice <- as.POSIXct("2024-11-03 05:30", tz = "UTC") + c(0, 3600)
  attr(twice, "tzone") <- "America/New_York"
  expect_identical(parse_time(twice)$labels,
                   c("2024-11-03 01:30:00 EDT", "2024-11-03 01:30:00 EST"))
  skip_if_not(nzchar(system.file(package = "zoo")), "zoo is not installed")
  months <- getExportedValue("zoo", "as.yearmon")(2020 + 0:30 / 12)
  text <- suppressWarnings(format(months))
  expect_identical(parse_time(months)$labels, sub("^(...).* ", "\\1 ", text))
  expect_equal(read_months(parse_time(months)$labels), unclass(months))
})

test_that("labels and messages do not depend on the decimal mark of the session", {
  old <- options(OutDec = ",")
  on.exit(options(old))
  cells <- small_cells()
  expect_identical(parse_time(c(0.5, 1.25))$labels, c("0.5", "1.25"))
  set.seed(1)
  fit <- vgfm_fit(cells$x, cells$time / 4, c("0.5" = 1, "1" = 2, "2" = 4),
                  control = small_control(steps = 2))
  expect_identical(fit$snapshots$mass, c(1, 2, 4))
  expect_identical(vgfm_evaluate(fit)$label, c("1", "2"))
  expect_warning(predict(fit, cells$x, 2.5), "Time 2.5 lies outside",
                 class = "vgfm_warning_extrapolation")
})

test_that("a mass is found by any name that a time has", {
  cells <- small_cells()
  mass <- function(times, names) {
    time <- take(times, rep(1:3, c(30, 40, 90)))
    values <- stats::setNames(c(8, 2, 4), names)
    suppressMessages(new_snapshots(cells$x, time, values)$mass)
  }
  expect_identical(mass(kinds$large$times, c("4e5", "1e+05", "200000")), c(1, 2, 4))
  expect_identical(mass(kinds$date$times, c("2024-03-05", "2024-02-28", "2024-03-01")),
                   c(1, 2, 4))
  expect_identical(mass(kinds$factor$times, c("E8", "E2", "e 4")), c(1, 2, 4))
  expect_identical(mass(kinds$yearmon$times, c("2024-08", "Feb 2024", "April 2024")),
                   c(1, 2, 4))
  expect_error(mass(kinds$factor$times, c("E8", "E2", "E2")), class = "vgfm_error_mass")
})

test_that("times of another kind, or with other text, are refused", {
  other <- function(name, time) {
    expect_error(fit_times(fits[[name]]$snapshots, time), class = "vgfm_error_time")
  }
  fits <- lapply(kinds, fit_of)
  for (name in c("number", "label", "difftime")) {
    other(name, day_one)
    other(name, noon)
    expect_identical(fit_times(fits[[name]]$snapshots, 5), 5)
  }
  for (name in c("number", "label")) other(name, as.difftime(4, units = "hours"))
  for (name in c("date", "datetime", "yearmon")) other(name, "soon")
  for (name in c("date", "datetime")) other(name, 5)
  other("label", "hour 4")
  other("factor", "day 4")
  other("difftime", "4 days")
  other("yearmon", "2024-13")
  # Text that holds a number is as good as the number where the fit has plain numbers.
  expect_identical(fit_times(fits$number$snapshots, "day 4"), 4)
  expect_identical(fit_times(fits$difftime$snapshots, "4 hour"), 4)
  midnight <- as.POSIXct("2024-02-29", tz = "America/New_York")
  expect_identical(fit_times(fits$datetime$snapshots, as.Date("2024-02-29")),
                   as.double(midnight) / 86400)
  expect_identical(fit_times(fits$datetime$snapshots, "2024-02-28T14:00"),
                   fits$datetime$snapshots$times[2])
  expect_identical(fit_times(fits$datetime$snapshots, as.POSIXlt(noon)),
                   fits$datetime$snapshots$times[1])
  expect_snapshot(error = TRUE, {
    predict(fits$number, small_cells()$x, day_one)
    predict(fits$date, small_cells()$x, 5)
    predict(fits$label, small_cells()$x, "hour 4")
    predict(fits$number, small_cells()$x, as.difftime(4, units = "hours"))
    predict(fits$date, small_cells()$x, "soon")
    parse_time(c("2024-02-28", "2024-03-01"))
  })
})

test_that("what differs from an observed time by rounding is that time", {
  s <- list(times = c(0.1, 0.3, 1), labels = c("0.1", "0.3", "1"),
            clock = list(kind = "number"))
  expect_identical(fit_times(s, c(0.1 + 0.2, 0.5, 1 - 1e-12)), c(0.3, 0.5, 1))
  expect_identical(nearest_time(c(-1, 0.19, 0.21, 5), s$times), c(0.1, 0.1, 0.3, 1))
})

test_that("times that look alike have labels that differ, and are read back", {
  cells <- small_cells()
  steps <- c(2, 4, 8)
  alike <- list(1e15 + steps, day_one + steps / 24, noon + steps / 8,
                as.difftime(1e15 + steps, units = "secs"))
  for (times in alike) {
    time <- take(times, rep(1:3, c(30, 40, 90)))
    fit <- vgfm_fit(cells$x, time, control = small_control(steps = 0))
    expect_identical(anyDuplicated(fit$snapshots$labels), 0L)
    expect_identical(fit_times(fit$snapshots, fit$snapshots$labels), fit$snapshots$times)
    expect_identical(fit_times(fit$snapshots, times), fit$snapshots$times)
  }
})

test_that("times that double precision cannot tell or span are refused", {
  cells <- small_cells()
  for (times in list(1e-320 * c(2, 4, 8), c(-1.7e308, 0, 1.7e308))) {
    expect_error(vgfm_fit(cells$x, rep(times, c(30, 40, 90))), class = "vgfm_error_time")
  }
})
