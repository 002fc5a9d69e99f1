# Training by simulation: dynamic_uot and deepruot.

simulated <- function(method = "deepruot", ..., seed = 1) {
  small_fit_of(small_cells(), method, ..., seed = seed)
}

small_fit_of <- function(cells, method, ..., mass = NULL, seed = 1) {
  settings <- utils::modifyList(list(steps = 24, refine_steps = 10), list(...))
  set.seed(seed)
  suppressMessages(
    vgfm_fit(cells$x, cells$time, mass, method = method,
             control = do.call(small_control, settings)),
    classes = "vgfm_message_mass"
  )
}

# A cloud that stays where it is.
still_cells <- function(n = 300) {
  set.seed(2)
  x <- scale(matrix(rnorm(2 * n), n))
  list(x = rbind(x, x), time = rep(0:1, each = n))
}

# The score of cells at rest in the middle of a Brownian bridge with sigma 1 over a time
# of 1: each is a Gaussian of variance 1 / 4.
bridge_score <- function(at, x, weight = rep(1, nrow(x))) {
  t(apply(at, 1, function(place) {
    way <- sweep(x, 2, place)
    near <- weight * exp(-rowSums(way^2) / 2 / 0.25)
    colSums(near * way) / 0.25 / sum(near)
  }))
}
off <- function(score, want) sqrt(mean((score - want)^2) / mean(want^2))

test_that("the flow meets the snapshots, with growth where cells grow, from nothing", {
  set.seed(3)
  x <- rbind(cbind(rnorm(60), rnorm(60)) / 10, cbind(rnorm(60) / 10, 3 + rnorm(60) / 10),
             cbind(1 + rnorm(60) / 10, rnorm(60) / 10),
             cbind(rnorm(180) / 10, 3 + rnorm(180) / 10))
  time <- rep(0:1, c(120, 240))
  fit <- small_fit_of(list(x = x, time = time), "dynamic_uot", steps = 300, width = 32)
  table <- vgfm_evaluate(fit)
  expect_lt(table$w1, 0.12) # a cloud is 0.1 wide, and moves by 1
  expect_lt(table$rme_trained, 0.02)
  start <- x[1:120, ]
  moved <- predict(fit, start, 0, type = "velocity")
  expect_equal(colMeans(moved[1:60, ]), c(1, 0), tolerance = 0.2, ignore_attr = TRUE)
  growth <- predict(fit, start, 0, type = "growth")
  expect_equal(mean(growth[1:60]), 0, tolerance = 0.1)
  expect_equal(mean(growth[61:120]), log(3), tolerance = 0.1)
})

test_that("energies weigh: where they cost more, cells move and grow less", {
  used <- function(...) {
    fit <- simulated(vgfm_method("dynamic_uot", ...), steps = 200)
    first <- fit$snapshots$index < 3
    c(sqrt(mean(predict(fit)[first, ]^2)),
      stats::sd(predict(fit, type = "growth")[first]))
  }
  free <- used(energy = 0, energy_growth = 0)
  expect_lt(used(energy = 10, energy_growth = 0)[1], 0.8 * free[1])
  expect_lt(used(energy = 0, energy_growth = 10)[2], 0.8 * free[2])
})

test_that("the score is that of a cloud under Brownian bridges", {
  cells <- still_cells()
  fit <- small_fit_of(cells, vgfm_method("deepruot", sigma = 1),
                      mass = c(1, 1), steps = 600, width = 32, batch = 512)
  x <- as.matrix(expand.grid(c(-1, 0, 1), c(-1, 0, 1)))
  score <- predict(fit, x, rep(0.5, 9), type = "score")
  expect_lt(off(score, bridge_score(x, cells$x[cells$time == 0, ])), 0.13)
  # It is a gradient: its derivatives are symmetric.
  slope <- function(i, j) {
    step <- 0.02 * diag(2)[i, ]
    up <- predict(fit, sweep(x, 2, step, "+"), rep(0.5, 9), type = "score")
    down <- predict(fit, sweep(x, 2, step), rep(0.5, 9), type = "score")
    (up - down)[, j] / 0.04
  }
  expect_equal(slope(1, 2), slope(2, 1), tolerance = 1e-3)
  expect_gt(max(abs(slope(1, 2))), 1e-3) # not for want of any
  # Paths with noise keep the cloud as it is, within the noise of their number.
  table <- vgfm_evaluate(fit, stochastic = TRUE)
  expect_equal(table$spread, 1, tolerance = 0.15)
})

test_that("the score is that of the weighted cloud", {
  set.seed(4)
  n <- 400
  x <- t(scale(matrix(rnorm(2 * n), n)))
  weight <- exp(x[1, ])
  cloud <- list(x = x, weight = weight / mean(weight))
  control <- small_control(steps = 1800, width = 32, batch = 512,
                           activation = "leaky_relu")
  rows <- score_problem(list(cloud, cloud), list(times = c(0, 1), sigma = 1), control)
  expect_equal(exp(rows$log_ends), cloud$weight, tolerance = 1e-6)
  units <- list(potential = c(offset = 0, scale = 1))
  head <- new_potential(list(features = 2, units = units), control, c(1, 2))
  state <- list(heads = list(potential = head), key = c(1, 2), step = 0,
                losses = matrix(0, 1, 0))
  still <- list(shape = utils::modifyList(head$shape, list(outputs = 2)), offset = 0,
                scale = 1, weights = numeric(count_parameters(utils::modifyList(
                  head$shape, list(outputs = 2)))))
  potential <- run_matching(state, rows, control)$heads$potential
  field <- list(heads = list(velocity = still, potential = potential), times = c(0, 1),
                sigma = 1)
  at <- t(as.matrix(expand.grid(c(0, 1, 2), c(-1, 0, 1))))
  score <- 2 * t(.Call(ffi_field_evaluate, field, at, rep(0.5, 9), 1L)$score)
  want <- bridge_score(t(at), t(x), weight)
  expect_lt(off(score, want), 0.15)
  expect_gt(off(bridge_score(t(at), t(x)), want), 0.3) # the weights matter
})

test_that("training goes on from wherever it stopped, bit for bit, at any threads", {
  whole <- simulated()
  expect_identical(simulated(threads = 3)$field, whole$field)
  expect_true(is_complete(whole))
  expect_equal(ncol(whole$training$losses), 24)
  expect_true(all(whole$training$losses > 0))
  for (stage in c("Simulating", "Refining", "Matching")) {
    local_function("new_progress", function(name, ...) {
      function(steps, ...) if (name == stage && steps > 0) rlang::interrupt()
    })
    expect_warning(part <- simulated(), class = "vgfm_warning_interrupted")
    local_function("new_progress", function(name, ...) function(steps, ...) NULL)
    expect_false(is_complete(part), info = stage)
    expect_null(fit_fault(part), info = stage)
    expect_identical(vgfm_resume(part)[c("field", "training")],
                     whole[c("field", "training")], info = stage)
  }
})

test_that("more simulation has its potential matched anew", {
  short <- simulated(refine_steps = 0)
  more <- vgfm_resume(short, refine_steps = 10)
  expect_identical(more$field, simulated()$field)
  longer <- vgfm_resume(short, steps = 30)
  expect_equal(longer$training$step, 30)
  expect_equal(longer$training$scoring$step, 90)
  expect_null(fit_fault(longer))
})

test_that("a checkpoint of any stage goes on to the same fit", {
  whole <- simulated()
  file <- tempfile(fileext = ".rds")
  kept <- list()
  real <- write_whole
  local_function("checkpoint_seconds", -1)
  local_function("checkpoint_share", Inf)
  local_function("write_whole", function(object, file) {
    if (inherits(object, "vgfm_checkpoint") && !is.null(object$training)) {
      kept[[length(kept) + 1]] <<- unserialize(serialize(object, NULL))
    }
  })
  fit <- simulated(checkpoint = file)
  expect_identical(fit$field, whole$field)
  stages <- vapply(kept, function(one) {
    training <- one$training
    if (!is.null(training$scoring)) 3 else if (!is.null(training$refinement)) 2 else 1
  }, 0)
  expect_setequal(stages, 1:3)
  for (at in match(1:3, stages)) {
    real(kept[[at]], file)
    expect_identical(vgfm_resume(file)$field, whole$field)
  }
})

test_that("parts that simulation has no use for are refused", {
  wrong <- function(code) expect_error(code, class = "vgfm_error_method")
  wrong(vgfm_method("deepruot", growth = growth_uniform()))
  wrong(vgfm_method("deepruot", path = path_smooth()))
  wrong(vgfm_method("dynamic_uot", energy = -1))
  wrong(training_simulate(mass = NA))
  wrong(training_simulate(pinn = -1))
  wrong(vgfm_method("dynamic_uot", pinn = 1))
  many <- matrix(rnorm(40 * 11), 40)
  wrong(vgfm_fit(many, rep(0:1, each = 20), method = vgfm_method("deepruot", pinn = 1),
                 control = small_control(steps = 5)))
  cells <- small_cells()
  wrong(vgfm_fit(cells$x, cells$time, method = "deepruot",
                 growth_prior = rep(0.1, 160), control = small_control(steps = 5)))
})

test_that("a potential of straight pieces is no score", {
  fit <- simulated(activation = "leaky_relu")
  expect_equal(fit$field$heads$velocity$shape$activation, activations[["leaky_relu"]])
  expect_equal(fit$field$heads$potential$shape$activation, activations[["silu"]])
  broken <- fit
  broken$field$heads$potential$shape$activation <- 0
  expect_error(predict(broken), class = "vgfm_error_fit")
  expect_error(.Call(ffi_field_evaluate, broken$field, matrix(0, 2, 1), 0, 1L),
               class = "vgfm_error_internal")
})

test_that("it is said that energies, and no other interval, weigh growth", {
  set.seed(1)
  x <- matrix(rnorm(400), 200)
  expect_message(
    vgfm::vgfm_fit(x + rep(0:1, each = 100), rep(0:1, each = 100), mass = c(1, 2),
                   method = "dynamic_uot", control = small_control(steps = 2)),
    "by the energies", class = "vgfm_message_growth"
  ) |> suppressWarnings()
})
