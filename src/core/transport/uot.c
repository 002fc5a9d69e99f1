#include "transport/uot.h"
#include "transport/uot_newton.h"
#include "transport/uot_pass.h"
#include <float.h>
#include <math.h>
#include <string.h>

/* Successive epsilons; a power of two, so that scaled problems take the same path. */
#define LEVEL_RATIO 4.0
/* With both marginals kept, nothing but the plan holds sources together, and it may fall
 * apart: a ridge, which fades as the residual does. */
#define RIDGE 0.1
/* A level before the last ends when f is known, or seen, to be within its epsilon. */
#define LEVEL_NEWTON_STEPS 20
/* Newton matrix: entries below this / n cannot add up to more than 1 % of a column. */
#define SYSTEM_LOSS 0.01
/* The same where both marginals are kept: weak links are all that tells how parts of the
 * plan move against each other. */
#define LINK_LOSS 1e-16
/* Entries of the Newton matrix on levels before the last, per source. */
#define COARSE_ENTRIES ((size_t)512)
#define FORCING 0.1
#define SAME_TOTAL 1e-9 /* relative */
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
  double *w;         /* (n) a e^(-f / tau_source), what r should be */
  double *gradient;  /* (n) w - r */
  double *step;      /* (n) */
  double *start;     /* (n) f before the step */
  double *coarser;   /* (n) f of the level before */
  double *unused;    /* (m) potentials that nobody asked for */
  double *centre;    /* (d) */
  double mass;       /* sum q; sum b if tau_target is infinite */
  double shift;      /* f + shift is the potential, see balance(); g is there, but
                      * for -shift if tau_target is infinite */
  double dual;       /* the semi-dual, but for a constant */
  double target_dual; /* sum b g, if tau_target is infinite */
  double least, total; /* of f, and of w as balance() leaves it for balance_both() */
  double residual;   /* max |w - r| / mean r */
  double error;      /* bound of the error of f, see measure() */
  double moved;      /* furthest move of f in the last Newton step */
} uot_state;

double uot_passed(double tau, double epsilon) {
  return isinf(tau) ? 1 : tau / (tau + epsilon);
}

double uot_kept(double tau, double epsilon) {
  return isinf(tau) ? 0 : epsilon / (tau + epsilon);
}

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
  s->unused = arena_take(space, isinf(problem->tau_target) ? 0 : problem->m,
                         sizeof(double));
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

static int check_marginal(double *total, const double *mass, size_t n) {
  *total = 0;
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(mass[i])) return STATUS_NOT_FINITE;
    if (mass[i] <= 0) return STATUS_BAD_ARGUMENT;
    *total += mass[i];
  }
  return isfinite(*total) ? STATUS_OK : STATUS_NOT_FINITE;
}

static int check_values(const uot_problem *p, const uot_options *options) {
  double a, b;
  if (!isfinite(p->epsilon) || isnan(p->tau_source) || isnan(p->tau_target) ||
      isnan(p->delta))
    return STATUS_NOT_FINITE;
  if (!(p->epsilon >= DBL_MIN) || !(p->tau_source >= DBL_MIN) ||
      !(p->tau_target >= DBL_MIN) || !(p->delta > 0) || !(options->tolerance > 0) ||
      !(options->threshold > 0) || options->max_steps < 1)
    return STATUS_BAD_ARGUMENT;
  if (isfinite(p->delta) && (p->delta < 1e-140 || p->delta > 1e140))
    return STATUS_NOT_FINITE;
  int code = check_marginal(&a, p->a, p->n);
  if (!code) code = check_marginal(&b, p->b, p->m);
  int kept = isinf(p->tau_source) && isinf(p->tau_target);
  if (!code && kept && fabs(a - b) > SAME_TOTAL * b) return STATUS_BAD_ARGUMENT;
  return code;
}

/* w, and the constant that f lacks so that sum w = sum q: along it the semi-dual is
 * largest there. It is kept apart from f because with a large tau it may be so large that
 * f would lose its digits. Here if P does not see it, as with tau_target infinite, ... */
static void balance(uot_state *s) {
  const uot_problem *problem = s->problem;
  const unsigned char *near = s->passes.near_source;
  double least = INFINITY, total = 0, tau = problem->tau_source;
  for (size_t i = 0; i < problem->n; i++)
    if (near[i]) least = fmin(least, s->f[i]);
  for (size_t i = 0; i < problem->n; i++)
    total += s->w[i] = near[i] ? problem->a[i] * exp((least - s->f[i]) / tau) : 0;
  if (isinf(problem->tau_target)) {
    s->shift = isinf(tau) ? 0 : tau * log(total / s->mass) - least;
    for (size_t i = 0; i < problem->n; i++) s->w[i] *= s->mass / total;
  } else {
    s->least = least;
    s->total = total;
  }
}

/* ... and after the pass otherwise: a larger f makes w smaller by e^(-shift / tau_source)
 * and P larger by e^(shift / (tau_target + epsilon)). 0 if masses over- or underflow. */
static int balance_both(uot_state *s, double epsilon) {
  const uot_problem *problem = s->problem;
  double in = 1 / problem->tau_source, out = 1 / (problem->tau_target + epsilon), q = 0;
  for (size_t j = 0; j < problem->m; j++) q += s->passes.column[j];
  if (!isfinite(q) || q < DBL_MIN) return 0;
  double more = (log(s->total / q) - (s->least + s->shift) * in) / (in + out);
  double up = exp(more * out), target = problem->tau_target * out;
  if (!isfinite(up * q) || up * q < DBL_MIN) return 0;
  s->shift += more;
  s->mass = q * up;
  for (size_t i = 0; i < problem->n; i++) {
    s->w[i] *= s->mass / s->total;
    s->r[i] *= up;
  }
  for (size_t j = 0; j < problem->m; j++) {
    if (!s->passes.near_target[j]) continue;
    s->g[j] -= target * more;
    s->passes.column[j] *= up;
  }
  s->result->transport_cost *= up;
  return 1;
}

/* tau sum mass (1 - e^(-u / tau)): what a marginal adds to the dual. */
static double conjugate(const double *mass, const double *u, double shift, size_t count,
                        double tau) {
  double total = 0;
  for (size_t i = 0; i < count; i++) {
    double at = u[i] + shift;
    total += isinf(tau) ? mass[i] * at : -tau * mass[i] * expm1(-at / tau);
  }
  return total;
}

/* The residual, and a bound of the error of f. The negative Hessian is an M-matrix whose
 * row sums are w / tau_source + r / (tau_target + epsilon), so that the largest
 * |w - r| over these bounds its product with the gradient. */
static void measure(uot_state *s, double epsilon) {
  const uot_problem *problem = s->problem;
  double largest = 0, relative = 0, out = 1 / (problem->tau_target + epsilon);
  double tau = problem->tau_source;
  int sums = isinf(tau) || isfinite(problem->tau_target);
  for (size_t i = 0; i < problem->n; i++) {
    double gradient = s->gradient[i] = s->w[i] - s->r[i];
    double weight = sums ? s->w[i] / tau + s->r[i] * out : s->w[i];
    largest = fmax(largest, fabs(gradient));
    if (s->passes.near_source[i])
      relative = fmax(relative, fabs(gradient) / fmax(weight, DBL_MIN));
  }
  s->residual = largest * ((double)problem->n / s->mass);
  s->error = sums ? relative : relative * tau;
}

/* Everything that depends on f. Where masses overflow, as they may far along a step, the
 * dual is -INFINITY. */
static int evaluate(uot_state *s, const uot_pass_options *how) {
  const uot_problem *problem = s->problem;
  uot_pass_options at = *how;
  balance(s);
  at.shift = s->shift;
  int code = uot_pass(s->g, s->r, &s->dual, &s->result->transport_cost, &s->passes, s->f,
                      &at);
  if (code) return code;
  s->result->passes++;
  if (isinf(problem->tau_target)) {
    s->target_dual = s->dual -= s->mass * s->shift;
    if (isinf(problem->tau_source))
      s->dual += kernels_get()->dot_f64(s->w, s->f, problem->n);
  } else if (balance_both(s, how->epsilon)) {
    s->dual = conjugate(problem->a, s->f, s->shift, problem->n, problem->tau_source) +
              conjugate(problem->b, s->g, 0, problem->m, problem->tau_target) -
              how->epsilon * s->mass;
  } else {
    s->dual = -INFINITY;
  }
  measure(s, how->epsilon);
  return STATUS_OK;
}

/* Make the source marginals right for the present g (Chizat et al. 2018, section 4). */
static void sinkhorn_step(uot_state *s, double epsilon) {
  double keep = uot_passed(s->problem->tau_source, epsilon);
  for (size_t i = 0; i < s->problem->n; i++) {
    if (!s->passes.near_source[i]) continue;
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
  if (!isfinite(s->dual)) return 0;
  if (slope_now >= 0 || s->dual >= before + DECREASE * t * slope) return 1;
  return s->dual >= before - DUAL_ROUNDING * fabs(before) && -slope_now <= 0.5 * slope;
}

static int both_kept(const uot_state *s) {
  return isinf(s->problem->tau_source) && isinf(s->problem->tau_target);
}

static int newton_step(uot_state *s, const uot_pass_options *how, double forcing) {
  size_t n = s->problem->n;
  double ridge = both_kept(s) ? RIDGE * fmin(1, s->residual) : 0;
  uot_newton_prepare(&s->newton, &s->passes, s->w, s->r, how->epsilon, ridge);
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
  return isfinite(s->dual) ? STATUS_OK : STATUS_NOT_FINITE;
}

static uot_pass_options level_options(const uot_state *s, double epsilon) {
  double loss = both_kept(s) ? LINK_LOSS : SYSTEM_LOSS;
  return (uot_pass_options){.epsilon = epsilon,
                            .collect = UOT_COLLECT_SAMPLE,
                            .threshold = loss / (double)s->problem->n};
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
  code = evaluate(s, how);
  return code ? code : isfinite(s->dual) ? STATUS_OK : STATUS_NO_PARTNER;
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

/* Of a source marginal: what it adds to f.r in the objective, and the gap. */
static double source_part(uot_state *s, double *gap) {
  const uot_problem *problem = s->problem;
  double relaxed = 0, tau = problem->tau_source;
  *gap = 0;
  for (size_t i = 0; i < problem->n; i++) {
    s->f[i] = s->passes.near_source[i] ? s->f[i] + s->shift : 0;
    if (isinf(tau)) {
      relaxed += s->w[i] * s->f[i];
      *gap += s->f[i] * (s->r[i] - s->w[i]);
    } else {
      relaxed += s->r[i] * s->f[i] + tau * divergence(s->r[i], problem->a[i]);
      *gap += tau * divergence(s->r[i], s->w[i]);
    }
  }
  *gap = fabs(*gap);
  return relaxed;
}

/* Potentials and figures. As P = unit e^((f + g - C) / epsilon),
 * <C, P> + epsilon sum P log(P / unit) = f.r + g.q. */
static void finish(uot_state *s) {
  uot_result *result = s->result;
  const uot_problem *problem = s->problem;
  double tau = problem->tau_target, from_source = source_part(s, &result->gap);
  double from_target = isinf(tau) ? s->target_dual : 0;
  for (size_t j = 0; j < problem->m; j++) {
    double q = s->passes.column[j];
    if (isinf(tau)) {
      s->g[j] -= s->shift;
    } else {
      from_target += s->g[j] * q + tau * divergence(q, problem->b[j]);
      if (s->passes.near_target[j]) s->g[j] += problem->epsilon * s->passes.log_unit;
    }
  }
  result->objective = from_source + from_target - problem->epsilon * s->mass;
  result->residual = s->residual;
  result->sources_alone = problem->n - s->passes.sources;
  result->targets_alone = problem->m - s->passes.targets;
}

/* Cells out of reach of all others whose mass is to be kept, or no pair at all. */
static int check_partners(const uot_state *s) {
  const uot_problem *problem = s->problem;
  const uot_passes *passes = &s->passes;
  if (passes->targets == 0) return STATUS_NO_PARTNER;
  int alone_source = passes->sources < problem->n && isinf(problem->tau_source);
  int alone_target = passes->targets < problem->m && isinf(problem->tau_target);
  return alone_source || alone_target ? STATUS_NO_PARTNER : STATUS_OK;
}

/* The last pass, which keeps the plan. */
static int hand_back(uot_state *s, const uot_solution *out, plan *sparse) {
  const uot_problem *problem = s->problem;
  uot_pass_options how = {.epsilon = problem->epsilon,
                          .collect = sparse ? UOT_COLLECT_PLAN : UOT_COLLECT_NONE,
                          .threshold = s->options->threshold,
                          .entries = s->options->entries,
                          .want_cost = 1};
  int code = evaluate(s, &how);
  if (code) return code;
  if (!isfinite(s->dual)) return STATUS_NO_PARTNER;
  if (sparse) {
    *sparse = s->passes.sparse;
    s->result->entries = plan_entries(sparse);
  }
  for (size_t which = 0; which < UOT_GROUPS && which < problem->m; which++) {
    const uot_group *group = s->passes.group + which;
    s->result->threshold = fmax(s->result->threshold, group->threshold);
    s->result->lost = fmax(s->result->lost, group->lost);
  }
  if (out->column)
    memcpy(out->column, s->passes.column, problem->m * sizeof *out->column);
  if (out->ends && isinf(problem->tau_target))
    memcpy(out->ends, s->r, problem->n * sizeof *out->ends);
  return STATUS_OK;
}

/* A pass more: what is b_j of a target goes to its sources. */
static int find_ends(uot_state *s, const uot_solution *out) {
  const uot_problem *problem = s->problem;
  double dual;
  if (out->ends == NULL || isinf(problem->tau_target)) return STATUS_OK;
  uot_pass_options how = {.epsilon = problem->epsilon, .ends = 1};
  return uot_pass(s->unused, out->ends, &dual, NULL, &s->passes, s->f, &how);
}

int uot_solve(const uot_solution *out, plan *sparse, uot_result *result,
              const uot_problem *problem, const uot_options *options, void *workspace,
              size_t bytes) {
  uot_state s = {.problem = problem, .options = options, .result = result,
                 .f = out->f, .g = out->g, .r = out->row};
  *result = (uot_result){0};
  int code = check_sizes(problem, options);
  if (!code) code = check_values(problem, options);
  if (code) return code;
  arena space = arena_over(workspace, bytes);
  layout(&space, &s, problem, options);
  if (!arena_ok(&space)) return STATUS_NO_SPACE;

  double bound = cost_bound(problem->x, problem->y, problem->n, problem->m, problem->d,
                            problem->delta, s.centre);
  if (!isfinite(LEVEL_RATIO * bound) || !isfinite(bound / problem->epsilon))
    return STATUS_NOT_FINITE;
  for (size_t j = 0; j < problem->m; j++) s.mass += problem->b[j];
  code = uot_pass_prepare(&s.passes);
  if (!code) code = check_partners(&s);
  if (code) return code;

  int outcome = run_levels(&s, bound);
  if (outcome && outcome != STATUS_NOT_CONVERGED) return outcome;
  if ((code = hand_back(&s, out, sparse))) return code;
  finish(&s);
  code = find_ends(&s, out);
  return code ? code : outcome;
}
