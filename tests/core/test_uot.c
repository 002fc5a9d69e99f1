#include "uot_case.h"

/* Plain log-domain Sinkhorn (Chizat et al. 2018), until nothing moves by 1e-14. */
static double sinkhorn_twin(const uot_case *c, double *f, double *g) {
  const uot_problem *p = &c->problem;
  double keep = p->tau_source / (p->tau_source + p->epsilon), moved = 1;
  for (size_t i = 0; i < p->n; i++) f[i] = 0;
  for (int round = 0; round < 200000 && moved > 1e-14; round++) {
    for (size_t j = 0; j < p->m; j++) {
      double most = -INFINITY, total = 0;
      for (size_t i = 0; i < p->n; i++) most = fmax(most, f[i] - case_cost(c, i, j));
      for (size_t i = 0; i < p->n; i++)
        total += exp((f[i] - case_cost(c, i, j) - most) / p->epsilon);
      g[j] = p->epsilon * (log(p->b[j]) - log(total)) - most;
    }
    moved = 0;
    for (size_t i = 0; i < p->n; i++) {
      double most = -INFINITY, total = 0, old = f[i];
      for (size_t j = 0; j < p->m; j++) most = fmax(most, g[j] - case_cost(c, i, j));
      for (size_t j = 0; j < p->m; j++)
        total += exp((g[j] - case_cost(c, i, j) - most) / p->epsilon);
      f[i] = keep * (p->epsilon * (log(p->a[i]) - log(total)) - most);
      moved = fmax(moved, fabs(f[i] - old));
    }
  }
  return moved;
}

/* Potentials agree with Sinkhorn's to 1e-8 of the largest. */
static void check_twin(double epsilon, double tau) {
  uot_case c = case_random(17, 23, 2, epsilon, tau);
  double f[17], g[23];
  CHECK(case_solve(&c) == STATUS_OK, "eps %g tau %g", epsilon, tau);
  double moved = sinkhorn_twin(&c, f, g);
  CHECK(moved < 1e-12, "the twin has not converged: %g", moved);
  CHECK(difference(c.f, f, 17) < 1e-8, "eps %g tau %g f", epsilon, tau);
  CHECK(difference(c.g, g, 23) < 1e-8, "eps %g tau %g g", epsilon, tau);
  case_free(&c);
}

/* What makes a solution one, computed afresh from the potentials: P' 1 = b and
 * P 1 = r = a e^(-f / tau) to `tolerance`; and the reported figures are those of P. */
static void check_optimal(const uot_case *c, double tolerance, const char *name) {
  const uot_problem *p = &c->problem;
  double column = 0, row = 0, marginal = 0, cost = 0, objective = 0, size = 0, mass = 0;
  double *columns = calloc(p->m, sizeof(double));
  CHECK(c->status == STATUS_OK, "%s: %s", name, status_message(c->status));
  for (size_t j = 0; j < p->m; j++) mass += p->b[j];
  for (size_t i = 0; i < p->n; i++) {
    double total = 0, want = p->a[i] * exp(-c->f[i] / p->tau_source);
    for (size_t j = 0; j < p->m; j++) {
      double q = case_plan(c, i, j), energy = case_cost(c, i, j) * q;
      total += q;
      columns[j] += q;
      cost += energy;
      objective += energy + (q > 0 ? p->epsilon * q * (log(q) - 1) : 0);
    }
    row = fmax(row, fabs(total - c->r[i]));
    marginal = fmax(marginal, fabs(total - want));
    if (total > 0)
      objective += p->tau_source * (total * log(total / p->a[i]) - total + p->a[i]);
    size += fabs(c->f[i]) * total + p->tau_source * (total + p->a[i]);
  }
  for (size_t j = 0; j < p->m; j++) {
    column = fmax(column, fabs(columns[j] - p->b[j]) / p->b[j]);
    size += fabs(c->g[j]) * p->b[j];
  }
  double mean = mass / (double)p->n;
  CHECK(column < tolerance, "%s: target marginal off by %g", name, column);
  CHECK(row < tolerance * mean, "%s: row sums off by %g", name, row);
  CHECK(marginal < 2 * tolerance * mean, "%s: gradient %g", name, marginal);
  CHECK(c->result.residual <= c->options.tolerance, "%s: %g", name, c->result.residual);
  CHECK(fabs(c->result.transport_cost - cost) <= 1e-8 * cost, "%s: cost %.12g, %.12g",
        name, c->result.transport_cost, cost);
  CHECK(fabs(c->result.objective - objective) <= 1e-9 * size,
        "%s: objective %.12g, %.12g", name, c->result.objective, objective);
  CHECK(c->result.gap >= 0 && c->result.gap <= 1e-9 * size, "%s: gap %g", name,
        c->result.gap);
  free(columns);
}

static void check_conditions(size_t n, size_t m, size_t d, double epsilon, double tau,
                             double growth) {
  char name[99];
  snprintf(name, sizeof name, "%zu x %zu, d %zu, eps %g, tau %g, growth %g", n, m, d,
           epsilon, tau, growth);
  uot_case c = case_random(n, m, d, epsilon, tau);
  for (size_t j = 0; j < m; j++) c.b[j] *= growth * (double)n / (double)m;
  case_solve(&c);
  check_optimal(&c, 1e-9 + 1e-14 * tau / epsilon, name);
  case_free(&c);
}

/* Few distinct points, many times over: equal points get equal shares, to 1e-9. */
static void check_duplicates(void) {
  uot_case c = case_random(60, 45, 2, 1e-3, 1);
  for (size_t i = 0; i < 60; i++) {
    memcpy(c.x + 2 * i, c.x + 2 * (i % 4), 2 * sizeof(double));
    c.a[i] = 1;
  }
  for (size_t j = 0; j < 45; j++)
    memcpy(c.y + 2 * j, c.x + 2 * (j % 3), 2 * sizeof(double));
  case_solve(&c);
  check_optimal(&c, 1e-9, "duplicates");
  for (size_t i = 4; i < 60; i++) CHECK_NEAR(c.r[i], c.r[i % 4], 1e-9);
  case_free(&c);
}

/* One source takes everything: r = sum b, f = -tau log(r / a). */
static void check_one_source(void) {
  uot_case c = case_random(1, 9, 3, 0.1, 2);
  double mass = 0;
  for (size_t j = 0; j < 9; j++) mass += c.b[j];
  CHECK(case_solve(&c) == STATUS_OK, "n = 1");
  CHECK_NEAR(c.r[0], mass, 1e-14);
  CHECK_NEAR(c.f[0], -2 * log(mass / c.a[0]), 1e-13);
  for (size_t j = 0; j < 9; j++) CHECK_NEAR(case_plan(&c, 0, j), c.b[j], 1e-13);
  case_free(&c);
}

/* One target: r_i is proportional to a_i^(tau / (eps + tau)) e^(-C_i / (eps + tau)). */
static void check_one_target(void) {
  uot_case c = case_random(9, 1, 3, 0.1, 0.7);
  double want[9], total = 0;
  CHECK(case_solve(&c) == STATUS_OK, "m = 1");
  for (size_t i = 0; i < 9; i++)
    total += want[i] = pow(c.a[i], 0.7 / 0.8) * exp(-case_cost(&c, i, 0) / 0.8);
  for (size_t i = 0; i < 9; i++) CHECK_NEAR(c.r[i], c.b[0] * want[i] / total, 1e-9);
  case_free(&c);
}

static int same_plan(const plan *p, const plan *q) {
  int same = plan_entries(p) == plan_entries(q);
  for (size_t j = 0; j < p->m && same; j++)
    same = p->count[j] == q->count[j] &&
           !memcmp(p->value + p->start[j], q->value + q->start[j],
                   p->count[j] * sizeof(float)) &&
           !memcmp(p->source + p->start[j], q->source + q->start[j],
                   p->count[j] * sizeof(int32_t));
  return same;
}

/* The same bits with any number of threads; large enough that they are really used. */
static void check_threads(void) {
  enum { N = 503, M = 631 };
  uot_case one = case_random(N, M, 2, 0.2, 5), many = case_random(N, M, 2, 0.2, 5);
  many.problem = one.problem;
  one.options.threads = 1;
  CHECK(case_solve(&one) == STATUS_OK, "one thread");
  CHECK(one.result.system_entries > 200000, "%zu", one.result.system_entries);
  for (int threads = 2; threads <= 4; threads++) {
    many.options.threads = threads;
    CHECK(case_solve(&many) == STATUS_OK, "%d threads", threads);
    CHECK(memcmp(one.f, many.f, N * sizeof(double)) == 0, "f, %d threads", threads);
    CHECK(memcmp(one.g, many.g, M * sizeof(double)) == 0, "g, %d threads", threads);
    CHECK(memcmp(one.r, many.r, N * sizeof(double)) == 0, "r, %d threads", threads);
    CHECK(one.result.cg_steps == many.result.cg_steps, "%d threads", threads);
    CHECK(one.result.objective == many.result.objective, "%d threads", threads);
    CHECK(same_plan(&one.sparse, &many.sparse), "plan, %d threads", threads);
  }
  case_free(&one);
  case_free(&many);
}

/* Every kernel table finds the same row sums to 1e-8. */
static void check_tables(void) {
  static const char *const names[] = {"generic", "neon", "avx2", "avx512"};
  uot_case naive = case_random(61, 83, 3, 0.02, 1), c = case_random(61, 83, 3, 0.02, 1);
  c.problem = naive.problem;
  kernels_select("naive");
  CHECK(case_solve(&naive) == STATUS_OK, "naive");
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    if (kernels_select(names[k])) continue;
    CHECK(case_solve(&c) == STATUS_OK, "%s", names[k]);
    CHECK(difference(c.r, naive.r, 61) < 1e-8, "%s", names[k]);
    CHECK(difference(c.f, naive.f, 61) < 1e-8, "%s", names[k]);
  }
  kernels_select(getenv("VGFM_KERNELS"));
  case_free(&naive);
  case_free(&c);
}

/* Lengths times s, eps and tau times s^2: the same r, f times s^2; to the bit if s is a
 * power of two, to 1e-9 otherwise. */
static void check_scaling(double s, double tolerance) {
  uot_case c = case_random(90, 70, 2, 0.01, 1), scaled = case_random(90, 70, 2, 0.01, 1);
  memcpy(scaled.a, c.a, 90 * sizeof(double));
  memcpy(scaled.b, c.b, 70 * sizeof(double));
  for (size_t k = 0; k < 180; k++) scaled.x[k] = s * c.x[k];
  for (size_t k = 0; k < 140; k++) scaled.y[k] = s * c.y[k];
  scaled.problem.epsilon = 0.01 * s * s;
  scaled.problem.tau_source = s * s;
  CHECK(case_solve(&c) == STATUS_OK && case_solve(&scaled) == STATUS_OK, "scale %g", s);
  for (size_t i = 0; i < 90; i++) scaled.f[i] /= s * s;
  CHECK(difference(scaled.r, c.r, 90) <= tolerance, "r, scale %g", s);
  CHECK(difference(scaled.f, c.f, 90) <= tolerance, "f, scale %g", s);
  case_free(&c);
  case_free(&scaled);
}

/* A Newton matrix that has room for little or nothing of the plan still gets there. */
static void check_small_capacity(size_t capacity) {
  uot_case full = case_random(300, 500, 2, 0.05, 5);
  uot_case c = case_random(300, 500, 2, 0.05, 5);
  c.problem = full.problem;
  c.options.capacity = capacity;
  CHECK(case_solve(&full) == STATUS_OK && case_solve(&c) == STATUS_OK, "%zu", capacity);
  CHECK(full.result.system_entries > 10 * capacity, "%zu", full.result.system_entries);
  CHECK(c.result.system_entries <= capacity, "%zu", c.result.system_entries);
  CHECK(c.result.entries <= (capacity < 500 ? 512 : capacity), "%zu", c.result.entries);
  CHECK(c.result.threshold > full.result.threshold, "%g", c.result.threshold);
  CHECK(difference(c.r, full.r, 300) < 1e-8, "capacity %zu", capacity);
  case_free(&full);
  case_free(&c);
}

static int polls, polls_left;
static int stop_later(void *count) {
  ++*(int *)count;
  return polls_left-- == 0;
}

static void check_interrupt(void) {
  uot_case c = case_random(40, 50, 2, 0.01, 1);
  c.options.interrupted = stop_later;
  c.options.interrupted_data = &polls;
  polls_left = 1 << 30;
  CHECK(case_solve(&c) == STATUS_OK, "polled without effect");
  int all = polls;
  CHECK(all > 20, "polled %d times", all);
  for (int k = 0; k < all; k += 7) {
    polls = 0;
    polls_left = k;
    CHECK(case_solve(&c) == STATUS_INTERRUPTED && polls == k + 1, "after %d", k);
  }
  case_free(&c);
}

static void check_refused(uot_case *c, double *place, double value, int want) {
  double keep = *place;
  *place = value;
  CHECK(case_solve(c) == want, "%g: %s", value, status_message(c->status));
  *place = keep;
}

static void check_bad_input(void) {
  uot_case c = case_random(5, 4, 2, 0.1, 1);
  double *const places[] = {c.x + 3, c.y + 7, c.a + 4, c.b, &c.problem.epsilon,
                            &c.problem.tau_source};
  for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
    check_refused(&c, places[k], NAN, STATUS_NOT_FINITE);
    if (k < 5) check_refused(&c, places[k], INFINITY, STATUS_NOT_FINITE);
    if (k > 1) check_refused(&c, places[k], 0, STATUS_BAD_ARGUMENT);
    if (k > 1) check_refused(&c, places[k], -1, STATUS_BAD_ARGUMENT);
  }
  check_refused(&c, c.x, 1e200, STATUS_NOT_FINITE);
  check_refused(&c, c.x, 1.2e154, STATUS_NOT_FINITE); /* epsilons would overflow */
  check_refused(&c, &c.options.tolerance, 0, STATUS_BAD_ARGUMENT);
  check_refused(&c, &c.options.threshold, NAN, STATUS_BAD_ARGUMENT);
  c.options.tolerance = 1e-300; /* beyond rounding: the best there is, and says so */
  CHECK(case_solve(&c) == STATUS_NOT_CONVERGED && c.result.residual < 1e-12, "%g",
        c.result.residual);
  c.options.tolerance = 1e-9;
  c.options.max_steps = 1;
  CHECK(case_solve(&c) == STATUS_NOT_CONVERGED && c.result.residual > 1e-9, "one pass");
  uot_solution out = {c.f, c.g, c.r, NULL, NULL};
  CHECK(uot_solve(&out, NULL, &c.result, &c.problem, &c.options, c.workspace,
                  uot_workspace(&c.problem, &c.options) / 2) == STATUS_NO_SPACE,
        "half the workspace");
  c.problem.n = 0;
  CHECK(uot_workspace(&c.problem, &c.options) == 0, "no sources");
  c.problem.n = SIZE_MAX / 16;
  CHECK(uot_workspace(&c.problem, &c.options) == 0, "too many sources");
  case_free(&c);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_twin(1, 1);
  check_twin(0.2, 5);
  check_twin(0.05, 20);
  check_twin(0.02, 0.5);
  check_twin(1, 0.1);
  check_conditions(80, 60, 2, 0.02, 1, 1);
  check_conditions(60, 80, 5, 0.02, 1, 50);
  check_conditions(60, 80, 2, 0.02, 1, 0.02);
  check_conditions(50, 70, 2, 10, 1, 1);         /* eps / tau = 10 */
  check_conditions(50, 70, 2, 0.01, 1e-3, 50);
  check_conditions(50, 70, 2, 0.01, 1e3, 50);    /* eps / tau = 1e-5 */
  check_conditions(50, 70, 2, 1e-5, 1e-2, 1);    /* costs of 1e5 eps */
  check_conditions(70, 50, 2, 1e-6, 1, 2);
  check_conditions(40, 50, 200, 0.1, 2, 2);      /* costs kept */
  check_conditions(3, 700, 1, 0.01, 1, 1);
  check_conditions(700, 3, 1, 0.01, 1, 1);
  check_conditions(2, 2, 0, 0.01, 1, 1);         /* no features: all costs 0 */
  check_duplicates();
  check_one_source();
  check_one_target();
  check_threads();
  check_tables();
  check_scaling(8192, 0);
  check_scaling(0x1p-20, 0);
  check_scaling(1e8, 1e-8);
  check_scaling(1e-8, 1e-8);
  check_small_capacity(8000);
  check_small_capacity(3000);
  check_small_capacity(0);
  check_interrupt();
  check_bad_input();
  return check_report("test_uot");
}
