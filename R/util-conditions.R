# Every error, warning and message of the package is raised here, and every scalar
# argument is checked here. `call` is the frame of the function that the user called.

# Text is formatted as cli does it: `{}` is evaluated in the frame of the caller.
abort_input <- function(message, ..., arg = NULL, class = NULL,
                        call = rlang::caller_env(), .envir = parent.frame()) {
  cli::cli_abort(
    message, ..., arg = arg, class = c(class, "vgfm_error_input", "vgfm_error"),
    call = call, .envir = .envir
  )
}

warn_vgfm <- function(message, ..., class = NULL, call = rlang::caller_env(),
                      .envir = parent.frame()) {
  cli::cli_warn(
    message, ..., class = c(class, "vgfm_warning"), call = call, .envir = .envir
  )
}

inform_vgfm <- function(message, ..., class = NULL, .envir = parent.frame()) {
  cli::cli_inform(message, ..., class = c(class, "vgfm_message"), .envir = .envir)
}

# A value, or what kind of thing it is, in a few words for an error message.
describe <- function(x) {
  if (is.null(x)) return("NULL")
  if (is.atomic(x) && !is.object(x) && length(x) == 1 && is.null(dim(x))) {
    if (!is.character(x) || is.na(x)) return(format(x, digits = 15))
    return(encodeString(substr(x, 1, 40), quote = "\""))
  }
  kind <- class(x)[1]
  article <- if (grepl("^[aeiou]", kind)) "an" else "a"
  if (is.function(x)) return("a function")
  if (!is.null(dim(x))) {
    return(paste0(article, " ", kind, " of ", paste(dim(x), collapse = " x ")))
  }
  if (isS4(x) || is.environment(x)) return(paste0("an object of class ", kind))
  if (is.atomic(x) && !is.object(x)) kind <- paste(kind, "vector")
  paste0(article, " ", kind, " of length ", length(x))
}

# "a number of at least 0 and below 1", from the ends and whether they belong.
describe_range <- function(what, min, max, bounds) {
  low <- if (substr(bounds, 1, 1) == "(") "above" else "of at least"
  high <- if (substr(bounds, 2, 2) == ")") "below" else "at most"
  ends <- c(
    if (is.finite(min)) paste(low, format(min, digits = 15)),
    if (is.finite(max)) {
      paste0(if (!is.finite(min) && high == "at most") "of ", high, " ",
             format(max, digits = 15))
    }
  )
  paste(c(what, paste(ends, collapse = " and ")), collapse = " ")
}

abort_scalar <- function(x, wanted, hint, arg, class, call) {
  value <- describe(x)
  abort_input(
    c("{.arg {arg}} must be {wanted}, not {value}.", i = hint),
    arg = arg, class = class, call = call
  )
}

# One number. `bounds` says, as in mathematics, which end belongs to the range; `hint`
# is a cli string that says what to do instead.
check_number <- function(x, min = -Inf, max = Inf, bounds = "[]", allow_null = FALSE,
                         allow_inf = FALSE, hint = NULL, class = NULL,
                         arg = rlang::caller_arg(x), call = rlang::caller_env()) {
  if (is.null(x) && allow_null) return(NULL)
  force(arg) # named after the argument, before that changes
  given <- x
  x <- as_numbers(x)
  fits <- length(x) == 1 && !is.na(x) &&
    (allow_inf || is.finite(x)) &&
    (if (substr(bounds, 1, 1) == "(") x > min else x >= min) &&
    (if (substr(bounds, 2, 2) == ")") x < max else x <= max)
  if (!fits) {
    what <- if (allow_inf) "a number" else "a finite number"
    wanted <- trimws(describe_range(what, min, max, bounds))
    abort_scalar(given, wanted, hint, arg, class, call)
  }
  as.double(x)
}

# One whole number, returned as an integer.
check_count <- function(x, min = 1, max = .Machine$integer.max, allow_null = FALSE,
                        hint = NULL, class = NULL, arg = rlang::caller_arg(x),
                        call = rlang::caller_env()) {
  if (is.null(x) && allow_null) return(NULL)
  force(arg) # named after the argument, before that changes
  given <- x
  x <- as_numbers(x)
  fits <- length(x) == 1 && is.finite(x) && x == round(x) && x >= min &&
    x <= max
  if (!fits) {
    shown <- if (max == .Machine$integer.max) Inf else max
    wanted <- trimws(describe_range("a whole number", min, shown, "[]"))
    abort_scalar(given, wanted, hint, arg, class, call)
  }
  as.integer(x)
}

check_flag <- function(x, hint = NULL, class = NULL, allow_null = FALSE,
                       arg = rlang::caller_arg(x), call = rlang::caller_env()) {
  force(arg)
  if (is.null(x) && allow_null) return(NULL)
  if (!isTRUE(x) && !isFALSE(x)) {
    abort_scalar(x, "`TRUE` or `FALSE`", hint, arg, class, call)
  }
  isTRUE(x)
}

# One of some words. The whole vector of choices, as a default argument has it, means
# the first of them.
check_choice <- function(x, choices, hint = NULL, class = NULL,
                         arg = rlang::caller_arg(x), call = rlang::caller_env()) {
  if (identical(x, choices)) return(choices[1])
  if (!is.character(x) || length(x) != 1 || !x %in% choices) {
    value <- describe(x)
    abort_input(
      c("{.arg {arg}} must be one of {.or {.val {choices}}}, not {value}.", i = hint),
      arg = arg, class = class, call = call
    )
  }
  x
}

# cli shows no more than 20 elements of a vector, unless told to.
in_full <- function(x) cli::cli_vec(x, list("vec-trunc" = Inf))

# An object has no `what` of this name; says which there are.
abort_name <- function(value, arg, choices, class, call, what = arg, hint = NULL) {
  there <- if (length(choices) > 0) {
    "There {cli::qty(choices)}{?is/are} {.val {choices}}."
  } else {
    "There is none at all."
  }
  abort_input(
    c("There is no {what} {describe(value)}.", x = there, i = hint),
    arg = arg, class = class, call = call
  )
}

# setTimeLimit() is to end the whole.
is_time_limit <- function(error) {
  said <- gettext(c("reached elapsed time limit", "reached CPU time limit"), domain = "R")
  any(startsWith(conditionMessage(error), said))
}
