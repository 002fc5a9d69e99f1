#include "check.h"
#include "base/status.h"
#include "field/population.h"
#include <string.h>

enum { D = 2, N = 2000, SLOTS = 5000, STEPS = 10 };
static const double drift[D] = {0.5, -1}, none[D] = {0, 0}, growth = 0.4;

/* Networks that answer with constants, velocity `drift` and growth 0.4; or at random. */
typedef struct {
  head head[2];
  field f;
  double weights[2][4000];
  float packed[2][4000];
} model;

static field *make(model *m, int plain) {
  const mlp_shape shape[2] = {{D + 1, D, 32, 2, ACTIVATION_SILU},
                              {D, 1, 16, 1, ACTIVATION_TANH}};
  const head_kind kind[2] = {HEAD_VELOCITY, HEAD_GROWTH};
  memset(m, 0, sizeof *m);
  for (uint32_t i = 0; i < 2; i++) {
    size_t n = mlp_parameters(shape + i), outputs = shape[i].outputs;
    m->head[i] = (head){.kind = kind[i], .shape = shape[i], .scale = 1,
                        .weights = m->weights[i]};
    if (!plain) mlp_init(m->weights[i], shape + i, (rng_key){{1, 2}}, i);
    for (size_t j = 0; j < outputs && plain; j++)
      m->weights[i][n - outputs + j] = i == 0 ? drift[j] : growth;
    mlp_pack(m->packed[i], m->weights[i], shape + i);
    m->f.packed[i] = m->packed[i];
  }
  m->f.heads = (heads){D, 2, m->head};
  return &m->f;
}

static model constant, random_one;
static double start[N * D], log_mass[N];
static double end[SLOTS * D];
static size_t origin[SLOTS];
static population_end out = {.end = end, .origin = origin, .log_mass = log_mass};

static population usual(void) {
  return (population){.slots = SLOTS, .living = N, .steps = STEPS, .from = 1, .to = 3,
                      .sigma = 0.7, .start = start, .reference = none, .learned = 1,
                      .factor = 1, .births = 1, .key = {{7, 8}}};
}

static int run(const population *p, const field *f, int threads) {
  size_t bytes = population_workspace(p, f, threads);
  void *block = malloc(bytes);
  int status = population_run(&out, p, f, threads, block, bytes);
  free(block);
  return status;
}

/* Paths from one point, with a constant drift: Brownian motion, of mean drift * t and
 * variance sigma^2 t, both ways in time (5 standard errors). Half of the drift is the
 * reference's, or all of it. */
static void check_paths(int backwards) {
  const double reference[D] = {0.25, -0.5};
  population p = usual();
  p.births = 0;
  p.slots = N;
  p.reference = reference;
  if (backwards) {
    p.from = 3;
    p.to = 1;
  }
  for (int learned = 0; learned < 2; learned++) {
    p.learned = learned;
    CHECK(run(&p, &constant.f, 2) == STATUS_OK, "run");
    CHECK(out.living == N && out.refused == 0, "%zu live", out.living);
    double t = p.to - p.from, variance = 0.49 * fabs(t);
    for (size_t c = 0; c < D; c++) {
      double want = (reference[c] + learned * drift[c]) * t, sum = 0, square = 0;
      for (size_t i = 0; i < N; i++) sum += end[i * D + c];
      for (size_t i = 0; i < N; i++)
        square += (end[i * D + c] - want) * (end[i * D + c] - want);
      CHECK(fabs(sum / N - want) < 5 * sqrt(variance / N), "mean %g", sum / N);
      CHECK(fabs(square / N / variance - 1) < 5 * sqrt(2.0 / N), "var %g", square / N);
    }
  }
}

/* The exact reverse of a step by step solution: x' = x in one dimension, sigma 0, is
 * Euler's (1 + h)^steps forwards and (1 - h)^steps backwards. */
static void check_steps(void) {
  static model linear;
  population p = usual();
  field *f = make(&linear, 1);
  /* velocity = leaky ReLU of x - of -x: 1.01 x, by two units of one layer */
  mlp_shape shape = {D + 1, D, 2, 1, ACTIVATION_LEAKY_RELU};
  double *w = linear.weights[0];
  memset(w, 0, sizeof linear.weights[0]);
  w[0] = 1;
  w[1] = -1; /* (inputs, width): x[0] to both units */
  w[(D + 1) * 2 + 2] = 1;
  w[(D + 1) * 2 + 2 + D] = -1; /* (width, outputs): both to output 0 */
  linear.head[0].shape = shape;
  mlp_pack(linear.packed[0], w, &shape);
  p.sigma = p.births = 0;
  p.living = p.slots = 1;
  for (int way = 0; way < 2; way++) {
    p.from = way == 0 ? 0 : 2;
    p.to = 2 - p.from;
    start[0] = 1;
    CHECK(run(&p, f, 1) == STATUS_OK, "run");
    double h = 1.01 * (p.to - p.from) / STEPS;
    CHECK_NEAR(end[0], pow(1 + h, STEPS), 1e-5);
    CHECK(end[1] == 0, "another component moves");
  }
  start[0] = 0;
}

/* Without births the mass is summed up; with them, as many live as it says, forwards and
 * backwards, of factor * growth + constant (5 standard errors of a branching process,
 * (e^{rT} - 1) e^{rT} for births and (1 - e^{rT}) e^{rT} for deaths of each cell, a
 * little more here as steps are long). */
static void check_masses(void) {
  const double factors[4] = {1, -2, 0.5, 0}, constants[4] = {0, 0, -0.9, 0.3};
  for (int i = 0; i < 8; i++) {
    population p = usual();
    p.living = 800;
    p.factor = factors[i % 4];
    p.constant = constants[i % 4];
    if (i >= 4) {
      p.from = 3;
      p.to = 1;
    }
    double gain = (p.factor * growth + p.constant) * (p.to - p.from), mass = exp(gain);
    CHECK(run(&p, &constant.f, 1) == STATUS_OK && out.refused == 0, "run");
    double error = sqrt(800 * mass * fabs(mass - 1));
    CHECK(fabs((double)out.living - 800 * mass) < 5 * error + 1,
          "case %d: %zu live, not %g", i, out.living, 800 * mass);
    p.births = 0;
    CHECK(run(&p, &constant.f, 1) == STATUS_OK, "run");
    CHECK_NEAR(log_mass[0], gain, 1e-6);
    CHECK_NEAR(log_mass[799], gain, 1e-6);
    CHECK(out.living == 800, "births without births");
  }
}

/* Children begin where their parents are, and have their origin: without noise, cells
 * end at their origin's place plus the drift, though slots are used again and again. */
static void check_children(void) {
  population p = usual();
  p.living = 100;
  p.slots = 130;
  p.sigma = 0;
  p.steps = 200;
  for (size_t i = 0; i < 100 * D; i++) start[i] = (double)i;
  for (int i = 0; i < 3; i++) {
    p.factor = i - 1;
    CHECK(run(&p, &constant.f, 1) == STATUS_OK, "run");
    CHECK((p.factor > 0) == (out.refused > 0), "%zu refused", out.refused);
    size_t want = p.factor < 0 ? out.living : p.factor == 0 ? 100 : 130;
    CHECK(out.living == want && out.living > 20, "%zu live", out.living);
    size_t others = 0;
    for (size_t j = 0; j < out.living; j++) {
      for (size_t c = 0; c < D; c++)
        CHECK_NEAR(end[j * D + c], start[origin[j] * D + c] + 2 * drift[c], 1e-6);
      others += j >= 100;
    }
    CHECK(p.factor <= 0 || others == 30, "%zu children", others);
  }
  memset(start, 0, sizeof start);
}

static void check_threads(void) {
  static double once[SLOTS * D];
  population p = usual();
  CHECK(run(&p, &random_one.f, 1) == STATUS_OK, "run");
  size_t living = out.living, size = living * D * sizeof(double);
  memcpy(once, end, size);
  CHECK(run(&p, &random_one.f, 4) == STATUS_OK, "run");
  CHECK(out.living == living && !memcmp(once, end, size), "threads change paths");
  p.key.word[0]++;
  run(&p, &random_one.f, 1);
  CHECK(memcmp(once, end, size), "a key changes nothing");
}

static int stop(void *unused) {
  (void)unused;
  return 1;
}

static void check_refusals(void) {
  population p = usual();
  p.interrupted = stop;
  CHECK(run(&p, &constant.f, 1) == STATUS_INTERRUPTED, "not interrupted");
  p = usual();
  p.living = SLOTS + 1;
  CHECK(run(&p, &constant.f, 1) == STATUS_BAD_ARGUMENT, "more cells than slots");
  p = usual();
  p.to = p.from;
  CHECK(run(&p, &constant.f, 1) == STATUS_BAD_ARGUMENT, "no time");
  p = usual();
  p.sigma = -1;
  CHECK(run(&p, &constant.f, 1) == STATUS_BAD_ARGUMENT, "negative noise");
  p = usual();
  start[0] = INFINITY;
  CHECK(run(&p, &constant.f, 1) == STATUS_NOT_FINITE, "an infinite cell");
  start[0] = 0;
  char small[64];
  CHECK(population_run(&out, &p, &constant.f, 1, small, sizeof small) == STATUS_NO_SPACE,
        "no workspace is enough");
}

int main(void) {
  make(&constant, 1);
  make(&random_one, 0);
  check_paths(0);
  check_paths(1);
  check_steps();
  check_masses();
  check_children();
  check_threads();
  check_refusals();
  return check_report("population");
}
