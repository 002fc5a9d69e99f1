test_that("panels hold the cells, paths and arrows of their group", {
  fit <- small_fit()
  cells <- small_cells()
  label <- ifelse(cells$x[, "b"] > 1.5, "growing", "moving")
  label[c(1, 2, 90)] <- NA # two at the first time, one at the last
  panels <- function(type, layer, ...) {
    built <- ggplot2::ggplot_build(autoplot(fit, type, group = label, ...))
    expect_equal(as.character(built$layout$layout$.group), c("growing", "moving"))
    as.vector(table(built$data[[layer]]$PANEL))
  }
  counts <- as.vector(table(label))
  expect_equal(panels("growth", 1), counts)
  expect_equal(panels("growth", 1, embedding = cells$x[, 2:1]), counts)
  expect_equal(panels("velocity", 1, as = "cells"), counts)
  expect_equal(panels("velocity", 2, as = "cells"), counts)
  expect_equal(panels("trajectory", 1), counts)
  # Each path of all 28 that begin in a group ends in one dot.
  expect_equal(panels("trajectory", 3), as.vector(table(label[cells$time == 2])))
  # What is drawn of all cells stands in every panel.
  lines <- panels("velocity", 2)
  expect_gt(lines[1], 0)
  expect_equal(lines[1], lines[2])
  for (type in c("history", "fit")) {
    expect_error(autoplot(fit, type, group = label), "no panels",
                 class = "vgfm_error_input")
  }
})
