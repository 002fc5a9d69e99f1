#include "field/sde.h"
#include "base/status.h"
#include <math.h>
#include <string.h>

enum { ARRIVED = -1 };

/* Levels by which steps are made smaller at once: an error far above the tolerance says
 * that the order of the method is not yet seen, not how many steps are needed. */
#define LEVELS_AT_ONCE 3

static void layout(arena *a, sde_run *r, size_t n, const sde_equation *e,
                   const sde_options *o) {
  size_t pairs = 0, all = 0;
  if (size_mul(n, 2, &pairs) || size_mul(pairs, e->dim, &all)) a->failed = 1;
  r->x = arena_take(a, all, sizeof(double));
  r->drift = arena_take(a, all, sizeof(double));
  r->t = arena_take(a, pairs, sizeof(double));
  r->h = arena_take(a, pairs, sizeof(double));
  r->worst = arena_take(a, pairs, sizeof(double));
  r->home = arena_take(a, n, sizeof(size_t));
  r->cell = arena_take(a, n, sizeof(uint32_t));
  r->level = arena_take(a, n, sizeof(signed char));
  brownian_layout(a, &r->path, n, e->noisy, o->deepest);
}

size_t sde_workspace(size_t n, const sde_equation *e, const sde_options *o) {
  arena a = {0};
  sde_run r;
  layout(&a, &r, n, e, o);
  return arena_size(&a);
}

static int options_check(const sde_options *o) {
  return !(o->tolerance > 0) || !(o->largest_step > 0) || o->deepest < 1 ||
         o->deepest > BROWNIAN_DEEPEST;
}

static int first_level(double span, const sde_options *o) {
  int level = 0;
  while (level < o->deepest - 1 && ldexp(fabs(span), -level) > o->largest_step) level++;
  return level;
}

/* Packs the states of the lowest level that is under way. */
static void begin_group(sde_run *r) {
  const sde_states *s = &r->states;
  int lowest = ARRIVED;
  for (size_t i = 0; i < s->n; i++)
    if (r->level[i] != ARRIVED && (lowest == ARRIVED || r->level[i] < lowest))
      lowest = r->level[i];
  r->active = r->step = 0;
  if (lowest == ARRIVED) return;
  for (size_t i = 0; i < s->n; i++) {
    if (r->level[i] != lowest) continue;
    r->home[r->active] = i;
    r->cell[r->active++] = s->cell[i];
  }
  size_t dim = r->equation->dim, n = r->active;
  for (size_t i = 0; i < 2 * n; i++) {
    size_t home = r->home[i % n];
    memcpy(r->x + i * dim, s->x + home * dim, dim * sizeof *r->x);
    r->h[i] = ldexp(s->to - s->from[home], -lowest - (i >= n));
    r->worst[i] = 0;
  }
  brownian_begin(&r->path, r->key, r->cell, n, lowest + 1);
}

int sde_begin(sde_run *run, const sde_states *states, rng_key key, const sde_equation *e,
              const sde_options *o, void *workspace, size_t workspace_bytes) {
  arena a = arena_over(workspace, workspace_bytes);
  *run = (sde_run){.equation = e, .options = o, .states = *states, .key = key};
  if (options_check(o) || e->noisy > e->dim || !(e->sigma >= 0) || !isfinite(e->sigma) ||
      !isfinite(states->to))
    return STATUS_BAD_ARGUMENT;
  layout(&a, run, states->n, e, o);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  for (size_t i = 0; i < states->n; i++) {
    double span = states->to - states->from[i];
    if (!isfinite(span)) return STATUS_BAD_ARGUMENT;
    run->level[i] = (signed char)(span == 0 ? ARRIVED : first_level(span, o));
    states->error[2 * i] = states->error[2 * i + 1] = 0;
  }
  begin_group(run);
  return STATUS_OK;
}

/* One step of the solutions first ... first + count - 1, with increments part (count, d)
 * of paths over a unit of time. */
static void move(sde_run *r, size_t first, size_t count, const double *part) {
  const sde_equation *e = r->equation;
  for (size_t i = first; i < first + count; i++) {
    size_t home = r->home[i % r->active];
    double noise = e->sigma * sqrt(fabs(r->states.to - r->states.from[home]));
    double *x = r->x + i * e->dim;
    const double *drift = r->drift + i * e->dim, *dw = part + (i - first) * e->noisy;
    for (size_t c = 0; c < e->dim; c++) x[c] += r->h[i] * drift[c];
    for (size_t c = 0; c < e->noisy; c++) x[c] += noise * dw[c];
  }
}

static double distance(const double *x, const double *y, size_t n) {
  double total = 0;
  for (size_t c = 0; c < n; c++) total += (x[c] - y[c]) * (x[c] - y[c]);
  return n > 0 ? sqrt(total / (double)n) : 0;
}

static double larger(double a, double b) {
  return a >= b ? a : isnan(b) ? INFINITY : b;
}

/* One step of the coarser solutions and two of the finer. */
static void step_group(sde_run *r) {
  const sde_equation *e = r->equation;
  size_t n = r->active;
  int level = r->path.level;
  brownian_enter(&r->path, 2 * r->step);
  for (size_t i = 0; i < 2 * n; i++)
    r->t[i] = r->states.from[r->home[i % n]] + (double)r->step * r->h[i % n];
  e->drift(r->drift, r->x, r->t, r->h, 2 * n, e->context);
  move(r, 0, n, brownian_part(&r->path, level - 1));
  move(r, n, n, brownian_part(&r->path, level));

  brownian_enter(&r->path, 2 * r->step + 1);
  for (size_t i = n; i < 2 * n; i++) r->t[i] += r->h[i];
  e->drift(r->drift + n * e->dim, r->x + n * e->dim, r->t + n, r->h + n, n, e->context);
  move(r, n, n, brownian_part(&r->path, level));

  for (size_t i = 0; i < n; i++) {
    const double *x = r->x + i * e->dim, *y = r->x + (n + i) * e->dim;
    double *worst = r->worst + 2 * i;
    worst[0] = larger(worst[0], distance(x, y, e->noisy));
    worst[1] = larger(worst[1], distance(x + e->noisy, y + e->noisy, e->dim - e->noisy));
  }
  r->step++;
  r->evaluations += 3 * n;
}

/* The finer solution of packed state i arrives. */
static void arrive(sde_run *r, size_t i) {
  size_t dim = r->equation->dim, home = r->home[i];
  const double *x = r->x + (r->active + i) * dim;
  memcpy(r->states.x + home * dim, x, dim * sizeof *x);
  memcpy(r->states.error + 2 * home, r->worst + 2 * i, 2 * sizeof *r->worst);
  r->level[home] = ARRIVED;
  for (size_t c = 0; c < dim; c++)
    if (!isfinite(x[c])) r->status = STATUS_NOT_FINITE;
}

/* Lets those arrive whose error is small enough and gives the others smaller steps: the
 * error halves with the step. */
static void finish_group(sde_run *r) {
  int level = r->path.level - 1, last = r->options->deepest - 1;
  for (size_t i = 0; i < r->active; i++) {
    double span = fabs(r->states.to - r->states.from[r->home[i]]);
    double error = larger(r->worst[2 * i], r->worst[2 * i + 1]);
    error /= r->options->tolerance * span; /* in tolerances */
    if (error <= 1 || level >= last) {
      arrive(r, i);
      continue;
    }
    int more = (int)fmin(LEVELS_AT_ONCE, fmax(1, ceil(log2(error))));
    r->level[r->home[i]] = (signed char)(level + more < last ? level + more : last);
  }
  begin_group(r);
}

void sde_continue(sde_run *run, size_t evaluations) {
  size_t start = run->evaluations;
  while (run->active > 0 && run->evaluations - start < evaluations) {
    step_group(run);
    if (run->step == (size_t)1 << (run->path.level - 1)) finish_group(run);
  }
}
