# Fits of replicates, one each: what `split_by` gives.

# cells: for each replicate the numbers of its cells. `fit_cells` fits some cells.
fit_replicates <- function(cells, mass, fit_cells, call) {
  masses <- if (is.list(mass)) mass else rep(list(mass), length(cells))
  if (is.list(mass) && !setequal(names(mass), names(cells))) {
    abort_input(c(
      "The names of {.arg mass} must be the replicates.",
      x = "They are {.val {names(mass)}}.",
      i = "Pass one vector for all, or a list for {.val {names(cells)}}."
    ), arg = "mass", class = "vgfm_error_mass", call = call)
  }
  if (!is.list(mass)) names(masses) <- names(cells)
  fits <- lapply(names(cells), function(name) {
    tryCatch(
      fit_cells(cells[[name]], masses[[name]]),
      vgfm_error = function(condition) {
        abort_input(
          c("Replicate {.val {name}} cannot be fitted on its own.",
            i = "Leave it out, by {.code NA} as its {.arg time} or in {.arg split_by}."),
          arg = "split_by", class = c("vgfm_error_split_by", class(condition)[1]),
          parent = condition, call = call
        )
      }
    )
  })
  structure(stats::setNames(fits, names(cells)), class = "vgfm_list")
}

#' @rdname print.vgfm
#' @export
print.vgfm_list <- function(x, ...) {
  check_fits(x, "x")
  cli::cat_line("<vgfm_list> fits of ", length(x), " replicates")
  for (name in names(x)) {
    s <- x[[name]]$snapshots
    cli::cat_line(name, "  ", nrow(s$x), " cells at ", in_short(s$labels))
  }
  cli::cat_line("Next: tidy(), glance(), augment(); every element is a fit")
  invisible(x)
}

# A list of fits, each with the name of its replicate.
check_fits <- function(fits, arg, call = rlang::caller_env()) {
  if (!is.list(fits) || length(fits) == 0 || !all(nzchar(names(fits) %||% ""))) {
    abort_input(
      c("{.arg {arg}} must have a fit for each replicate, by its name.",
        i = "Fit again, with {.arg split_by}."),
      arg = arg, class = "vgfm_error_fit", call = call
    )
  }
  lapply(fits, check_fit, arg, call)
  invisible(fits)
}

# Rows of all replicates, with a column that says whose they are.
bind_replicates <- function(fits, table, call = rlang::caller_env()) {
  check_fits(fits, "x", call)
  rows <- lapply(names(fits), function(name) {
    part <- table(fits[[name]])
    cbind(replicate = rep(name, nrow(part)), part)
  })
  do.call(rbind, rows)
}

#' @rdname tidy.vgfm
#' @export
tidy.vgfm_list <- function(x, ...) bind_replicates(x, generics::tidy)

#' @rdname tidy.vgfm
#' @export
glance.vgfm_list <- function(x, ...) bind_replicates(x, generics::glance)

#' @rdname tidy.vgfm
#' @export
augment.vgfm_list <- function(x, data = NULL, ...) {
  check_fits(x, "x")
  if (is.null(data)) return(bind_replicates(x, generics::augment))
  whole <- is_container(data) && ncol(data) == x[[1]]$snapshots$source$of
  if (!whole) {
    abort_x(c(
      "{.arg data} must be the object that the replicates were fitted from.",
      i = "For other cells, {.fn augment} one of the fits: {.code x[[1]]}."
    ), "data", NULL, rlang::current_env())
  }
  bind_replicates(x, function(fit) {
    generics::augment(fit, data[, fit$snapshots$source$cells])
  })
}
