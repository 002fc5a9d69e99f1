/* Cells on stochastic paths, for a model with a score S = (sigma^2 / 2) grad log density:
 *
 *   dx = (v + S) dt + sigma dW forwards,   dx = (v - S) dt + sigma dW backwards in time,
 *   dlog w = g dt.
 *
 * Both carry the population as dx = v dt does (Tong et al. 2024; the reverse, Anderson
 * 1982). */
#ifndef VGFM_SIMULATE_H
#define VGFM_SIMULATE_H

#include "field/field.h"
#include "field/sde.h"

typedef struct {
  double sigma;         /* standard deviation of the noise per square root of time */
  rng_key key;
  uint32_t realisation;
  sde_options steps;
  int (*interrupted)(void *); /* polled on the calling thread; NULL: never */
  void *interrupted_data;
} simulate_options;

/* Workspace in bytes for up to `threads` threads; 0 if it overflows. */
size_t simulate_workspace(const field *f, const simulate_options *o, int threads);

/* Moves states (n, d + 1), as of field_advance(), by steps as sde.h has them. error
 * (n, 2): what was reached in place (root mean square over d) and log weight; it may be
 * above the tolerance. The noise is a function of (key, realisation, cell, to), so a
 * path does not depend on the other cells nor on `threads`, and the parts of a path that
 * is solved from time to time have noise of their own.
 * STATUS_BAD_ARGUMENT if the model has no score. */
int field_simulate(double *states, double *error, const double *from, double to,
                   const uint32_t *cell, size_t n, const field *f,
                   const simulate_options *o, int threads, void *workspace,
                   size_t workspace_bytes);

#endif
