# What parts of a fit must be: functions that say NULL of a right value, and in words what
# is right of a wrong one.

# Without the memory that is.finite() takes, unless the sum overflows.
all_finite <- function(x) is.finite(sum(x)) || all(is.finite(x))

# n numbers from min (exclusively, if `above`) to max.
numbers <- function(n, min = -Inf, max = Inf, above = FALSE, finite = TRUE) {
  function(x) {
    fits <- is.double(x) && !is.object(x) && length(x) == n &&
      (!finite || all_finite(x)) &&
      (!is.finite(min) || all(if (above) x > min else x >= min, na.rm = !finite)) &&
      (!is.finite(max) || all(x <= max, na.rm = !finite))
    if (fits) return(NULL)
    ends <- if (is.finite(min) || is.finite(max)) {
      describe_range("", min, max, if (above) "(]" else "[]")
    }
    kind <- if (finite) "finite " else ""
    paste0(n, " ", kind, "number", if (n != 1) "s", ends)
  }
}

# n whole numbers, as integers or doubles.
wholes <- function(n, min = 0, max = .Machine$integer.max) {
  function(x) {
    fits <- is.numeric(x) && !is.object(x) && length(x) == n && all(is.finite(x)) &&
      all(x == round(x) & x >= min & x <= max)
    if (!fits) paste0(n, " whole number", if (n != 1) "s", " from ", min, " to ", max)
  }
}

texts <- function(n) {
  function(x) {
    fits <- is.character(x) && !is.object(x) && length(x) == n && !anyNA(x) &&
      !anyDuplicated(x)
    if (!fits) paste0(n, if (n != 1) " different", " text", if (n != 1) "s")
  }
}

flags <- function(n) {
  function(x) {
    fits <- is.logical(x) && length(x) == n && !anyNA(x)
    if (!fits) paste(n, "times TRUE or FALSE")
  }
}

true_or_false <- function(x) if (!isTRUE(x) && !isFALSE(x)) "TRUE or FALSE"

exactly <- function(wanted, what) function(x) if (!identical(x, wanted)) what

or_null <- function(part) function(x) if (!is.null(x)) part(x)

rising <- function(x) {
  fits <- is.double(x) && !is.object(x) && length(x) >= 2 && all(is.finite(x)) &&
    all(diff(x) > 0)
  if (!fits) "two or more times in order"
}

stage_times <- function(x) {
  fits <- is.double(x) && all(c("couple", "match", "refine") %in% names(x)) &&
    all(is.finite(x))
  if (!fits) "seconds by stage"
}

loss_table <- function(heads) {
  columns <- c("step", heads)
  function(x) {
    fits <- is.data.frame(x) && all(columns %in% names(x)) &&
      all(vapply(x[columns], is.numeric, NA))
    if (!fits) "a table of losses by step"
  }
}

check_table <- function(x) {
  fits <- is.data.frame(x) && is.character(x$check) && is.numeric(x$value) &&
    is.numeric(x$limit) && is.logical(x$passed) && !anyNA(x$passed)
  if (!fits) "a table of figures and their limits"
}

bend_table <- function(x) {
  fits <- is.data.frame(x) && is.numeric(x$bend) && is.numeric(x$pooling) &&
    is.numeric(x$w1) && is.numeric(x$times) && is.logical(x$chosen)
  if (!fits) "a table of bends and their scores"
}

# Of n cells: rates, NA where not known, and who is stable.
prior_of <- function(n) {
  function(x) {
    fits <- is.list(x) && is.double(x$rate) && length(x$rate) == n &&
      !any(is.infinite(x$rate)) && is.logical(x$stable) && length(x$stable) == n &&
      !anyNA(x$stable)
    if (!fits) paste("a growth prior of", n, "cells")
  }
}

# What a coupling keeps of a prior.
expected_of <- function(n) {
  function(x) {
    fits <- is.list(x) && is.null(numbers(n, 0, above = TRUE)(x$expected)) &&
      all(prior_columns %in% names(x)) && all(lengths(x[prior_columns]) == 1)
    if (!fits) paste("descendants expected of", n, "cells")
  }
}

trust_table <- function(intervals) {
  function(x) {
    figures <- setdiff(prior_columns, c("from", "to"))
    fits <- is.data.frame(x) && nrow(x) == intervals &&
      all(prior_columns %in% names(x)) && all(vapply(x[figures], is.double, NA))
    if (!fits) "a table of how far the prior is believed"
  }
}

# So many losses a step, of at most so many steps.
losses_of <- function(n, steps) {
  function(x) {
    fits <- is.double(x) && is.matrix(x) && nrow(x) == n && ncol(x) <= steps
    if (!fits) paste("a matrix of", n, "losses for each of", steps, "steps at most")
  }
}
