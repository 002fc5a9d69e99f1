# Fates that are known: the probability of "up" is that of `chance`, a number per cell.
with_fates <- function(chance, env = parent.frame()) {
  local_function("vgfm_fates", function(fit, group, newdata = NULL, time = NULL,
                                        to = NULL, ...) {
    until <- fit$snapshots$time <= if (is.null(to)) Inf else to
    n <- sum(until)
    p <- chance(fit$snapshots$x[until, ])
    data.frame(cell = rep(which(until), each = 2), time = 0,
               fate = factor(rep(c("down", "up"), n)),
               probability = as.vector(rbind(1 - p, p)), mass = 1)
  }, env)
}

test_that("associations with fates are those of cor(), within times", {
  fit <- small_fit(steps = 10)
  with_fates(function(x) plogis(x[, "a"] - x[, "b"]))
  s <- fit$snapshots
  set.seed(4)
  values <- cbind(s$x, other = stats::rnorm(160), flat = 1)
  group <- rep(c("down", "up"), 80)
  p <- plogis(s$x[, "a"] - s$x[, "b"])
  first <- s$time == 2
  table <- vgfm_fate_genes(fit, group, expression = values, average = 0)
  up <- table[table$fate == "up", ]
  expect_identical(up$cells[1], 30)
  expect_equal(up$marginal[match("other", up$gene)],
               stats::cor(values[first, "other"], p[first]))
  expect_true(is.na(up$marginal[match("flat", up$gene)]))
  expect_false(is.unsorted(-abs(up$marginal[1:3])))
  down <- table[table$fate == "down", ]
  expect_equal(down$marginal[match(up$gene, down$gene)], -up$marginal)
  expect_equal(vgfm_fate_genes(fit, group, to = 4, expression = values, average = 0),
               table, ignore_attr = TRUE)
  # Two times: what differs between them does not count.
  both <- s$time %in% c(2, 4)
  within <- function(v) v[both] - ave(v[both], s$time[both])
  table <- vgfm_fate_genes(fit, group, time = c(2, 4), expression = values, average = 0)
  up <- table[table$fate == "up", ]
  expect_equal(up$marginal[match("a", up$gene)],
               stats::cor(within(s$x[, "a"]), within(p)))
  sparse <- vgfm_fate_genes(fit, group, time = c(2, 4), average = 0,
                            expression = Matrix::Matrix(values, sparse = TRUE))
  expect_equal(sparse, table)
})

test_that("genes of a bias are found before cells commit", {
  set.seed(1)
  cells <- vgfm_simulate_culture(n = 300, genes = 200, founders = 1200, components = 10,
                                 counts = TRUE)
  fit <- vgfm_fit(cells[-1], cells$time, mass = attr(cells, "mass"),
                  control = vgfm_control("fast", progress = FALSE))
  counts <- Matrix::t(attr(cells, "counts"))
  values <- log1p(counts / Matrix::rowSums(counts) * 200)
  table <- vgfm_fate_genes(fit, attr(cells, "branch"), time = 0:1, expression = values)
  program <- attr(cells, "program")
  for (fate in c("A", "B", "C")) {
    genes <- table[table$fate == fate, ]
    own <- program[genes$gene] == paste("bias", fate)
    top <- rank(-genes$marginal)[own]
    expect_lte(max(top), 2 * sum(own)) # all 8 among the first 16 of 200
  }
})

test_that("times that make no sense are refused", {
  fit <- small_fit(steps = 10)
  group <- rep(c("down", "up"), 80)
  expect_snapshot(error = TRUE, {
    vgfm_fate_genes(fit, group, time = 3)
    vgfm_fate_genes(fit, group, time = 8)
    vgfm_fate_genes(fit, NULL)
  })
})
