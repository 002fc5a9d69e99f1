# What is said of intervals that do not tell growth from motion.

# "0 and 16", "24 and 32": their ends, neighbouring ones together.
untold_intervals <- function(verdict) {
  if (is.null(verdict)) return(character())
  runs <- rle(verdict$identified)
  last <- cumsum(runs$lengths)
  first <- last - runs$lengths + 1
  untold <- !runs$values
  paste0(verdict$from[first[untold]], " and ", verdict$to[last[untold]],
         recycle0 = TRUE)
}

# Under a figure of growth; NULL where there is nothing to say.
growth_caveat <- function(fit) {
  if (!is_learned(fit$method)) {
    return("one rate for all cells: growth by state is not learned")
  }
  untold <- untold_intervals(fit$identified)
  if (length(untold) > 0) paste("not told from motion between", in_short(untold))
}

# `prior`: whether there is a growth prior. `simulated`: whether growth is learned without
# the coupling.
inform_growth <- function(verdict, prior = FALSE, simulated = FALSE) {
  untold <- untold_intervals(verdict)
  if (length(untold) == 0) return(invisible())
  inform_vgfm(c(
    "!" = "Growth is not told from motion between {in_short(untold)}.",
    i = if (simulated) {
      "There the method weighs one against the other by the energies of its training."
    } else if (prior || any(verdict$identified)) {
      paste0("There it rests on ", paste(c(
        if (prior) "what was expected beforehand",
        if (any(verdict$identified)) "what the other intervals say of such cells"
      ), collapse = " and "), ".")
    } else {
      "It is kept close to that of the whole population: differences between cells mean
       little."
    },
    i = paste0("{.fn vgfm_identifiability} shows why",
               if (!prior && !simulated) "; {.arg growth_prior} may help", ".")
  ), class = "vgfm_message_growth")
}

# Of methods that do not ask which cells grow.
inform_no_growth <- function(method) {
  inform_vgfm(c(
    "!" = "The method {.val {method$name}} does not learn which cells grow.",
    i = if (inherits(method$growth, "growth_uniform")) {
      "All cells of an interval have one rate, from the masses."
    } else "All masses stay as they are.",
    i = "{.fn vgfm_methods} says which methods do."
  ), class = "vgfm_message_growth")
}
