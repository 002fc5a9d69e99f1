# README.md from README.Rmd: Rscript tools/readme.R [FILE]
output <- c(commandArgs(trailingOnly = TRUE), "README.md")[1]
knitr::opts_knit$set(progress = FALSE, verbose = FALSE)
invisible(knitr::knit("README.Rmd", output, quiet = TRUE, envir = new.env()))
