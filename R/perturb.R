#' What if: shift a gene, and follow
#'
#' Shifts the cells of a time along a gene or a feature, follows them and the same cells
#' unshifted through the learned flow, and compares what arises: mass and composition.
#'
#' A shift of genes is taken through the rotation: the cells are moved in the features by
#' the least-squares solution of `rotation x move = shift`. What part of the shift lies in
#' the features is the attribute `"represented"`, a share of its square; the rest has no
#' effect, and a single gene often has little of it. A warning says so below one half.
#'
#' A gene has the unit of the values that the components were made of. Seurat scales every
#' gene to unit variance before its PCA: there a shift by 1 is one of a standard deviation
#' of the gene. scater and this package take log-normalised values as they are.
#'
#' The flow is deterministic, and a prediction: the fit has seen no perturbed cell. It is
#' an interpolation only where shifted cells look like cells that were seen.
#'
#' @inheritParams vgfm_growth_genes
#' @param shift Numbers named by genes, in units of the values that the components were
#'   made of (see below), or by features of the fit, in their units: `c(Sox2 = 1)`. Names
#'   are taken for features if all are.
#' @param time The time at which cells are shifted; an observed one without `newdata`.
#'   Default: the first.
#' @param to The time at which populations are compared, observed if `group` is given.
#'   Default: the last.
#' @param group A label for each fitted cell, as in [vgfm_fates()]: masses are told by the
#'   labels of the `neighbours` nearest cells of time `to`. `NULL`: the total alone.
#' @param newdata Cells to shift. Default: those of the fit at `time`.
#' @param neighbours Number of labelled cells that are asked.
#' @return A data frame, one row per group and one for all, `"total"`:
#'   * `group`;
#'   * `mass`, `mass_shifted`: expected number of descendants of this group at `to`, per
#'     cell at `time`, unperturbed and shifted;
#'   * `difference`, `ratio`: of the second to the first (`NA` if that is 0);
#'   * `share`, `share_shifted`, `share_difference`: the same as shares of the total.
#'
#'   Of an ensemble also bands, `difference_low` and so on. Attributes: `"represented"`,
#'   the part of the shift that lies in the features; `"move"`, the shift in features;
#'   `"beyond"`, the share of cells that the shift takes out of the data.
#' @section Errors: `vgfm_error_shift` for a shift that is not made of numbers with names
#'   of genes or features; `vgfm_error_time` for unusable times; `vgfm_error_rotation` if
#'   the rotation does not fit; `vgfm_error_input` for labels; those of [predict.vgfm()].
#' @section Warnings: `vgfm_warning_extrapolation` if the shift takes more than a tenth of
#'   the cells out of the data (farther from their tenth nearest cell than 99 % of all
#'   cells); `vgfm_warning_shift` if less than half of it lies in the features.
#' @seealso [vgfm_fates()], [vgfm_regulation()]
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' kind <- ifelse(cells$x1 + cells$x2 > 1, "dividing", "resting")
#' vgfm_perturb(fit, c(x2 = 0.1), time = 8, group = kind)
vgfm_perturb <- function(fit, shift, time = NULL, to = NULL, group = NULL,
                         newdata = NULL, rotation = NULL, neighbours = 10, level = 0.9,
                         ...) {
  check_arguments()
  call <- rlang::current_env()
  check_fit_or_ensemble(fit)
  main <- main_fit(fit)
  check_moving(main)
  s <- main$snapshots
  neighbours <- check_count(neighbours)
  group <- check_group(group, main)
  move <- shift_in_features(main, shift, rotation, call)
  end <- perturb_end(main, to, group, call)
  cells <- NULL
  at <- if (is.null(newdata)) {
    start <- one_observed_time(main, time, call)
    cells <- which(s$time == start)
    list(x = s$x[cells, , drop = FALSE], time = s$time[cells])
  } else {
    cells_at(main, newdata, time)
  }
  check_some_cells(at$x, call)
  check_forward(main, at$time, end$time, call)
  shifted <- at$x + rep(move$by, each = nrow(at$x))
  beyond <- warn_shifted(main, at$x, shifted, shift, call)
  ask <- function(one, rows) {
    weight <- rep(1, nrow(at$x))
    if (!is.null(cells)) weight <- tabulate(rows, nrow(s$x))[cells]
    perturb_table(one, at, shifted, end, group[rows], weight, neighbours, call)
  }
  value <- c("mass", "mass_shifted", "difference", "ratio", "share", "share_shifted",
             "share_difference")
  out <- answer(fit, level, ask, "group", value)
  kinds <- c(levels(group), total_of(group))
  out$group <- factor(out$group, kinds)
  out <- structure(out, represented = move$represented, move = move$by, beyond = beyond)
  as_answer(out, "vgfm_perturb")
}

# The name of the row of all groups.
total_of <- function(group) utils::tail(make.unique(c(levels(group), "total")), 1)

# by (d): the shift in features; represented: the part of its square that lies in them.
shift_in_features <- function(fit, shift, rotation, call) {
  features <- fit$snapshots$features
  given <- shift
  names <- names(shift)
  shift <- as_numbers(shift)
  fits <- is.numeric(shift) && length(shift) > 0 && all(is.finite(shift)) &&
    is.null(dim(shift)) && !is.null(names) && !anyNA(names) && !anyDuplicated(names)
  if (!fits) {
    abort_input(c(
      "{.arg shift} must be numbers with different names of genes or features, not
       {describe(given)}.",
      i = "For example {.code c({features[1]} = 1)}."
    ), arg = "shift", class = "vgfm_error_shift", call = call)
  }
  by <- stats::setNames(numeric(length(features)), features)
  if (all(names %in% features)) {
    by[names] <- shift
    return(list(by = by, represented = 1))
  }
  fit_rotation <- growth_rotation(fit, rotation, NULL, call)
  rotation <- fit_rotation %||% identity_rotation(fit)
  unknown <- setdiff(names, rownames(rotation))
  if (length(unknown) > 0) {
    abort_input(c(
      "{.arg shift} must be named by features of the fit, or by genes of its rotation.",
      x = "Unknown: {.val {unknown}}.",
      i = "The features are {.val {features}}.",
      i = if (is.null(fit_rotation)) {
        "The fit came without a rotation: for genes, pass {.arg rotation}."
      }
    ), arg = "shift", class = "vgfm_error_shift", call = call)
  }
  by[] <- qr.coef(qr(crossprod(rotation)),
                  drop(crossprod(rotation[names, , drop = FALSE], shift)))
  by[is.na(by)] <- 0
  size <- sum(shift^2)
  represented <- if (size > 0) sum((rotation %*% by)^2) / size else 1
  if (represented < 0.5) {
    warn_vgfm(c(
      "{format(100 * represented, digits = 2)} % of the shift lies in the features of the
       fit; the rest has no effect.",
      i = "Shift a set of genes that go together, or a feature."
    ), class = "vgfm_warning_shift", call = call)
  }
  list(by = by, represented = represented)
}

# When populations are compared: `time`, and its number `index` if there are groups.
perturb_end <- function(fit, to, group, call) {
  s <- fit$snapshots
  if (!is.null(group)) {
    k <- observed_index(fit, to, call)
    if (all(is.na(group[s$index == k]))) {
      abort_input(c(
        "{.arg group} has no label for a cell of time {.val {s$labels[k]}}.",
        i = "Choose another time by {.arg to}."
      ), arg = "group", call = call)
    }
    return(list(time = s$times[k], index = k))
  }
  time <- one_time(fit, to, "to", call) %||% max(s$times)
  warn_outside(fit, time, call)
  list(time = time)
}

# Descendants are later than the cells.
check_forward <- function(fit, from, to, call) {
  if (!any(from > to)) return(invisible())
  shown <- show_time(fit$snapshots, c(max(from), to))
  abort_time(c(
    "{.arg to} must not be before {.arg time}: {shown[2]} is before {shown[1]}.",
    i = "Cells are shifted at {.arg time}, and their descendants counted at {.arg to}."
  ), "to", call)
}

# An observed time, the first unless `time` names one.
one_observed_time <- function(fit, time, call) {
  start <- observed_times(fit, time, call)
  if (length(start) == 1) return(start)
  abort_time(c(
    "{.arg time} must be one time, not {describe(time)}.",
    i = "The observed times are {.val {fit$snapshots$labels}}."
  ), "time", call)
}

# The share of cells that leave the data by the shift.
warn_shifted <- function(fit, x, shifted, shift, call) {
  if (all(shift == 0)) return(0)
  share <- mean(beyond_data(fit, shifted, call) & !beyond_data(fit, x, call))
  if (share > 0.1) {
    warn_vgfm(c(
      "{.arg shift} takes {format(100 * share, digits = 2)} % of the cells to where there
       are no data.",
      i = "The fields were never trained there. Take a smaller shift."
    ), class = "vgfm_warning_extrapolation", call = call)
  }
  share
}

# Masses at the end of the cells as they are and as they are shifted.
perturb_table <- function(fit, at, shifted, end, group, weight, neighbours, call) {
  known <- if (!is.null(group)) labelled_cells(fit, group, end$index, Inf)
  masses_of <- function(x) {
    moved <- advance_cells(fit, x, at$time, end$time, call = call)
    mass <- weight * exp(unname(moved$log_weight)) / sum(weight)
    if (is.null(known)) return(sum(mass))
    k <- min(neighbours, nrow(known$x))
    near <- if (k > 0) {
      nearest_cells(compared_cells(known$x, fit), compared_cells(moved$x, fit), k,
                    fit$control, call)$index
    }
    own <- vapply(levels(group), function(label) {
      if (k == 0) return(NA_real_)
      sum(mass * rowMeans(matrix(known$group[near] == label, nrow(near))))
    }, 0)
    c(unname(own), sum(mass))
  }
  before <- masses_of(at$x)
  after <- masses_of(shifted)
  total <- length(before)
  share <- before / before[total]
  share_shifted <- after / after[total]
  data.frame(
    group = c(levels(group), total_of(group)), mass = before, mass_shifted = after,
    difference = after - before, ratio = ifelse(before > 0, after / before, NA),
    share = share,
    share_shifted = share_shifted, share_difference = share_shifted - share
  )
}
