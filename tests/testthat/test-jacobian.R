test_that("means over groups are means of the derivatives of cells", {
  fit <- small_fit(steps = 40)
  group <- rep(c("x", "y", NA), c(60, 70, 30))
  cells <- vgfm_jacobian(fit)
  means <- vgfm_jacobian(fit, group = group)
  expect_identical(dim(means), c(2L, 2L, 2L))
  for (level in c("x", "y")) {
    expect_equal(means[level, , ], apply(cells[which(group == level), , ], 2:3, mean))
  }
  x <- fit$snapshots$x[1:60, ]
  expect_equal(vgfm_jacobian(fit, x, fit$snapshots$time[1:60], group = rep("x", 60)),
               means["x", , , drop = FALSE], ignore_attr = "eigenvalues")
})

test_that("eigenvalues are those of a matrix that is known", {
  fit <- small_fit(steps = 10)
  matrix <- matrix(c(-1, 2, -2, -1), 2) # -1 +- 2i
  with_field(function(x, time) x %*% t(matrix))
  out <- vgfm_jacobian(fit, group = rep("all", 160))
  expect_equal(unname(out[1, , ]), matrix, tolerance = 1e-6)
  expect_equal(drop(attr(out, "eigenvalues")), c(-1 + 2i, -1 - 2i), tolerance = 1e-6)
  expect_null(attr(vgfm_jacobian(fit), "eigenvalues"))
  each <- attr(vgfm_jacobian(fit, eigen = TRUE), "eigenvalues")
  expect_identical(dim(each), c(160L, 2L))
})

test_that("in genes the matrix is R J R'", {
  fit <- small_fit(steps = 40)
  set.seed(1)
  rotation <- matrix(stats::rnorm(6), 3, dimnames = list(c("g1", "g2", "g3"), NULL))
  features <- vgfm_jacobian(fit)
  genes <- vgfm_jacobian(fit, rotation = rotation)
  expect_equal(unname(genes[7, , ]),
               unname(rotation %*% features[7, , ] %*% t(rotation)))
  some <- vgfm_jacobian(fit, rotation = rotation, genes = c("g3", "g1"))
  expect_equal(some[7, , ], genes[7, c(3, 1), c(3, 1)])
})
