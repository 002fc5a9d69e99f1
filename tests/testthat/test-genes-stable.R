small_ensemble <- once(function() {
  set.seed(1)
  fit <- small_fit(steps = 60)
  suppressMessages(suppressWarnings(vgfm_ensemble(fit, replicates = 3)))
})

# The table of each replicate, by the cells that it was made of.
each_replicate <- function(ensemble, ask) {
  lapply(seq_along(ensemble$replicates), function(b) {
    ask(replicate_fit(ensemble, b), ensemble$replicates[[b]]$rows)
  })
}

test_that("agreement on the sign is counted over the replicates", {
  ensemble <- small_ensemble()
  s <- ensemble$fit$snapshots
  set.seed(6)
  values <- cbind(s$x, none = stats::rnorm(160))
  table <- vgfm_growth_genes(ensemble, expression = values, average = 0)
  plain <- vgfm_growth_genes(ensemble$fit, expression = values, average = 0)
  expect_equal(table[names(plain)], plain, ignore_attr = TRUE)
  marginals <- vapply(each_replicate(ensemble, function(one, rows) {
    growth <- predict(one, s$x, s$time, type = "growth")
    drop(stats::cor(values[rows, table$gene], growth[rows]))
  }), identity, numeric(3))
  agree <- rowMeans(sign(marginals) == sign(table$marginal))
  expect_equal(table$sign_agreement, unname(agree))
  steady <- abs(table$marginal) >= 3 * apply(marginals, 1, stats::sd)
  expect_identical(table$stable, unname(steady & agree >= 0.95))
  expect_identical(attr(table, "replicates"), 3L)
  expect_true(all(table$marginal_low >= -1 & table$marginal_high <= 1))
  expect_true(all(table$marginal_low <= table$marginal &
                    table$marginal <= table$marginal_high))
})

test_that("a sign that replicates do not share is not stable", {
  table <- data.frame(gene = c("a", "b", "c", "d"), marginal = c(1, 1, -1, NA))
  said <- list(c(1, 1, -0.8, 1), c(1.1, -1, -0.1, 1), c(0.9, 2, -1.4, 1))
  tables <- lapply(said, function(values) {
    data.frame(gene = c("d", "c", "b", "a"), marginal = rev(values))
  })
  out <- add_agreement(table, tables, "gene", "marginal")
  expect_equal(out$sign_agreement, c(1, 2 / 3, 1, NA))
  # b differs in sign; c agrees, but spreads as widely as it is large.
  expect_identical(out$stable, c(TRUE, FALSE, FALSE, FALSE))
})

test_that("every question about genes takes an ensemble, and answers as its fit", {
  ensemble <- small_ensemble()
  fit <- ensemble$fit
  group <- rep(c("x", "y"), 80)
  questions <- list(
    growth = function(fit) vgfm_growth_genes(fit, by = group),
    fate = function(fit) vgfm_fate_genes(fit, group),
    regulation = function(fit) vgfm_regulation(fit, group = group),
    shift = function(fit) vgfm_perturb(fit, c(a = 0.01), group = group)
  )
  values <- c(growth = "partial", fate = "marginal", regulation = "effect",
              shift = "difference")
  for (name in names(questions)) {
    plain <- questions[[name]](fit)
    banded <- questions[[name]](ensemble)
    expect_equal(banded[names(plain)], plain, ignore_attr = TRUE)
    width <- banded[[paste0(values[name], "_high")]] -
      banded[[paste0(values[name], "_low")]]
    known <- !is.na(plain[[values[name]]])
    expect_true(all(width[known] >= 0) && any(width[known] > 0))
  }
})

test_that("Jacobians of an ensemble have bands, and fixed points a share", {
  ensemble <- small_ensemble()
  group <- rep(c("x", "y"), 80)
  out <- vgfm_jacobian(ensemble, group = group)
  expect_equal(out, vgfm_jacobian(ensemble$fit, group = group), ignore_attr = TRUE)
  expect_identical(dimnames(attr(out, "low")), dimnames(out))
  expect_true(all(attr(out, "low") <= out & out <= attr(out, "high")))
  entries <- vapply(each_replicate(ensemble, function(one, rows) {
    cells <- vgfm_jacobian(one, ensemble$fit$snapshots$x, ensemble$fit$snapshots$time)
    mean(cells[rows[group[rows] == "y"], 2, 1])
  }), identity, 0)
  expect_gt(attr(out, "high")["y", 2, 1], stats::median(entries))
  expect_lt(attr(out, "low")["y", 2, 1], stats::median(entries))

  velocity <- vgfm_gene_velocity(ensemble, genes = "b")
  expect_equal(velocity, predict(ensemble$fit)[, "b", drop = FALSE], ignore_attr = TRUE)
  expect_true(all(attr(velocity, "low") <= velocity & velocity <= attr(velocity, "high")))

  centre <- c(a = 3, b = 3)
  with_field(function(x, time) t(centre - t(x)))
  points <- vgfm_fixed_points(ensemble, time = 4)
  expect_identical(points$found, 1)
  expect_equal(points$a, 3, tolerance = 1e-5)
  expect_identical(points$kind, "stable")
})

test_that("what normalisation gives all genes alike is no association", {
  fit <- small_fit(steps = 10)
  growth <- fit$snapshots$x[, "a"]
  local_function("evaluate_field", function(fit, x, time, call = NULL) {
    list(velocity = 0 * x, growth = x[, "a"])
  })
  set.seed(8)
  values <- matrix(stats::rnorm(160 * 300), 160) - growth
  values[, 1:20] <- values[, 1:20] + 2 * growth
  colnames(values) <- paste0("gene", 1:300)
  table <- suppressMessages(vgfm_growth_genes(fit, expression = values, average = 0))
  marginal <- table$marginal[match(colnames(values), table$gene)]
  expect_lt(abs(stats::median(marginal[-(1:20)])), 0.02)
  expect_gt(min(marginal[1:20]), 0.6)
  few <- suppressMessages(vgfm_growth_genes(fit, expression = values[, 1:150],
                                            average = 0))
  expect_lt(stats::median(few$marginal), -0.5)
})
