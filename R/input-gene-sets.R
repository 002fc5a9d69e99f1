# Genes that tell cells that divide, and cells that are about to die.

# Proliferation: genes that peak in S phase and in G2 and M, chosen from those of Tirosh
# et al. (2016, Science 352, 189), which are those of Whitfield et al. (2002) that also
# cycle in single cells.
cycle_genes <- c(
  # S
  "ATAD2", "BLM", "CCNE2", "CDC45", "CDC6", "CDCA7", "CENPU", "CHAF1B", "CLSPN", "DSCC1",
  "DTL", "E2F8", "EXO1", "FEN1", "GINS2", "GMNN", "HELLS", "MCM2", "MCM4", "MCM5", "MCM6",
  "MCM7", "MSH2", "NASP", "PCNA", "POLA1", "POLD3", "PRIM1", "RAD51", "RAD51AP1", "RFC2",
  "RRM1", "RRM2", "SLBP", "TIPIN", "TYMS", "UHRF1", "UNG", "USP1",
  # G2 and M
  "ANLN", "AURKA", "AURKB", "BIRC5", "BUB1", "CCNB2", "CDC20", "CDC25C", "CDCA2", "CDCA3",
  "CDCA8", "CDK1", "CENPA", "CENPE", "CENPF", "CKAP2", "CKAP2L", "CKAP5", "CKS1B", "CKS2",
  "DLGAP5", "ECT2", "G2E3", "GAS2L3", "GTSE1", "HJURP", "HMGB2", "HMMR", "JPT1", "KIF11",
  "KIF20B", "KIF23", "KIF2C", "MKI67", "NCAPD2", "NDC80", "NEK2", "NUF2", "NUSAP1",
  "PIMREG", "PSRC1", "SMC4", "TACC3", "TOP2A", "TPX2", "TTK", "UBE2C"
)

# Apoptosis: those that promote or carry it out in the pathways of KEGG (hsa04210, and
# p53, hsa04115); survival genes and genes of mere arrest are not among them.
death_genes <- c(
  "AEN", "AIFM1", "APAF1", "BAD", "BAK1", "BAX", "BBC3", "BCL2L11", "BID", "BIK", "BMF",
  "CASP10", "CASP2", "CASP3", "CASP6", "CASP7", "CASP8", "CASP9", "CYCS", "DFFA", "DFFB",
  "DIABLO", "ENDOG", "FADD", "FAS", "HTRA2", "PERP", "PIDD1", "PMAIP1", "TNFRSF10A",
  "TNFRSF10B", "TNFRSF1A", "TNFSF10", "TP53", "TP53INP1", "TRADD"
)

# Symbols of before, in data of before.
old_symbols <- c(CENPU = "MLF1IP", JPT1 = "HN1", PIDD1 = "PIDD", PIMREG = "FAM64A")

# Mouse symbols are those of human genes with a capital, but for these. Mice lack two.
mouse_only <- c(TP53 = "Trp53", TP53INP1 = "Trp53inp1")
not_in_mice <- c("CASP10", "TNFRSF10A")

built_in_sets <- list(proliferation = cycle_genes, apoptosis = death_genes)

# `genes` in the symbols of a species: a character vector, named by today's symbol, in
# which old names come after all others.
species_symbols <- function(genes, species) {
  old <- old_symbols[intersect(names(old_symbols), genes)]
  if (species == "mouse") {
    genes <- setdiff(genes, not_in_mice)
    symbols <- mouse_symbol(genes)
    return(stats::setNames(c(symbols, mouse_symbol(old)), c(symbols,
                                                          mouse_symbol(names(old)))))
  }
  stats::setNames(c(genes, old), c(genes, names(old)))
}

mouse_symbol <- function(genes) {
  genes <- unname(genes)
  capital <- paste0(substr(genes, 1, 1), tolower(substring(genes, 2)))
  ifelse(genes %in% names(mouse_only), mouse_only[genes], capital)
}
