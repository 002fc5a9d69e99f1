#include "base/status.h"
#include "check.h"
#include "field/simulate.h"
#include "nn/potential.h"
#include "train/match.h"
#include <string.h>

enum { D = 2, IN = D + 1, WIDTH = 24, N = 70, PAD = 16 };
static const rng_key key = {{5, 6}};

/* Normals, by Box and Muller (1958), from a counter. */
static void normals(double *out, size_t n, uint32_t row, uint32_t step) {
  for (size_t i = 0; i < n; i += 2) {
    const uint32_t counter[4] = {row, step, (uint32_t)i, 77};
    uint32_t word[4];
    rng_philox(word, counter, key);
    double radius = sqrt(-2 * log(rng_uniform(word[0]) + 1e-12));
    double angle = 6.283185307179586 * rng_uniform(word[1]);
    out[i] = radius * cos(angle);
    if (i + 1 < n) out[i + 1] = radius * sin(angle);
  }
}

/* The naive twin in double: the output of a network of one. */
static double twin(const double *x, const double *flat, const mlp_shape *s) {
  double now[WIDTH + IN], next[WIDTH];
  memcpy(now, x, s->inputs * sizeof *x);
  for (size_t l = 0; l < mlp_layers(s); l++) {
    size_t in = mlp_layer_inputs(s, l), n = mlp_layer_outputs(s, l);
    for (size_t j = 0; j < n; j++) {
      double z = flat[in * n + j];
      for (size_t i = 0; i < in; i++) z += now[i] * flat[i * n + j];
      next[j] = l == s->hidden ? z : s->act == ACTIVATION_TANH ? tanh(z)
                                                               : z / (1 + exp(-z));
    }
    memcpy(now, next, n * sizeof *now);
    flat += (in + 1) * n;
  }
  return now[0];
}

/* Its gradient by the place, by central differences. */
static void twin_score(double *score, const double *x, const double *flat,
                       const mlp_shape *s) {
  for (size_t c = 0; c < D; c++) {
    const double h = 1e-4;
    double at[IN];
    memcpy(at, x, sizeof at);
    at[c] = x[c] + h;
    double up = twin(at, flat, s);
    at[c] = x[c] - h;
    score[c] = (up - twin(at, flat, s)) / (2 * h);
  }
}

/* Sum over rows of weight |vector - want|^2, and what the test keeps of a problem. */
typedef struct {
  double *flat, x[N * IN], want[N * D];
  mlp_shape shape;
} problem;

static problem *make(activation act) {
  problem *p = calloc(1, sizeof *p);
  p->shape = (mlp_shape){IN, 1, WIDTH, 2, act};
  p->flat = malloc(mlp_parameters(&p->shape) * sizeof(double));
  mlp_init(p->flat, &p->shape, key, 1);
  normals(p->x, N * IN, 0, 0);
  normals(p->want, N * D, 1, 0);
  for (size_t i = 0; i < N * IN; i++) p->x[i] = (float)p->x[i];
  return p;
}

static void discard(problem *p) {
  free(p->flat);
  free(p);
}

static double twin_loss(const problem *p, const double *flat) {
  double loss = 0, score[D];
  for (size_t r = 0; r < N; r++) {
    twin_score(score, p->x + r * IN, flat, &p->shape);
    for (size_t c = 0; c < D; c++) loss += pow(score[c] - p->want[r * D + c], 2);
  }
  return loss;
}

/* The vector is the gradient of the twin, to 1e-5; the gradient of a loss of it by each
 * parameter is the twin's difference quotient, to 1e-3 of the largest. */
static void check_gradients(activation act) {
  problem *p = make(act);
  const mlp_shape *s = &p->shape;
  size_t packed = mlp_packed(s), parameters = mlp_parameters(s), pad = kernel_pad(IN);
  arena a = {0};
  potential_tile tile;
  potential_layout(&a, &tile, s, N, 1);
  void *block = malloc(arena_size(&a));
  a = arena_over(block, arena_size(&a));
  potential_layout(&a, &tile, s, N, 1);
  float *weights = malloc(packed * sizeof(float)), *grad = calloc(packed, sizeof(float));
  float *transposed = malloc(mlp_transposed(s) * sizeof(float)), x[N * IN];
  double *by = malloc(parameters * sizeof(double)), score[D], largest = 0, worst = 0;
  mlp_pack(weights, p->flat, s);
  mlp_transpose(transposed, weights, s);
  for (size_t i = 0; i < N * IN; i++) x[i] = (float)p->x[i];

  potential_forward(&tile, x, IN, N, weights, transposed, s);
  for (size_t r = 0; r < N; r++) {
    float *vector = tile.vector + r * pad;
    twin_score(score, p->x + r * IN, p->flat, s);
    for (size_t c = 0; c < D; c++) {
      CHECK_NEAR(vector[c], score[c], 1e-5);
      vector[c] = (float)(2 * (vector[c] - p->want[r * D + c]));
    }
    vector[D] = 0;
  }
  potential_backward(grad, &tile, x, IN, N, weights, transposed, s);
  mlp_unpack(by, grad, s);
  for (size_t i = 0; i < parameters; i++) largest = fmax(largest, fabs(by[i]));
  for (size_t i = 0; i < parameters; i += 5) {
    const double h = 1e-4, keep = p->flat[i];
    p->flat[i] = keep + h;
    double up = twin_loss(p, p->flat);
    p->flat[i] = keep - h;
    worst = fmax(worst, fabs((up - twin_loss(p, p->flat)) / (2 * h) - by[i]));
    p->flat[i] = keep;
  }
  CHECK(largest > 0 && worst < 1e-3 * largest, "off by %g of %g", worst, largest);
  free(weights);
  free(transposed);
  free(grad);
  free(by);
  free(block);
  discard(p);
}

/* The naive twin's squared errors of derivatives of the output along directions, which
 * are the targets of the gradients and 1, from the first numbers of the same. */
static double twin_along(const problem *p, const double *flat) {
  double loss = 0;
  for (size_t r = 0; r < N; r++) {
    const double h = 1e-4;
    double up[IN], down[IN];
    for (size_t c = 0; c < IN; c++) {
      double step = h * (c < D ? p->want[r * D + c] : 1);
      up[c] = p->x[r * IN + c] + step;
      down[c] = p->x[r * IN + c] - step;
    }
    double slope = (twin(up, flat, &p->shape) - twin(down, flat, &p->shape)) / (2 * h);
    loss += pow(slope - p->want[r * D], 2);
  }
  return loss;
}

/* The loss is the twin's to 1e-4 of it, and its gradient by each parameter the twin's
 * difference quotient, to 1e-3 of the largest; it is added to what is there. */
static void check_along(activation act) {
  problem *p = make(act);
  const mlp_shape *s = &p->shape;
  const double weight = 0.7;
  size_t packed = mlp_packed(s), parameters = mlp_parameters(s);
  arena a = {0};
  potential_tile tile;
  potential_layout(&a, &tile, s, N, 1);
  void *block = malloc(arena_size(&a));
  a = arena_over(block, arena_size(&a));
  potential_layout(&a, &tile, s, N, 1);
  float *weights = malloc(packed * sizeof(float)), *grad = calloc(packed, sizeof(float));
  float *transposed = malloc(mlp_transposed(s) * sizeof(float));
  float x[N * IN], direction[N * IN], want[N];
  double *by = malloc(parameters * sizeof(double)), largest = 0, worst = 0;
  mlp_pack(weights, p->flat, s);
  mlp_transpose(transposed, weights, s);
  for (size_t i = 0; i < N * IN; i++) x[i] = (float)p->x[i];
  for (size_t r = 0; r < N; r++) {
    for (size_t c = 0; c < D; c++) direction[r * IN + c] = (float)p->want[r * D + c];
    direction[r * IN + D] = 1;
    want[r] = (float)p->want[r * D];
  }
  double loss = 0;
  for (int twice = 0; twice < 2; twice++)
    loss = potential_along(grad, &tile, x, direction, want, weight / 2, N, weights,
                           transposed, s);
  CHECK_NEAR(loss / twin_along(p, p->flat), 1, 1e-4);
  mlp_unpack(by, grad, s);
  for (size_t i = 0; i < parameters; i++) largest = fmax(largest, fabs(by[i]));
  for (size_t i = 0; i < parameters; i += 5) {
    const double h = 1e-4, keep = p->flat[i];
    p->flat[i] = keep + h;
    double up = twin_along(p, p->flat);
    p->flat[i] = keep - h;
    double quotient = weight * (up - twin_along(p, p->flat)) / (2 * h);
    worst = fmax(worst, fabs(quotient - by[i]));
    p->flat[i] = keep;
  }
  CHECK(largest > 0 && worst < 1e-3 * largest, "off by %g of %g", worst, largest);
  free(weights);
  free(transposed);
  free(grad);
  free(by);
  free(block);
  discard(p);
}

/* Rows of a cloud N(m, WITHIN^2) with noise of size NOISE: cells are where the noise has
 * taken them, and only the noise is told. The score of the cloud with noise, half of
 * SIGMA^2 times its gradient of log density, is what is left of that on average. */
static const double within = 0.6, noise = 0.5, sigma = 0.8, middle[D] = {0.3, -0.4};

static void draw_cloud(const rows *out, const row_source *self, rng_key by, uint64_t step,
                       size_t first, size_t count, void *scratch) {
  const double *scale = self->data;
  (void)by;
  (void)scratch;
  for (size_t r = 0; r < count; r++) {
    double z[2 * D + 1];
    normals(z, 2 * D + 1, (uint32_t)(first + r), (uint32_t)step + 1);
    for (size_t c = 0; c < D; c++) {
      out->input[r * IN + c] = (float)(middle[c] + within * z[c] + noise * z[D + c]);
      out->target[0][r * PAD + c] =
          (float)(-sigma * sigma / (2 * noise) * z[D + c] / *scale);
    }
    out->input[r * IN + D] = (float)(0.5 + 0.3 * z[2 * D]);
    out->weight[0][r] = 1;
  }
}

/* A potential that is trained alone: its losses fall to what the noise leaves, and its
 * gradient is the score of the Gaussian, which is linear, to a tenth where cells are. */
static void check_gaussian(int threads, double *weights, const mlp_shape *shape) {
  enum { STEPS = 400 };
  const double scale = 0.5;
  size_t n = mlp_parameters(shape);
  double *first = calloc(n, sizeof *first), *second = calloc(n, sizeof *second);
  double losses[STEPS];
  mlp_init(weights, shape, key, 3);
  head potential = {HEAD_POTENTIAL, *shape, 0, scale, weights, first, second};
  heads h = {D, 1, &potential};
  row_source source = {0, draw_cloud, &scale};
  match_options o = {.batch = 512, .total_steps = STEPS, .learning_rate = 1e-2,
                     .rate_floor = 0.01, .key = key, .threads = threads};
  size_t bytes = match_workspace(&h, &source, &o);
  void *block = malloc(bytes);
  CHECK(match_run(&h, losses, 0, 100, &source, &o, block, bytes) == STATUS_OK, "run");
  CHECK(match_run(&h, losses + 100, 100, STEPS - 100, &source, &o, block, bytes) ==
            STATUS_OK, "run");
  double rest = pow(sigma * sigma / (2 * scale), 2) *
                (1 / (noise * noise) - 1 / (noise * noise + within * within));
  double end = 0;
  for (int i = STEPS - 50; i < STEPS; i++) end += losses[i] / 50;
  CHECK_NEAR(end / rest, 1, 0.05);
  double error = 0, size = 0;
  for (uint32_t r = 0; r < 200; r++) {
    double x[IN] = {0, 0, 0.5}, z[D], got[D];
    normals(z, D, r, 9999);
    for (size_t c = 0; c < D; c++) x[c] = middle[c] + 0.7 * z[c];
    twin_score(got, x, weights, shape);
    for (size_t c = 0; c < D; c++) {
      double want = -sigma * sigma / 2 * (x[c] - middle[c]) /
                    (within * within + noise * noise);
      error += pow(scale * got[c] - want, 2);
      size += want * want;
    }
  }
  CHECK(error < 0.01 * size, "relative error %g", sqrt(error / size));
  const continuity none = {.d = D, .records = 0};
  o.equation = &none;
  CHECK(match_run(&h, losses, 0, 1, &source, &o, block, bytes) == STATUS_BAD_ARGUMENT,
        "an equation without records");
  free(first);
  free(second);
  free(block);
}

/* A field tells the score of a potential, and cells are simulated with it: without noise
 * and velocity they go where small steps along the twin's score take them. */
static void check_field(void) {
  problem *p = make(ACTIVATION_SILU);
  mlp_shape vector = {IN, D, 8, 1, ACTIVATION_TANH};
  double *still = calloc(mlp_parameters(&vector), sizeof *still);
  head both[2] = {{HEAD_VELOCITY, vector, 0, 1, still, 0, 0},
                  {HEAD_POTENTIAL, p->shape, 0, 1.5, p->flat, 0, 0}};
  float *packed[2], *transposed = malloc(mlp_transposed(&p->shape) * sizeof(float));
  field f = {.heads = {D, 2, both}, .transposed = transposed};
  for (int i = 0; i < 2; i++) {
    f.packed[i] = packed[i] = malloc(mlp_packed(&both[i].shape) * sizeof(float));
    mlp_pack(packed[i], both[i].weights, &both[i].shape);
  }
  mlp_transpose(transposed, packed[1], &p->shape);
  CHECK(heads_check(&f.heads) == STATUS_OK, "heads");

  double x[N * D], t[N], velocity[N * D], score[N * D], want[D];
  double *const value[] = {velocity, score};
  for (size_t r = 0; r < N; r++) {
    memcpy(x + r * D, p->x + r * IN, D * sizeof *x);
    t[r] = p->x[r * IN + D];
  }
  size_t bytes = field_workspace(&f, 1);
  void *block = malloc(bytes);
  CHECK(field_evaluate(value, x, t, N, &f, 1, block, bytes) == STATUS_OK, "evaluate");
  for (size_t r = 0; r < N; r++) {
    twin_score(want, p->x + r * IN, p->flat, &p->shape);
    for (size_t c = 0; c < D; c++) CHECK_NEAR(score[r * D + c], 1.5 * want[c], 1e-5);
  }
  free(block);

  enum { CELLS = 5 };
  double states[CELLS * (D + 1)] = {0}, error[2 * CELLS], from[CELLS] = {0};
  uint32_t cell[CELLS] = {0, 1, 2, 3, 4};
  for (size_t r = 0; r < CELLS; r++) memcpy(states + r * IN, x + r * D, D * sizeof *x);
  simulate_options o = {.sigma = 0, .key = key, .steps = SDE_DEFAULTS};
  o.steps.tolerance = 1e-3;
  bytes = simulate_workspace(&f, &o, 1);
  block = malloc(bytes);
  CHECK(field_simulate(states, error, from, 1, cell, CELLS, &f, &o, 1, block, bytes) ==
            STATUS_OK, "simulate");
  for (size_t r = 0; r < CELLS; r++) {
    double at[IN] = {x[r * D], x[r * D + 1], 0};
    for (int step = 0; step < 2000; step++) {
      at[D] = step / 2000.0;
      twin_score(want, at, p->flat, &p->shape);
      for (size_t c = 0; c < D; c++) at[c] += 1.5 * want[c] / 2000;
    }
    for (size_t c = 0; c < D; c++) CHECK_NEAR(states[r * IN + c], at[c], 3e-3);
  }
  free(block);
  free(still);
  free(transposed);
  free(packed[0]);
  free(packed[1]);
  discard(p);
}

static void check_refused(void) {
  mlp_shape vector = {IN, D, 8, 1, ACTIVATION_TANH}, one = vector;
  one.outputs = 1;
  for (int c = 0; c < 7; c++) {
    head h[3] = {{HEAD_VELOCITY, vector, 0, 1, 0, 0, 0},
                 {HEAD_GROWTH, one, 0, 1, 0, 0, 0},
                 {HEAD_POTENTIAL, one, 0, 1, 0, 0, 0}};
    heads all = {D, 3, h};
    CHECK(heads_check(&all) == STATUS_OK, "velocity, growth and potential");
    if (c == 0) h[2].shape.act = ACTIVATION_LEAKY_RELU;
    if (c == 1) h[2].shape.outputs = D;
    if (c == 2) h[2].shape.inputs = D;
    if (c == 3) h[2].offset = 1;
    if (c == 4) h[1] = h[0], h[1].kind = HEAD_SCORE; /* a score beside it */
    if (c == 5) all.head++, all.count = 2;           /* growth, but no velocity */
    if (c == 6) h[2].scale = 0;
    CHECK(heads_check(&all) == STATUS_BAD_ARGUMENT, "case %d", c);
  }
  head alone = {HEAD_POTENTIAL, one, 0, 1, 0, 0, 0};
  heads single = {D, 1, &alone};
  CHECK(heads_check(&single) == STATUS_OK, "a potential alone");
  field f = {.heads = single};
  ode_options options = ODE_DEFAULTS;
  double state[D + 1] = {0}, from = 0;
  CHECK(field_advance(state, &from, 1, 1, &f, &options, 1, NULL, 0) ==
            STATUS_BAD_ARGUMENT, "no velocity");
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_gradients(ACTIVATION_TANH);
  check_gradients(ACTIVATION_SILU);
  check_along(ACTIVATION_TANH);
  check_along(ACTIVATION_SILU);
  const mlp_shape shape = {IN, 1, WIDTH, 2, ACTIVATION_SILU};
  size_t bytes = mlp_parameters(&shape) * sizeof(double);
  double *one = malloc(bytes), *three = malloc(bytes);
  check_gaussian(1, one, &shape);
  check_gaussian(3, three, &shape);
  CHECK(memcmp(one, three, bytes) == 0, "threads change the result");
  free(one);
  free(three);
  check_field();
  check_refused();
  return check_report("test_potential");
}
