# The training of paths, if there was one, is whole: the network of
# core/path/interpolant.h, and the energies of straight lines.

path_fault <- function(path, d, intervals) {
  if (is.null(path)) return(NULL)
  at <- "training$path$heads$path"
  parts_fault(path, "training$path", list(
    heads = function(x) if (!is.list(x) || !is.list(x$path)) "a list with a network",
    step = wholes(1), losses = losses_of(intervals, path$step),
    straight = numbers(intervals, 0, above = TRUE)
  )) %||%
    parts_fault(path$heads$path, at, list(
      shape = function(x) if (!is.list(x)) "a list",
      offset = numbers(1, 0, 0), scale = numbers(1, 0, above = TRUE)
    )) %||%
    parts_fault(path$heads$path$shape, paste0(at, "$shape"), list(
      inputs = wholes(1, 2 * d + 1, 2 * d + 1), outputs = wholes(1, d, d),
      width = wholes(1, 1, 65536), hidden = wholes(1, 1, 64),
      # Leaky ReLU has no continuous slope.
      activation = wholes(1, 1, length(activations) - 1)
    )) %||%
    parts_fault(path$heads$path, at, list(
      weights = numbers(count_parameters(path$heads$path$shape), finite = FALSE),
      first = numbers(count_parameters(path$heads$path$shape), finite = FALSE),
      second = numbers(count_parameters(path$heads$path$shape), finite = FALSE)
    ))
}
