# What the fields say of a cell, by the names under which it is put into objects.
#   growth         exponential rate per unit of time
#   doubling_time  in units of time; NA where mass does not grow
#   speed          length of the velocity
#   descendants    expected number at the last observed time
#   prior          growth expected beforehand, if there is any
annotate_cells <- function(fit, x, time, prior = NULL, call = rlang::caller_env()) {
  field <- evaluate_field(fit, x, time, call)
  last <- max(fit$snapshots$times)
  moved <- advance_cells(fit, x, time, last, call = call)
  growth <- unname(field$growth)
  table <- data.frame(
    growth = growth, doubling_time = ifelse(growth > 0, log(2) / growth, NA),
    speed = sqrt(unname(rowSums(field$velocity^2))),
    descendants = unname(exp(moved$log_weight))
  )
  table$prior <- prior
  list(table = table, velocity = field$velocity)
}

#' @importFrom generics augment
#' @export
generics::augment

#' @rdname tidy.vgfm
#' @param data Cells to annotate: an object such as the fit was made of, or a matrix or
#'   data frame with the features of the fit. Default: the cells of the fit.
#' @param time Times of these cells, or the column that holds them. Default: the column
#'   of the fit. Cells whose time is `NA` get `NA`.
#' @export
augment.vgfm <- function(x, data = NULL, time = NULL, ...) {
  check_arguments()
  check_fit(x, "x")
  augment_cells(x, data, time, 0.9, rlang::current_env())
}

#' @rdname tidy.vgfm
#' @param level Of an ensemble: the probability with which a band holds the truth.
#' @export
augment.vgfm_ensemble <- function(x, data = NULL, time = NULL, level = 0.9, ...) {
  check_arguments()
  check_ensemble(x, "x")
  augment_cells(x, data, time, level, rlang::current_env())
}

augment_cells <- function(fit, data, time, level, call) {
  ensemble <- fit
  x <- main_fit(ensemble)
  snapshots <- x$snapshots
  cells <- snapshots$x
  if (!is.null(data)) cells <- check_newdata(snapshots, data, "data", call)
  at <- newdata_time(x, data, time, cells, some = TRUE, call = call)
  if (is.null(at)) {
    abort_time(c(
      "{.arg time} is needed with {.arg data}.",
      i = "Give the time at which the cells are: one for all, or one per cell."
    ), "time", call)
  }
  known <- which(!is.na(at))
  warn_outside(x, at[known], call)
  prior <- cell_priors(x, data, cells)
  found <- answer(ensemble, level, function(one, rows) {
    table <- annotate_cells(one, cells[known, , drop = FALSE], at[known], prior[known],
                            call)$table
    table$row <- known
    table
  }, "row", c("growth", "speed", "descendants"), call)
  bands <- attributes(found)[c("replicates", "level")]
  found$row <- NULL
  names(found) <- paste0("vgfm_", names(found))
  out <- data.frame(cell = rownames(cells) %||% seq_len(nrow(cells)))
  if (is.null(data)) {
    kept <- as.data.frame(cells)
    out <- in_user_times(cbind(out, time = at), snapshots)
  } else {
    kept <- as_plain_frame(if (is_container(data)) cell_metadata(data) else
      as.data.frame(data))
  }
  # What an earlier run left is replaced; any other column of a name that is used here
  # gets a number behind it.
  if (!is.null(data)) kept <- kept[setdiff(names(kept), names(found))]
  names <- make.unique(c(names(out), names(found), names(kept)))
  names(kept) <- utils::tail(names, length(kept))
  out <- data.frame(out, kept, found[match(seq_len(nrow(cells)), known), ],
                    row.names = NULL, check.names = FALSE)
  attributes(out)[names(bands)] <- bands
  out
}

# The prior of each cell: of those of the fit, or of `data`, where they are known by name
# or stand in the object that the fit was made of; `NA` for others. NULL without a prior.
cell_priors <- function(fit, data, cells) {
  s <- fit$snapshots
  rate <- s$prior$rate
  if (is.null(rate) || is.null(data)) return(rate)
  n <- nrow(cells)
  if (!is.null(rownames(s$x)) && !is.null(rownames(cells))) {
    rate[match(rownames(cells), rownames(s$x))]
  } else if (is_container(data) && n == s$source$of) {
    rate[match(seq_len(n), s$source$cells)]
  } else {
    rep(NA_real_, n)
  }
}
