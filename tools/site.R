# Help pages and vignettes as a site in .build/site, by pkgdown, of the installed package.

options(pkgdown.internet = FALSE) # it would ask registries for the package
Sys.setenv(RSTUDIO_PANDOC = dirname(Sys.which("pandoc")))
pkgdown::build_site(
  override = list(destination = file.path(".build", "site")), install = FALSE,
  preview = FALSE, devel = FALSE
)
