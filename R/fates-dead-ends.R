#' Lineages that end early
#'
#' Lists cells that are predicted to leave next to no descendants at a later observed
#' time: lines that die out. Couplings between neighbouring snapshots are followed as in
#' [vgfm_fates()].
#'
#' The number of descendants is a mean over the `neighbours` nearest cells of a snapshot,
#' and differences of growth are kept small where they are not told from motion (a message
#' of class `vgfm_message_growth` says where). So a list that is empty does not mean that
#' no cell dies, and cells at the edge of a snapshot whose counterparts were not sampled
#' may be on it. An ensemble tells how far to believe it.
#'
#' @inheritParams vgfm_ancestors
#' @param from Observed times of the cells, before `to`. Default: all of these.
#' @param to The observed time at which descendants are counted. Default: the last one.
#' @param threshold Cells with fewer descendants than this are listed; above 0.
#' @return A data frame with one row per cell whose lineage ends, those with the fewest
#'   descendants first: `cell` (name, or number of its row), `time`, `label`, and
#'   `descendants`, expected at time `to`. Of an ensemble also the band `descendants_low`
#'   and `descendants_high`, and `certainty`: the share of replicates in which the cell
#'   has fewer descendants than `threshold`.
#' @section Errors: `vgfm_error_time` if `to` or `from` was not observed, or there is none
#'   before `to`; `vgfm_error_no_growth` if the method of the fit learns no growth by
#'   state; `vgfm_error_input` for other unusable arguments.
#' @seealso [vgfm_fates()]
#' @export
#' @examples
#' # Three islands: cells double, stay as many, or die out.
#' set.seed(1)
#' island <- rep(rep(1:3, 2), c(60, 60, 60, 120, 60, 1))
#' x <- cbind(a = 5 * island, b = 0) + rnorm(2 * length(island), sd = 0.2)
#' time <- rep(0:1, c(180, 181))
#' fit <- vgfm_fit(x, time, control = vgfm_control("fast"))
#' table(island[vgfm_dead_ends(fit)$cell])
vgfm_dead_ends <- function(fit, from = NULL, to = NULL, threshold = 0.1, neighbours = 7,
                           level = 0.9, ...) {
  check_arguments()
  check_fit_or_ensemble(fit)
  call <- rlang::current_env()
  main <- main_fit(fit)
  check_growth_learned(main)
  threshold <- check_number(threshold, 0, bounds = "(]")
  neighbours <- check_count(neighbours)
  level <- check_level(level)
  to <- main$snapshots$times[observed_index(main, to, call)]
  one_type <- function(fit) factor(rep(1, nrow(fit$snapshots$x)))
  at <- cells_from(main, one_type(main), times_before(main, from, to, call))
  prepare_lines(main, one_type(main), at, to, character(), call)
  ends <- list() # of the fit, then of each replicate
  ask <- function(one, rows) {
    found <- fates_of_cells(one, at, one_type(one), match(to, one$snapshots$times),
                            function(k) NULL, neighbours, call)
    descendants <- found$mass[, 1]
    if (is.null(one$untold_price)) ends[[length(ends) + 1]] <<- descendants < threshold
    in_user_times(data.frame(cell = at$name, time = at$time, descendants), one$snapshots)
  }
  table <- answer_lines(fit, level, ask, c("cell", "time"), "descendants")
  if (length(ends) > 1) table$certainty <- rowMeans(do.call(cbind, ends[-1]))
  ending <- which(ends[[1]])
  ending <- ending[order(table$descendants[ending])]
  table <- table[ending, ]
  rownames(table) <- NULL
  table
}
