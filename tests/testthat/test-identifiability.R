untrained <- function(x, time, ..., control = vgfm_control(steps = 0, threads = 1)) {
  suppressMessages(vgfm_fit(x, time, ..., control = control))
}

two_kinds <- function() ifelse(small_cells()$x[, "b"] > 1.5, "growing", "moving")

# Three clusters 20 sd apart, 60 cells each, become 120, 60 and 20 in two units of time.
island_cells <- function() {
  set.seed(1)
  island <- rep(rep(c("doubles", "stays", "shrinks"), 2), c(60, 60, 60, 120, 60, 20))
  centre <- c(doubles = 0, stays = 20, shrinks = 40)[island]
  x <- cbind(a = stats::rnorm(380, centre), b = stats::rnorm(380))
  list(x = x, time = rep(c(0, 2), c(180, 200)), island = island)
}

test_that("on a plateau, descendants are the factors by which islands grow", {
  cells <- island_cells()
  fit <- untrained(cells$x, cells$time)
  found <- vgfm_identifiability(fit, cells$island)
  expect_true(found$verdict$identified)
  expect_match(found$verdict$verdict, "between 0 and 2 is told from motion")
  factors <- c(doubles = 2, shrinks = 1 / 3, stays = 1)
  still <- found$descendants
  still <- still[still$tau >= found$verdict$plateau_low &
                   still$tau <= found$verdict$plateau_high, ]
  expect_gt(nrow(still), 3)
  expect_equal(still$descendants, unname(factors[as.character(still$group)]),
               tolerance = 0.02)
  # Growth rates: log of the factor in two units of time.
  rates <- log(factors) / 2
  growth <- found$growth
  expect_equal(growth$cells, rep(60L, 3))
  expect_equal(growth$coupling, unname(rates[as.character(growth$group)]),
               tolerance = 0.01)
  expect_equal(growth$naive, unname(rates[as.character(growth$group)]), tolerance = 0.03)
  expect_equal(growth$uniform, rep(log(200 / 180) / 2, 3))
  expect_true(all(is.na(growth$fit)))
  expect_equal(found$verdict$mass, 200 / 180)
  # With the highest price they hardly differ from those of all cells alike.
  dear <- found$descendants[found$descendants$tau == max(found$descendants$tau), ]
  expect_lt(diff(range(dear$descendants)), diff(range(factors)))
})

test_that("of a moving Gaussian, thirds have the descendants of the closed form", {
  # Log descendants are linear in the place, with the slope d / (1 + tau / c), c twice the
  # variance: a third of a normal distribution, tilted by it.
  d <- 0.7
  x <- stats::qnorm(stats::ppoints(400))
  fit <- untrained(matrix(c(x, x + d)), rep(0:1, each = 400),
                   method = vgfm_method("vgfm", epsilon = 0.002))
  found <- vgfm_identifiability(fit)
  expect_false(found$verdict$identified)
  expect_true(is.na(found$verdict$plateau_low))
  table <- found$descendants
  expect_equal(levels(table$group), c("fewest", "middle", "most"))
  slope <- d / (1 + table$tau / (2 * stats::var(x)))
  cut <- stats::qnorm(2 / 3)
  most <- 3 * stats::pnorm(slope - cut)
  fewest <- 3 * stats::pnorm(-slope - cut)
  expected <- ifelse(table$group == "most", most,
                     ifelse(table$group == "fewest", fewest, 3 - most - fewest))
  # But for the samples' ends and epsilon.
  inner <- table$tau > 0.2
  expect_equal(table$descendants[inner], expected[inner], tolerance = 0.02)
})

test_that("the naive control is the mean over the nearest sources, counted one by one", {
  fit <- small_fit()
  s <- fit$snapshots
  label <- two_kinds()
  label[c(1, 32)] <- c("alone", NA)
  found <- vgfm_identifiability(fit, label)$growth
  sources <- which(s$index < 3)
  rate <- unlist(lapply(1:2, function(k) {
    log(pmax(fit$couplings[[k]]$descendants, 1e-3)) / diff(s$times)[k]
  }))
  # A tenth of the 70 sources.
  naive <- vapply(sources, function(i) {
    far <- colSums((t(s$x[sources, ]) - s$x[i, ])^2)
    mean(rate[order(far)[1:7]])
  }, 0)
  growth <- predict(fit, type = "growth")[sources]
  for (row in seq_len(nrow(found))) {
    own <- s$index[sources] == found$interval[row] &
      label[sources] %in% as.character(found$group[row])
    expect_equal(found$cells[row], sum(own))
    expect_equal(found$naive[row], mean(naive[own]), tolerance = 1e-6)
    expect_equal(found$fit[row], mean(growth[own]))
    descendants <- mean(exp(rate * diff(s$times)[s$index[sources]])[own])
    expect_equal(found$descendants[row], descendants, tolerance = 1e-6)
    gap <- diff(s$times)[found$interval[row]]
    expect_equal(found$coupling[row], log(descendants) / gap)
  }
  expect_equal(found$cells[found$group == "alone"], 1L)
})

test_that("rates that were given stand beside those of the fit", {
  cells <- small_cells()
  rate <- seq(-0.1, 0.2, length.out = 160)
  rate[31:50] <- NA
  fit <- untrained(cells$x, cells$time, growth_prior = rate)
  found <- vgfm_identifiability(fit, two_kinds())
  expect_equal(found$growth$prior[found$growth$group == "growing"],
               c(mean(rate[21:30]), mean(rate[51:70])))
  expect_equal(found$growth$prior[3:4], c(mean(rate[51:70]), NA))
  expect_output(print(found), "prior")
  expect_null(vgfm_identifiability(small_fit(steps = 0))$growth$prior)
})

test_that("labels go by name, and groups without descendants are left out", {
  cells <- small_cells()
  rownames(cells$x) <- paste0("cell", 1:160)
  fit <- untrained(cells$x, cells$time)
  label <- stats::setNames(two_kinds(), rownames(cells$x))
  found <- vgfm_identifiability(fit, label)
  expect_equal(vgfm_identifiability(fit, sample(label)), found)
  late <- factor(replace(label, 150:160, "late"),
                 c("unused", "late", "moving", "growing"))
  found <- vgfm_identifiability(fit, late)
  expect_equal(levels(found$growth$group), c("moving", "growing"))
  expect_equal(levels(found$descendants$group), c("moving", "growing"))
  # A group of the first interval alone, cells without a label.
  early <- replace(replace(label, 1:5, "early"), 31:70, NA)
  found <- vgfm_identifiability(fit, early)
  expect_equal(unique(found$growth$interval), 1)
  expect_equal(unique(found$descendants$interval), 1)
  expect_equal(found$verdict$interval, 1:2)
  expect_s3_class(ggplot2::ggplot_build(autoplot(found)), "ggplot_built")
  # Without labels, thirds.
  found <- vgfm_identifiability(fit)
  expect_equal(found$growth$cells, c(10, 10, 10, 13, 13, 14))
  expect_true(all(diff(found$growth$descendants[1:3]) >= 0))
})

test_that("a fit of an object takes a column of its metadata", {
  skip_if_not_installed("Seurat")
  x <- small_seurat()
  fit <- untrained(x, "day", dims = 1:3)
  found <- vgfm_identifiability(fit, rev(x$donor))
  expect_equal(found$growth[c("from", "to", "cells")],
               data.frame(from = c("0", "0", "2", "2"), to = c("2", "2", "5", "5"),
                          cells = c(20L, 20L, 25L, 25L)))
  place <- x$day == 2 & x$donor == "b"
  own <- fit$couplings[[2]]$descendants[place[x$day == 2]]
  expect_equal(found$growth$descendants[4], mean(own))
})

test_that("the scan is that of the fit, cells and all, to the end of the grid", {
  fit <- small_fit(steps = 0)
  found <- vgfm_identifiability(fit, as.character(1:160))$descendants
  # The effective share of parents, from descendants cell by cell.
  share <- tapply(found$descendants, list(found$tau, found$interval), function(r) {
    sum(r)^2 / (length(r) * sum(r^2))
  })
  for (k in 1:2) {
    own <- fit$scan[fit$scan$interval == k, ]
    expect_equal(sort(unique(found$tau[found$interval == k])), sort(own$tau))
    seen <- !is.na(own$parents)
    expect_gt(sum(seen), 3)
    expect_equal(unname(share[as.character(own$tau), k])[seen], own$parents[seen])
  }
  expect_false(anyNA(found$descendants))
})

test_that("the range of a plateau ends where log descendants spread again", {
  scan_of <- function(spread) {
    data.frame(tau = tau_grid, spread = spread,
               slope = c(diff(log(spread)) / -diff(log(tau_grid)), NA))
  }
  # Rests from 2 to 1 / 4.
  rests <- scan_of(pmin(1, 2 / tau_grid) * pmax(1, 0.25 / tau_grid))
  expect_equal(plateau_range(rests, 2), c(0.25, 2))
  expect_equal(plateau_range(rests, 2.7), c(0.25, 2.7))
  expect_equal(plateau_range(rests, 1.5), c(0.25, 1.5))
  # Runs to the end of the grid.
  expect_equal(plateau_range(scan_of(pmin(1 / tau_grid, 4)), 0.25), c(1 / 32, 0.25))
  # Couplings that were not solved end it.
  expect_equal(plateau_range(scan_of(replace(pmin(1, 2 / tau_grid), 8:12, NA)), 2),
               c(1, 2))
  # No growth at all.
  expect_equal(plateau_range(scan_of(0.001 / tau_grid^0.1), 3), c(cheap_tau, 64))
})

test_that("islands that rest are told to", {
  set.seed(2)
  cells <- data.frame(a = rep(c(0, 20), each = 100), b = 0)[rep(1:200, 2), ]
  cells <- cells + stats::rnorm(800)
  fit <- untrained(cells, rep(0:1, each = 200))
  found <- vgfm_identifiability(fit, rep(c("one", "other"), each = 100, times = 2))
  expect_true(found$verdict$identified)
  expect_equal(found$verdict$plateau_high, max(fit$scan$tau))
  expect_match(found$verdict$verdict, "told from motion: descendants hardly differ")
  expect_equal(found$growth$coupling, c(0, 0), tolerance = 0.02)
})

test_that("a tau of the user's outside of the plateau is named", {
  cells <- island_cells()
  fit <- untrained(cells$x, cells$time, method = vgfm_method("vgfm", tau = 1e5))
  found <- vgfm_identifiability(fit, cells$island)$verdict
  expect_equal(found$tau, 1e5)
  expect_match(found$verdict, "the fit has tau = 1e+05, outside of that range",
               fixed = TRUE)
  # Beyond the grid the spread falls as 1 / tau.
  highest <- fit$scan[1, ]
  expect_equal(found$spread, highest$spread * highest$tau / 1e5)
})

test_that("the figure has the plateau, the tau of the fit and the verdict", {
  cells <- island_cells()
  fit <- untrained(rbind(cells$x, cells$x[181:380, ] + 3),
                   c(cells$time, rep(4, 200)))
  found <- vgfm_identifiability(fit, c(cells$island, cells$island[181:380]))
  figure <- autoplot(found)
  built <- ggplot2::ggplot_build(figure)
  panels <- as.character(built$layout$layout$.panel)
  expect_equal(panels[1], "0 to 2: identified")
  expect_match(panels[2], "^2 to 4: ")
  told <- found$verdict$identified
  expect_equal(10^ggplot2::layer_data(figure, 1)$xmin, found$verdict$plateau_low[told])
  expect_equal(10^ggplot2::layer_data(figure, 1)$xmax, found$verdict$plateau_high[told])
  expect_equal(10^ggplot2::layer_data(figure, 2)$yintercept, found$verdict$mass)
  expect_equal(10^ggplot2::layer_data(figure, 3)$xintercept,
               fit$method$coupling$tau)
  curve <- ggplot2::layer_data(figure, 4)
  expect_equal(sort(10^curve$y), sort(pmax(found$descendants$descendants, 1e-3)))
  file <- tempfile(fileext = ".pdf")
  on.exit(unlink(file))
  grDevices::pdf(file)
  on.exit(grDevices::dev.off(), add = TRUE, after = FALSE)
  expect_no_warning(shown <- withVisible(plot(found)))
  expect_false(shown$visible)
})

test_that("what is printed", {
  cells <- island_cells()
  fit <- untrained(rbind(cells$x, cells$x[181:380, ] + 3), c(cells$time, rep(4, 200)))
  found <- vgfm_identifiability(fit, c(cells$island, cells$island[181:380]))
  # Figures to the digits that are the same everywhere.
  rates <- c("coupling", "naive", "uniform")
  found$growth[rates] <- round(found$growth[rates], 2)
  found$growth$fit <- c(0.3, -0.6, 0)
  expect_snapshot(print(found))
  # Neighbouring intervals of one verdict share a line.
  course <- data.frame(interval = 1:4, from = 0:3, to = 1:4,
                       identified = c(FALSE, FALSE, TRUE, FALSE),
                       note = c("not told: a", "not told: a", "descendants hardly",
                                "not told: a"))
  course$verdict <- vapply(1:4, function(k) {
    verdict_in_words(course[k, ], c(1, 2), 2)
  }, "")
  expect_equal(joint_verdicts(course), c(
    "Growth between 0 and 2 is not told: a.",
    "Growth between 2 and 3 is told from motion: descendants hardly.",
    "Growth between 3 and 4 is not told: a."
  ))
  # Long tables are cut.
  long <- vgfm_identifiability(small_fit(steps = 0), 1:160)
  expect_output(print(long), "and 40 more rows in $growth", fixed = TRUE)
  expect_output(print(long), "of the fit (not trained)", fixed = TRUE)
})

test_that("fields that fail are said to, and labels that do not fit are errors", {
  fit <- small_fit()
  label <- two_kinds()
  last <- replace(label, fit$snapshots$index < 3, NA)
  expect_error(vgfm_identifiability(fit, last), "no label for a cell that has a later",
               class = "vgfm_error_input")
  expect_error(vgfm_identifiability(fit, label[-1]), class = "vgfm_error_input")
  expect_error(vgfm_identifiability(fit, label, tau = 1), class = "vgfm_error_argument")
  expect_error(vgfm_identifiability(1), class = "vgfm_error_fit")
  expect_error(autoplot(vgfm_identifiability(fit), "growth"),
               class = "vgfm_error_argument")
  fit$field$heads$growth$weights[] <- NaN
  expect_warning(found <- vgfm_identifiability(fit, label),
                 class = "vgfm_warning_not_evaluated")
  expect_true(all(is.na(found$growth$fit)))
  expect_false(anyNA(found$growth$naive))
})
