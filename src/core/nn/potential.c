#include "nn/potential.h"
#include <string.h>

void potential_layout(arena *a, potential_tile *p, const mlp_shape *s, size_t rows,
                      int backward) {
  mlp_tile_layout(a, &p->tile, s, rows);
  p->out = arena_take(a, rows * kernel_pad(1), sizeof(float));
  p->one = arena_take(a, rows * kernel_pad(1), sizeof(float));
  p->vector = arena_take(a, rows * kernel_pad(s->inputs), sizeof(float));
  if (backward) mlp_tangent_layout(a, &p->tangent, s, rows, 1);
}

void potential_forward(potential_tile *p, const float *x, size_t ldx, size_t rows,
                       const float *packed, const float *transposed,
                       const mlp_shape *s) {
  size_t pad = kernel_pad(1);
  mlp_forward(p->out, &p->tile, x, ldx, rows, packed, s);
  memset(p->one, 0, rows * pad * sizeof(float));
  for (size_t r = 0; r < rows; r++) p->one[r * pad] = 1;
  memset(p->vector, 0, rows * kernel_pad(s->inputs) * sizeof(float));
  mlp_backward(NULL, p->vector, p->one, &p->tile, x, ldx, rows, transposed, s);
}

void potential_backward(float *grad, potential_tile *p, const float *x, size_t ldx,
                        size_t rows, const float *packed, const float *transposed,
                        const mlp_shape *s) {
  size_t pad = kernel_pad(s->inputs);
  mlp_forward_tangent(p->out, &p->tangent, &p->tile, p->vector, pad, 1, rows, packed, s);
  mlp_backward_tangent(grad, NULL, NULL, NULL, p->one, &p->tangent, &p->tile, x, ldx,
                       p->vector, pad, 1, rows, transposed, s);
}

double potential_along(float *grad, potential_tile *p, const float *x,
                       const float *direction, const float *want, double weight,
                       size_t rows, const float *packed, const float *transposed,
                       const mlp_shape *s) {
  size_t in = s->inputs, pad = kernel_pad(1);
  double loss = 0;
  mlp_forward(p->out, &p->tile, x, in, rows, packed, s);
  mlp_forward_tangent(p->out, &p->tangent, &p->tile, direction, in, 1, rows, packed, s);
  memset(p->one, 0, rows * pad * sizeof(float));
  for (size_t r = 0; r < rows; r++) {
    double error = (double)p->out[r * pad] - want[r];
    loss += error * error;
    p->one[r * pad] = (float)(2 * weight * error);
  }
  mlp_backward_tangent(grad, NULL, NULL, NULL, p->one, &p->tangent, &p->tile, x, in,
                       direction, in, 1, rows, transposed, s);
  return loss;
}
