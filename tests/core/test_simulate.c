#include "check.h"
#include "field/simulate.h"
#include "base/status.h"
#include <string.h>

enum { D = 3, DIM = D + 1, N = 301, HEADS = 3 };
static const double constant[D] = {0.5, 1, 1.5};

/* A model of velocity, growth and score. With `plain`, networks answer with constants:
 * velocity c, growth 0.5, score c / 2 in component c of `constant`. */
typedef struct {
  head head[HEADS];
  field f;
  float *packed[HEADS];
  simulate_options options;
  void *block;
  size_t bytes;
} fixture;

static fixture *make(int plain, int threads) {
  fixture *x = calloc(1, sizeof *x);
  const mlp_shape shape[HEADS] = {{D + 1, D, 32, 2, ACTIVATION_SILU},
                                  {D + 1, 1, 16, 1, ACTIVATION_TANH},
                                  {D + 1, D, 16, 2, ACTIVATION_SILU}};
  const head_kind kind[HEADS] = {HEAD_VELOCITY, HEAD_GROWTH, HEAD_SCORE};
  const double scale[HEADS] = {1, 0.25, 0.5}, offset[HEADS] = {0, 0.375, 0};
  for (int i = 0; i < HEADS; i++) {
    size_t n = mlp_parameters(shape + i), out = shape[i].outputs;
    x->head[i] = (head){.kind = kind[i], .shape = shape[i], .scale = scale[i],
                        .offset = offset[i], .weights = calloc(n, sizeof(double))};
    if (!plain)
      mlp_init(x->head[i].weights, shape + i, (rng_key){{8, 9}}, (uint32_t)i);
    for (size_t j = 0; j < out && plain; j++)
      x->head[i].weights[n - out + j] = constant[j];
    x->packed[i] = malloc(mlp_packed(shape + i) * sizeof(float));
    mlp_pack(x->packed[i], x->head[i].weights, shape + i);
    x->f.packed[i] = x->packed[i];
  }
  x->f.heads = (heads){D, HEADS, x->head};
  x->options = (simulate_options){.sigma = 0.6, .key = {{3, 4}}, .realisation = 1,
                                  .steps = SDE_DEFAULTS};
  x->bytes = simulate_workspace(&x->f, &x->options, threads);
  x->block = malloc(x->bytes);
  return x;
}

static void discard(fixture *x) {
  for (int i = 0; i < HEADS; i++) {
    free(x->head[i].weights);
    free(x->packed[i]);
  }
  free(x->block);
  free(x);
}

static double states[N * DIM], error[N * 2], from[N];
static uint32_t cell[N];

/* Cells here and there, or all at 0, at time t. */
static void start(int spread, double t) {
  for (int i = 0; i < N * DIM; i++) states[i] = spread ? sin(i) * 2 : 0;
  for (int i = 0; i < N; i++) {
    from[i] = t;
    cell[i] = (uint32_t)(7 * i);
  }
}

static int run(fixture *x, double to, int threads) {
  return field_simulate(states, error, from, to, cell, N, &x->f, &x->options, threads,
                        x->block, x->bytes);
}

/* Constant fields: the mean moves by v + S forwards and v - S backwards, the variance is
 * sigma^2 times the time (5 standard errors); log weights have no noise. Without noise
 * the displacement is exact. */
static void check_constant_fields(void) {
  fixture *x = make(1, 2);
  for (int back = 0; back < 2; back++) {
    double t = back ? -2 : 2, drift = back ? 0.5 : 1.5;
    start(0, 1);
    CHECK(run(x, 1 + t, 2) == STATUS_OK, "simulate");
    for (int c = 0; c < D; c++) {
      double mean = 0, variance = 0, want = constant[c] * drift * t;
      for (int i = 0; i < N; i++) mean += states[i * DIM + c] / N;
      for (int i = 0; i < N; i++) variance += pow(states[i * DIM + c] - mean, 2) / N;
      CHECK(fabs(mean - want) < 5 * sqrt(0.72 / N), "mean %g, not %g", mean, want);
      CHECK(fabs(variance / 0.72 - 1) < 5 * sqrt(2. / N), "variance %g", variance);
    }
    for (int i = 0; i < N; i++) CHECK_NEAR(states[i * DIM + D], 0.5 * t, 1e-6);
    x->options.sigma = 0;
    start(0, 1);
    CHECK(run(x, 1 + t, 1) == STATUS_OK, "simulate");
    for (int c = 0; c < D; c++) CHECK_NEAR(states[c], constant[c] * drift * t, 1e-6);
    x->options.sigma = 0.6;
  }
  discard(x);
}

/* Without noise and score, the flow of field_advance() to the tolerance. */
static void check_flow(void) {
  static double flow[N * DIM];
  fixture *x = make(0, 1);
  x->options.sigma = 0;
  x->options.steps.tolerance = 1e-3;
  x->head[2].scale = 1e-30;
  start(1, 0);
  memcpy(flow, states, sizeof flow);
  CHECK(run(x, 1, 1) == STATUS_OK, "simulate");
  size_t bytes = field_workspace(&x->f, 1);
  void *block = malloc(bytes);
  ode_options o = ODE_DEFAULTS;
  CHECK(field_advance(flow, from, 1, N, &x->f, &o, 1, block, bytes) == STATUS_OK, "ode");
  double worst = 0, reported = 0;
  for (int i = 0; i < N * DIM; i++) worst = fmax(worst, fabs(flow[i] - states[i]));
  for (int i = 0; i < 2 * N; i++) reported = fmax(reported, error[i]);
  CHECK(worst < 3e-3, "%g from the flow", worst);
  CHECK(reported > 0 && reported <= 1e-3, "reported %g", reported);
  free(block);
  discard(x);
}

/* The same bits at any number of threads and in any slices; another realisation, and
 * another key, are other paths. */
static void check_independence(void) {
  static double one[N * DIM];
  fixture *x = make(0, 3);
  start(1, 0);
  CHECK(run(x, 2, 1) == STATUS_OK, "simulate");
  memcpy(one, states, sizeof one);
  start(1, 0);
  CHECK(run(x, 2, 3) == STATUS_OK, "simulate");
  CHECK(memcmp(one, states, sizeof one) == 0, "threads change the result");
  start(1, 0);
  for (size_t i = 0; i < N; i += 43)
    CHECK(field_simulate(states + i * DIM, error + 2 * i, from + i, 2, cell + i, 43,
                         &x->f, &x->options, 2, x->block, x->bytes) == STATUS_OK, "part");
  CHECK(memcmp(one, states, sizeof one) == 0, "slices change the result");
  for (int other = 0; other < 2; other++) {
    if (other) x->options.key.word[1]++; else x->options.realisation++;
    start(1, 0);
    CHECK(run(x, 2, 1) == STATUS_OK, "simulate");
    for (int i = 0; i < N; i++)
      CHECK(states[i * DIM] != one[i * DIM], "cell %d has the same path", i);
    memcpy(one, states, sizeof one);
  }
  discard(x);
}

static int countdown(void *left) { return --*(int *)left < 0; }

static void check_failures(void) {
  fixture *x = make(0, 2);
  int polls = 1;
  x->options.interrupted = countdown;
  x->options.interrupted_data = &polls;
  x->options.steps.tolerance = 1e-12; /* which takes more steps than one may wait for */
  start(1, 0);
  CHECK(run(x, 20, 2) == STATUS_INTERRUPTED && polls == -1, "%d polls left", polls);
  discard(x);

  x = make(1, 1);
  start(0, 0);
  x->packed[2][0] = NAN;
  CHECK(run(x, 1, 1) == STATUS_NOT_FINITE, "NaN");
  x->bytes /= 2;
  CHECK(run(x, 1, 1) == STATUS_NO_SPACE, "half the workspace");
  x->f.heads.count = 2;
  CHECK(run(x, 1, 1) == STATUS_BAD_ARGUMENT, "no score");
  discard(x);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_constant_fields();
  check_flow();
  check_independence();
  check_failures();
  return check_report("test_simulate");
}
