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

# A velocity that an earlier run left is none.
other_reductions <- function(x, used = NULL) {
  names <- setdiff(reduction_names(x), used)
  names[!grepl("_velocity$", names)]
}
