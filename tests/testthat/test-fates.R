groups_of <- function(cells) ifelse(cells$x[, "b"] > 1.5, "growing", "moving")

test_that("cells that are apart end where their kind is, with all their mass", {
  fit <- small_fit(steps = 300)
  label <- groups_of(small_cells())
  table <- vgfm_fates(fit, label, through = "flow")
  expect_named(table, c("cell", "time", "label", "fate", "probability", "mass"))
  expect_equal(nrow(table), 2 * 160)
  expect_equal(table$cell, rep(1:160, each = 2))
  expect_equal(as.vector(tapply(table$probability, table$cell, sum)), rep(1, 160))
  expect_equal(as.vector(tapply(table$mass, table$cell, sum)),
               unname(predict(fit, type = "weight")))
  own <- table[as.character(table$fate) == label[table$cell], ]
  expect_gt(min(own$probability), 0.99)
})

test_that("probabilities are those of the nearest labelled cells, counted one by one", {
  fit <- small_fit()
  s <- fit$snapshots
  set.seed(4)
  label <- factor(sample(c("p", "q", "r"), 160, TRUE))
  label[c(80, 100)] <- NA
  cells <- s$x[c(2, 25, 50), ]
  table <- vgfm_fates(fit, label, cells, time = 2, to = 4, neighbours = 7,
                      through = "flow")
  state <- predict(fit, cells, 2, "state", to = 4)
  known <- which(s$index == 2 & !is.na(label))
  for (i in 1:3) {
    far <- colSums((t(s$x[known, ]) - state[i, ])^2)
    near <- label[known[order(far)[1:7]]]
    expect_equal(table$probability[table$cell == i], as.vector(table(near)) / 7)
  }
  # With one neighbour the sums are the masses of the groups at the last time, which are
  # integrated in forty steps. Kinds that are apart: else a cell between two may be of
  # either.
  label <- factor(groups_of(small_cells()))
  start <- vgfm_fates(fit, label, s$x[s$index == 1, ], time = 2, neighbours = 1,
                      through = "flow")
  whole <- masses(fit, label)
  whole <- whole[whole$kind == "predicted" & whole$time == 8 & whole$group != "total", ]
  expect_equal(as.vector(tapply(start$mass, start$fate, sum)) / 30, whole$mass,
               tolerance = 1e-3)
})

test_that("times without labels, and no labels, are errors", {
  fit <- small_fit(steps = 5)
  label <- groups_of(small_cells())
  expect_error(vgfm_fates(fit, label, to = 5), "observed time", class = "vgfm_error_time")
  expect_error(vgfm_fates(fit, label, to = c(4, 8)), class = "vgfm_error_time")
  expect_error(vgfm_fates(fit, replace(label, fit$snapshots$index == 3, NA)), "no label",
               class = "vgfm_error_input")
  expect_error(vgfm_fates(fit, NULL), class = "vgfm_error_input")
  expect_error(vgfm_fates(fit, label[-1]), class = "vgfm_error_input")
  expect_error(vgfm_fates(fit, label, fit$snapshots$x[1:2, ], time = c(2, 8), to = 4),
               "later", class = "vgfm_error_time")
  # Cells later than `to` have no fate there.
  expect_equal(nrow(vgfm_fates(fit, label, to = "day 4")), 2 * 70)
})

test_that("a time alone chooses the cells of that time", {
  fit <- small_fit(steps = 5)
  label <- groups_of(small_cells())
  quietly <- function(...) suppressMessages(vgfm_fates(fit, label, ...))
  for (through in c("couplings", "flow")) {
    all <- quietly(through = through)
    for (times in list(4, c(2, 4))) {
      some <- quietly(time = times, through = through)
      expect_equal(as.data.frame(some), as.data.frame(all[all$time %in% times, ]),
                   ignore_attr = TRUE)
    }
  }
  expect_error(vgfm_fates(fit, label, time = 8, to = 4), "later",
               class = "vgfm_error_time")
  expect_error(vgfm_fates(fit, label, time = 3), "observed", class = "vgfm_error_time")
})

test_that("NA as a level of labels is no label", {
  fit <- small_fit(steps = 5)
  label <- replace(groups_of(small_cells()), 1:5, NA)
  expect_identical(suppressMessages(vgfm_fates(fit, addNA(factor(label)))),
                   suppressMessages(vgfm_fates(fit, label)))
  expect_error(vgfm_fates(fit, addNA(factor(rep(NA, 160)))), class = "vgfm_error_input")
  expect_error(vgfm_fates(fit, "type"), "object\\$type", class = "vgfm_error_input")
})
