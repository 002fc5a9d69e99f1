/* Flow matching: the heads of a model are regressed together on rows, wherever these come
 * from. */
#ifndef VGFM_MATCH_H
#define VGFM_MATCH_H

#include "path/rows.h"
#include "nn/trainer.h"
#include "train/continuity.h"
#include "base/stop.h"

typedef struct {
  size_t batch;
  uint64_t total_steps;  /* of the whole schedule */
  double learning_rate;  /* at its start; falls along half a cosine */
  double rate_floor;     /* to this share of it */
  rng_key key;
  int threads;
  const continuity *equation; /* of a potential that is trained alone; NULL: none */
  int (*interrupted)(void *); /* polled on the calling thread; NULL: never */
  void *interrupted_data;
} match_options;

/* Forward, loss and backward of what falls to one slot of the batch of a step. The
 * gradient, times `scale`, is added to the slot; loss (heads) gets the weighted sums of
 * squared errors, that of a potential with those of the `equation`, which may be NULL.
 * Scratch is one thread's. If `halt` stops, the rest is left out. */
size_t match_scratch(const heads *h, size_t slots, size_t batch,
                     const row_source *source);
void match_slot(double *loss, trainer *t, size_t slot, const row_source *source,
                const continuity *equation, size_t batch, rng_key key, uint64_t step,
                double scale, void *space, size_t bytes, stop *halt, int rank);

size_t match_workspace(const heads *h, const row_source *source,
                       const match_options *options);

/* Steps `from` ... `from` + `steps` - 1 (counted from 0) of the schedule, in place. Of
 * each step, losses (steps, heads) gets the weighted mean squared error of every head in
 * its units, mean over its outputs. The result does not depend on how a schedule is cut
 * into calls, nor on the number of threads. Interrupted, it leaves the networks as they
 * were. */
int match_run(heads *h, double *losses, uint64_t from, uint64_t steps,
              const row_source *source, const match_options *options, void *workspace,
              size_t workspace_bytes);

#endif
