test_that("the gene network has its shape and the stated start", {
  set.seed(1)
  sim <- vgfm_simulate_gene_network(n = 4000, times = c(0, 1))
  expect_identical(names(sim), c("time", "x1", "x2"))
  expect_length(attr(sim, "growth"), nrow(sim))
  expect_true(all(sim$x1 >= 0 & sim$x2 >= 0))
  start <- sim[sim$time == 0, ]
  expect_equal(nrow(start), 4000)
  # 2000 of each kind; clipping N(0, 0.1) at 0 leaves a mean of 0.1 / sqrt(2 pi), and
  # N(0.2, 0.1) one of 0.2 + 0.1 (phi(2) - 2 Phi(-2)). Five standard errors.
  above <- start$x1 > 1
  expect_equal(sum(above), 2000)
  error <- 5 * 0.1 / sqrt(2000)
  expect_lt(abs(mean(start$x1[above]) - 2), error)
  expect_lt(abs(mean(start$x1[!above]) - 0.1 / sqrt(2 * pi)), error)
  expect_lt(abs(mean(start$x2[above]) - 0.2 - 0.1 * (dnorm(2) - 2 * pnorm(-2))), error)
})

test_that("the drift is that of the equations", {
  # All of a1 x1^2 ... written out at one state, and a fixed point: gene 3 at 2 and at
  # 1/2 solves x^2 / (1 + x^2) = 0.4 x.
  x1 <- 1.5
  x2 <- 0.7
  x3 <- 0.3
  wanted <- c(
    (0.5 * x1^2 + 1) / (1 + 0.5 * x1^2 + 1 * x2^2 + 10 * x3^2 + 1) - 0.4 * x1,
    (1 * x2^2 + 1) / (1 + 0.5 * x1^2 + 1 * x2^2 + 10 * x3^2 + 1) - 0.4 * x2,
    1 * x3^2 / (1 + 1 * x3^2) - 0.4 * x3
  )
  expect_equal(drop(gene_network_drift(cbind(x1, x2, x3))), wanted, ignore_attr = TRUE)
  expect_equal(gene_network_drift(cbind(0, 0, c(2, 0.5)))[, 3], c(0, 0))
})

test_that("the population follows the published data", {
  # Published: 400, 442, 530, 690 and 969 cells, mean x2 from 0.115 to 1.646. Over seeds
  # the last count has a standard deviation of 48, the mean of ten one of 15; x2 0.02.
  set.seed(2)
  counts <- replicate(10, table(vgfm_simulate_gene_network()$time))
  expect_lt(max(abs(rowMeans(counts) / c(400, 442, 530, 690, 969) - 1)), 0.07)
  means <- replicate(5, {
    sim <- vgfm_simulate_gene_network()
    tapply(sim$x2, sim$time, mean)
  })
  expect_lt(max(abs(rowMeans(means) - c(0.115, 0.599, 1.076, 1.437, 1.646))), 0.08)
})

test_that("growth is the rate at which cells divide", {
  set.seed(3)
  sim <- vgfm_simulate_gene_network(n = 20000, times = c(0, 0.001, 1, 2), division = 0.5)
  expect_equal(attr(sim, "growth"), 0.5 * sim$x2^2 / (1 + sim$x2^2))
  # From 1 to 2 each cell of the moved population divides with that probability; those
  # of the snapshot at 2 tell it to first order. Five standard errors of a binomial, and
  # a tenth for the difference.
  count <- table(sim$time)
  rate <- mean(attr(sim, "growth")[sim$time == 2])
  seen <- count[["2"]] / count[["1"]] - 1
  expect_lt(abs(seen - rate), 5 * sqrt(rate / count[["1"]]) + 0.1 * rate)
  still <- vgfm_simulate_gene_network(n = 10, times = 0:3, division = 0)
  expect_equal(as.vector(table(still$time)), rep(10, 4))
})

test_that("steps divide any gap, and a seed fixes the result", {
  set.seed(4)
  a <- vgfm_simulate_gene_network(n = 11, times = c(0, 0.7, 2.5))
  set.seed(4)
  expect_identical(vgfm_simulate_gene_network(n = 11, times = c(0, 0.7, 2.5)), a)
  expect_identical(unique(a$time), c(0, 0.7, 2.5))
})

test_that("Gaussian clusters have their centres, sizes and spread", {
  set.seed(5)
  sim <- vgfm_simulate_gaussian(d = 4)
  expect_identical(names(sim), c("time", "x1", "x2", "x3", "x4"))
  growing <- attr(sim, "growth") > 0
  expect_equal(as.vector(table(growing, sim$time)), c(400, 100, 400, 1000))
  expect_setequal(attr(sim, "growth"), c(0, log(10)))
  x <- as.matrix(sim[-1])
  centre <- cbind(
    ifelse(sim$time == 1 & !growing, sign(x[, 1]), 0), ifelse(growing, 2.5, 0), 0, 0
  )
  rest <- x - centre
  # 1900 x 4 normals: five standard errors of mean and standard deviation.
  expect_lt(abs(mean(rest)), 5 * 0.0707 / sqrt(length(rest)))
  expect_lt(abs(sd(rest) / 0.0707 - 1), 5 / sqrt(2 * length(rest)))
  expect_equal(sum(x[sim$time == 1 & !growing, 1] > 0), 200)
  expect_equal(nrow(vgfm_simulate_gaussian(d = 2, n = 7)), 38)
})

test_that("arguments out of range are errors", {
  expect_error(vgfm_simulate_gene_network(n = 1), class = "vgfm_error_input")
  expect_error(vgfm_simulate_gene_network(times = 0), class = "vgfm_error_time")
  expect_error(vgfm_simulate_gene_network(times = c(1, 0)), class = "vgfm_error_time")
  expect_error(vgfm_simulate_gene_network(times = c(0, NA)), class = "vgfm_error_time")
  expect_error(vgfm_simulate_gene_network(step = 0), class = "vgfm_error_input")
  expect_error(vgfm_simulate_gene_network(division = -1), class = "vgfm_error_input")
  expect_error(vgfm_simulate_gaussian(d = 1), class = "vgfm_error_input")
  expect_error(vgfm_simulate_gaussian(n = 0), class = "vgfm_error_input")
  expect_error(vgfm_simulate_gaussian(sd = NaN), class = "vgfm_error_input")
  expect_snapshot(vgfm_simulate_gene_network(times = c(0, 8, 8)), error = TRUE)
})

test_that("the culture grows at its rates, and commits by its biases", {
  set.seed(3)
  # Without births and deaths the population stays, and all have committed by day 4.
  none <- c(trunk = 0, A = 0, B = 0, C = 0)
  still <- vgfm_simulate_culture(n = 4000, days = c(0, 4), birth = none, death = none,
                                 genes = 100, components = 2, founders = 4000)
  expect_equal(unname(attr(still, "mass")), c(4000, 4000))
  expect_true(all(attr(still, "growth") == 0))
  last <- still$time == 4
  share <- table(attr(still, "branch")[last])[c("A", "B", "C")] / 4000
  expected <- colMeans(attr(still, "fate")[!last, ])
  # Each cell draws its branch: 5 standard errors.
  expect_lt(max(abs(share - expected)), 5 * sqrt(0.25 / 4000))
  expect_true(all(attr(still, "ancestor")[last, "0"] == "trunk"))
  expect_equal(rowSums(attr(still, "fate")), rep(1, 8000))

  # The trunk grows by exp(0.45) a day; numbers of descendants have a variance of
  # (b + d) / (b - d) m (m - 1) for a mean of m. 5 standard errors.
  cells <- vgfm_simulate_culture(n = 1500, genes = 100, components = 5,
                                 change = list(day = 3, birth = c(A = 0.4)))
  m <- exp(0.45)
  error <- sqrt(0.55 / 0.45 * m * (m - 1) * 4000)
  expect_lt(abs(attr(cells, "mass")[["1"]] - 4000 * m), 5 * error)
  mean_growth <- tapply(attr(cells, "growth"), list(cells$time, attr(cells, "branch")),
                        mean)
  expect_equal(mean_growth["0", "trunk"], 0.45)
  expect_equal(mean_growth["4", c("A", "B", "C")], c(A = 0.38, B = 0, C = -0.4))
  expect_gt(mean_growth["2", "A"], 0.5) # before the change; some are young yet

  # A branch once taken is kept.
  ancestor <- attr(cells, "ancestor")
  branch <- as.character(attr(cells, "branch"))
  expect_identical(ancestor[cbind(seq_along(branch), match(cells$time, 0:4))], branch)
  before <- ancestor[cells$time == 4, "3"]
  expect_true(all(before == "trunk" | before == branch[cells$time == 4]))
  expect_true(all(is.na(ancestor[cells$time < 4, "4"])))
})

test_that("genes of the culture's programs go with what they are named after", {
  set.seed(4)
  cells <- vgfm_simulate_culture(n = 400, genes = 250, components = 5, counts = TRUE,
                                 batch = 0.1, doublets = 0.04)
  values <- as.matrix(log_normalised(attr(cells, "counts")))
  program <- attr(cells, "program")
  expect_identical(names(program), rownames(values))
  along <- function(what) {
    drop(stats::cor(t(values), what))[program != "none"]
  }
  of <- droplevels(program[program != "none"])
  best <- function(what) names(which.max(tapply(along(what), of, mean)))
  branch <- attr(cells, "branch")
  expect_identical(best(branch == "A" & cells$time == 4), "A")
  expect_identical(best(branch == "C" & cells$time == 4), "C")
  # Death is highest in branch C: its genes come first or second.
  dying <- sort(-tapply(along(-attr(cells, "growth")), of, mean))
  expect_true("apoptosis" %in% names(dying)[1:2])
  expect_equal(dim(cells), c(2000, 6))
  # Progress is at most (4 - 0.7 / 0.45) / 2 = 1.2: expression rises e-fold, no more.
  depth <- Matrix::colSums(attr(cells, "counts"))
  expect_gt(median(depth), 250 / 2)
  expect_lt(max(depth), 250 * 20)
})

test_that("the culture follows set.seed(), and refuses what cannot be", {
  once <- function() {
    set.seed(5)
    vgfm_simulate_culture(n = 50, days = 0:1, genes = 100, components = 3, founders = 100)
  }
  expect_identical(once(), once())
  refused <- function(code) expect_error(code, class = "vgfm_error_input")
  refused(vgfm_simulate_culture(days = c(-1, 2)))
  refused(vgfm_simulate_culture(birth = c(trunk = 1)))
  refused(vgfm_simulate_culture(death = c(trunk = 1, A = -1, B = 0, C = 0)))
  refused(vgfm_simulate_culture(change = list(birth = c(A = 1))))
  refused(vgfm_simulate_culture(change = list(day = 2, birth = c(Z = 1))))
  refused(vgfm_simulate_culture(n = 100, founders = 50))
})

test_that("simulated cells have no names, so that what is known of them goes by place", {
  set.seed(1)
  for (cells in list(
    vgfm_simulate_gene_network(20), vgfm_simulate_gaussian(2, 10),
    vgfm_simulate_culture(20, genes = 100, components = 3, founders = 100)
  )) {
    expect_null(rownames(as.matrix(cells)))
    expect_length(attr(cells, "growth"), nrow(cells))
  }
})
