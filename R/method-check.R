# What parts do not go together. Refused before anything runs.

check_method <- function(method, arg = "method", call = rlang::caller_env()) {
  fail <- function(message, hint) {
    abort_input(c(message, i = hint), arg = arg, class = method_error, call = call,
                .envir = parent.frame())
  }
  if (!inherits(method, "vgfm_method") || !is.list(method)) {
    fail("{.arg {arg}} must be a name of {.fn vgfm_methods} or a {.fn vgfm_method}, not
          {describe(method)}.", "Pass {.code method = \"ot_cfm\"}.")
  }
  if (!identical(names(method), c("name", part_kinds)) || is.null(method$name) ||
        !method$name[1] %in% names(method_table)) {
    fail("{.arg {arg}} must have a name of {.fn vgfm_methods} and four parts, as
          {.fn vgfm_method} makes it.",
         "Replace a part as {.code vgfm_method(\"vgfm\", path = path_straight())} does.")
  }
  for (kind in part_kinds) {
    if (!is.null(method[[kind]])) check_part(method[[kind]], kind, call)
  }
  coupling <- method$coupling
  path <- method$path
  if (is.null(method$growth) || is.null(method$training)) {
    fail("A method needs {.arg growth} and {.arg training}.",
         "Begin with one of {.fn vgfm_methods}.")
  }
  if (is.null(coupling) != is.null(path)) {
    fail("A coupling and a path go together; {.arg {if (is.null(path)) \"path\" else
         \"coupling\"}} is missing.", "Give both, or none for cells that do not move.")
  }
  trained <- is_trained_method(method)
  if (is.null(path)) {
    if (trained) fail("There is nothing to train without a coupling and a path.",
                      "Use {.code training = training_none()}, or give both.")
  }
  if (!trained && is_learned(method)) {
    fail("Growth cannot be learned without training.",
         "Use {.code growth = growth_uniform()}, or another training.")
  }
  if (is.null(path)) return(method)
  if (!trained && !(inherits(path, "path_straight") &&
                      inherits(coupling, "coupling_exact"))) {
    fail("Without training, only the pairs of an exact coupling on straight lines are
          shown.", "Use {.fn coupling_exact} and {.fn path_straight}.")
  }
  if (is_learned(method) && is_balanced(coupling)) {
    fail("A balanced coupling ({.fn coupling_{part_name(coupling)}}) has nothing to teach
          of growth: it keeps all masses.",
         "Use {.fn growth_uniform}, or a coupling that relaxes masses.")
  }
  if (inherits(method$training, "training_refine") && !is_learned(method)) {
    fail("{.fn training_refine} fits masses too, so it needs {.fn growth_learned}.",
         "Use {.fn training_match}.")
  }
  if (inherits(method$training, "training_refine") && has_score(method)) {
    fail("{.fn training_refine} fits the flow without noise, and would part it from the
          score.", "Use {.fn training_match} with {.fn path_brownian}.")
  }
  if (is_simulated(method) && !is_learned(method)) {
    fail("{.fn training_simulate} fits masses too, so it needs {.fn growth_learned}.",
         "Use {.fn training_match}.")
  }
  if (is_simulated(method) && !inherits(path, c("path_straight", "path_brownian"))) {
    fail("{.fn training_simulate} finds the paths of cells itself, and reads of
          {.arg path} only how they diffuse.",
         "Use {.fn path_brownian} for a score, or {.fn path_straight} for none.")
  }
  if (is_simulated(method) && isTRUE(method$training$pinn > 0) && !has_score(method)) {
    fail("{.arg pinn} weighs an equation of the potential, and there is none without
          noise.", "Use {.fn path_brownian}, or leave {.arg pinn} out.")
  }
  if (is_density_trained(method) && !is_learned(method)) {
    fail("{.fn training_density} compares masses of states, so it needs
          {.fn growth_learned}.", "Use {.fn training_match}.")
  }
  if (is_density_trained(method) && has_score(method)) {
    fail("{.fn training_density} knows a flow without noise, and no score.",
         "Use {.fn path_straight}.")
  }
  if (is_bridged(method) && !has_score(method)) {
    fail("{.fn training_ipf} simulates paths with noise.", "Use {.fn path_brownian}.")
  }
  log_cos <- identical(coupling$cost, "log_cos")
  if (inherits(path, "path_cone") && !log_cos) {
    fail("The path {.val cone} needs mass that changes at both ends, by the cost
          {.val log_cos}.", "Use {.code coupling_unbalanced(cost = \"log_cos\")}.")
  }
  if (inherits(path, "path_cone") && !is_learned(method)) {
    fail("The path {.val cone} is one of changing mass.", "Use {.fn growth_learned}.")
  }
  if (inherits(path, "path_cone") && isFALSE(method$growth$time)) {
    fail("On the path {.val cone} growth changes with time.",
         "Use {.code growth_learned()} or {.code growth_learned(time = TRUE)}.")
  }
  if (inherits(path, "path_cone") && !lengths_agree(coupling$delta, path$delta)) {
    fail("The coupling has {.arg delta} {in_short(coupling$delta)}, the path
          {in_short(path$delta)}.",
         "Both are one length; give it once, as {.code delta = }.")
  }
  if (inherits(path, "path_cone") && other_price(coupling)) {
    fail("On the path {.val cone}, {.arg tau} is 4 {.arg delta}^2, the price of its
          geometry.", "Give one of them.")
  }
  method
}

# Whether a coupling has a `tau` beside a `delta` that says another one.
other_price <- function(coupling) {
  tau <- coupling$tau
  own <- 4 * coupling$delta^2
  length(tau) > 0 && length(own) > 0 &&
    (length(tau) == length(own) || min(length(tau), length(own)) == 1) &&
    any(abs(tau - own) > 1e-6 * own)
}

# Whether two lengths, of which either may be left open or be one for all, are the same.
lengths_agree <- function(a, b) {
  n <- max(length(a), length(b))
  is.null(a) || is.null(b) || isTRUE(all.equal(rep_len(a, n), rep_len(b, n)))
}

# A method from what the user gives: a name or an object.
as_method <- function(method, arg = "method", call = rlang::caller_env()) {
  if (is.character(method)) {
    name <- check_choice(method, names(method_table), class = method_error, arg = arg,
                         hint = "{.fn vgfm_methods} lists them.", call = call)
    return(vgfm_method(name))
  }
  method <- check_method(method, arg, call)
  for (kind in names(Filter(Negate(is.null), unclass(method)[part_kinds]))) {
    method[[kind]] <- remake_part(method[[kind]], call)
  }
  method
}
