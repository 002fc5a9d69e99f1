# Is this a fit, whole and of this version? Every function that takes a fit asks first: it
# may have been altered, or read from a file. What a fit holds is written down here.

# To be raised when fits of before can no longer be read.
fit_format <- 3L

# A hint for what has fits in it: a list of them, as `split_by` makes it, or an ensemble.
fits_within <- function(fit) {
  if (inherits(fit, "vgfm_list")) return("Ask its fits one by one, as {.code fits[[1]]}.")
  if (is_ensemble(fit)) "The fit to all cells is {.code ensemble$fit}."
}

check_fit <- function(fit, arg = "fit", call = rlang::caller_env()) {
  if (!inherits(fit, "vgfm")) {
    abort_fit(c("{.arg {arg}} must be a fit from {.fn vgfm_fit}, not {describe(fit)}.",
                i = fits_within(fit)), arg, call)
  }
  fault <- fit_fault(fit)
  if (!is.null(fault)) {
    abort_fit(c(
      "{.arg {arg}} is not a whole fit of this version of vgfm.",
      x = "Element {.code {fault$path}} must be {fault$wanted}, not {fault$value}.",
      i = "It was altered, read from a damaged file, or made by another version: fit
           again."
    ), arg, call, fault$parent)
  }
  invisible(fit)
}

abort_fit <- function(message, arg, call, parent = NULL, .envir = parent.frame()) {
  abort_input(message, arg = arg, class = "vgfm_error_fit", parent = parent, call = call,
              .envir = .envir)
}

# The first fault found: its path, what it must be, and what it is. NULL for none.
fit_fault <- function(fit) {
  if (!is.list(fit)) return(fault_at("fit", "a list", fit))
  if (!identical(fit$format, fit_format)) {
    return(fault_at("format", format(fit_format), fit$format))
  }
  s <- fit$snapshots
  common <- snapshots_fault(s) %||% control_fault(fit$control) %||%
    method_fault(fit$method, length(s$times) - 1)
  if (!is.null(common) || is_naive_fit(fit)) return(common)
  (if (is_learned(fit$method)) {
    verdicts_fault(fit$identified, fit$scan, length(s$times) - 1)
  }) %||%
    couplings_fault(fit$couplings, s$counts) %||%
    field_fault(fit$field, ncol(s$x), length(s$times)) %||%
    parts_fault(fit, "", list(seconds = stage_times,
                              history = loss_table(loss_names(fit$method)),
                              checks = or_null(check_table),
                              bend = or_null(bend_table),
                              prior = or_null(trust_table(length(s$times) - 1)))) %||%
    training_fault(fit$training, fit$field)
}

fault_at <- function(path, wanted, value) {
  list(path = path, wanted = wanted, value = describe(value))
}

# `parts` has for elements of a list what says NULL of a right value, and in words what is
# right of a wrong one. Other elements may be there.
parts_fault <- function(x, path, parts) {
  if (!is.list(x)) return(fault_at(path, "a list", x))
  for (i in seq_along(parts)) {
    name <- names(parts)[i] # two parts may be about one
    value <- x[[name]]
    wanted <- parts[[i]](value)
    if (!is.null(wanted)) {
      return(fault_at(paste(c(path[path != ""], name), collapse = "$"), wanted, value))
    }
  }
}

snapshots_fault <- function(s) {
  points <- function(x) {
    fits <- is.double(x) && is.matrix(x) && !is.object(x) && nrow(x) >= 2 &&
      ncol(x) >= 1 && ncol(x) <= features_limit && all_finite(x) && !anyNA(rownames(x))
    if (!fits) "a matrix of finite numbers"
  }
  parts_fault(s, "snapshots", list(x = points, times = rising)) %||%
    snapshots_agree(s, nrow(s$x), ncol(s$x), length(s$times)) %||%
    if (!is.null(s$source)) source_fault(s$source, nrow(s$x), ncol(s$x))
}

# x and times are right; the others go with them.
snapshots_agree <- function(s, n, d, times) {
  parts_fault(s, "snapshots", list(
    features = texts(d), features = exactly(colnames(s$x), "the columns of x"),
    named = true_or_false,
    index = wholes(n, 1, times),
    time = exactly(s$times[s$index], "the time of every cell"),
    labels = texts(times),
    clock = function(x) if (!is_clock(x)) "a scale of times",
    counts = exactly(tabulate(s$index, times), "the numbers of cells by time"),
    counts = wholes(times, 1),
    mass = numbers(times, 0, above = TRUE),
    measured = true_or_false,
    center = numbers(d),
    scale = numbers(1, 0, above = TRUE),
    prior = or_null(prior_of(n)),
    leading = or_null(function(x) {
      fits <- is.double(x) && is.matrix(x) && nrow(x) == d && all_finite(x)
      if (!fits) paste("a matrix of", d, "features x components")
    })
  ))
}

source_fault <- function(source, n, d) {
  rotation <- function(x) {
    fits <- is.double(x) && is.matrix(x) && ncol(x) == d && !is.null(rownames(x)) &&
      all_finite(x)
    if (!fits) paste("a matrix of genes x", d)
  }
  kinds <- c("reduction", "genes", "components")
  parts_fault(source, "snapshots$source", list(
    kind = function(x) if (!is.character(x) || !x[1] %in% kinds) "a kind of coordinates",
    reduction = or_null(texts(1)), assay = or_null(texts(1)), layer = or_null(texts(1)),
    genes = or_null(texts(length(source$genes))),
    rotation = or_null(rotation),
    centre = or_null(numbers(NROW(source$rotation)))
  ))
}

verdicts_fault <- function(identified, scan, intervals) {
  parts_fault(identified, "identified", list(
    interval = exactly(seq_len(intervals), paste("1 to", intervals)),
    from = texts(intervals), to = texts(intervals),
    identified = flags(intervals), tau = numbers(intervals, 0, above = TRUE),
    spread = numbers(intervals, finite = FALSE),
    parents = numbers(intervals, finite = FALSE),
    note = function(x) {
      if (!is.character(x) || length(x) != intervals || anyNA(x)) "a text each"
    }
  )) %||%
    parts_fault(scan, "scan", list(
      interval = exactly(rep(seq_len(intervals), each = length(tau_grid)),
                         "the number of each interval"),
      tau = numbers(NROW(scan), 0, above = TRUE),
      spread = numbers(NROW(scan), finite = FALSE),
      slope = numbers(NROW(scan), finite = FALSE),
      parents = numbers(NROW(scan), finite = FALSE)
    ))
}

couplings_fault <- function(couplings, counts) {
  intervals <- length(counts) - 1
  if (!is.list(couplings) || length(couplings) != intervals) {
    return(fault_at("couplings", paste("a list of", intervals), couplings))
  }
  for (k in seq_len(intervals)) {
    is_there <- function(element) is.list(couplings[[k]]) &&
      !is.null(couplings[[k]][[element]])
    given <- function(part, unless) if (unless) function(x) NULL else part
    batches <- is_there("method") && identical(couplings[[k]]$method, "minibatch")
    kept <- is_there("tau") && identical(couplings[[k]]$tau, Inf)
    fault <- parts_fault(couplings[[k]], paste0("couplings[[", k, "]]"), list(
      descendants = numbers(counts[k], 0),
      potential_source = given(numbers(counts[k], finite = FALSE), batches),
      potential_target = given(numbers(counts[k + 1], finite = FALSE), batches),
      gain_source = given(numbers(counts[k]), kept),
      gain_target = or_null(numbers(counts[k + 1])),
      cost = numbers(1, 0), square = numbers(1, 0), residual = numbers(1, 0),
      iterations = wholes(2), alone = wholes(2), epsilon = numbers(1, 0),
      tau = numbers(1, 0, finite = FALSE), method = texts(1), blocks = wholes(1, 1),
      prior = or_null(expected_of(counts[k]))
    ))
    if (!is.null(fault)) return(fault)
  }
}

# Heads of a model of d features, one or more of these in this order. A velocity and a
# score read the time, growth may do without.
head_kinds <- c("velocity", "growth", "score", "potential")

heads_fault <- function(heads, path, d, vectors = "weights") {
  known <- is.list(heads) && !is.null(names(heads)) && "velocity" %in% names(heads) &&
    identical(names(heads), intersect(head_kinds, names(heads)))
  if (!known) return(fault_at(path, "a list of networks by name", heads))
  for (name in names(heads)) {
    fault <- head_fault(heads[[name]], paste0(path, "$", name), d, name, vectors)
    if (!is.null(fault)) return(fault)
  }
}

# Weights may have left the numbers, if training diverged: what they then give is refused
# where it is computed.
head_fault <- function(head, path, d, kind, vectors) {
  timed <- kind != "growth"
  outputs <- if (kind %in% c("velocity", "score")) d else 1
  parts_fault(head, path, list(
    shape = function(x) if (!is.list(x)) "a list",
    offset = if (timed) numbers(1, 0, 0) else numbers(1),
    scale = numbers(1, 0, above = TRUE)
  )) %||%
    parts_fault(head$shape, paste0(path, "$shape"), list(
      inputs = wholes(1, d + timed, d + 1),
      outputs = wholes(1, outputs, outputs),
      width = wholes(1, 1, 65536), hidden = wholes(1, 1, 64),
      activation = wholes(1, if (kind == "potential") 1 else 0, length(activations) - 1)
    )) %||%
    parts_fault(head, path, stats::setNames(
      rep(list(numbers(count_parameters(head$shape), finite = FALSE)), length(vectors)),
      vectors
    ))
}

has_no_score <- function(field) !is.list(field$heads) || !gives_score(field)

field_fault <- function(field, d, times) {
  if (!is.list(field)) return(fault_at("field", "a list", field))
  parts_fault(field, "field", list(
    correction = or_null(numbers(times)),
    times = function(x) if (length(x) != times) paste(times, "times"), times = rising,
    # The noise of a model with a score, per root of standard time.
    sigma = if (has_no_score(field)) or_null(numbers(1)) else numbers(1, 0, above = TRUE)
  )) %||%
    heads_fault(field$heads, "field$heads", d)
}

control_fault <- function(control) {
  tryCatch({
    check_control(control)
    parts_fault(control, "control", list(steps = wholes(1), refine_steps = wholes(1),
                                         activation = texts(1)))
  }, vgfm_error_control = function(condition) {
    c(fault_at("control", "settings as vgfm_control() makes them", control),
      list(parent = condition))
  })
}

# A method whose numbers are all there.
method_fault <- function(method, intervals) {
  tryCatch({
    method <- as_method(method)
    kinds <- c("coupling", "path", "growth", "training")
    for (kind in kinds) for (name in setdiff(names(method[[kind]]), free_parameters)) {
      value <- method[[kind]][[name]]
      if (is.character(value)) next
      fault <- parts_fault(method[[kind]], paste0("method$", kind), stats::setNames(
        list(if (name %in% prices) prices_of(intervals) else
          if (is.logical(value)) true_or_false else numbers(1)), name))
      if (!is.null(fault)) return(fault)
    }
  }, vgfm_error_method = function(condition) {
    c(fault_at("method", "a method as vgfm_method() makes it", method),
      list(parent = condition))
  })
}

# Those that may stay NULL.
free_parameters <- c("minibatch", "delta", "time", "steps", "cells", "components")
prices_of <- function(intervals) {
  function(x) if (!is.numeric(x) || !length(x) %in% c(1, intervals)) "prices"
}

# Heads in training are those of the field, and have the moments of Adam.
training_fault <- function(training, field) {
  same_heads <- function(heads, path) {
    fault <- heads_fault(heads, path, field$heads$velocity$shape$outputs,
                         c("weights", "first", "second"))
    if (!is.null(fault)) return(fault)
    if (!identical(names(heads), names(field$heads))) {
      return(fault_at(path, "the networks of the field", heads))
    }
    for (name in names(heads)) {
      shape <- heads[[name]]$shape
      if (!setequal(shape, field$heads[[name]]$shape)) {
        return(fault_at(paste0(path, "$", name, "$shape"), "that of the field", shape))
      }
    }
  }
  parts_fault(training, "training", list(
    key = wholes(2, 0, 2^32 - 1), step = wholes(1),
    losses = losses_of(length(field$heads), training$step),
    score = or_null(numbers(1, finite = FALSE))
  )) %||%
    same_heads(training$heads, "training$heads") %||%
    (if (!is.null(training$scoring)) {
      parts_fault(training$scoring, "training$scoring", list(
        step = wholes(1), losses = losses_of(1, training$scoring$step)
      ))
    }) %||%
    path_fault(training$path, field$heads$velocity$shape$outputs,
               length(field$times) - 1) %||%
    (if (!is.null(training$bridging)) bridging_fault(training$bridging, field)) %||%
    if (!is.null(training$refinement)) {
      parts_fault(training$refinement, "training$refinement", list(
        step = wholes(1), losses = losses_of(2, training$refinement$step),
        stopped = or_null(texts(1))
      )) %||%
        same_heads(training$refinement$heads, "training$refinement$heads") %||%
        same_heads(training$matched, "training$matched")
    }
}
