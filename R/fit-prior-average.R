# Rates of a prior as averages: over neighbours of a cell, and along its way to the next
# snapshot.

# Rates of the cells of snapshot k, averaged over neighbours, and drawn to their mean by
# `reliability`: the share of the variance between neighbourhoods that is more than the
# variance within them would leave. It is near 0 for rates that have nothing to do with
# the state.
average_prior <- function(k, snapshots, control) {
  rows <- which(snapshots$index == k)
  rate <- snapshots$prior$rate[rows]
  if (all(is.na(rate))) return(list(rate = rate, reliability = NA_real_))
  others <- spaced(rows, state_cells)
  near <- near_in_state(others, rows, snapshots, control)
  around <- matrix(snapshots$prior$rate[others][near], nrow(near))
  known <- rowSums(!is.na(around))
  mean <- rowMeans(around, na.rm = TRUE)
  # A cell whose rate is not known has that of its neighbours, where half of them have
  # one.
  mean[is.na(rate) & known < ncol(near) / 2] <- NA
  alone <- which(!is.na(rate) & known == 0)
  mean[alone] <- rate[alone]
  within <- rowSums((around - mean)^2, na.rm = TRUE) / pmax(known - 1, 1)
  noise <- mean((within / pmax(known, 1))[!is.na(mean)])
  between <- mean((mean - mean(mean, na.rm = TRUE))^2, na.rm = TRUE)
  reliability <- if (noise > 0) max(0, 1 - noise / between) else 1
  centre <- mean(mean, na.rm = TRUE)
  list(rate = centre + reliability * (mean - centre), reliability = reliability)
}

# The cells of `rows` that are nearest to each of `queries`, by their place in `rows`.
near_in_state <- function(rows, queries, snapshots, control) {
  nearest_in_state(cells_in_state(snapshots, rows), cells_in_state(snapshots, queries),
                   control)$index
}

# What is expected of the cells of snapshot k on their way to the next: half of it is
# their own rate, half that of their descendants. `averages`: of average_prior(), for all
# snapshots; `sample`: of sample_interval(). A list of rate and reliability, as there.
prior_on_the_way <- function(k, averages, sample) {
  own <- averages[[k]]
  later <- averages[[k + 1]]
  known <- !is.na(later$rate[sample$targets])
  if (!any(known)) return(own)
  plan <- sample$plan[, known, drop = FALSE]
  mass <- rowSums(plan)
  arrive <- drop(plan %*% later$rate[sample$targets][known]) / mass
  # Of a cell without descendants, or whose descendants are of unknown rate, nothing.
  arrive[mass < pmax(0.5 * rowSums(sample$plan), 1e-6)] <- NA
  arrive <- rowMeans(matrix(arrive[sample$near], nrow(sample$near)), na.rm = TRUE)
  list(rate = ifelse(is.na(arrive), own$rate, (own$rate + arrive) / 2),
       reliability = mean(c(own$reliability, later$reliability), na.rm = TRUE))
}
