kinds <- function() ifelse(small_cells()$x[, "b"] > 1.5, "growing", "moving")

small_ensemble <- function() {
  set.seed(2)
  suppressWarnings(suppressMessages(vgfm_ensemble(small_fit(), 3)))
}

quietly <- function(code) suppressWarnings(suppressMessages(code))

drawn <- function(figure, layer) ggplot2::ggplot_build(figure)$data[[layer]]

test_that("points and bands stand where the table has them", {
  ensemble <- small_ensemble()
  growth <- quietly(vgfm_growth(ensemble, kinds()))
  built <- ggplot2::ggplot_build(autoplot(growth))
  bands <- Filter(function(d) all(c("ymin", "ymax") %in% names(d)), built$data)[[1]]
  expect_setequal(bands$ymin, growth$growth_low)
  expect_setequal(bands$ymax, growth$growth_high)
  points <- built$data[[length(built$data)]]
  expect_setequal(points$y, growth$growth)
  axis <- ggplot2::layer_scales(autoplot(growth))$x
  expect_equal(axis$get_labels(), unique(growth$label))
  # Hollow where growth is not told from motion.
  expect_equal(sum(points$shape == 21), sum(!growth$told))
  alone <- quietly(vgfm_growth(ensemble$fit, kinds()))
  expect_false(any(vapply(ggplot2::ggplot_build(autoplot(alone))$data,
                          function(d) "ymin" %in% names(d), NA)))
})

test_that("shares of fates and ancestors fill their bars, or have bands", {
  ensemble <- small_ensemble()
  fates <- quietly(vgfm_fates(ensemble$fit, kinds(), by = "group"))
  bars <- drawn(autoplot(fates), 1)
  tops <- tapply(bars$ymax, list(bars$PANEL, bars$x), max)
  expect_equal(as.vector(tops[!is.na(tops)]), rep(1, sum(!is.na(tops))))
  banded <- quietly(vgfm_ancestors(ensemble, kinds()))
  expect_setequal(drawn(autoplot(banded), 1)$ymin, banded$share_low)
  cells <- quietly(vgfm_fates(ensemble$fit, kinds()))
  counted <- drawn(autoplot(cells), 1)
  # Cells of the last time are what is asked about, and are not drawn.
  expect_equal(sum(counted$count), sum(cells$time < max(cells$time)))
  last <- cells[cells$time == max(cells$time), ]
  expect_equal(sum(drawn(autoplot(last), 1)$count), nrow(last))
})

test_that("masses have their bands and what was observed", {
  masses <- quietly(vgfm_masses(small_ensemble(), kinds(), times = c(2, 3, 4, 8)))
  built <- ggplot2::ggplot_build(autoplot(masses))
  expect_setequal(built$data[[1]]$ymin, masses$mass_low)
  expect_setequal(built$data[[2]]$y, masses$mass)
  expect_setequal(built$data[[3]]$y, stats::na.omit(masses$observed))
  expect_equal(nrow(built$layout$layout), 3)
  total <- vgfm_masses(small_fit())
  expect_equal(nrow(drawn(autoplot(total), 2)), sum(!is.na(total$observed)))
})

test_that("the strongest genes of each panel are drawn, in their order", {
  genes <- quietly(vgfm_growth_genes(small_ensemble(), by = kinds()))
  figure <- autoplot(genes, n = 1)
  kept <- genes[!is.na(genes$marginal), ]
  best <- tapply(abs(kept$marginal), droplevels(factor(kept$group)), max)
  points <- ggplot2::ggplot_build(figure)$data
  expect_setequal(abs(points[[length(points)]]$y), best)
  fate <- quietly(vgfm_fate_genes(small_fit(), kinds()))
  expect_s3_class(autoplot(fate), "ggplot")
  expect_error(autoplot(genes, n = 0), class = "vgfm_error_input")
})

test_that("regulation and shifts are drawn as they are", {
  ensemble <- small_ensemble()
  regulation <- quietly(vgfm_regulation(ensemble))
  tiles <- drawn(autoplot(regulation), 1)
  expect_equal(nrow(tiles), nrow(regulation))
  sure <- sum(regulation$effect_low > 0 | regulation$effect_high < 0)
  expect_equal(nrow(drawn(autoplot(regulation), 2)), sure)
  shifted <- quietly(vgfm_perturb(ensemble, c(a = 0.1), group = kinds()))
  points <- drawn(autoplot(shifted), 3)
  # The share of all cannot change, and is not drawn.
  kinds <- shifted$group != "total"
  expect_setequal(points$y, c(shifted$difference, shifted$share_difference[kinds]))
  expect_equal(nrow(points), 2 * nrow(shifted) - 1)
  pdf(NULL)
  on.exit(dev.off())
  expect_s3_class(plot(shifted), "ggplot")
})

test_that("an ensemble is drawn as its fit to all cells", {
  ensemble <- small_ensemble()
  expect_equal(drawn(autoplot(ensemble, "growth"), 1),
               drawn(autoplot(ensemble$fit, "growth"), 1))
})

test_that("a table that lost its columns says so", {
  growth <- quietly(vgfm_growth(small_fit(), kinds()))
  growth$growth <- NULL
  expect_error(autoplot(growth), "growth", class = "vgfm_error_input")
})

test_that("a table with nothing to draw says so", {
  fit <- small_fit(steps = 5)
  growth <- quietly(vgfm_growth(fit, kinds()))
  empty <- list(growth, quietly(vgfm_fates(fit, kinds())),
                quietly(vgfm_ancestors(fit, kinds())), quietly(vgfm_growth_genes(fit)),
                quietly(vgfm_regulation(fit)), quietly(vgfm_perturb(fit, c(a = 0.1))))
  for (table in empty) {
    expect_error(autoplot(table[0, ]), "no rows", class = "vgfm_error_input")
  }
  # All cells have the one fate that there is: no gene goes with it.
  genes <- quietly(vgfm_fate_genes(fit, rep("one", 160)))
  expect_error(autoplot(genes), "NA", class = "vgfm_error_input")
  by_cell <- quietly(vgfm_ancestors(fit, kinds(), by = "cell"))
  expect_error(autoplot(by_cell), "by cell", class = "vgfm_error_input")
  half <- growth
  half$growth_low <- half$growth
  expect_error(autoplot(half), "growth_high", class = "vgfm_error_input")
})
