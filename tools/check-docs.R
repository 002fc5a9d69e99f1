# Rules of help pages, README and vignettes, and of who uses whom in R/: Rscript
# tools/check-docs.R. Prints what breaks them, then a tally.

passed <- failed <- 0

rule <- function(what, broken) {
  if (length(broken) == 0) {
    passed <<- passed + 1
  } else {
    failed <<- failed + 1
    cat("failed: ", what, ":\n", sprintf("  %s\n", broken), sep = "")
  }
}

pages <- lapply(list.files("man", "[.]Rd$", full.names = TRUE), tools::parse_Rd)
names(pages) <- basename(list.files("man", "[.]Rd$"))

tags <- function(page) vapply(page, function(part) attr(part, "Rd_tag"), "")
text_of <- function(part) paste(unlist(part), collapse = "")
parts <- function(page, tag) page[tags(page) == tag]
sections <- function(page) {
  trimws(vapply(parts(page, "\\section"), function(s) text_of(s[[1]]), ""))
}
aliases <- function(page) vapply(parts(page, "\\alias"), text_of, "")

# The pages of what is exported here, which leaves out those of others' generics, and of
# the package itself.
namespace <- parse("NAMESPACE")
exported <- unlist(lapply(namespace, function(line) {
  if (identical(line[[1]], quote(export))) vapply(as.list(line)[-1], deparse, "")
}))
exported <- gsub("^`|`$", "", exported)
rule("every exported function has a help page",
     setdiff(exported, unlist(lapply(pages, aliases))))
ours <- Filter(function(page) length(parts(page, "\\usage")) > 0, pages)

lacking <- function(has) names(ours)[!vapply(ours, has, NA)]
rule("a help page has a section on errors",
     lacking(function(page) "Errors" %in% sections(page)))
rule("a help page has an example",
     lacking(function(page) "\\examples" %in% tags(page)))
rule("a help page says what is returned",
     lacking(function(page) "\\value" %in% tags(page)))

# Sections are called by their names, so that it can be seen whether they are there.
named <- "[Ss]ection \"([^\"]+)\""
lost_sections <- function(name) {
  text <- gsub("\\s+", " ", text_of(ours[[name]]))
  found <- regmatches(text, gregexpr(named, text))[[1]]
  lost <- setdiff(sub(named, "\\1", found), c(sections(ours[[name]]), "Details"))
  vague <- regmatches(text, gregexpr("section (above|below)", text))[[1]]
  if (length(c(lost, vague))) paste0(name, ": ", c(lost, vague))
}
rule("a section that a help page points to is on it",
     unlist(lapply(names(ours), lost_sections)))

# Users catch conditions by class. Two are of mistakes of the package itself.
classes <- function(files) {
  text <- unlist(lapply(files, readLines, warn = FALSE))
  text <- gsub("\\_", "_", text, fixed = TRUE)
  pattern <- "vgfm_(error|warning|message)_[a-z_]*[a-z]"
  unique(unlist(regmatches(text, gregexpr(pattern, text))))
}
internal <- c("vgfm_error_core", "vgfm_error_internal")
code <- list.files("R", "[.]R$", full.names = TRUE)
rule("every class of conditions stands on a help page", setdiff(
  classes(code), c(classes(list.files("man", "[.]Rd$", full.names = TRUE)), internal)
))

# Files of R/ use those of their own floor and of lower ones (CONTRIBUTING.md has the
# floors). A file belongs to the floor of what its name has before the first hyphen; other
# names are those of verbs. Only to say where a setting goes is vgfm_control() asked from
# below.
floors <- list(c("util", "units", "sample"), "input",
               c("couple", "wasserstein", "distance", "method"), "field",
               c("fit", "ensemble"), "verbs", "plot", "container")
floor_of <- function(path) {
  prefix <- sub("-.*", "", sub("[.]R$", "", basename(path)))
  at <- which(vapply(floors, function(names) prefix %in% names, NA))
  if (length(at) > 0) at else match("verbs", floors)
}
defined <- do.call(rbind, lapply(code, function(path) {
  assigned <- Filter(function(line) {
    is.call(line) && identical(line[[1]], quote(`<-`)) && is.name(line[[2]])
  }, as.list(parse(path, keep.source = FALSE)))
  data.frame(path = rep(path, length(assigned)),
             name = vapply(assigned, function(line) as.character(line[[2]]), ""),
             value = I(lapply(assigned, `[[`, 3)))
}))
upwards <- function(i) {
  value <- defined$value[[i]]
  used <- if (is.call(value) && identical(value[[1]], quote(`function`))) {
    codetools::findGlobals(eval(value))
  } else {
    all.names(value)
  }
  to <- defined$path[match(used, defined$name)]
  above <- !is.na(to) & used != "vgfm_control" &
    vapply(to, floor_of, 0L) > floor_of(defined$path[i])
  sprintf("%s: %s() uses %s of %s", defined$path[i], defined$name[i], used[above],
          to[above])
}
if (requireNamespace("codetools", quietly = TRUE)) {
  rule("no file of R/ uses one of a floor above it",
       unlist(lapply(seq_len(nrow(defined)), upwards)))
} else {
  cat("skipped: whether files of R/ use those of floors above: there is no codetools\n")
}

# One number, one place: figures of prose come from tables, by inline code. What is left
# after code, links and versions has no decimals.
prose <- function(path) {
  lines <- readLines(path)
  fence <- grepl("^```", lines)
  lines[cumsum(fence) %% 2 == 1 | fence] <- ""
  header <- which(lines == "---")
  if (length(header) > 1 && header[1] == 1) lines[seq_len(header[2])] <- ""
  text <- gsub("`[^`]*`", "", paste(lines, collapse = "\n"))
  text <- gsub("\\]\\([^)]*\\)|R [0-9.]+|arXiv:[0-9.]+|Figure [0-9.]+", "", text)
  strsplit(text, "\n")[[1]]
}
measured <- c("README.Rmd", "vignettes/benchmarks.Rmd", "vignettes/fit-quality.Rmd",
              "vignettes/growth.Rmd")
rule("figures in prose come from tables", unlist(lapply(measured, function(path) {
  grep("[0-9][.][0-9]", prose(path), value = TRUE)
})))

if (requireNamespace("knitr", quietly = TRUE)) {
  made <- tempfile()
  status <- system2(file.path(R.home("bin"), "Rscript"),
                    c("--vanilla", "tools/readme.R", made), stdout = FALSE)
  same <- status == 0 && identical(readLines(made), readLines("README.md"))
  rule("README.md is what README.Rmd and the tables make", if (!same) "make readme")
} else {
  cat("skipped: whether README.md is up to date: there is no knitr\n")
}

# The default fit is one of those of both benchmarks: the same cells, the same figure.
table_of <- function(name) utils::read.csv(file.path("vignettes", name))
accuracy <- table_of("benchmarks.csv")
accuracy <- accuracy[accuracy$effort %in% "default", ]
accuracy <- stats::aggregate(w1 ~ set + task + seed, accuracy, mean)
ablation <- table_of("ablation.csv")
ablation <- ablation[ablation$setting == "default", ]
ablation$set <- ifelse(grepl("^gene", ablation$data), "simulation_gene_data", ifelse(
  grepl("^dygen", ablation$data), "dygen", "Gaussian, 100-D"
))
ablation$task <- ifelse(grepl("half", ablation$data), "half", ifelse(
  grepl("inner time", ablation$data), "time", "fitted"
))
both <- merge(accuracy, ablation, by = c("set", "task", "seed"))
differ <- abs(both$w1.x / both$w1.y - 1) > 1e-3
rule("both benchmarks have the same figures for the default fit",
     c(if (nrow(both) < nrow(ablation)) "runs differ", unique(both$data[differ])))

cat(sprintf("rules of the documents: %d passed, %d failed\n", passed, failed))
quit(save = "no", status = failed > 0)
