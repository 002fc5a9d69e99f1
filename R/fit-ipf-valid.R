# Whether what training holds of iterated proportional fitting is whole, as
# new_bridging() has it.
bridging_fault <- function(bridging, field) {
  path <- "training$bridging"
  d <- field$heads$velocity$shape$outputs
  intervals <- length(field$times) - 1
  moments <- c("weights", "first", "second")
  rates <- function(x) {
    fits <- is.data.frame(x) && nrow(x) == intervals && is.double(x$factor) &&
      is.double(x$constant) && all(is.finite(x$factor), is.finite(x$constant))
    if (!fits) "growth rates by interval"
  }
  a_list <- function(x) if (!is.list(x)) "a list"
  fault <- parts_fault(bridging, path, list(
    prepared = true_or_false, done = wholes(1), length = wholes(1, 1), heads = a_list,
    rates = rates, losses = function(x) if (!is.double(x)) "losses",
    current = or_null(a_list)
  ))
  if (!is.null(fault)) return(fault)
  kinds <- c(forward = "velocity", backward = "velocity",
             prior = if (!is.null(field$heads$growth)) "growth")
  for (name in names(kinds)) {
    fault <- head_fault(bridging$heads[[name]], paste0(path, "$heads$", name), d,
                        kinds[[name]], moments)
    if (!is.null(fault)) return(fault)
  }
  current <- bridging$current
  if (is.null(current)) return(NULL)
  path <- paste0(path, "$current")
  parts_fault(current, path, list(
    step = wholes(1, 0, bridging$length), losses = losses_of(1, current$step),
    heads = function(x) if (!identical(names(x), "velocity")) "a network `velocity`"
  )) %||%
    heads_fault(current$heads, paste0(path, "$heads"), d, moments)
}
