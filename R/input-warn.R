# What is said of features that look like something else.

# Pictures in two dimensions that keep neighbourhoods but no distances.
embedding_pattern <- "umap|t[-_]?sne|phate|draw_graph|force_?atlas|pacmap|trimap"

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

# `what` is the name under which the user knows the values.
warn_raw_counts <- function(values, what, call) {
  entries <- if (inherits(values, "dsparseMatrix")) values@x else as.vector(values)
  counts <- function(entries) all(entries >= 0 & entries == round(entries))
  # Most values that are none show it at once.
  if (length(entries) == 0 || !counts(utils::head(entries, 1000))) return(invisible())
  if (max(entries) > 0 && counts(entries)) {
    warn_vgfm(c(
      "{.val {what}} holds raw counts: distances would be those of sequencing depth.",
      i = "Normalise first, with {.code Seurat::NormalizeData()} or
           {.code scuttle::logNormCounts()}, and name the result."
    ), class = "vgfm_warning_counts", call = call)
  }
}
