/* The parts of the solver: one pass, and the Newton step that follows it. */
#include "uot_case.h"
#include "transport/uot_newton.h"

typedef struct {
  uot_case base;
  uot_passes passes;
  uot_newton newton;
  void *block;
} parts;

static parts parts_make(size_t n, size_t m, double epsilon, double tau, double target) {
  parts p = {.base = case_random(n, m, 2, epsilon, tau)};
  p.base.problem.tau_target = target;
  return p;
}

/* Must not be moved afterwards: passes points into it. */
static void parts_open(parts *p) {
  const uot_problem *problem = &p->base.problem;
  arena space = {0};
  uot_pass_layout(&space, &p->passes, problem, &p->base.options);
  uot_newton_layout(&space, &p->newton, problem->n, problem->m);
  size_t bytes = arena_size(&space);
  p->block = malloc(bytes);
  space = arena_over(p->block, bytes);
  uot_pass_layout(&space, &p->passes, problem, &p->base.options);
  uot_newton_layout(&space, &p->newton, problem->n, problem->m);
  CHECK(arena_ok(&space), "layout");
  p->base.options.threads = 1;
  CHECK(uot_pass_prepare(&p->passes) == STATUS_OK, "prepare");
  for (size_t i = 0; i < problem->n; i++) p->base.f[i] = uniform(-0.2, 0.2);
}

static void parts_close(parts *p) {
  free(p->block);
  case_free(&p->base);
}

/* Semi-dual by its definition, in long double: tau sum a (1 - e^(-f/tau)) + sum b g, or
 * the same of the target and minus epsilon sum q. */
static long double semi_dual(const uot_case *c, const double *f) {
  const uot_problem *p = &c->problem;
  long double total = 0, unit = 1, a = 0, b = 0;
  for (size_t i = 0; i < p->n; i++) a += p->a[i];
  for (size_t j = 0; j < p->m; j++) b += p->b[j];
  if (isfinite(p->tau_target)) unit = sqrtl(a * b) / (long double)(p->n * p->m);
  for (size_t i = 0; i < p->n; i++)
    total += p->tau_source * p->a[i] * (1 - expl(-(long double)f[i] / p->tau_source));
  for (size_t j = 0; j < p->m; j++) {
    long double sum = 0;
    for (size_t i = 0; i < p->n; i++)
      sum += expl(((long double)f[i] - case_cost(c, i, j)) / p->epsilon);
    long double tau = p->tau_target, g = p->epsilon * (logl(p->b[j] / unit) - logl(sum));
    if (isfinite(p->tau_target)) {
      g *= tau / (tau + p->epsilon);
      total += tau * p->b[j] * (1 - expl(-g / tau)) - p->epsilon * unit * sum *
               expl(g / p->epsilon);
    } else {
      total += p->b[j] * g;
    }
  }
  return total;
}

/* a e^(-f/tau) - r is the gradient of the semi-dual: central differences, to 1e-6. */
static void check_gradient(double epsilon, double tau, double target) {
  parts p = parts_make(19, 37, epsilon, tau, target);
  parts_open(&p);
  uot_case *c = &p.base;
  uot_pass_options how = {.epsilon = epsilon};
  double dual;
  CHECK(uot_pass(c->g, c->r, &dual, NULL, &p.passes, c->f, &how) == STATUS_OK, "pass");
  double h = 1e-4 * epsilon;
  for (size_t i = 0; i < 19; i++) {
    double here = c->f[i];
    c->f[i] = here + h;
    long double up = semi_dual(c, c->f);
    c->f[i] = here - h;
    long double down = semi_dual(c, c->f);
    c->f[i] = here;
    double slope = (double)((up - down) / (2 * (long double)h));
    CHECK_NEAR(c->a[i] * exp(-here / tau) - c->r[i], slope, 1e-6);
  }
  double relaxed = 0;
  for (size_t i = 0; i < 19; i++)
    relaxed += tau * c->a[i] * (1 - exp(-c->f[i] / tau));
  if (isinf(target)) CHECK_NEAR(dual + relaxed, (double)semi_dual(c, c->f), 1e-12);
  parts_close(&p);
}

static void gradient_at(parts *p, double *out, double *w, const double *f,
                        const uot_pass_options *how) {
  const uot_problem *problem = &p->base.problem;
  double dual;
  CHECK(uot_pass(p->base.g, p->base.r, &dual, NULL, &p->passes, f, how) == STATUS_OK,
        "pass");
  for (size_t i = 0; i < problem->n; i++) {
    w[i] = problem->a[i] * exp(-f[i] / problem->tau_source);
    out[i] = w[i] - p->base.r[i];
  }
}

/* Along the Newton step the gradient falls at the rate of the gradient itself: central
 * differences, to 1e-5 (float32 entries). With small entries or columns left out,
 * to `tolerance` in the norm. */
static void check_newton(size_t n, size_t m, double target, size_t entries,
                         double tolerance) {
  parts p = parts_make(n, m, 0.1, 1, target);
  p.base.options.threshold = 1e-9;
  parts_open(&p);
  uot_pass_options how = {.epsilon = 0.1,
                          .collect = UOT_COLLECT_SAMPLE,
                          .threshold = 1e-9,
                          .entries = entries};
  double *space = calloc(6 * n, sizeof(double));
  double *w = space, *gradient = w + n, *step = gradient + n, *at = step + n;
  double *up = at + n, *down = up + n, h = 1e-4;
  int iterations = 0;
  gradient_at(&p, gradient, w, p.base.f, &how);
  uot_newton_prepare(&p.newton, &p.passes, w, p.base.r, 0.1, 0);
  size_t stored = plan_entries(&p.passes.sparse);
  if (entries) CHECK(stored > entries / 4 && stored <= entries, "%zu entries", stored);
  else CHECK(stored > n * m / 4, "%zu entries", stored);
  int code = uot_newton_solve(step, &iterations, &p.newton, &p.passes, gradient, 0.1,
                              1e-10);
  CHECK(code == STATUS_OK && iterations > 1, "%d iterations", iterations);
  how.collect = UOT_COLLECT_NONE;
  for (size_t i = 0; i < n; i++) at[i] = p.base.f[i] + h * step[i];
  gradient_at(&p, up, w, at, &how);
  for (size_t i = 0; i < n; i++) at[i] = p.base.f[i] - h * step[i];
  gradient_at(&p, down, w, at, &how);
  double miss = 0, size = 0;
  for (size_t i = 0; i < n; i++) {
    double rate = (up[i] - down[i]) / (2 * h);
    miss += (rate + gradient[i]) * (rate + gradient[i]);
    size += gradient[i] * gradient[i];
  }
  CHECK(sqrt(miss / size) < tolerance, "%zu entries: %g", stored, sqrt(miss / size));
  free(space);
  parts_close(&p);
}

/* When nothing fits, the step is that of the diagonal matrix: Sinkhorn's. */
static void check_empty_system(void) {
  parts p = parts_make(30, 40, 0.1, 1, INFINITY);
  p.base.options.capacity = 0;
  parts_open(&p);
  uot_pass_options how = {.epsilon = 0.1, .collect = UOT_COLLECT_SAMPLE,
                          .threshold = 1e-9};
  double w[30], gradient[30], step[30];
  int iterations = 0;
  gradient_at(&p, gradient, w, p.base.f, &how);
  CHECK(plan_entries(&p.passes.sparse) == 0, "%zu", plan_entries(&p.passes.sparse));
  uot_newton_prepare(&p.newton, &p.passes, w, p.base.r, 0.1, 0);
  uot_newton_solve(step, &iterations, &p.newton, &p.passes, gradient, 0.1, 1e-12);
  for (size_t i = 0; i < 30; i++)
    CHECK_NEAR(step[i], gradient[i] / (w[i] + p.base.r[i] / 0.1), 1e-12);
  parts_close(&p);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_gradient(1, 1, INFINITY);
  check_gradient(0.1, 5, INFINITY);
  check_gradient(0.02, 0.3, INFINITY);
  check_newton(25, 40, INFINITY, 0, 1e-5);
  check_newton(200, 3000, INFINITY, 0, 1e-5);
  /* 0.012 and 0.028; twice that if sums are not restored */
  check_newton(200, 3000, INFINITY, 200000, 0.018);
  check_newton(200, 3000, INFINITY, 50000, 0.042);
  check_empty_system();
  check_gradient(1, 1, 1);
  check_gradient(0.1, 5, 0.3);
  check_gradient(0.02, 0.3, 5);
  check_newton(25, 40, 0.5, 0, 1e-5);
  check_newton(25, 40, 0.05, 0, 1e-5);
  return check_report("test_uot_newton");
}
