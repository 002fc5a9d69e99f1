#' Where cells come to rest: fixed points of the velocity
#'
#' Finds the states at which the velocity at a given time is zero, and says whether cells
#' nearby are drawn to them or driven away.
#'
#' Newton's method with the exact Jacobian starts from many cells; a step is halved until
#' the speed falls. A start counts as arrived where the speed is below `1e-3` of the
#' median speed of the cells. Points closer than a tenth of the spread of the data are
#' one. Points where there are no data are dropped, as the field was never trained there:
#' those whose distance to their tenth nearest cell exceeds that of 99 % of the cells.
#'
#' The velocity changes with time, so a fixed point is one of a moment. It is also that of
#' the flow of a population, which stands still where noise and regulation balance: within
#' a population at rest every state is nearly fixed, and the points found there mean
#' little; their `leading` is close to 0.
#'
#' @param fit A fit from [vgfm_fit()], or an ensemble of fits.
#' @param time The time at which the velocity is taken, in any form that [vgfm_fit()]
#'   takes.
#' @param newdata States to start from, as in [predict.vgfm()]. Default: cells of the fit.
#' @param starts Number of cells of the fit to start from; all, if there are fewer.
#' @param level Of an ensemble: probability with which a band is to hold the truth.
#' @param ... Must be empty.
#' @return A data frame, one row per fixed point, the one with most starts first: `point`,
#'   its number; `kind`, `"stable"` (all eigenvalues of the Jacobian have a negative real
#'   part), `"unstable"` (none has) or `"saddle"`; `leading`, the largest real part, per
#'   unit of time; `rotates`, whether that eigenvalue is complex; `starts`, how many
#'   arrived; `speed`, that was reached, in units of the features per unit of time; then
#'   the features. There are no rows if there is no fixed point where data are, and a
#'   message says how slow cells get. Attributes: `"eigenvalues"`, a complex matrix,
#'   points x features; `"dropped"`, the number of points where there are no data.
#'
#'   Of an ensemble also bands of the features and of `leading`, and `found`, the share of
#'   replicates that have a point of this kind within half of the spread of the data.
#' @section Errors: `vgfm_error_time` for an unusable time, `vgfm_error_no_field` if the
#'   method of the fit learns no velocity; those of [predict.vgfm()].
#' @section Messages: `vgfm_message_fixed_points` if there is no fixed point.
#' @seealso [vgfm_jacobian()]
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network()
#' fit <- vgfm_fit(cells[-1], cells$time, control = vgfm_control("fast"))
#' vgfm_fixed_points(fit, time = 32)
vgfm_fixed_points <- function(fit, time, newdata = NULL, starts = 200, level = 0.9,
                              ...) {
  check_arguments()
  call <- rlang::current_env()
  check_fit_or_ensemble(fit)
  main <- main_fit(fit)
  check_moving(main)
  check_idle("starts", !missing(starts) && !is.null(newdata), "without {.arg newdata}")
  starts <- check_count(starts)
  level <- check_level(level)
  s <- main$snapshots
  time <- one_time(main, time, "time") %||% abort_time(
    c("{.arg time} must be one time.", i = "The times of the fit are {.val {s$labels}}."),
    "time", call
  )
  warn_outside(main, time, call)
  x <- if (is.null(newdata)) {
    s$x[thin_rows(seq_len(nrow(s$x)), starts, main), , drop = FALSE]
  } else {
    check_newdata(s, newdata)
  }
  found <- find_fixed_points(main, x, time, call)
  points <- found$points
  if (is_ensemble(fit) && nrow(points) > 0) {
    features <- utils::tail(names(points), length(s$features))
    ask <- function(one, rows) {
      other <- find_fixed_points(one, x, time, call)$points
      match_points(points, other, features, s$scale)
    }
    points <- answer(fit, level, ask, "point", c(features, "leading", "found"),
                     free = features)
    points <- points[setdiff(names(points), c("found_low", "found_high"))]
  }
  if (nrow(points) == 0) {
    slowest <- format(found$slowest, digits = 2)
    usual <- format(found$usual, digits = 2)
    inform_vgfm(c(
      i = "There is no fixed point where there are data: the slowest state found moves by
           {slowest} per unit of time, the median cell by {usual}.",
      i = if (found$dropped > 0) "{found$dropped} lie{?s/} where there are no data."
    ), class = "vgfm_message_fixed_points")
  }
  rownames(points) <- NULL
  structure(points, eigenvalues = found$eigenvalues, dropped = found$dropped)
}

newton_steps <- 60
# Speed, as a share of the usual one, below which a state is fixed.
fixed_speed <- 1e-3
# Distances, as a share of the spread of the data, below which two points are one.
same_point <- 0.1
like_point <- 0.5

find_fixed_points <- function(fit, starts, time, call) {
  s <- fit$snapshots
  speed_of <- function(x) {
    sqrt(rowSums(evaluate_field(fit, x, rep(time, nrow(x)), call)$velocity^2))
  }
  cells <- s$x[thin_rows(seq_len(nrow(s$x)), 1000, fit), , drop = FALSE]
  usual <- stats::median(speed_of(cells))
  x <- newton_zeros(fit, starts, time, call)
  speed <- speed_of(x)
  near <- !beyond_data(fit, x, call)
  fixed <- is.finite(speed) & speed <= fixed_speed * usual
  slow <- c(speed[near & is.finite(speed)], speed_of(cells))
  kept <- merge_points(x[fixed, , drop = FALSE], speed[fixed], same_point * spread_of(s))
  place <- which(fixed)[kept$first]
  inside <- near[place]
  at <- place[inside]
  size <- kept$size[inside]
  order <- order(-size, speed[at])
  at <- at[order]
  points <- x[at, , drop = FALSE]
  values <- if (length(at) > 0) {
    eigenvalues_of(cell_jacobians(fit, list(x = points, time = rep(time, length(at))),
                                  call))
  } else {
    matrix(complex(0), 0, ncol(x))
  }
  rownames(values) <- NULL
  table <- data.frame(
    point = seq_along(at), kind = point_kind(values), leading = Re(values[, 1]),
    rotates = abs(Im(values[, 1])) > 0, starts = size[order], speed = speed[at],
    row.names = NULL
  )
  points <- as.data.frame(unname(points))
  names(points) <- make.unique(c(names(table), s$features))[-seq_along(table)]
  list(points = cbind(table, points), eigenvalues = values, usual = usual,
       dropped = sum(!inside), slowest = min(slow))
}

point_kind <- function(values) {
  stable <- rowSums(Re(values) >= 0) == 0
  unstable <- rowSums(Re(values) <= 0) == 0
  ifelse(stable, "stable", ifelse(unstable, "unstable", "saddle"))
}

# The spread of the data: root mean square distance from the mean.
spread_of <- function(snapshots) snapshots$scale * sqrt(length(snapshots$features))

# States after Newton's method from each of `x`, all at once. No step is longer than the
# spread of the data; none that does not lower the speed is taken.
newton_zeros <- function(fit, x, time, call) {
  most <- spread_of(fit$snapshots)
  field <- function(x) evaluate_field(fit, x, rep(time, nrow(x)), call)$velocity
  velocity <- field(x)
  active <- seq_len(nrow(x))
  for (step in seq_len(newton_steps)) {
    if (length(active) == 0) break
    at <- list(x = x[active, , drop = FALSE], time = rep(time, length(active)))
    jacobians <- cell_jacobians(fit, at, call)
    move <- t(vapply(seq_along(active), function(c) {
      newton_step(slice_of(jacobians, c), velocity[active[c], ], most)
    }, numeric(ncol(x))))
    move <- matrix(move, length(active))
    before <- rowSums(velocity[active, , drop = FALSE]^2)
    left <- seq_along(active)
    moved <- integer()
    for (half in 0:8) {
      if (length(left) == 0) break
      try <- at$x[left, , drop = FALSE] + move[left, , drop = FALSE] / 2^half
      new <- field(try)
      better <- rowSums(new^2) < before[left] * (1 - 1e-4)
      better <- !is.na(better) & better
      rows <- active[left[better]]
      x[rows, ] <- try[better, ]
      velocity[rows, ] <- new[better, ]
      moved <- c(moved, rows)
      left <- left[!better]
    }
    active <- sort(moved)
  }
  x
}

# The least step that the linear field needs to be 0, for a Jacobian that may be singular.
newton_step <- function(jacobian, velocity, most) {
  parts <- svd(jacobian)
  usable <- parts$d > 1e-6 * max(parts$d, .Machine$double.xmin)
  inverse <- ifelse(usable, 1 / parts$d, 0)
  step <- -drop(parts$v %*% (inverse * crossprod(parts$u, velocity)))
  long <- sqrt(sum(step^2))
  if (long > most) step * (most / long) else step
}

# Points closer than `radius` are one: the slowest stands for them. first: their rows;
# size: how many each stands for.
merge_points <- function(x, speed, radius) {
  first <- integer()
  size <- integer()
  for (row in order(speed)) {
    away <- if (length(first) > 0) {
      sqrt(colSums((t(x[first, , drop = FALSE]) - x[row, ])^2))
    }
    same <- if (length(first) > 0) which.min(away)
    if (length(first) > 0 && away[same] < radius) {
      size[same] <- size[same] + 1L
    } else {
      first <- c(first, row)
      size <- c(size, 1L)
    }
  }
  list(first = first, size = size)
}

# Which states lie further from the data than nearly all cells lie from each other.
beyond_data <- function(fit, x, call) {
  s <- fit$snapshots
  cells <- s$x[thin_rows(seq_len(nrow(s$x)), state_cells, fit), , drop = FALSE]
  k <- max(1, min(10, nrow(cells) %/% 10))
  own <- cells[thin_rows(seq_len(nrow(cells)), 1000, fit), , drop = FALSE]
  usual <- nearest_cells(cells, own, k + 1, fit$control, call)$distance[, k + 1]
  finite <- rowSums(!is.finite(x)) == 0
  beyond <- rep(TRUE, nrow(x))
  if (any(finite)) {
    far <- nearest_cells(cells, x[finite, , drop = FALSE], k, fit$control, call)
    beyond[finite] <- far$distance[, k] > stats::quantile(usual, 0.99)
  }
  beyond
}

# For each point the nearest of a replicate's, if it is near and of its kind.
match_points <- function(points, other, features, scale) {
  own <- as.matrix(points[features])
  theirs <- as.matrix(other[features])
  limit <- like_point * scale * sqrt(length(features))
  match <- vapply(seq_len(nrow(points)), function(row) {
    away <- sqrt(colSums((t(theirs) - own[row, ])^2))
    away[other$kind != points$kind[row]] <- Inf
    if (length(away) > 0 && min(away) <= limit) which.min(away) else NA_integer_
  }, 1L)
  out <- points
  out[c(features, "leading")] <- other[match, c(features, "leading")]
  out$found <- as.numeric(!is.na(match))
  out
}
