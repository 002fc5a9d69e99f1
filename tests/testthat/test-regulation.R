test_that("without noise effects are the derivatives of the flow", {
  fit <- small_fit(steps = 40)
  group <- rep(c("x", "y"), c(60, 100))
  table <- vgfm_regulation(fit, group = group, noise = 0)
  means <- vgfm_jacobian(fit, group = group)
  for (row in seq_len(nrow(table))) {
    with(table[row, ], {
      expect_equal(effect, means[as.character(group), target, regulator])
    })
  }
  expect_identical(nrow(table), 8L)
  expect_identical(attr(table, "noise"), 0)
})

test_that("in genes effects are R M R', of new cells as of those of the fit", {
  fit <- small_fit(steps = 40)
  rotation <- matrix(c(1, 0, 2, -1, 1, 1), 3,
                     dimnames = list(c("g1", "g2", "g3"), c("a", "b")))
  as_matrix <- function(table, names) {
    out <- matrix(0, length(names), length(names))
    out[cbind(match(table$target, names), match(table$regulator, names))] <- table$effect
    out
  }
  features <- as_matrix(vgfm_regulation(fit, noise = 0.3), c("a", "b"))
  genes <- vgfm_regulation(fit, noise = 0.3, rotation = rotation)
  expect_equal(as_matrix(genes, rownames(rotation)),
               unname(rotation %*% features %*% t(rotation)))
  expect_false(is.unsorted(-abs(genes$effect)))
  s <- fit$snapshots
  expect_equal(as_matrix(vgfm_regulation(fit, s$x, s$time, noise = 0.3), c("a", "b")),
               features)
  expect_error(vgfm_regulation(fit, genes = "zz"), class = "vgfm_error_genes")
  expect_error(vgfm_regulation(fit, noise = -1), class = "vgfm_error_input")
})

# A population of a process dx = (c + A x) dt + noise dW that is known: its Gaussian cloud
# at some times, and the flow that carries it.
known_process <- function(noise) {
  drift <- matrix(c(-0.4, -0.1, -0.2, -0.3), 2) # columns: regulators
  rest <- c(2, 1)
  step <- 1e-3
  times <- c(2, 4, 8)
  mean <- c(-2, 4)
  cov <- diag(0.05, 2)
  at <- 2
  clouds <- list()
  for (time in times) {
    while (at < time - step / 2) {
      mean <- mean + step * drop(drift %*% (mean - rest))
      cov <- cov + step * (drift %*% cov + cov %*% t(drift) + diag(noise^2, 2))
      at <- at + step
    }
    clouds[[length(clouds) + 1]] <- list(mean = mean, cov = cov)
  }
  list(drift = drift, rest = rest, times = times, clouds = clouds, noise = noise)
}

# Between two times the cloud is that of the next one after a little step back: here only
# times next to the observed ones are asked for.
known_flow <- function(process) {
  function(x, time) {
    out <- 0 * x
    for (k in seq_along(process$times)) {
      rows <- which(abs(time - process$times[k]) < 0.1)
      if (length(rows) == 0) next
      cloud <- process$clouds[[k]]
      gap <- time[rows[1]] - process$times[k]
      mean <- cloud$mean + gap * drop(process$drift %*% (cloud$mean - process$rest))
      off <- t(x[rows, , drop = FALSE]) - mean
      score <- -solve(cloud$cov, off)
      drift <- process$drift %*% (t(x[rows, , drop = FALSE]) - process$rest)
      out[rows, ] <- t(drift - process$noise^2 / 2 * score)
    }
    out
  }
}

process_fit <- function(process, n = 400) {
  set.seed(1)
  x <- do.call(rbind, lapply(process$clouds, function(cloud) {
    z <- scale(matrix(stats::rnorm(2 * n), n))
    z <- z %*% solve(chol(stats::cov(z))) %*% chol(cloud$cov)
    z + rep(cloud$mean, each = n)
  }))
  colnames(x) <- c("a", "b")
  vgfm_fit(x, rep(process$times, each = n), control = small_control(steps = 5))
}

test_that("drift and noise of a process that is known are found", {
  process <- known_process(0.6)
  fit <- process_fit(process)
  with_field(known_flow(process))
  # The flow alone says something else.
  flow <- vgfm_regulation(fit, noise = 0)
  truth <- function(table) {
    process$drift[cbind(match(table$target, c("a", "b")),
                        match(table$regulator, c("a", "b")))]
  }
  expect_gt(max(abs(flow$effect - truth(flow))), 0.1)
  # The cloud turns a little while it moves, which the estimate leaves out.
  table <- vgfm_regulation(fit)
  expect_equal(attr(table, "noise"), 0.6, tolerance = 0.02)
  expect_equal(table$effect, truth(table), tolerance = 0.05)
  given <- vgfm_regulation(fit, noise = 0.6)
  expect_equal(given$effect, truth(given), tolerance = 0.01)
})

test_that("two clouds of one group and time are told apart", {
  set.seed(1)
  one <- matrix(stats::rnorm(400), 200)
  x <- rbind(one, one + rep(c(8, 0), each = 200))
  at <- list(x = x, time = rep(0, 400))
  parts <- cell_clouds(at, factor(rep("all", 400)))
  expect_identical(lapply(parts[order(vapply(parts, min, 1))], sort),
                   list(1:200, 201:400))
  # Neither a normal nor a uniform cloud is split.
  at$x <- cbind(stats::runif(400), 0.1 * stats::runif(400))
  expect_length(cell_clouds(at, factor(rep("all", 400))), 1)
})

test_that("the signs of a gene network are found, and gene 2 drives its growth", {
  set.seed(2)
  cells <- vgfm_simulate_gene_network()
  fit <- vgfm_fit(cells[-1], cells$time,
                  control = vgfm_control("fast", progress = FALSE))
  # Below 0 in the equations along the whole path, see vgfm_simulate_gene_network().
  for (group in list(NULL, cells$x1 + cells$x2 > 1)) {
    table <- vgfm_regulation(fit, group = group)
    if (!is.null(group)) table <- table[table$group == "TRUE", ]
    expect_identical(nrow(table), 4L)
    expect_true(all(table$effect < 0))
  }
  genes <- vgfm_growth_genes(fit)
  expect_identical(genes$gene[1], "x2")
  expect_identical(which.max(genes$partial), 1L)
})

test_that("a group may have an empty name; no cells regulate nothing", {
  fit <- small_fit(steps = 5)
  group <- rep(c("", "b"), 80)
  other <- rep(c("a", "b"), 80)
  expect_identical(vgfm_regulation(fit, group = group, noise = 1)$effect,
                   vgfm_regulation(fit, group = other, noise = 1)$effect)
  expect_error(vgfm_regulation(fit, fit$snapshots$x[0, ], time = 2), "one cell",
               class = "vgfm_error_newdata")
  expect_error(vgfm_growth_genes(fit, fit$snapshots$x[0, ], time = 2), "one cell",
               class = "vgfm_error_newdata")
  expect_error(vgfm_perturb(fit, c(a = 1), newdata = fit$snapshots$x[0, ], time = 2),
               "one cell", class = "vgfm_error_newdata")
})
