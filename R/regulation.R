#' Which gene drives which
#'
#' A table of regulators and targets: how the drift of the target, its mean change per
#' unit of time in a cell of this state, goes with the regulator, all else held fixed.
#'
#' Cells move by a drift, which regulation makes, and by noise. A fit learns the flow that
#' carries whole populations: the drift less `noise^2 / 2` times the gradient of the log
#' density of the cells (Maoutsa, Reich and Opper 2020). Where cells gather at a steady
#' state the flow is 0, though genes hold each other in balance there. So the gradient is
#' put back: the effect is the mean over the cells of the Jacobian of the velocity, less
#' `noise^2 / 2` times the inverse covariance of the cloud that a cell belongs to. Clouds
#' are the cells of one group and time, split where their longest axis has two modes.
#'
#' Snapshots do not show the noise of single cells. By default it is estimated on the
#' assumption that regulation depends on the state of a cell and not on the hour: of all
#' noises, the one with which the drift changes least with time at a fixed state. Where
#' the environment changes with time, pass `noise`.
#'
#' Where features go together in all cells, the data do not say which of them it is that
#' drives. The diagonal is self-regulation less decay. In genes the matrix is `R J R'`,
#' with `R` the rotation (genes x features) and `J` the matrix in features.
#'
#' @inheritParams vgfm_jacobian
#' @param group A label for each fitted cell, as in [vgfm_fates()], over whose cells
#'   effects are averaged; of `newdata`, one for each of its cells. `NULL`: all cells
#'   together.
#' @param noise Standard deviation of the noise per root of unit time, in units of the
#'   features; 0 for the derivatives of the flow alone. Default: estimated.
#' @return A data frame, one row per group, target and regulator, the strongest of a group
#'   first: `group` (if given), `regulator`, `target` and `effect`, per unit of time. Of
#'   an ensemble also `effect_low` and `effect_high`, `sign_agreement` and `stable`, as in
#'   [vgfm_growth_genes()]. The attribute `"noise"` is what was used.
#' @section Errors: As [vgfm_jacobian()].
#' @references Maoutsa, Reich and Opper (2020), Interacting particle solutions of
#'   Fokker-Planck equations through gradient-log-density estimation, Entropy 22, 802.
#' @seealso [vgfm_jacobian()], [vgfm_perturb()]
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[c("x1", "x2")], cells$time, control = vgfm_control("fast"))
#' kind <- ifelse(cells$x1 + cells$x2 > 1, "dividing", "resting")
#' vgfm_regulation(fit, group = kind)
vgfm_regulation <- function(fit, newdata = NULL, time = NULL, group = NULL, genes = NULL,
                            rotation = NULL, noise = NULL, level = 0.9, ...) {
  check_arguments()
  call <- rlang::current_env()
  check_fit_or_ensemble(fit)
  main <- main_fit(fit)
  check_moving(main)
  noise <- check_number(noise, min = 0, allow_null = TRUE)
  rotation <- jacobian_rotation(main, rotation, genes, call)
  at <- cells_at(main, newdata, time)
  check_some_cells(at$x, call)
  given <- group
  group <- jacobian_groups(group, main, newdata, at, call) %||%
    factor(rep("all", nrow(at$x)))
  check_jacobian_size(nlevels(group), rotation %||% identity_rotation(main), call)
  # Clouds are of all cells of the fit that are asked about, in every replicate.
  clouds <- cell_clouds(at, group)
  told <- is.null(newdata)
  effects <- function(one, rows) {
    weight <- if (told) tabulate(rows, nrow(at$x)) else rep(1, nrow(at$x))
    drift_jacobians(one, at, group, weight, clouds, noise, call)
  }
  ask <- function(one, rows) {
    as_effects(rotate_jacobians(effects(one, rows), rotation))
  }
  out <- answer_signs(fit, level, ask, c("group", "target", "regulator"), "effect")
  out$group <- factor(out$group, levels(group))
  out <- rank_genes(out, "effect", "group")
  first <- c("group", "regulator", "target")
  out <- same_answer(out[c(first, setdiff(names(out), first))], out)
  if (is.null(given)) out$group <- NULL
  used <- noise %||% flow_noise(main, at, clouds, rep(1, nrow(at$x)), call)
  as_answer(structure(out, noise = used), "vgfm_regulation")
}

# Means of the derivatives of the drift over the cells of each group.
drift_jacobians <- function(fit, at, group, weight, clouds, noise, call) {
  out <- mean_jacobians(fit, at, group, weight, call)
  noise <- noise %||% flow_noise(fit, at, clouds, weight, call)
  if (noise == 0) return(out)
  for (g in seq_len(nlevels(group))) {
    own <- Filter(function(cells) as.integer(group)[cells[1]] == g, clouds)
    size <- vapply(own, function(cells) sum(weight[cells]), 0)
    narrow <- lapply(own, cloud_precision, x = at$x, weight = weight)
    mean <- Reduce(`+`, Map(`*`, narrow, size / sum(size)))
    out[g, , ] <- slice_of(out, g) - noise^2 / 2 * mean
  }
  out
}

# Rows of the cells of each cloud.
cell_clouds <- function(at, group) {
  known <- which(!is.na(group))
  parts <- split(known, list(group[known], at$time[known]), drop = TRUE)
  unlist(lapply(unname(parts), split_cloud, x = at$x), recursive = FALSE)
}

# Of a cloud with one mode, the best two halves along an axis explain up to 3/4 of its
# variance (a uniform one), of a normal one 0.64; of two that are apart, nearly all.
two_modes <- 0.85

# Cells split in two along their longest axis while that has two modes.
split_cloud <- function(rows, x) {
  least <- 10 * ncol(x)
  if (length(rows) < 2 * least) return(list(rows))
  own <- x[rows, , drop = FALSE]
  own <- own - rep(colMeans(own), each = nrow(own))
  axis <- eigen(crossprod(own), symmetric = TRUE)$vectors[, 1]
  along <- drop(own %*% axis)
  order <- order(along)
  n <- length(along)
  below <- seq_len(n - 1)
  sums <- cumsum(along[order])[below]
  # Share of the variance between the halves (Otsu 1979); the mean of all is 0.
  between <- sums^2 * n / (below * (n - below)) / sum(along^2)
  best <- which.max(between)
  if (between[best] < two_modes || min(best, n - best) < least) return(list(rows))
  below <- order[seq_len(best)]
  c(split_cloud(rows[below], x), split_cloud(rows[-below], x))
}

# The inverse covariance of a cloud. A direction in which it has hardly any width counts
# as a hundredth of the mean width, lest it rule all others.
cloud_precision <- function(cells, x, weight) {
  d <- ncol(x)
  weight <- weight[cells]
  if (sum(weight > 0) <= d) return(matrix(0, d, d))
  own <- x[cells, , drop = FALSE]
  covariance <- stats::cov.wt(own, weight / sum(weight), method = "ML")$cov
  parts <- eigen(covariance, symmetric = TRUE)
  width <- pmax(parts$values, 1e-4 * mean(parts$values))
  if (width[1] == 0) return(matrix(0, d, d))
  parts$vectors %*% (t(parts$vectors) / width)
}

# The noise with which the drift changes least with time at a fixed state. A cloud that
# moves with mean velocity u changes the gradient of its log density by S^-1 u per unit of
# time at its centre, S its covariance. The drift stands still if the velocity changes by
# -noise^2 / 2 of that: least squares over the clouds.
flow_noise <- function(fit, at, clouds, weight, call) {
  span <- range(fit$snapshots$times)
  step <- diff(span) * 1e-3
  before <- pmax(at$time - step, span[1])
  after <- pmin(at$time + step, span[2])
  inside <- after > before
  after[!inside] <- before[!inside] + step # outside of the observed times
  velocity <- evaluate_field(fit, at$x, at$time, call)$velocity
  change <- (evaluate_field(fit, at$x, after, call)$velocity -
               evaluate_field(fit, at$x, before, call)$velocity) / (after - before)
  sums <- vapply(clouds, function(cells) {
    w <- weight[cells]
    if (sum(w) == 0) return(c(0, 0))
    mean_of <- function(values) colSums(values[cells, , drop = FALSE] * w) / sum(w)
    gradient <- drop(cloud_precision(cells, at$x, weight) %*% mean_of(velocity))
    sum(w) * c(-sum(mean_of(change) * gradient), sum(gradient^2))
  }, c(0, 0))
  ratio <- sum(sums[1, ]) / max(sum(sums[2, ]), .Machine$double.xmin)
  sqrt(2 * max(ratio, 0))
}
