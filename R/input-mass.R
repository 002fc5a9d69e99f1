# The size of the population at each time, measured or counted.

# Population size at each time over that at the first: the cells counted, unless measured.
relative_mass <- function(mass, parsed, counts, call) {
  labels <- parsed$labels
  if (is.null(mass)) return(counts / counts[1])
  fail <- function(message, .envir = parent.frame()) {
    abort_input(message, arg = "mass", class = "vgfm_error_mass", call = call,
                .envir = .envir)
  }
  per_time <- "Pass one population size per time, for {.val {labels}} in this order,
               or named so."
  given <- mass
  mass <- as_numbers(mass)
  if (is.null(mass) || length(mass) != length(labels)) {
    value <- describe(given)
    fail(c(
      "{.arg mass} must be {length(labels)} numbers, one per time, not {value}.",
      i = per_time
    ))
  }
  if (!is.null(names(mass))) {
    place <- mass_places(names(mass), parsed, call)
    if (!setequal(place, seq_along(labels))) {
      given <- names(mass)
      fail(c(
        "The names of {.arg mass} must be the times.",
        x = "They are {.val {given}}.",
        i = per_time
      ))
    }
    mass <- mass[order(place)]
  }
  bad <- which(!is.finite(mass) | mass <= 0)
  if (length(bad) > 0) {
    value <- describe(as.double(mass[bad[1]]))
    label <- labels[bad[1]]
    fail(c(
      "{.arg mass} must be positive and finite.",
      x = "It is {value} at time {.val {label}}.",
      i = per_time
    ))
  }
  as.double(mass) / as.double(mass[1])
}

# The number of the time that each name means, NA for none.
mass_places <- function(names, parsed, call) {
  values <- tryCatch(fit_times(parsed, names, call = call),
                     vgfm_error_time = function(condition) NULL)
  if (is.null(values)) return(match(names, parsed$labels))
  match(values, parsed$times)
}

# Growth hangs on the masses, so that whoever gave none is told what was taken instead.
tell_counts <- function(snapshots, call) {
  jump <- abs(diff(log(snapshots$counts)))
  if (max(jump) > log(10)) warn_counts(snapshots, which.max(jump), call) else
    inform_counts(snapshots)
}

# Numbers of cells sequenced stand in for population sizes, until they cannot.
warn_counts <- function(snapshots, at, call) {
  counts <- snapshots$counts[at + 0:1]
  labels <- snapshots$labels[at + 0:1]
  warn_vgfm(c(
    "The numbers of cells jump from {counts[1]} at {.val {labels[1]}} to {counts[2]} at
     {.val {labels[2]}}, and are taken for population sizes.",
    i = "Pass {.arg mass}, one population size per time, unless the population did so."
  ), class = "vgfm_warning_mass", call = call)
}

# Once in a session where all snapshots are of one size, and once where they are not.
inform_counts <- function(snapshots) {
  counts <- snapshots$counts
  equal <- all(counts == counts[1])
  if (said_before(if (equal) "equal counts" else "counts")) return(invisible())
  span <- diff(range(snapshots$times))
  growth <- format(log(counts[length(counts)] / counts[1]) / span, digits = 2)
  taken <- if (equal) paste(counts[1], "cells at every time are") else
    paste("The numbers of cells,", paste0(in_short(counts), ","), "are")
  inform_vgfm(c(
    i = "{taken} taken for the size of the population: mean growth {growth} per unit of
         time.",
    i = "Pass {.arg mass}, one population size per time, if it was measured."
  ), class = "vgfm_message_mass")
}

# What the user has been told in this session.
said <- new.env(parent = emptyenv())

said_before <- function(what) {
  before <- exists(what, said, inherits = FALSE)
  assign(what, TRUE, said)
  before
}
