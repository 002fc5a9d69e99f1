#include "check.h"
#include "base/rng.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "path/metric.h"
#include <string.h>

enum { D = 3, N = 37 };
static double point[D * N], square[D * N], rate[N], weight[N], scratch[2 * N + 2 * D];

static uint32_t drawn;
static double uniform(double low, double high) {
  const uint32_t counter[4] = {drawn++, 0, 0, 0};
  uint32_t word[4];
  rng_philox(word, counter, (rng_key){{3, 5}});
  return low + (high - low) * rng_uniform(word[0]);
}

static metric draw_metric(metric_kind kind) {
  for (size_t i = 0; i < D * N; i++) {
    point[i] = uniform(-2, 2);
    square[i] = point[i] * point[i];
  }
  for (size_t i = 0; i < N; i++) {
    rate[i] = uniform(0.5, 3);
    weight[i] = uniform(0, 2);
  }
  return (metric){ .kind = kind, .d = D, .n = N, .point = point, .square = square,
                   .rate = rate, .weight = weight, .scale = 1.0 / N, .floor = 0.02,
                   .alpha = uniform(0.5, 2) };
}

/* The formulas as they stand in the header. */
static double naive_energy(const metric *m, const double *x, const double *u) {
  double energy = 0;
  for (size_t c = 0; c < D; c++) {
    double h = m->floor;
    for (size_t i = 0; i < N; i++) {
      double far = 0, miss = point[c * N + i] - x[c];
      for (size_t a = 0; a < D; a++) far += pow(point[a * N + i] - x[a], 2);
      if (m->kind == METRIC_LAND)
        h += m->scale * exp(-0.5 * rate[0] * far) * miss * miss;
      else
        h += weight[i] * exp(-0.5 * rate[i] * far);
    }
    energy += pow(h, -m->alpha) * u[c] * u[c];
  }
  return energy;
}

/* Energy to 1e-12, and both derivatives to the 1e-6 of central differences. */
static void check_energy(metric_kind kind) {
  for (int n = 0; n < 40; n++) {
    metric m = draw_metric(kind);
    CHECK(metric_check(&m) == STATUS_OK, "kind %d is refused", kind);
    CHECK(metric_scratch(&m) <= sizeof scratch / sizeof *scratch, "scratch");
    double x[D], u[D], dx[D], du[D], low[D], high[D], step = 1e-5;
    for (size_t c = 0; c < D; c++) {
      x[c] = uniform(-2, 2);
      u[c] = uniform(-1, 1);
    }
    double energy = metric_energy(dx, du, &m, x, u, scratch);
    CHECK_NEAR(energy / naive_energy(&m, x, u), 1, 1e-12);
    CHECK(metric_energy(NULL, NULL, &m, x, u, scratch) == energy, "without derivatives");
    for (size_t c = 0; c < D; c++) {
      memcpy(low, x, sizeof x);
      memcpy(high, x, sizeof x);
      low[c] -= step;
      high[c] += step;
      double slope = (naive_energy(&m, high, u) - naive_energy(&m, low, u)) / (2 * step);
      CHECK_NEAR(dx[c] / energy, slope / energy, 1e-6);
      memcpy(low, u, sizeof u);
      memcpy(high, u, sizeof u);
      low[c] -= step;
      high[c] += step;
      slope = (naive_energy(&m, x, high) - naive_energy(&m, x, low)) / (2 * step);
      CHECK_NEAR(du[c] / energy, slope / energy, 1e-6);
    }
  }
}

/* With alpha = 0 the metric is that of Euclid: no force, to the bit. */
static void check_constant(metric_kind kind) {
  metric m = draw_metric(kind);
  m.alpha = 0;
  const double x[D] = {0.3, -0.2, 1}, u[D] = {1, 2, -3};
  double dx[D], du[D];
  CHECK(metric_energy(dx, du, &m, x, u, scratch) == 14, "energy");
  for (size_t c = 0; c < D; c++)
    CHECK(dx[c] == 0 && du[c] == 2 * u[c], "%g and %g", dx[c], du[c]);
}

/* A metric twice, with every point twice and half the scale, is the same to 1e-13. */
static void check_number(void) {
  static double twice[2 * D * N], squares[2 * D * N], room[4 * N + 2 * D];
  metric m = draw_metric(METRIC_LAND), two = m;
  for (size_t c = 0; c < D; c++)
    for (size_t i = 0; i < 2 * N; i++) {
      twice[c * 2 * N + i] = point[c * N + i / 2];
      squares[c * 2 * N + i] = square[c * N + i / 2];
    }
  two.n = 2 * N;
  two.point = twice;
  two.square = squares;
  two.scale = m.scale / 2;
  const double x[D] = {0.3, -0.2, 1}, u[D] = {1, 2, -3};
  double dx[2][D], du[D], one = metric_energy(dx[0], du, &m, x, u, scratch);
  CHECK_NEAR(metric_energy(dx[1], du, &two, x, u, room) / one, 1, 1e-13);
  for (size_t c = 0; c < D; c++) CHECK_NEAR(dx[1][c] / one, dx[0][c] / one, 1e-13);
}

/* Far from all points the metric is that of the floor, without overflow or NaN. */
static void check_far(metric_kind kind) {
  metric m = draw_metric(kind);
  const double x[D] = {1e3, 0, 0}, u[D] = {1, 0, 0};
  double dx[D], du[D], energy = metric_energy(dx, du, &m, x, u, scratch);
  CHECK_NEAR(energy / pow(m.floor, -m.alpha), 1, 1e-14);
  for (size_t c = 0; c < D; c++) CHECK(dx[c] == 0, "a force of %g", dx[c]);
}

static void check_refusals(void) {
  metric m = draw_metric(METRIC_LAND), bad = m;
  bad.floor = 0;
  CHECK(metric_check(&bad) == STATUS_BAD_ARGUMENT, "no floor");
  bad = m;
  bad.alpha = -1;
  CHECK(metric_check(&bad) == STATUS_BAD_ARGUMENT, "alpha");
  bad = m;
  bad.square = NULL;
  CHECK(metric_check(&bad) == STATUS_BAD_ARGUMENT, "no squares");
  bad = m;
  bad.scale = NAN;
  CHECK(metric_check(&bad) == STATUS_BAD_ARGUMENT, "scale");
  bad = draw_metric(METRIC_RBF);
  bad.weight = NULL;
  CHECK(metric_check(&bad) == STATUS_BAD_ARGUMENT, "no weights");
  bad = draw_metric(METRIC_RBF);
  weight[3] = -1;
  CHECK(metric_check(&bad) == STATUS_BAD_ARGUMENT, "a negative weight");
  bad = draw_metric(METRIC_RBF);
  rate[N - 1] = INFINITY;
  CHECK(metric_check(&bad) == STATUS_BAD_ARGUMENT, "a rate without end");
  bad = draw_metric(METRIC_RBF);
  point[5] = NAN;
  CHECK(metric_check(&bad) == STATUS_NOT_FINITE, "a place that is none");
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  for (metric_kind kind = METRIC_LAND; kind < METRIC_KINDS; kind++) {
    check_energy(kind);
    check_constant(kind);
    check_far(kind);
  }
  check_number();
  check_refusals();
  return check_report("test_metric");
}
