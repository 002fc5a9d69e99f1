#' Simulate a gene network whose cells divide
#'
#' Three genes that regulate each other, in cells that rest or divide. Half of the cells
#' start near `(2, 0.2, 0)`; there gene 2 switches on as gene 1 fades, and the more of
#' gene 2 a cell has, the faster it divides. The other half start near `(0, 0, 2)` and
#' rest. The population of dividing cells moves and grows; only genes 1 and 2 are seen.
#'
#' The equations, with `x1`, `x2`, `x3` the expression of the genes, are
#' \preformatted{
#' dx1/dt = (a1 x1^2 + b) / (1 + a1 x1^2 + c2 x2^2 + c3 x3^2 + b) - d x1
#' dx2/dt = (a2 x2^2 + b) / (1 + c1 x1^2 + a2 x2^2 + c3 x3^2 + b) - d x2
#' dx3/dt =  a3 x3^2      / (1 + a3 x3^2)                         - d x3
#' }
#' with `a1 = 0.5`, `a2 = a3 = 1`, `b = 1`, `c1 = 0.5`, `c2 = 1`, `c3 = 10`, `d = 0.4`,
#' integrated by Euler-Maruyama with noise of standard deviation 0.05, 0.05 and 0.01 per
#' root of unit time. A cell divides with probability
#' `division * x2^2 / (1 + x2^2)` in a unit of time; its daughters are jittered by noise
#' of standard deviation 0.014. Expression is never negative.
#'
#' @param n Number of cells at the first time, half of each kind (the odd one rests).
#' @param times Increasing times of the snapshots, the first of which is the start. All
#'   are snapshots of one population as it grows.
#' @param step Longest step of the integration, in units of time.
#' @param division Divisions per unit of time of a cell with much of gene 2. Zero for a
#'   population that does not grow.
#' @param ... Must be empty.
#'
#' @return A data frame with one row per cell and time: `time`, `x1`, `x2`. Its attribute
#'   `growth` is the true growth rate of each row, `division * x2^2 / (1 + x2^2)`, per
#'   unit of time. With the defaults, populations grow from 400 to about 950 cells.
#'
#'   [set.seed()] fixes the result.
#' @section Errors: `vgfm_error_input` for values out of range.
#' @source The simulated data of Wang and others (2025), *Joint Velocity-Growth Flow
#'   Matching for Single-Cell Dynamics Modeling*, arXiv:2505.13413, after Sha and others
#'   (2024), *Reconstructing growth and dynamic trajectories from single-cell
#'   transcriptomics data*, Nature Machine Intelligence 6.
#' @seealso [vgfm_simulate_gaussian()]
#' @family simulations
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gene_network(n = 100)
#' table(cells$time)
#' tapply(attr(cells, "growth"), cells$time, mean)
vgfm_simulate_gene_network <- function(n = 400, times = c(0, 8, 16, 24, 32), step = 1,
                                       division = 0.067, ...) {
  check_arguments()
  n <- check_count(n, min = 2)
  times <- check_increasing(times)
  step <- check_number(step, min = 0, bounds = "(]")
  division <- check_number(division, min = 0, max = 1)

  dividing <- n %/% 2
  start <- rbind(
    matrix(c(2, 0.2, 0), dividing, 3, byrow = TRUE),
    matrix(c(0, 0, 2), n - dividing, 3, byrow = TRUE)
  )
  x <- pmax(start + stats::rnorm(3 * n, sd = 0.1), 0)
  snapshots <- vector("list", length(times))
  snapshots[[1]] <- x
  for (k in seq_along(times)[-1]) {
    gap <- times[k] - times[k - 1]
    steps <- ceiling(gap / step - 1e-9)
    for (i in seq_len(steps)) x <- gene_network_step(x, gap / steps, division)
    snapshots[[k]] <- x
  }
  x <- do.call(rbind, snapshots)
  time <- rep(times, vapply(snapshots, nrow, 1L))
  with_truth(data.frame(time, x1 = x[, 1], x2 = x[, 2]),
             growth = division * saturation(x[, 2]))
}

# Simulated cells with what is known of them as attributes. structure() would make numbers
# the names of the rows, and what is named otherwise would no longer go by place.
with_truth <- function(cells, ...) {
  truth <- list(...)
  for (name in names(truth)) attr(cells, name) <- truth[[name]]
  cells
}

saturation <- function(x) x^2 / (1 + x^2)

# Cells (n, 3) one step of `dt` later; those that divide are replaced by two daughters.
gene_network_step <- function(x, dt, division) {
  noise <- rep(c(0.05, 0.05, 0.01) * sqrt(dt), each = nrow(x))
  moved <- x + dt * gene_network_drift(x) + noise * stats::rnorm(length(x))
  moved <- pmax(moved, 0)
  divides <- stats::runif(nrow(x)) < dt * division * saturation(moved[, 2])
  parents <- moved[divides, , drop = FALSE]
  daughters <- rbind(parents, parents)
  daughters <- pmax(daughters + stats::rnorm(length(daughters), sd = 0.014), 0)
  rbind(moved[!divides, , drop = FALSE], daughters)
}

gene_network_drift <- function(x) {
  s <- x^2
  cbind(
    (0.5 * s[, 1] + 1) / (2 + 0.5 * s[, 1] + s[, 2] + 10 * s[, 3]) - 0.4 * x[, 1],
    (s[, 2] + 1) / (2 + 0.5 * s[, 1] + s[, 2] + 10 * s[, 3]) - 0.4 * x[, 2],
    s[, 3] / (1 + s[, 3]) - 0.4 * x[, 3]
  )
}

check_increasing <- function(x, arg = rlang::caller_arg(x), call = rlang::caller_env()) {
  force(arg) # named after the argument, before that changes
  given <- x
  x <- as_numbers(x)
  if (length(x) < 2 || !all(is.finite(x)) || any(diff(x) <= 0)) {
    value <- describe(given)
    if (length(x) > 1) value <- paste(format_number(x), collapse = ", ")
    abort_input(
      "{.arg {arg}} must be at least two increasing numbers, not {value}.",
      arg = arg, class = "vgfm_error_time", call = call
    )
  }
  as.double(x)
}

#' Simulate Gaussian clusters that split or grow
#'
#' Two snapshots, at times 0 and 1, in any number of dimensions. Four fifths of the cells
#' start at the origin and split, without growing, into two halves that go to
#' `(1, 0, 0, ...)` and `(-1, 0, 0, ...)`. One fifth stay at `(0, 2.5, 0, ...)` and
#' become ten times as many. All clusters are Gaussian with the same standard deviation
#' in every dimension.
#'
#' @param d Number of features, at least 2.
#' @param n Number of cells at the first time, rounded up to a multiple of 5. There are
#'   `2.8 n` cells at the second time.
#' @param sd Standard deviation of each cluster in each dimension.
#' @param ... Must be empty.
#'
#' @return A data frame with one row per cell and time: `time`, `x1`, ..., `xd`. Its
#'   attribute `growth` is the true growth rate of each row: 0 for cells that split,
#'   `log(10)` for cells that grow, per unit of time.
#'
#'   [set.seed()] fixes the result.
#' @section Errors: `vgfm_error_input` for values out of range.
#' @source The Gaussian data of Wang and others (2025), *Joint Velocity-Growth Flow
#'   Matching for Single-Cell Dynamics Modeling*, arXiv:2505.13413.
#' @seealso [vgfm_simulate_gene_network()]
#' @family simulations
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_gaussian(d = 3)
#' table(cells$time, growing = attr(cells, "growth") > 0)
vgfm_simulate_gaussian <- function(d = 10, n = 500, sd = 0.0707, ...) {
  check_arguments()
  d <- check_count(d, min = 2)
  n <- check_count(n, min = 5, max = 1e8)
  sd <- check_number(sd, min = 0)

  fifth <- ceiling(n / 5)
  # One row per cluster: time, cells, first two coordinates of its centre, growth.
  clusters <- rbind(
    c(0, 4 * fifth, 0, 0, 0),
    c(0, fifth, 0, 2.5, log(10)),
    c(1, 2 * fifth, 1, 0, 0),
    c(1, 2 * fifth, -1, 0, 0),
    c(1, 10 * fifth, 0, 2.5, log(10))
  )
  member <- clusters[rep(seq_len(nrow(clusters)), clusters[, 2]), ]
  x <- matrix(stats::rnorm(as.double(nrow(member)) * d, sd = sd), ncol = d)
  x[, 1:2] <- x[, 1:2] + member[, 3:4]
  colnames(x) <- paste0("x", seq_len(d))
  with_truth(data.frame(time = member[, 1], x), growth = member[, 5])
}
