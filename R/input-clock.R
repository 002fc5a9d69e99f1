# The scale on which a fit has its times: what the user calls a time, as a number and
# back. Snapshots keep it as their `clock`:
#
# kind     "number"; "label", text that holds a number; "date"; "datetime"; "difftime";
#          "yearmon" and "yearqtr", as of the package zoo
# units    of differences of time
# tz       time zone of date-times
# around   of labels: the text around the number, tidied; NULL for plain numbers
# column   the name of the column of times, if the user named one

# Dates and date-times count in days, calendar months and quarters in years.
day_seconds <- 86400

# The clock that some times go by; NULL if they are no times.
clock_of <- function(time) {
  if (inherits(time, "Date")) return(list(kind = "date"))
  if (inherits(time, "POSIXt")) {
    return(list(kind = "datetime", tz = attr(as.POSIXct(time), "tzone")[1] %||% ""))
  }
  if (inherits(time, "difftime")) {
    return(list(kind = "difftime", units = attr(time, "units")))
  }
  if (inherits(time, "yearmon")) return(list(kind = "yearmon"))
  if (inherits(time, "yearqtr")) return(list(kind = "yearqtr"))
  if (is.factor(time) || is.character(time)) return(list(kind = "label"))
  if (!is.null(as_numbers(time))) return(list(kind = "number"))
  NULL
}

is_clock <- function(clock) {
  text <- function(x) is.character(x) && length(x) == 1 && !is.na(x)
  kinds <- c("number", "label", "date", "datetime", "difftime", "yearmon", "yearqtr")
  is.list(clock) && text(clock$kind) && clock$kind %in% kinds &&
    (clock$kind != "difftime" || text(clock$units)) &&
    (clock$kind != "datetime" || text(clock$tz)) &&
    all(vapply(clock[c("around", "column")], function(x) is.null(x) || text(x), NA))
}

# Times of any kind but labels -> numbers, on a clock of the same kind.
to_clock <- function(time, clock) {
  switch(clock$kind,
    datetime = as.double(as.POSIXct(time)) / day_seconds,
    difftime = {
      units(time) <- clock$units
      as.double(time)
    },
    number = as.double(as_numbers(time)),
    as.double(unclass(time))
  )
}

# Numbers -> times in the user's own terms. Fractions of a millisecond are rounding.
from_clock <- function(value, clock) {
  switch(clock$kind,
    date = structure(value, class = "Date"),
    datetime = structure(round(value * day_seconds, 3), class = c("POSIXct", "POSIXt"),
                         tzone = clock$tz),
    difftime = as.difftime(value, units = clock$units),
    yearmon = , yearqtr = structure(value, class = clock$kind),
    value
  )
}

# Numbers as text in the user's terms, whatever options(OutDec = ) is.
format_clock <- function(value, clock) {
  switch(clock$kind,
    date = ,
    datetime = format(from_clock(value, clock)),
    difftime = paste(format_number(value), clock$units),
    yearmon = paste(month.abb[floor(12 * value + 1e-3) %% 12 + 1],
                    floor(value + 1e-3 / 12)),
    yearqtr = paste0(floor(value + 1e-3 / 4), " Q", floor(4 * value + 1e-3) %% 4 + 1),
    format_number(value)
  )
}

# The same for times that look alike: an hour that comes twice, when summer time ends, is
# told apart by its time zone, and others by more digits or by a time of day.
finer_labels <- function(value, clock) {
  exact <- format_number(value, digits = 17)
  of_day <- function(tz) {
    format(structure(value * day_seconds, class = c("POSIXct", "POSIXt"), tzone = tz),
           "%Y-%m-%d %H:%M:%OS6")
  }
  out <- switch(clock$kind,
    date = of_day("UTC"),
    datetime = format(from_clock(value, clock), usetz = TRUE),
    difftime = paste(exact, clock$units),
    exact
  )
  if (clock$kind == "datetime" && anyDuplicated(out)) of_day(clock$tz) else out
}

# Times that the user gives for cells, or moments, of a fit -> numbers on its scale.
# Whatever vgfm_fit() takes is taken here, if it is of the same kind: a label of the fit,
# or text like it; dates for dates. A number stands for itself, but not for a date. What
# differs from an observed time by rounding is that time.
fit_times <- function(snapshots, time, arg = "time", call = rlang::caller_env()) {
  clock <- snapshots$clock
  time <- as_plain_vector(time)
  given <- clock_of(time)
  if (is.factor(time)) time <- as.character(time)
  kind <- if (is.null(given)) "none" else given$kind
  value <- if (kind == "label") {
    text_times(trimws(time), snapshots, arg, call)
  } else if (kind == clock$kind) {
    to_clock(time, clock)
  } else if (kind == "number" && !clock$kind %in% c("date", "datetime")) {
    to_clock(time, given)
  } else if (kind == "date" && clock$kind == "datetime") {
    to_clock(as.POSIXct(format(time), tz = clock$tz), clock)
  } else {
    abort_kind(time, kind, snapshots, arg, call)
  }
  check_times_known(time, value, arg, call)
  nearest <- nearest_time(value, snapshots$times)
  ifelse(abs(nearest - value) <= rounding(snapshots$times), nearest, value)
}

# Of increasing `times` the one nearest to each value.
nearest_time <- function(value, times) {
  middle <- (times[-1] + times[-length(times)]) / 2
  times[findInterval(value, middle) + 1]
}

# Nothing but NA may stand for any kind of time.
abort_kind <- function(time, kind, snapshots, arg, call) {
  if (length(time) > 0 && all(is.na(time))) {
    check_times_known(time, rep(NA, length(time)), arg, call)
  }
  what <- c(
    number = "numbers", label = "labels that hold a number, or numbers", date = "dates",
    datetime = "date-times", difftime = "differences of time, or numbers in their unit",
    yearmon = "months", yearqtr = "quarters"
  )[[snapshots$clock$kind]]
  hint <- if (kind == "difftime") {
    "The unit of the fit's times is not known; pass numbers in that unit."
  } else {
    "The times of the fit are {.val {snapshots$labels}}."
  }
  abort_time(c(
    "{.arg {arg}} must be {what}, as the times of the fit are, not {describe(time)}.",
    i = hint
  ), arg, call)
}

# A table whose column `time` holds numbers -> the same in the user's terms, and beside it
# what the user calls each observed time: NA for others.
in_user_times <- function(table, snapshots) {
  label <- snapshots$labels[match(table$time, snapshots$times)]
  table$time <- from_clock(table$time, snapshots$clock)
  add_column(table, "label", label, "time")
}

# A column behind another. Features may be called like either.
add_column <- function(table, name, values, after) {
  at <- match(after, names(table))
  names <- append(names(table), name, at)
  extra <- attributes(table)[setdiff(names(attributes(table)),
                                     c("names", "row.names", "class"))]
  table <- cbind(table, values)[append(seq_along(table), ncol(table) + 1, at)]
  attributes(table)[names(extra)] <- extra
  stats::setNames(table, names)
}

# Numbers on the scale of the fit, for a message.
show_time <- function(snapshots, value) {
  known <- match(value, snapshots$times)
  ifelse(is.na(known), format_clock(value, snapshots$clock), snapshots$labels[known])
}
