#include "ffi_training.h"
#include "train/density.h"
#include <float.h>

/* `steps` steps more of a training_state: list(status). problem: snapshots_from(), and
 * `wide` and `narrow`, the bandwidths of each time. */
SEXP ffi_density_run(SEXP state, SEXP problem, SEXP options, SEXP steps) {
  training_state s = state_from(list_at(state, "training"), DENSITY_LOSSES);
  r_list given = list_at(options, "options"), cells = list_at(problem, "problem");
  fit_problem p = snapshots_from(cells);
  density_options o = {
    .near = list_size(given, "near", 1, INT32_MAX),
    .far = list_size(given, "far", 0, INT32_MAX),
    .cloud = list_size(given, "cloud", 1, INT32_MAX),
    .wide = list_doubles(cells, "wide", p.times),
    .narrow = list_doubles(cells, "narrow", p.times),
    .anneal = list_size(given, "anneal", 0, INT32_MAX),
    .knee = list_number(given, "knee", DBL_MIN, DBL_MAX),
    .mass_weight = list_number(given, "mass_weight", 0, DBL_MAX),
    .energy = list_number(given, "energy", 0, DBL_MAX),
    .energy_growth = list_number(given, "energy_growth", 0, DBL_MAX),
    .exact = (int)list_size(given, "exact", 0, 1),
    .warm_up = list_size(given, "warm_up", 0, INT32_MAX),
    .total_steps = list_size(given, "steps", 1, INT32_MAX),
    .learning_rate = list_number(given, "learning_rate", 0, 1),
    .rate_floor = list_number(given, "rate_floor", 0, 1),
    .clip = list_number(given, "clip", 0, DBL_MAX),
    .key = key_from(list_get(options, "key")),
    .threads = (int)list_size(given, "threads", 1, THREADS),
    .interrupted = user_interrupted,
  };
  size_t count = size_of(steps, "steps", 1, s.left);
  size_t bytes = density_workspace(&s.heads, &p, &o);
  void *block = workspace(bytes);
  int status = density_run(&s.heads, s.losses, (uint64_t)*s.step, count, &p, &o, block,
                           bytes);
  return state_advanced(&s, status, count);
}
