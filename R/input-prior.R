# Growth that the user expects of cells beforehand. Snapshots keep it as their `prior`:
#
# rate     per cell: net rate per unit of time, NA where it is not known
# stable   per cell: whether it neither divides nor dies

# What the user said of all n cells of `x`, whose names are `names` (NULL for none), as
# such a list; NULL for nothing.
read_prior <- function(growth_prior, stable, x, names, n, call) {
  if (is.null(growth_prior) && is.null(stable)) return(NULL)
  rate <- prior_rates(growth_prior, x, names, n, call)
  stable <- stable_cells(stable, x, names, n, call)
  rate[stable] <- 0
  if (all(is.na(rate))) {
    abort_prior("{.arg growth_prior} must be known for some cell.", NULL, call)
  }
  list(rate = rate, stable = stable)
}

abort_prior <- function(message, hint, call, arg = "growth_prior",
                        .envir = parent.frame()) {
  abort_input(c(message, hint), arg = arg, class = "vgfm_error_prior", call = call,
              .envir = .envir)
}

prior_rates <- function(growth_prior, x, names, n, call) {
  if (is.null(growth_prior)) return(rep(NA_real_, n))
  if (rlang::is_string(growth_prior) && is_container(x) &&
      growth_prior %in% names(cell_metadata(x))) {
    growth_prior <- cell_metadata(x)[[growth_prior]]
  }
  growth_prior <- prior_from_genes(growth_prior, x, call)
  if (inherits(growth_prior, "vgfm_growth_prior")) {
    named <- is.character(growth_prior$cell)
    growth_prior <- stats::setNames(growth_prior$rate, if (named) growth_prior$cell)
  }
  given <- growth_prior
  rate <- as_plain_vector(growth_prior)
  # NA alone is logical.
  if (is.logical(rate) && all(is.na(rate))) rate <- rate + 0
  rate <- as_numbers(rate)
  if (!is.null(rate)) {
    rate <- in_cell_order(rate, names, "growth_prior", "vgfm_error_prior", call)
  }
  if (length(rate) != n) {
    abort_prior("{.arg growth_prior} must be a net rate for each of the {n} cells, not
                 {describe(given)}.",
                c(i = "{.code NA} stands for what is not known; see
                       {.fn vgfm_growth_prior} for rates from genes."), call)
  }
  if (any(is.infinite(rate))) {
    abort_prior("{.arg growth_prior} must be finite, or {.code NA}.",
                c(x = "The rate of cell {which(is.infinite(rate))[1]} is infinite."),
                call)
  }
  unname(as.double(rate))
}

# Sets of genes, or the name of a species -> the prior made of the genes of `x`.
prior_from_genes <- function(growth_prior, x, call) {
  sets <- c("proliferation", "apoptosis")
  if (rlang::is_string(growth_prior)) {
    if (!growth_prior %in% c("human", "mouse")) {
      if (is_container(x)) {
        abort_name(growth_prior, "growth_prior", names(cell_metadata(x)),
                   "vgfm_error_prior", call, what = "column of the metadata",
                   hint = "Built-in gene sets are {.val human} and {.val mouse}.")
      }
      abort_prior("{.arg growth_prior} must be rates, gene sets, {.val human} or
                   {.val mouse}, not {describe(growth_prior)}.", NULL, call)
    }
    return(vgfm_growth_prior(x, species = growth_prior))
  }
  if (!is.list(growth_prior) || is.data.frame(growth_prior)) return(growth_prior)
  known <- length(growth_prior) > 0 && all(names(growth_prior) %in% sets) &&
    !is.null(names(growth_prior))
  if (!known) {
    abort_prior("A list as {.arg growth_prior} must have the gene sets {.val {sets}}.",
                NULL, call)
  }
  of <- function(set) growth_prior[[set]] %||% character()
  vgfm_growth_prior(x, proliferation = of("proliferation"), apoptosis = of("apoptosis"))
}

# Whether each cell is stable: a column of the metadata, TRUE or FALSE for each cell, or
# names of cells.
stable_cells <- function(stable, x, names, n, call) {
  if (is.null(stable)) return(rep(FALSE, n))
  if (rlang::is_string(stable) && is_container(x) &&
      stable %in% names(cell_metadata(x))) {
    stable <- cell_metadata(x)[[stable]]
  }
  given <- stable
  stable <- as_plain_vector(stable)
  if (is.character(stable) && !is.null(names)) {
    lost <- setdiff(stable, names)
    if (length(lost) > 0) {
      abort_prior("{.arg stable} must name cells, or a column of the metadata.",
                  c(x = "There is no cell {.val {lost[1]}}."), call, "stable")
    }
    return(names %in% stable)
  }
  if (is.logical(stable)) {
    stable <- in_cell_order(stable, names, "stable", "vgfm_error_prior", call)
  }
  if (!is.logical(stable) || length(stable) != n) {
    abort_prior("{.arg stable} must be {.code TRUE} or {.code FALSE} for each of the {n}
                 cells, or names of cells, not {describe(given)}.",
                c(i = "For example {.code stable = type == \"neuron\"}."), call, "stable")
  }
  unname(stable) & !is.na(stable)
}

# More descendants than this between two snapshots are a mistake of the unit.
most_descendants <- 1e4

# Snapshots with the prior of their cells, which are `rows` of what it was read for.
with_prior <- function(snapshots, prior, rows, call) {
  snapshots$prior <- take_prior(prior, rows)
  if (!is.null(snapshots$prior)) check_prior_unit(snapshots, call)
  snapshots
}

# The prior of some of the cells; of none of them may anything be known.
take_prior <- function(prior, rows) {
  if (!is.null(prior)) lapply(prior, `[`, rows)
}

check_prior_unit <- function(snapshots, call) {
  gaps <- c(diff(snapshots$times), 0)[snapshots$index]
  log_descendants <- snapshots$prior$rate * gaps
  at <- which.max(log_descendants)
  if (!any(log_descendants > log(most_descendants), na.rm = TRUE)) return(invisible())
  rate <- format(snapshots$prior$rate[at], digits = 3)
  count <- format(exp(log_descendants[at]), digits = 2)
  ends <- snapshots$labels[snapshots$index[at] + 0:1]
  abort_prior(
    "{.arg growth_prior} must be rates per unit of time of the fit.",
    c(x = "At a rate of {rate}, a cell has {count} descendants from {.val {ends[1]}} to
           {.val {ends[2]}}.",
      i = "Where times are in hours, pass rates per hour, or those of
           {.code vgfm_growth_prior(doubling = c(24, 240))}."),
    call
  )
}
