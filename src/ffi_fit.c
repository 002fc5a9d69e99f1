#include "ffi_training.h"
#include "train/fit.h"
#include <float.h>

/* problem: list(cells (d, cells) double, offset, mass, boundary, observed_step, anchor),
 * the last a problem of matching, or NULL */
static fit_problem problem_from(r_list problem, size_t d) {
  size_t times = (size_t)Rf_xlength(list_get(problem.list, "mass"));
  if (times < 2) refuse("`mass` has no two times");
  SEXP all = list_get(problem.list, "cells");
  const double *rows = matrix_of(all, "cells", d, ANY);
  size_t cells = (size_t)Rf_ncols(all);
  SEXP boundary = list_get(problem.list, "boundary");
  size_t boundaries = (size_t)Rf_xlength(boundary);
  if (boundaries < 2) refuse("`boundary` has no two times");
  fit_problem p = {
    .d = d,
    .times = times,
    .cells = rows,
    .offset = sizes_from(problem, "offset", times + 1, cells),
    .mass = list_doubles(problem, "mass", times),
    .boundaries = boundaries,
    .boundary = doubles_of(boundary, "boundary", ANY),
    .observed_step = sizes_from(problem, "observed_step", times, boundaries - 1),
  };
  check_increasing(p.boundary, boundaries, "boundary");
  check_increasing(list_doubles(problem, "offset", times + 1), times + 1, "offset");
  if (p.offset[0] != 0 || p.offset[times] != cells) refuse("`offset` spans not the cells");
  for (size_t k = 0; k < times; k++) {
    if (!(p.mass[k] > 0 && p.mass[k] <= DBL_MAX)) refuse("`mass` has %g", p.mass[k]);
    if (k > 0 && p.observed_step[k] <= p.observed_step[k - 1])
      refuse("`observed_step` must increase");
  }
  if (p.observed_step[0] != 0 || p.observed_step[times - 1] != boundaries - 1)
    refuse("`observed_step` does not span `boundary`");
  return p;
}

/* `rounds` rounds more of a training_state: list(status) */
SEXP ffi_fit_run(SEXP state, SEXP problem, SEXP options, SEXP rounds) {
  training_state s = state_from(list_at(state, "refinement"), 2);
  r_list given = list_at(options, "options");
  r_list asked = list_at(problem, "problem");
  fit_problem p = problem_from(asked, s.heads.d);
  int anchored = list_get(problem, "anchor") != R_NilValue;
  pairs rows = {.d = 0};
  if (anchored) rows = pairs_from(list_in(asked, "anchor"), &s.heads);
  row_source source = {0}, *anchor = anchored ? &source : NULL;
  if (anchored) source = pairs_source(&rows);
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
  size_t bytes = fit_workspace(&s.heads, &p, anchor, &o);
  void *block = workspace(bytes);
  int status = fit_run(&s.heads, s.losses, (uint64_t)*s.step, count, &p, anchor, &o,
                       block, bytes);
  return state_advanced(&s, status, count);
}
