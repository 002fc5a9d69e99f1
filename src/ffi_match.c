#include "ffi_training.h"
#include "path/hermite.h"
#include "train/match.h"
#include "base/status.h"
#include <float.h>

SEXP ffi_network_init(SEXP shape, SEXP key, SEXP stream) {
  mlp_shape s = shape_from(list_at(shape, "shape"));
  rng_key k = key_from(key);
  uint32_t order = (uint32_t)size_of(stream, "stream", 0, UINT32_MAX);
  SEXP out = PROTECT(Rf_allocVector(REALSXP, (R_xlen_t)mlp_parameters(&s)));
  mlp_init(REAL(out), &s, k, order);
  UNPROTECT(1);
  return out;
}

/* Vectors that R shares with nobody, so that training may write into them. */
SEXP ffi_copy(SEXP x) { return Rf_duplicate(x); }

/* Where each snapshot begins, and at last where all end: every snapshot has a cell. */
static size_t *offset_from(r_list problem, size_t count) {
  size_t *offset = sizes_from(problem, "offset", count, INT32_MAX);
  check_increasing(list_doubles(problem, "offset", count), count, "offset");
  if (offset[0] != 0) refuse("`%s$offset` does not begin at 0", problem.name);
  return offset;
}

/* The plans of all intervals, or the same source by source. Without `sums` every target
 * is drawn, and so has a source. */
static plan *plans_from(r_list plans, const size_t *offset, int by_source,
                        const double *const *sums) {
  size_t intervals = (size_t)list_length(plans);
  plan *each = workspace(intervals * sizeof *each);
  for (size_t k = 0; k < intervals; k++) {
    r_list one = list_item(plans, (R_xlen_t)k);
    size_t n = offset[k + 1] - offset[k], m = offset[k + 2] - offset[k + 1];
    each[k] = by_source ? plan_from(list_in(one, "rows"), m, n, 0)
                        : plan_from(one, n, m, !(sums && sums[k]));
  }
  return each;
}

/* Running sums of the masses of targets, of each interval or NULL for one. */
static const double *const *sums_from(r_list problem, const size_t *offset,
                                      size_t intervals) {
  SEXP list = list_get(problem.list, "sums");
  if (list == R_NilValue) return NULL;
  if (TYPEOF(list) != VECSXP || (size_t)Rf_xlength(list) != intervals)
    refuse("`%s$sums` is no list of %zu", problem.name, intervals);
  const double **sums = workspace(intervals * sizeof *sums);
  for (size_t k = 0; k < intervals; k++) {
    SEXP one = VECTOR_ELT(list, (R_xlen_t)k);
    size_t m = offset[k + 2] - offset[k + 1];
    sums[k] = one == R_NilValue ? NULL : doubles_of(one, "sums", m);
  }
  return sums;
}

/* Targets without a source are not to be drawn. */
static void check_sums(const double *sums, const plan *p) {
  for (size_t j = 0; j < p->m; j++) {
    double before = j > 0 ? sums[j - 1] : 0;
    if (!(sums[j] >= before && sums[j] <= 1) || (p->count[j] == 0 && sums[j] > before))
      refuse("`sums` has %g at target %zu", sums[j], j + 1);
  }
  if (sums[p->m - 1] != 1) refuse("`sums` ends at %g, not 1", sums[p->m - 1]);
}

/* An element of so many numbers, or NULL for none. */
static const double *doubles_or_null(r_list list, const char *name, size_t length) {
  if (list_get(list.list, name) == R_NilValue) return NULL;
  return list_doubles(list, name, length);
}

static const path *path_from(r_list problem) {
  const char *name = list_text(problem, "path");
  const path *found = path_find(name);
  if (!found) refuse("`%s$path` is \"%s\", no path", problem.name, name);
  return found;
}

/* The network of learned paths, packed; NULL where there is none. */
static const interpolant *learned_from(r_list problem, size_t d) {
  if (list_get(problem.list, "learned") == R_NilValue) return NULL;
  head phi = head_from(list_in(problem, "learned"), HEAD_PATH, 0);
  float *packed = workspace(mlp_packed(&phi.shape) * sizeof *packed);
  interpolant *out = workspace(sizeof *out);
  mlp_pack(packed, phi.weights, &phi.shape);
  *out = (interpolant){d, phi.shape, phi.scale, packed};
  return out;
}

pairs pairs_from(r_list problem, const heads *h) {
  r_list plans = list_in(problem, "plans");
  size_t intervals = (size_t)list_length(plans);
  if (intervals == 0) refuse("`%s` is empty", plans.name);
  size_t *offset = offset_from(problem, intervals + 2);
  size_t d = list_size(problem, "features", 1, MLP_UNITS);
  size_t cells = offset[intervals + 1], bytes = cells * d * sizeof(float);
  size_t sources = offset[intervals], targets = cells - offset[1];
  int bent = list_get(problem.list, "slope_jump") != R_NilValue;
  const double *const *sums = sums_from(problem, offset, intervals);
  pairs b = {
    .d = d,
    .intervals = intervals,
    .heads = h,
    .cells = list_bytes(problem, "cells", bytes),
    .offset = offset,
    .times = list_doubles(problem, "times", intervals + 1),
    .plans = plans_from(plans, offset, 0, sums),
    .rows = plans_from(plans, offset, 1, NULL),
    .sums = sums,
    .gain_source = doubles_or_null(problem, "gain_source", sources),
    .gain_target = doubles_or_null(problem, "gain_target", targets),
    .log_ends = doubles_or_null(problem, "log_ends", sources),
    .log_growth = doubles_or_null(problem, "log_growth", sources),
    .growth = list_doubles(problem, "growth", intervals),
    .trust = list_doubles(problem, "trust", intervals),
    .slope_jump = bent ? list_bytes(problem, "slope_jump", bytes) : NULL,
    .lean = bent ? list_bytes(problem, "lean", cells * sizeof(float)) : NULL,
    .bend = list_number(problem, "bend", 0, 1),
    .pooling = list_number(problem, "pooling", 0, 1),
    .path = path_from(problem),
    .learned = learned_from(problem, d),
    .sigma = list_doubles(problem, "sigma", intervals),
    .delta = doubles_or_null(problem, "delta", intervals),
    .wide = list_number(problem, "wide", 0, DBL_MAX),
  };
  check_increasing(b.times, intervals + 1, "times");
  for (size_t k = 0; k < intervals; k++)
    if (sums && sums[k]) check_sums(sums[k], b.plans + k);
  if (h && pairs_check(&b)) refuse("`%s` has no targets for the networks", problem.name);
  return b;
}

/* list(slope_jump, lean) of all cells, see hermite.h, as float32 in raw vectors. */
SEXP ffi_slopes(SEXP problem) {
  pairs b = pairs_from(list_at(problem, "problem"), NULL);
  size_t most = 0;
  for (size_t k = 0; k < b.intervals; k++)
    if (b.plans[k].n > most) most = b.plans[k].n;
  size_t cells = b.offset[b.intervals] + b.plans[b.intervals - 1].m;
  const char *const names[] = {"slope_jump", "lean"};
  SEXP out = PROTECT(list_make(2, names));
  SET_VECTOR_ELT(out, 0, Rf_allocVector(RAWSXP, (R_xlen_t)(cells * b.d * sizeof(float))));
  SET_VECTOR_ELT(out, 1, Rf_allocVector(RAWSXP, (R_xlen_t)(cells * sizeof(float))));
  hermite_slopes((float *)RAW(VECTOR_ELT(out, 0)), (float *)RAW(VECTOR_ELT(out, 1)), &b,
             workspace(most * sizeof(double)),
             workspace((most + 1) * b.d * sizeof(double)));
  UNPROTECT(1);
  return out;
}

training_state steps_from(r_list state, size_t rows) {
  training_state s = {.step = list_doubles(state, "step", 1)};
  SEXP losses = list_get(state.list, "losses");
  matrix_of(losses, "losses", rows, ANY);
  size_t schedule = (size_t)Rf_ncols(losses);
  size_t step = size_of(list_get(state.list, "step"), "step", 0, schedule);
  s.losses = REAL(losses) + rows * step;
  s.left = schedule - step;
  return s;
}

training_state state_from(r_list state, size_t rows) {
  heads all = heads_from(list_in(state, "heads"), 1);
  training_state s = steps_from(state, rows == 0 ? all.count : rows);
  s.heads = all;
  return s;
}

SEXP state_advanced(training_state *s, int status, size_t steps) {
  const char *const names[] = {"status"};
  if (status == STATUS_OK) *s->step += (double)steps;
  SEXP out = PROTECT(list_make(1, names));
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  UNPROTECT(1);
  return out;
}

SEXP match_more(training_state *s, const row_source *source, const continuity *equation,
                SEXP options, SEXP steps) {
  r_list given = list_at(options, "options");
  match_options o = {
    .batch = list_size(given, "batch", 1, INT32_MAX),
    .total_steps = list_size(given, "steps", 1, INT32_MAX),
    .learning_rate = list_number(given, "learning_rate", 0, 1),
    .rate_floor = list_number(given, "rate_floor", 0, 1),
    .key = key_from(list_get(options, "key")),
    .threads = (int)list_size(given, "threads", 1, THREADS),
    .equation = equation,
    .interrupted = user_interrupted,
  };
  size_t count = size_of(steps, "steps", 1, s->left);
  size_t bytes = match_workspace(&s->heads, source, &o);
  void *block = workspace(bytes);
  int status = match_run(&s->heads, s->losses, (uint64_t)*s->step, count, source, &o,
                         block, bytes);
  return state_advanced(s, status, count);
}

static const float *floats_of(const double *x, size_t length) {
  float *out = workspace(length * sizeof *out);
  for (size_t i = 0; i < length; i++) out[i] = (float)x[i];
  return out;
}

/* problem$equation: list(input (d + 1, n), direction (d + 1, n), want (n), weight); NULL
 * where there is none. */
static const continuity *equation_from(r_list problem, size_t d) {
  if (list_get(problem.list, "equation") == R_NilValue) return NULL;
  r_list given = list_in(problem, "equation");
  SEXP want = list_get(given.list, "want");
  size_t n = (size_t)Rf_xlength(want), length = n * (d + 1);
  continuity *out = workspace(sizeof *out);
  *out = (continuity){
    .d = d,
    .records = n,
    .input = floats_of(list_doubles(given, "input", length), length),
    .direction = floats_of(list_doubles(given, "direction", length), length),
    .want = floats_of(list_doubles(given, "want", n), n),
    .weight = list_number(given, "weight", 0, DBL_MAX),
  };
  return out;
}

/* `steps` steps more of a training_state: list(status) */
SEXP ffi_match_run(SEXP state, SEXP problem, SEXP options, SEXP steps) {
  training_state s = state_from(list_at(state, "training"), 0);
  pairs b = pairs_from(list_at(problem, "problem"), &s.heads);
  row_source source = pairs_source(&b);
  return match_more(&s, &source, equation_from(list_at(problem, "problem"), b.d),
                    options, steps);
}
