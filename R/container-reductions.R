# Which of the reductions of a container are coordinates, and which are pictures.

# The reduction that is used unless the user names one: one that was corrected for batches
# before a plain PCA, and only these; NULL if there is none. The order in which the object
# has them makes no difference, but the default assay goes first.
usual_reduction <- function(x) {
  names <- other_reductions(x)
  corrected <- grepl(corrected_pattern, names, ignore.case = TRUE) &
    !grepl(embedding_pattern, names, ignore.case = TRUE)
  pca <- grepl("pca", names, ignore.case = TRUE) & !corrected
  usual <- names[order(!corrected, !pca)]
  if (any(corrected | pca)) usual[1]
}

# What the tools that correct for batches call their reductions.
corrected_pattern <- paste0(
  "harmony|integrated|corrected|mnn|scvi|scanvi|totalvi|scanorama|inmf|liger|bbknn|",
  "combat|conos|seurat_?(cca|rpca)"
)

# Pictures in two dimensions that keep neighbourhoods but no distances.
embedding_pattern <- "umap|t[-_]?sne|phate|draw_graph|force_?atlas|pacmap|trimap"

# A velocity that an earlier run left is none.
other_reductions <- function(x, used = NULL) {
  names <- setdiff(reduction_names(x), used)
  names[!grepl("_velocity$", names)]
}

# `names`: of a reduction, or of all features of a matrix.
warn_embedding <- function(names, arg, call) {
  picture <- grepl(embedding_pattern, names, ignore.case = TRUE)
  if (length(names) == 0 || !all(picture)) return(invisible())
  warn_vgfm(c(
    "{.arg {arg}} seems to be an embedding for pictures: {.val {names}}.",
    x = "Its distances mean little, so neither do transport, speed and growth in it.",
    i = "Fit in principal components, and draw on the embedding: see {.fn vgfm_embed}."
  ), class = "vgfm_warning_embedding", call = call)
}
