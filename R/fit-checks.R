# What a fit is checked by before it is handed over: figures that are cheap to have, each
# with the limit that a usable fit keeps.

# check    what was looked at
# value    the figure; `limit`: what it may be at most; `passed`
# note     what it means, or why it could not be had

# Cells and pairs that the checks look at, at most.
checked_cells <- 500

check_limits <- c(
  reach = 1,    # ranges of the data that a predicted cell may lie beyond them
  mass = 0.5,   # relative error of the mass before it is made right
  w1 = 2,       # W1 over the distance between halves of the snapshot, mean over times
  loss = 10     # loss at the end over the loss at the beginning
)

# `states` of predicted_course().
fit_checks <- function(fit, states) {
  rbind(
    check_row("training loss", loss_ratio(fit$training$losses), check_limits[["loss"]],
              "loss at the end over that at the beginning"),
    refinement_check(fit),
    check_row("predicted cells", reach(fit, states), check_limits[["reach"]],
              "ranges of the data by which a cell lies beyond them"),
    if (is_learned(fit$method)) {
      check_row("trained mass", max(trained_mass_error(fit)), check_limits[["mass"]],
                "relative error before it was made right")
    },
    check_row("W1", distance_ratio(fit, states), check_limits[["w1"]],
              "W1 over the distance between halves of a snapshot, mean over times")
  )
}

# Not finite: the figure cannot be had, which is no pass.
check_row <- function(check, value, limit, note) {
  data.frame(check = check, value = value, limit = limit,
             passed = is.finite(value) && value <= limit, note = note)
}

# Matching losses fall from about 1 in standard units, unless steps are too long.
loss_ratio <- function(losses) {
  if (ncol(losses) == 0) return(0)
  max(rowMeans(last_losses(losses)) / pmax(losses[, 1], 1))
}

last_losses <- function(losses) {
  losses[, max(1, ncol(losses) - 9):ncol(losses), drop = FALSE]
}

# Rounds of refinement that were not run because one failed.
refinement_check <- function(fit) {
  stopped <- fit$training$refinement$stopped
  row <- check_row("refinement", 0, 0, "it went to its end, or was not asked for")
  if (is.null(stopped)) return(row)
  row$value <- fit$control$refine_steps - refined_steps(fit)
  row$passed <- FALSE
  row$note <- paste0("steps left: it stopped, as ", stopped)
  row
}

# By how many ranges of a feature a predicted cell lies outside of the data, at worst.
reach <- function(fit, states) {
  if (is.null(states)) return(Inf)
  max(0, vapply(states, function(state) max(ranges_beyond(fit$snapshots, state$x)), 0))
}

# For every cell of x and feature: how many ranges of the data it lies outside of them;
# negative inside.
ranges_beyond <- function(snapshots, x) {
  low <- apply(snapshots$x, 2, min)
  high <- apply(snapshots$x, 2, max)
  range <- high - low
  range[range == 0] <- snapshots$scale
  beyond <- pmax(sweep(x, 2, high), sweep(-x, 2, low, "+"))
  sweep(beyond, 2, range, "/")
}

distance_ratio <- function(fit, states) {
  if (is.null(states)) return(Inf)
  s <- fit$snapshots
  ratio <- vapply(seq_along(states), function(k) {
    state <- states[[k]]
    observed <- s$x[spaced(which(s$index == k + 1), checked_cells), , drop = FALSE]
    rows <- spaced(seq_len(nrow(state$x)), checked_cells)
    weight <- exp(state$log_weight[rows] - max(state$log_weight[rows]))
    if (nrow(observed) < 2) return(c(NA, 1))
    if (!all(is.finite(state$x))) return(c(Inf, 1))
    threads <- use_threads(fit$control$threads)
    # A distance of which no digit is left must not cost the fit.
    distance <- if_fields_fail(
      solve_emd(t(state$x[rows, , drop = FALSE]), t(observed), weight,
                rep(1, nrow(observed)), FALSE, threads)$cost,
      function(error) Inf
    )
    c(distance, halves_distance(observed, Inf, threads, splits = 3))
  }, numeric(2))
  # Where all cells agree, or there is one, halves are no distance apart: the noise that
  # the paths have at least is.
  floor <- pmax(ratio[2, ], least_noise * s$scale * sqrt(ncol(s$x)))
  ratio <- ratio[1, ] / floor
  if (all(is.na(ratio)) && all(s$counts[-1] < 2)) return(0)
  mean(ratio, na.rm = TRUE)
}

# Says which checks a trained fit fails.
warn_checks <- function(fit, call) {
  failed <- fit$checks[!fit$checks$passed, ]
  if (nrow(failed) == 0) return(invisible(fit))
  lines <- paste0(failed$check, ": ", format_figures(failed$value), ", limit ",
                  failed$limit, " (", failed$note, ")")
  names(lines) <- rep("x", length(lines))
  warn_vgfm(c(
    "The fit is not to be trusted: {nrow(failed)} of its {nrow(fit$checks)} checks
     {cli::qty(nrow(failed))}fail{?s/}.",
    gsub("([{}])", "\\1\\1", lines),
    i = "See {.code fit$checks} and {.code ?vgfm_fit}, section Checks."
  ), class = "vgfm_warning_checks", call = call)
}
