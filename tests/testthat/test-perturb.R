test_that("no shift makes no difference at all", {
  fit <- small_fit(steps = 40)
  group <- rep(c("x", "y"), 80)
  table <- vgfm_perturb(fit, c(a = 0), group = group)
  expect_identical(as.character(table$group), c("x", "y", "total"))
  expect_identical(table$mass, table$mass_shifted)
  expect_identical(table$difference, c(0, 0, 0))
  expect_identical(attr(table, "beyond"), 0)
  # The unperturbed mass is what other questions say of it.
  first <- fit$snapshots$time == 2
  weight <- predict(fit, type = "weight")[first]
  expect_equal(table$mass[3], mean(weight))
  expect_equal(sum(table$mass[1:2]), table$mass[3])
})

test_that("a linear field gives the mass that its closed form has", {
  fit <- small_fit(steps = 10)
  # dx/dt = 0 and growth 0.2 a + 0.1: mass exp(6 (0.2 a + 0.1)).
  local_function("advance_cells", function(fit, x, from, to, log_weight = 0, call = NULL,
                                           noise = NULL, number = NULL) {
    list(x = x, log_weight = (to - from) * (0.2 * x[, "a"] + 0.1))
  })
  a <- fit$snapshots$x[fit$snapshots$time == 2, "a"]
  table <- suppressWarnings(vgfm_perturb(fit, c(a = 0.5, b = 0.1)))
  expect_equal(table$mass, mean(exp(6 * (0.2 * a + 0.1))))
  expect_equal(table$ratio, exp(6 * 0.2 * 0.5))
  expect_equal(table$difference, table$mass_shifted - table$mass)
  later <- suppressWarnings(vgfm_perturb(fit, c(a = 0.5), time = 4, to = 5))
  expect_equal(later$ratio, exp(0.2 * 0.5))
})

test_that("cells that stay have the labels of where they are shifted to", {
  fit <- small_fit(steps = 10)
  local_function("advance_cells", function(fit, x, from, to, log_weight = 0, call = NULL,
                                           noise = NULL, number = NULL) {
    list(x = x, log_weight = 0 * x[, 1])
  })
  x <- fit$snapshots$x
  group <- ifelse(x[, "b"] > 1.5, "up", "down")
  # All 30 cells of time 2 to the place of those that are up.
  start <- x[fit$snapshots$time == 2, ][1:20, ]
  table <- vgfm_perturb(fit, c(a = 3, b = 3), time = 2, newdata = start, group = group)
  expect_equal(table$share, c(1, 0, 1))
  expect_equal(table$share_shifted, c(0, 1, 1))
})

test_that("a gene is shifted by least squares, and what is lost is told", {
  fit <- small_fit(steps = 10)
  rotation <- matrix(c(1, 2, 0, 0, 1, 1), 3, dimnames = list(c("g1", "g2", "g3"), NULL))
  shift <- c(g2 = 1)
  ask <- function(...) suppressWarnings(vgfm_perturb(fit, ..., rotation = rotation))
  table <- ask(shift)
  solution <- stats::lm.fit(rotation, c(0, 1, 0))
  expect_equal(unname(attr(table, "move")), unname(solution$coefficients))
  expect_equal(attr(table, "represented"), 1 - sum(solution$residuals^2))
  # What lies in the features is followed as a shift of features.
  features <- suppressWarnings(vgfm_perturb(fit, attr(table, "move")))
  expect_equal(table, features, ignore_attr = TRUE)
  rare <- rbind(rotation, lone = c(0, 0))
  expect_warning(vgfm_perturb(fit, c(lone = 1), rotation = rare),
                 class = "vgfm_warning_shift")
})

test_that("a shift out of the data warns; what is no shift is refused", {
  fit <- small_fit(steps = 10)
  expect_warning(table <- vgfm_perturb(fit, c(a = 50)),
                 class = "vgfm_warning_extrapolation")
  expect_identical(attr(table, "beyond"), 1)
  expect_snapshot(error = TRUE, {
    vgfm_perturb(fit, 1)
    vgfm_perturb(fit, c(a = NA))
    vgfm_perturb(fit, c(zz = 1))
    vgfm_perturb(fit, c(a = 1, a = 2))
    vgfm_perturb(fit, c(a = 1), time = 3)
    vgfm_perturb(fit, c(a = 1), to = 5, group = rep("x", 160))
  })
})

test_that("a group without descendants has no ratio, and descendants are later", {
  fit <- small_fit(steps = 5)
  group <- ifelse(fit$snapshots$time == 8, "late", "early")
  table <- suppressWarnings(vgfm_perturb(fit, c(a = 0.1), group = group))
  expect_identical(table$mass[table$group == "early"], 0)
  ratio <- table$ratio[table$group == "early"]
  expect_true(is.na(ratio) && !is.nan(ratio))
  expect_error(vgfm_perturb(fit, c(a = 0.1), time = 8, to = 4), "before",
               class = "vgfm_error_time")
})
