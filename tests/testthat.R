library(testthat)
library(vgfm)

test_check("vgfm")
