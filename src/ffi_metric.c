#include "ffi_training.h"
#include "path/geodesic.h"
#include "base/status.h"
#include <float.h>
#include <string.h>

static metric_kind kind_from(r_list list) {
  const char *name = list_text(list, "kind");
  if (strcmp(name, "land") == 0) return METRIC_LAND;
  if (strcmp(name, "rbf") != 0) refuse("`%s$kind` is \"%s\", no metric", list.name, name);
  return METRIC_RBF;
}

static const double *squares_of(const double *value, size_t count) {
  double *out = workspace(count * sizeof *out);
  for (size_t i = 0; i < count; i++) out[i] = value[i] * value[i];
  return out;
}

/* list(kind, points (n, d), rate, floor, alpha; for LAND scale, for RBF weight): R's
 * order by column is core's, a row per feature. */
static metric metric_from(r_list list, size_t d) {
  metric m = {.kind = kind_from(list), .d = d};
  SEXP points = list_get(list.list, "points");
  m.point = matrix_of(points, "points", ANY, d);
  m.n = (size_t)Rf_nrows(points);
  m.floor = list_number(list, "floor", DBL_MIN, DBL_MAX);
  m.alpha = list_number(list, "alpha", 0, DBL_MAX);
  if (m.kind == METRIC_LAND) {
    m.rate = list_doubles(list, "rate", 1);
    m.scale = list_number(list, "scale", DBL_MIN, DBL_MAX);
    m.square = squares_of(m.point, m.n * d);
  } else {
    m.rate = list_doubles(list, "rate", m.n);
    m.weight = list_doubles(list, "weight", m.n);
  }
  if (metric_check(&m)) refuse("`%s` is no metric", list.name);
  return m;
}

/* metrics: a list of metrics, one for each interval; straight (intervals): energy of
 * straight lines. */
static geodesic_problem problem_from(r_list problem, const pairs *p) {
  r_list list = list_in(problem, "metrics");
  metric *metrics = workspace(p->intervals * sizeof *metrics);
  if ((size_t)list_length(list) != p->intervals)
    refuse("`%s` has %zu metrics, not %zu", list.name, (size_t)list_length(list),
           p->intervals);
  for (size_t k = 0; k < p->intervals; k++)
    metrics[k] = metric_from(list_item(list, (R_xlen_t)k), p->d);
  return (geodesic_problem){p, metrics, list_doubles(problem, "straight", p->intervals)};
}

/* `steps` steps more of list(heads = list(path), step, losses (intervals, schedule)), as
 * ffi_match_run() has it: list(status) */
SEXP ffi_path_run(SEXP state, SEXP problem, SEXP options, SEXP steps) {
  r_list given = list_at(options, "options"), own = list_at(state, "training$path");
  r_list network = list_in(list_in(own, "heads"), "path");
  pairs p = pairs_from(list_at(problem, "problem"), NULL);
  head phi = head_from(network, HEAD_PATH, 1);
  geodesic_problem g = problem_from(list_at(problem, "problem"), &p);
  training_state s = steps_from(own, p.intervals);
  geodesic_options o = {
    .batch = list_size(given, "batch", 1, INT32_MAX),
    .total_steps = list_size(given, "steps", 1, INT32_MAX),
    .learning_rate = list_number(given, "learning_rate", 0, 1),
    .rate_floor = list_number(given, "rate_floor", 0, 1),
    .key = key_from(list_get(options, "key")),
    .threads = (int)list_size(given, "threads", 1, THREADS),
    .interrupted = user_interrupted,
  };
  size_t count = size_of(steps, "steps", 1, s.left);
  size_t bytes = geodesic_workspace(&phi, &g, &o);
  void *block = workspace(bytes);
  int status = geodesic_run(&phi, s.losses, (uint64_t)*s.step, count, &g, &o, block,
                            bytes);
  if (status == STATUS_BAD_ARGUMENT) refuse("the network or the paths do not fit");
  return state_advanced(&s, status, count);
}
