/* Initial-value problems for many independent states at once.
 *
 * Every state has its own time and its own step, so a state's path does not depend on
 * which others it is integrated with. */
#ifndef VGFM_ODE_H
#define VGFM_ODE_H

#include "arena.h"

/* dx (n, dim) = the right-hand side at states x (n, dim) and times t (n). */
typedef void (*ode_field)(double *dx, const double *x, const double *t, size_t n,
                          void *context);

typedef struct {
  double relative, absolute; /* tolerance of a step: root mean square over dim of
                                error / (absolute + relative * |x|) at most 1 */
  size_t max_steps;          /* per state and call, rejected ones included */
} ode_options;

#define ODE_DEFAULTS ((ode_options){1e-5, 1e-6, 10000})

/* Workspace in bytes for n states; 0 if that overflows. */
size_t ode_workspace(size_t n, size_t dim);

/* x (n, dim) from times `from` (n) to time `to` (in either direction) by the adaptive
 * 5(4) pair of Dormand and Prince (1980). STATUS_NOT_CONVERGED if a state ran out of
 * steps, STATUS_NOT_FINITE if one left the numbers; x is then where the states had come
 * to. `evaluations`, if not NULL, gains the number of single right-hand sides. */
int ode_dopri5(double *x, const double *from, double to, size_t n, size_t dim,
               ode_field field, void *context, const ode_options *options,
               void *workspace, size_t workspace_bytes, size_t *evaluations);

/* The same by `steps` equal steps of the classical Runge-Kutta method of order 4. */
int ode_rk4(double *x, double from, double to, size_t steps, size_t n, size_t dim,
            ode_field field, void *context, void *workspace, size_t workspace_bytes);

#endif
