# Iterated proportional fitting, against closed forms and against itself.

udsb_fit <- function(x, time, ..., method = vgfm_method("udsb", rounds = 3),
                     control = small_control(steps = 60)) {
  set.seed(1)
  suppressMessages(vgfm_fit(x, time, ..., method = method, control = control),
                   classes = "vgfm_message")
}

test_that("without births and deaths it is the Schroedinger bridge of two Gaussians", {
  # Closed form in one dimension (Mallasto, Gerolin and Minh 2022; Bunne and others 2023):
  # the ends have covariance c = (sqrt(4 a b + e^2) - e) / 2, e = sigma^2 gap, and a
  # Brownian bridge lies between them. Features are independent of each other.
  set.seed(4)
  n <- 1000
  normal <- function() sample(qnorm((seq_len(n) - 0.5) / n))
  x <- rbind(cbind(normal(), 0.5 * normal()),
             cbind(2 + 0.5 * normal(), 1 + 0.8 * normal()))
  gap <- 2
  sigma <- 0.5
  fit <- udsb_fit(x, rep(c(0, gap), each = n), mass = c(1, 1),
                  method = vgfm_method("udsb", sigma = sigma, rounds = 6),
                  control = small_control(steps = 1500, width = 32, batch = 512))
  a <- c(1, 0.25)
  b <- c(0.25, 0.64)
  to <- c(2, 1)
  e <- sigma^2 * gap
  covariance <- (sqrt(4 * a * b + e^2) - e) / 2
  for (s in c(0.25, 0.5, 0.75)) {
    mean <- s * to
    variance <- (1 - s)^2 * a + s^2 * b + 2 * s * (1 - s) * covariance + e * s * (1 - s)
    change <- (-2 * (1 - s) * a + 2 * s * b + 2 * (1 - 2 * s) * covariance +
                 e * (1 - 2 * s)) / gap
    cells <- vgfm_interpolate(fit, gap * s, from = "first")
    cells <- as.matrix(cells[fit$snapshots$features])
    expect_lt(max(abs(colMeans(cells) - mean)), 0.06)
    expect_lt(max(abs(apply(cells, 2, var) / variance - 1)), 0.1)
    at <- cbind(mean[1] + sqrt(variance[1]) * normal()[1:200],
                mean[2] + sqrt(variance[2]) * normal()[1:200])
    off <- sweep(at, 2, mean)
    velocity <- sweep(sweep(off, 2, change / variance / 2, `*`), 2, to / gap, `+`)
    score <- sweep(off, 2, -1 / variance, `*`)
    root_mean_square <- function(x) sqrt(mean(x^2))
    error <- predict(fit, at, time = gap * s) - velocity
    expect_lt(root_mean_square(error), 0.12)
    found <- predict(fit, at, time = gap * s, type = "score")
    expect_lt(root_mean_square(found - score), 0.2 * root_mean_square(score))
  }
})

test_that("bridges have their ends, and the variance between of Brownian ones", {
  problem <- list(times = c(0, 2), sigma = 0.7, features = 1)
  n <- 4000
  first <- matrix(rep(c(0, 3), n / 2), 1)
  last <- matrix(rep(c(1, -1), n / 2), 1)
  places <- brownian_bridges(first, last, 1, problem, c(3, 4))
  expect_length(places, bridge_steps + 1)
  expect_identical(places[c(1, bridge_steps + 1)], list(first, last))
  for (j in c(2, 11, 20)) {
    s <- (j - 1) / bridge_steps
    off <- places[[j]] - (1 - s) * first - s * last
    variance <- 0.7^2 * 2 * s * (1 - s)
    expect_lt(abs(mean(off)), 5 * sqrt(variance / n))
    expect_equal(mean(off^2), variance, tolerance = 5 * sqrt(2 / n))
  }
})

test_that("growth along bridges draws them to where cells grow", {
  # Growth that rises by `slope` along x moves bridges by slope sigma^2 gap^2 s (1 - s)
  # / 2 (Cameron and Martin 1944). Of 8 candidates, the best moves them by 7 / 8 of it.
  cells <- list(x = cbind(rep(c(-1, 1), 100), 0.3 * sin(1:200 * 7)),
                time = rep(0:1, each = 100))
  fit <- udsb_fit(cells$x, cells$time, mass = c(1, 1), control = small_control(steps = 2))
  problem <- problem_of(fit)
  problem$sigma <- 1
  slope <- 2
  head <- fit$training$heads$velocity
  head$shape <- replace(head$shape, c("inputs", "outputs", "width", "hidden"),
                        list(2, 1, 2, 1))
  # x as the difference of two leaky units, of which the slopes add up to 1.01.
  head$weights <- c(1, -1, 0, 0, 0, 0, slope / 1.01, -slope / 1.01, 0)
  bridging <- fit$training$bridging
  bridging$heads$prior <- head[c("shape", "offset", "scale", "weights")]
  bridging$heads$prior$scale <- 1
  bridging$rates <- data.frame(factor = 1, constant = 0)
  n <- 8000
  ends <- list(first = matrix(0, 2, n), last = matrix(0, 2, n))
  gap <- diff(problem$times)
  middle <- function(forward) {
    rows <- weighted_rows(ends, forward, 1, problem, bridging, c(1, 2), fit$control, NULL)
    expect_equal(ncol(rows$target), n * bridge_steps)
    rowMeans(rows$input[, abs(rows$input[3, ] - gap / 2) < 1e-6])
  }
  for (forward in c(TRUE, FALSE)) {
    found <- middle(forward)
    expect_equal(found[1] / (slope * gap^2 / 8), 0.9, tolerance = 0.12)
    expect_lt(abs(found[2]), 5 * sqrt(gap / 4 / n))
  }
})

test_that("one factor, or else a constant, makes the mass right", {
  log_mass <- c(-1, 0.2, 0.5, 2)
  for (want in c(0.2, 1.5)) {
    found <- balance_growth(log_mass, log(mean(exp(want * log_mass))), 2)
    expect_equal(found$constant, 0)
    expect_equal(mean(exp(found$factor * log_mass)), mean(exp(want * log_mass)))
  }
  # Cells that only grow cannot make a population shrink.
  found <- balance_growth(c(0.5, 1), log(0.8), 2)
  expect_equal(found$factor, 1)
  expect_equal(mean(exp(c(0.5, 1) + 2 * found$constant)), 0.8)
})

test_that("with a prior by state, the branch that dies does, and the other takes over", {
  set.seed(3)
  at <- function(n, x, y) cbind(rnorm(n, x, 0.3), rnorm(n, y, 0.3))
  # Two branches move to the right; the upper one halves, the lower one doubles.
  x <- rbind(at(200, 0, 0), at(200, 0, 3), at(400, 2, 0), at(100, 2, 3))
  time <- rep(0:1, c(400, 500))
  upper <- rep(c(FALSE, TRUE, FALSE, TRUE), c(200, 200, 400, 100))
  method <- vgfm_method("udsb", coupling = coupling_semirelaxed(), rounds = 3,
                        growth = growth_learned())
  # The rates are known up to a factor.
  prior <- ifelse(upper, -0.5, 0.5) * log(2)
  fit <- udsb_fit(x, time, mass = c(1, 1.25), growth_prior = prior, method = method,
                  control = small_control(steps = 400, width = 32, batch = 512))
  expect_equal(fit$training$bridging$rates$factor, 2, tolerance = 0.2)
  expect_equal(fit$training$bridging$rates$constant, 0)
  expect_lt(max(summary(fit)$mass_error), 0.1)
  growth <- predict(fit, type = "growth")
  expect_equal(as.vector(tapply(growth, upper, mean)), c(1, -1) * log(2),
               tolerance = 0.2)
  # Shares of the branches at the end.
  cells <- vgfm_interpolate(fit, 1, from = "first")
  height <- cells[[fit$snapshots$features[2]]]
  share <- sum(cells$weight[height > 1.5]) / sum(cells$weight)
  expect_equal(share, 0.2, tolerance = 0.2)
})

test_that("a prior that cannot make the mass right gets a constant, and that is said", {
  cells <- small_cells()
  method <- vgfm_method("udsb", coupling = coupling_semirelaxed(), rounds = 1,
                        growth = growth_learned())
  fit <- NULL
  expect_message(
    fit <- vgfm::vgfm_fit(cells$x, cells$time, mass = c(1, 0.5, 2), method = method,
                          growth_prior = rep(0.2, 160),
                          control = small_control(steps = 20)),
    "cannot make the masses right between .*2.* and .*4", class = "vgfm_message_growth"
  ) |> suppressMessages() |> suppressWarnings()
  rates <- fit$training$bridging$rates
  expect_equal(rates$factor[1], 1)
  expect_lt(rates$constant[1], 0)
  expect_gt(rates$factor[2], 1)
  expect_equal(rates$constant[2], 0)
})

test_that("masses decide births and deaths without a prior", {
  cells <- small_cells()
  fit <- udsb_fit(cells$x, cells$time, mass = c(1, 3, 2))
  rates <- fit$training$bridging$rates
  gaps <- diff(fit$field$times)
  expect_equal(exp(rates$constant * gaps), c(3, 2 / 3))
  problem <- problem_of(fit)
  bridging <- fit$training$bridging
  run <- function(forward, k) {
    ends <- simulate_bridge(bridging, forward, k, 7, c(1, 2), problem, fit$snapshots,
                            fit$control, call = NULL)
    ncol(ends$first)
  }
  # 1000 cells at the larger end, 5 standard errors of a birth process.
  expect_equal(run(TRUE, 1), 1000, tolerance = 5 * sqrt(2 / 1000))
  expect_equal(run(FALSE, 1), 1000 / 3, tolerance = 5 * sqrt(2 / 1000))
  expect_equal(run(TRUE, 2), 2000 / 3, tolerance = 5 * sqrt(1 / 2000))
})

test_that("it goes on from an interrupt and from a checkpoint, to the same bits", {
  cells <- small_cells()
  file <- tempfile(fileext = ".rds")
  on.exit(unlink(file))
  kept <- list()
  local({
    local_function("checkpoint_seconds", 0)
    local_function("checkpoint_share", 1e6)
    local_function("write_whole", function(object, file) {
      kept[[length(kept) + 1]] <<- serialize(object, NULL)
    })
    control <- small_control(steps = 60, checkpoint = file)
    whole <<- udsb_fit(cells$x, cells$time, control = control)
  })
  same <- c("field", "training", "history")
  for (k in unique(c(3, length(kept) %/% 2, length(kept) - 1))) {
    saveRDS(unserialize(kept[[k]]), file)
    expect_identical(vgfm_resume(file)[same], whole[same])
  }
  for (at in c("Bridging 1/6", "Bridging 4/6", "Matching")) {
    local_function("new_progress", function(name, ...) {
      function(steps, ...) if (name == at && steps > 0) rlang::interrupt()
    })
    expect_warning(part <- udsb_fit(cells$x, cells$time),
                   class = "vgfm_warning_interrupted")
    expect_null(part$checks)
    local_function("new_progress", function(name, ...) function(...) NULL)
    expect_identical(vgfm_resume(part)[same], whole[same])
  }
  # Ctrl-C while paths are simulated.
  first <- TRUE
  local_function("starting_cells", local({
    original <- starting_cells
    function(problem, at, n, key) {
      if (first && at == 2) {
        first <<- FALSE
        rlang::interrupt()
      }
      original(problem, at, n, key)
    }
  }))
  expect_warning(part <- udsb_fit(cells$x, cells$time),
                 class = "vgfm_warning_interrupted")
  expect_identical(vgfm_resume(part)[same], whole[same])
})

test_that("threads change nothing", {
  cells <- small_cells()
  one <- udsb_fit(cells$x, cells$time, control = small_control(steps = 30, threads = 1))
  two <- udsb_fit(cells$x, cells$time, control = small_control(steps = 30, threads = 2))
  expect_identical(one$training, two$training)
})

test_that("it is stochastic, and refuses what it cannot use", {
  cells <- small_cells()
  fit <- udsb_fit(cells$x, cells$time)
  paths <- vgfm_trajectories(fit, n = 3, stochastic = TRUE, times = c(2, 4))
  expect_true(all(is.finite(as.matrix(paths[fit$snapshots$features]))))
  wrong <- function(...) {
    expect_error(udsb_fit(cells$x, cells$time, ...), class = "vgfm_error_method")
  }
  wrong(growth_prior = cells$x[, 1] / 10)
  learned <- vgfm_method("udsb", coupling = coupling_semirelaxed(),
                         growth = growth_learned())
  wrong(method = learned)
  wrong(method = vgfm_method("udsb", coupling = coupling_semirelaxed()),
        growth_prior = cells$x[, 1] / 10)
  expect_error(vgfm_method("udsb", path = path_straight()), class = "vgfm_error_method")
  expect_error(vgfm_method("udsb", rounds = 0), class = "vgfm_error_method")
})

test_that("a damaged bridge is refused, not run", {
  cells <- small_cells()
  local_function("new_progress", function(name, ...) {
    function(steps, ...) if (name == "Bridging 3/6" && steps > 0) rlang::interrupt()
  })
  suppressWarnings(part <- udsb_fit(cells$x, cells$time))
  local_function("new_progress", function(name, ...) function(...) NULL)
  damage <- list(
    function(b) replace(b, "done", list("x")),
    function(b) replace(b, "heads", list(NULL)),
    function(b) { b$heads$forward$weights <- 1; b },
    function(b) { b$heads$backward$shape$width <- 999; b },
    function(b) { b$current$heads$velocity$first <- 1; b },
    function(b) { b$rates$constant <- NA_real_; b },
    function(b) replace(b, "length", list(0)),
    function(b) 1
  )
  for (change in damage) {
    altered <- part
    altered$training$bridging <- change(part$training$bridging)
    expect_error(vgfm_resume(altered), class = "vgfm_error_fit")
  }
})
