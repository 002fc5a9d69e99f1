/* Weighted cells carried through velocity and growth, in training, by the classical
 * Runge-Kutta method of order 4, and the exact gradient of whatever is made of their
 * states.
 *
 * Only the states at the boundaries of steps are kept; backwards, a step is run again
 * and then differentiated stage by stage (discretise, then differentiate). */
#ifndef VGFM_ROLLOUT_H
#define VGFM_ROLLOUT_H

#include "nn/trainer.h"

typedef struct {
  size_t n, d, steps;
  const double *times; /* (steps + 1) */
  float *path;         /* (steps + 1, n, d + 1) position and log weight at each time */
  float *adjoint;      /* the same: d loss / d path */
} rollout;

/* Bytes that a thread needs for a tile. A model without growth cannot be rolled out. */
size_t rollout_tile_bytes(const heads *h);

/* Fills path[1 ...] of cells first ... first + rows - 1 from path[0]; at most MLP_TILE
 * rows. */
void rollout_forward(rollout *r, size_t first, size_t rows, trainer *t, void *tile,
                     size_t tile_bytes);

/* From adjoint[1 ...], holding the derivatives of the loss by every state taken on its
 * own, adds the gradient of the loss by the parameters to `slot` of the trainer. The
 * adjoint ends as the total derivative by every state, the start included. */
void rollout_backward(rollout *r, size_t first, size_t rows, trainer *t, size_t slot,
                      void *tile, size_t tile_bytes);

#endif
