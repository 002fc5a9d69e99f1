# Fits of replicates, one each: what `split_by` gives.

# The masses of each replicate, named: those in a list, or the same for all.
replicate_masses <- function(mass, names, call) {
  if (!is.list(mass)) return(stats::setNames(rep(list(mass), length(names)), names))
  if (!setequal(names(mass), names) || anyDuplicated(names(mass))) {
    abort_input(c(
      "The names of {.arg mass} must be the replicates.",
      x = "They are {.val {names(mass)}}.",
      i = "Pass one vector for all, or a list for {.val {names}}."
    ), arg = "mass", class = "vgfm_error_mass", call = call)
  }
  mass
}

# A list, named by replicate, of what a function makes of each name. Its error says which
# replicate it was.
for_replicates <- function(names, make, call) {
  lapply(stats::setNames(nm = names), function(name) {
    tryCatch(make(name), vgfm_error = function(condition) {
      abort_input(
        c("Replicate {.val {name}} cannot be fitted on its own.",
          i = "Leave it out, by {.code NA} as its {.arg time} or in {.arg split_by}."),
        arg = "split_by", class = c("vgfm_error_split_by", class(condition)[1]),
        parent = condition, call = call
      )
    })
  })
}

# A fit of snapshots, or a list of fits of those of replicates.
fit_all <- function(snapshots, method, control, call) {
  if (inherits(snapshots, "vgfm_snapshots")) {
    return(fit_snapshots(snapshots, method, control, call))
  }
  if (!is.null(control$checkpoint)) {
    abort_input(c(
      "{.arg checkpoint} is for one fit, and {.arg split_by} makes {length(snapshots)}.",
      i = "Subset the object to the cells of a replicate, or leave it out."
    ), arg = "control", class = "vgfm_error_control", call = call)
  }
  fits <- for_replicates(names(snapshots), function(name) {
    fit_snapshots(snapshots[[name]], method, control, call)
  }, call)
  structure(fits, class = "vgfm_list")
}

#' @rdname print.vgfm
#' @export
print.vgfm_list <- function(x, ...) {
  check_fits(x, "x")
  cli::cat_line("<vgfm_list> fits of ", length(x), " replicates")
  for (name in names(x)) {
    s <- x[[name]]$snapshots
    cli::cat_line(name, "  ", nrow(s$x), " cells at ", in_short(s$labels),
                  if (!is.null(x[[name]]$checks)) paste0("; checks ",
                                                         checks_in_short(x[[name]])))
  }
  cli::cat_line("Next: tidy(), glance(), augment(); every element is a fit")
  invisible(x)
}

# A list of fits, each with the name of its replicate.
check_fits <- function(fits, arg, call = rlang::caller_env()) {
  if (!is.list(fits) || length(fits) == 0 || !all(nzchar(names(fits) %||% ""))) {
    abort_fit(c("{.arg {arg}} must have a fit for each replicate, by its name.",
                i = "Fit again, with {.arg split_by}."), arg, call)
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
tidy.vgfm_list <- function(x, ...) {
  check_arguments()
  bind_replicates(x, generics::tidy)
}

#' @rdname tidy.vgfm
#' @export
glance.vgfm_list <- function(x, ...) {
  check_arguments()
  bind_replicates(x, generics::glance)
}

#' @rdname tidy.vgfm
#' @export
augment.vgfm_list <- function(x, data = NULL, ...) {
  check_arguments()
  call <- rlang::current_env()
  check_fits(x, "x")
  if (is.null(data)) return(bind_replicates(x, generics::augment))
  bind_replicates(x, function(fit) {
    generics::augment(fit, data[, replicate_cells(fit, data, call)])
  })
}

# Which columns of the object that replicates were fitted from, or of a part of it, are
# cells of one of them.
replicate_cells <- function(fit, data, call) {
  s <- fit$snapshots
  names <- if (is_container(data)) colnames(data)
  if (!is.null(names) && !is.null(rownames(s$x))) {
    cells <- which(names %in% rownames(s$x))
    if (length(cells) > 0) return(cells)
  } else if (is_container(data) && ncol(data) == s$source$of) {
    return(s$source$cells)
  }
  abort_x(c(
    "{.arg data} must be the object that the replicates were fitted from, or a part of
     it.",
    i = "For other cells, {.fn augment} one of the fits: {.code x[[1]]}."
  ), "data", NULL, call)
}
