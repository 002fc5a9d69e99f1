#include "transport/uot.h"
#include "transport/uot_newton.h"
#include "transport/uot_pass.h"
#include <float.h>
#include <math.h>
#include <string.h>

/* Successive epsilons; a power of two, so that scaled problems take the same path. */
#define LEVEL_RATIO 4.0
/* A level before the last ends when f is known, or seen, to be within its epsilon. */
#define LEVEL_NEWTON_STEPS 20
/* Newton matrix: entries below this / n cannot add up to more than 1 % of a column. */
#define SYSTEM_LOSS 0.01
/* Entries of the Newton matrix on levels before the last, per source. */
#define COARSE_ENTRIES ((size_t)512)
#define FORCING 0.1
#define LINE_SEARCH_TRIALS 20
#define DECREASE 1e-3        /* of the slope: sufficient increase of the dual */
#define DUAL_ROUNDING 1e-13  /* relative */
/* Newton steps in a row without progress before rounding is blamed: the dual does not
 * rise visibly, and the residual stays above this part of the best. */
#define STALLED_STEPS 10
#define STALLED_RATE 0.95

typedef struct {
  const uot_problem *problem;
  const uot_options *options;
  uot_result *result;
  uot_passes passes;
  uot_newton newton;
  double *f, *r;     /* (n) source potential but for a constant, and row sums at f */
  double *g;         /* (m) */
  double *w;         /* (n) a e^(-f / tau), what r should be */
  double *gradient;  /* (n) w - r */
  double *step;      /* (n) */
  double *start;     /* (n) f before the step */
  double *coarser;   /* (n) f of the level before */
  double *centre;    /* (d) */
  double mass;       /* sum b */
  double shift;      /* f + shift and g - shift are the potentials, see balance() */
  double dual;       /* sum b (g - shift): the rest of the semi-dual is constant */
  double residual;   /* max |w - r| / mean r */
  double error;      /* bound of the error of f, see evaluate() */
  double moved;      /* furthest move of f in the last Newton step */
} uot_state;

uot_options uot_defaults(void) {
  return (uot_options){.tolerance = 1e-9,
                       .max_steps = 1000,
                       .threads = 2,
                       .threshold = 1e-8,
                       .capacity = (size_t)1 << 24,
                       .memory = (size_t)1 << 28};
}

static void layout(arena *space, uot_state *s, const uot_problem *problem,
                   const uot_options *options) {
  size_t n = problem->n;
  uot_pass_layout(space, &s->passes, problem, options);
  uot_newton_layout(space, &s->newton, n, problem->m);
  s->w = arena_take(space, n, sizeof(double));
  s->gradient = arena_take(space, n, sizeof(double));
  s->step = arena_take(space, n, sizeof(double));
  s->start = arena_take(space, n, sizeof(double));
  s->coarser = arena_take(space, n, sizeof(double));
  s->centre = arena_take(space, problem->d, sizeof(double));
}

static int check_sizes(const uot_problem *problem, const uot_options *options) {
  size_t points;
  if (options->threads < 1) return STATUS_BAD_ARGUMENT;
  if (problem->n == 0 || problem->m == 0 || problem->n > INT32_MAX ||
      problem->m > INT32_MAX || size_mul(problem->n, problem->d, &points) ||
      size_mul(problem->m, problem->d, &points))
    return STATUS_BAD_SIZE;
  return STATUS_OK;
}

size_t uot_workspace(const uot_problem *problem, const uot_options *options) {
  arena space = {0};
  uot_state s;
  if (check_sizes(problem, options)) return 0;
  layout(&space, &s, problem, options);
  return arena_size(&space);
}

static int check_marginal(const double *mass, size_t n) {
  double total = 0;
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(mass[i])) return STATUS_NOT_FINITE;
    if (mass[i] <= 0) return STATUS_BAD_ARGUMENT;
    total += mass[i];
  }
  return isfinite(total) ? STATUS_OK : STATUS_NOT_FINITE;
}

static int check_values(const uot_problem *problem, const uot_options *options) {
  if (!isfinite(problem->epsilon) || !isfinite(problem->tau)) return STATUS_NOT_FINITE;
  if (!(problem->epsilon >= DBL_MIN) || !(problem->tau >= DBL_MIN) ||
      !(options->tolerance > 0) || !(options->threshold > 0) || options->max_steps < 1)
    return STATUS_BAD_ARGUMENT;
  int code = check_marginal(problem->a, problem->n);
  return code ? code : check_marginal(problem->b, problem->m);
}

/* w, and the constant that f lacks so that sum a e^(-f / tau) = sum b: along it the
 * semi-dual is largest there, and P does not see it. It is kept apart from f because
 * with a large tau it may be so large that f would lose its digits. */
static void balance(uot_state *s) {
  const uot_problem *problem = s->problem;
  double least = INFINITY, total = 0;
  for (size_t i = 0; i < problem->n; i++) least = fmin(least, s->f[i]);
  for (size_t i = 0; i < problem->n; i++)
    total += s->w[i] = problem->a[i] * exp((least - s->f[i]) / problem->tau);
  s->shift = problem->tau * log(total / s->mass) - least;
  for (size_t i = 0; i < problem->n; i++) s->w[i] *= s->mass / total;
}

/* Everything that depends on f. The negative Hessian is an M-matrix whose row sums are
 * w / tau, so that max |(w - r) / w| tau bounds its product with the gradient. */
static int evaluate(uot_state *s, const uot_pass_options *how) {
  balance(s);
  int code = uot_pass(s->g, s->r, &s->dual, &s->result->transport_cost, &s->passes, s->f,
                      how);
  if (code) return code;
  s->dual -= s->mass * s->shift;
  double largest = 0, relative = 0;
  for (size_t i = 0; i < s->problem->n; i++) {
    double gradient = s->gradient[i] = s->w[i] - s->r[i];
    largest = fmax(largest, fabs(gradient));
    relative = fmax(relative, fabs(gradient) / fmax(s->w[i], DBL_MIN));
  }
  s->residual = largest * ((double)s->problem->n / s->mass);
  s->error = relative * s->problem->tau;
  s->result->passes++;
  return STATUS_OK;
}

/* Make the source marginals right for the present g (Chizat et al. 2018, section 4). */
static void sinkhorn_step(uot_state *s, double epsilon) {
  double tau = s->problem->tau, keep = tau / (tau + epsilon);
  for (size_t i = 0; i < s->problem->n; i++) {
    double ratio = s->problem->a[i] / fmax(s->r[i], DBL_MIN);
    s->f[i] = keep * (s->f[i] + epsilon * log(ratio));
  }
}

static double slope_along(const uot_state *s) {
  return kernels_get()->dot_f64(s->gradient, s->step, s->problem->n);
}

static double largest(const double *x, size_t n) {
  double most = 0;
  for (size_t i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
  return most;
}

/* The dual is concave along the step: it still rises where its slope is positive. Near
 * the maximum its value drowns in rounding and the slope decides alone (the approximate
 * Wolfe condition of Hager and Zhang 2005, SIAM J. Optim. 16). */
static int acceptable(const uot_state *s, double before, double t, double slope,
                      double slope_now) {
  if (slope_now >= 0 || s->dual >= before + DECREASE * t * slope) return 1;
  return s->dual >= before - DUAL_ROUNDING * fabs(before) && -slope_now <= 0.5 * slope;
}

static int newton_step(uot_state *s, const uot_pass_options *how, double forcing) {
  size_t n = s->problem->n;
  uot_newton_prepare(&s->newton, &s->passes, s->w, s->r, how->epsilon);
  s->result->system_entries = plan_entries(&s->passes.sparse);
  int code = uot_newton_solve(s->step, &s->result->cg_steps, &s->newton, &s->passes,
                              s->gradient, how->epsilon, forcing);
  if (code) return code;
  s->result->newton_steps++;
  double slope = slope_along(s), before = s->dual, t = 1;
  memcpy(s->start, s->f, n * sizeof *s->start);
  for (int trial = 1;; trial++) {
    for (size_t i = 0; i < n; i++) s->f[i] = s->start[i] + t * s->step[i];
    if ((code = evaluate(s, how))) return code;
    double now = slope_along(s);
    if (trial == LINE_SEARCH_TRIALS || acceptable(s, before, t, slope, now)) break;
    t *= fmin(0.5, fmax(0.1, slope / (slope - now)));
  }
  s->moved = t * largest(s->step, n);
  return STATUS_OK;
}

static uot_pass_options level_options(const uot_state *s, double epsilon) {
  return (uot_pass_options){.epsilon = epsilon,
                            .collect = UOT_COLLECT_SAMPLE,
                            .threshold = SYSTEM_LOSS / (double)s->problem->n};
}

/* Evaluate f of the level before, then a Sinkhorn step unless the error is small enough.
 * Only the second pass collects the plan for Newton's method. */
static int enter_level(uot_state *s, const uot_pass_options *how, double enough) {
  uot_pass_options first = *how;
  first.collect = UOT_COLLECT_NONE;
  s->result->levels++;
  int code = evaluate(s, &first);
  if (code || s->error <= enough) return code;
  sinkhorn_step(s, how->epsilon);
  return evaluate(s, how);
}

/* Only a start for the next level is wanted: giving up is no failure. */
static int coarse_level(uot_state *s, double epsilon) {
  uot_pass_options how = level_options(s, epsilon);
  how.entries = COARSE_ENTRIES * s->problem->n;
  int code = enter_level(s, &how, epsilon);
  s->moved = INFINITY;
  for (int k = 0; k < LEVEL_NEWTON_STEPS && !code; k++) {
    if (s->error <= epsilon || s->moved <= epsilon) break;
    if (s->result->passes >= s->options->max_steps) break;
    code = newton_step(s, &how, FORCING);
  }
  return code;
}

static int last_level(uot_state *s) {
  uot_pass_options how = level_options(s, s->problem->epsilon);
  double tolerance = s->options->tolerance, best = INFINITY;
  int code = enter_level(s, &how, -1), stalled = 0;
  while (!code && s->residual > tolerance) {
    if (s->result->passes >= s->options->max_steps) return STATUS_NOT_CONVERGED;
    double before = s->dual;
    double forcing = fmax(fmin(FORCING, s->residual), FORCING * tolerance / s->residual);
    code = newton_step(s, &how, fmin(forcing, FORCING));
    int gained = s->dual > before + DUAL_ROUNDING * fabs(before);
    stalled = gained || s->residual < STALLED_RATE * best ? 0 : stalled + 1;
    if (stalled == STALLED_STEPS) return STATUS_NOT_CONVERGED;
    best = fmin(best, s->residual);
  }
  return code;
}

/* f is smooth in epsilon: extrapolate it linearly to a level LEVEL_RATIO times finer. */
static void extrapolate(uot_state *s, int first) {
  for (size_t i = 0; i < s->problem->n; i++) {
    double now = s->f[i];
    if (!first) s->f[i] += (now - s->coarser[i]) / LEVEL_RATIO;
    s->coarser[i] = now;
  }
}

/* From an epsilon no smaller than any cost, where the plan is nearly independent. */
static int run_levels(uot_state *s, double largest_cost) {
  double epsilon = s->problem->epsilon;
  int code = STATUS_OK, first = 1;
  while (epsilon < largest_cost) epsilon *= LEVEL_RATIO;
  memset(s->f, 0, s->problem->n * sizeof *s->f);
  for (; epsilon > s->problem->epsilon && !code; epsilon /= LEVEL_RATIO) {
    code = coarse_level(s, epsilon);
    extrapolate(s, first);
    first = 0;
  }
  return code ? code : last_level(s);
}

/* w ((1 + x) log(1 + x) - x), x = (r - w) / w: KL(r | w) without cancellation. */
static double divergence(double r, double w) {
  double x = (r - w) / w;
  if (!(w > 0) || r <= 0) return w;
  return fabs(x) < 0.5 ? w * ((1 + x) * log1p(x) - x) : r * log(r / w) - r + w;
}

/* Potentials and figures. As P = e^((f + g - C) / epsilon),
 * <C, P> + epsilon sum P log P = f.r + g.b. */
static void finish(uot_state *s) {
  uot_result *result = s->result;
  const uot_problem *problem = s->problem;
  double relaxed = 0, gap = 0;
  for (size_t i = 0; i < problem->n; i++) {
    s->f[i] += s->shift;
    relaxed += s->r[i] * s->f[i] + problem->tau * divergence(s->r[i], problem->a[i]);
    gap += problem->tau * divergence(s->r[i], s->w[i]);
  }
  for (size_t j = 0; j < problem->m; j++) s->g[j] -= s->shift;
  result->objective = relaxed + s->dual - problem->epsilon * s->mass;
  result->gap = gap;
  result->residual = s->residual;
  for (size_t which = 0; which < UOT_GROUPS && which < problem->m; which++) {
    result->threshold = fmax(result->threshold, s->passes.group[which].threshold);
    result->lost = fmax(result->lost, s->passes.group[which].lost);
  }
}

int uot_solve(double *f, double *g, double *r, plan *sparse, uot_result *result,
              const uot_problem *problem, const uot_options *options,
              void *workspace, size_t bytes) {
  uot_state s = {.problem = problem, .options = options, .result = result,
                 .f = f, .g = g, .r = r};
  *result = (uot_result){0};
  int code = check_sizes(problem, options);
  if (!code) code = check_values(problem, options);
  if (code) return code;
  arena space = arena_over(workspace, bytes);
  layout(&space, &s, problem, options);
  if (!arena_ok(&space)) return STATUS_NO_SPACE;

  double bound = cost_bound(problem->x, problem->y, problem->n, problem->m, problem->d,
                            s.centre);
  if (!isfinite(LEVEL_RATIO * bound) || !isfinite(bound / problem->epsilon))
    return STATUS_NOT_FINITE;
  for (size_t j = 0; j < problem->m; j++) s.mass += problem->b[j];
  cost_prepare(&s.passes.cost, problem->x, problem->y, options->threads);

  int outcome = run_levels(&s, bound);
  if (outcome && outcome != STATUS_NOT_CONVERGED) return outcome;
  uot_pass_options how = {.epsilon = problem->epsilon,
                          .collect = sparse ? UOT_COLLECT_PLAN : UOT_COLLECT_NONE,
                          .threshold = options->threshold,
                          .entries = options->entries,
                          .want_cost = 1};
  if ((code = evaluate(&s, &how))) return code;
  finish(&s);
  if (sparse) {
    *sparse = s.passes.sparse;
    result->entries = plan_entries(sparse);
  }
  return outcome;
}
