wrong <- function(code) expect_error(code, class = "vgfm_error_method")

test_that("every method of the table is made of parts that go together", {
  table <- vgfm_methods()
  expect_setequal(table$method, c("vgfm", "ot_cfm", "ot_cfm_u", "sf2m", "sf2m_u",
                                  "uot_fm", "wfr_fm", "dynamic_uot", "deepruot",
                                  "ot_mfm", "ot_mfm_u", "tigon", "udsb", "hold", "linear",
                                  "counts"))
  for (name in table$method) {
    method <- vgfm_method(name)
    names <- vapply(unclass(method)[part_kinds], function(part) {
      if (is.null(part)) "none" else part_name(part)
    }, "")
    expect_equal(names, unlist(table[table$method == name, part_kinds]))
    expect_identical(as_method(method), method)
    expect_identical(as_method(name), method)
  }
  expect_identical(grepl("score", table$gives), table$path == "brownian")
})

test_that("what parts have as parameters, vgfm_method() takes", {
  makers <- grep("^(coupling|path|growth|training)_[a-z]+$", getNamespaceExports("vgfm"),
                 value = TRUE)
  names <- unlist(lapply(makers, function(name) names(formals(name))))
  expect_setequal(part_parameters, setdiff(names, c("...", "cost")))
})

test_that("parameters go to the parts that have them", {
  method <- vgfm_method("vgfm", tau = 10, noise = 0, bend = 0.5, time = TRUE)
  expect_equal(method$coupling, coupling_semirelaxed(tau = 10))
  expect_equal(method$path, path_smooth(noise = 0, bend = 0.5))
  expect_equal(method$growth, growth_learned(time = TRUE))
  expect_equal(vgfm_method("vgfm", mass = 5)$training, training_refine(mass = 5))
  method <- vgfm_method("wfr_fm", delta = 2)
  expect_equal(c(method$coupling$delta, method$path$delta), c(2, 2))
  expect_identical(vgfm_method("vgfm", tau = NULL), vgfm_method("vgfm"))
})

test_that("published settings are taken, unless others are given", {
  method <- vgfm_method("ot_cfm", settings = "paper", noise = 0.2)
  expect_equal(method$coupling, coupling_exact(minibatch = 256))
  expect_equal(method$path, path_straight(0.2))
  expect_equal(vgfm_method("sf2m", settings = "paper")$path, path_brownian(0.25))
  expect_equal(vgfm_method("vgfm", settings = "paper")$path, path_straight(0.1))
  for (name in setdiff(vgfm_methods()$method,
                       c("uot_fm", "udsb", "dynamic_uot", "tigon"))) {
    expect_s3_class(vgfm_method(name, settings = "paper"), "vgfm_method")
  }
  method <- vgfm_method("ot_mfm", settings = "paper", metric = "rbf")
  expect_equal(method$path, path_metric("rbf", noise = 0.1, alpha = 2))
  # What replaces a part has its own parameters.
  method <- vgfm_method("ot_cfm", path = path_smooth(), settings = "paper")
  expect_equal(method$path, path_smooth())
  expect_equal(method$coupling, coupling_exact(minibatch = 256))
  method <- vgfm_method("ot_cfm", coupling = coupling_entropic(), settings = "paper")
  expect_equal(method$coupling, coupling_entropic())
})

test_that("what is unknown or out of its range is refused", {
  wrong(vgfm_method("vgmf"))
  wrong(vgfm_method(NA))
  wrong(vgfm_method("vgfm", sigma = 1))
  wrong(vgfm_method("counts", tau = 1))
  wrong(vgfm_method("vgfm", 10))
  wrong(vgfm_method("vgfm", tau = 1, tau = 2))
  wrong(vgfm_method("vgfm", tau = -1))
  wrong(vgfm_method("vgfm", bend = 2))
  wrong(vgfm_method("vgfm", coupling = "exact"))
  wrong(vgfm_method("vgfm", coupling = path_straight()))
  wrong(coupling_exact(minibatch = 1))
  wrong(coupling_entropic(0))
  wrong(coupling_semirelaxed(tau = c(1, NA)))
  wrong(coupling_semirelaxed(prior_strength = 2))
  wrong(coupling_unbalanced(cost = "cosine"))
  wrong(coupling_unbalanced(delta = 1))
  wrong(path_straight(-1))
  wrong(path_brownian(0))
  wrong(path_cone(0))
  wrong(growth_learned(NA))
})

test_that("parts that cannot be together are refused, each for its own reason", {
  refused <- function(reason, ...) {
    expect_error(vgfm_method(...), reason, class = "vgfm_error_method")
  }
  cone <- coupling_unbalanced(cost = "log_cos", delta = 1)
  for (coupling in list(coupling_exact(), coupling_entropic())) {
    refused("nothing to teach", "vgfm", coupling = coupling)
  }
  refused("nothing to teach", "ot_cfm", growth = growth_learned())
  for (coupling in list(coupling_semirelaxed(), coupling_unbalanced())) {
    refused("changes at both ends", "wfr_fm", coupling = coupling)
  }
  refused("one of changing mass", "wfr_fm", growth = growth_uniform())
  refused("changes with time", "wfr_fm", time = FALSE)
  refused("the price of its", "wfr_fm", delta = 2, tau = 10)
  refused("has `delta` 1, the path 2", "wfr_fm", path = path_cone(2), coupling = cone)
  refused("needs `growth_learned", "ot_cfm", training = training_refine())
  refused("without noise", "sf2m_u", training = training_refine())
  refused("without training", "hold", growth = growth_learned())
  refused("nothing to train", "hold", training = training_match())
  refused("`coupling` is missing", "hold", path = path_straight())
  refused("`path` is missing", "hold", coupling = coupling_exact())
  refused("only the pairs of an exact coupling", "linear", path = path_smooth())
  refused("only the pairs of an exact coupling", "linear",
          coupling = coupling_semirelaxed())
  expect_s3_class(vgfm_method("wfr_fm", delta = c(1, 2), tau = c(4, 16)), "vgfm_method")
  expect_s3_class(vgfm_method("wfr_fm", path = path_cone(2)), "vgfm_method")
  expect_s3_class(vgfm_method("vgfm", training = training_match()), "vgfm_method")
})

test_that("vgfm_control() says where a setting has gone, and it is there", {
  values <- list(epsilon = 1, tau = 1, noise = 1, bend = 0.5, pooling = 0.5, sigma = 1,
                 delta = 1, prior_strength = 1, growth_time = TRUE)
  expect_setequal(names(values), method_settings)
  for (name in method_settings) {
    error <- expect_error(do.call(vgfm_control, values[name]), "belongs to the method",
                          class = "vgfm_error_control")
    said <- cli::ansi_strip(conditionMessage(error))
    advice <- regmatches(said, regexec("vgfm_method\\(\"(.*)\", (.*) = \\)", said))[[1]]
    expect_s3_class(do.call(vgfm_method, c(advice[2], stats::setNames(values[name],
                                                                      advice[3]))),
                    "vgfm_method")
  }
})

test_that("a method that was altered is checked again", {
  method <- vgfm_method("vgfm")
  wrong(as_method(1))
  wrong(as_method(c("vgfm", "sf2m")))
  wrong(as_method(unclass(method)))
  wrong(as_method("none"))
  for (change in list(list("name", "x"), list("path", list()), list("growth", NULL),
                      list("coupling", coupling_exact()), list("more", 1),
                      list("training", growth_none()), list("path", path_cone()))) {
    altered <- method
    altered[[change[[1]]]] <- change[[2]]
    wrong(as_method(altered))
  }
  # Classes that no constructor gives, or one of another kind.
  for (class in c("path_other", "coupling_exact", "print", "")) {
    altered <- method
    class(altered$path)[1] <- class
    wrong(as_method(altered))
  }
  method$coupling$tau <- -1
  wrong(as_method(method))
  cells <- small_cells()
  wrong(vgfm_fit(cells$x, cells$time, method = method))
  wrong(vgfm_cv(cells$x, cells$time, method = method))
})

test_that("epsilon of a bridge is 2 sigma^2 gap, and must be if it is given", {
  cells <- small_cells()
  snapshots <- new_snapshots(cells$x, cells$time)
  gaps <- diff(snapshots$times)
  resolve <- function(...) resolve_method(vgfm_method(...), snapshots, vgfm_control())
  method <- resolve("sf2m", sigma = 0.5)
  expect_equal(method$coupling$epsilon, 0.5 * gaps)
  method <- resolve("sf2m")
  expect_equal(method$coupling$epsilon, 2 * method$path$sigma^2 * gaps)
  expect_equal(resolve("sf2m_u", sigma = 0.5)$coupling$epsilon, 0.5 * gaps)
  expect_equal(resolve("sf2m", epsilon = 0.5 * gaps)$path$sigma, 0.5)
  expect_equal(resolve("sf2m", epsilon = 0.5 * gaps, sigma = 0.5)$path$sigma, 0.5)
  wrong(resolve("sf2m", epsilon = 0.6 * gaps, sigma = 0.5))
  wrong(resolve("sf2m", epsilon = c(1, 2) * gaps))
  wrong(resolve("sf2m", epsilon = 1:3))
  wrong(resolve("wfr_fm", delta = 1:3))
  # The longer interval over a time left out takes the larger of two.
  method <- method_without_time(vgfm_method("wfr_fm", delta = c(1, 3, 2)), 2)
  expect_equal(method$coupling$delta, c(3, 2))
  expect_equal(method$path$delta, c(3, 2))
})

test_that("methods without refinement match for twice the steps instead", {
  cells <- small_cells()
  snapshots <- new_snapshots(cells$x, cells$time)
  steps <- function(method, ...) {
    control <- resolve_control(vgfm_control(...), snapshots, vgfm_method(method))
    c(control$steps, control$refine_steps)
  }
  expect_equal(steps("vgfm"), c(2000, 150))
  expect_equal(steps("wfr_fm"), c(4000, 0))
  expect_equal(steps("vgfm", "fast"), steps("wfr_fm", "fast"))
  expect_equal(steps("ot_cfm", steps = 50), c(50, 0))
  expect_error(steps("ot_cfm", refine_steps = 5), class = "vgfm_error_control")
})

test_that("a growth prior is refused by couplings that have no place for it", {
  cells <- small_cells()
  rate <- rep(0.1, nrow(cells$x))
  for (name in c("ot_cfm", "sf2m", "uot_fm", "wfr_fm", "ot_mfm")) {
    expect_error(
      vgfm_fit(cells$x, cells$time, growth_prior = rate, method = name),
      "no use of a growth prior", class = "vgfm_error_method"
    )
  }
})

test_that("along a cone growth is learned with the time", {
  cells <- small_cells()
  snapshots <- new_snapshots(cells$x, cells$time)
  resolve <- function(...) resolve_method(vgfm_method(...), snapshots, vgfm_control())
  expect_true(resolve("wfr_fm")$growth$time)
  expect_null(resolve("uot_fm")$growth$time) # asked of the couplings
})

test_that("an unbalanced coupling takes its scale from tau, or from delta", {
  resolve <- function(..., tau) resolve_tau(vgfm_method(...), tau)
  # Twice the price that one end alone would pay.
  method <- resolve("wfr_fm", tau = c(2, 8))
  expect_equal(method$coupling$delta, c(1, 2))
  expect_equal(method$path$delta, c(1, 2))
  expect_equal(method$coupling$tau, c(4, 16))
  method <- resolve("wfr_fm", delta = 3, tau = c(4, 16))
  expect_equal(method$path$delta, 3)
  expect_equal(method$coupling$tau, c(36, 36))
  expect_equal(resolve("wfr_fm", path = path_cone(3), tau = 4)$coupling$delta, 3)
  expect_equal(resolve("uot_fm", tau = c(4, 16))$coupling$tau, c(8, 32))
  expect_equal(resolve("uot_fm", tau = c(4, 16), epsilon = 1)$coupling$epsilon, 1)
})

test_that("methods and parts print in a few lines, errors read well", {
  expect_snapshot({
    vgfm_method("vgfm", tau = c(10, 20))
    vgfm_method("sf2m", settings = "paper")
    vgfm_method("hold")
    coupling_unbalanced(cost = "log_cos")
    growth_none()
  })
  expect_snapshot(error = TRUE, {
    vgfm_method("vgfm", sigma = 1)
    vgfm_method("vgfm", tau = -1)
    vgfm_method("ot_cfm", growth = growth_learned())
    path_brownian(0)
    vgfm_fit(1:3, 1:3, method = "otcfm")
  })
})
