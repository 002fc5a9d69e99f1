/* Training of the network that bends paths (Kapusniak et al. 2024, equation 8): the
 * energy of paths under a metric, E sum_c M_c(x) u_c^2 over pairs and times, u the
 * velocity, is made small, so that paths come near geodesics. In each interval it counts
 * in units of what it is on straight lines. */
#ifndef VGFM_GEODESIC_H
#define VGFM_GEODESIC_H

#include "base/stop.h"
#include "nn/trainer.h"
#include "path/metric.h"
#include "path/pairs.h"

/* p->path reads a learned vector; p->learned and p->heads are not looked at. */
typedef struct {
  const pairs *pairs;
  const metric *metrics;  /* (intervals) */
  const double *straight; /* (intervals) energy of straight lines, > 0 */
} geodesic_problem;

typedef struct {
  size_t batch;
  uint64_t total_steps; /* of the whole schedule */
  double learning_rate; /* at its start; falls along half a cosine */
  double rate_floor;    /* to this share of it */
  rng_key key;
  int threads;
  int (*interrupted)(void *); /* polled on the calling thread; NULL: never */
  void *interrupted_data;
} geodesic_options;

size_t geodesic_workspace(const head *phi, const geodesic_problem *problem,
                          const geodesic_options *options);

/* Steps `from` ... `from` + `steps` - 1 of the schedule, in place, as match_run() has it.
 * losses (steps, intervals) gets the weighted mean energy of the rows of an interval over
 * problem->straight. phi is a head of kind HEAD_PATH. */
int geodesic_run(head *phi, double *losses, uint64_t from, uint64_t steps,
                 const geodesic_problem *problem, const geodesic_options *options,
                 void *workspace, size_t workspace_bytes);

#endif
