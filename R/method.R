#' A method in its parts
#'
#' @section What the data decide: Values that are `NULL` are chosen when a fit starts;
#'   `fit$method` has what was used. [vgfm_control()] says how for `tau`, `epsilon`,
#'   `noise`, `bend`, `pooling` and `time` of `vgfm`. For the others: `delta` is half the
#'   root of that `tau`, as both costs agree at small distances; `epsilon` of an unbalanced
#'   coupling is a thousandth of its `tau`; `sigma` is such that the noise gathered
#'   in the middle of a mean gap is the local spacing of cells, and `epsilon` of couplings
#'   beside it `2 sigma^2` times the gap, which makes a Schroedinger bridge of them.
#'
#' @param name One of [vgfm_methods()].
#' @param ... Parameters of its parts, by name, such as `tau = 10` or `noise = 0`; see
#'   [method_parts].
#' @param coupling,path,growth,training Parts to take in place of those of the method.
#' @param settings `"data"` leaves to the data what is not given; `"paper"` takes what its
#'   authors published, as [vgfm_methods()] lists it.
#' @return A list of class `vgfm_method`: `name`, `coupling`, `path`, `growth` and
#'   `training`.
#' @section Errors: `vgfm_error_method` for unknown names, values out of range, and parts
#'   that do not go together.
#' @export
#' @seealso [vgfm_methods()], [vgfm_fit()]
#' @examples
#' vgfm_method("vgfm", tau = 10, noise = 0.1)
#' vgfm_method("ot_cfm", settings = "paper")
vgfm_method <- function(name = "vgfm", ..., coupling = NULL, path = NULL, growth = NULL,
                        training = NULL, settings = c("data", "paper")) {
  call <- rlang::current_env()
  name <- check_choice(name, names(method_table), class = method_error,
                       hint = "{.fn vgfm_methods} lists them.")
  settings <- check_choice(settings, c("data", "paper"), class = method_error)
  entry <- method_table[[name]]()
  parts <- entry$parts
  given <- list(coupling = coupling, path = path, growth = growth, training = training)
  numbers <- list(...)
  if (settings == "paper") {
    if (is.null(entry$paper)) {
      abort_input(c("There are no published settings of {.val {name}}.",
                    i = "Leave {.arg settings} out."), arg = "settings",
                  class = method_error, call = call)
    }
    published <- entry$paper[setdiff(names(entry$paper), names(numbers))]
    whole <- names(published) %in% names(parts)
    parts[names(published)[whole]] <- published[whole]
    numbers <- c(numbers, published[!whole])
  }
  for (kind in names(given)) {
    if (is.null(given[[kind]])) next
    check_part(given[[kind]], kind, call)
    parts[[kind]] <- given[[kind]]
  }
  method <- set_parameters(new_method(name, parts), numbers, call)
  check_method(method, call = call)
}

new_method <- function(name, parts) {
  kinds <- c("coupling", "path", "growth", "training")
  structure(c(name = name, stats::setNames(lapply(kinds, function(k) parts[[k]]), kinds)),
            class = "vgfm_method")
}

check_part <- function(part, kind, call) {
  if (inherits(part, paste0("vgfm_", kind)) && is.list(part)) return(invisible())
  makers <- paste0(kind, "_", c(coupling = "exact", path = "straight",
                                growth = "learned", training = "match")[[kind]], "()")
  abort_input(c("{.arg {kind}} must be a part such as {.code {makers}} makes, not
                 {describe(part)}.", i = "See {.code ?method_parts}."),
              arg = kind, class = method_error, call = call)
}

# Hands each parameter to the parts that have it; a coupling and a path may share one.
set_parameters <- function(method, numbers, call) {
  if (length(numbers) == 0) return(method)
  kinds <- c("coupling", "path", "growth")
  known <- lapply(method[kinds], names)
  for (name in names(numbers) %||% "") {
    having <- kinds[vapply(known, function(all) name %in% all, NA)]
    if (length(having) == 0 || name == "cost") {
      all <- setdiff(unlist(known, use.names = FALSE), "cost")
      abort_input(c(
        if (nzchar(name)) "The method {.val {method$name}} has no parameter {.arg {name}}."
        else "Parameters of parts must have names.",
        i = if (length(all) > 0) "Its parameters are {.arg {in_full(unique(all))}}."
        else "It has none."
      ), arg = name, class = method_error, call = call)
    }
    for (kind in having) {
      part <- method[[kind]]
      part[name] <- list(numbers[[name]])
      method[[kind]] <- remake_part(part, call)
    }
  }
  method
}

# The part as its constructor makes it, which checks the values.
remake_part <- function(part, call) {
  maker <- get(class(part)[1], mode = "function")
  tryCatch(do.call(maker, unclass(part)), vgfm_error = function(condition) {
    condition$call <- rlang::error_call(call)
    rlang::cnd_signal(condition)
  })
}

is_learned <- function(method) inherits(method$growth, "growth_learned")
is_trained_method <- function(method) !inherits(method$training, "training_none")
has_score <- function(method) {
  inherits(method$path, "path_brownian") && is_trained_method(method)
}
is_balanced <- function(coupling) {
  inherits(coupling, c("coupling_exact", "coupling_entropic"))
}

# The networks of a method.
head_names <- function(method) {
  if (!is_trained_method(method)) return(character())
  c("velocity", if (is_learned(method)) "growth", if (has_score(method)) "score")
}

gives <- function(method) {
  growth <- switch(part_name(method$growth), learned = "growth by state",
                   uniform = "one growth rate per interval", none = NULL)
  c(if (!is.null(method$path)) "velocity", growth,
    if (has_score(method)) c("score", "stochastic paths"))
}

#' @export
print.vgfm_method <- function(x, ...) {
  cli::cat_line("Method ", x$name)
  for (kind in c("coupling", "path", "growth", "training")) {
    cli::cat_line("  ", format(kind, width = 9), show_part(x[[kind]]))
  }
  invisible(x)
}
