/* The record of a coupling, whatever its kind: exact plans beside enumeration and duals,
 * minibatches, gains of both sides. */
#include "uot_case.h"
#include "transport/coupling.h"
#include "transport/emd.h"

typedef struct {
  uot_case base; /* its problem, with the arrays */
  coupling_options options;
  coupling found;
  void *workspace;
  int status;
} couple;

static couple couple_case(size_t n, size_t m, double epsilon) {
  couple c = {.base = case_random(n, m, 2, epsilon, INFINITY),
              .options = coupling_defaults()};
  double a = 0, b = 0;
  for (size_t i = 0; i < n; i++) a += c.base.a[i];
  for (size_t j = 0; j < m; j++) b += c.base.b[j];
  for (size_t i = 0; i < n; i++) c.base.a[i] *= b / a;
  c.options.solver.threads = 1;
  return c;
}

static int couple_solve(couple *c) {
  free(c->workspace);
  size_t bytes = coupling_workspace(&c->base.problem, &c->options);
  c->workspace = malloc(bytes ? bytes : 1);
  c->status = coupling_solve(&c->found, &c->base.problem, &c->options, c->workspace,
                             bytes);
  return c->status;
}

static void couple_free(couple *c) {
  case_free(&c->base);
  free(c->workspace);
}

/* What every plan by columns is: sources in order, probabilities, the row sums given. */
static void check_columns(const couple *c, double tolerance) {
  const coupling_problem *p = &c->base.problem;
  const plan *pairs = &c->found.pairs;
  double *row = calloc(p->n, sizeof *row), *end = calloc(p->n, sizeof *end);
  for (size_t j = 0; j < p->m; j++) {
    double total = 0;
    for (size_t k = pairs->start[j]; k < pairs->start[j] + pairs->count[j]; k++) {
      size_t i = (size_t)pairs->source[k];
      total += pairs->value[k];
      row[i] += c->found.column[j] * pairs->value[k];
      end[i] += p->b[j] * pairs->value[k];
      if (k > pairs->start[j])
        CHECK(pairs->source[k] > pairs->source[k - 1], "column %zu out of order", j);
    }
    CHECK(pairs->count[j] > 0, "column %zu is empty", j);
    CHECK_NEAR(total, 1, tolerance);
  }
  CHECK(difference(c->found.row, row, p->n) < tolerance, "row sums");
  CHECK(difference(c->found.ends, end, p->n) < tolerance, "ends");
  double square = 0, mass = 0;
  for (size_t j = 0; j < p->m; j++)
    for (size_t k = pairs->start[j]; k < pairs->start[j] + pairs->count[j]; k++) {
      double dx = p->x[2 * pairs->source[k]] - p->y[2 * j];
      double dy = p->x[2 * pairs->source[k] + 1] - p->y[2 * j + 1];
      square += p->b[j] * pairs->value[k] * (dx * dx + dy * dy);
      mass += p->b[j] * pairs->value[k];
    }
  CHECK_NEAR(c->found.square, square / mass, 1e-12);
  free(row);
  free(end);
}

/* Feasible, and tight: its cost is that of potentials which no pair undercuts. */
static void check_certificate(const couple *c) {
  const coupling_problem *p = &c->base.problem;
  double dual = 0, cost = 0;
  for (size_t i = 0; i < p->n; i++) dual += p->a[i] * c->found.f[i];
  for (size_t j = 0; j < p->m; j++) dual += p->b[j] * c->found.g[j];
  for (size_t i = 0; i < p->n; i++)
    for (size_t j = 0; j < p->m; j++) {
      double slack = case_cost(&c->base, i, j) - c->found.f[i] - c->found.g[j];
      CHECK(slack > -1e-9, "pair %zu, %zu: %g", i, j, slack);
    }
  for (size_t j = 0; j < p->m; j++)
    for (size_t k = 0; k < c->found.pairs.count[j]; k++) {
      size_t at = c->found.pairs.start[j] + k, i = (size_t)c->found.pairs.source[at];
      cost += p->b[j] * c->found.pairs.value[at] * case_cost(&c->base, i, j);
    }
  CHECK_NEAR(c->found.result.transport_cost, dual, 1e-9);
  CHECK_NEAR(cost, dual, 1e-6); /* float entries */
  CHECK(c->found.result.residual < 1e-9, "%g", c->found.result.residual);
}

static void check_exact(size_t n, size_t m, double scale) {
  couple c = couple_case(n, m, 0);
  for (size_t i = 0; i < n; i++) c.base.a[i] *= scale;
  for (size_t j = 0; j < m; j++) c.base.b[j] *= scale;
  CHECK(couple_solve(&c) == STATUS_OK, "%s", status_message(c.status));
  CHECK(c.found.gain_source == NULL && c.found.gain_target == NULL, "no gains");
  CHECK(c.found.result.entries <= n + m - 1, "%zu entries", c.found.result.entries);
  for (size_t i = 0; i < n; i++) CHECK_NEAR(c.found.row[i] / c.base.a[i], 1, 1e-8);
  check_columns(&c, 1e-6);
  if (scale == 1) check_certificate(&c);
  couple_free(&c);
}

/* Five cells each, all alike: the best of 120 orders. */
static double best_order(const uot_case *c, int *taken, size_t i) {
  double best = i == 5 ? 0 : INFINITY;
  for (size_t j = 0; i < 5 && j < 5; j++) {
    if (taken[j]) continue;
    taken[j] = 1;
    best = fmin(best, case_cost(c, i, j) + best_order(c, taken, i + 1));
    taken[j] = 0;
  }
  return best;
}

static void check_enumeration(void) {
  for (int round = 0; round < 5; round++) {
    couple c = couple_case(5, 5, 0);
    int taken[5] = {0};
    for (size_t i = 0; i < 5; i++) c.base.a[i] = c.base.b[i] = 1;
    CHECK(couple_solve(&c) == STATUS_OK, "%s", status_message(c.status));
    CHECK_NEAR(c.found.result.transport_cost, best_order(&c.base, taken, 0), 1e-12);
    couple_free(&c);
  }
}

/* Entropic plans tend to the exact one: their cost is above by less than epsilon times
 * the entropy that a plan can have, sum b log(n m). */
static void check_entropic_limit(void) {
  couple exact = couple_case(30, 40, 0);
  double mass = 0, last = INFINITY;
  CHECK(couple_solve(&exact) == STATUS_OK, "exact");
  for (size_t j = 0; j < 40; j++) mass += exact.base.b[j];
  for (double epsilon = 1; epsilon > 5e-4; epsilon /= 10) {
    exact.base.problem.epsilon = 0;
    couple c = couple_case(30, 40, epsilon);
    c.base.problem = exact.base.problem;
    c.base.problem.epsilon = epsilon;
    CHECK(couple_solve(&c) == STATUS_OK, "%s", status_message(c.status));
    CHECK(c.found.gain_source == NULL && c.found.gain_target == NULL, "no gains");
    double above = c.found.result.transport_cost - exact.found.result.transport_cost;
    CHECK(above > 0 && above < epsilon * mass * log(1200) && above < last, "%g: %g",
          epsilon, above);
    last = above;
    for (size_t i = 0; i < 30; i++)
      CHECK_NEAR(c.found.row[i], exact.base.a[i], 1e-8);
    couple_free(&c);
  }
  couple_free(&exact);
}

/* log gains by their definition; sum b is what all pairs end with. */
static void check_gains(double source, double target, double delta) {
  couple c = couple_case(40, 30, 0.02);
  coupling_problem *p = &c.base.problem;
  p->tau_source = source;
  p->tau_target = target;
  p->delta = delta;
  double mass = 0, ends = 0;
  CHECK(couple_solve(&c) == STATUS_OK, "%s", status_message(c.status));
  CHECK((c.found.gain_source == NULL) == isinf(source), "source");
  CHECK((c.found.gain_target == NULL) == isinf(target), "target");
  for (size_t i = 0; c.found.gain_source && i < 40; i++) {
    CHECK_NEAR(c.found.gain_source[i], log(c.found.row[i] / p->a[i]), 1e-12);
    CHECK_NEAR(c.found.gain_source[i], -c.found.f[i] / source, 1e-5);
  }
  for (size_t j = 0; c.found.gain_target && j < 30; j++)
    CHECK_NEAR(c.found.gain_target[j], log(p->b[j] / c.found.column[j]), 1e-12);
  for (size_t i = 0; i < 40; i++) ends += c.found.ends[i];
  for (size_t j = 0; j < 30; j++) mass += p->b[j];
  CHECK_NEAR(ends, mass, 1e-11);
  check_columns(&c, 1e-5);
  couple_free(&c);
}

/* Cells without a partner are given the gain that was asked for. */
static void check_alone(void) {
  couple c = couple_case(12, 10, 0.05);
  c.base.problem.tau_source = c.base.problem.tau_target = 1;
  c.base.problem.delta = 0.5;
  c.base.x[0] = 90;
  c.base.y[0] = -90;
  c.options.least = 0.01;
  CHECK(couple_solve(&c) == STATUS_OK, "%s", status_message(c.status));
  CHECK(c.found.result.sources_alone == 1 && c.found.result.targets_alone == 1, "count");
  CHECK_NEAR(c.found.gain_source[0], log(0.01), 1e-15);
  CHECK_NEAR(c.found.gain_target[0], -log(0.01), 1e-15);
  CHECK(c.found.ends[0] == 0 && c.found.pairs.count[0] == 0, "no pairs");
  double sums[10];
  CHECK(!plan_target_sums(sums, c.base.b, &c.found.pairs) && sums[0] == 0, "drawn");
  couple_free(&c);
}

/* The population doubles everywhere, and nothing moves: every gain is log 2, whoever is
 * relaxed, at any epsilon that does not mix cells. */
static void check_uniform_growth(double source, double target, double delta) {
  couple c = couple_case(25, 25, 1e-5);
  coupling_problem *p = &c.base.problem;
  memcpy(c.base.y, c.base.x, 50 * sizeof(double));
  for (size_t i = 0; i < 25; i++) {
    c.base.a[i] = 1;
    c.base.b[i] = 2;
  }
  p->tau_source = source;
  p->tau_target = target;
  p->delta = delta;
  CHECK(couple_solve(&c) == STATUS_OK, "%s", status_message(c.status));
  for (size_t i = 0; i < 25; i++) {
    double gain = c.found.gain_source ? c.found.gain_source[i] : 0;
    gain += c.found.gain_target ? c.found.gain_target[i] : 0;
    CHECK_NEAR(gain, log(2), 1e-3);
    CHECK_NEAR(c.found.ends[i], 2, 1e-3);
  }
  couple_free(&c);
}

/* Batches of all cells are the exact plan; smaller ones use every cell, give targets
 * their mass, sources theirs about, cost more, and depend on the key and stream alone. */
static void check_minibatch(void) {
  enum { N = 100, M = 80 };
  couple exact = couple_case(N, M, 0), c = couple_case(N, M, 0);
  c.base.problem = exact.base.problem;
  for (size_t i = 0; i < N; i++) exact.base.a[i] = 0.8;
  for (size_t j = 0; j < M; j++) exact.base.b[j] = 1;
  c.options.minibatch = N;
  CHECK(couple_solve(&exact) == STATUS_OK && couple_solve(&c) == STATUS_OK, "all");
  CHECK(c.found.batches == 1, "%zu", c.found.batches);
  CHECK_NEAR(c.found.result.transport_cost, exact.found.result.transport_cost, 1e-15);
  double last = exact.found.result.transport_cost;
  for (size_t batch = 60; batch >= 15; batch /= 2) {
    c.options.minibatch = batch;
    CHECK(couple_solve(&c) == STATUS_OK, "%s", status_message(c.status));
    CHECK(c.found.batches * batch >= COUPLING_TURNS * N, "%zu batches", c.found.batches);
    check_columns(&c, 1e-5);
    CHECK(c.found.result.transport_cost > last, "%g after %g",
          c.found.result.transport_cost, last);
    last = c.found.result.transport_cost;
    for (size_t i = 0; i < N; i++)
      CHECK(c.found.row[i] > 0.4 && c.found.row[i] < 1.4, "row %zu: %g", i,
            c.found.row[i]);
  }
  couple same = couple_case(N, M, 0);
  same.base.problem = exact.base.problem;
  same.options.minibatch = c.options.minibatch;
  same.options.solver.threads = 2;
  CHECK(couple_solve(&same) == STATUS_OK, "again");
  CHECK(memcmp(same.found.row, c.found.row, N * sizeof(double)) == 0, "two threads");
  same.options.split.stream = 1;
  CHECK(couple_solve(&same) == STATUS_OK, "other");
  CHECK(memcmp(same.found.row, c.found.row, N * sizeof(double)) != 0, "other draws");
  couple_free(&same);
  couple_free(&exact);
  couple_free(&c);
}

static int stop_now(void *unused) {
  (void)unused;
  return 1;
}

static void check_refused(void) {
  couple c = couple_case(6, 7, 0);
  c.base.a[0] *= 1.01;
  CHECK(couple_solve(&c) == STATUS_BAD_ARGUMENT, "totals differ");
  c.base.a[0] /= 1.01;
  c.base.problem.delta = 1;
  CHECK(couple_solve(&c) == STATUS_BAD_ARGUMENT, "a reach");
  c.base.problem.delta = INFINITY;
  c.base.problem.tau_target = 1;
  CHECK(couple_solve(&c) == STATUS_BAD_ARGUMENT, "relaxed");
  c.base.problem.tau_target = INFINITY;
  c.base.b[2] = NAN;
  CHECK(couple_solve(&c) == STATUS_NOT_FINITE, "NaN");
  c.base.b[2] = 0;
  CHECK(couple_solve(&c) == STATUS_BAD_ARGUMENT, "no mass");
  c.base.b[2] = 1;
  c.base.problem.n = 0;
  CHECK(coupling_workspace(&c.base.problem, &c.options) == 0, "no cells");
  couple_free(&c);
  c = couple_case(60, 70, 0);
  CHECK(coupling_solve(&c.found, &c.base.problem, &c.options, c.workspace, 0) ==
            STATUS_NO_SPACE, "no space");
  c.options.solver.interrupted = stop_now;
  CHECK(couple_solve(&c) == STATUS_INTERRUPTED, "whole");
  c.options.minibatch = 20;
  CHECK(couple_solve(&c) == STATUS_INTERRUPTED, "batches");
  couple_free(&c);
}

/* Two-sided couplings in blocks: every target has its mass, and gains are those of the
 * whole but for the noise of a sample. */
static void check_blocks(double source, double target, double delta) {
  enum { N = 300, M = 360 };
  couple whole = couple_case(N, M, 0.02), c = couple_case(N, M, 0.02);
  whole.base.problem.tau_source = source;
  whole.base.problem.tau_target = target;
  whole.base.problem.delta = delta;
  c.base.problem = whole.base.problem;
  c.options.split.blocks = 3;
  CHECK(couple_solve(&whole) == STATUS_OK && couple_solve(&c) == STATUS_OK, "%s",
        status_message(c.status));
  check_columns(&c, 1e-5);
  double ends = 0, mass = 0, miss = 0;
  for (size_t i = 0; i < N; i++) {
    ends += c.found.ends[i];
    miss += fabs(c.found.ends[i] - whole.found.ends[i]) / N;
  }
  for (size_t j = 0; j < M; j++) mass += c.base.problem.b[j];
  CHECK_NEAR(ends / mass, 1, 1e-11);
  CHECK(c.found.result.residual <= 1e-9, "%g", c.found.result.residual);
  CHECK(miss < 0.15 * mass / N, "%g of %g", miss, mass / N);
  couple_free(&whole);
  couple_free(&c);
}

int main(void) {
  const double inf = INFINITY;
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_exact(1, 1, 1);
  check_exact(1, 8, 1);
  check_exact(8, 1, 1);
  check_exact(40, 31, 1);
  check_exact(40, 31, 1e-7);
  check_enumeration();
  check_entropic_limit();
  check_gains(1, inf, inf);
  check_gains(inf, 2, inf);
  check_gains(1, 0.4, inf);
  check_gains(1, 1, 0.5);
  check_gains(4, 4, 1);
  check_alone();
  check_uniform_growth(1, inf, inf);
  check_uniform_growth(inf, 1, inf);
  check_uniform_growth(1, 1, inf);
  check_uniform_growth(0.3, 4, inf);
  check_uniform_growth(1, 1, 0.5);
  check_minibatch();
  check_refused();
  check_blocks(1, inf, inf);
  check_blocks(1, 1, inf);
  check_blocks(inf, inf, inf);
  check_blocks(4, 4, 1);
  return check_report("test_coupling");
}
