/* Flow matching: velocity and growth are regressed together on rows from a pairs. */
#ifndef VGFM_MATCH_H
#define VGFM_MATCH_H

#include "path/pairs.h"
#include "nn/trainer.h"
#include "base/stop.h"

typedef struct {
  size_t batch;
  uint64_t total_steps;  /* of the whole schedule */
  double learning_rate;  /* at its start; falls along half a cosine */
  double rate_floor;     /* to this share of it */
  rng_key key;
  int threads;
  int (*interrupted)(void *); /* polled on the calling thread; NULL: never */
  void *interrupted_data;
} match_options;

/* Forward, loss and backward of one slot's share of the batch of a step. The gradient,
 * times `scale`, is added to the slot; loss gets the weighted sums of squared errors of
 * velocity and growth. Scratch is one thread's. If `s` stops, the rest is left out. */
size_t match_scratch(const mlp_shape *velocity, const mlp_shape *growth, size_t slots,
                     size_t batch);
void match_slot(double loss[2], trainer *l, size_t slot, const pairs *b, size_t batch,
                rng_key key, uint64_t step, double scale, void *scratch, size_t bytes,
                stop *s, int rank);

size_t match_workspace(const head *velocity, const head *growth,
                       const match_options *options);

/* Steps `from` ... `from` + `steps` - 1 (counted from 0) of the schedule, in place. Of
 * each step, losses (steps, 2) gets the weighted mean squared error of velocity (mean
 * over features) and growth in standard units. The result does not depend on how a
 * schedule is cut into calls, nor on the number of threads. Interrupted, it leaves the
 * networks as they were. */
int match_run(head *velocity, head *growth, double *losses, uint64_t from,
              uint64_t steps, const pairs *b, const match_options *options,
              void *workspace, size_t workspace_bytes);

#endif
