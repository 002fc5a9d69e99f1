#' Velocity, growth, score, future state or weight of any cell
#'
#' @param object A fit from [vgfm_fit()], or an ensemble of [vgfm_ensemble()].
#' @param newdata Cells in rows with the features of the fit, or an object of the kind
#'   that it was made from (see [vgfm_fit.Seurat()]). Default: the cells it was fitted to.
#' @param time Time at which the cells are, in any form that [vgfm_fit()] takes: one for
#'   all, one per cell (by name where these and the cells have names), or the name of a
#'   column of `newdata`. Default: the observed times of the fitted cells; needed with
#'   `newdata`, unless that has the column of times that the fit was made with.
#' @param type `"velocity"`: displacement per unit of time, in units of the features.
#'   `"growth"`: exponential growth rate per unit of time. `"state"`: where the cells are
#'   at time `to`. `"weight"`: the factor by which their mass has changed by then.
#'   `"score"`: gradient of the logarithm of the density of cells, per unit of the
#'   features; it points to where cells are denser. Only methods with a score have it (see
#'   [vgfm_methods()]).
#' @param to For `"state"` and `"weight"`: the time to integrate to, before or after
#'   `time`; a number, label or date as the fit has them. Default: the last observed time.
#' @param ... Must be empty.
#' @return For velocity, score and state a matrix, cells in rows and features in columns;
#'   for growth and weight a vector with one number per cell. Of an ensemble that of the
#'   fit to all cells, with the ends of the bands, of the same shape, as attributes `low`
#'   and `high`.
#' @section Score: The network that is learned is `S = sigma^2 / 2` times the score, where
#'   `sigma` is the noise of [path_brownian()]. Cells move by `dx = velocity dt`, or with
#'   noise by `dx = (velocity + S) dt + sigma dW`: both give the same populations (Tong
#'   and others 2024). [vgfm_trajectories()] has both.
#' @section Warnings: `vgfm_warning_extrapolation` if a time lies outside the observed
#'   ones, or a cell further outside of those of the fit than these are wide: the fields
#'   were never trained there.
#' @section Errors: `vgfm_error_newdata` if features do not match those of the fit,
#'   `vgfm_error_time` for unusable times, `vgfm_error_score` if the method of the fit has
#'   no score, `vgfm_error_no_field` if it learns no velocity (`linear`).
#' @references Tong, Malkin, Fatras, Atanackovic, Zhang, Huguet, Wolf and Bengio (2024),
#'   Simulation-free Schroedinger bridges via score and flow matching, AISTATS,
#'   arXiv:2307.03672.
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' head(predict(fit, type = "growth"))
#' predict(fit, newdata = data.frame(x1 = 1, x2 = 2), time = 8, type = "velocity")
predict.vgfm <- function(object, newdata = NULL, time = NULL,
                         type = c("velocity", "growth", "state", "weight", "score"),
                         to = NULL, ...) {
  check_arguments()
  check_fit(object, "object")
  call <- rlang::current_env()
  type <- check_choice(type, prediction_types)
  check_prediction(object, type, to, call)
  cells <- cells_at(object, newdata, time, call)
  to <- prediction_end(object, type, to, call)
  predicted_values(object, cells, type, to, call)
}

prediction_types <- c("velocity", "growth", "state", "weight", "score")
# Those that are values of a field, at the time of the cells.
field_types <- c("velocity", "growth", "score")

check_prediction <- function(fit, type, to, call) {
  check_idle("to", !is.null(to) && type %in% field_types,
             "for the types {.val state} and {.val weight}", call)
  if (type == "score") check_score(fit, "type", "{.val score}", call)
}

# The time to integrate to; NULL for a value of a field.
prediction_end <- function(fit, type, to, call) {
  if (type %in% field_types) return(NULL)
  times <- fit$snapshots$times
  to <- one_time(fit, to, "to", call) %||% times[length(times)]
  warn_outside(fit, to, call)
  to
}

predicted_values <- function(fit, cells, type, to, call) {
  if (type %in% field_types) {
    return(evaluate_field(fit, cells$x, cells$time, call)[[type]])
  }
  out <- advance_cells(fit, cells$x, cells$time, to, call = call)
  if (type == "state") out$x else exp(out$log_weight)
}
