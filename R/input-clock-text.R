# Text as times on the clock of a fit.

# Text -> numbers: labels of the fit first, then text in the form that its times have.
text_times <- function(text, snapshots, arg, call) {
  known <- match(text, snapshots$labels)
  value <- snapshots$times[known]
  rest <- which(is.na(known) & !is.na(text))
  if (length(rest) == 0) return(value)
  clock <- snapshots$clock
  value[rest] <- switch(clock$kind,
    date = as.double(as.Date(text[rest], "%Y-%m-%d")),
    datetime = read_datetimes(text[rest], clock$tz),
    yearmon = read_months(text[rest]),
    yearqtr = read_quarters(text[rest]),
    like_labels(text[rest], snapshots, arg, call)
  )
  bad <- rest[is.na(value[rest])]
  if (length(bad) > 0) {
    first <- text[bad[1]]
    abort_time(c(
      "{.val {first}} in {.arg {arg}} cannot be read as a time of the fit.",
      i = "Its times are {.val {snapshots$labels}}."
    ), arg, call)
  }
  value
}

# Text that holds a number each: plain, or with the text that the fit's labels have. A fit
# to plain numbers takes any text, as long as it is one.
like_labels <- function(text, snapshots, arg, call) {
  clock <- snapshots$clock
  read <- label_numbers(text, arg, call)
  around <- if (clock$kind == "difftime") tidy_text("", clock$units) else
    clock$around
  if (!is.null(around) && !is.null(read$around) && read$around != around) {
    abort_time(c(
      "{.arg {arg}} must have the labels of the fit, or their like.",
      x = "{.val {text[1]}} has another text around its number than
           {.val {snapshots$labels[1]}}, and may differ in unit.",
      i = "Pass numbers on the scale of the fit."
    ), arg, call)
  }
  read$value
}

read_datetimes <- function(text, tz) {
  value <- rep(NA_real_, length(text))
  for (form in c("%Y-%m-%d %H:%M:%OS", "%Y-%m-%d %H:%M", "%Y-%m-%d")) {
    read <- as.double(as.POSIXct(strptime(sub("T", " ", text), form, tz)))
    value <- ifelse(is.na(value), read, value)
  }
  value / day_seconds
}

# "Mar 2024" or "2024-03"
read_months <- function(text) {
  text <- sub("^([0-9]{4})-([0-9]{1,2})$", "\\2 \\1", text)
  parts <- regmatches(text, regexec("^([A-Za-z]{3}|[0-9]{1,2})[a-z]* +([0-9]{4})$", text))
  vapply(parts, function(part) {
    if (length(part) == 0) return(NA)
    month <- match(sub("^0", "", tolower(part[2])), c(tolower(month.abb), 1:12))
    as.double(part[3]) + (month - 1) %% 12 / 12
  }, 0)
}

# "2024 Q1" or "2024-1"
read_quarters <- function(text) {
  parts <- regmatches(text, regexec("^([0-9]{4})[ -]+Q?([1-4])$", text))
  vapply(parts, function(part) {
    if (length(part) == 0) NA else as.double(part[2]) + (as.double(part[3]) - 1) / 4
  }, 0)
}
