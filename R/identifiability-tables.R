# The tables of vgfm_identifiability(), and the groups where the user names none.

# Thirds of the cells of each snapshot, by the descendants that the fit gives to them and
# their neighbours; NA at the last time.
classes_by_descendants <- function(fit) {
  s <- fit$snapshots
  names <- c("fewest", "middle", "most")
  class <- rep(NA_integer_, nrow(s$x))
  growth <- local_growth(s, fit$couplings, fit$control)
  for (k in seq_along(growth)) {
    rank <- rank(growth[[k]], ties.method = "first")
    class[s$index == k] <- ceiling(3 * rank / length(rank))
  }
  factor(names[class], names)
}

# Most cells of a group of which growth is asked in an interval.
group_cells <- 1000

interval_columns <- function(fit, k) {
  labels <- fit$snapshots$labels
  data.frame(interval = k, from = labels[k], to = labels[k + 1])
}

# Some rows by group, without groups that have none of them.
group_rows <- function(rows, group) split(rows, group[rows], drop = TRUE)

# The scan of every interval, on the cells of that of the fit, to the end of the grid; tau
# in the user's units. Attributes: `rows` of the cells, and their `descendants` (rows,
# taus).
full_scans <- function(fit) {
  s <- fit$snapshots
  lapply(seq_along(fit$couplings), function(k) {
    scan <- scan_interval(interval_problem(s, k, tau_cells), scan_epsilon(fit$method, s),
                          fit$control, keep = TRUE)
    scan$tau <- scan$tau * s$scale^2
    structure(scan, rows = tau_rows(s, k))
  })
}

verdict_table <- function(fit, scans) {
  rows <- lapply(seq_along(scans), function(k) {
    scan <- scans[[k]]
    verdict <- fit$identified[k, ]
    tau <- fit$method$coupling$tau[k]
    plateau <- if (verdict$identified) plateau_range(scan, verdict$tau) else c(NA, NA)
    data.frame(
      interval_columns(fit, k), identified = verdict$identified, tau = tau,
      plateau_low = plateau[1], plateau_high = plateau[2],
      mass = fit$snapshots$mass[k + 1] / fit$snapshots$mass[k],
      spread = scan_at(scan, "spread", tau), parents = scan_at(scan, "parents", tau),
      verdict = verdict_in_words(verdict, plateau, tau)
    )
  })
  do.call(rbind, rows)
}

verdict_in_words <- function(verdict, plateau, tau) {
  growth <- paste("Growth between", verdict$from, "and", verdict$to)
  if (!verdict$identified) return(paste0(growth, " is ", verdict$note, "."))
  shown <- format_figures(signif(c(plateau, tau), 2))
  found <- if (startsWith(verdict$note, "descendants hardly")) verdict$note else
    paste("descendants change little while tau falls from", shown[2], "to", shown[1])
  # The user may have set another one.
  beside <- tau < plateau[1] * (1 - 1e-6) || tau > plateau[2] * (1 + 1e-6)
  paste0(growth, " is told from motion: ", found,
         if (beside) paste0("; the fit has tau = ", shown[3], ", outside of that range"),
         ".")
}

# Mean descendants of each group of the cells of the scans, at each tau.
descendants_table <- function(fit, scans, group) {
  rows <- lapply(seq_along(scans), function(k) {
    scan <- scans[[k]]
    rows <- attr(scan, "rows")
    members <- group_rows(rows, group)
    if (length(members) == 0) return(NULL)
    means <- vapply(members, function(own) {
      colMeans(attr(scan, "descendants")[match(own, rows), , drop = FALSE])
    }, numeric(nrow(scan)))
    data.frame(
      interval_columns(fit, k), group = factor(rep(names(members), each = nrow(scan)),
                                               levels(group)),
      tau = scan$tau, cells = rep(lengths(members), each = nrow(scan)),
      descendants = as.vector(means), row.names = NULL
    )
  })
  do.call(rbind, rows)
}

# Growth rates of each group: as coupled, of the fit, naive, expected beforehand, if
# anything was, and uniform.
growth_table <- function(fit, group, call) {
  s <- fit$snapshots
  intervals <- seq_along(fit$couplings)
  sources <- source_rates(s, fit$couplings, intervals)
  field <- growth_of_cells(fit, call)
  rows <- lapply(intervals, function(k) {
    own <- which(s$index == k)
    gap <- diff(s$times)[k]
    members <- group_rows(own, group)
    if (length(members) == 0) return(NULL)
    mean_of <- function(rates) vapply(members, function(rows) rates(rows), 0)
    descendants <- mean_of(function(rows) {
      mean(fit$couplings[[k]]$descendants[match(rows, own)])
    })
    table <- data.frame(
      interval_columns(fit, k), group = factor(names(members), levels(group)),
      cells = lengths(members), descendants = descendants,
      coupling = log(pmax(descendants, least_descendants)) / gap,
      fit = mean_of(function(rows) mean(field(spaced(rows, group_cells)))),
      naive = mean_of(function(rows) {
        cells <- cells_in_state(s, spaced(rows, group_cells))
        mean(state_rate(sources, cells, fit$control)$rate)
      }),
      uniform = log(s$mass[k + 1] / s$mass[k]) / gap, row.names = NULL
    )
    if (!is.null(s$prior)) {
      prior <- mean_of(function(rows) mean(s$prior$rate[rows], na.rm = TRUE))
      table$prior <- replace(prior, is.nan(prior), NA)
    }
    table
  })
  do.call(rbind, rows)
}

# A function of rows of the cells: their growth by the fit, NA where it has no fields to
# speak of.
growth_of_cells <- function(fit, call) {
  s <- fit$snapshots
  trained <- fit$training$step > 0
  function(rows) {
    if (!trained) return(NA_real_)
    if_fields_fail(
      evaluate_field(fit, s$x[rows, , drop = FALSE], s$time[rows], call)$growth,
      function(error) {
        trained <<- FALSE
        warn_vgfm(c("The growth field cannot be evaluated: {.field fit} is {.code NA}.",
                    x = "{rlang::cnd_header(error)}"),
                  class = "vgfm_warning_not_evaluated", call = call)
        NA_real_
      }
    )
  }
}
