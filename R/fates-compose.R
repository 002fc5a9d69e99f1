# Fates of all cells of a snapshot: lines of descent, put together interval by interval.

# For each snapshot from number `first` to `last` a list: `x`, of compared_cells(), and
# `type` of its cells, and by cell and type at `last` (n, types) the `share` of its lines
# of descent, and the `mass` of its descendants. Only label matrices are carried back, so
# that no more than one interval is in memory.
compose_lines <- function(fit, group, first, last, kept, neighbours,
                          call = rlang::caller_env()) {
  out <- vector("list", last)
  snapshot <- function(k, share, mass) {
    rows <- snapshot_rows(fit, k)
    x <- compared_cells(fit$snapshots$x[rows, , drop = FALSE], fit)
    list(x = x, type = group[rows], share = share, mass = mass)
  }
  share <- label_shares(fit, group, last, neighbours, call)
  later <- if (first < last) cells_of_lines(fit, snapshot_rows(fit, last), call)
  out[[last]] <- snapshot(last, share, share)
  for (k in rev(seq_len(last - 1))) {
    if (k < first) break
    cells <- cells_of_lines(fit, snapshot_rows(fit, k), call)
    step <- lines_between(fit, k, cells, later, kept(k), call)
    later <- cells
    share <- as.matrix(step$line %*% out[[k + 1]]$share)
    mass <- as.matrix(step$mass %*% out[[k + 1]]$mass)
    out[[k]] <- fill_rows(snapshot(k, share / rowSums(share), mass), fit, call)
  }
  out
}

# Labels of the cells of snapshot k as shares (n, types). A cell without a label has the
# mean of its nearest neighbours that have one.
label_shares <- function(fit, group, k, neighbours, call) {
  rows <- snapshot_rows(fit, k)
  type <- group[rows]
  share <- t(type_columns(type))
  open <- which(is.na(type))
  if (length(open) > 0) {
    known <- which(!is.na(type))
    x <- compared_cells(fit$snapshots$x[rows, , drop = FALSE], fit)
    near <- nearest_cells(x[known, , drop = FALSE], x[open, , drop = FALSE],
                          min(neighbours, length(known)), fit$control, call)$index
    share[open, ] <- mean_rows(share[known, , drop = FALSE], near)
  }
  share
}

# A cell that leaves no line at all has the shares of the nearest one that does.
fill_rows <- function(here, fit, call) {
  open <- which(!is.finite(rowSums(here$share)))
  if (length(open) == 0) return(here)
  known <- setdiff(seq_len(nrow(here$x)), open)
  near <- nearest_cells(here$x[known, , drop = FALSE], here$x[open, , drop = FALSE], 1,
                        fit$control, call)$index
  here$share[open, ] <- here$share[known[near], ]
  here
}

# Means of the rows of a matrix over places (n, k): one row for each of n.
mean_rows <- function(values, places) {
  total <- 0
  for (j in seq_len(ncol(places))) total <- total + values[places[, j], , drop = FALSE]
  total / ncol(places)
}

# Shares and masses of cells x (n, d): means over the nearest cells of a snapshot, those
# of the same type where a cell has one that is in the snapshot.
read_snapshot <- function(here, x, type, neighbours, fit, call) {
  share <- mass <- matrix(0, nrow(x), ncol(here$share))
  told <- if (is.null(type)) rep(NA_character_, nrow(x)) else as.character(type)
  told[!told %in% here$type] <- NA
  for (one in unique(told)) {
    asked <- which(told %in% one)
    there <- if (is.na(one)) seq_len(nrow(here$x)) else which(here$type %in% one)
    near <- nearest_cells(here$x[there, , drop = FALSE], x[asked, , drop = FALSE],
                          min(neighbours, length(there)), fit$control, call)$index
    near <- matrix(there[near], length(asked))
    share[asked, ] <- mean_rows(here$share, near)
    mass[asked, ] <- mean_rows(here$mass, near)
  }
  list(share = share, mass = mass)
}

# Shares and masses of cells `at` (x, time, type or NULL) among the types of `group` at
# snapshot `last`. Cells between two times go along the flow to the later one first.
fates_of_cells <- function(fit, at, group, last, kept, neighbours,
                           call = rlang::caller_env()) {
  times <- fit$snapshots$times
  after <- pmin(findInterval(at$time, times, left.open = TRUE) + 1, last)
  parts <- compose_lines(fit, group, min(after, last), last, kept, neighbours, call)
  share <- mass <- matrix(0, nrow(at$x), nlevels(group))
  for (k in sort(unique(after))) {
    cells <- which(after == k)
    x <- at$x[cells, , drop = FALSE]
    weight <- numeric(length(cells))
    type <- at$type[cells]
    between <- at$time[cells] != times[k]
    if (any(between)) {
      moved <- advance_cells(fit, x[between, , drop = FALSE], at$time[cells][between],
                             times[k], call = call)
      x[between, ] <- moved$x
      weight[between] <- moved$log_weight
      if (!is.null(type)) type[between] <- NA
    }
    read <- read_snapshot(parts[[k]], compared_cells(x, fit), type, neighbours, fit, call)
    share[cells, ] <- read$share
    mass[cells, ] <- read$mass * exp(weight)
  }
  list(share = share, mass = mass)
}
