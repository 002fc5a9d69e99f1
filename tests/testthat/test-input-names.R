named_cells <- function() {
  cells <- small_cells()
  names <- paste0("cell", seq_along(cells$time))
  rownames(cells$x) <- names
  names(cells$time) <- names
  cells
}

test_that("times go by name where cells have names, in every function that takes both", {
  cells <- named_cells()
  order <- order(sin(1:160)) # a shuffle
  control <- small_control(steps = 5)
  set.seed(1)
  wanted <- vgfm_fit(cells$x, unname(cells$time), control = control)
  for (x in list(cells$x, as.data.frame(cells$x), Matrix::Matrix(cells$x))) {
    set.seed(1)
    fit <- vgfm_fit(x, cells$time[order], control = control)
    expect_identical(fit[c("snapshots", "field")], wanted[c("snapshots", "field")])
  }
  table <- data.frame(day = cells$time[order])
  set.seed(1)
  expect_identical(vgfm_fit(cells$x, table, control = control)$field, wanted$field)
  # More than the cells may be there.
  more <- c(cells$time[order], other = 99)
  expect_identical(new_snapshots(cells$x, more), wanted$snapshots)
  expect_equal(vgfm_evaluate(wanted, cells$x, cells$time[order]), vgfm_evaluate(wanted))
  expect_identical(predict(wanted, cells$x, cells$time[order]), predict(wanted))
  expect_identical(predict(wanted, as.data.frame(cells$x), cells$time[order]),
                   predict(wanted))
  expect_identical(augment(wanted, cells$x, cells$time[order])$vgfm_growth,
                   augment(wanted)$vgfm_growth)
  expect_identical(vgfm_growth_genes(wanted, cells$x, cells$time[order]),
                   vgfm_growth_genes(wanted))
  set.seed(1)
  scores <- vgfm_cv(cells$x, unname(cells$time), control = control)
  set.seed(1)
  expect_identical(vgfm_cv(cells$x, cells$time[order], control = control), scores)
})

test_that("names that do not match, or are there twice, are errors", {
  cells <- named_cells()
  fit <- vgfm_fit(cells$x, cells$time, control = small_control(steps = 2))
  wrong <- cells$time
  names(wrong)[3] <- "another"
  twice <- cells$time
  names(twice)[3] <- "cell1"
  for (time in list(wrong, twice)) {
    expect_error(new_snapshots(cells$x, time), class = "vgfm_error_time")
    expect_error(predict(fit, cells$x, time), class = "vgfm_error_time")
    expect_error(vgfm_evaluate(fit, cells$x, time), class = "vgfm_error_time")
    expect_error(vgfm_cv(cells$x, time), class = "vgfm_error_time")
  }
  x <- cells$x
  rownames(x)[2] <- "cell1"
  expect_error(new_snapshots(x, cells$time), "cell1", class = "vgfm_error_time")
  expect_s3_class(new_snapshots(x, unname(cells$time)), "vgfm_snapshots")
  # Rows that are merely numbered have no names.
  table <- as.data.frame(unname(cells$x))
  rownames(table) <- NULL
  expect_s3_class(new_snapshots(table, cells$time), "vgfm_snapshots")
  expect_snapshot(error = TRUE, {
    new_snapshots(cells$x, wrong)
    new_snapshots(x, cells$time)
  })
})

test_that("labels of cells whose names are there twice are an error, in any order", {
  cells <- named_cells()
  rownames(cells$x)[2] <- "cell1"
  fit <- vgfm_fit(cells$x, unname(cells$time), control = small_control(steps = 2))
  group <- stats::setNames(rep(c("p", "q"), 80), rownames(cells$x))
  for (labels in list(group, rev(group))) {
    expect_error(vgfm_fates(fit, labels), "cell1", class = "vgfm_error_input")
    expect_error(autoplot(fit, "mass", group = labels), class = "vgfm_error_input")
    expect_error(vgfm_embed(fit, group = labels), class = "vgfm_error_input")
  }
  expect_error(vgfm_embed(fit, cells$x), class = "vgfm_error_input")
  expect_equal(nrow(vgfm_fates(fit, unname(group))), 320)
})

test_that("weights go by name", {
  x <- matrix(c(0, 1, 4), dimnames = list(c("p", "q", "r"), NULL))
  y <- matrix(c(0, 2), dimnames = list(c("s", "t"), NULL))
  weight <- c(p = 1, q = 2, r = 3)
  expect_equal(vgfm_wasserstein(x, y, rev(weight)), vgfm_wasserstein(x, y, weight))
  # All mass moves onto one point: the distance is a mean, in closed form.
  expect_equal(vgfm_wasserstein(x, y, rev(weight), c(t = 0, s = 1)), (2 + 12) / 6)
  couple <- function(a) vgfm_couple(x, y, 0.1, 1, a = a)$descendants
  expect_equal(couple(rev(weight)), couple(unname(weight)))
  names(weight)[1] <- "z"
  expect_error(vgfm_wasserstein(x, y, weight), class = "vgfm_error_input")
  expect_error(vgfm_couple(x, y, 0.1, 1, a = weight), class = "vgfm_error_input")
})

test_that("labels and places of a part of the cells are taken by name", {
  cells <- named_cells()
  fit <- vgfm_fit(cells$x, cells$time, control = small_control(steps = 20))
  label <- stats::setNames(rep(c("p", "q"), 80), rownames(cells$x))
  part <- label[c(150:100, 1:20)]
  expect_message(got <- check_group(part, fit), "89 of 160 cells",
                 class = "vgfm_message_left_out")
  expect_identical(as.character(got), unname(ifelse(names(label) %in% names(part),
                                                    label, NA)))
  expect_identical(suppressMessages(check_group(data.frame(type = part), fit)), got)
  # Arrows of a part are those of a picture of the part alone.
  place <- cells$x[names(part), 2:1]^2
  for (as in c("cells", "grid", "streamlines")) {
    suppressMessages(made <- vgfm_embed(fit, place, as, group = label))
    expect_gt(nrow(made), 0)
  }
  suppressMessages(made <- vgfm_embed(fit, place, group = label))
  expect_setequal(made$cell, names(part))
  expect_identical(as.character(made$group), unname(label[made$cell]))
  expect_equal(made$x, unname(place[made$cell, 1]))
  expect_message(figure <- autoplot(fit, "growth", embedding = place),
                 class = "vgfm_message_left_out")
  expect_equal(nrow(ggplot2::ggplot_build(figure)$data[[1]]), length(part))
  suppressMessages(figure <- autoplot(fit, "velocity", embedding = place, as = "cells",
                                      group = label))
  expect_equal(nrow(ggplot2::ggplot_build(figure)$data[[1]]), length(part))
  # Some of one and some of another data set are neither.
  names(part)[1] <- "other"
  expect_error(check_group(part, fit), class = "vgfm_error_input")
})
