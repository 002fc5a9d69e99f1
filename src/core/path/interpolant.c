#include "path/interpolant.h"
#include "base/status.h"
#include <string.h>

int interpolant_fits(const mlp_shape *shape, size_t d) {
  return mlp_check(shape) == STATUS_OK && mlp_is_smooth(shape) &&
         shape->inputs == 2 * d + 1 && shape->outputs == d;
}

void interpolant_layout(arena *a, interpolant_rows *r, const mlp_shape *shape,
                        size_t rows) {
  size_t values = rows * kernel_pad(shape->outputs);
  r->input = arena_take(a, rows * shape->inputs, sizeof(float));
  r->along = arena_take(a, shape->inputs, sizeof(float));
  r->out = arena_take(a, values, sizeof(float));
  r->rate = arena_take(a, values, sizeof(float));
  mlp_tile_layout(a, &r->tile, shape, rows);
  mlp_tangent_layout(a, &r->tangent, shape, rows, 1);
}

void interpolant_input(interpolant_rows *r, size_t row, size_t d, const float *x0,
                       const float *x1, double time) {
  float *to = r->input + row * (2 * d + 1);
  memcpy(to, x0, d * sizeof *to);
  memcpy(to + d, x1, d * sizeof *to);
  to[2 * d] = (float)time;
}

/* All rows share one direction, so its rows lie 0 apart. */
void interpolant_forward(interpolant_rows *r, const interpolant *phi, size_t rows) {
  const mlp_shape *shape = &phi->shape;
  const size_t last = shape->inputs - 1;
  memset(r->along, 0, last * sizeof *r->along);
  r->along[last] = 1;
  mlp_forward(r->out, &r->tile, r->input, shape->inputs, rows, phi->packed, shape);
  mlp_forward_tangent(r->rate, &r->tangent, &r->tile, r->along, 0, 1, rows, phi->packed,
                      shape);
}

void interpolant_backward(float *grad, const float *by_out, const float *by_rate,
                          interpolant_rows *r, size_t rows, const float *transposed,
                          const mlp_shape *shape) {
  mlp_backward_tangent(grad, NULL, NULL, by_out, by_rate, &r->tangent, &r->tile,
                       r->input, shape->inputs, r->along, 0, 1, rows, transposed, shape);
}
