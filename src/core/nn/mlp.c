#include "nn/mlp.h"
#include "base/status.h"
#include <math.h>
#include <string.h>

int mlp_check(const mlp_shape *s) {
  const size_t most = MLP_UNITS;
  if (s->inputs < 1 || s->inputs > most || s->outputs < 1 || s->outputs > most ||
      s->width < 1 || s->width > most || s->hidden < 1 || s->hidden > MLP_HIDDEN ||
      s->act < ACTIVATION_LEAKY_RELU || s->act > ACTIVATION_TANH)
    return STATUS_BAD_ARGUMENT;
  return STATUS_OK;
}

size_t mlp_parameters(const mlp_shape *s) {
  size_t total = 0;
  for (size_t l = 0; l < mlp_layers(s); l++)
    total += (mlp_layer_inputs(s, l) + 1) * mlp_layer_outputs(s, l);
  return total;
}

size_t mlp_packed(const mlp_shape *s) {
  size_t total = 0;
  for (size_t l = 0; l < mlp_layers(s); l++)
    total += (mlp_layer_inputs(s, l) + 1) * kernel_pad(mlp_layer_outputs(s, l));
  return total;
}

size_t mlp_transposed(const mlp_shape *s) {
  size_t total = 0;
  for (size_t l = 0; l < mlp_layers(s); l++)
    total += mlp_layer_outputs(s, l) * kernel_pad(mlp_layer_inputs(s, l));
  return total;
}

void mlp_pack(float *packed, const double *flat, const mlp_shape *s) {
  for (size_t l = 0; l < mlp_layers(s); l++) {
    size_t in = mlp_layer_inputs(s, l), out = mlp_layer_outputs(s, l);
    size_t pad = kernel_pad(out);
    for (size_t i = 0; i <= in; i++) { /* the last row is the bias */
      for (size_t j = 0; j < out; j++) packed[j] = (float)flat[j];
      for (size_t j = out; j < pad; j++) packed[j] = 0;
      packed += pad;
      flat += out;
    }
  }
}

void mlp_unpack(double *flat, const float *packed, const mlp_shape *s) {
  for (size_t l = 0; l < mlp_layers(s); l++) {
    size_t out = mlp_layer_outputs(s, l);
    for (size_t i = 0; i <= mlp_layer_inputs(s, l); i++) {
      for (size_t j = 0; j < out; j++) flat[j] = packed[j];
      packed += kernel_pad(out);
      flat += out;
    }
  }
}

/* One cache line of a row by 16 rows at a time, so that every line is fetched once. */
void mlp_transpose_layer(float *transposed, const float *packed, const mlp_shape *s,
                         size_t layer) {
  for (size_t l = 0; l < layer; l++) {
    size_t in = mlp_layer_inputs(s, l), out = mlp_layer_outputs(s, l);
    packed += (in + 1) * kernel_pad(out);
    transposed += out * kernel_pad(in);
  }
  size_t in = mlp_layer_inputs(s, layer), out = mlp_layer_outputs(s, layer);
  size_t from = kernel_pad(out), to = kernel_pad(in);
  for (size_t i = 0; i < to; i += KERNEL_PAD)
    for (size_t j = 0; j < out; j += KERNEL_PAD)
      for (size_t c = j; c < out && c < j + KERNEL_PAD; c++)
        for (size_t r = i; r < i + KERNEL_PAD; r++)
          transposed[c * to + r] = r < in ? packed[r * from + c] : 0;
}

void mlp_transpose(float *transposed, const float *packed, const mlp_shape *s) {
  for (size_t l = 0; l < mlp_layers(s); l++)
    mlp_transpose_layer(transposed, packed, s, l);
}

void mlp_init(double *flat, const mlp_shape *s, rng_key key, uint32_t stream) {
  uint32_t counter[4] = {0, 0, stream, RNG_INIT}, word[4];
  for (size_t l = 0; l < mlp_layers(s); l++) {
    size_t in = mlp_layer_inputs(s, l), out = mlp_layer_outputs(s, l);
    double bound = 1 / sqrt((double)in);
    counter[1] = (uint32_t)l;
    for (size_t i = 0; i < (in + 1) * out; i++) {
      if (i % 4 == 0) {
        counter[0] = (uint32_t)(i / 4);
        rng_philox(word, counter, key);
      }
      *flat++ = (float)(bound * (2 * rng_uniform(word[i % 4]) - 1));
    }
  }
}

/* Only SiLU's slope needs z; the others' follow from h. */
static int keeps_z(const mlp_shape *s) { return s->act == ACTIVATION_SILU; }

void mlp_tile_layout(arena *a, mlp_tile *tile, const mlp_shape *s, size_t rows) {
  size_t layer = rows * kernel_pad(s->width);
  tile->rows = rows;
  tile->h = arena_take(a, s->hidden * layer, sizeof(float));
  tile->z = keeps_z(s) ? arena_take(a, s->hidden * layer, sizeof(float)) : tile->h;
  tile->delta = arena_take(a, 2 * layer, sizeof(float));
}

/* out (rows, pad) = bias + x w */
static void affine(float *out, size_t pad, const float *x, size_t ldx, size_t rows,
                   const float *w, size_t in) {
  const float *bias = w + in * pad;
  kernels_get()->gemm(out, pad, bias, 0, x, ldx, 1, w, pad, rows, pad, in);
}

void mlp_forward(float *out, mlp_tile *tile, const float *x, size_t ldx, size_t rows,
                 const float *packed, const mlp_shape *s) {
  size_t pad = kernel_pad(s->width), layer = tile->rows * pad;
  for (size_t l = 0; l < s->hidden; l++) {
    size_t in = mlp_layer_inputs(s, l);
    float *z = tile->z + l * layer, *h = tile->h + l * layer;
    affine(z, pad, x, ldx, rows, packed, in);
    kernels_get()->activate(h, z, rows * pad, s->act);
    packed += (in + 1) * pad;
    x = h;
    ldx = pad;
  }
  affine(out, kernel_pad(s->outputs), x, ldx, rows, packed, s->width);
}

/* grad (in + 1, pad) += [x 1]' delta */
static void add_weight_gradient(float *grad, const float *x, size_t ldx,
                                const float *delta, size_t pad, size_t rows, size_t in) {
  const float one = 1;
  const kernels *k = kernels_get();
  k->gemm(grad, pad, grad, pad, x, 1, ldx, delta, pad, in, pad, rows);
  grad += in * pad;
  k->gemm(grad, pad, grad, pad, &one, 0, 0, delta, pad, 1, pad, rows);
}

void mlp_backward(float *grad, float *dx, const float *dout, mlp_tile *tile,
                  const float *x, size_t ldx, size_t rows, const float *transposed,
                  const mlp_shape *s) {
  const kernels *k = kernels_get();
  size_t pad = kernel_pad(s->width), layer = tile->rows * pad;
  const float *delta = dout;
  size_t at = mlp_packed(s), at_transposed = mlp_transposed(s);
  for (size_t l = mlp_layers(s); l-- > 0;) {
    size_t in = mlp_layer_inputs(s, l), out = mlp_layer_outputs(s, l);
    size_t out_pad = kernel_pad(out), in_pad = kernel_pad(in);
    const float *below = l == 0 ? x : tile->h + (l - 1) * layer;
    size_t ld_below = l == 0 ? ldx : pad;
    at -= (in + 1) * out_pad;
    at_transposed -= out * in_pad;
    if (grad)
      add_weight_gradient(grad + at, below, ld_below, delta, out_pad, rows, in);
    if (l == 0) {
      if (dx)
        k->gemm(dx, in_pad, dx, in_pad, delta, out_pad, 1, transposed, in_pad, rows,
                in_pad, out);
      return;
    }
    float *next = tile->delta + (l % 2) * layer;
    k->gemm(next, in_pad, NULL, 0, delta, out_pad, 1, transposed + at_transposed, in_pad,
            rows, in_pad, out);
    k->activate_grad(next, tile->z + (l - 1) * layer, tile->h + (l - 1) * layer,
                     rows * pad, s->act);
    delta = next;
  }
}
