# An ensemble as an object: whole or not, and its single fits.

check_ensemble <- function(x, arg = "fit", call = rlang::caller_env()) {
  fault <- ensemble_fault(x)
  if (is.null(fault)) return(invisible(x))
  abort_fit(c(
    "{.arg {arg}} is not a whole ensemble of this version of vgfm.",
    x = "Element {.code {fault$path}} must be {fault$wanted}, not {fault$value}.",
    i = "It was altered, read from a damaged file, or made by another version: call
         {.fn vgfm_ensemble} again."
  ), arg, call, fault$parent)
}

# As fit_fault() has it.
ensemble_fault <- function(x) {
  if (!is.list(x)) return(fault_at("ensemble", "a list", x))
  if (!identical(x$format, ensemble_format)) {
    return(fault_at("format", format(ensemble_format), x$format))
  }
  if (!inherits(x$fit, "vgfm")) return(fault_at("fit", "a fit", x$fit))
  some <- function(x) if (!is.list(x) || length(x) < 1) "a list of replicates"
  fault <- fault_below("fit", fit_fault(x$fit)) %||%
    parts_fault(x, "", list(key = wholes(2, 0, 2^32 - 1), failed = wholes(1),
                            replicates = some))
  for (b in seq_along(x$replicates)) {
    if (!is.null(fault)) return(fault)
    fault <- fault_below(paste0("replicates[[", b, "]]"),
                         replicate_fault(x$replicates[[b]], x$fit))
  }
  fault
}

fault_below <- function(path, fault) {
  if (is.null(fault)) return(NULL)
  fault$path <- paste0(path, "$", fault$path)
  fault
}

# Of a replicate as thin_replicate() makes it, with a fit.
replicate_fault <- function(x, fit) {
  if (!is.list(x)) return(fault_at("rows", "a list", x))
  s <- fit$snapshots
  times <- length(s$times)
  cells <- function(x) {
    fits <- is.null(wholes(length(x), 1, nrow(s$x))(x)) && !anyDuplicated(x) &&
      all(tabulate(s$index[x], times) > 0)
    if (!fits) "different cells of every time"
  }
  parts_fault(x, "", list(
    rows = cells, key = wholes(2, 0, 2^32 - 1), seconds = numbers(1, 0),
    tau = or_null(numbers(times - 1, 0, above = TRUE)),
    problems = function(x) if (!is.character(x)) "texts",
    fit = function(x) if (!is.list(x)) "what a replicate has of a fit"
  )) %||%
    fault_below(
      "fit",
      couplings_fault(x$fit$couplings, tabulate(s$index[x$rows], times)) %||%
        field_fault(x$fit$field, ncol(s$x), times) %||%
        parts_fault(x$fit, "", list(seconds = stage_times, checks = or_null(check_table),
                                    prior = or_null(trust_table(times - 1)))) %||%
        same_networks_fault(x$fit$field, fit$field)
    )
}

same_networks_fault <- function(field, wanted) {
  shapes <- function(field) lapply(field$heads, function(head) unlist(head$shape))
  if (!isTRUE(all.equal(shapes(field), shapes(wanted)))) {
    fault_at("field$heads", "networks as those of the fit to all cells", field$heads)
  }
}

#' @rdname vgfm_ensemble
#' @param replicate Number of a replicate.
#' @param ensemble,x An ensemble.
#' @export
vgfm_replicate <- function(ensemble, replicate, ...) {
  check_arguments()
  if (!is_ensemble(ensemble)) {
    abort_fit("{.arg ensemble} must be an ensemble, not {describe(ensemble)}.",
              "ensemble", rlang::current_env())
  }
  check_ensemble(ensemble, "ensemble")
  replicate <- check_count(replicate, min = 1, max = length(ensemble$replicates))
  check_fit(replicate_fit(ensemble, replicate))
}
