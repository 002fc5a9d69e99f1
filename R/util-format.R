# Values in words and figures, as messages and reports show them.

in_short <- function(values) {
  if (length(values) > 10) values <- c(values[1:8], "...", values[length(values)])
  paste(values, collapse = ", ")
}

format_figures <- function(x) vapply(x, format, "", digits = 3)

# Without an exponent wherever that can be read, so that a label of 100000 is that.
format_number <- function(x, digits = 15) {
  vapply(x, function(value) {
    plain <- is.finite(value) && (value == 0 || (abs(value) >= 1e-5 && abs(value) < 1e15))
    format(value, digits = digits, decimal.mark = ".", scientific = !plain)
  }, "")
}

# 4, or 4 ("name") if there are names.
place_and_name <- function(place, names) {
  if (is.null(names)) return(place)
  paste0(place, " (", describe(names[place]), ")")
}

# A setting in words; one for each interval may be several.
show_setting <- function(x) {
  if (is.matrix(x)) return(paste(dim(x), collapse = " x "))
  if (is.null(x)) "from the data" else in_short(vapply(x, format, ""))
}
