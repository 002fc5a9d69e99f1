#include "transport/coupling.h"
#include "transport/coupling_exact.h"
#include <math.h>

coupling_options coupling_defaults(void) {
  return (coupling_options){
    .solver = uot_defaults(), .split = {.blocks = 1}, .least = 1e-3, .want_plan = 1};
}

typedef struct {
  coupling_exact exact;
  size_t bytes; /* of uot's workspace */
  void *workspace;
} coupling_parts;

static void layout(arena *space, coupling_parts *parts, coupling *out,
                   const coupling_problem *p, const coupling_options *o) {
  size_t n = p->n, m = p->m;
  *out = (coupling){.batches = 0};
  out->row = arena_take(space, n, sizeof(double));
  out->column = arena_take(space, m, sizeof(double));
  out->ends = arena_take(space, n, sizeof(double));
  if (isfinite(p->tau_source)) out->gain_source = arena_take(space, n, sizeof(double));
  if (isfinite(p->tau_target)) out->gain_target = arena_take(space, m, sizeof(double));
  if (p->epsilon > 0 || o->minibatch == 0) {
    out->f = arena_take(space, n, sizeof(double));
    out->g = arena_take(space, m, sizeof(double));
  }
  if (p->epsilon > 0) {
    parts->bytes = uot_blocks_workspace(p, &o->solver, &o->split);
    if (parts->bytes == 0) space->failed = 1;
    parts->workspace = arena_take(space, parts->bytes, 1);
  } else {
    coupling_exact_layout(space, &parts->exact, out, p, o);
  }
}

static int check_sizes(const coupling_problem *p, const coupling_options *o) {
  if (p->n == 0 || p->m == 0 || p->n > INT32_MAX || p->m > INT32_MAX)
    return STATUS_BAD_SIZE;
  return o->solver.threads < 1 ? STATUS_BAD_ARGUMENT : STATUS_OK;
}

size_t coupling_workspace(const coupling_problem *p, const coupling_options *o) {
  arena space = {0};
  coupling_parts parts;
  coupling out;
  if (check_sizes(p, o)) return 0;
  layout(&space, &parts, &out, p, o);
  return arena_size(&space);
}

static int check_masses(double *total, const double *mass, size_t count) {
  *total = 0;
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(mass[i])) return STATUS_NOT_FINITE;
    if (!(mass[i] > 0)) return STATUS_BAD_ARGUMENT;
    *total += mass[i];
  }
  return isfinite(*total) ? STATUS_OK : STATUS_NOT_FINITE;
}

/* What uot.h would refuse itself is left to it. */
static int check(const coupling_problem *p, const coupling_options *o) {
  double a, b;
  int code = check_sizes(p, o);
  if (code) return code;
  if (!(o->least > 0 && o->least <= 1)) return STATUS_BAD_ARGUMENT;
  if (p->epsilon != 0) return STATUS_OK;
  if (isfinite(p->tau_source) || isfinite(p->tau_target) || isfinite(p->delta) ||
      isnan(p->tau_source + p->tau_target + p->delta))
    return STATUS_BAD_ARGUMENT;
  code = check_masses(&a, p->a, p->n);
  if (!code) code = check_masses(&b, p->b, p->m);
  return code || fabs(a - b) <= 1e-9 * b ? code : STATUS_BAD_ARGUMENT;
}

/* log(sum / mass); of a sum that is 0, `alone`, or, where it only underflows, what the
 * potential says. */
static void find_gains(double *out, const double *sum, const double *mass,
                       const double *potential, double tau, size_t count, double alone) {
  for (size_t i = 0; i < count; i++) {
    if (sum[i] >= 1e-300 * mass[i]) out[i] = log(sum[i] / mass[i]);
    else out[i] = potential[i] == 0 ? alone : -potential[i] / tau;
  }
}

static int solve_entropic(coupling *out, const coupling_parts *parts,
                          const coupling_problem *p, const coupling_options *o) {
  const uot_solution solution = {out->f, out->g, out->row, out->column, out->ends};
  plan *pairs = o->want_plan ? &out->pairs : NULL;
  int code = uot_blocks_solve(&solution, pairs, &out->result, p, &o->solver, &o->split,
                              parts->workspace, parts->bytes);
  if (code && code != STATUS_NOT_CONVERGED) return code;
  double alone = log(o->least);
  if (out->gain_source)
    find_gains(out->gain_source, out->row, p->a, out->f, p->tau_source, p->n, alone);
  if (out->gain_target) {
    find_gains(out->gain_target, out->column, p->b, out->g, p->tau_target, p->m, alone);
    for (size_t j = 0; j < p->m; j++) out->gain_target[j] = -out->gain_target[j];
  }
  return code;
}

static double mean_square(const plan *pairs, const coupling_problem *p) {
  double sum = 0, mass = 0;
  for (size_t j = 0; j < p->m; j++)
    for (size_t e = pairs->start[j]; e < pairs->start[j] + pairs->count[j]; e++) {
      const double *x = p->x + (size_t)pairs->source[e] * p->d, *y = p->y + j * p->d;
      double square = 0, weight = p->b[j] * pairs->value[e];
      for (size_t k = 0; k < p->d; k++) square += (x[k] - y[k]) * (x[k] - y[k]);
      sum += weight * square;
      mass += weight;
    }
  return sum / mass;
}

int coupling_solve(coupling *out, const coupling_problem *p, const coupling_options *o,
                   void *workspace, size_t bytes) {
  coupling_parts parts;
  *out = (coupling){.batches = 0};
  int code = check(p, o);
  if (code) return code;
  arena space = arena_over(workspace, bytes);
  layout(&space, &parts, out, p, o);
  if (!arena_ok(&space)) return STATUS_NO_SPACE;
  code = p->epsilon > 0 ? solve_entropic(out, &parts, p, o)
                        : coupling_exact_solve(&parts.exact, out, p, o);
  out->square = code || !o->want_plan ? NAN : mean_square(&out->pairs, p);
  return code;
}
