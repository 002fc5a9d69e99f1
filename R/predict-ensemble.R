#' @rdname predict.vgfm
#' @param level Of an ensemble: the probability with which a band holds the truth.
#' @export
predict.vgfm_ensemble <- function(object, newdata = NULL, time = NULL,
                                  type = c("velocity", "growth", "state", "weight",
                                           "score"),
                                  to = NULL, level = 0.9, ...) {
  check_arguments()
  call <- rlang::current_env()
  check_ensemble(object, "object")
  main <- object$fit
  type <- check_choice(type, prediction_types)
  check_prediction(main, type, to, call)
  cells <- cells_at(main, newdata, time, call)
  to <- prediction_end(main, type, to, call)
  value <- predicted_values(main, cells, type, to, call)
  columns <- paste0("value", seq_len(NCOL(value)))
  if (type == "weight") columns <- "weight"
  # Column by column, as tables are.
  as_table <- function(value) {
    values <- matrix(value, NROW(value), length(columns))
    stats::setNames(data.frame(seq_len(NROW(value)), values), c("row", columns))
  }
  asked <- FALSE
  table <- answer(object, level, function(one, rows) {
    if (!asked) {
      asked <<- TRUE
      return(as_table(value))
    }
    as_table(predicted_values(one, cells, type, to, call))
  }, "row", columns)
  shaped <- function(end) {
    value[] <- unlist(unclass(table)[paste0(columns, end)], use.names = FALSE)
    value
  }
  low <- shaped("_low")
  high <- shaped("_high")
  structure(value, low = low, high = high, replicates = attr(table, "replicates"),
            level = level)
}
