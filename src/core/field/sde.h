/* Stochastic differential equations with additive noise, for many independent states:
 *
 *   dx = drift(x, t) dt + sigma dW,
 *
 * where dW is noise in the first components of a state and 0 in the others (a cell's
 * position, and its log weight). The method is Euler's (Maruyama 1955), of strong order 1
 * for additive noise.
 *
 * Error control. Each state is solved twice on one Brownian path, with 2^k and 2^(k + 1)
 * steps. Its error is the largest difference of the two at any of the 2^k times, as root
 * mean square of the noisy components and of the others. As the method is of order 1,
 * this estimates the error of the finer solution, which is the result. Steps are made
 * smaller, along the same path, until both errors are within the tolerance or the limit
 * is reached. What is reached is reported. The tolerance is for a unit of time: a path
 * that is solved in parts has no larger error, as long as errors add up, than in one.
 *
 * A state's Brownian path is a function of the key and its cell's number alone, and no
 * state depends on which others it is solved with. */
#ifndef VGFM_SDE_H
#define VGFM_SDE_H

#include "field/brownian.h"

/* dx (n, dim) = the drift of states x (n, dim) at times t (n). The steps to be taken from
 * there, h (n), are negative backwards, where an SDE has another drift. */
typedef void (*sde_drift)(double *dx, const double *x, const double *t, const double *h,
                          size_t n, void *context);

typedef struct {
  size_t dim, noisy; /* components, and how many of them, the first, have noise */
  double sigma;
  sde_drift drift;
  void *context;
} sde_equation;

typedef struct {
  double *x;            /* (n, dim) at times `from`; where they arrive, at time `to` */
  double *error;        /* (n, 2) reached: noisy components, other components */
  const double *from;   /* (n) */
  const uint32_t *cell; /* (n) numbers of the cells: the same number, the same noise */
  size_t n;
  double to;            /* in either direction */
} sde_states;

typedef struct {
  double tolerance;     /* of both errors, per unit of time */
  double largest_step;  /* of the coarser solution */
  int deepest;          /* the finer solution has at most 2^deepest steps */
} sde_options;

#define SDE_DEFAULTS ((sde_options){1e-2, 0.125, 12})

/* States under way. Those whose steps are of one level go together: `active` of them,
 * packed, first their coarser and then their finer solutions. */
typedef struct {
  double *x, *drift;            /* (2 active, dim) */
  double *t, *h;                /* (2 active) */
  double *worst;                /* (active, 2) errors so far */
  size_t *home;                 /* (active) index among the states */
  uint32_t *cell;               /* (active) */
  signed char *level;           /* (n) of the coarser solution; ARRIVED */
  brownian path;
  size_t active, step, evaluations;
  int status;                   /* of those that have arrived */
  const sde_equation *equation;
  const sde_options *options;
  sde_states states;
  rng_key key;
} sde_run;

/* Workspace in bytes for n states; 0 if that overflows. */
size_t sde_workspace(size_t n, const sde_equation *e, const sde_options *o);

/* The arguments, and what `states` points to, must outlive the run. */
int sde_begin(sde_run *run, const sde_states *states, rng_key key, const sde_equation *e,
              const sde_options *o, void *workspace, size_t workspace_bytes);

/* Steps of states under way, until about so many evaluations of the drift of one state
 * are spent or all have arrived (run->active is 0). A state that leaves the numbers even
 * with the smallest step makes run->status STATUS_NOT_FINITE. What is reached does not
 * depend on where a run is cut. */
void sde_continue(sde_run *run, size_t evaluations);

#endif
