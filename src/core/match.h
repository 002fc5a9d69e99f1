/* Flow matching: velocity and growth are regressed together on rows from a bridge. */
#ifndef VGFM_MATCH_H
#define VGFM_MATCH_H

#include "bridge.h"
#include "mlp.h"

/* A network in training, flat: parameters, and Adam's first and second moments. */
typedef struct {
  mlp_shape shape;
  double *weights, *first, *second; /* (mlp_parameters) each */
} trainee;

typedef struct {
  size_t batch;
  uint64_t total_steps;  /* of the whole schedule */
  double learning_rate;  /* at its start; falls along half a cosine */
  double rate_floor;     /* to this share of it */
  rng_key key;
  int threads;
} match_options;

size_t match_workspace(const trainee *velocity, const trainee *growth,
                       const match_options *options);

/* Steps `from` ... `from` + `steps` - 1 (counted from 0) of the schedule, in place. Of
 * each step, losses (steps, 2) gets the weighted mean squared error of velocity (mean
 * over features) and growth in standard units. The result does not depend on how a
 * schedule is cut into calls, nor on the number of threads. */
int match_run(trainee *velocity, trainee *growth, double *losses, uint64_t from,
              uint64_t steps, const bridge *b, const match_options *options,
              void *workspace, size_t workspace_bytes);

#endif
