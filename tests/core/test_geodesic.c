#include "check.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "path/geodesic.h"
#include <string.h>

/* Three sources and three targets in two dimensions, each paired with its own, and five
 * points of a metric beside the lines between them. */
enum { D = 2, N = 3, POINTS = 5, STEPS = 400, MOST = 512 };
static const float cells[2 * N * D] = {0, 0, 0.2f, 0.5f, -0.3f, 1, 2, 0, 2.3f, 0.4f,
                                       1.8f, 1.2f};
static const size_t offset[3] = {0, N, 2 * N};
static const double times[2] = {1, 3}, growth[1] = {1}, trust[1] = {1};
static size_t start[N] = {0, 1, 2}, count[N] = {1, 1, 1};
static int32_t source[N] = {0, 1, 2};
static float value[N] = {1, 1, 1};
static const plan plans[1] = {{N, N, start, count, source, value}};

static const double point[D * POINTS] = {0.3, 0.8, 1.1, 1.5, 1.9,
                                         0.9, 1.4, 1.6, 1.5, 0.8};
static double square[D * POINTS];
static const double rate[1] = {2}, one[1] = {1};

static const mlp_shape shape = {2 * D + 1, D, 12, 2, ACTIVATION_SILU};
static double weights[MOST], first[MOST], second[MOST];

static metric make_metric(double alpha) {
  for (size_t i = 0; i < D * POINTS; i++) square[i] = point[i] * point[i];
  return (metric){ .kind = METRIC_LAND, .d = D, .n = POINTS, .point = point,
                   .square = square, .rate = rate, .scale = 0.2, .floor = 0.05,
                   .alpha = alpha };
}

static pairs make_pairs(void) {
  return (pairs){ .d = D, .intervals = 1, .cells = cells, .offset = offset,
                  .times = times, .plans = plans, .rows = plans, .growth = growth,
                  .trust = trust, .path = &path_metric };
}

static head fresh(void) {
  CHECK(mlp_parameters(&shape) <= MOST, "room");
  mlp_init(weights, &shape, (rng_key){{5, 7}}, 1);
  memset(first, 0, sizeof first);
  memset(second, 0, sizeof second);
  return (head){HEAD_PATH, shape, 0, 0.8, weights, first, second};
}

static int asked;
static int stop_at_once(void *unused) { (void)unused; asked++; return 1; }

static geodesic_options options_of(double learning_rate) {
  return (geodesic_options){ .batch = 96, .total_steps = STEPS, .rate_floor = 0.01,
                             .learning_rate = learning_rate, .key = {{17, 23}},
                             .threads = 1 };
}

static int run(head *phi, double *losses, uint64_t from, uint64_t steps, const metric *m,
               const double *straight, const geodesic_options *o) {
  pairs p = make_pairs();
  geodesic_problem problem = {&p, m, straight};
  size_t bytes = geodesic_workspace(phi, &problem, o);
  void *block = malloc(bytes);
  int status = geodesic_run(phi, losses, from, steps, &problem, o, block, bytes);
  free(block);
  return status;
}

/* After a step from rest, Adam's first moment is a tenth of the gradient of the loss that
 * it reports: to 2e-3 of the largest, of central differences of a float network. */
static void check_gradient(void) {
  metric m = make_metric(1.3);
  const double straight = 7, h = 1e-2;
  geodesic_options o = options_of(1e-3);
  head phi = fresh();
  double loss, low, high, largest = 0;
  static double gradient[MOST];
  size_t n = mlp_parameters(&shape);
  CHECK(run(&phi, &loss, 0, 1, &m, &straight, &o) == STATUS_OK, "a step");
  for (size_t i = 0; i < n; i++) {
    gradient[i] = first[i] / 0.1;
    largest = fmax(largest, fabs(gradient[i]));
  }
  CHECK(largest > 1e-3, "no gradient");
  o.learning_rate = 0;
  for (size_t i = 0; i < n; i++) {
    phi = fresh();
    double at = weights[i];
    weights[i] = at + h;
    CHECK(run(&phi, &high, 0, 1, &m, &straight, &o) == STATUS_OK, "high");
    phi = fresh();
    weights[i] = at - h;
    CHECK(run(&phi, &low, 0, 1, &m, &straight, &o) == STATUS_OK, "low");
    CHECK_NEAR(gradient[i] / largest, (high - low) / (2 * h) / largest, 2e-3);
  }
}

static double energy_of_lines(const metric *m) {
  head phi = fresh();
  geodesic_options o = options_of(0);
  double losses[20], sum = 0;
  memset(weights, 0, sizeof weights);
  CHECK(run(&phi, losses, 0, 20, m, one, &o) == STATUS_OK, "lines");
  for (int i = 0; i < 20; i++) sum += losses[i] / 20;
  return sum;
}

static double mean_of_last(const double *losses) {
  double sum = 0;
  for (int i = STEPS - 40; i < STEPS; i++) sum += losses[i] / 40;
  return sum;
}

/* Straight lines under the metric of Euclid: mean |x1 - x0|^2 / gap^2, the pairs being
 * drawn evenly to 1 %. A network that bends at random is trained back to them: energy
 * within 1 % of theirs, which nothing is below. Under a metric that is small at the
 * points it bends, and gains more than a tenth. */
static void check_training(void) {
  static double losses[STEPS];
  metric m = make_metric(0);
  double lines = energy_of_lines(&m), want = 0;
  for (int i = 0; i < N * D; i++) want += pow(cells[N * D + i] - cells[i], 2) / N / 4;
  CHECK_NEAR(lines / want, 1, 0.01);
  geodesic_options o = options_of(0.01);
  head phi = fresh();
  CHECK(run(&phi, losses, 0, STEPS, &m, &lines, &o) == STATUS_OK, "constant");
  CHECK(losses[0] > 1.01, "it begins with %g", losses[0]);
  CHECK_NEAR(mean_of_last(losses), 1, 0.01);
  m = make_metric(2);
  lines = energy_of_lines(&m);
  phi = fresh();
  CHECK(run(&phi, losses, 0, STEPS, &m, &lines, &o) == STATUS_OK, "points");
  CHECK(mean_of_last(losses) < 0.9, "it ends with %g", mean_of_last(losses));
}

/* The same bits on three threads, and where a schedule is cut. */
static void check_bits(void) {
  static double whole[MOST], loss[2][60];
  metric m = make_metric(1);
  geodesic_options o = options_of(0.01);
  head phi = fresh();
  CHECK(run(&phi, loss[0], 0, 60, &m, one, &o) == STATUS_OK, "whole");
  memcpy(whole, weights, sizeof whole);
  phi = fresh();
  o.threads = 3;
  CHECK(run(&phi, loss[1], 0, 25, &m, one, &o) == STATUS_OK, "first");
  CHECK(run(&phi, loss[1] + 25, 25, 35, &m, one, &o) == STATUS_OK, "second");
  CHECK(memcmp(whole, weights, sizeof whole) == 0, "weights differ");
  CHECK(memcmp(loss[0], loss[1], sizeof loss[0]) == 0, "losses differ");
}

static void check_refusals(void) {
  metric m = make_metric(1);
  geodesic_options o = options_of(0.01);
  double loss, none = 0, before = fresh().weights[0];
  head phi = fresh();
  o.interrupted = stop_at_once;
  CHECK(run(&phi, &loss, 0, 1, &m, one, &o) == STATUS_INTERRUPTED, "not interrupted");
  CHECK(asked > 0 && weights[0] == before, "it has moved");
  o.interrupted = NULL;
  CHECK(run(&phi, &loss, 0, 1, &m, &none, &o) == STATUS_BAD_ARGUMENT, "energy 0");
  phi.kind = HEAD_VELOCITY;
  CHECK(run(&phi, &loss, 0, 1, &m, one, &o) == STATUS_BAD_ARGUMENT, "another head");
  phi = fresh();
  phi.shape.act = ACTIVATION_LEAKY_RELU;
  CHECK(run(&phi, &loss, 0, 1, &m, one, &o) == STATUS_BAD_ARGUMENT, "kinks");
  phi = fresh();
  m.floor = 0;
  CHECK(run(&phi, &loss, 0, 1, &m, one, &o) == STATUS_BAD_ARGUMENT, "no metric");
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_gradient();
  check_training();
  check_bits();
  check_refusals();
  return check_report("test_geodesic");
}
