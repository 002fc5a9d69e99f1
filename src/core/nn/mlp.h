/* Multilayer perceptrons in float32: `hidden` hidden layers of `width` units, one
 * activation, a linear output layer.
 *
 * Parameters come in two forms. The flat form is what the rest of the world sees: layer
 * by layer the weights (inputs, outputs) row-major, then the bias (outputs), in double.
 * The packed form is what the kernels read: the same in float, every row padded with
 * zeros to a multiple of KERNEL_PAD. Gradients and Adam's moments are packed too; their
 * padding stays zero. */
#ifndef VGFM_MLP_H
#define VGFM_MLP_H

#include "base/arena.h"
#include "kernels/kernels.h"
#include "base/rng.h"

typedef struct {
  size_t inputs, outputs, width, hidden;
  activation act;
} mlp_shape;

/* Rows that go through the network together, while they are in cache, unless a caller has
 * better reasons. */
#define MLP_TILE ((size_t)64)

/* Most inputs, outputs and units of a layer, and most hidden layers. */
#define MLP_UNITS ((size_t)65536)
#define MLP_HIDDEN ((size_t)64)

/* STATUS_OK, or why this is no network. */
int mlp_check(const mlp_shape *shape);

static inline size_t mlp_layers(const mlp_shape *s) { return s->hidden + 1; }
static inline size_t mlp_layer_inputs(const mlp_shape *s, size_t layer) {
  return layer == 0 ? s->inputs : s->width;
}
static inline size_t mlp_layer_outputs(const mlp_shape *s, size_t layer) {
  return layer == s->hidden ? s->outputs : s->width;
}

/* Numbers in the flat form, the packed form, and the transposed weights that the
 * backward pass reads. */
size_t mlp_parameters(const mlp_shape *shape);
size_t mlp_packed(const mlp_shape *shape);
size_t mlp_transposed(const mlp_shape *shape);

void mlp_pack(float *packed, const double *flat, const mlp_shape *shape);
void mlp_unpack(double *flat, const float *packed, const mlp_shape *shape);
void mlp_transpose(float *transposed, const float *packed, const mlp_shape *shape);
void mlp_transpose_layer(float *transposed, const float *packed, const mlp_shape *shape,
                         size_t layer);

/* Weights and biases uniform in +-1/sqrt(inputs of the layer) (LeCun et al. 1998);
 * `stream` tells networks apart that share a key. */
void mlp_init(double *flat, const mlp_shape *shape, rng_key key, uint32_t stream);

/* What the forward pass keeps of a tile for the backward pass, and its scratch. */
typedef struct {
  size_t rows;   /* at most, in a tile */
  float *z;      /* (hidden, rows, pad(width)) before the activation */
  float *h;      /* the same, after it; z is h where the slope needs h alone */
  float *delta;  /* (2, rows, pad(width)) */
} mlp_tile;

void mlp_tile_layout(arena *a, mlp_tile *tile, const mlp_shape *shape, size_t rows);

/* out (rows, pad(outputs)) = network(x), x (rows, inputs) with rows ldx apart;
 * rows <= tile->rows. */
void mlp_forward(float *out, mlp_tile *tile, const float *x, size_t ldx, size_t rows,
                 const float *packed, const mlp_shape *shape);

/* After mlp_forward() on the same tile: from dout = d loss / d out, (rows, pad(outputs))
 * with zero padding, add the gradient to grad (packed; NULL to skip) and to
 * dx (rows, pad(inputs); NULL to skip). */
void mlp_backward(float *grad, float *dx, const float *dout, mlp_tile *tile,
                  const float *x, size_t ldx, size_t rows, const float *transposed,
                  const mlp_shape *shape);

#endif
