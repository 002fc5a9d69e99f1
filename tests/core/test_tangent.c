#include "check.h"
#include "nn/tangent.h"
#include <string.h>

enum { MOST = 64 }; /* units of a layer in these tests */

static uint32_t step;
static double uniform(void) {
  const uint32_t counter[4] = {step++, 0, 0, 0};
  uint32_t word[4];
  rng_philox(word, counter, (rng_key){{7, 8}});
  return 2 * rng_uniform(word[0]) - 1;
}

/* A network, a tile of rows with directions, and what the loss makes of both outputs. */
typedef struct {
  mlp_shape shape;
  size_t rows, directions;
  double *flat, *x, *x_dot; /* parameters; (rows, inputs), (directions * rows, inputs) */
  double *dout, *dout_dot;  /* (rows, outputs), (directions * rows, outputs) */
} problem;

static double *draw(size_t n) {
  double *out = malloc(n * sizeof *out);
  for (size_t i = 0; i < n; i++) out[i] = (float)uniform();
  return out;
}

static problem problem_make(mlp_shape s, size_t rows, size_t directions) {
  problem p = {.shape = s, .rows = rows, .directions = directions};
  p.flat = malloc(mlp_parameters(&s) * sizeof *p.flat);
  mlp_init(p.flat, &s, (rng_key){{1, 2}}, 1);
  p.x = draw(rows * s.inputs);
  p.x_dot = draw(directions * rows * s.inputs);
  p.dout = draw(rows * s.outputs);
  p.dout_dot = draw(directions * rows * s.outputs);
  return p;
}

static void problem_free(problem *p) {
  free(p->flat);
  free(p->x);
  free(p->x_dot);
  free(p->dout);
  free(p->dout_dot);
}

/* The naive twin: dual numbers through the flat parameters, in double. */
static void twin(double *out, double *out_dot, const double *x, const double *x_dot,
                 const double *flat, const mlp_shape *s) {
  double now[MOST], dot[MOST], next[MOST], next_dot[MOST];
  memcpy(now, x, s->inputs * sizeof *x);
  memcpy(dot, x_dot, s->inputs * sizeof *x);
  for (size_t l = 0; l < mlp_layers(s); l++) {
    size_t in = mlp_layer_inputs(s, l), n = mlp_layer_outputs(s, l);
    for (size_t j = 0; j < n; j++) {
      double z = flat[in * n + j], z_dot = 0;
      for (size_t i = 0; i < in; i++) {
        z += now[i] * flat[i * n + j];
        z_dot += dot[i] * flat[i * n + j];
      }
      double sigmoid = 1 / (1 + exp(-z)), h = z, slope = 1;
      if (l < s->hidden && s->act == ACTIVATION_TANH) {
        h = tanh(z);
        slope = 1 - h * h;
      } else if (l < s->hidden && s->act == ACTIVATION_SILU) {
        h = z * sigmoid;
        slope = sigmoid + z * sigmoid * (1 - sigmoid);
      } else if (l < s->hidden) {
        slope = z > 0 ? 1 : (double)LEAKY_SLOPE;
        h = slope * z;
      }
      next[j] = h;
      next_dot[j] = slope * z_dot;
    }
    memcpy(now, next, n * sizeof *now);
    memcpy(dot, next_dot, n * sizeof *dot);
    flat += (in + 1) * n;
  }
  memcpy(out, now, s->outputs * sizeof *out);
  memcpy(out_dot, dot, s->outputs * sizeof *out);
}

/* sum of dout * out + dout_dot * out_dot, in double; `with` asks for the first sum. */
static double twin_loss(const problem *p, int with) {
  const mlp_shape *s = &p->shape;
  double total = 0, out[MOST], dot[MOST];
  for (size_t k = 0; k < p->directions; k++)
    for (size_t r = 0; r < p->rows; r++) {
      size_t row = k * p->rows + r;
      twin(out, dot, p->x + r * s->inputs, p->x_dot + row * s->inputs, p->flat, s);
      for (size_t j = 0; j < s->outputs; j++) {
        total += dot[j] * p->dout_dot[row * s->outputs + j];
        if (with && k == 0) total += out[j] * p->dout[r * s->outputs + j];
      }
    }
  return total;
}

static float *padded(const double *from, size_t rows, size_t columns) {
  float *out = calloc(rows * kernel_pad(columns), sizeof *out);
  for (size_t r = 0; r < rows; r++)
    for (size_t j = 0; j < columns; j++)
      out[r * kernel_pad(columns) + j] = (float)from[r * columns + j];
  return out;
}

/* `got` (n), the derivatives of the loss by `value`, against central differences: to 2e-4
 * of the largest. */
static void check_slopes(problem *p, double *value, const double *got, size_t n, int with,
                         const char *what) {
  const double h = 1e-6;
  double worst = 0, largest = 0;
  for (size_t i = 0; i < n; i++) {
    double keep = value[i];
    value[i] = keep + h;
    double up = twin_loss(p, with);
    value[i] = keep - h;
    double slope = (up - twin_loss(p, with)) / (2 * h);
    value[i] = keep;
    worst = fmax(worst, fabs(slope - got[i]));
    largest = fmax(largest, fabs(slope));
  }
  CHECK(largest > 0, "%s: no slope at all", what);
  CHECK(worst <= 2e-4 * largest, "%s: %g of %g", what, worst, largest);
}

static void unpad(double *out, const float *from, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++)
    for (size_t j = 0; j < columns; j++)
      out[r * columns + j] = from[r * kernel_pad(columns) + j];
}

/* Tangents against the twin to 2e-6 of 1, and the whole gradient of a loss of outputs and
 * tangents against differences; `with` = 0: of tangents alone. */
static void check_tangent(mlp_shape s, size_t rows, size_t directions, int with) {
  problem p = problem_make(s, rows, directions);
  size_t all = directions * rows, pad_in = kernel_pad(s.inputs);
  size_t pad_out = kernel_pad(s.outputs), n = mlp_parameters(&s);
  float *packed = calloc(mlp_packed(&s), sizeof *packed);
  float *transposed = calloc(mlp_transposed(&s), sizeof *transposed);
  float *grad = calloc(mlp_packed(&s), sizeof *grad);
  float *x = padded(p.x, rows, s.inputs), *x_dot = padded(p.x_dot, all, s.inputs);
  float *dout = padded(p.dout, rows, s.outputs);
  float *dout_dot = padded(p.dout_dot, all, s.outputs);
  float *out = calloc(rows * pad_out, sizeof *out);
  float *out_dot = calloc(all * pad_out, sizeof *out_dot);
  float *dx = calloc(rows * pad_in, sizeof *dx);
  float *dx_dot = calloc(all * pad_in, sizeof *dx_dot);
  mlp_pack(packed, p.flat, &s);
  mlp_transpose(transposed, packed, &s);
  mlp_tile tile;
  mlp_tangent tangent;
  arena a = {0};
  mlp_tile_layout(&a, &tile, &s, MLP_TILE);
  mlp_tangent_layout(&a, &tangent, &s, MLP_TILE, directions);
  void *block = malloc(arena_size(&a));
  a = arena_over(block, arena_size(&a));
  mlp_tile_layout(&a, &tile, &s, MLP_TILE);
  mlp_tangent_layout(&a, &tangent, &s, MLP_TILE, directions);
  CHECK(arena_ok(&a), "the measured workspace is too small");

  mlp_forward(out, &tile, x, pad_in, rows, packed, &s);
  mlp_forward_tangent(out_dot, &tangent, &tile, x_dot, pad_in, directions, rows, packed,
                      &s);
  for (size_t row = 0; row < all; row++) {
    double want[MOST], want_dot[MOST];
    twin(want, want_dot, p.x + row % rows * s.inputs, p.x_dot + row * s.inputs, p.flat,
         &s);
    for (size_t j = 0; j < s.outputs; j++)
      CHECK_NEAR(out_dot[row * pad_out + j], want_dot[j], 2e-6);
    for (size_t j = s.outputs; j < pad_out; j++)
      CHECK(out_dot[row * pad_out + j] == 0, "padding is not zero");
  }

  mlp_backward_tangent(grad, dx, dx_dot, with ? dout : NULL, dout_dot, &tangent, &tile, x,
                       pad_in, x_dot, pad_in, directions, rows, transposed, &s);
  double *got = calloc(n + all * s.inputs, sizeof *got);
  mlp_unpack(got, grad, &s);
  check_slopes(&p, p.flat, got, n, with, "parameters");
  unpad(got, dx_dot, all, s.inputs);
  check_slopes(&p, p.x_dot, got, all * s.inputs, with, "directions");
  unpad(got, dx, rows, s.inputs);
  if (mlp_is_smooth(&s) || with)
    check_slopes(&p, p.x, got, rows * s.inputs, with, "inputs");
  else
    for (size_t i = 0; i < rows * s.inputs; i++)
      CHECK(got[i] == 0, "a straight piece has curvature %g", got[i]);
  free(packed);
  free(transposed);
  free(grad);
  free(x);
  free(x_dot);
  free(dout);
  free(dout_dot);
  free(out);
  free(out_dot);
  free(dx);
  free(dx_dot);
  free(block);
  free(got);
  problem_free(&p);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  for (activation act = ACTIVATION_LEAKY_RELU; act <= ACTIVATION_TANH; act++) {
    check_tangent((mlp_shape){3, 2, 17, 2, act}, 5, 2, 1);
    check_tangent((mlp_shape){4, 1, 8, 1, act}, 3, 1, 0);
    check_tangent((mlp_shape){6, 5, 16, 3, act}, 2, 5, 1);
  }
  return check_report("test_tangent");
}
