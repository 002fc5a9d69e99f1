/* Growth and velocity from densities (Sha, Qiu, Zhou and Nie 2024, TIGON). Along the way
 * of a cell the log density of the population changes by g - div v. So points x drawn
 * from the density of a later snapshot k are carried back to earlier ones j, and
 *
 *   log rho_j(z) - integral from t_k to t_j of (g - div v) dt   at the z they come to
 *
 * is compared with log rho_k(x), rho the mass of a snapshot times its kernel density. The
 * loss is
 *
 *   mean over k, j and points of knee^2 (sqrt(1 + e^2 / knee^2) - 1), e the difference,
 *   + mass_weight * mean over later times of (log of predicted over observed mass)^2
 *   + mean over starting cells of integral w (energy |v|^2 + energy_growth g^2) dt,
 *
 * the latter two of starting cells that are carried forward with their own growth. Logs,
 * as densities have no scale in many features. */
#ifndef VGFM_DENSITY_H
#define VGFM_DENSITY_H

#include "train/fit.h"

typedef struct {
  size_t near, far; /* points of a later snapshot that are carried back to the one before,
                     * and to the first; those are compared at all times between, too */
  size_t cloud;     /* starting cells that are carried forward, at most */
  const double *wide, *narrow; /* (times) bandwidths, at the first step and the last */
  uint64_t anneal;  /* steps until they are narrow, each by the same factor */
  double knee;
  double mass_weight, energy, energy_growth;
  int exact;        /* divergence by all directions; else by one, drawn for a way */
  uint64_t warm_up, total_steps;
  double learning_rate, rate_floor, clip;
  rng_key key;
  int threads;
  int (*interrupted)(void *); /* polled on the calling thread; NULL: never */
  void *interrupted_data;
} density_options;

#define DENSITY_LOSSES ((size_t)2)

size_t density_workspace(const heads *h, const fit_problem *problem,
                         const density_options *options);

/* Steps `from` ... `from` + `steps` - 1 of the schedule, in place. Of each step, losses
 * (steps, DENSITY_LOSSES) gets, before it, the first part of the loss and the mean
 * absolute error of log mass. The result does not depend on how a schedule is cut, nor on
 * the number of threads. Unless it is OK, it leaves the networks as they were. A model
 * without growth, or with other heads than it and the velocity, is refused. */
int density_run(heads *h, double *losses, uint64_t from, uint64_t steps,
                const fit_problem *problem, const density_options *options,
                void *workspace, size_t workspace_bytes);

#endif
