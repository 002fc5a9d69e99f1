#' Simulate a culture whose cells commit to branches that grow and die
#'
#' Founder cells mature; each carries a bias, and at maturity commits to one of three
#' branches, which divide and die at rates of their own. Growth, fates, lineages and
#' population sizes are known, so that answers about them can be checked.
#'
#' A founder has maturity `s ~ U(0, 0.3)` and a bias `z ~ N(0, I)` in the plane. In a day
#' `s` grows by 0.45 (noise 0.03) and `z` drifts (noise 0.1). At `s = 1` a cell commits to
#' branch A, B or C with probability softmax(2.5 z . direction), the directions 120
#' degrees apart; from then on its progress `r` grows by 0.5 a day, and its rates turn
#' from those of the trunk into those of its branch while `r` grows to 0.3. Cells divide
#' and die at random; daughters begin as their mother.
#'
#' Genes belong to programs: maturity up and down, one for each branch (log expression
#' rises by 1.6 r), one for each bias (0.6 z . direction), proliferation (the birth rate)
#' and apoptosis (3 times the death rate), of 4 % of the genes each; the others are flat.
#' Counts are negative binomial (size 4) at a depth that is log-normal (sd 0.3). Features
#' are principal components of log-normalised counts, or with `components = NULL` the
#' log-normalised counts themselves.
#'
#' @section Gene space:
#' Components need no random numbers: with the same seed, `components = 30` and
#' `components = NULL` give the same cells, in components and in genes. The guide
#' *A fit in 2000 genes* compares fits to both.
#'
#' The true velocity of a gene is the change per day of its mean log-normalised
#' expression, along the path of a cell that neither divides, dies nor commits: it
#' matures by 0.45 a day, or progresses by 0.5. The bias drifts to no side, so its genes
#' have a velocity of nearly 0. Where some genes rise the others fall, by normalisation.
#' Doublets are left out of account.
#'
#' @param n Number of cells in each snapshot, one for all or one for each.
#' @param days Increasing days of the snapshots; the culture starts at day 0.
#' @param birth,death Rates per day, named `trunk`, `A`, `B` and `C`.
#' @param change `NULL`, or a list of `day` and either or both of `birth` and `death`:
#'   from that day on the named rates are these.
#' @param genes Number of genes, at least 100.
#' @param components Number of principal components; `NULL` for the genes themselves.
#' @param batch Standard deviation of a shift of log expression, for each day and a random
#'   fifth of the genes; 0 for none.
#' @param doublets Share of cells whose counts are those of two cells; 0 for none.
#' @param founders Number of founder cells.
#' @param counts Keep the counts?
#' @param velocity Keep the true velocity of each gene? It takes 8 bytes for each cell
#'   and gene.
#' @param ... Must be empty.
#'
#' @return A data frame with one row per cell: `time`, and `PC1`, `PC2`, ... or `gene1`,
#'   `gene2`, ... Its attributes have one value per row unless said otherwise:
#'   * `growth`: the true net rate, birth less death, per day;
#'   * `branch`: a factor, `trunk`, `A`, `B` or `C`;
#'   * `fate`: a matrix of the probabilities to commit, or have committed, to A, B and C,
#'     at the present bias;
#'   * `ancestor`: a matrix, cells x days, the branch of a cell's ancestor at each day;
#'     `NA` at later ones;
#'   * `mass`: population size at each day, named by it;
#'   * `program`: a factor, one value per gene; genes of `proliferation` and `apoptosis`
#'     are those of growth;
#'   * `rotation`: a matrix, genes x components; none where features are genes;
#'   * `counts` (if asked for): a sparse matrix, genes x cells;
#'   * `velocity` (if asked for): a matrix, cells x genes, per day.
#'
#'   [set.seed()] fixes the result.
#' @section Errors: `vgfm_error_input` for values out of range, for another number of `n`
#'   than of `days`, and if fewer than `n` cells are alive at a day.
#' @seealso [vgfm_simulate_gene_network()]
#' @family simulations
#' @export
#' @examples
#' set.seed(1)
#' cells <- vgfm_simulate_culture(n = 100, genes = 100, components = 5, founders = 500)
#' table(cells$time, attr(cells, "branch"))
#' round(tapply(attr(cells, "growth"), attr(cells, "branch"), mean), 2)
#' attr(cells, "mass")
#'
#' # Two snapshots in gene space
#' set.seed(1)
#' two <- vgfm_simulate_culture(n = c(80, 120), days = c(3, 4), genes = 100,
#'                              components = NULL, founders = 500, velocity = TRUE)
#' dim(two)
#' rising <- colMeans(attr(two, "velocity"))
#' tapply(rising, attr(two, "program"), mean)
vgfm_simulate_culture <- function(n = 1000, days = 0:4,
                                  birth = c(trunk = 0.5, A = 0.8, B = 0.1, C = 0),
                                  death = c(trunk = 0.05, A = 0.02, B = 0.1, C = 0.4),
                                  change = NULL, genes = 600, components = 20, batch = 0,
                                  doublets = 0, founders = max(4000, 2 * n),
                                  counts = FALSE, velocity = FALSE, ...) {
  check_arguments()
  days <- check_increasing(days)
  n <- check_sizes(n, length(days))
  if (days[1] < 0) {
    abort_input("{.arg days} must not begin before day 0, but at {days[1]}.",
                arg = "days", class = "vgfm_error_time")
  }
  rates <- list(birth = check_rates(birth), death = check_rates(death))
  change <- check_change(change)
  genes <- check_count(genes, min = 100)
  components <- check_count(components, max = min(genes, sum(n)) - 1, allow_null = TRUE)
  batch <- check_number(batch, min = 0)
  doublets <- check_number(doublets, min = 0, max = 0.5)
  founders <- check_count(founders, min = 2, max = 1e7)
  counts <- check_flag(counts)
  velocity <- check_flag(velocity)

  grown <- grow_culture(n, days, rates, change, founders)
  state <- grown$state
  program <- gene_programs(genes)
  model <- gene_model(state, program, batch)
  values <- culture_counts(model, doublets)
  features <- culture_features(log_normalised(values), components, rlang::current_env())
  cells <- data.frame(time = state$day, features$x, row.names = NULL)
  with_truth(
    cells, growth = state$birth - state$death, branch = branch_factor(state$branch),
    fate = fate_probabilities(state), ancestor = grown$ancestor, mass = grown$mass,
    program = program, rotation = features$rotation, counts = if (counts) values,
    velocity = if (velocity) culture_velocity(model, mean(Matrix::colSums(values)))
  )
}

# x (cells, features), and the rotation of components.
culture_features <- function(expression, components, call) {
  if (is.null(components)) return(list(x = as.matrix(Matrix::t(expression))))
  principal_components(expression, components, call)
}

culture_branches <- c("trunk", "A", "B", "C")

# Directions in which a bias points, 120 degrees apart (2, 3).
culture_directions <- rbind(cos(2 * pi * (0:2) / 3), sin(2 * pi * (0:2) / 3))

branch_factor <- function(code) factor(culture_branches[code + 1], culture_branches)

# One number for each day.
check_sizes <- function(n, days, call = rlang::caller_env()) {
  if (length(n) == 1) return(rep(check_count(n, min = 2, call = call), days))
  numbers <- as_numbers(n)
  right <- length(numbers) == days && all(is.finite(numbers)) && all(numbers >= 2) &&
    all(numbers == round(numbers))
  if (!right) {
    abort_input("{.arg n} must be a whole number, at least 2, for all or for each of the
                 {days} days, not {describe(n)}.", arg = "n", call = call)
  }
  as.double(numbers)
}

check_rates <- function(x, arg = rlang::caller_arg(x), call = rlang::caller_env()) {
  fits <- is.numeric(x) && length(x) == 4 && setequal(names(x), culture_branches) &&
    all(is.finite(x)) && all(x >= 0 & x <= 10)
  if (!fits) {
    abort_input(
      "{.arg {arg}} must be four rates from 0 to 10 a day, named
       {.val {culture_branches}}, not {describe(x)}.",
      arg = arg, call = call
    )
  }
  x[culture_branches]
}

check_change <- function(x, call = rlang::caller_env()) {
  if (is.null(x)) return(list(day = Inf))
  named <- is.list(x) && "day" %in% names(x) &&
    all(names(x) %in% c("day", "birth", "death"))
  right <- function(rate) {
    is.null(rate) || is.numeric(rate) && all(names(rate) %in% culture_branches) &&
      !is.null(names(rate)) && all(is.finite(rate) & rate >= 0 & rate <= 10)
  }
  if (!named || !right(x$birth) || !right(x$death) || !rlang::is_scalar_double(x$day) &&
      !rlang::is_scalar_integer(x$day)) {
    abort_input(c(
      "{.arg change} must be a list of {.code day} and {.code birth} or {.code death}.",
      i = "For example {.code list(day = 2, birth = c(A = 0.4))}."
    ), arg = "change", call = call)
  }
  x
}

# Steps a day.
culture_steps <- 40

# By how much a cell of the trunk matures, and one of a branch progresses, in a day; and
# the progress at which its rates are those of the branch.
maturing <- 0.45
progressing <- 0.5
turned_at <- 0.3

# state: n[k] living cells of each day, with their rates and how these change per day;
# ancestor (cells, days): their branches; mass: cells alive at each day.
grow_culture <- function(n, days, rates, change, founders, call = rlang::caller_env()) {
  cells <- list(
    s = stats::runif(founders, 0, 0.3), r = numeric(founders),
    z = matrix(stats::rnorm(2 * founders), founders), branch = integer(founders)
  )
  history <- matrix(NA_integer_, founders, length(days))
  parts <- vector("list", length(days))
  mass <- stats::setNames(numeric(length(days)), format_number(days))
  now <- 0
  for (k in seq_along(days)) {
    steps <- ceiling((days[k] - now) * culture_steps - 1e-9)
    dt <- if (steps > 0) (days[k] - now) / steps
    for (i in seq_len(steps)) {
      kept <- culture_step(cells, dt, rates_at(rates, change, now))
      cells <- kept$cells
      history <- history[kept$mother, , drop = FALSE]
      now <- now + dt
    }
    now <- days[k]
    alive <- length(cells$s)
    if (alive < n[k]) {
      abort_input(c(
        "{.arg n} must be at most the number of cells alive, {alive} at day {days[k]}.",
        i = "Raise {.arg founders}, or {.arg birth}."
      ), arg = "n", call = call)
    }
    history[, k] <- cells$branch
    mass[k] <- alive
    rows <- sort(sample.int(alive, n[k]))
    taken <- take_cells(cells, rows)
    rate <- rates_at(rates, change, now)
    parts[[k]] <- list(cells = taken, day = rep(days[k], n[k]),
                       rates = cell_rates(taken, rate),
                       changes = rate_changes(taken, rate),
                       history = history[rows, , drop = FALSE])
  }
  bind <- function(get) do.call(c, lapply(parts, get))
  ancestor <- do.call(rbind, lapply(parts, `[[`, "history"))
  labels <- culture_branches[ancestor + 1]
  list(
    state = list(
      day = bind(function(p) p$day), s = bind(function(p) p$cells$s),
      r = bind(function(p) p$cells$r), branch = bind(function(p) p$cells$branch),
      z = do.call(rbind, lapply(parts, function(p) p$cells$z)),
      birth = bind(function(p) p$rates$birth), death = bind(function(p) p$rates$death),
      birth_change = bind(function(p) p$changes$birth),
      death_change = bind(function(p) p$changes$death)
    ),
    ancestor = matrix(labels, nrow(ancestor), dimnames = list(NULL, names(mass))),
    mass = mass
  )
}

rates_at <- function(rates, change, now) {
  if (now < change$day - 1e-9) return(rates)
  rates$birth[names(change$birth)] <- change$birth
  rates$death[names(change$death)] <- change$death
  rates
}

take_cells <- function(cells, rows) {
  list(s = cells$s[rows], r = cells$r[rows], z = cells$z[rows, , drop = FALSE],
       branch = cells$branch[rows])
}

# Birth and death rates of cells: those of the trunk turn into those of the branch.
cell_rates <- function(cells, rates) {
  turned <- pmin(cells$r / turned_at, 1)
  lapply(rates, function(rate) {
    rate <- unname(rate)
    rate[1] + turned * (rate[cells$branch + 1] - rate[1])
  })
}

# How they change per day as the cell progresses.
rate_changes <- function(cells, rates) {
  turning <- cells$branch > 0 & cells$r < turned_at
  lapply(rates, function(rate) {
    rate <- unname(rate)
    turning * progressing / turned_at * (rate[cells$branch + 1] - rate[1])
  })
}

# One step of all cells; `mother` says whose daughter or future self each one is.
culture_step <- function(cells, dt, rates) {
  size <- length(cells$s)
  trunk <- cells$branch == 0
  cells$s <- cells$s + trunk * (maturing * dt + 0.03 * sqrt(dt) * stats::rnorm(size))
  cells$r <- cells$r + ifelse(trunk, 0, progressing * dt)
  cells$z <- cells$z + 0.1 * sqrt(dt) * stats::rnorm(2 * size)
  commits <- which(trunk & cells$s >= 1)
  if (length(commits) > 0) {
    chance <- softmax_rows(2.5 * cells$z[commits, , drop = FALSE] %*% culture_directions)
    u <- stats::runif(length(commits))
    cells$branch[commits] <- 1L + (u > chance[, 1]) + (u > chance[, 1] + chance[, 2])
  }
  rate <- cell_rates(cells, rates)
  dies <- stats::runif(size) < 1 - exp(-rate$death * dt)
  divides <- !dies & stats::runif(size) < 1 - exp(-rate$birth * dt)
  mother <- c(which(!dies), which(divides))
  list(cells = take_cells(cells, mother), mother = mother)
}

softmax_rows <- function(x) {
  e <- exp(x - apply(x, 1, max))
  e / rowSums(e)
}

fate_probabilities <- function(state) {
  fate <- softmax_rows(2.5 * state$z %*% culture_directions)
  done <- which(state$branch > 0)
  fate[done, ] <- diag(3)[state$branch[done], ]
  colnames(fate) <- culture_branches[-1]
  fate
}
