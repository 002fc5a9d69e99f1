# NAMESPACE and man/ from the comments in R/, by roxygen2, without compiling anything.

# The package's functions beside what NAMESPACE imports. Nothing is attached: Matrix, for
# one, would hide print() and summary() behind generics that are not S3.
load_functions <- function(path) {
  env <- new.env(parent = globalenv())
  namespace <- file.path(path, "NAMESPACE")
  for (line in if (file.exists(namespace)) as.list(parse(namespace))) {
    if (identical(line[[1]], quote(importFrom))) {
      names <- vapply(as.list(line)[-1], as.character, "")
      for (name in names[-1]) assign(name, getExportedValue(names[1], name), env)
    }
  }
  files <- list.files(file.path(path, "R"), "[.]R$", full.names = TRUE)
  for (file in files) sys.source(file, env, keep.source = TRUE)
  env
}

roxygen2::roxygenise(load_code = load_functions)
