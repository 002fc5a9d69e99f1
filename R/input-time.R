# Times of cells, from whatever the user calls a time: numbers, dates, or labels such as
# "E14.5" that hold one number each.

# `time` has one value per cell. Gives a list: value, one number per cell; times, the
# distinct ones in order; labels, what the user calls each; index, 1..K per cell; clock,
# the scale that they are on.
parse_time <- function(time, arg = "time", call = rlang::caller_env()) {
  clock <- clock_of(time)
  if (is.null(clock)) {
    abort_time(c(
      "{.arg {arg}} must be numbers, labels that hold a number, or dates, not
       {describe(time)}.",
      i = number_hint(time, arg) %||% "Pass one number per cell."
    ), arg, call)
  }
  if (is.factor(time)) check_empty_levels(time, arg, call)
  if (clock$kind == "label") {
    label <- trimws(as.character(time))
    read <- label_numbers(label, arg, call, inform = TRUE)
    value <- read$value
    clock$around <- read$around
  } else {
    value <- to_clock(time, clock)
  }
  check_times_known(time, value, arg, call)
  times <- sort(unique(value))
  labels <- if (clock$kind == "label") label[match(times, value)] else
    format_clock(times, clock)
  if (anyDuplicated(labels)) labels <- finer_labels(times, clock)
  if (length(times) < 2) {
    abort_time(c(
      "{.arg {arg}} must have at least two distinct values.",
      x = "All {length(value)} cells are at {.val {labels}}.",
      i = "A velocity needs snapshots of at least two times."
    ), arg, call)
  }
  check_time_range(times, arg, call)
  check_ties(times, arg, call)
  list(value = value, times = times, labels = labels, index = match(value, times),
       clock = clock)
}

# Rates per unit of time must be numbers.
check_time_range <- function(times, arg, call) {
  range <- times[length(times)] - times[1]
  if (!is.finite(range) || range < least_range) {
    abort_time(c(
      "The times in {.arg {arg}} are too far apart or too close for double precision.",
      x = "They span {format(range, digits = 3)}.",
      i = "Pass them in another unit."
    ), arg, call)
  }
}

least_range <- 1e-300

# 0.3 and 0.1 + 0.2 are one time.
rounding <- function(times) 1e-8 * diff(range(times))

check_ties <- function(times, arg, call) {
  close <- which(diff(times) < rounding(times))
  if (length(close) > 0) {
    pair <- times[close[1] + 0:1]
    abort_time(c(
      "Different times in {.arg {arg}} must differ by more than rounding.",
      x = "{format_number(signif(pair[1], 4))} and the next differ by
           {format_number(signif(diff(pair), 2))}.",
      i = "Round {.arg {arg}}, so that cells of one snapshot have one time."
    ), arg, call)
  }
}

abort_time <- function(message, arg, call, .envir = parent.frame()) {
  abort_input(message, arg = arg, class = "vgfm_error_time", call = call,
              .envir = .envir)
}

check_empty_levels <- function(time, arg, call) {
  empty <- setdiff(levels(time), as.character(time))
  if (length(empty) > 0) {
    abort_time(c(
      "Every time in {.arg {arg}} must have a cell.",
      x = "{cli::qty(empty)}Level{?s} without cells: {.val {empty}}.",
      i = "If {cli::qty(empty)}{?that time/those times} {?was/were} filtered out on
           purpose, pass {.code droplevels({arg})}."
    ), arg, call)
  }
}

check_times_known <- function(time, value, arg, call) {
  bad <- which(!is.finite(value))
  if (length(bad) > 0) {
    first <- bad[1]
    shown <- describe(as.vector(value[first]))
    abort_time(c(
      "{.arg {arg}} must be known for every cell.",
      x = "{length(bad)} value{?s} {?is/are} missing or not finite; the first is
           {shown}, for cell {first}.",
      i = "Drop the cells without a time, from the data too."
    ), arg, call)
  }
}

number_pattern <- "([0-9]+(\\.[0-9]*)?|\\.[0-9]+)"

# The number in each label: a list of value, one per label, and around, the text around
# the number. All labels are plain numbers, and `around` is NULL, or all share the text
# around the number, whatever its case and spaces ("day 3", "Day10"; "1 day", "2 days").
label_numbers <- function(label, arg, call, inform = FALSE) {
  seen <- unique(label[!is.na(label)])
  plain <- grepl(paste0("^[-+]?", number_pattern, "([eE][-+]?[0-9]+)?$"), seen)
  if (all(plain)) return(list(value = as.double(label), around = NULL))
  read <- text_numbers(seen, arg, call)
  if (inform) inform_time(seen, read$value, arg)
  list(value = read$value[match(label, seen)], around = read$around)
}

text_numbers <- function(seen, arg, call) {
  # Whatever looks like a minus sign is one character from here on.
  text <- tolower(gsub("\u2212|\u2013|\u2014", "-", enc2utf8(seen)))
  found <- regmatches(text, gregexpr(number_pattern, text))
  check_one_number(seen, lengths(found), arg, call)
  parts <- regmatches(text, regexpr(number_pattern, text), invert = TRUE)
  before <- vapply(parts, `[`, "", 1)
  after <- vapply(parts, `[`, "", 2)
  # A sign belongs to the number where nothing, or a space, stands before it.
  signed <- grepl("(^|\\s)[-+]$", before)
  negative <- signed & grepl("-$", before)
  before[signed] <- sub("[-+]$", "", before[signed])
  check_hyphens(seen, before, arg, call)
  around <- tidy_text(before, after)
  check_same_text(seen, around, arg, call)
  list(value = as.double(unlist(found)) * ifelse(negative, -1, 1),
       around = if (around[1] != " ") around[1])
}

# A plural is the same unit: "1 day", "2 days".
tidy_text <- function(before, after) {
  tidy <- function(text) sub("([a-z]{2})s$", "\\1", gsub("\\s", "", text))
  paste0(tidy(before), " ", tidy(after))
}

check_one_number <- function(seen, count, arg, call) {
  bad <- which(count != 1)
  if (length(bad) > 0) {
    first <- seen[bad[1]]
    what <- if (count[bad[1]] == 0) "no number" else "more than one number"
    abort_time(c(
      "Each label in {.arg {arg}} must hold exactly one number.",
      x = "{.val {first}} holds {what}.",
      i = if (grepl("^[0-9]{4}-[0-9]{2}-[0-9]{2}", first)) {
        "Pass dates as such: {.code as.Date({arg})} or {.code as.POSIXct({arg})}."
      } else {
        "Pass {.arg {arg}} as numbers, one per cell."
      }
    ), arg, call)
  }
}

# "day-3" may be day 3 or three days before day 0.
check_hyphens <- function(seen, before, arg, call) {
  bad <- which(grepl("-$", before))
  if (length(bad) > 0) {
    first <- seen[bad[1]]
    abort_time(c(
      "The hyphen in {.val {first}} may be a minus sign or may not.",
      i = "Pass {.arg {arg}} as numbers, one per cell, or write the labels without it."
    ), arg, call)
  }
}

check_same_text <- function(seen, around, arg, call) {
  other <- which(around != around[1])
  if (length(other) > 0) {
    pair <- seen[c(1, other[1])]
    abort_time(c(
      "All labels in {.arg {arg}} must have the same text around their number.",
      x = "{.val {pair[1]}} and {.val {pair[2]}} differ, and may differ in unit.",
      i = "Pass {.arg {arg}} as numbers, one per cell, all in the same unit."
    ), arg, call)
  }
}

inform_time <- function(seen, number, arg) {
  order <- order(number)
  shown <- paste0(encodeString(seen, quote = "\""), " is ", format_number(number))[order]
  if (length(shown) > 8) shown <- c(shown[1:4], "...", utils::tail(shown, 3))
  inform_vgfm(
    c(i = "Read the times from the labels in {.arg {arg}}: {shown}."),
    class = "vgfm_message_time"
  )
}
