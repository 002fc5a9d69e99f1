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
  expect_equal(panels("trajectory", 3, n = 7), c(7, 7))
  # Streamlines of a group stay with its cells, which are far from those of the other.
  for (as in c("streamlines", "grid")) {
    made <- vgfm_embed(fit, as = as, group = label)
    expect_setequal(made$group, c("growing", "moving"))
    for (name in levels(made$group)) {
      own <- cells$x[which(label == name), ]
      at <- as.matrix(made[made$group == name, c("x", "y")])
      expect_lt(max(nearest_cells(own, at, 1, fit$control)$distance), 0.6)
    }
  }
  expect_error(autoplot(fit, "trajectory", group = replace(label, cells$time == 2, NA)),
               "where paths begin", class = "vgfm_error_input")
})

test_that("labels and places are found by name, of more cells than were fitted", {
  cells <- small_cells()
  rownames(cells$x) <- paste0("cell", 1:160)
  set.seed(1)
  fit <- vgfm_fit(cells$x[-(1:10), ], cells$time[-(1:10)],
                  control = small_control(steps = 20))
  label <- stats::setNames(rep(c("p", "q"), 80), rownames(cells$x))
  expect_identical(as.character(check_group(rev(label), fit)), unname(label[-(1:10)]))
  expect_identical(check_embedding(cells$x[160:1, ], fit), cells$x[-(1:10), ])
  names(label) <- paste0("other", 1:160)
  expect_error(check_group(label, fit), class = "vgfm_error_input")
  expect_error(autoplot(fit, "mass", group = label[1:150]), class = "vgfm_error_input")
  # Names used twice say nothing: without names, order counts.
  rownames(fit$snapshots$x)[2] <- rownames(fit$snapshots$x)[1]
  expect_error(check_group(label[1:150], fit), "cell11", class = "vgfm_error_input")
  expect_length(check_group(unname(label[1:150]), fit), 150)
})

test_that("arguments that a figure has no use for are refused", {
  fit <- small_fit(steps = 5)
  umap <- fit$snapshots$x
  refused <- function(...) expect_error(autoplot(fit, ...), class = "vgfm_error_input")
  refused("trajectory", embedding = umap)
  refused("fit", embedding = umap)
  refused("fit", group = rep(1, 160))
  refused("history", n = 3)
  refused("growth", as = "grid")
  expect_snapshot(error = TRUE, autoplot(fit, "fit", embedding = umap))
})

test_that("velocity of one feature has arrows", {
  cells <- small_cells()
  set.seed(1)
  fit <- vgfm_fit(cells$x[, "a", drop = FALSE], cells$time,
                  control = small_control(steps = 5))
  built <- ggplot2::ggplot_build(autoplot(fit, "velocity"))
  expect_equal(nrow(built$data[[2]]), 160)
})

test_that("features may have the names that figures and tables use themselves", {
  cells <- small_cells()
  plain <- autoplot(small_fit(steps = 5), "growth")
  names <- list(c(".growth", ".label"), c(".time", ".weight"), c(".x", "..growth"),
                c("time", "cell"), c("label", "vgfm_growth"), c(".cell", ".group"))
  label <- rep(c("p", "q"), 80)
  for (pair in names) {
    x <- cells$x
    colnames(x) <- pair
    set.seed(1)
    fit <- vgfm_fit(x, cells$time, control = small_control(steps = 5))
    for (type in c("trajectory", "growth", "velocity", "fit")) {
      figure <- autoplot(fit, type)
      expect_identical(c(figure$labels$x, figure$labels$y), pair)
      built <- ggplot2::ggplot_build(figure)$data[[1]]
      if (type == "growth") {
        expect_equal(built, ggplot2::ggplot_build(plain)$data[[1]])
      }
    }
    expect_s3_class(autoplot(fit, "trajectory", group = label), "ggplot")
    picture <- x
    colnames(picture) <- rev(pair)
    figure <- autoplot(fit, "growth", embedding = picture)
    expect_equal(ggplot2::ggplot_build(figure)$data[[1]][c("colour", "x", "y")],
                 ggplot2::ggplot_build(plain)$data[[1]][c("colour", "x", "y")])
    # No feature is lost in a table.
    for (table in list(augment(fit), vgfm_trajectories(fit, n = 3),
                       vgfm_interpolate(fit, 4))) {
      expect_equal(anyDuplicated(names(table)), 0)
      expect_length(intersect(sub("[.]1$", "", names(table)), pair), 2)
    }
    expect_equal(unname(as.matrix(augment(fit)[4:5])), unname(x))
    expect_identical(attr(vgfm_embed(fit), "axes"), pair)
  }
  # One feature, drawn against time, may be called as time is.
  x <- cells$x[, "a", drop = FALSE]
  colnames(x) <- ".time"
  fit <- vgfm_fit(x, cells$time, control = small_control(steps = 5))
  built <- ggplot2::ggplot_build(autoplot(fit, "growth"))$data[[1]]
  expect_equal(built$x, cells$time)
  expect_equal(built$y, unname(x[, 1]))
  expect_identical(attr(vgfm_embed(fit), "axes"), c("time", ".time"))
})

test_that("an axis of time has the user's labels", {
  cells <- small_cells()
  date <- as.Date("2024-01-01") + cells$time
  fit <- vgfm_fit(cells$x[, "a", drop = FALSE], date, control = small_control(steps = 5))
  for (type in c("trajectory", "growth", "fit", "mass")) {
    built <- ggplot2::ggplot_build(autoplot(fit, type))
    shown <- built$layout$panel_params[[1]]$x$get_labels()
    expect_identical(shown[!is.na(shown)], fit$snapshots$labels, info = type)
  }
})
