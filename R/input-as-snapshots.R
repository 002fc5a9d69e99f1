# The door of all data: what vgfm_fit() and vgfm_cv() do first.

# The snapshots of whatever vgfm_fit() takes, checked: one object, or, of an object with
# replicates, a list of those of each. `call` is the user's.
as_snapshots <- function(x, time, mass = NULL, ..., call) UseMethod("as_snapshots")

as_snapshots.default <- function(x, time, mass = NULL, ..., growth_prior = NULL,
                                 stable = NULL, call) {
  check_spare(..., known = c("x", "time", "mass", "growth_prior", "stable", "control"),
              call = call)
  snapshots <- new_snapshots(x, time, mass, call)
  cells <- snapshots$x
  prior <- read_prior(growth_prior, stable, cells, rownames(cells), nrow(cells), call)
  snapshots <- with_prior(snapshots, prior, seq_len(nrow(cells)), call)
  check_snapshots(snapshots, call)
  warn_embedding(if (snapshots$named) snapshots$features, "x", call)
  # Whole numbers in a few columns may be anything.
  if (inherits(x, "sparseMatrix") || ncol(snapshots$x) >= genes_like) {
    warn_raw_counts(snapshots$x, "x", call)
  }
  snapshots
}

# What is asked and said of all snapshots that a user hands over.
check_snapshots <- function(snapshots, call) {
  check_populations(snapshots, call)
  if (!snapshots$measured) tell_counts(snapshots, call)
  warn_far_cells(snapshots, call)
}

# So many features of a plain matrix may be genes.
genes_like <- 20

# Snapshots of so few cells are hardly populations.
few_cells <- 10

# A time of its own for most cells, as with pseudotime, gives no populations to compare.
check_populations <- function(snapshots, call) {
  counts <- snapshots$counts
  # cut() takes numbers.
  bin <- if (snapshots$clock$kind == "number")
    ", for example by {.code time <- ave(time, cut(time, 5))}"
  if (mean(counts == 1) > 0.5) {
    abort_time(c(
      "Most times in {.arg time} must have more than one cell.",
      x = "{sum(counts == 1)} of {length(counts)} times have a single cell: there are no
           populations to compare.",
      i = paste0("Bin the times", bin, ".")
    ), "time", call)
  }
  small <- which(counts < few_cells)
  if (length(small) > 0) {
    where <- paste0(counts[small], " at \"", snapshots$labels[small], "\"")
    warn_vgfm(c(
      "{length(small)} of {length(counts)} snapshots {cli::qty(length(small))}{?has/have}
       fewer than {few_cells} cells: {where}.",
      i = paste0("What so few cells say of a population is mostly chance; leave these
                  times out, or join neighbouring ones", bin, ".")
    ), class = "vgfm_warning_small", call = call)
  }
}

# A hundredth of the cells, or one, that have more than this share of the variance.
far_share <- 0.8

# A few cells that lie absurdly far off set the scale of everything: all others then look
# the same to the networks.
warn_far_cells <- function(snapshots, call) {
  x <- snapshots$x
  square <- 0
  for (k in seq_len(ncol(x))) { # column by column: no copy of x is made
    square <- square + ((x[, k] - snapshots$center[k]) / snapshots$scale)^2
  }
  few <- max(1, nrow(x) %/% 100)
  far <- order(-square)[seq_len(min(few, nrow(x)))]
  if (nrow(x) < few_cells || sum(square) == 0 || !is.finite(sum(square)) ||
      sum(square[far]) <= far_share * sum(square)) {
    return(invisible())
  }
  # The fewest that do it.
  far <- far[seq_len(which(cumsum(square[far]) > far_share * sum(square))[1])]
  shown <- utils::head(far, 3)
  cells <- vapply(shown, function(row) {
    as.character(place_and_name(row, rownames(x)))
  }, "")
  warn_vgfm(c(
    "{length(far)} of {nrow(x)} cells {cli::qty(length(far))}{?makes/make} up most of the
     variance of {.arg x}: row{?s} {cells}{if (length(far) > 3) \", ...\"}.",
    i = "Velocities and growth of all other cells suffer; leave
         {cli::qty(length(far))}{?it/them} out if {?it is/they are} wrong."
  ), class = "vgfm_warning_far_cells", call = call)
}
