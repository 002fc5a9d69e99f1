#include "field/ode.h"
#include "base/status.h"
#include <math.h>
#include <string.h>

#define STAGES 7

/* Dormand and Prince (1980), table 2. Row s holds the weights of stages 0 ... s - 1;
 * the last row gives the solution of order 5 and is the next step's first stage. */
static const double nodes[STAGES] = {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1};
static const double weights[STAGES][STAGES - 1] = {
  {0},
  {1. / 5},
  {3. / 40, 9. / 40},
  {44. / 45, -56. / 15, 32. / 9},
  {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
  {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
  {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84},
};
/* Order 5 minus order 4. */
static const double error_weights[STAGES] = {
  71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40};

static void layout(arena *a, ode_run *s, size_t n, size_t dim) {
  size_t all = 0;
  if (size_mul(n, dim, &all)) a->failed = 1;
  s->x = arena_take(a, all, sizeof(double));
  s->trial = arena_take(a, all, sizeof(double));
  for (int i = 0; i < STAGES; i++) s->k[i] = arena_take(a, all, sizeof(double));
  s->t = arena_take(a, n, sizeof(double));
  s->h = arena_take(a, n, sizeof(double));
  s->stage_time = arena_take(a, n, sizeof(double));
  s->home = arena_take(a, n, sizeof(size_t));
  s->steps = arena_take(a, n, sizeof(size_t));
}

size_t ode_workspace(size_t n, size_t dim) {
  arena a = {0};
  ode_run s;
  layout(&a, &s, n, dim);
  return arena_size(&a);
}

static double scaled_norm(const double *v, const double *x, const double *y, size_t dim,
                          const ode_options *o) {
  double total = 0;
  for (size_t i = 0; i < dim; i++) {
    double size = fmax(fabs(x[i]), fabs(y[i]));
    double e = v[i] / (o->absolute + o->relative * size);
    total += e * e;
  }
  return sqrt(total / (double)dim);
}

/* First step: 1 % of the time in which the state would change by itself at its present
 * speed (after Hairer, Norsett and Wanner 1993, II.4). */
static double first_step(const double *x, const double *dx, size_t dim, double span,
                         const ode_options *o) {
  double size = scaled_norm(x, x, x, dim, o), speed = scaled_norm(dx, x, x, dim, o);
  double h = size > 1e-5 && speed > 1e-5 ? 0.01 * size / speed : 1e-3 * fabs(span);
  return copysign(fmin(h, fabs(span)), span);
}

static void keep_state(ode_run *s, size_t to, size_t from, size_t dim) {
  memcpy(s->x + to * dim, s->x + from * dim, dim * sizeof(double));
  memcpy(s->k[0] + to * dim, s->k[0] + from * dim, dim * sizeof(double));
  s->t[to] = s->t[from];
  s->h[to] = s->h[from];
  s->home[to] = s->home[from];
  s->steps[to] = s->steps[from];
}

/* Stages 1 ... 6 of the n states under way; trial ends as the solution of order 5. */
static void run_stages(ode_run *s, size_t n, size_t dim, ode_field field, void *context) {
  for (int stage = 1; stage < STAGES; stage++) {
    for (size_t i = 0; i < n; i++) {
      s->stage_time[i] = s->t[i] + nodes[stage] * s->h[i];
      for (size_t c = i * dim; c < (i + 1) * dim; c++) {
        double sum = 0;
        for (int p = 0; p < stage; p++) sum += weights[stage][p] * s->k[p][c];
        s->trial[c] = s->x[c] + s->h[i] * sum;
      }
    }
    field(s->k[stage], s->trial, s->stage_time, n, context);
  }
}

/* Error of state i's step, in tolerances. */
static double step_error(ode_run *s, size_t i, size_t dim, const ode_options *o) {
  double *error = s->k[1] + i * dim; /* a stage that is not needed any more */
  for (size_t c = 0; c < dim; c++) {
    double sum = 0;
    for (int p = 0; p < STAGES; p++) sum += error_weights[p] * s->k[p][i * dim + c];
    error[c] = s->h[i] * sum;
  }
  return scaled_norm(error, s->x + i * dim, s->trial + i * dim, dim, o);
}

/* Accept or reject the step of state i and set the next one. 1 when it has arrived. */
static int finish_step(ode_run *s, size_t i, size_t dim, double to, double error) {
  int last = fabs(to - (s->t[i] + s->h[i])) <= 1e-14 * fmax(fabs(to), fabs(s->h[i]));
  double factor = 0.9 * pow(fmax(error, 1e-10), -0.2);
  if (error <= 1) {
    s->t[i] = last ? to : s->t[i] + s->h[i];
    memcpy(s->x + i * dim, s->trial + i * dim, dim * sizeof(double));
    memcpy(s->k[0] + i * dim, s->k[STAGES - 1] + i * dim, dim * sizeof(double));
    if (last) return 1;
  } else {
    factor = fmin(factor, 0.9);
  }
  s->h[i] *= fmin(5, fmax(0.2, factor));
  double left = to - s->t[i];
  if (fabs(s->h[i]) > fabs(left)) s->h[i] = left;
  return 0;
}

int ode_begin(ode_run *run, double *x, const double *from, double to, size_t n,
              size_t dim, ode_field field, void *context, const ode_options *options,
              void *workspace, size_t workspace_bytes) {
  arena a = arena_over(workspace, workspace_bytes);
  *run = (ode_run){.dim = dim, .out = x, .to = to, .field = field, .context = context,
                   .options = options};
  layout(&a, run, n, dim);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  if (!(options->relative > 0) || !(options->absolute > 0) || !isfinite(to))
    return STATUS_BAD_ARGUMENT;
  for (size_t i = 0; i < n; i++)
    if (!isfinite(from[i])) return STATUS_BAD_ARGUMENT;
  if (n == 0 || dim == 0) return STATUS_OK;

  run->active = n;
  memcpy(run->x, x, n * dim * sizeof *x);
  for (size_t i = 0; i < n; i++) {
    run->t[i] = from[i];
    run->home[i] = i;
    run->steps[i] = 0;
  }
  field(run->k[0], run->x, run->t, n, context);
  run->evaluations = n;
  for (size_t i = 0; i < n; i++)
    run->h[i] = first_step(run->x + i * dim, run->k[0] + i * dim, dim, to - from[i],
                           options);
  return STATUS_OK;
}

/* One step, accepted or not, of every state under way. */
static void step_all(ode_run *run) {
  size_t active = run->active, dim = run->dim;
  run_stages(run, active, dim, run->field, run->context);
  run->evaluations += active * (STAGES - 1);
  run->active = 0;
  for (size_t i = 0; i < active; i++) {
    double error = step_error(run, i, dim, run->options);
    if (!isfinite(error)) error = 1e10; /* shrink the step; stuck at worst */
    int done = finish_step(run, i, dim, run->to, error);
    if (!done && ++run->steps[i] >= run->options->max_steps) {
      run->status = error == 1e10 ? STATUS_NOT_FINITE : STATUS_NOT_CONVERGED;
      done = 1;
    }
    if (done)
      memcpy(run->out + run->home[i] * dim, run->x + i * dim, dim * sizeof *run->x);
    else
      keep_state(run, run->active++, i, dim);
  }
}

void ode_continue(ode_run *run, size_t evaluations) {
  size_t start = run->evaluations;
  while (run->active > 0 && run->evaluations - start < evaluations) step_all(run);
}

int ode_dopri5(double *x, const double *from, double to, size_t n, size_t dim,
               ode_field field, void *context, const ode_options *options,
               void *workspace, size_t workspace_bytes, size_t *evaluations) {
  ode_run run;
  int status = ode_begin(&run, x, from, to, n, dim, field, context, options, workspace,
                         workspace_bytes);
  if (status != STATUS_OK) return status;
  while (run.active > 0) {
    if (options->interrupted && options->interrupted(options->interrupted_data))
      return STATUS_INTERRUPTED;
    step_all(&run);
  }
  if (evaluations) *evaluations += run.evaluations;
  return run.status;
}

int ode_rk4(double *x, double from, double to, size_t steps, size_t n, size_t dim,
            ode_field field, void *context, void *workspace, size_t workspace_bytes) {
  ode_run s;
  arena a = arena_over(workspace, workspace_bytes);
  layout(&a, &s, n, dim);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  if (steps == 0 || !isfinite(from) || !isfinite(to)) return STATUS_BAD_ARGUMENT;
  const double stage_node[4] = {0, 0.5, 0.5, 1};
  const double share[4] = {1. / 6, 1. / 3, 1. / 3, 1. / 6};
  double h = (to - from) / (double)steps;
  for (size_t step = 0; step < steps; step++) {
    for (int stage = 0; stage < 4; stage++) {
      double t = from + ((double)step + stage_node[stage]) * h;
      for (size_t i = 0; i < n; i++) s.t[i] = t;
      for (size_t c = 0; c < n * dim; c++)
        s.trial[c] = stage == 0 ? x[c] : x[c] + stage_node[stage] * h * s.k[stage - 1][c];
      field(s.k[stage], s.trial, s.t, n, context);
    }
    for (size_t c = 0; c < n * dim; c++)
      for (int stage = 0; stage < 4; stage++) x[c] += h * share[stage] * s.k[stage][c];
  }
  for (size_t c = 0; c < n * dim; c++)
    if (!isfinite(x[c])) return STATUS_NOT_FINITE;
  return STATUS_OK;
}
