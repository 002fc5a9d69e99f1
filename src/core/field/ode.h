/* Initial-value problems for many independent states at once.
 *
 * Every state has its own time and its own step, so a state's path does not depend on
 * which others it is integrated with. */
#ifndef VGFM_ODE_H
#define VGFM_ODE_H

#include "base/arena.h"

/* dx (n, dim) = the right-hand side at states x (n, dim) and times t (n). */
typedef void (*ode_field)(double *dx, const double *x, const double *t, size_t n,
                          void *context);

typedef struct {
  double relative, absolute; /* tolerance of a step: root mean square over dim of
                                error / (absolute + relative * |x|) at most 1 */
  size_t max_steps;          /* per state and call, rejected ones included */
  int (*interrupted)(void *); /* polled on the calling thread; NULL: never */
  void *interrupted_data;
} ode_options;

#define ODE_DEFAULTS ((ode_options){1e-5, 1e-6, 10000, NULL, NULL})

/* Workspace in bytes for n states; 0 if that overflows. */
size_t ode_workspace(size_t n, size_t dim);

/* x (n, dim) from times `from` (n) to time `to` (in either direction) by the adaptive
 * 5(4) pair of Dormand and Prince (1980). STATUS_NOT_CONVERGED if a state ran out of
 * steps, STATUS_NOT_FINITE if one left the numbers; x is then where the states had come
 * to. `evaluations`, if not NULL, gains the number of single right-hand sides. */
int ode_dopri5(double *x, const double *from, double to, size_t n, size_t dim,
               ode_field field, void *context, const ode_options *options,
               void *workspace, size_t workspace_bytes, size_t *evaluations);

#define ODE_STAGES 6 /* right-hand sides in a step of ode_dopri5() */

/* The same in parts, for a caller who does something else in between: states under way.
 * They stand packed at the front of every array; `home` is where a state belongs in the
 * caller's x, which is written when it arrives. */
typedef struct {
  double *x, *trial;           /* (active, dim) */
  double *k[7];                /* (active, dim) stages */
  double *t, *h, *stage_time;  /* (active) */
  size_t *home, *steps;        /* (active) */
  size_t active, dim, evaluations;
  double *out;                 /* (n, dim) */
  double to;
  ode_field field;
  void *context;
  const ode_options *options;
  int status;                  /* of those that have come to an end */
} ode_run;

/* Arguments as of ode_dopri5(), which must outlive the run. */
int ode_begin(ode_run *run, double *x, const double *from, double to, size_t n,
              size_t dim, ode_field field, void *context, const ode_options *options,
              void *workspace, size_t workspace_bytes);

/* Steps of all states under way (run->active), until about so many right-hand sides more
 * are spent. What is reached does not depend on where a run is cut. */
void ode_continue(ode_run *run, size_t evaluations);

/* The same by `steps` equal steps of the classical Runge-Kutta method of order 4. */
int ode_rk4(double *x, double from, double to, size_t steps, size_t n, size_t dim,
            ode_field field, void *context, void *workspace, size_t workspace_bytes);

#endif
