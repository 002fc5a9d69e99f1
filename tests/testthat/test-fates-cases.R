quietly <- function(code) suppressMessages(code, classes = "vgfm_message")

quick_fit <- function(method) {
  cells <- small_cells()
  set.seed(1)
  trained <- is_trained_method(as_method(method))
  control <- if (trained) small_control(steps = 20) else vgfm_control(progress = FALSE)
  suppressMessages(suppressWarnings(
    vgfm_fit(cells$x, cells$time, mass = c(1, 1.3, 2), method = method, control = control)
  ), classes = "vgfm_message")
}

# The second cluster of small_cells() stays where it is.
kind_of_small <- function() ifelse(small_cells()$x[, "b"] > 1.5, "stays", "moves")

test_that("every method that couples cells has lines, and the others say so", {
  kind <- kind_of_small()
  for (name in vgfm_methods()$method) {
    fit <- quick_fit(name)
    if (is.null(fit$method$coupling)) {
      for (ask in list(vgfm_fates, vgfm_ancestors)) {
        expect_error(ask(fit, kind), name, class = "vgfm_error_no_coupling")
      }
      # Cells stay where they are.
      flow <- vgfm_fates(fit, kind, through = "flow", neighbours = 3)
      expect_equal(sum(flow$probability), 160, info = name)
    } else {
      table <- quietly(vgfm_fates(fit, kind))
      expect_equal(as.vector(tapply(table$probability, table$cell, sum)), rep(1, 160),
                   info = name)
      expect_true(all(table$mass >= 0), info = name)
      start <- table[table$time == 2, ]
      total <- sum(start$mass) / 30
      expect_equal(total, 2, tolerance = 0.1, info = name)
      back <- quietly(vgfm_ancestors(fit, kind, by = "cell"))
      expect_equal(sum(back$share), 4, info = name)
    }
    if (!is_learned(fit$method)) {
      expect_error(vgfm_dead_ends(fit), class = "vgfm_error_no_growth", info = name)
    }
  }
})

test_that("an untrained fit has the descendants of its couplings", {
  fit <- small_fit(steps = 0)
  kind <- kind_of_small()
  table <- quietly(vgfm_fates(fit, kind))
  own <- table[as.character(table$fate) == kind[table$cell], ]
  expect_gt(min(own$probability), 0.99)
  first <- tapply(own$mass[own$time == 2], own$fate[own$time == 2], mean)
  expect_gt(first[["stays"]], first[["moves"]])
})

test_that("labels may be missing, rare, empty, and of some times alone", {
  fit <- small_fit()
  s <- fit$snapshots
  kind <- factor(kind_of_small(), c("moves", "stays", "never"))
  table <- quietly(vgfm_fates(fit, kind))
  expect_setequal(levels(table$fate), c("moves", "stays"))
  # Without some labels: cells at the end count as their neighbours do.
  some <- replace(kind, c(2, 40, 75, 155), NA)
  less <- quietly(vgfm_fates(fit, some))
  expect_equal(less$probability, table$probability, tolerance = 1e-6)
  expect_equal(less$probability[less$cell == 75], c(1, 0))
  groups <- quietly(vgfm_fates(fit, some, by = "group"))
  expect_false(anyNA(groups$group))
  expect_equal(sum(groups$cells), 2 * 156)
  # A type of one cell, one that is early alone, and one that is late alone.
  odd <- replace(as.character(kind), 1:160, "rest")
  odd[c(3, 72)] <- "one"
  odd[s$index == 1 & odd == "rest"] <- "early"
  odd[seq(80, 160, 2)] <- "late"
  table <- quietly(vgfm_fates(fit, odd))
  expect_false(anyNA(table[c("probability", "mass")]))
  expect_true(all(table$probability[table$fate == "early"] == 0))
  expect_gt(max(table$probability[table$fate == "late" & table$time == 2]), 0.1)
  expect_equal(table$probability[table$cell == 72 & table$fate == "one"], 1)
  back <- quietly(vgfm_ancestors(fit, odd))
  expect_setequal(back$type, c("one", "rest", "late"))
  expect_setequal(back$ancestor[back$share > 0 & back$time == 2], c("one", "early"))
  shares <- tapply(back$share, list(back$time, droplevels(back$type)), sum)
  expect_equal(as.vector(shares), rep(1, 6))
  # No label at a time between: cells by state alone.
  bare <- replace(as.character(kind), s$index == 2, NA)
  expect_false(anyNA(quietly(vgfm_fates(fit, bare))$probability))
  expect_error(quietly(vgfm_ancestors(fit, bare, from = 4)), "no label",
               class = "vgfm_error_input")
  expect_equal(nrow(quietly(vgfm_ancestors(fit, bare, from = 4, by = "cell"))), 80)
})

test_that("labels go by name, and times by date", {
  cells <- small_cells()
  rownames(cells$x) <- paste0("cell", 1:160)
  days <- as.Date("2024-05-01") + cells$time
  set.seed(1)
  fit <- vgfm_fit(cells$x, days, control = small_control(steps = 20))
  kind <- stats::setNames(kind_of_small(), rownames(cells$x))
  table <- quietly(vgfm_fates(fit, rev(kind), to = as.Date("2024-05-05")))
  expect_identical(table$cell, rep(rownames(cells$x)[1:70], each = 2))
  expect_identical(table$time, rep(days[1:70], each = 2))
  own <- table[as.character(table$fate) == kind[table$cell], ]
  expect_gt(min(own$probability), 0.95)
  back <- quietly(vgfm_ancestors(fit, kind, from = as.Date("2024-05-03")))
  expect_s3_class(back$time, "Date")
  expect_identical(unique(back$label), "2024-05-03")
})

test_that("types that the data show to be kept are kept, or those that are named", {
  fit <- small_fit(steps = 200)
  s <- fit$snapshots
  # The data: one interval tells growth, in which both kinds keep to themselves.
  fit$identified$identified <- c(FALSE, TRUE)
  kind <- factor(kind_of_small())
  expect_equal(kept_shares(fit, kind), c(moves = 1, stays = 1), tolerance = 1e-3)
  mixed <- factor(ifelse(sin(1:160 * 3) > 0, "p", "q"))
  expect_true(all(kept_shares(fit, mixed) < 0.9))
  expect_true(all(is.na(kept_shares(fit, factor(c(kind[1:70], rep(NA, 90)))))))
  grown <- function(code) suppressMessages(code, classes = "vgfm_message_growth")
  expect_message(grown(vgfm_fates(fit, kind)), "taken to keep",
                 class = "vgfm_message_terminal")
  expect_no_message(grown(vgfm_fates(fit, mixed)), class = "vgfm_message_terminal")
  # Mixed labels that are kept, of whatever state: nobody leaves but to make up the mass.
  free <- quietly(vgfm_fates(fit, mixed, neighbours = 1))
  kept <- quietly(vgfm_fates(fit, mixed, neighbours = 1, terminal = c("p", "q")))
  own <- function(table) {
    mine <- as.character(table$fate) == mixed[table$cell] & table$time < 8
    mean(table$probability[mine])
  }
  expect_lt(own(free), 0.8)
  expect_gt(own(kept), 0.95)
  expect_error(grown(vgfm_fates(fit, mixed, terminal = "r")), "\"p\"",
               class = "vgfm_error_input")
  expect_error(vgfm_fates(fit, mixed, through = "flow", terminal = "p"),
               class = "vgfm_error_argument")
  expect_error(grown(vgfm_ancestors(fit, mixed, terminal = mean)),
               class = "vgfm_error_input")
})

test_that("threads change nothing", {
  skip_on_cran()
  fit <- small_fit()
  kind <- kind_of_small()
  one <- quietly(vgfm_fates(fit, kind))
  fit$control$threads <- 2L
  expect_identical(quietly(vgfm_fates(fit, kind)), one)
})

test_that("what makes no sense is an error", {
  fit <- small_fit(steps = 5)
  kind <- kind_of_small()
  new <- fit$snapshots$x[1:2, ]
  expect_error(vgfm_fates(fit, kind, new, time = 2, by = "group"), "no types",
               class = "vgfm_error_input")
  expect_error(vgfm_fates(fit, kind, by = "cells"), class = "vgfm_error_input")
  expect_error(vgfm_fates(fit, kind, level = 1), class = "vgfm_error_input")
  expect_error(vgfm_fates(fit, kind, realisation = 1), class = "vgfm_error_argument")
  expect_error(vgfm_fates(fit, kind, neighbours = 0), class = "vgfm_error_input")
  expect_error(vgfm_ancestors(fit, kind, to = 4, from = 8), "before",
               class = "vgfm_error_time")
  expect_error(vgfm_ancestors(fit, kind, to = 2), class = "vgfm_error_time")
  expect_error(vgfm_ancestors(fit, kind, from = 3), class = "vgfm_error_time")
  expect_error(vgfm_ancestors(1, kind), class = "vgfm_error_fit")
  expect_error(vgfm_dead_ends(fit, threshold = 0), class = "vgfm_error_input")
})

test_that("cells whose lineage ends are listed, the surest first", {
  set.seed(1)
  island <- rep(rep(1:3, 2), c(60, 60, 60, 120, 60, 1))
  x <- cbind(a = 5 * island, b = 0) + rnorm(2 * length(island), sd = 0.2)
  fit <- vgfm_fit(x, rep(0:1, c(180, 181)), mass = c(180, 181),
                  control = small_control(steps = 60))
  ends <- vgfm_dead_ends(fit)
  expect_named(ends, c("cell", "time", "label", "descendants"))
  expect_setequal(ends$cell, 121:180)
  expect_false(is.unsorted(ends$descendants))
  expect_lt(max(ends$descendants), 0.1)
  # All cells are below a high threshold; their descendants are those of vgfm_fates().
  all <- vgfm_dead_ends(fit, threshold = 100)
  expect_equal(nrow(all), 180)
  fates <- vgfm_fates(fit, rep("one", 361))
  expect_equal(all$descendants[match(1:180, all$cell)], fates$mass[1:180])
})

test_that("an ensemble has bands, which hold what its replicates say", {
  cells <- small_cells()
  set.seed(1)
  fit <- vgfm_fit(cells$x, cells$time, control = small_control(steps = 40))
  kind <- kind_of_small()
  ensemble <- suppressMessages(suppressWarnings(vgfm_ensemble(fit, 3)))
  table <- quietly(vgfm_fates(ensemble, kind, by = "group"))
  expect_named(table, c("group", "time", "label", "fate", "probability",
                        "probability_low", "probability_high", "mass", "mass_low",
                        "mass_high", "cells"))
  expect_true(all(table$mass_low <= table$mass & table$mass <= table$mass_high))
  expect_gt(max(table$mass_high - table$mass_low), 0)
  expect_equal(table$mass, quietly(vgfm_fates(fit, kind, by = "group"))$mass)
  back <- quietly(vgfm_ancestors(ensemble, kind, by = "cell", from = 2))
  expect_true(all(c("share_low", "share_high") %in% names(back)))
  ends <- quietly(vgfm_dead_ends(ensemble, threshold = 100))
  expect_equal(ends$certainty, rep(1, 70))
  expect_equal(nrow(ends), 70)
})

test_that("times without a label have no ancestors of a type; no cells no fates", {
  fit <- quick_fit("vgfm")
  kind <- replace(kind_of_small(), fit$snapshots$time == 2, NA)
  table <- quietly(vgfm_ancestors(fit, kind))
  expect_identical(unique(table$time), 4)
  expect_false(anyNA(table$share))
  expect_no_warning(none <- quietly(vgfm_fates(fit, kind, fit$snapshots$x[0, ],
                                               time = 2)))
  expect_identical(dim(none), c(0L, 6L))
})
