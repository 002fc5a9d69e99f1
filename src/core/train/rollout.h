/* Weighted cells carried through velocity and growth, in training, by the classical
 * Runge-Kutta method of order 4, and the exact gradient of whatever is made of their
 * states and of the costs that run up on their way.
 *
 * Only the states at the boundaries of steps are kept; backwards, a step is run again
 * and then differentiated stage by stage (discretise, then differentiate). */
#ifndef VGFM_ROLLOUT_H
#define VGFM_ROLLOUT_H

#include "nn/trainer.h"

/* What is integrated over time along the way of a cell of weight w = exp(log weight), in
 * standard units. */
typedef enum {
  COST_ENERGY,        /* w |v|^2 */
  COST_GROWTH_ENERGY, /* w g^2 */
  COST_DIVERGENCE,    /* div v */
  COSTS
} running_cost;

/* Times may rise or fall. Without costs, `cost` is NULL. */
typedef struct {
  size_t n, d, steps;
  const double *times; /* (steps + 1) */
  float *path;         /* (steps + 1, n, d + 1) position and log weight at each time */
  float *adjoint;      /* the same: d loss / d path */
  float *cost;         /* (steps + 1, n, COSTS) from the first time to each */
  float *cost_adjoint; /* the same: d loss / d cost */
  int energy;          /* both energies are run up, */
  int divergence;      /* and the divergence: exactly, by d directions, or by one: */
  const float *probe;  /* (n, d) of -1 and 1, for all of a cell's way; NULL: exactly */
} rollout;

/* Directions in which velocities are differentiated. */
static inline size_t rollout_directions(const rollout *r) {
  return !r->divergence ? 0 : r->probe ? 1 : r->d;
}

/* Bytes that a thread needs for a tile. A model without growth cannot be rolled out. */
size_t rollout_tile_bytes(const heads *h, size_t directions);

/* Fills path[1 ...] and cost of cells first ... first + rows - 1 from path[0]; at most
 * MLP_TILE rows. */
void rollout_forward(rollout *r, size_t first, size_t rows, trainer *t, void *tile,
                     size_t tile_bytes);

/* From adjoint and cost_adjoint, holding the derivatives of the loss by every state and
 * cost taken on its own, adds the gradient of the loss by the parameters to `slot` of the
 * trainer. Adjoints end as the total derivatives, the start included. */
void rollout_backward(rollout *r, size_t first, size_t rows, trainer *t, size_t slot,
                      void *tile, size_t tile_bytes);

#endif
