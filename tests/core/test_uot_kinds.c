/* The solver with both marginals relaxed, or kept, and with the cost of log cosines,
 * beside plain Sinkhorn, closed forms, and plans without entropy. */
#include "uot_case.h"

static uot_case case_of(size_t n, size_t m, double epsilon, double source, double target,
                        double delta) {
  uot_case c = case_random(n, m, 2, epsilon, source);
  c.problem.tau_target = target;
  c.problem.delta = delta;
  if (isfinite(source) || isfinite(target)) return c;
  double a = 0, b = 0;
  for (size_t i = 0; i < n; i++) a += c.a[i];
  for (size_t j = 0; j < m; j++) b += c.b[j];
  for (size_t i = 0; i < n; i++) c.a[i] *= b / a;
  return c;
}

static double total_of(const double *mass, size_t n) {
  double total = 0;
  for (size_t i = 0; i < n; i++) total += mass[i];
  return total;
}

static double unit_of(const uot_problem *p) {
  if (isinf(p->tau_target)) return 1;
  return sqrt(total_of(p->a, p->n) * total_of(p->b, p->m)) / (double)(p->n * p->m);
}

static double passed(double tau, double epsilon) {
  return isinf(tau) ? 1 : tau / (tau + epsilon);
}

/* One half of Sinkhorn's iteration (Chizat et al. 2018) in the log domain; the other with
 * `turned`. Returns the largest move. */
static double half_step(const uot_case *c, double *to, const double *from,
                        double log_unit, int turned) {
  const uot_problem *p = &c->problem;
  size_t count = turned ? p->m : p->n, others = turned ? p->n : p->m;
  const double *mass = turned ? p->b : p->a;
  double keep = passed(turned ? p->tau_target : p->tau_source, p->epsilon), moved = 0;
  for (size_t i = 0; i < count; i++) {
    double most = -INFINITY, total = 0, old = to[i];
    for (size_t j = 0; j < others; j++) {
      double cost = turned ? case_cost(c, j, i) : case_cost(c, i, j);
      most = fmax(most, from[j] - cost);
    }
    if (isinf(most)) continue;
    for (size_t j = 0; j < others; j++) {
      double cost = turned ? case_cost(c, j, i) : case_cost(c, i, j);
      total += exp((from[j] - cost - most) / p->epsilon);
    }
    to[i] = keep * (p->epsilon * (log(mass[i]) - log_unit - log(total)) - most);
    moved = fmax(moved, fabs(to[i] - old));
  }
  return moved;
}

static double twin(const uot_case *c, double *f, double *g) {
  const uot_problem *p = &c->problem;
  double moved = 1, log_unit = log(unit_of(p));
  memset(f, 0, p->n * sizeof *f);
  memset(g, 0, p->m * sizeof *g);
  for (int round = 0; round < 100000 && moved > 1e-14; round++) {
    half_step(c, g, f, log_unit, 1);
    moved = half_step(c, f, g, log_unit, 0);
  }
  for (size_t j = 0; j < p->m; j++) g[j] += p->epsilon * log_unit;
  return moved;
}

/* tau sum (r log(r / a) - r + a). */
static double divergence(const double *r, const double *a, size_t n, double tau) {
  double total = 0;
  for (size_t i = 0; i < n; i++)
    total += a[i] - r[i] + (r[i] > 0 ? r[i] * log(r[i] / a[i]) : 0);
  return isinf(tau) ? 0 : tau * total;
}

/* What the header says of a solution, from the potentials alone. */
static void check_promises(const uot_case *c, double tolerance, const char *name) {
  const uot_problem *p = &c->problem;
  double *r = calloc(2 * (p->n + p->m), sizeof *r), *q = r + p->n, *end = q + p->m;
  double objective = 0, cost = 0, unit = unit_of(p), worst = 0;
  for (size_t i = 0; i < p->n; i++)
    for (size_t j = 0; j < p->m; j++) {
      double mass = case_plan(c, i, j);
      r[i] += mass;
      q[j] += mass;
      if (mass > 0) {
        cost += case_cost(c, i, j) * mass;
        objective += p->epsilon * mass * (log(mass / unit) - 1);
      }
    }
  for (size_t j = 0; j < p->m; j++) {
    double most = -INFINITY, total = 0;
    for (size_t i = 0; i < p->n; i++) most = fmax(most, c->f[i] - case_cost(c, i, j));
    if (isinf(most)) continue;
    for (size_t i = 0; i < p->n; i++)
      total += exp((c->f[i] - case_cost(c, i, j) - most) / p->epsilon);
    for (size_t i = 0; i < p->n; i++)
      end[i] += p->b[j] * exp((c->f[i] - case_cost(c, i, j) - most) / p->epsilon) / total;
  }
  objective += cost + divergence(r, p->a, p->n, p->tau_source) +
               divergence(q, p->b, p->m, p->tau_target);
  double mean = total_of(q, p->m) / (double)p->n;
  for (size_t i = 0; i < p->n; i++)
    if (r[i] > 0)
      worst = fmax(worst, fabs(r[i] - p->a[i] * exp(-c->f[i] / p->tau_source)) / mean);
  CHECK(worst <= tolerance, "%s: gradient %g", name, worst);
  CHECK(difference(c->r, r, p->n) < tolerance, "%s: rows", name);
  CHECK(difference(c->q, q, p->m) < tolerance, "%s: columns", name);
  CHECK(difference(c->ends, end, p->n) < tolerance, "%s: ends", name);
  for (size_t j = 0; j < p->m && isinf(p->tau_target); j++)
    CHECK_NEAR(q[j] / p->b[j], 1, tolerance);
  CHECK_NEAR(c->result.transport_cost, cost, tolerance);
  CHECK_NEAR(c->result.objective, objective, tolerance);
  CHECK(c->result.residual <= c->options.tolerance, "%s: %g", name, c->result.residual);
  CHECK(c->result.gap >= 0 && c->result.gap < 1e-7 * (1 + fabs(objective)), "%s: gap %g",
        name, c->result.gap);
  free(r);
}

/* Plan and log gains are those of the twin, whose potentials are only known up to a
 * constant where both marginals are kept. */
static void check_twin(double epsilon, double source, double target, double delta) {
  char name[99];
  snprintf(name, sizeof name, "eps %g, tau %g and %g, delta %g", epsilon, source, target,
           delta);
  uot_case c = case_of(17, 23, epsilon, source, target, delta);
  double f[17], g[23];
  CHECK(case_solve(&c) == STATUS_OK, "%s: %s", name, status_message(c.status));
  double moved = twin(&c, f, g);
  CHECK(moved < 1e-10, "the twin has not converged: %g", moved);
  double shift = isinf(source) && isinf(target) ? f[0] - c.f[0] : 0;
  for (size_t i = 0; i < 17; i++) f[i] -= shift;
  for (size_t j = 0; j < 23; j++) g[j] += shift;
  CHECK(difference(c.f, f, 17) < 1e-7, "%s: f off by %g", name, difference(c.f, f, 17));
  CHECK(difference(c.g, g, 23) < 1e-7, "%s: g off by %g", name, difference(c.g, g, 23));
  check_promises(&c, 1e-8, name);
  case_free(&c);
}

/* Where one marginal is priced ever higher, the plan tends to that which keeps it. */
static void check_limits(void) {
  double error[2][2];
  for (int side = 0; side < 2; side++)
    for (int k = 0; k < 2; k++) {
      double tau = k ? 1e5 : 1e3;
      uot_case kept = case_of(31, 27, 0.05, INFINITY, INFINITY, INFINITY);
      uot_case c = case_of(31, 27, 0.05, side ? INFINITY : tau, side ? tau : INFINITY,
                           INFINITY);
      c.problem.x = kept.x;
      c.problem.y = kept.y;
      c.problem.a = kept.a;
      c.problem.b = kept.b;
      CHECK(case_solve(&kept) == STATUS_OK && case_solve(&c) == STATUS_OK, "%g", tau);
      error[side][k] = side ? difference(c.q, kept.q, 27) : difference(c.r, kept.r, 31);
      case_free(&kept);
      case_free(&c);
    }
  for (int side = 0; side < 2; side++) {
    CHECK(error[side][0] > 1e-6 && error[side][0] < 1e-2, "%g", error[side][0]);
    CHECK(error[side][1] < 0.011 * error[side][0], "%g", error[side][1]);
  }
}

/* One source and one target at distance L. Without entropy the mass on the pair is
 * sqrt(a b) e^(-C / (2 tau)), the gain b / a, and for log cosines with tau = 4 delta^2
 * half the objective is 2 delta^2 (a + b - 2 sqrt(a b) cos(L / (2 delta))). */
static void check_two_points(double length, double a, double b, double delta) {
  uot_case c = case_of(1, 1, 1e-9, 4 * delta * delta, 4 * delta * delta, delta);
  c.x[0] = c.y[0] = 1;
  c.x[1] = 2;
  c.y[1] = 2 + length;
  c.a[0] = a;
  c.b[0] = b;
  CHECK(case_solve(&c) == STATUS_OK, "%s", status_message(c.status));
  double angle = length / (2 * delta);
  CHECK_NEAR(c.r[0], sqrt(a * b) * cos(angle), 1e-8);
  CHECK_NEAR(c.ends[0], b, 1e-12);
  CHECK_NEAR(log(c.r[0] / a) + log(b / c.q[0]), log(b / a), 1e-12);
  CHECK_NEAR(c.result.objective / 2,
             2 * delta * delta * (a + b - 2 * sqrt(a * b) * cos(angle)), 1e-7);
  case_free(&c);
}

/* Multiplicative updates for the plan without entropy (Chapel et al. 2021, NeurIPS 34).
 * */
static double *no_entropy(const uot_case *c, int rounds) {
  const uot_problem *p = &c->problem;
  double tau = p->tau_source, *plan = malloc(p->n * p->m * sizeof *plan);
  double *row = calloc(p->n + p->m, sizeof *row), *column = row + p->n;
  for (size_t e = 0; e < p->n * p->m; e++) plan[e] = p->a[e / p->m] * p->b[e % p->m];
  for (int round = 0; round < rounds; round++) {
    memset(row, 0, (p->n + p->m) * sizeof *row);
    for (size_t e = 0; e < p->n * p->m; e++) {
      row[e / p->m] += plan[e];
      column[e % p->m] += plan[e];
    }
    for (size_t e = 0; e < p->n * p->m; e++) {
      size_t i = e / p->m, j = e % p->m;
      plan[e] *= sqrt(p->a[i] / row[i] * p->b[j] / column[j]) *
                 exp(-case_cost(c, i, j) / (2 * tau));
    }
  }
  free(row);
  return plan;
}

/* As epsilon falls, plan sums and objective tend to these: the error falls with it. */
static void check_no_entropy(double delta) {
  enum { N = 8, M = 7 };
  double tau = isinf(delta) ? 0.5 : 4 * delta * delta, error[3];
  for (int k = 0; k < 3; k++) {
    uot_case c = case_of(N, M, 1, tau, tau, delta);
    draws = 77; /* the same clouds each time */
    for (size_t i = 0; i < 2 * N; i++) c.x[i] = uniform(0, 1);
    for (size_t j = 0; j < 2 * M; j++) c.y[j] = uniform(0.3, 1.3);
    for (size_t i = 0; i < N; i++) c.a[i] = uniform(0.5, 1.5);
    for (size_t j = 0; j < M; j++) c.b[j] = uniform(0.5, 1.5);
    double *plan = no_entropy(&c, 200000), row[N] = {0}, column[M] = {0};
    for (size_t e = 0; e < N * M; e++) {
      row[e / M] += plan[e];
      column[e % M] += plan[e];
    }
    c.problem.epsilon = tau * (k == 0 ? 1e-2 : k == 1 ? 1e-3 : 1e-4);
    CHECK(case_solve(&c) == STATUS_OK, "%s", status_message(c.status));
    error[k] = fmax(difference(c.r, row, N), difference(c.q, column, M));
    free(plan);
    case_free(&c);
  }
  CHECK(error[0] < 0.1, "%g", error[0]);
  CHECK(error[1] < error[0] && error[2] < error[1], "%g %g", error[0], error[1]);
  CHECK(error[2] < 2e-3, "%g", error[2]);
}

/* Some cells lie out of reach. */
static void check_reach(double epsilon) {
  uot_case c = case_of(20, 25, epsilon, 1, 1, 0.5);
  uot_case near = case_of(18, 24, epsilon, 1, 1, 0.5);
  c.x[2 * 18] = c.x[2 * 19] = 50;
  c.y[2 * 24] = -50;
  c.a[18] = c.a[19] = c.b[24] = 1;
  CHECK(case_solve(&c) == STATUS_OK, "%s", status_message(c.status));
  CHECK(c.result.sources_alone == 2 && c.result.targets_alone == 1, "%zu %zu",
        c.result.sources_alone, c.result.targets_alone);
  CHECK(c.r[18] == 0 && c.ends[19] == 0 && c.q[24] == 0, "mass out of reach");
  CHECK(c.sparse.count[24] == 0 && c.sparse.count[23] > 0, "entries");
  check_promises(&c, 1e-8, "out of reach");
  CHECK_NEAR(total_of(c.ends, 20), total_of(c.b, 24), 1e-12);
  /* The unit of entropy apart, they have no say. */
  near.problem.x = c.x;
  near.problem.y = c.y;
  near.problem.a = c.a;
  near.problem.b = c.b;
  CHECK(case_solve(&near) == STATUS_OK, "near");
  for (size_t i = 0; i < 18; i++)
    CHECK_NEAR(c.ends[i] / near.ends[i], 1, 0.2 * epsilon);
  for (size_t i = 1; i < 20; i++) c.x[2 * i] = 50;
  CHECK(case_solve(&c) == STATUS_OK && c.result.sources_alone == 19, "one left");
  c.x[0] = 50;
  CHECK(case_solve(&c) == STATUS_NO_PARTNER, "nobody left");
  case_free(&c);
  case_free(&near);
}

static void check_kept_out_of_reach(void) {
  uot_case c = case_of(5, 5, 0.1, INFINITY, 1, 0.5);
  CHECK(case_solve(&c) == STATUS_OK, "%s", status_message(c.status));
  c.x[0] = 50;
  CHECK(case_solve(&c) == STATUS_NO_PARTNER, "a source");
  c.problem.tau_source = 1;
  CHECK(case_solve(&c) == STATUS_OK, "%s", status_message(c.status));
  c.problem.tau_target = INFINITY;
  CHECK(case_solve(&c) == STATUS_OK, "%s", status_message(c.status));
  c.y[0] = -50;
  CHECK(case_solve(&c) == STATUS_NO_PARTNER, "a target");
  case_free(&c);
}

/* One of 40 cells is 100 spreads away: it keeps next to nothing of its mass, to the
 * digit of its potential, and the others are as without it. */
static void check_far_cell(double target) {
  uot_case c = case_of(40, 30, 0.01, 1, target, INFINITY);
  c.x[0] = 100;
  CHECK(case_solve(&c) == STATUS_OK, "%s", status_message(c.status));
  CHECK(c.r[0] < 1e-200 && isfinite(c.f[0]), "%g", c.r[0]);
  check_promises(&c, 1e-8, "far source");
  c.x[0] = 0.5;
  c.y[0] = 100;
  CHECK(case_solve(&c) == STATUS_OK, "%s", status_message(c.status));
  if (isfinite(target)) CHECK(c.q[0] < 1e-200 && isfinite(c.g[0]), "%g", c.q[0]);
  check_promises(&c, 1e-6, "far target");
  case_free(&c);
}

static void check_small(size_t n, size_t m, double source, double target) {
  uot_case c = case_of(n, m, 0.05, source, target, INFINITY);
  CHECK(case_solve(&c) == STATUS_OK, "%zu x %zu", n, m);
  check_promises(&c, 1e-8, "small");
  case_free(&c);
}

/* Every source, and every target, three times over: copies have the same sums. */
static void check_copies(double source, double target, double delta) {
  uot_case c = case_of(30, 24, 0.02, source, target, delta);
  for (size_t i = 0; i < 30; i++) {
    memcpy(c.x + 2 * i, c.x + 2 * (i % 10), 2 * sizeof(double));
    c.a[i] = 1;
  }
  for (size_t j = 0; j < 24; j++) {
    memcpy(c.y + 2 * j, c.y + 2 * (j % 8), 2 * sizeof(double));
    c.b[j] = 30.0 / 24;
  }
  CHECK(case_solve(&c) == STATUS_OK, "%s", status_message(c.status));
  check_promises(&c, 1e-8, "copies");
  for (size_t i = 10; i < 30; i++) CHECK_NEAR(c.r[i], c.r[i % 10], 1e-8);
  for (size_t j = 8; j < 24; j++) CHECK_NEAR(c.q[j], c.q[j % 8], 1e-8);
  case_free(&c);
}

/* Turned, moved, in another order, with lengths and masses in other units: the same. */
static void check_equivariant(double source, double target, double delta) {
  enum { N = 41, M = 33 };
  uot_case c = case_of(N, M, 0.02, source, target, delta);
  uot_case other = case_of(N, M, 0.02, source, target, delta);
  const double length = 3, mass = 700, cosine = 0.6, sine = 0.8;
  for (size_t k = 0; k < N + M; k++) {
    size_t i = k < N ? k : k - N, at = k < N ? (i * 7 + 3) % N : (i * 5 + 1) % M;
    double *to = (k < N ? other.x : other.y) + 2 * at;
    const double *from = (k < N ? c.x : c.y) + 2 * i;
    to[0] = length * (cosine * from[0] - sine * from[1]) + 10;
    to[1] = length * (sine * from[0] + cosine * from[1]) - 4;
    (k < N ? other.a : other.b)[at] = mass * (k < N ? c.a : c.b)[i];
  }
  other.problem.epsilon *= length * length;
  other.problem.tau_source *= length * length;
  other.problem.tau_target *= length * length;
  other.problem.delta *= length;
  CHECK(case_solve(&c) == STATUS_OK && case_solve(&other) == STATUS_OK, "%g", delta);
  for (size_t i = 0; i < N; i++) {
    CHECK_NEAR(other.r[(i * 7 + 3) % N] / mass, c.r[i], 1e-7);
    CHECK_NEAR(other.ends[(i * 7 + 3) % N] / mass, c.ends[i], 1e-7);
  }
  for (size_t j = 0; j < M; j++)
    CHECK_NEAR(other.q[(j * 5 + 1) % M] / mass, c.q[j], 1e-7);
  case_free(&c);
  case_free(&other);
}

/* Turning the problem round turns the plan round, the unit of entropy being the same: it
 * does not matter where one marginal is kept. */
static void check_transposed(double source, double target) {
  uot_case c = case_of(26, 19, 0.03, source, target, INFINITY);
  uot_case back = case_of(19, 26, 0.03, target, source, INFINITY);
  back.problem.x = c.y;
  back.problem.y = c.x;
  back.problem.a = c.b;
  back.problem.b = c.a;
  CHECK(case_solve(&c) == STATUS_OK && case_solve(&back) == STATUS_OK, "there and back");
  CHECK(difference(back.q, c.r, 26) < 1e-7, "rows");
  CHECK(difference(back.r, c.q, 19) < 1e-7, "columns");
  case_free(&c);
  case_free(&back);
}

/* A larger problem at small epsilon, in a modest number of passes. */
static void check_effort(double epsilon, double source, double target, double delta,
                         int passes) {
  uot_case c = case_of(400, 350, epsilon, source, target, delta);
  CHECK(case_solve(&c) == STATUS_OK, "%g %g %g: %s, residual %g", epsilon, source, target,
        status_message(c.status), c.result.residual);
  CHECK(c.result.passes <= passes, "%g %g %g: %d passes", epsilon, source, target,
        c.result.passes);
  if (getenv("VGFM_VERBOSE"))
    printf("eps %g, tau %g %g, delta %g: %d passes, %d Newton, %d CG\n", epsilon, source,
           target, delta, c.result.passes, c.result.newton_steps, c.result.cg_steps);
  case_free(&c);
}

static void check_bad_input(void) {
  uot_case c = case_of(5, 4, 0.1, INFINITY, INFINITY, INFINITY);
  CHECK(case_solve(&c) == STATUS_OK, "good");
  c.a[0] *= 1.001;
  CHECK(case_solve(&c) == STATUS_BAD_ARGUMENT, "totals differ");
  c.problem.tau_target = 1;
  CHECK(case_solve(&c) == STATUS_OK, "one may give");
  double *const places[] = {&c.problem.tau_target, &c.problem.tau_source,
                            &c.problem.delta};
  for (size_t k = 0; k < 3; k++) {
    const double bad[] = {0, -1, NAN}, keep = *places[k];
    for (size_t l = 0; l < 3; l++) {
      *places[k] = bad[l];
      int want = l < 2 ? STATUS_BAD_ARGUMENT : STATUS_NOT_FINITE;
      CHECK(case_solve(&c) == want, "%zu", k);
    }
    *places[k] = keep;
  }
  c.problem.delta = 1e-200;
  CHECK(case_solve(&c) == STATUS_NOT_FINITE, "%s", status_message(c.status));
  case_free(&c);
}

int main(void) {
  const double inf = INFINITY;
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  const double taus[][2] = {{inf, inf}, {1, inf}, {inf, 1}, {1, 1}, {0.1, 5}, {20, 0.05}};
  for (size_t k = 0; k < sizeof taus / sizeof *taus; k++) {
    check_twin(0.5, taus[k][0], taus[k][1], inf);
    check_twin(0.02, taus[k][0], taus[k][1], inf);
    check_twin(0.05, taus[k][0], taus[k][1], 1);
    check_copies(taus[k][0], taus[k][1], k % 2 ? 2 : inf);
    check_equivariant(taus[k][0], taus[k][1], k % 2 ? 0.7 : inf);
    check_transposed(taus[k][0], taus[k][1]);
    check_small(1, 1, taus[k][0], taus[k][1]);
    check_small(1, 9, taus[k][0], taus[k][1]);
    check_small(9, 1, taus[k][0], taus[k][1]);
  }
  check_limits();
  check_two_points(0.3, 1, 2, 1);
  check_two_points(2, 0.7, 0.1, 0.9);
  check_two_points(0, 2, 3, 1.3);
  check_no_entropy(inf);
  check_no_entropy(0.6);
  check_reach(0.05);
  check_reach(0.01);
  check_kept_out_of_reach();
  check_far_cell(inf);
  check_far_cell(1);
  check_effort(0.005, 1, 1, inf, 60);
  check_effort(0.0005, 1, 1, inf, 80);
  check_effort(0.005, 1, 1, 0.5, 60);
  check_effort(0.005, inf, inf, inf, 60);
  check_effort(0.0005, inf, inf, inf, 120);
  check_effort(0.005, inf, 1, inf, 60);
  check_bad_input();
  return check_report("test_uot_kinds");
}
