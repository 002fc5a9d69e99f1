#include "check.h"
#include "field/gradient.h"
#include "base/status.h"
#include <string.h>

/* More than two tiles, and a last one that is not full. */
enum { D = 16, N = 150 };

typedef struct {
  field f;
  head head[2];
  double *flat[2];
  float *packed[2];
  void *block;
  size_t bytes;
} fixture;

static void fixture_make(fixture *x, activation act, size_t growth_inputs, int threads) {
  *x = (fixture){
    .head = {{HEAD_VELOCITY, {D + 1, D, 32, 2, act}, 0, 2, 0, 0, 0},
             {HEAD_GROWTH, {growth_inputs, 1, 16, 1, act}, 0.5, 0.25, 0, 0, 0}}};
  x->f.heads = (heads){D, 2, x->head};
  for (int net = 0; net < 2; net++) {
    const mlp_shape *shape = &x->head[net].shape;
    x->flat[net] = calloc(mlp_parameters(shape), sizeof(double));
    x->packed[net] = malloc(mlp_packed(shape) * sizeof(float));
    mlp_init(x->flat[net], shape, (rng_key){{8, 9}}, (uint32_t)net);
    mlp_pack(x->packed[net], x->flat[net], shape);
    x->f.packed[net] = x->packed[net];
  }
  x->bytes = field_gradient_workspace(&x->f, threads);
  x->block = malloc(x->bytes);
}

static void fixture_free(fixture *x) {
  for (int net = 0; net < 2; net++) {
    free(x->flat[net]);
    free(x->packed[net]);
  }
  free(x->block);
}

static void fill(double *x, size_t n) {
  for (size_t i = 0; i < n; i++) x[i] = sin((double)i) * 2;
}

/* A network in double, from its flat parameters, layer by layer. */
static void twin(double *out, const double *in, const double *flat, const mlp_shape *s) {
  double x[64], z[64];
  memcpy(x, in, s->inputs * sizeof *x);
  for (size_t l = 0; l < mlp_layers(s); l++) {
    size_t ins = mlp_layer_inputs(s, l), outs = mlp_layer_outputs(s, l);
    for (size_t j = 0; j < outs; j++) {
      z[j] = flat[ins * outs + j];
      for (size_t i = 0; i < ins; i++) z[j] += x[i] * flat[i * outs + j];
      if (l < s->hidden)
        z[j] = s->act == ACTIVATION_TANH ? tanh(z[j]) : z[j] / (1 + exp(-z[j]));
    }
    flat += (ins + 1) * outs;
    memcpy(x, z, outs * sizeof *x);
  }
  memcpy(out, x, s->outputs * sizeof *x);
}

/* seed . (v, g) in double */
static double answer(const double *x, double t, const double *seed, const fixture *k) {
  double in[D + 1], v[D], g;
  memcpy(in, x, D * sizeof *in);
  in[D] = t;
  twin(v, in, k->flat[0], &k->head[0].shape);
  twin(&g, in, k->flat[1], &k->head[1].shape);
  double sum = seed[D] * (k->head[1].offset + k->head[1].scale * g);
  for (int i = 0; i < D; i++) sum += seed[i] * k->head[0].scale * v[i];
  return sum;
}

/* Central differences of the twin, good to 1e-9, agree to float32's 1e-5. */
static void check_differences(activation act, size_t growth_inputs) {
  fixture k;
  fixture_make(&k, act, growth_inputs, 2);
  static double x[N * D], t[N], gradient[N * D];
  fill(x, N * D);
  fill(t, N);
  const double seeds[3][D + 1] = {{0, 1}, {[D] = 1}, {1, -2, 0.5, [D] = 3}};
  for (int s = 0; s < 3; s++) {
    CHECK(field_gradient(gradient, seeds[s], x, t, N, &k.f, 2, k.block, k.bytes) ==
              STATUS_OK, "gradient");
    for (size_t c = 0; c < N * D; c++) {
      double kept = x[c], h = 1e-5;
      size_t r = c / D;
      x[c] = kept + h;
      double above = answer(x + r * D, t[r], seeds[s], &k);
      x[c] = kept - h;
      double below = answer(x + r * D, t[r], seeds[s], &k);
      x[c] = kept;
      CHECK_NEAR(gradient[c], (above - below) / (2 * h), 1e-5);
    }
  }
  fixture_free(&k);
}

/* Without growth, the seed's last number picks nothing. */
static void check_no_growth(void) {
  fixture k;
  fixture_make(&k, ACTIVATION_SILU, D + 1, 1);
  static double x[N * D], t[N], one[N * D], other[N * D];
  const double seeds[2][D + 1] = {{1, -2, 0.5}, {1, -2, 0.5, [D] = 3}};
  fill(x, N * D);
  fill(t, N);
  field_gradient(one, seeds[0], x, t, N, &k.f, 1, k.block, k.bytes);
  k.f.heads.count = 1;
  CHECK(field_gradient_workspace(&k.f, 1) > 0, "no workspace");
  CHECK(field_gradient(other, seeds[1], x, t, N, &k.f, 1, k.block, k.bytes) == STATUS_OK,
        "gradient");
  CHECK(memcmp(one, other, sizeof one) == 0, "growth counts");
  fixture_free(&k);
}

/* The same bits for any number of threads; too little space is refused. */
static void check_threads(void) {
  fixture k;
  fixture_make(&k, ACTIVATION_LEAKY_RELU, D + 1, 3);
  static double x[N * D], t[N], one[N * D], three[N * D];
  const double seed[D + 1] = {1, 1, 1, [D] = 1};
  fill(x, N * D);
  fill(t, N);
  field_gradient(one, seed, x, t, N, &k.f, 1, k.block, k.bytes);
  field_gradient(three, seed, x, t, N, &k.f, 3, k.block, k.bytes);
  CHECK(memcmp(one, three, sizeof one) == 0, "threads change the result");
  CHECK(field_gradient(one, seed, x, t, N, &k.f, 3, k.block, k.bytes / 2) ==
            STATUS_NO_SPACE, "half the workspace");
  fixture_free(&k);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_differences(ACTIVATION_SILU, D + 1);
  check_differences(ACTIVATION_TANH, D + 1);
  check_differences(ACTIVATION_TANH, D); /* growth without the time */
  check_no_growth();
  check_threads();
  return check_report("test_gradient");
}
