#' Which genes of early cells go with a later fate
#'
#' Says of each gene how its expression in the cells of an early time goes with the
#' probability of each later fate, as [vgfm_fates()] has it.
#'
#' The association is the correlation of expression with the probability of the fate,
#' averaged over each cell and its `average` nearest cells of that time. Over several
#' times it is that within times: differences between times are taken off. A gene that
#' marks a fate need not cause it.
#'
#' @inheritParams vgfm_growth_genes
#' @param group A label for each fitted cell, whose levels are the fates, as in
#'   [vgfm_fates()].
#' @param time One or more observed times, at which the cells are whose genes are asked
#'   about. Default: the first.
#' @param to The observed time at which cells have their fate. Default: the last.
#' @param average Number of nearest cells that probabilities are averaged over, at most a
#'   tenth of those of the times asked about; 0 for none.
#' @param ... Passed on to [vgfm_fates()]: `through`, `terminal`, `neighbours` and
#'   `realisation`.
#' @return A data frame with one row per fate and gene, the strongest of a fate first:
#'   `gene`; `fate`; `cells`, their number; `marginal`, the correlation, `NA` where the
#'   gene or the probability is constant; `marginal_slope`, by least squares, by how much
#'   the probability differs between cells that differ by one unit of expression. Of an
#'   ensemble also bands, `sign_agreement` and `stable`, as in [vgfm_growth_genes()].
#' @section Errors: `vgfm_error_time` for times that were not observed;
#'   `vgfm_error_genes` as in [vgfm_growth_genes()]; those of [vgfm_fates()].
#' @seealso [vgfm_fates()], [vgfm_growth_genes()]
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_culture(n = 200, genes = 200, components = 5, founders = 800,
#'                                counts = TRUE)
#' fit <- vgfm_fit(cells[-1], cells$time, mass = attr(cells, "mass"),
#'                 control = vgfm_control("fast"))
#' counts <- Matrix::t(attr(cells, "counts"))
#' values <- log1p(counts / Matrix::rowSums(counts) * 200)
#' genes <- vgfm_fate_genes(fit, attr(cells, "branch"), time = 1, expression = values)
#' genes$program <- attr(cells, "program")[genes$gene]
#' head(genes[genes$fate == "A", ])
vgfm_fate_genes <- function(fit, group, time = NULL, to = NULL, genes = NULL,
                            rotation = NULL, expression = NULL, assay = NULL,
                            layer = NULL, average = 30, level = 0.9, ...) {
  check_arguments(passed_on = setdiff(names(formals(vgfm_fates)),
                                      c("newdata", "by", "...")))
  call <- rlang::current_env()
  check_fit_or_ensemble(fit)
  main <- main_fit(fit)
  average <- check_count(average, min = 0)
  genes <- check_gene_names(genes, call)
  rotation <- growth_rotation(main, rotation, expression, call)
  group <- check_group(group, main) %||% abort_input(
    c("{.arg group} must have a label for each cell of the fit, not be {.code NULL}."),
    arg = "group", call = call
  )
  s <- main$snapshots
  start <- observed_times(main, time, call)
  k <- observed_index(main, to, call)
  if (any(start >= s$times[k])) {
    abort_time(c(
      "{.arg time} must be before {.arg to}, {.val {s$labels[k]}}.",
      i = "It is {.val {show_time(s, start)}}."
    ), "time", call)
  }
  all <- list(x = s$x, time = s$time)
  space <- list(assay = assay, layer = layer)
  known <- new_expression(main, expression, NULL, all, genes, rotation, space, call)
  tell_expression(main, known, rotation %||% TRUE)
  asked <- 0
  ask <- function(one, rows) {
    # What is said of the fit is said once.
    asked <<- asked + 1
    tell <- if (asked > 1) suppressMessages else identity
    fates <- tell(vgfm_fates(one, group[rows], to = to, ...))
    fate_gene_table(one, rows, fates, s$times[k], start, known, levels(group), average,
                    call)
  }
  out <- answer_signs(fit, level, ask, c("fate", "gene"), c("marginal", "marginal_slope"))
  out$fate <- factor(out$fate, levels(group))
  out <- rank_genes(within_one(out), "marginal", "fate")
  as_answer(structure(out, expression = known$kind), "vgfm_fate_genes")
}

# Observed times, the first unless `time` names some.
observed_times <- function(fit, time, call) {
  s <- fit$snapshots
  if (is.null(time)) return(s$times[1])
  value <- unique(fit_times(s, time, "time", call))
  if (length(value) == 0 || !all(value %in% s$times)) {
    abort_time(c(
      "{.arg time} must be an observed time, not {describe(time)}.",
      i = "The observed times are {.val {s$labels}}."
    ), "time", call)
  }
  value
}

# The table of one fit, whose cells are `rows` of those that the expression has.
fate_gene_table <- function(fit, rows, fates, to, start, expression, levels, average,
                            call) {
  s <- fit$snapshots
  here <- which(s$time %in% start)
  kinds <- unique(as.character(fates$fate))
  # One row per cell and kind, cells up to `to` in the order of the fit.
  until <- which(s$time <= to)
  probability <- matrix(NA_real_, nrow(s$x), length(kinds))
  probability[until, ] <- matrix(fates$probability, length(until), byrow = TRUE)
  near <- near_cells(fit, list(x = s$x[here, , drop = FALSE]), average, call)
  known <- expression_of(expression, rows[here])
  time <- factor(s$time[here])
  parts <- lapply(levels, function(level) {
    column <- match(level, kinds)
    p <- if (is.na(column)) rep(0, length(here)) else probability[here, column]
    table <- associations(known, average_near(p, near), time, rep(1, length(here)),
                          c("within", "between"), call)
    table <- table[table$group == "within", names(table) != "group"]
    cbind(table["gene"], fate = level, table[-1])
  })
  do.call(rbind, parts)
}

# Expression of some cells, which may come several times.
expression_of <- function(expression, cells) {
  if (expression$kind == "measured") {
    expression$cells <- expression$cells[cells]
  } else {
    expression$x <- expression$x[cells, , drop = FALSE]
  }
  expression
}
