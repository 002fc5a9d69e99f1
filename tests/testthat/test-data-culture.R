none <- c(trunk = 0, A = 0, B = 0, C = 0)

test_that("snapshots of the culture have sizes of their own", {
  set.seed(1)
  cells <- vgfm_simulate_culture(c(30, 50), days = c(3, 4), genes = 100, components = 2,
                                 founders = 200)
  expect_equal(as.vector(table(cells$time)), c(30, 50))
  expect_equal(dim(attr(cells, "ancestor")), c(80, 2))
  expect_named(attr(cells, "mass"), c("3", "4"))
  refused <- function(code) expect_error(code, class = "vgfm_error_input")
  refused(vgfm_simulate_culture(c(30, 50), days = 0:2))
  refused(vgfm_simulate_culture(c(30, 1), days = 0:1))
  refused(vgfm_simulate_culture(c(30, NA), days = 0:1))
  refused(vgfm_simulate_culture(c(30, 40.5), days = 0:1))
  refused(vgfm_simulate_culture(c(30, 300), days = 0:1, birth = none, founders = 200))
  refused(vgfm_simulate_culture("many"))
})

test_that("the same seed gives the same cells in genes and in components", {
  once <- function(...) {
    set.seed(2)
    vgfm_simulate_culture(c(60, 90), days = c(2, 3), genes = 120, founders = 300, ...)
  }
  genes <- once(components = NULL, counts = TRUE)
  few <- once(components = 4)
  expect_identical(names(genes), c("time", paste0("gene", 1:120)))
  expect_null(attr(genes, "rotation"))
  for (what in c("growth", "branch", "fate", "ancestor", "mass", "program")) {
    expect_identical(attr(genes, what), attr(few, what))
  }
  # Components are those of the centred genes.
  x <- as.matrix(genes[-1])
  centred <- x - rep(colMeans(x), each = nrow(x))
  expect_equal(centred %*% attr(few, "rotation"), as.matrix(few[-1]),
               ignore_attr = TRUE)
  # Written out: counts over their total, at the mean total, and the log of 1 more.
  counts <- as.matrix(attr(genes, "counts"))
  total <- colSums(counts)
  expect_equal(x, log1p(t(counts) / total * mean(total)), ignore_attr = TRUE)
  expect_identical(once(components = NULL, counts = TRUE), genes)
})

test_that("the velocity of genes is how their mean moves", {
  # Nothing divides or dies, and none commits before day 1: the mean of each gene moves
  # by the mean velocity. Of a program's 10 genes the mean has a standard error of
  # sqrt(2 / 3000 / 10) x .75 (the genes' standard deviation) = .006; take five.
  set.seed(3)
  cells <- vgfm_simulate_culture(3000, days = c(0, 1), birth = none, death = none,
                                 genes = 250, components = NULL, founders = 3000,
                                 velocity = TRUE)
  x <- as.matrix(cells[-1])
  first <- cells$time == 0
  velocity <- attr(cells, "velocity")
  expect_identical(dimnames(velocity), list(NULL, names(attr(cells, "program"))))
  moved <- colMeans(x[!first, ]) - colMeans(x[first, ])
  said <- (colMeans(velocity[first, ]) + colMeans(velocity[!first, ])) / 2
  by_program <- function(v) tapply(v, attr(cells, "program"), mean)
  expect_lt(max(abs(by_program(moved) - by_program(said))), 0.03)
  expect_gt(by_program(said)[["mature"]], 0.2)
  expect_lt(by_program(said)[["immature"]], -0.1)
})

test_that("genes of a branch move in its cells alone, those of growth while rates turn", {
  set.seed(4)
  cells <- vgfm_simulate_culture(400, days = c(2, 4), genes = 250, components = 3,
                                 velocity = TRUE)
  program <- attr(cells, "program")
  branch <- attr(cells, "branch")
  velocity <- attr(cells, "velocity")
  mean_of <- function(rows, gene) mean(velocity[rows, program == gene])
  last <- cells$time == 4
  for (b in c("A", "B", "C")) {
    expect_gt(mean_of(last & branch == b, b), 0.1)
    expect_lt(abs(mean_of(last & branch != b, b)), 0.1)
  }
  # At day 2 branches are young: birth falls from .5 to 0 in C, and death rises to .4,
  # within .6 days.
  young <- !last & branch == "C"
  expect_lt(mean_of(young, "proliferation"), -0.1)
  expect_gt(mean_of(young, "apoptosis"), 0.1)
  # At day 4 rates stand still: what is left is normalisation, the same for flat genes.
  old <- last & branch == "C"
  expect_lt(abs(mean_of(old, "proliferation") - mean_of(old, "none")), 0.03)
})

test_that("the response of expression is the slope of its mean", {
  # Means by sums over the counts, slopes by central differences: 1e-5 holds for both the
  # difference and the interpolation between the entries of the table.
  scale <- 1.3
  response <- expression_response(scale)
  mean_at <- function(mu, scale) {
    k <- 0:3000
    sum(stats::dnbinom(k, 4, mu = mu) * log1p(scale * k))
  }
  h <- 1e-4
  for (mu in exp(c(-3, -0.5, 0, 1.2, 3))) {
    level <- round(log(mu * scale), 1) # an entry of the table
    mu <- exp(level) / scale
    by_count <- mean_at(mu * exp(h), scale) - mean_at(mu * exp(-h), scale)
    by_scale <- mean_at(mu, scale * exp(h)) - mean_at(mu, scale * exp(-h))
    expect_equal(response$count(level), by_count / (2 * h), tolerance = 1e-5)
    expect_equal(response$scale(level), by_scale / (2 * h), tolerance = 1e-5)
  }
})
