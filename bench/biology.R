# The questions of biologists against the truth: fates, ancestors, genes and bands, on
# simulated sets with fresh seeds:
#
#     Rscript bench/biology.R [seed ...] [family ...]
#
# Default: seeds 1 to 3, all families. With all of them it writes bench/biology.md.
# Sourced, it only defines the families, as bench/growth.R does.

library(vgfm)
source(file.path("bench", "growth.R"))
source(file.path("bench", "biology-measures.R"))

options(vgfm.threads = 1)

cultures <- list(
  "culture" = function() vgfm_simulate_culture(counts = TRUE),
  "small culture" = function() vgfm_simulate_culture(400, components = 10, counts = TRUE),
  "large culture" = function() {
    vgfm_simulate_culture(1200, components = 30, genes = 3000, counts = TRUE)
  }
)

family_cultures <- function(seed, control = vgfm_control(), which = names(cultures)) {
  rows <- lapply(which, function(name) {
    set.seed(seed)
    cells <- cultures[[name]]()
    fit <- fit_growth(cells[-1], cells$time, attr(cells, "mass"), seed, control = control)
    rbind(fate_figures(name, seed, fit, cells), ancestor_figures(name, seed, fit, cells),
          gene_figures(name, seed, fit, cells))
  })
  do.call(rbind, rows)
}

# Gene 2 alone makes cells divide; signs of the derivatives are those of the equations.
family_network <- function(seed, control = vgfm_control()) {
  set.seed(seed)
  cells <- vgfm_simulate_gene_network()
  fit <- fit_growth(cells[-1], cells$time, seed = seed, control = control)
  genes <- vgfm_growth_genes(fit)
  figures("gene network", seed, c(
    "gene 2 is first" = genes$gene[1] == "x2",
    "and grows with growth" = genes$marginal[genes$gene == "x2"] > 0,
    "signs of the regulation as in the equations" = regulation_signs(fit)
  ), c("1", "1", "1"))
}

# Signs of the derivatives at the dividing cells, for which the equations have them: each
# gene is lost, and keeps the other one down.
regulation_signs <- function(fit) {
  table <- vgfm_regulation(fit)
  all(table$effect[table$regulator == table$target] < 0) &&
    all(table$effect[table$regulator != table$target] < 0)
}

# Coverage of bands of 90 %, of 20 replicates.
family_bands <- function(seed, control = vgfm_control("fast")) {
  set.seed(seed)
  cells <- vgfm_simulate_culture(counts = TRUE)
  mass <- attr(cells, "mass")
  fit <- fit_growth(cells[-1], cells$time, mass, seed, control = control)
  ensemble <- vgfm_ensemble(fit)
  network <- vgfm_simulate_gene_network()
  sizes <- as.vector(table(network$time))
  growth <- fit_growth(network[-1], network$time, sizes, seed, control = control) |>
    vgfm_ensemble() |>
    vgfm_growth(ifelse(network$x1 + network$x2 > 1, "moving", "resting"))
  true <- tapply(attr(network, "growth"),
                 list(network$time, network$x1 + network$x2 > 1), mean)
  true <- true[cbind(as.character(growth$time), growth$group == "moving")]
  masses <- c(
    vapply(1:3, function(out) mass_held(cells, mass, out, seed, control), 0),
    vapply(c(8, 16, 24), function(out) {
      mass_held(network, sizes, out, seed, control)
    }, 0)
  )
  rbind(
    band_figures("bands", seed, ensemble, cells),
    figures("bands", seed, c(
      "bands: growth by group, gene network" =
        held(true, growth$growth_low, growth$growth_high, 0),
      "bands: total mass at a time left out" = mean(masses)
    ), "0.80 to 0.97")
  )
}

families <- list(cultures = family_cultures, network = family_network,
                 bands = family_bands)

if (sys.nframe() == 0) main("biology", "Answers against the truth")
