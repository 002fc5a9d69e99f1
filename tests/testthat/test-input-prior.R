# Two islands that stay where they are, of 60 cells each at two times; the rates of the
# cells of each are the same.
islands <- function(gap = 2) {
  set.seed(3)
  centre <- rep(c(0, 40), each = 60)
  x <- function() cbind(a = centre + rnorm(120), b = rnorm(120))
  list(x = rbind(x(), x()), time = rep(c(0, gap), each = 120),
       rate = rep(rep(c(0.2, -0.1), each = 60), 2))
}

prior_snapshots <- function(rate, stable = NULL, cells = islands(), mass = NULL) {
  as_snapshots(cells$x, cells$time, mass, growth_prior = rate, stable = stable,
               call = NULL)
}

test_that("rates that go with the state are kept, others vanish", {
  cells <- islands()
  s <- prior_snapshots(cells$rate)
  control <- small_control()
  average <- average_prior(1, s, control)
  expect_equal(average$rate, cells$rate[1:120])
  expect_equal(average$reliability, 1)
  # Noise as large as the difference: averages are near the truth.
  noisy <- prior_snapshots(cells$rate + rnorm(240, sd = 0.15))
  average <- average_prior(1, noisy, control)
  expect_gt(cor(average$rate, cells$rate[1:120]), 0.9)
  shuffled <- vapply(1:10, function(i) {
    average_prior(1, prior_snapshots(sample(cells$rate)), control)$reliability
  }, 0)
  expect_lt(mean(shuffled), 0.25)
})

test_that("an unknown rate is that of neighbours who have one, if half of them do", {
  cells <- islands()
  rate <- cells$rate
  rate[c(seq(1, 60, by = 3), 61:120)] <- NA
  s <- prior_snapshots(rate)
  found <- average_prior(1, s, small_control())$rate
  expect_equal(found[1:60], rep(0.2, 60))
  expect_true(all(is.na(found[61:120])))
})

test_that("what is expected adds up to the mass, in the ratio of the rates", {
  s <- prior_snapshots(islands()$rate, mass = c(1, 3))
  rate <- s$prior$rate[1:120]
  expected <- prior_expected(1, rate, 1, s)
  expect_equal(sum(expected), 360)
  expect_equal(expected[1] / expected[61], exp(2 * 0.3))
  expect_equal(prior_expected(1, rate, 0, s), rep(3, 120))
  expect_equal(log(expected[1] / expected[61]) / 2,
               diff(log(prior_expected(1, rate, 0.5, s)[c(61, 1)])))
  # Of unknown cells, what the population does.
  rate[61:120] <- NA
  expect_equal(prior_expected(1, rate, 1, s)[c(1, 61)],
               3 * 2 * c(exp(0.4 - log(3)), 1) / (exp(0.4 - log(3)) + 1))
})

test_that("what other intervals say counts beside the prior, both for no more than one", {
  s <- prior_snapshots(islands()$rate, mass = c(1, 1))
  rate <- s$prior$rate[1:120]
  ratio <- function(...) {
    expected <- prior_expected(1, rate, ...)
    log(expected[1] / expected[61]) / 2
  }
  # The prior differs by 0.3, they by 0.6.
  state <- list(log_descendants = 4 * rate, trust = rep(1, 120))
  expect_equal(ratio(0, s, state), 0.6)
  expect_equal(ratio(1, s, state), 0.45)
  state <- lapply(state, `/`, 2)
  expect_equal(ratio(0, s, state), 0.3)
  expect_equal(ratio(0.5, s, state), 0.45)
  # A prior of noise takes nothing from them.
  state <- list(log_descendants = 2 * rate, trust = rep(1, 120))
  noise <- prior_expected(1, rep(mean(rate), 120), 1, s, state, 0)
  expect_equal(log(noise[1] / noise[61]) / 2, 0.3)
})

test_that("tau is raised beside a prior where growth is not told from motion", {
  verdict <- data.frame(tau = c(2, 3), identified = c(TRUE, FALSE))
  expect_identical(tau_with_prior(verdict, prior_snapshots(NULL)), c(2, 3))
  expect_identical(tau_with_prior(verdict, prior_snapshots(islands()$rate)), c(2, 30))
})

test_that("on its way a cell has half its own rate, half that of its descendants", {
  averages <- list(list(rate = c(0.1, 0.2, NA), reliability = 1),
                   list(rate = c(0.5, NA, 0.9), reliability = 0.5))
  # Descendants of the first go to 1 and 3, those of the second to the unknown one.
  plan <- rbind(c(1, 0, 1), c(0, 2, 0.1), c(1, 0, 0))
  sample <- list(targets = 1:3, plan = plan, near = cbind(1:3))
  expect_equal(prior_on_the_way(1, averages, sample),
               list(rate = c(0.4, 0.2, NA), reliability = 0.75))
  averages[[2]]$rate <- rep(NA_real_, 3)
  expect_identical(prior_on_the_way(1, averages, sample), averages[[1]])
})

test_that("stable cells are expected to have one descendant, others the rest", {
  cells <- islands()
  stable <- rep(c(TRUE, FALSE), each = 60, times = 2)
  s <- prior_snapshots(NULL, stable, mass = c(1, 3))
  expect_identical(s$prior$rate, ifelse(stable, 0, NA))
  expect_equal(prior_expected(1, s$prior$rate[1:120], 1, s),
               rep(c(1, 5), each = 60))
  # More stable cells than there is mass.
  s <- prior_snapshots(NULL, stable, mass = c(1, 0.25))
  expect_equal(sum(prior_expected(1, s$prior$rate[1:120], 1, s)), 30)
})

test_that("couplings give stable cells one descendant", {
  # The island of stable cells is half as large afterwards, by sampling.
  set.seed(4)
  at <- function(n, place) cbind(a = place + rnorm(n), b = rnorm(n))
  x <- rbind(at(60, 0), at(60, 4), at(40, 0), at(80, 4))
  time <- rep(0:1, each = 120)
  stable <- c(rep(c(TRUE, FALSE), each = 60), rep(FALSE, 120))
  descendants <- function(...) {
    fit <- vgfm_fit(x, time, ..., method = vgfm_method("vgfm", tau = 4),
                    control = small_control(steps = 0))
    fit$couplings[[1]]$descendants[1:60]
  }
  expect_lt(mean(descendants()), 0.8)
  expect_lt(max(abs(log(descendants(stable = stable)))), 0.051)
  # Where the other island is too far away to send anyone to, it is said.
  x[, 1] <- x[, 1] * 10
  expect_warning(descendants(stable = stable), class = "vgfm_warning_stable")
})

test_that("trust is the slope of the data on the prior, whatever tau holds back", {
  # Data that have b of the prior, of which a coupling shows 1 - share.
  for (share in c(0, 0.3, 0.8)) {
    for (b in c(-0.5, 0, 0.4, 1, 2)) {
      data <- b * (1 - share)
      expect_equal(prior_trust(data, data + share, 1), min(max(b, 0), 1))
    }
  }
  # Two intervals together, the second four times as telling.
  expect_equal(prior_trust(c(0, 1), c(0, 1), c(1, 4)), 0.8)
  expect_identical(prior_trust(NA, NA, NA), 1)
})

test_that("data that tell growth from motion overrule a prior", {
  cells <- islands()
  truth <- rep(c(0.4, -0.4), each = 60)
  # The first island doubles and more, the second halves, seen by 180 and 60 cells.
  set.seed(6)
  later <- cbind(a = rep(c(0, 40), c(180, 60)) + rnorm(240), b = rnorm(240))
  x <- rbind(cells$x[1:120, ], later)
  time <- rep(c(0, 1), c(120, 240))
  rate <- c(truth, rep(c(0.4, -0.4), c(180, 60)))
  weigh <- function(rate, identified = TRUE) {
    s <- as_snapshots(x, time, NULL, growth_prior = rate, call = NULL)
    coupling <- coupling_semirelaxed(tau = 2, epsilon = 0.007 * within_variance(s))
    weigh_prior(s, coupling, small_control(), identified, NULL)
  }
  expect_gt(weigh(rate)$table$trust, 0.9)
  expect_gt(weigh(rate)$table$correlation, 0.9)
  against <- weigh(-rate)
  expect_identical(against$table$trust, 0)
  expect_identical(against$table$believed, 0)
  # log(3) where the prior says 2: believed by half and a bit.
  much <- weigh(ifelse(rate > 0, 1, -1))$table$trust
  expect_equal(much, (log(3) - log(1)) / 2, tolerance = 0.15)
  # Where they do not tell, it is believed.
  expect_identical(weigh(-rate, FALSE)$table$trust, 1)
})

test_that("a prior goes by name, and what is no prior is refused", {
  cells <- islands()
  rownames(cells$x) <- paste0("c", 1:240)
  named <- stats::setNames(cells$rate, rownames(cells$x))
  s <- prior_snapshots(rev(named), cells = cells)
  expect_identical(s$prior$rate, cells$rate)
  expect_identical(prior_snapshots(NULL, c("c3", "c7"), cells)$prior$stable,
                   seq_len(240) %in% c(3, 7))
  expect_null(prior_snapshots(NULL)$prior)
  bad <- list(1:3, rep("a", 240), rep(NA, 240), c(Inf, cells$rate[-1]), "human?",
              list(1), list(growth = "a"), named[-1], mean, rep(TRUE, 240),
              6 * rep(1, 240))
  for (rate in bad) {
    expect_error(prior_snapshots(rate, cells = cells), class = "vgfm_error_prior")
  }
  for (stable in list(TRUE, "nobody", 1:240, mean, rep("a", 240))) {
    expect_error(prior_snapshots(NULL, stable, cells), class = "vgfm_error_prior")
  }
  expect_snapshot(error = TRUE, {
    prior_snapshots(1:3, cells = cells)
    prior_snapshots(rep(8, 240), cells = cells)
    prior_snapshots(NULL, c("c1", "nobody"), cells)
  })
})

test_that("a prior that is the same for all cells changes nothing", {
  cells <- small_cells()
  control <- small_control(steps = 0)
  descendants <- function(...) {
    fit <- vgfm_fit(cells$x, cells$time, ..., control = control)
    unlist(lapply(fit$couplings, `[[`, "descendants"))
  }
  expect_equal(descendants(growth_prior = rep(0.3, 160)), descendants(),
               tolerance = 1e-6)
})

test_that("a fit keeps its prior, shows it, and resumes with it", {
  cells <- small_cells()
  rate <- ifelse(cells$x[, 1] > 2.5, 0.3, 0)
  fit <- function(steps, ...) {
    set.seed(1)
    vgfm_fit(cells$x, cells$time, growth_prior = rate, stable = seq_along(rate) == 3,
             control = small_control(steps = steps, ...))
  }
  whole <- fit(60)
  expect_null(fit_fault(whole))
  expect_identical(vgfm_resume(fit(0), steps = 60)$field, whole$field)
  expect_identical(whole$prior$from, c("2", "4"))
  expect_identical(nrow(whole$prior), 2L)
  expect_output(print(whole), "prior  growth of 160 cells, 1 stable, believed by")
  expect_output(print(summary(whole)), "reliability")
  expect_identical(augment(whole)$vgfm_prior[-3], rate[-3])
  expect_identical(augment(whole, cells$x[1:4, ], 2)$vgfm_prior, rep(NA_real_, 4))
  figure <- ggplot2::autoplot(whole, "prior")
  expect_identical(ggplot2::layer_data(figure, 2)$y,
                   predict(whole, type = "growth")[cells$time < 8])
  expect_error(ggplot2::autoplot(small_fit(), "prior"), class = "vgfm_error_fit")
  expect_false("vgfm_prior" %in% names(augment(small_fit())))
  for (damage in list(
    function(f) { f$snapshots$prior$rate <- 1; f },
    function(f) { f$snapshots$prior$stable <- NULL; f },
    function(f) { f$couplings[[1]]$prior$expected <- 1; f },
    function(f) { f$prior <- f$prior[1, ]; f }
  )) expect_error(print(damage(whole)), class = "vgfm_error_fit")
})

test_that("the prior of a snapshot that is left out is left out", {
  cells <- small_cells()
  rate <- seq_along(cells$time) / 1000
  s <- as_snapshots(cells$x, cells$time, growth_prior = rate, stable = rate > 0.15,
                    call = NULL)
  rest <- without_snapshot(s, 2, NULL)
  expect_identical(rest$prior$rate, ifelse(rate > 0.15, 0, rate)[cells$time != 4])
  set.seed(1)
  table <- vgfm_cv(cells$x, cells$time, growth_prior = rate, control = small_control())
  expect_identical(nrow(table), 1L)
})

quiet_prior_of <- function(x, sets) {
  suppressMessages(vgfm_growth_prior(x, proliferation = sets$proliferation,
                                     apoptosis = character()))
}

test_that("objects have priors in their metadata, and get them back", {
  x <- small_sce()
  x$rate <- ifelse(x$day == 0, NA, seq_len(150) / 1000)
  x$calm <- x$donor == "a"
  x$day[5] <- NA
  out <- quiet_fit(x, "day", dims = 1:3, growth_prior = "rate", stable = "calm",
                   fit = runVGFM)
  wanted <- ifelse(x$calm, 0, x$rate)
  wanted[5] <- NA
  expect_identical(out$vgfm_prior, wanted)
  fit <- S4Vectors::metadata(out)$vgfm
  expect_identical(fit$snapshots$prior$rate, wanted[-5])
  expect_identical(augment(fit, x)$vgfm_prior, wanted)
  by_vector <- quiet_fit(x, "day", dims = 1:3, growth_prior = rev(stats::setNames(
    x$rate, colnames(x))), stable = colnames(x)[x$calm])
  expect_identical(by_vector$snapshots$prior, fit$snapshots$prior)
  both <- quiet_fit(x, "day", dims = 1:3, growth_prior = "rate", split_by = "donor")
  expect_identical(both$b$snapshots$prior$rate, x$rate[x$donor == "b"])
  expect_error(quiet_fit(x, "day", dims = 1:3, growth_prior = "none"),
               class = "vgfm_error_prior")
  sets <- list(proliferation = paste0("gene", 1:8))
  from_genes <- quiet_fit(x, "day", dims = 1:3, growth_prior = sets)
  prior <- quiet_prior_of(x, sets)
  expect_identical(from_genes$snapshots$prior$rate, prior$rate[-5])
  x <- small_seurat()
  out <- quiet_fit(x, "day", dims = 1:3, growth_prior = sets, fit = RunVGFM)
  expect_output(print(SeuratObject::Command(out, "RunVGFM.RNA.pca")),
                "growth_prior : from genes")
  expect_equal(unname(out$vgfm_prior), quiet_prior_of(x, sets)$rate)
})
