#include "ffi_training.h"
#include "train/fit.h"
#include <float.h>

fit_problem snapshots_from(r_list problem) {
  SEXP boundary = list_get(problem.list, "boundary");
  SEXP mass = list_get(problem.list, "mass"), cells = list_get(problem.list, "cells");
  size_t boundaries = (size_t)Rf_xlength(boundary), times = (size_t)Rf_xlength(mass);
  const double *x = matrix_of(cells, "cells", ANY, ANY);
  if (times < 2) refuse("`mass` has no two times");
  if (boundaries < 2) refuse("`boundary` has no two times");
  fit_problem p = {
    .d = (size_t)Rf_nrows(cells),
    .times = times,
    .cells = x,
    .offset = sizes_from(problem, "offset", times + 1, (size_t)Rf_ncols(cells)),
    .mass = doubles_of(mass, "mass", times),
    .boundaries = boundaries,
    .boundary = doubles_of(boundary, "boundary", ANY),
    .observed_step = sizes_from(problem, "observed_step", times, boundaries - 1),
  };
  check_increasing(p.boundary, boundaries, "boundary");
  if (p.offset[0] != 0 || p.offset[times] != (size_t)Rf_ncols(cells))
    refuse("`offset` does not span `cells`");
  for (size_t k = 0; k < times; k++) {
    if (p.offset[k + 1] <= p.offset[k]) refuse("`offset` must increase");
    if (!(p.mass[k] > 0 && p.mass[k] <= DBL_MAX)) refuse("`mass` has %g", p.mass[k]);
    if (k > 0 && p.observed_step[k] <= p.observed_step[k - 1])
      refuse("`observed_step` must increase");
  }
  if (p.observed_step[0] != 0 || p.observed_step[times - 1] != boundaries - 1)
    refuse("`observed_step` does not span `boundary`");
  return p;
}

/* The same, and an element `anchor`, a problem of matching. */
static fit_problem problem_from(r_list problem, pairs *anchor, const heads *h) {
  fit_problem p = snapshots_from(problem);
  *anchor = pairs_from(list_in(problem, "anchor"), h);
  if (p.d != anchor->d || p.times != anchor->intervals + 1)
    refuse("`anchor` has other features or times");
  for (size_t k = 0; k <= p.times; k++)
    if (p.offset[k] != anchor->offset[k]) refuse("`offset` is not that of `anchor`");
  return p;
}

/* `rounds` rounds more of a training_state: list(status) */
SEXP ffi_fit_run(SEXP state, SEXP problem, SEXP options, SEXP rounds) {
  training_state s = state_from(list_at(state, "refinement"), 2);
  r_list given = list_at(options, "options");
  r_list asked = list_at(problem, "problem");
  int anchored = list_get(problem, "anchor") != R_NilValue;
  pairs anchor;
  fit_problem p =
      anchored ? problem_from(asked, &anchor, &s.heads) : snapshots_from(asked);
  row_source source = {0}, *rows = anchored ? &source : NULL;
  if (anchored) source = pairs_source(&anchor);
  fit_options o = {
    .most_start = list_size(given, "most_start", 1, INT32_MAX),
    .most_target = list_size(given, "most_target", 1, INT32_MAX),
    .folds = list_size(given, "folds", 1, INT32_MAX),
    .warm_up = list_size(given, "warm_up", 0, INT32_MAX),
    .parts = list_size(given, "parts", 1, INT32_MAX),
    .mass_weight = list_number(given, "mass_weight", 0, DBL_MAX),
    .anchor = list_number(given, "anchor", 0, DBL_MAX),
    .energy = list_number(given, "energy", 0, DBL_MAX),
    .energy_growth = list_number(given, "energy_growth", 0, DBL_MAX),
    .batch = list_size(given, "batch", 1, INT32_MAX),
    .total_rounds = list_size(given, "rounds", 1, INT32_MAX),
    .learning_rate = list_number(given, "learning_rate", 0, 1),
    .rate_floor = list_number(given, "rate_floor", 0, 1),
    .clip = list_number(given, "clip", 0, DBL_MAX),
    .key = key_from(list_get(options, "key")),
    .threads = (int)list_size(given, "threads", 1, THREADS),
    .interrupted = user_interrupted,
  };
  size_t count = size_of(rounds, "rounds", 1, s.left);
  size_t bytes = fit_workspace(&s.heads, &p, rows, &o);
  void *block = workspace(bytes);
  int status = fit_run(&s.heads, s.losses, (uint64_t)*s.step, count, &p, rows, &o,
                       block, bytes);
  return state_advanced(&s, status, count);
}
