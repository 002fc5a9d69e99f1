# Installs what is missing for a purpose: Rscript tools/setup.R build|test|man|bench|site
# What is needed stands in DESCRIPTION. Run from the project's root; does nothing, and
# needs no network, when everything is there.

library_path <- file.path(".build", "library")
cran <- function() utils::getCRANmirrors(local.only = TRUE)$URL[1]

say <- function(...) cat("setup: ", ..., "\n", sep = "")
stop_setup <- function(...) {
  cat("setup: ", ..., "\n", sep = "", file = stderr())
  quit(save = "no", status = 1)
}

# A library made by another R is of no use to this one.
prepare_library <- function() {
  dir.create(library_path, recursive = TRUE, showWarnings = FALSE)
  record <- file.path(".build", "r-version")
  version <- paste(R.version$platform, getRversion()[, 1:2])
  if (!file.exists(record) || readLines(record)[1] != version) {
    if (file.exists(record)) {
      say("R has changed, making its library anew")
      unlink(library_path, recursive = TRUE)
      dir.create(library_path)
    }
    writeLines(version, record)
  }
  .libPaths(c(normalizePath(library_path), .libPaths()))
}

# name -> least version, of the packages needed for a purpose.
needed <- function(purpose) {
  fields <- c("Imports", "LinkingTo")
  if (purpose != "build") fields <- c(fields, "Suggests", "VignetteBuilder")
  if (purpose %in% c("man", "bench", "site")) {
    fields <- c(fields, paste0("Config/Needs/", purpose))
  }
  description <- read.dcf("DESCRIPTION", fields)
  entry <- trimws(unlist(strsplit(description[!is.na(description)], ",")))
  entry <- entry[nzchar(entry)]
  name <- sub("\\s*\\(.*", "", entry)
  least <- ifelse(grepl("\\(", entry), gsub(".*>=\\s*|\\).*", "", entry), "0")
  least <- tapply(least, name, function(v) as.character(max(numeric_version(v))))
  least[!names(least) %in% rownames(installed.packages(priority = "base"))]
}

missing_packages <- function(least) {
  present <- vapply(names(least), function(name) {
    tryCatch(packageVersion(name) >= least[[name]], error = function(e) FALSE)
  }, NA)
  names(least)[!present]
}

quietly <- function(command, args, ...) {
  log <- tempfile()
  status <- suppressWarnings(system2(command, args, stdout = log, stderr = log, ...))
  if (status != 0) {
    lines <- readLines(log, warn = FALSE)
    cat(utils::tail(lines, 30), sep = "\n", file = stderr())
  }
  status == 0
}

# TRUE if all were installed. Tried three times: mirrors and locks come and go.
apt_updated <- FALSE
apt_install <- function(packages) {
  options <- c("-q", "-y", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3")
  env <- "DEBIAN_FRONTEND=noninteractive"
  for (try in 1:3) {
    if (!apt_updated) {
      apt_updated <<- quietly("apt-get", c(options, "update"), env = env)
    }
    known <- packages[vapply(packages, function(package) {
      system2("apt-cache", c("show", package), stdout = FALSE, stderr = FALSE) == 0
    }, NA)]
    if (length(known) == 0 && apt_updated) return(FALSE)
    args <- c(options, "install", "--no-install-recommends", known)
    if (length(known) > 0 && quietly("apt-get", args, env = env)) {
      return(length(known) == length(packages))
    }
    Sys.sleep(5 * try)
  }
  FALSE
}

has_apt <- function() {
  nzchar(Sys.which("apt-get")) && nzchar(Sys.which("id")) &&
    identical(system2("id", "-u", stdout = TRUE), "0")
}

# Bioconductor's repositories beside CRAN, if a package is not on CRAN.
add_bioconductor <- function(packages) {
  if (all(packages %in% rownames(utils::available.packages()))) return(invisible())
  if (!requireNamespace("BiocManager", quietly = TRUE)) {
    utils::install.packages("BiocManager", lib = library_path, quiet = TRUE)
  }
  # Without them, what cannot be installed is said in the end.
  try(options(repos = suppressMessages(BiocManager::repositories())), silent = TRUE)
}

install_packages <- function(purpose) {
  least <- needed(purpose)
  missing <- missing_packages(least)
  # Debian's packages are built for Debian's R, not for one installed beside it.
  debian_r <- startsWith(R.home(), "/usr/lib")
  if (length(missing) > 0 && has_apt() && debian_r) {
    say("installing ", toString(missing), " from the system's packages")
    apt_install(c(outer(c("r-cran-", "r-bioc-"), tolower(missing), paste0)))
    missing <- missing_packages(least)
  }
  if (length(missing) > 0) {
    say("installing ", toString(missing), " into ", library_path)
    # Some of what they stand on is written in C++.
    if (has_apt() && !nzchar(Sys.which("g++"))) apt_install("g++")
    if (getOption("repos")["CRAN"] %in% c("@CRAN@", NA)) options(repos = c(CRAN = cran()))
    options(timeout = max(300, getOption("timeout")))
    add_bioconductor(missing)
    suppressWarnings(utils::install.packages(
      missing, lib = library_path, quiet = TRUE, Ncpus = 2,
      dependencies = c("Depends", "Imports", "LinkingTo")
    ))
    missing <- missing_packages(least)
  }
  if (length(missing) > 0) {
    stop_setup("could not install ", toString(missing), ".\nInstall ",
               if (length(missing) == 1) "it" else "them",
               " for R ", format(getRversion()), " and try again.")
  }
}

# The C compiler that R uses, and the libraries that the package links to.
linked_libraries <- function() {
  grep("^PKG_LIBS", readLines("src/Makevars"), value = TRUE)
}

compiles <- function() {
  folder <- tempfile("probe")
  dir.create(folder)
  writeLines("int probe(void) { return 0; }", file.path(folder, "probe.c"))
  writeLines(linked_libraries(), file.path(folder, "Makevars"))
  old <- setwd(folder)
  on.exit({
    setwd(old)
    unlink(folder, recursive = TRUE)
  })
  quietly(file.path(R.home("bin"), "R"), c("CMD", "SHLIB", "probe.c"))
}

install_toolchain <- function() {
  record <- file.path(".build", "toolchain-works")
  version <- paste(R.version.string, R.home(), linked_libraries())
  if (file.exists(record) && readLines(record)[1] == version) return(invisible())
  if (!compiles()) {
    if (has_apt()) {
      say("installing a C compiler, BLAS and LAPACK from the system's packages")
      apt_install(c("gcc", "libc6-dev", "gfortran", "libblas-dev", "liblapack-dev"))
    }
    if (!compiles()) {
      stop_setup("R cannot compile and link a C file.\nInstall a C compiler, the ",
                 "libraries BLAS and LAPACK that R uses, and what else its\n",
                 "documentation asks for to build packages (Debian: r-base-dev).")
    }
  }
  writeLines(version, record)
}

# Vignettes are made by pandoc. It is a program: without it they are left out.
install_pandoc <- function() {
  if (nzchar(Sys.which("pandoc"))) return(invisible())
  if (has_apt()) {
    say("installing pandoc from the system's packages")
    apt_install("pandoc")
  }
  if (!nzchar(Sys.which("pandoc"))) say("there is no pandoc; vignettes will be left out")
}

purpose <- commandArgs(trailingOnly = TRUE)
if (length(purpose) != 1 || !purpose %in% c("build", "test", "man", "bench", "site")) {
  stop_setup("usage: Rscript tools/setup.R build|test|man|bench|site")
}
if (getRversion() < "4.1") stop_setup("needs R 4.1 or later, this is ", getRversion())
prepare_library()
install_toolchain()
install_packages(purpose)
if (purpose != "build") install_pandoc()
