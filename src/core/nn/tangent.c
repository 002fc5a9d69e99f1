#include "nn/tangent.h"
#include <string.h>

void mlp_tangent_layout(arena *a, mlp_tangent *t, const mlp_shape *s, size_t rows,
                        size_t directions) {
  size_t layer = directions * rows * kernel_pad(s->width);
  t->rows = rows;
  t->directions = directions;
  t->z = arena_take(a, s->hidden * layer, sizeof(float));
  t->h = arena_take(a, s->hidden * layer, sizeof(float));
  t->delta = arena_take(a, 2 * layer, sizeof(float));
}

/* Numbers of one hidden layer in `z` and `h` of a tangent, and of its tile. */
static size_t tangent_layer(const mlp_tangent *t, const mlp_shape *s) {
  return t->directions * t->rows * kernel_pad(s->width);
}

static size_t tile_layer(const mlp_tile *tile, const mlp_shape *s) {
  return tile->rows * kernel_pad(s->width);
}

void mlp_forward_tangent(float *out_dot, mlp_tangent *t, const mlp_tile *tile,
                         const float *x_dot, size_t ld_dot, size_t directions,
                         size_t rows, const float *packed, const mlp_shape *s) {
  const kernels *k = kernels_get();
  size_t pad = kernel_pad(s->width), values = rows * pad;
  for (size_t l = 0; l < s->hidden; l++) {
    size_t in = mlp_layer_inputs(s, l);
    const float *z = tile->z + l * tile_layer(tile, s);
    const float *h = tile->h + l * tile_layer(tile, s);
    float *z_dot = t->z + l * tangent_layer(t, s);
    float *h_dot = t->h + l * tangent_layer(t, s);
    k->gemm(z_dot, pad, NULL, 0, x_dot, ld_dot, 1, packed, pad, directions * rows, pad,
            in);
    memcpy(h_dot, z_dot, directions * values * sizeof *h_dot);
    for (size_t i = 0; i < directions; i++)
      k->activate_grad(h_dot + i * values, z, h, values, s->act);
    packed += (in + 1) * pad;
    x_dot = h_dot;
    ld_dot = pad;
  }
  size_t pad_out = kernel_pad(s->outputs);
  k->gemm(out_dot, pad_out, NULL, 0, x_dot, ld_dot, 1, packed, pad_out,
          directions * rows, pad_out, s->width);
}

/* grad (in, pad) += x' delta, and the bias too if there is one. */
static void add_weight_gradient(float *grad, const float *x, size_t ldx,
                                const float *delta, size_t pad, size_t rows, size_t in,
                                int bias) {
  const float one = 1;
  const kernels *k = kernels_get();
  k->gemm(grad, pad, grad, pad, x, 1, ldx, delta, pad, in, pad, rows);
  grad += in * pad;
  if (bias) k->gemm(grad, pad, grad, pad, &one, 0, 0, delta, pad, 1, pad, rows);
}

/* Derivatives by what a layer puts out, taken to what it takes in: (rows, pad(in)). */
static void through_weights(float *below, const float *start, const float *delta,
                            size_t out, const float *transposed, size_t in_pad,
                            size_t rows) {
  kernels_get()->gemm(below, in_pad, start, in_pad, delta, kernel_pad(out), 1, transposed,
                      in_pad, rows, in_pad, out);
}

void mlp_backward_tangent(float *grad, float *dx, float *dx_dot, const float *dout,
                          const float *dout_dot, mlp_tangent *t, mlp_tile *tile,
                          const float *x, size_t ldx, const float *x_dot, size_t ld_dot,
                          size_t directions, size_t rows, const float *transposed,
                          const mlp_shape *s) {
  const kernels *k = kernels_get();
  const float *delta = dout, *delta_dot = dout_dot;
  size_t values = rows * kernel_pad(s->width), all = directions * rows;
  size_t at = mlp_packed(s), at_transposed = mlp_transposed(s);
  for (size_t l = mlp_layers(s); l-- > 0;) {
    size_t in = mlp_layer_inputs(s, l), out = mlp_layer_outputs(s, l);
    size_t out_pad = kernel_pad(out), in_pad = kernel_pad(in);
    size_t below = (l - 1) * tile_layer(tile, s), dot = (l - 1) * tangent_layer(t, s);
    at -= (in + 1) * out_pad;
    at_transposed -= out * in_pad;
    if (grad && delta)
      add_weight_gradient(grad + at, l ? tile->h + below : x, l ? in_pad : ldx, delta,
                          out_pad, rows, in, 1);
    if (grad)
      add_weight_gradient(grad + at, l ? t->h + dot : x_dot, l ? in_pad : ld_dot,
                          delta_dot, out_pad, all, in, 0);
    if (l == 0) {
      if (dx && delta) through_weights(dx, dx, delta, out, transposed, in_pad, rows);
      if (dx_dot)
        through_weights(dx_dot, dx_dot, delta_dot, out, transposed, in_pad, all);
      return;
    }
    float *next = tile->delta + (l % 2) * tile_layer(tile, s);
    float *next_dot = t->delta + (l % 2) * tangent_layer(t, s);
    const float *z = tile->z + below, *h = tile->h + below;
    through_weights(next_dot, NULL, delta_dot, out, transposed + at_transposed, in_pad,
                    all);
    if (delta) {
      through_weights(next, NULL, delta, out, transposed + at_transposed, in_pad, rows);
      k->activate_grad(next, z, h, values, s->act);
    } else {
      memset(next, 0, values * sizeof *next);
    }
    for (size_t i = 0; i < directions; i++)
      k->activate_tangent_grad(next, next_dot + i * values, t->z + dot + i * values, z, h,
                               values, s->act);
    delta = next;
    delta_dot = next_dot;
  }
}
