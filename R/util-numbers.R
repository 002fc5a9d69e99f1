# Numbers from whatever holds numbers. Every value that is read as one goes through here.

# Classes that do not change what a number means.
plain_classes <- c("AsIs", "labelled", "loadings", "matrix", "noquote", "numeric",
                   "integer", "double", "table", "xtabs", "array")

# A vector or matrix of numbers without its class; NULL if the class gives them another
# meaning (dates, codes of a factor, numbers with a unit) or there are none. Doubles
# without a class are not copied.
as_numbers <- function(x) {
  if (!is.object(x)) return(if (is.numeric(x)) x)
  if (inherits(x, "integer64")) return(integer64_numbers(x))
  plain <- is.numeric(x) && !isS4(x) && all(class(x) %in% plain_classes)
  if (!plain) return(NULL)
  keep_shape(as.vector(unclass(x)), x)
}

keep_shape <- function(values, x) {
  dim(values) <- dim(x)
  if (is.null(dim(x))) names(values) <- names(x) else dimnames(values) <- dimnames(x)
  values
}

# A whole number of 64 bits lies in the bytes of a double. Its halves of 32 bits are put
# together, so that the package bit64 is not needed; above 2^53 the last digits are lost.
integer64_numbers <- function(x) {
  bytes <- writeBin(as.vector(unclass(x)), raw(), endian = "little")
  halves <- readBin(bytes, "integer", 2 * length(x), endian = "little")
  low <- as.double(halves[c(TRUE, FALSE)])
  high <- as.double(halves[c(FALSE, TRUE)])
  # R reads the lowest integer as NA.
  low[is.na(low)] <- -2^31
  high[is.na(high)] <- -2^31
  low <- low + ifelse(low < 0, 2^32, 0)
  values <- high * 2^32 + low
  values[values == -2^63] <- NA
  keep_shape(values, x)
}

# What to do with numbers of a class that as_numbers() does not take.
number_hint <- function(x, arg) {
  pass <- paste0("{.code as.numeric(", arg, ")}")
  if (inherits(x, "factor")) return("The levels of a factor have codes, not values.")
  if (inherits(x, "units")) return("Pass its numbers: {.fn units::drop_units}.")
  if (inherits(x, "haven_labelled")) {
    return(paste0("Its numbers may be codes; if they are values, pass ", pass, "."))
  }
  if (is.object(x) && is.numeric(unclass(x))) {
    return(paste0("If its numbers are what you mean, pass ", pass, "."))
  }
  NULL
}
