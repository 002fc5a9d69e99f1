# A folder that may be absent: the benchmark data, or the oracles in this folder.
data_folder <- function() {
  Sys.getenv("VGFM_DATA", file.path("..", "..", "..", "shared", "data"))
}

read_snapshots <- function(name) {
  path <- file.path(data_folder(), paste0(name, ".csv"))
  skip_if_not(file.exists(path), paste(path, "is not here; set VGFM_DATA"))
  cells <- utils::read.csv(path)
  list(x = as.matrix(cells[-1]), time = cells[[1]])
}

# A fit that takes a moment: 160 cells, three times, uneven gaps. The first cluster
# moves, the second stays and doubles.
small_cells <- function() {
  at <- function(n, x, y) cbind(a = x + 0.1 * sin(1:n * 7), b = y + 0.1 * cos(1:n * 5))
  list(
    x = rbind(at(20, 0, 0), at(10, 3, 3), at(20, 1, 0), at(20, 3, 3), at(20, 3, 0),
              at(70, 3, 3)),
    time = rep(c(2, 4, 8), c(30, 40, 90))
  )
}

small_control <- function(...) {
  settings <- list(...)
  defaults <- list(steps = 120, refine_steps = 0, width = 16, depth = 2, batch = 128,
                   progress = FALSE)
  do.call(vgfm_control, utils::modifyList(defaults, settings))
}

# Most fits of the tests are trained for a moment, and fail the checks of a fit rightly.
# The warning has tests of its own, which call vgfm::vgfm_fit().
for (name in c("vgfm_fit", "vgfm_resume", "vgfm_cv", "RunVGFM", "runVGFM")) {
  # The call keeps its name, as errors show it.
  assign(name, eval(bquote(function(...) {
    .(as.name(name)) <- .(getExportedValue("vgfm", name))
    suppressMessages(
      suppressWarnings(.(as.name(name))(...), classes = "vgfm_warning_checks"),
      classes = "vgfm_message_growth"
    )
  })))
}

small_fit <- function(..., seed = 1) {
  cells <- small_cells()
  set.seed(seed)
  vgfm_fit(cells$x, cells$time, control = small_control(...))
}

# What a fit was trained on.
problem_of <- function(fit) {
  told <- fit$identified$identified
  couplings <- couple_snapshots(fit$snapshots, fit$method, fit$control, told,
                                rlang::current_env())
  new_problem(fit$snapshots, couplings, fit$method, fit$control, told)
}

# Puts another function in the place of one of the package's, until the test ends.
local_function <- function(name, value, env = parent.frame()) {
  package <- asNamespace("vgfm")
  old <- get(name, package)
  put <- function(f) {
    unlockBinding(name, package)
    assign(name, f, package)
    lockBinding(name, package)
  }
  put(value)
  # The last one in is the first one out.
  undo <- bquote(.(put)(.(old)))
  do.call(on.exit, list(undo, add = TRUE, after = FALSE), envir = env)
}

# Has every state that may be written to a checkpoint written at once, until the test
# ends. The function that this gives returns all of them, as the bytes of the file: every
# one is what a crash may leave.
keep_checkpoints <- function(env = parent.frame()) {
  kept <- list()
  write <- write_whole
  local_function("checkpoint_seconds", 0, env)
  local_function("checkpoint_share", 1e6, env)
  local_function("write_whole", function(object, file) {
    write(object, file)
    kept[[length(kept) + 1]] <<- readBin(file, "raw", file.size(file))
  }, env)
  function() kept
}

# The networks once more, in double, through R's BLAS.
twin_network <- function(network, input) {
  shape <- network$shape
  weights <- network$weights
  act <- list(
    function(z) ifelse(z > 0, z, 0.01 * z), function(z) z / (1 + exp(-z)), tanh
  )[[shape$activation + 1]]
  inputs <- c(shape$inputs, rep(shape$width, shape$hidden))
  input <- input[, seq_len(shape$inputs), drop = FALSE] # growth may go without the time
  outputs <- c(rep(shape$width, shape$hidden), shape$outputs)
  at <- 0
  for (layer in seq_along(inputs)) {
    size <- inputs[layer] * outputs[layer]
    w <- matrix(weights[at + seq_len(size)], inputs[layer], byrow = TRUE)
    bias <- weights[at + size + seq_len(outputs[layer])]
    input <- sweep(input %*% w, 2, bias, "+")
    if (layer < length(inputs)) input <- act(input)
    at <- at + size + outputs[layer]
  }
  stopifnot(at == length(weights))
  input
}

# Most tests give no masses, and need not be told of it; test-input-snapshots.R is. Nor
# need they be told that few cells do not tell growth from motion; test-fit-tau.R is.
for (what in c("equal counts", "counts")) said_before(what)
