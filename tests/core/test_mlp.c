#include "nn/adam.h"
#include "check.h"
#include "nn/mlp.h"
#include "base/status.h"
#include <string.h>

static uint32_t step;
static double uniform(void) {
  const uint32_t counter[4] = {step++, 0, 0, 0};
  uint32_t word[4];
  rng_philox(word, counter, (rng_key){{3, 4}});
  return 2 * rng_uniform(word[0]) - 1;
}

/* A network, its arrays, and a tile of inputs. */
typedef struct {
  mlp_shape shape;
  size_t rows, ldx;
  double *flat;
  float *packed, *transposed, *grad, *x, *dx, *out, *dout;
  void *block;
  mlp_tile tile;
} fixture;

static fixture fixture_make(mlp_shape s, size_t rows) {
  fixture f = {.shape = s, .rows = rows, .ldx = s.inputs + 3};
  f.flat = malloc(mlp_parameters(&s) * sizeof *f.flat);
  f.packed = calloc(mlp_packed(&s), sizeof(float));
  f.grad = calloc(mlp_packed(&s), sizeof(float));
  f.transposed = malloc(mlp_transposed(&s) * sizeof(float));
  f.x = malloc(rows * f.ldx * sizeof(float));
  f.dx = calloc(rows * kernel_pad(s.inputs), sizeof(float));
  f.out = malloc(rows * kernel_pad(s.outputs) * sizeof(float));
  f.dout = calloc(rows * kernel_pad(s.outputs), sizeof(float));
  mlp_init(f.flat, &s, (rng_key){{5, 6}}, 1);
  mlp_pack(f.packed, f.flat, &s);
  mlp_transpose(f.transposed, f.packed, &s);
  for (size_t i = 0; i < rows * f.ldx; i++) f.x[i] = (float)uniform();
  for (size_t r = 0; r < rows; r++)
    for (size_t j = 0; j < s.outputs; j++)
      f.dout[r * kernel_pad(s.outputs) + j] = (float)uniform();
  arena a = {0};
  mlp_tile_layout(&a, &f.tile, &s, MLP_TILE);
  f.block = malloc(arena_size(&a));
  a = arena_over(f.block, arena_size(&a));
  mlp_tile_layout(&a, &f.tile, &s, MLP_TILE);
  CHECK(arena_ok(&a), "the measured workspace is too small");
  return f;
}

static void fixture_free(fixture *f) {
  free(f->flat);
  free(f->packed);
  free(f->transposed);
  free(f->grad);
  free(f->x);
  free(f->dx);
  free(f->out);
  free(f->dout);
  free(f->block);
}

static double act_f64(double z, activation act) {
  switch (act) {
  case ACTIVATION_LEAKY_RELU: return z > 0 ? z : (double)LEAKY_SLOPE * z;
  case ACTIVATION_SILU: return z / (1 + exp(-z));
  default: return tanh(z);
  }
}

/* The naive twin: one row through the flat parameters, in double. */
static void twin_forward(double *out, const double *x, const double *flat,
                         const mlp_shape *s) {
  double now[128], next[128];
  memcpy(now, x, s->inputs * sizeof *x);
  for (size_t l = 0; l < mlp_layers(s); l++) {
    size_t in = mlp_layer_inputs(s, l), n = mlp_layer_outputs(s, l);
    for (size_t j = 0; j < n; j++) {
      next[j] = flat[in * n + j];
      for (size_t i = 0; i < in; i++) next[j] += now[i] * flat[i * n + j];
      if (l < s->hidden) next[j] = act_f64(next[j], s->act);
    }
    memcpy(now, next, n * sizeof *now);
    flat += (in + 1) * n;
  }
  memcpy(out, now, s->outputs * sizeof *out);
}

/* sum of dout * out over the tile, in double */
static double twin_loss(const fixture *f, const double *flat, const double *x) {
  double total = 0, out[128];
  for (size_t r = 0; r < f->rows; r++) {
    twin_forward(out, x + r * f->shape.inputs, flat, &f->shape);
    for (size_t j = 0; j < f->shape.outputs; j++)
      total += out[j] * f->dout[r * kernel_pad(f->shape.outputs) + j];
  }
  return total;
}

/* Outputs agree with the double twin to 2e-6; the whole gradient, in parameters and in
 * inputs, with central differences of the twin to 1e-4 of its largest element. */
static void check_network(mlp_shape s, size_t rows) {
  fixture f = fixture_make(s, rows);
  size_t n = mlp_parameters(&s), in = s.inputs, pad_out = kernel_pad(s.outputs);
  double *x = malloc(rows * in * sizeof *x), *grad = malloc(n * sizeof *grad);
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < in; i++) x[r * in + i] = f.x[r * f.ldx + i];

  mlp_forward(f.out, &f.tile, f.x, f.ldx, rows, f.packed, &s);
  for (size_t r = 0; r < rows; r++) {
    double want[128];
    twin_forward(want, x + r * in, f.flat, &s);
    for (size_t j = 0; j < s.outputs; j++)
      CHECK_NEAR(f.out[r * pad_out + j], want[j], 2e-6);
    for (size_t j = s.outputs; j < pad_out; j++)
      CHECK(f.out[r * pad_out + j] == 0, "padding is %g", f.out[r * pad_out + j]);
  }

  mlp_backward(f.grad, f.dx, f.dout, &f.tile, f.x, f.ldx, rows, f.transposed, &s);
  mlp_unpack(grad, f.grad, &s);
  const double h = 1e-6;
  double worst = 0, largest = 0;
  for (size_t i = 0; i < n; i++) {
    double keep = f.flat[i];
    f.flat[i] = keep + h;
    double up = twin_loss(&f, f.flat, x);
    f.flat[i] = keep - h;
    double slope = (up - twin_loss(&f, f.flat, x)) / (2 * h);
    f.flat[i] = keep;
    worst = fmax(worst, fabs(slope - grad[i]));
    largest = fmax(largest, fabs(slope));
  }
  CHECK(worst <= 1e-4 * largest, "parameters: %g of %g", worst, largest);
  worst = largest = 0;
  for (size_t i = 0; i < rows * in; i++) {
    double keep = x[i];
    x[i] = keep + h;
    double up = twin_loss(&f, f.flat, x);
    x[i] = keep - h;
    double slope = (up - twin_loss(&f, f.flat, x)) / (2 * h);
    x[i] = keep;
    worst = fmax(worst, fabs(slope - f.dx[i / in * kernel_pad(in) + i % in]));
    largest = fmax(largest, fabs(slope));
  }
  CHECK(worst <= 1e-4 * largest, "inputs: %g of %g", worst, largest);
  free(x);
  free(grad);
  fixture_free(&f);
}

/* Flat to packed and back loses nothing that float can hold. */
static void check_pack(void) {
  fixture f = fixture_make((mlp_shape){5, 3, 17, 2, ACTIVATION_TANH}, 2);
  size_t n = mlp_parameters(&f.shape);
  CHECK(n == 6 * 17 + 18 * 17 + 18 * 3, "%zu parameters", n);
  double *back = malloc(n * sizeof *back);
  mlp_unpack(back, f.packed, &f.shape);
  CHECK(memcmp(back, f.flat, n * sizeof *back) == 0, "the round trip changed a value");
  free(back);
  fixture_free(&f);
}

static void check_bad_shapes(void) {
  const mlp_shape bad[] = {{0, 1, 1, 1, ACTIVATION_TANH}, {1, 0, 1, 1, ACTIVATION_TANH},
                           {1, 1, 0, 1, ACTIVATION_TANH}, {1, 1, 1, 0, ACTIVATION_TANH},
                           {1, 1, 1, 1, (activation)9},
                           {1, 1, 70000, 1, ACTIVATION_TANH}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    CHECK(mlp_check(&bad[i]) == STATUS_BAD_ARGUMENT, "shape %zu was accepted", i);
}

/* Adam against its definition, step by step in double, to 1e-5 after 50 steps; then the
 * minimum of a quadratic. */
static void check_adam(void) {
  enum { N = 32 };
  float w[N], m[N] = {0}, v[N] = {0}, grad[3 * N];
  double w2[N], m2[N] = {0}, v2[N] = {0};
  for (int i = 0; i < N; i++) w2[i] = w[i] = (float)uniform();
  for (int t = 1; t <= 50; t++) {
    for (int i = 0; i < 3 * N; i++) grad[i] = (float)uniform();
    adam_update(w, m, v, grad, 3, N, N, 0.5, (uint64_t)t, 0.01);
    for (int i = 0; i < N; i++) {
      double g = 0.5 * ((double)grad[i] + grad[N + i] + grad[2 * N + i]);
      m2[i] = 0.9 * m2[i] + 0.1 * g;
      v2[i] = 0.95 * v2[i] + 0.05 * g * g;
      w2[i] -= 0.01 * (m2[i] / (1 - pow(0.9, t))) /
               (sqrt(v2[i] / (1 - pow(0.95, t))) + 1e-8);
    }
  }
  for (int i = 0; i < N; i++) CHECK_NEAR(w[i], w2[i], 1e-5);

  memset(m, 0, sizeof m);
  memset(v, 0, sizeof v);
  for (uint64_t t = 0; t < 1000; t++) {
    for (int i = 0; i < N; i++) grad[i] = 2 * (w[i] - (float)i / N);
    adam_update(w, m, v, grad, 1, N, N, 1, t + 1, cosine_rate(t, 1000, 0.05, 0));
  }
  for (int i = 0; i < N; i++) CHECK_NEAR(w[i], (double)i / N, 1e-4);
}

static void check_cosine(void) {
  CHECK_NEAR(cosine_rate(0, 101, 2, 0.1), 2, 1e-15);
  CHECK_NEAR(cosine_rate(50, 101, 2, 0.1), 1.1, 1e-15);
  CHECK_NEAR(cosine_rate(100, 101, 2, 0.1), 0.2, 1e-15);
  CHECK_NEAR(cosine_rate(500, 101, 2, 0.1), 0.2, 1e-15);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  for (activation act = ACTIVATION_LEAKY_RELU; act <= ACTIVATION_TANH; act++) {
    check_network((mlp_shape){3, 2, 16, 1, act}, 1);
    check_network((mlp_shape){6, 20, 37, 3, act}, 13);
  }
  check_network((mlp_shape){40, 1, 32, 1, ACTIVATION_SILU}, MLP_TILE);
  check_pack();
  check_bad_shapes();
  check_adam();
  check_cosine();
  return check_report("test_mlp");
}
