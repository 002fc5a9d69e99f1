quietly <- function(code) suppressMessages(code, classes = "vgfm_message")

# Three islands of cells that double, stay as many and fall to a third, twice.
islands <- function(sizes = rbind(c(20, 20, 27), c(40, 20, 9), c(80, 20, 3))) {
  kind <- rep(rep(c("up", "even", "down"), 3), t(sizes))
  n <- length(kind)
  at <- unname(c(up = 0, even = 6, down = 12)[kind])
  list(x = cbind(a = at + 0.3 * sin(1:n * 7), b = 0.3 * cos(1:n * 5)), kind = kind,
       time = rep(0:2, rowSums(sizes)))
}

island_fit <- function(cells = islands(), ...) {
  set.seed(1)
  vgfm_fit(cells$x, cells$time, mass = as.vector(table(cells$time)),
           control = small_control(...))
}

test_that("islands keep their lines, and their masses are those of their sizes", {
  cells <- islands()
  fit <- island_fit(cells)
  table <- quietly(vgfm_fates(fit, cells$kind))
  expect_named(table, c("cell", "time", "label", "fate", "probability", "mass"))
  expect_equal(nrow(table), 3 * length(cells$kind))
  own <- table$fate == cells$kind[table$cell]
  expect_equal(table$probability, as.numeric(own), tolerance = 1e-6)
  start <- table[own & table$time == 0, ]
  descendants <- tapply(start$mass, start$fate, mean)
  expect_equal(descendants[["up"]], 4, tolerance = 0.02)
  expect_equal(descendants[["even"]], 1, tolerance = 0.02)
  expect_equal(descendants[["down"]], 1 / 9, tolerance = 0.05)
  groups <- quietly(vgfm_fates(fit, cells$kind, by = "group"))
  expect_named(groups, c("group", "time", "label", "fate", "probability", "mass",
                         "cells"))
  first <- groups[groups$time == 0 & groups$group == groups$fate, ]
  expect_equal(first$cells, as.vector(table(cells$kind[cells$time == 0])))
  expect_equal(first$mass, as.vector(descendants[as.character(first$group)]))
  back <- quietly(vgfm_ancestors(fit, cells$kind))
  expect_equal(back$share, as.numeric(back$type == back$ancestor), tolerance = 1e-6)
})

# Means over the nearest tenth of some cells, counted one by one; a cell stands in for its
# neighbours that are more than twice as far as these usually are.
mean_places <- function(x) {
  k <- ceiling(nrow(x) / 10)
  far <- as.matrix(dist(x))
  usual <- median(apply(far, 1, function(one) sort(one)[k]))
  t(vapply(seq_len(nrow(x)), function(i) {
    near <- order(far[i, ])[seq_len(k)]
    near[far[i, near] > 2 * usual] <- i
    colMeans(x[near, , drop = FALSE])
  }, numeric(ncol(x))))
}

# The lines of interval k as dense matrices, by the public coupling function.
dense_lines <- function(fit, k) {
  s <- fit$snapshots
  growth <- predict(fit, type = "growth")
  x <- mean_places(s$x[s$index == k, ])
  y <- mean_places(s$x[s$index == k + 1, ])
  gap <- diff(s$times)[k]
  a <- exp(gap * growth[s$index == k] / 2)
  gain <- exp(gap * growth[s$index == k + 1] / 2)
  b <- sum(a) / sum(1 / gain) / gain
  chosen <- fit$couplings[[k]]
  told <- fit$identified$identified
  price <- if (told[k] || !any(told)) 1 else 30
  coupling <- coupling_semirelaxed(tau = price * chosen$tau, epsilon = chosen$epsilon)
  plan <- vgfm_couple(x, y, a = a, b = b, coupling = coupling, plan = TRUE,
                      tolerance = 1e-6)$plan
  back <- t(t(plan) * gain)
  list(line = plan / rowSums(plan),
       mass = back * nrow(x) * s$mass[k + 1] / s$mass[k] / sum(back))
}

test_that("lines are put together as products of the dense plans", {
  fit <- small_fit(steps = 200)
  s <- fit$snapshots
  label <- factor(ifelse(sin(1:160 * 3) > 0, "p", "q"))
  end <- outer(as.character(label[s$index == 3]), c("p", "q"), `==`) + 0
  one <- dense_lines(fit, 1)
  two <- dense_lines(fit, 2)
  share <- one$line %*% two$line %*% end
  mass <- one$mass %*% two$mass %*% end
  table <- quietly(vgfm_fates(fit, label, neighbours = 1, terminal = character()))
  first <- table[table$time == 2, ]
  expect_equal(matrix(first$probability, ncol = 2, byrow = TRUE), share,
               tolerance = 1e-3)
  expect_equal(matrix(first$mass, ncol = 2, byrow = TRUE), mass, tolerance = 1e-3)
  # Over more neighbours: their means, counted one by one, of the same type.
  wider <- quietly(vgfm_fates(fit, label, neighbours = 4, terminal = character()))
  for (i in c(1, 7, 30)) {
    same <- which(s$index == 1 & label == label[i])
    near <- same[order(colSums((t(s$x[same, ]) - s$x[i, ])^2))[1:4]]
    expect_equal(wider$probability[wider$cell == i], colMeans(share[near, ]),
                 tolerance = 1e-3)
  }
  # New cells have no type; those between two times go along the flow first.
  new <- quietly(vgfm_fates(fit, label, s$x[c(5, 9), ], time = 2, neighbours = 1,
                            terminal = character()))
  expect_equal(new$probability, as.vector(t(share[c(5, 9), ])), tolerance = 1e-3)
  between <- quietly(vgfm_fates(fit, label, s$x[5, , drop = FALSE], time = 3,
                                neighbours = 1, terminal = character()))
  moved <- predict(fit, s$x[5, , drop = FALSE], 3, "state", to = 4)
  there <- s$x[s$index == 2, ]
  near <- which.min(colSums((t(there) - moved[1, ])^2))
  expect_equal(between$probability, as.vector((two$line %*% end)[near, ]),
               tolerance = 1e-3)
  expect_equal(sum(between$mass), tolerance = 1e-3, sum((two$mass %*% end)[near, ]) *
                 predict(fit, s$x[5, , drop = FALSE], 3, "weight", to = 4)[[1]])
})

test_that("fates and ancestors obey Bayes, and masses those of the snapshots", {
  fit <- small_fit(steps = 200)
  s <- fit$snapshots
  label <- factor(ifelse(sin(1:160 * 3) > 0, "p", "q"))
  fates <- quietly(vgfm_fates(fit, label, to = 8, neighbours = 5))
  back <- quietly(vgfm_ancestors(fit, label, by = "cell", neighbours = 5))
  expect_named(back, c("cell", "time", "label", "type", "share"))
  fates <- fates[fates$time < 8, ]
  key <- paste(fates$cell, fates$fate)
  share <- back$share[match(key, paste(back$cell, back$type))]
  total <- ave(fates$mass, fates$time, fates$fate, FUN = sum)
  expect_equal(share * total, fates$mass)
  expect_equal(as.vector(tapply(back$share, list(back$time, back$type), sum)), rep(1, 4))
  # By pairs of types: sums over the cells.
  pairs <- quietly(vgfm_ancestors(fit, label, from = 4, neighbours = 5))
  cells <- back[back$time == 4, ]
  sums <- tapply(cells$share, list(label[cells$cell], cells$type), sum)
  expect_equal(pairs$share, as.vector(sums))
  # Every target has all its mass, whatever cells it comes from.
  raw <- quietly(vgfm_fates(fit, label, neighbours = 1))
  total <- tapply(raw$mass, list(raw$time, raw$fate), sum)
  count <- table(label[s$index == 3])
  for (k in 1:2) {
    wanted <- s$counts[k] * s$mass[3] / s$mass[k] * count / sum(count)
    expect_equal(as.vector(total[k, ]), as.vector(wanted), tolerance = 1e-4)
  }
})

test_that("the entries of a plan are those of the dense one", {
  cells <- small_cells()
  x <- t(cells$x[cells$time == 2, ])
  y <- t(cells$x[cells$time == 4, ])
  problem <- list(x = x, y = y, a = rep(1, 30), b = rep(0.75, 40), scale = 1,
                  interval = 1)
  coupling <- coupling_semirelaxed(tau = 2, epsilon = 0.2)
  solved <- couple_interval(coupling, problem, list(tolerance = 1e-9, threads = 1))
  dense <- vgfm_couple(t(x), t(y), epsilon = 0.2, tau = 2, b = 0.75, plan = TRUE)$plan
  expect_equal(as.matrix(sparse_plan(solved, 30, 40)), unname(dense), tolerance = 1e-5)
  solved$plan$start <- solved$plan$start[1:8]
  expect_error(sparse_plan(solved, 30, 40), class = "vgfm_error_internal")
})

test_that("a culture's fates are calibrated, and its ancestors are the true ones", {
  set.seed(1)
  cells <- vgfm_simulate_culture(n = 400, genes = 300, components = 8, founders = 1000)
  fit <- vgfm_fit(cells[-1], cells$time, attr(cells, "mass"),
                  control = vgfm_control("fast"))
  branch <- attr(cells, "branch")
  expect_message(
    expect_message(table <- vgfm_fates(fit, branch), class = "vgfm_message_growth"),
    "\"A\", \"B\", and \"C\"", class = "vgfm_message_terminal"
  )
  truth <- attr(cells, "fate")
  table <- table[table$fate != "trunk" & table$time < 4, ]
  table$truth <- truth[cbind(as.integer(table$cell),
                             match(table$fate, colnames(truth)))]
  bin <- interaction(table$fate, floor(10 * pmin(table$probability, 0.999)), drop = TRUE)
  gap <- abs(tapply(table$probability - table$truth, bin, mean))
  expect_lt(sum(gap * table(bin)) / nrow(table), 0.05)
  start <- table[table$time == 0, ]
  gap <- tapply(start$probability - start$truth, start$fate, mean)
  expect_lt(max(abs(gap), na.rm = TRUE), 0.08)
  kept <- table[as.character(table$fate) == branch[table$cell], ]
  expect_gt(min(tapply(kept$probability, kept[c("time", "fate")], mean), na.rm = TRUE),
            0.95)
  # Sharper than the flow is right: see how far that is from the truth.
  flow <- vgfm_fates(fit, branch, through = "flow")
  flow <- flow[flow$fate != "trunk" & flow$time < 4, ]
  expect_lt(mean((table$probability - table$truth)^2),
            0.6 * mean((flow$probability - table$truth)^2))
  back <- quietly(vgfm_ancestors(fit, branch))
  past <- attr(cells, "ancestor")
  true_share <- Map(function(time, type, ancestor) {
    mean(past[cells$time == 4 & branch == type, time + 1] == ancestor)
  }, back$time, as.character(back$type), as.character(back$ancestor))
  expect_lt(mean(abs(back$share - unlist(true_share))), 0.04)
})

# 60 early and 20 late cells become 30 and 50, of the same mass. Cells that are called
# stable have one descendant each, so half of the early ones must have become late.
test_that("cells that are called stable have one descendant each", {
  set.seed(4)
  kind <- rep(c("early", "late", "early", "late"), c(60, 20, 30, 50))
  x <- cbind(a = ifelse(kind == "late", 6, 0), b = 0) + rnorm(320, sd = 0.5)
  time <- rep(0:1, each = 80)
  fit <- quietly(vgfm_fit(x, time, c(1, 1), stable = kind == "early",
                          control = vgfm_control("fast")))
  fates <- quietly(vgfm_fates(fit, kind, by = "group"))
  early <- fates[fates$group == "early" & fates$time == 0, ]
  expect_equal(sum(early$mass), 1, tolerance = 0.1)
  expect_equal(early$probability, c(0.5, 0.5), tolerance = 0.1)
})

# Squared distances of places: a kept type is hard to leave, and as easy to enter as any.
test_that("types that are kept are hard to leave, and not to enter", {
  source <- factor(c("a", "b", NA), c("a", "b"))
  target <- factor(c("a", "b", NA), c("a", "b"))
  x <- source_corners(source)
  y <- target_corners(target)
  squared <- outer(1:3, 1:3, Vectorize(function(i, j) sum((x[, i] - y[, j])^2)))
  expect_equal(squared - 0.5, rbind(c(0, 2, 1), c(2, 0, 1), c(0, 0, 0)))
})
