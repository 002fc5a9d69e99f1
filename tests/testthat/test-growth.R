# Two islands: cells of one double, those of the other become a third. Nothing else is
# seen of cells that turn from the second into the first.
test_that("a group that gets fewer is said to die, or to change", {
  set.seed(1)
  kind <- rep(c("grows", "shrinks", "grows", "shrinks"), c(60, 60, 120, 20))
  x <- cbind(a = ifelse(kind == "grows", 12, 0), b = 0) + rnorm(520)
  time <- rep(0:1, c(120, 140))
  fit <- suppressMessages(vgfm_fit(x, time, c(1, 140 / 120),
                                   control = vgfm_control("fast")))
  expect_message(table <- vgfm_growth(fit, kind), "shrinks",
                 class = "vgfm_message_death")
  growth <- stats::setNames(table$growth, paste(table$group, table$time))
  expect_equal(growth[["grows 0"]], log(2), tolerance = 0.1)
  expect_equal(growth[["shrinks 0"]], -log(3), tolerance = 0.1)
  # Nobody is named where all stay as many, nor where there are no groups.
  expect_no_message(vgfm_growth(fit), class = "vgfm_message_death")
  stays <- suppressMessages(vgfm_fit(x[1:120, ][rep(1:120, 2), ], rep(0:1, each = 120),
                                     c(1, 1), control = vgfm_control("fast")))
  expect_no_message(vgfm_growth(stays, rep(kind[1:120], 2)),
                    class = "vgfm_message_death")
})
