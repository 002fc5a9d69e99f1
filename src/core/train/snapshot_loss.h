/* A rolled-out cloud compared with one snapshot: the exact transport between them, and
 * the gradient of the loss by the states of the cloud. */
#ifndef VGFM_SNAPSHOT_LOSS_H
#define VGFM_SNAPSHOT_LOSS_H

#include "base/arena.h"
#include "transport/emd.h"
#include "base/stop.h"

typedef struct {
  size_t n, m, d;          /* cells of the cloud and of the target; features */
  size_t held_out;         /* cells of the snapshot that are not in the target */
  double observed_mass;    /* mass of the snapshot relative to the first */
  double *cloud, *weight;  /* (n, d), (n) rolled out, weights not normalised */
  double *target;          /* (m + held_out, d) */
  double *u;               /* (n) potential of the cloud, its weighted mean 0 */
  emd_arc *plan;           /* (n + m - 1) */
  size_t arcs;
  void *emd;
  size_t emd_bytes;
  double total;            /* weight, */
  double distance;         /* W1 to those held out (to the target if there are none) */
  double mass_error;       /* relative error of mass, when the plan was made */
  int status;
} snapshot_loss;

void snapshot_loss_layout(arena *a, snapshot_loss *s, size_t n, size_t m,
                          size_t held_out, size_t d);

/* Transport from the states (n, d + 1), positions and log weights, to the target, and
 * their score; on the thread of this rank, which may be told to stop. */
void snapshot_loss_plan(snapshot_loss *s, const float *state, stop *halt, int rank);

/* Adds to adjoint (n, d + 1) the derivatives of
 *   part * (W1 + mass_weight * (mass error)^2)
 * by the states of cells first ... first + count - 1, which may have moved since the plan
 * was made: arcs and potentials stand, distances and masses are those of now. The mass
 * of all cells is judged by how these have changed, and they speak for all. */
void snapshot_loss_adjoint(const snapshot_loss *s, float *adjoint, const float *state,
                           size_t first, size_t count, double part, double mass_weight);

#endif
