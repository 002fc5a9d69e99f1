# Iterated proportional fitting: the drifts of a Schroedinger bridge forwards and
# backwards in time, each learned on paths that the other one simulates (De Bortoli,
# Thornton, Heng and Doucet 2021; with births and deaths, Pariset and others 2023).
# Velocity and score are read off both at the end.
#
# Every interval between snapshots is a bridge of its own: paths begin at the cells of its
# ends. The networks are those of all intervals, and know them by the time.

# What training holds of it, beside its heads, in standard units:
#   prepared whether the prior has been learned, if there is one
#   done     half-steps that are complete, of twice the rounds
#   length   training steps of each
#   heads    forward, backward: drifts beside that of the reference; and with a prior,
#            prior: growth rate by state
#   current  the head under way, its step and losses; NULL between half-steps
#   rates    by interval: growth is factor * prior + constant
#   losses   of all half-steps that are complete
new_bridging <- function(training, problem, snapshots, control, rounds) {
  d <- problem$features
  unit <- c(offset = 0, scale = 1)
  intervals <- length(problem$times) - 1
  drift <- function(stream) new_head(d, d + 1, unit, control, training$key, stream)
  list(
    prepared = FALSE, done = 0, length = ceiling(control$steps / rounds / 2),
    heads = list(
      forward = drift(4), backward = drift(5),
      prior = if (!is.null(training$heads$growth)) {
        new_head(1, d, prior_unit(problem, snapshots), control, training$key, 6)
      }
    ),
    rates = data.frame(factor = rep(0, intervals), constant = rep(0, intervals)),
    losses = numeric()
  )
}

run_training.training_ipf <- function(part, training, snapshots, problem, control, save,
                                      spend, call) {
  if (control$steps == 0 || (training$step > 0 && training$step >= control$steps)) {
    return(training)
  }
  interrupted <- FALSE
  withCallingHandlers({
    training <- run_bridging(training, snapshots, problem, control, part$rounds,
                             function() interrupted, save, call)
    if (!interrupted) {
      inform_rates(training$bridging, snapshots)
      training <- run_distilling(training, snapshots, problem, control, save, call)
    }
  }, vgfm_warning_interrupted = function(condition) interrupted <<- TRUE)
  spend("match")
  training
}

# Says where a prior was not enough.
inform_rates <- function(bridging, snapshots) {
  short <- which(bridging$rates$constant != 0)
  if (is.null(bridging$heads$prior) || length(short) == 0) return(invisible())
  labels <- snapshots$labels
  inform_vgfm(c(
    "!" = "The growth prior, times a factor from {factor_limits[1]} to
           {factor_limits[2]}, cannot make the masses right between
           {in_short(paste(labels[short], \"and\", labels[short + 1]))}.",
    i = "There a constant rate is added to it, for all cells alike."
  ), class = "vgfm_message_growth")
}

# All half-steps from where they stand; fewer if `interrupted()`. Paths are not kept: a
# half-step that goes on simulates its own again, to the bit.
run_bridging <- function(training, snapshots, problem, control, rounds, interrupted,
                         save, call) {
  bridging <- training$bridging %||%
    new_bridging(training, problem, snapshots, control, rounds)
  reached <- function() {
    training$bridging <- bridging
    training
  }
  going_on <- function(current) {
    training$bridging <- replace(bridging, "current", list(current))
    training
  }
  if (!bridging$prepared) {
    bridging <- learn_prior(bridging, training$key, problem, snapshots, control, call)
    if (interrupted()) return(training)
  }
  while (bridging$done < 2 * rounds && !interrupted()) {
    half <- bridging$done + 1
    bridging <- tryCatch(
      run_half_step(bridging, half, training$key, problem, snapshots, control,
                    2 * rounds, function(current) save(going_on(current)), call),
      interrupt = function(condition) {
        warn_bridging(paste("before half-step", half, "of", 2 * rounds), call)
        bridging
      }
    )
  }
  reached()
}

warn_bridging <- function(when, call) {
  warn_vgfm(c(
    "Training was interrupted {when}.",
    i = "The fit is not trained yet; {.fn vgfm_resume} goes on from there."
  ), class = "vgfm_warning_interrupted", call = call)
}

# Odd half-steps learn the backward drift on forward paths, even ones the forward drift
# on backward paths.
run_half_step <- function(bridging, half, key, problem, snapshots, control, halves, save,
                          call) {
  forward <- half %% 2 == 1
  if (forward) {
    bridging$rates <- balance_rates(bridging, half, key, problem, snapshots, control,
                                    call)
  }
  paths <- taught_rows(bridging, forward, half, key, problem, snapshots, control, call)
  learned <- if (forward) "backward" else "forward"
  head <- fresh_head(bridging$heads[[learned]], paths$targets[[1]], half)
  state <- bridging$current %||%
    list(heads = list(velocity = head), step = 0, losses = matrix(0, 1, 0))
  state$key <- key_of(key, 100 + half)
  control$steps <- bridging$length
  state <- run_matching(state, paths, control, save, call, TRUE,
                        paste0("Bridging ", half, "/", halves))
  if (state$step < bridging$length) {
    bridging$current <- state
    return(bridging)
  }
  bridging["current"] <- NULL
  bridging$heads[[learned]] <- state$heads$velocity
  bridging$losses <- c(bridging$losses, state$losses)
  bridging$done <- half
  bridging
}

# All intervals simulated in one direction, as rows of a replay that teach the other:
# those of interval k are its stratum k.
taught_rows <- function(bridging, forward, half, key, problem, snapshots, control, call) {
  parts <- lapply(seq_len(length(problem$times) - 1), function(k) {
    own <- bridge_key(key, k, half)
    ends <- simulate_bridge(bridging, forward, k, half, own, problem, snapshots, control,
                            call = call)
    bridge_rows(ends, !forward, k, problem, bridging, own, control, call)
  })
  as_replay(parts, "target")
}

# Parts with `input` (d + 1, n) and values for each head, as core reads them.
as_replay <- function(parts, values) {
  joined <- function(what) do.call(c, lapply(parts, function(p) as_floats(p[[what]])))
  counts <- vapply(parts, function(part) ncol(part$input), 0)
  list(offset = cumsum(c(0, counts)), input = joined("input"),
       targets = stats::setNames(lapply(values, joined), values))
}

# A head that has learned before, at the beginning of its next schedule; at its very first
# in the unit of what it is to learn.
fresh_head <- function(head, target, half) {
  head$first <- 0 * head$first
  head$second <- 0 * head$second
  if (half <= 2) {
    values <- floats(target)
    head$scale <- positive_or_one(sqrt(mean(values^2)))
  }
  head
}

floats <- function(raw) readBin(raw, "numeric", length(raw) / 4, 4)
as_floats <- function(values) writeBin(as.double(values), raw(), size = 4)

# --- velocity and score --------------------------------------------------------------

# The heads of the field, regressed on what both drifts say along paths of either
# direction: v = (forward + backward) / 2, S = (forward - backward) / 2.
run_distilling <- function(training, snapshots, problem, control, save, call) {
  rows <- tryCatch(distilled_rows(training, snapshots, problem, control, call),
                   interrupt = function(condition) NULL)
  if (is.null(rows)) {
    warn_bridging("before both drifts were joined", call)
    return(training)
  }
  if (training$step == 0) {
    for (name in names(training$heads)) {
      training$heads[[name]][c("offset", "scale")] <-
        unit_of(floats(rows$targets[[name]]), name)
    }
  }
  run_matching(training, rows, control, save, call, TRUE)
}

unit_of <- function(values, name) {
  offset <- if (name == "growth") mean(values) else 0
  list(offset, positive_or_one(sqrt(mean((values - offset)^2))))
}

distilled_rows <- function(training, snapshots, problem, control, call) {
  bridging <- training$bridging
  half <- bridging$done
  parts <- lapply(seq_len(length(problem$times) - 1), function(k) {
    inputs <- lapply(c(TRUE, FALSE), function(forward) {
      own <- bridge_key(training$key, k, half + 2 - forward)
      ends <- simulate_bridge(bridging, forward, k, half + 1, own, problem, snapshots,
                              control, call = call)
      bridge_rows(ends, forward, k, problem, bridging, own, control, call)$input
    })
    both_drifts(bridging, do.call(cbind, inputs), k, problem, control, call)
  })
  as_replay(parts, names(training$heads))
}

# Velocity, score and growth at places and times (d + 1, n) of interval k. At its ends
# only one drift was learned: both are asked one simulated step inside.
both_drifts <- function(bridging, input, k, problem, control, call) {
  d <- problem$features
  ends <- problem$times[k + 0:1]
  inside <- diff(ends) / bridge_steps
  at <- pmin(pmax(input[d + 1, ], ends[1] + inside), ends[2] - inside)
  x <- input[seq_len(d), , drop = FALSE]
  ask <- function(direction) {
    out <- .Call(ffi_field_evaluate, bridge_field(bridging, direction), x, at,
                 use_threads(control$threads))
    check_core(out, "Evaluating the drifts", call)
  }
  forward <- ask("forward")
  backward <- ask("backward")
  reference <- problem_reference(problem)[, k]
  rates <- bridging$rates[k, ]
  list(input = input, velocity = (forward$velocity + backward$velocity) / 2 + reference,
       score = (forward$velocity - backward$velocity) / 2,
       growth = rates$factor * forward$growth + rates$constant)
}

bridge_field <- function(bridging, direction) {
  heads <- list(velocity = bridging$heads[[direction]], growth = bridging$heads$prior)
  list(heads = Filter(Negate(is.null), heads))
}
