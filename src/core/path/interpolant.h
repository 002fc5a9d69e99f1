/* A network that bends the line between two cells (Kapusniak et al. 2024, equation 7):
 *   x(s) = (1 - s) x0 + s x1 + 2 s (1 - s) phi(x0, x1, t),
 * t the time on the path. Its velocity needs d phi / d t, the tangent of the network. */
#ifndef VGFM_INTERPOLANT_H
#define VGFM_INTERPOLANT_H

#include "nn/heads.h"
#include "nn/tangent.h"

typedef struct {
  size_t d;
  mlp_shape shape;     /* inputs 2 d + 1: both cells, and the time; outputs d */
  double scale;        /* phi = scale * output */
  const float *packed; /* the network, packed */
} interpolant;

/* Whether a network has this shape, and slopes that are continuous. */
int interpolant_fits(const mlp_shape *shape, size_t d);

/* Some rows on their way through it. */
typedef struct {
  float *input;      /* (rows, 2 d + 1) */
  float *out, *rate; /* (rows, pad(d)) outputs, and their derivatives by time */
  float *along;      /* (2 d + 1) the direction of time, of all rows */
  mlp_tile tile;
  mlp_tangent tangent;
} interpolant_rows;

void interpolant_layout(arena *a, interpolant_rows *r, const mlp_shape *shape,
                        size_t rows);

/* Input of a row, from its cells (d) and its time. */
void interpolant_input(interpolant_rows *r, size_t row, size_t d, const float *x0,
                       const float *x1, double time);

/* Outputs of the first `rows` rows, whose inputs are there. */
void interpolant_forward(interpolant_rows *r, const interpolant *phi, size_t rows);

/* After that: from the derivatives of a loss by outputs and rates (rows, pad(d), zero
 * padding) adds the gradient to grad (packed). */
void interpolant_backward(float *grad, const float *by_out, const float *by_rate,
                          interpolant_rows *r, size_t rows, const float *transposed,
                          const mlp_shape *shape);

#endif
