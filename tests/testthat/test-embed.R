cosine <- function(a, b) rowSums(a * b) / sqrt(rowSums(a^2) * rowSums(b^2))
arrows_of <- function(table) as.matrix(table[c("dx", "dy")])

test_that("neighbours are those of the matrix of distances, and not the cell itself", {
  set.seed(1)
  x <- matrix(rnorm(600), 200)
  x[101:120, ] <- x[1:20, ] # pairs of cells in one place
  control <- list(progress = FALSE, threads = 2)
  far <- as.matrix(dist(x))
  diag(far) <- Inf
  index <- neighbours_of(x, 5, control)
  for (i in c(1:3, 60, 101, 200)) expect_equal(index[i, ], unname(order(far[i, ])[1:5]))
  x[] <- 1
  index <- neighbours_of(x, 5, control)
  expect_false(any(index == row(index)))
  near <- nearest_cells(x, x[1:2, ] + 3, 1, control)
  expect_equal(near$distance, matrix(sqrt(27), 2, 1))
})

test_that("slices do not change the neighbours", {
  set.seed(2)
  x <- matrix(rnorm(900), 300)
  control <- list(progress = FALSE, threads = 2)
  whole <- nearest_cells(x, x, 4, control)
  local_function("pairs_a_call", 1)
  expect_identical(nearest_cells(x, x, 4, control), whole)
})

test_that("on two features of the fit the arrows are its velocity", {
  fit <- small_fit()
  table <- vgfm_embed(fit, dims = c("b", "a"))
  expect_named(table, c("cell", "time", "label", "x", "y", "dx", "dy"))
  expect_identical(attr(table, "axes"), c("b", "a"))
  velocity <- predict(fit, type = "velocity")
  expect_equal(arrows_of(table), velocity[, 2:1], ignore_attr = TRUE)
  expect_equal(as.matrix(table[c("x", "y")]), fit$snapshots$x[, 2:1], ignore_attr = TRUE)
  expect_equal(table$time, fit$snapshots$time)
})

# The fit of the gene network. Resting cells are clipped at 0, many in one place, where no
# rule can tell a direction; the others fill some of the plane.
network_fit <- function() {
  set.seed(1)
  cells <- vgfm_simulate_gene_network(n = 200)
  vgfm_fit(cells[-1], cells$time, control = small_control(steps = 300))
}

moving <- function(fit) rowSums(fit$snapshots$x) > 0.5

test_that("carried to its own coordinates the velocity keeps its direction", {
  fit <- network_fit()
  x <- fit$snapshots$x
  velocity <- predict(fit, type = "velocity")
  keep <- moving(fit)
  transition <- arrows_of(vgfm_embed(fit, x))
  expect_gt(median(cosine(transition, velocity)[keep]), 0.9)
  # A linear embedding is its own tangent, up to the ridge of a hundredth.
  map <- matrix(c(2, 1, -1, 3), 2)
  tangent <- arrows_of(vgfm_embed(fit, x %*% map, method = "tangent"))[keep, ]
  expect_gt(min(cosine(tangent, velocity[keep, ] %*% map)), 0.99)
  expect_equal(tangent, velocity[keep, ] %*% map, tolerance = 0.05, ignore_attr = TRUE)
})

test_that("on a bent embedding arrows follow the chain rule", {
  fit <- network_fit()
  x <- fit$snapshots$x + 1
  radius <- sqrt(rowSums(x^2))
  polar <- cbind(angle = atan2(x[, 2], x[, 1]), radius = radius)
  v <- predict(fit, type = "velocity")
  truth <- cbind(x[, 1] * v[, 2] - x[, 2] * v[, 1], rowSums(x * v) * radius) / radius^2
  keep <- moving(fit)
  for (method in c("transition", "tangent")) {
    got <- arrows_of(vgfm_embed(fit, polar, method = method))
    expect_gt(median(cosine(got, truth)[keep]), 0.9)
  }
  ratio <- sqrt(rowSums(got^2) / rowSums(truth^2))
  expect_lt(median(abs(ratio[keep] - 1)), 0.1)
})

test_that("transition is the mean of unit vectors, less their plain mean", {
  set.seed(3)
  n <- 40
  x <- matrix(rnorm(3 * n), n)
  v <- matrix(rnorm(3 * n), n)
  e <- matrix(rnorm(2 * n), n)
  e[7, ] <- e[8, ] # a neighbour at no distance
  index <- neighbours_of(x, 6, list(progress = FALSE, threads = 1))
  got <- carry_by_transition(x, v, e, index, sharpness = 4)
  for (i in seq_len(n)) {
    want <- c(0, 0)
    weights <- vapply(index[i, ], function(j) {
      way <- x[j, ] - x[i, ]
      exp(4 * sum(way * v[i, ]) / sqrt(sum(way^2) * sum(v[i, ]^2)))
    }, 0)
    for (r in 1:6) {
      step <- e[index[i, r], ] - e[i, ]
      unit <- if (any(step != 0)) step / sqrt(sum(step^2)) else c(0, 0)
      want <- want + (weights[r] / sum(weights) - 1 / 6) * unit
    }
    expect_equal(got[i, ], want, tolerance = 1e-12)
  }
})

test_that("both forms of the ridge regression agree, and a point has no slope", {
  set.seed(4)
  x <- matrix(rnorm(40), 8)
  e <- matrix(rnorm(16), 8)
  wide <- cbind(x, matrix(0, 8, 5)) # ten features of eight cells; five say nothing
  ridge <- tangent_ridge * sum(scale(x, scale = FALSE)^2) / 10
  centred <- scale(x, scale = FALSE)
  want <- solve(crossprod(centred) + diag(ridge, 5),
                crossprod(centred, scale(e, scale = FALSE)))
  expect_equal(local_slope(wide, e), rbind(want, matrix(0, 5, 2)), tolerance = 1e-9,
               ignore_attr = TRUE)
  expect_equal(local_slope(matrix(1, 4, 3), e[1:4, ]), matrix(0, 3, 2))
})

test_that("the grid holds means by a Gaussian kernel", {
  set.seed(5)
  cells <- data.frame(x = runif(50), y = 3 * runif(50), dx = rnorm(50), dy = 7)
  field <- velocity_grid(cells, nodes = 5, smooth = 0.6)
  expect_equal(nrow(field), 25)
  expect_equal(field$dy, rep(7, 25))
  sd <- 0.6 * c(diff(range(cells$x)), diff(range(cells$y))) / 4
  for (node in c(1, 9, 25)) {
    weight <- exp(-((cells$x - field$x[node]) / sd[1])^2 / 2 -
                    ((cells$y - field$y[node]) / sd[2])^2 / 2)
    expect_equal(field$mass[node], sum(weight))
    expect_equal(field$dx[node], weighted.mean(cells$dx, weight))
  }
  fit <- small_fit(steps = 5)
  all <- vgfm_embed(fit, as = "grid", grid = 10, min_mass = 0)
  some <- vgfm_embed(fit, as = "grid", grid = 10)
  expect_named(all, c("x", "y", "dx", "dy", "mass"))
  expect_equal(nrow(all), 100)
  expect_gt(nrow(some), 0)
  expect_gte(min(some$mass), 0.05 * quantile(all$mass, 0.99))
})

# Bilinear interpolation of a linear field is exact, so lines of a rotation are circles up
# to the error of the integrator; the figure is square, so directions are not distorted.
test_that("streamlines of a rotation are circles, one in a place, run forwards", {
  nodes <- seq(-1, 1, length.out = 21)
  cells <- expand.grid(x = nodes, y = nodes)
  field <- structure(
    data.frame(cells, dx = -cells$y, dy = cells$x, mass = 1),
    axes = c("p", "q"), nodes = list(x = nodes, y = nodes)
  )
  lines <- streamlines(field, rep(TRUE, 441))
  expect_identical(attr(lines, "axes"), c("p", "q"))
  expect_gt(length(unique(lines$line)), 3)
  radius <- sqrt(lines$x^2 + lines$y^2)
  expect_equal(lines$speed, radius, tolerance = 1e-9)
  for (line in split(data.frame(lines, radius), lines$line)) {
    turn <- diff(atan2(line$y, line$x))
    # A direction that is interpolated and not of unit length bends the circle slightly.
    inner <- line$radius > 0.15
    expect_lt(diff(range(line$radius)), 0.03)
    expect_true(all(turn[inner[-1]] > 0 | turn[inner[-1]] < -pi))
  }
  rooms <- split(room_of(cbind(lines$x, lines$y) / 2 + 0.5), lines$line)
  expect_false(anyDuplicated(unlist(lapply(rooms, unique))) > 0)
})

test_that("streamlines stay where there are cells, and there may be none", {
  fit <- network_fit()
  lines <- vgfm_embed(fit, as = "streamlines")
  expect_named(lines, c("line", "x", "y", "speed"))
  far <- nearest_cells(fit$snapshots$x, as.matrix(lines[c("x", "y")]), 1, fit$control)
  expect_lt(max(far$distance), 0.3)
  none <- velocity_grid(data.frame(x = 1:3, y = 1:3, dx = 0, dy = 0), 5, 1)
  expect_equal(dim(streamlines(none, none$mass > 0)), c(0, 4))
})

test_that("one feature runs against time, and one place is no embedding that breaks", {
  cells <- small_cells()
  set.seed(1)
  fit <- vgfm_fit(cells$x[, "a", drop = FALSE], cells$time,
                  control = small_control(steps = 5))
  table <- vgfm_embed(fit)
  expect_equal(table$dx, rep(1, 160))
  expect_equal(table$dy, predict(fit, type = "velocity")[, 1], ignore_attr = TRUE)
  flat <- matrix(0, 160, 2)
  for (method in c("transition", "tangent")) {
    expect_equal(arrows_of(vgfm_embed(fit, flat, method = method)), flat,
                 ignore_attr = TRUE)
  }
  expect_equal(nrow(vgfm_embed(fit, flat, "streamlines")), 0)
})

test_that("bad arguments are named", {
  fit <- small_fit(steps = 5)
  x <- fit$snapshots$x
  expect_error(vgfm_embed(1), class = "vgfm_error_fit")
  expect_error(vgfm_embed(fit, x[-1, ]), class = "vgfm_error_input")
  expect_error(vgfm_embed(fit, cbind(x, 1)), class = "vgfm_error_input")
  expect_error(vgfm_embed(fit, "umap"), class = "vgfm_error_input")
  expect_error(vgfm_embed(fit, x, neighbours = 1), class = "vgfm_error_input")
  expect_error(vgfm_embed(fit, x, as = "arrows"), class = "vgfm_error_input")
  expect_error(vgfm_embed(fit, smooth = 0), class = "vgfm_error_input")
  named <- x
  rownames(named) <- paste0("cell", seq_len(nrow(x)))
  set.seed(1)
  fit <- vgfm_fit(named, small_cells()$time, control = small_control(steps = 5))
  expect_identical(vgfm_embed(fit, named[160:1, ]), vgfm_embed(fit, named))
  expect_snapshot(error = TRUE, vgfm_embed(fit, x[-(1:2), ]))
})

test_that("figures of velocity draw each form, on features and on an embedding", {
  fit <- small_fit()
  umap <- cbind(u = fit$snapshots$x[, 1]^2, w = fit$snapshots$x[, 2])
  for (as in c("streamlines", "grid", "cells")) {
    for (embedding in list(NULL, umap)) {
      figure <- autoplot(fit, "velocity", as = as, embedding = embedding)
      built <- ggplot2::ggplot_build(figure)
      expect_equal(nrow(built$data[[1]]), 160)
      expect_gt(nrow(built$data[[2]]), 0)
    }
    expect_identical(figure$labels[c("x", "y")], list(x = "u", y = "w"))
  }
  growth <- ggplot2::ggplot_build(autoplot(fit, "growth", embedding = umap))$data[[1]]
  expect_equal(growth$x, umap[, "u"], ignore_attr = TRUE)
  expect_error(autoplot(fit, "velocity", as = "pie"), class = "vgfm_error_input")
  expect_error(autoplot(fit, "growth", sharpness = 3), class = "vgfm_error_input")
})

test_that("of many cells a sample is drawn", {
  local_function("figure_cells", 50)
  fit <- small_fit()
  for (type in c("trajectory", "growth", "velocity")) {
    built <- ggplot2::ggplot_build(autoplot(fit, type))
    expect_equal(nrow(built$data[[1]]), 50)
  }
  expect_lte(nrow(ggplot2::ggplot_build(autoplot(fit, "fit"))$data[[1]]), 110)
})
