# What the fields say of a cell, by the names under which it is put into objects.
#   growth         exponential rate per unit of time
#   doubling_time  in units of time; NA where mass does not grow
#   speed          length of the velocity
#   descendants    expected number at the last observed time
annotate_cells <- function(fit, x, time, call = rlang::caller_env()) {
  field <- evaluate_field(fit, x, time, call)
  last <- max(fit$snapshots$times)
  moved <- advance_cells(fit, x, time, last, call = call)
  growth <- unname(field$growth)
  list(
    table = data.frame(
      growth = growth, doubling_time = ifelse(growth > 0, log(2) / growth, NA),
      speed = sqrt(unname(rowSums(field$velocity^2))),
      descendants = unname(exp(moved$log_weight))
    ),
    velocity = field$velocity
  )
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
  call <- rlang::current_env()
  check_fit(x, "x")
  if (is.null(data)) {
    cells <- x$snapshots$x
    time <- x$snapshots$time
    joined <- data.frame(time = time, cells, check.names = FALSE)
  } else {
    cells <- check_newdata(x$snapshots, data, "data", call)
    time <- newdata_time(x, data, time, call)
    joined <- if (is_container(data)) cell_metadata(data) else as.data.frame(data)
  }
  if (length(time) == 1) time <- rep(time, nrow(cells))
  if (!is.null(time) && all(is.na(time))) time <- as.double(time)
  known <- which(!is.na(time))
  at <- cells_at(x, cells[known, , drop = FALSE], time[known], call)
  found <- annotate_cells(x, at$x, at$time, call)$table
  names(found) <- paste0("vgfm_", names(found))
  kept <- joined[setdiff(names(joined), c("cell", names(found)))]
  data.frame(cell = rownames(cells) %||% seq_len(nrow(cells)), kept,
             found[match(seq_len(nrow(cells)), known), ],
             row.names = NULL, check.names = FALSE)
}
