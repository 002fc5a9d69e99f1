/* How velocity and growth change with the place: derivatives with respect to x. */
#ifndef VGFM_GRADIENT_H
#define VGFM_GRADIENT_H

#include "field/field.h"

/* Workspace in bytes for up to `threads` threads; 0 if it overflows. */
size_t field_gradient_workspace(const field *f, int threads);

/* gradient (n, d): of seed . (v, g), with respect to x, at cells x (n, d) and times
 * t (n). `seed` (d + 1) picks what is differentiated: its last number belongs to the
 * growth rate, if there is one, those before it to the velocity. STATUS_NOT_FINITE if one
 * is no number. */
int field_gradient(double *gradient, const double *seed, const double *x,
                   const double *t, size_t n, const field *f, int threads,
                   void *workspace, size_t workspace_bytes);

#endif
