/* A network of one output, a potential, whose gradient by the place is a vector field:
 * forwards the vectors, backwards the gradient of a loss of them by the parameters. */
#ifndef VGFM_POTENTIAL_H
#define VGFM_POTENTIAL_H

#include "nn/tangent.h"

/* What both passes keep of a tile. */
typedef struct {
  mlp_tile tile;
  mlp_tangent tangent;
  float *out;     /* (rows, pad(1)) */
  float *one;     /* the same: ones, in a padding of zeros */
  float *vector;  /* (rows, pad(inputs)) gradient of the output by the inputs */
} potential_tile;

/* `backward`: whether potential_backward() will be asked for. */
void potential_layout(arena *a, potential_tile *p, const mlp_shape *shape, size_t rows,
                      int backward);

/* Fills p->vector at x (rows, inputs), rows ldx apart. */
void potential_forward(potential_tile *p, const float *x, size_t ldx, size_t rows,
                       const float *packed, const float *transposed,
                       const mlp_shape *shape);

/* After potential_forward(), with p->vector turned into the derivative of a loss by what
 * it was: adds the gradient to grad (packed). The derivative by the parameters of
 * vector . c, for constant c, is that of the output's tangent along c. */
void potential_backward(float *grad, potential_tile *p, const float *x, size_t ldx,
                        size_t rows, const float *packed, const float *transposed,
                        const mlp_shape *shape);

/* The derivative of the output at x (rows, inputs) along direction (rows, inputs), both
 * without padding, is to be want (rows). Adds the gradient of weight * (sum of squared
 * errors) to grad (packed), and returns that sum without the weight. For tiles that were
 * laid out for the backward pass. */
double potential_along(float *grad, potential_tile *p, const float *x,
                       const float *direction, const float *want, double weight,
                       size_t rows, const float *packed, const float *transposed,
                       const mlp_shape *shape);

#endif
