# Fits that were altered, one element at a time.

# Every element of a fit, the lists and what they hold: its path, a list of names and
# places.
paths_of <- function(x, above = list()) {
  if (!is.list(x) || is.data.frame(x)) return(list(above))
  names <- names(x) %||% seq_along(x)
  own <- lapply(seq_along(x), function(i) c(above, list(names[[i]])))
  c(if (length(above) > 0) list(above),
    unlist(lapply(own, function(path) paths_of(x[[path[[length(path)]]]], path)),
           recursive = FALSE))
}

`%||%` <- function(a, b) if (is.null(a)) b else a

set_part <- function(x, path, value) {
  if (length(path) == 0) return(value)
  first <- path[[1]]
  x[first] <- list(set_part(x[[first]], path[-1], value))
  x
}

without_part <- function(x, path) {
  if (length(path) > 1) {
    x[path[[1]]] <- list(without_part(x[[path[[1]]]], path[-1]))
  } else {
    x[[path[[1]]]] <- NULL
  }
  x
}

get_part <- function(x, path) Reduce(function(x, at) x[[at]], path, x)

# What may have become of a value.
damages <- list(
  shorter = function(x) x[seq_len(length(x) %/% 2)],
  longer = function(x) x[rep_len(seq_along(x), 2 * length(x) + 1)],
  turned = function(x) if (is.matrix(x)) t(x) else if (is.list(x)) unname(x) else rev(x),
  text = function(x) rep("a", length(x)),
  listed = function(x) as.list(x),
  missing = function(x) if (is.list(x)) NULL else x[NA_integer_ + 0 * seq_along(x)],
  negative = function(x) if (is.numeric(x)) -x - 1 else !is.null(x),
  large = function(x) if (is.numeric(x)) x + 4000 else x,
  huge = function(x) if (is.numeric(x)) x * 1e200 else NaN,
  fraction = function(x) if (is.numeric(x)) x + 0.5 else 0.5
)

# All damaged fits, as list(fit, what), that differ from the fit.
damaged_fits <- function(fit) {
  variants <- list()
  for (path in paths_of(fit)) {
    name <- paste(unlist(path), collapse = "$")
    add <- function(damaged, how) {
      if (!identical(damaged, fit)) {
        variants[[length(variants) + 1]] <<- list(fit = damaged, what = paste(how, name))
      }
    }
    add(without_part(fit, path), "no")
    for (how in names(damages)) {
      value <- get_part(fit, path)
      changed <- damages[[how]](value)
      if (!is.list(value) && !is.list(changed) && length(changed) == length(value)) {
        attributes(changed) <- attributes(changed) %||% attributes(value)
      }
      add(set_part(fit, path, changed), how)
    }
  }
  variants
}

# What may be done with a fit, quickly.
uses_of_fit <- list(
  print = function(fit) utils::capture.output(print(fit)),
  summary = function(fit) summary(fit),
  tidy = function(fit) tidy(fit),
  glance = function(fit) glance(fit),
  augment = function(fit) augment(fit),
  velocity = function(fit) predict(fit),
  state = function(fit) predict(fit, type = "state"),
  new = function(fit) predict(fit, data.frame(a = 1, b = 2), 3, "weight"),
  trajectories = function(fit) vgfm_trajectories(fit, n = 3),
  interpolate = function(fit) vgfm_interpolate(fit, 3, n = 5),
  evaluate = function(fit) vgfm_evaluate(fit),
  fates = function(fit) vgfm_fates(fit, rep(c("x", "y"), 80)),
  ancestors = function(fit) vgfm_ancestors(fit, rep(c("x", "y"), 80)),
  dead_ends = function(fit) vgfm_dead_ends(fit),
  genes = function(fit) vgfm_growth_genes(fit),
  jacobian = function(fit) vgfm_jacobian(fit),
  gene_velocity = function(fit) vgfm_gene_velocity(fit),
  embed = function(fit) vgfm_embed(fit),
  trajectory = function(fit) ggplot2::autoplot(fit, n = 3),
  growth = function(fit) ggplot2::autoplot(fit, "growth"),
  mass = function(fit) ggplot2::autoplot(fit, "mass"),
  history = function(fit) ggplot2::autoplot(fit, "history"),
  fit = function(fit) ggplot2::autoplot(fit, "fit"),
  plot = function(fit) {
    grDevices::pdf(NULL)
    on.exit(grDevices::dev.off())
    plot(fit, "history")
  },
  resume = function(fit) vgfm_resume(fit, steps = fit$training$step + 2,
                                     refine_steps = 0)
)

# "works", or how it fails: the class of a vgfm_error, or "raw" and what R said.
outcome <- function(use, fit) {
  tryCatch({
    suppressWarnings(use(fit))
    "works"
  }, vgfm_error = function(condition) class(condition)[1],
  error = function(condition) paste("raw:", conditionMessage(condition)))
}
