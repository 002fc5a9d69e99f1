# The equation of continuity in the training of a potential.

# Fits, with what the equation reads, as it is made for the first of them.
fits_with <- function(pinn, ...) {
  cells <- small_cells()
  real <- equation_rows
  rows <- NULL
  local_function("equation_rows", function(...) rows <<- real(...))
  fit <- function(weight) {
    set.seed(1)
    suppressMessages(vgfm_fit(
      cells$x, cells$time, method = vgfm_method("deepruot", sigma = 0.5, pinn = weight),
      control = small_control(steps = 150, refine_steps = 10, width = 32, batch = 256,
                              ...)
    ), classes = "vgfm_message_mass")
  }
  list(fits = lapply(pinn, fit), rows = rows, pinn = pinn[1])
}

# The naive twin: the output of a network at x (inputs, n).
network <- function(head, x) {
  s <- head$shape
  w <- head$weights
  for (layer in seq_len(s$hidden + 1)) {
    n <- if (layer <= s$hidden) s$width else s$outputs
    k <- nrow(x)
    z <- matrix(w[seq_len(k * n)], n) %*% x + w[k * n + seq_len(n)]
    w <- w[-seq_len((k + 1) * n)]
    x <- if (layer > s$hidden) z else z / (1 + exp(-z))
  }
  drop(x)
}

# What is left of the equation, per standard time.
residual <- function(fit, rows, pinn) {
  head <- fit$field$heads$potential
  h <- 1e-4
  along <- (network(head, rows$input + h * rows$direction) -
              network(head, rows$input - h * rows$direction)) / (2 * h)
  sqrt(rows$weight / pinn) * (along - rows$want)
}

test_that("with its weight the equation holds better, and the flow is the same", {
  made <- fits_with(c(1, 0), activation = "silu")
  left <- vapply(made$fits, function(fit) {
    mean(residual(fit, made$rows, made$pinn)^2)
  }, 0)
  expect_lt(left[1], left[2] / 10)
  one <- made$fits[[1]]
  other <- made$fits[[2]]
  expect_identical(one$field$heads[1:2], other$field$heads[1:2])
  expect_identical(vgfm_evaluate(one)[c("w1", "rme_trained")],
                   vgfm_evaluate(other)[c("w1", "rme_trained")])
  score <- function(fit) predict(fit, type = "score")
  expect_gt(stats::cor(c(score(one)), c(score(other))), 0.5) # still the score
})

test_that("the equation asks for growth less divergence, along the velocity", {
  made <- fits_with(1, activation = "silu")
  fit <- made$fits[[1]]
  rows <- made$rows
  first <- which(rows$input[3, ] == rows$input[3, 1])
  s <- fit$snapshots
  cells <- s$x[spaced(which(s$index == 1), equation_cells), ]
  at <- s$times[1]
  rate <- time_rate(fit, at)
  v <- function(x) predict(fit, x, rep(at, nrow(x)), type = "velocity")
  g <- predict(fit, cells, rep(at, nrow(cells)), type = "growth") -
    added_growth(fit, fit$field$times[1]) * rate
  h <- 1e-3 * s$scale
  divergence <- rowSums(vapply(1:2, function(i) {
    step <- h * diag(2)[i, ]
    (v(sweep(cells, 2, step, "+")) - v(sweep(cells, 2, step)))[, i] / (2 * h)
  }, numeric(nrow(cells))))
  slope <- sqrt(rows$weight / made$pinn)
  expect_equal(rows$want[first] * slope * rate, unname(g - divergence), tolerance = 1e-2)
  expect_equal(t(rows$direction[1:2, first]) * s$scale * rate, v(cells),
               tolerance = 1e-4, ignore_attr = TRUE)
  expect_true(all(rows$direction[3, ] == 1))
})

test_that("such training goes on from wherever it stopped, bit for bit, at any threads", {
  fit <- function(...) {
    set.seed(1)
    cells <- small_cells()
    suppressMessages(vgfm_fit(
      cells$x, cells$time, method = vgfm_method("deepruot", pinn = 0.1),
      control = small_control(steps = 24, refine_steps = 10, ...)
    ), classes = "vgfm_message_mass")
  }
  whole <- fit()
  expect_identical(fit(threads = 3)$field, whole$field)
  local_function("new_progress", function(name, ...) {
    function(steps, ...) if (name == "Matching" && steps > 0) rlang::interrupt()
  })
  expect_warning(part <- fit(), class = "vgfm_warning_interrupted")
  local_function("new_progress", function(name, ...) function(steps, ...) NULL)
  expect_lt(part$training$scoring$step, 72)
  expect_identical(vgfm_resume(part)[c("field", "training")],
                   whole[c("field", "training")])
})
