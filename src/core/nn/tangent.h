/* Derivatives of a network's outputs in given directions, by forward mode, and the
 * backward pass of a loss that reads outputs and derivatives both. With one direction
 * it gives the derivative of a path by time, and of a potential's gradient by its
 * parameters; with a direction for every input the divergence.
 *
 * Forward, with z = W h + b and h = act(z):  z' = W h',  h' = act'(z) z'.
 * Backward, a bar for the derivative of the loss by a quantity:
 *   bar(z') = act'(z) bar(h'),
 *   bar(z)  = act'(z) bar(h) + act''(z) sum over directions of z' bar(h').
 * Of leaky ReLU act'' is 0 all over: its derivatives do not change but at kinks. Who
 * trains on derivatives should refuse it (mlp_is_smooth). */
#ifndef VGFM_TANGENT_H
#define VGFM_TANGENT_H

#include "nn/mlp.h"

/* What is kept of a tile for the backward pass, and its scratch. Direction k of row r
 * stands in row k * rows + r of every array, `rows` being those of the call. */
typedef struct {
  size_t rows, directions; /* at most */
  float *z;                /* (hidden, directions * rows, pad(width)) */
  float *h;                /* the same, after the activation */
  float *delta;            /* (2, directions * rows, pad(width)) */
} mlp_tangent;

void mlp_tangent_layout(arena *a, mlp_tangent *t, const mlp_shape *shape, size_t rows,
                        size_t directions);

/* Whether the slopes of this network are continuous. */
static inline int mlp_is_smooth(const mlp_shape *shape) {
  return shape->act != ACTIVATION_LEAKY_RELU;
}

/* After mlp_forward() of `rows` rows on `tile`: along x_dot (directions * rows, inputs),
 * rows ld_dot apart, out_dot (directions * rows, pad(outputs)). */
void mlp_forward_tangent(float *out_dot, mlp_tangent *t, const mlp_tile *tile,
                         const float *x_dot, size_t ld_dot, size_t directions,
                         size_t rows, const float *packed, const mlp_shape *shape);

/* After both: from dout (rows, pad(outputs)) and dout_dot (directions * rows,
 * pad(outputs)), both with zero padding, adds the gradient to grad (packed), to
 * dx (rows, pad(inputs)) and to dx_dot (directions * rows, pad(inputs)). Each of these
 * three may be NULL to skip it, dout may be NULL for zeros. Takes the place of
 * mlp_backward(). */
void mlp_backward_tangent(float *grad, float *dx, float *dx_dot, const float *dout,
                          const float *dout_dot, mlp_tangent *t, mlp_tile *tile,
                          const float *x, size_t ldx, const float *x_dot, size_t ld_dot,
                          size_t directions, size_t rows, const float *transposed,
                          const mlp_shape *shape);

#endif
