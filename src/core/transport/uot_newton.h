/* The Newton system of uot.h, on the sparse plan, by conjugate gradients. */
#ifndef VGFM_UOT_NEWTON_H
#define VGFM_UOT_NEWTON_H

#include "transport/uot_pass.h"

typedef struct {
  double *scale;       /* (n) d below */
  double *diagonal;    /* (n) of the matrix without its product */
  double *jacobi;      /* (n) the true diagonal, inverted */
  double passed;       /* kappa */
  double *weight;      /* (m) of a column in the product; 0: not stored */
  double *residual, *direction, *image, *scaled; /* (n) of conjugate gradients */
} uot_newton;

void uot_newton_layout(arena *space, uot_newton *newton, size_t n, size_t m);

/* Build the matrix from the sparse plan of the last pass, times epsilon: instead of
 *   diag(w) epsilon / tau_source + diag(r) - kappa K,  K = P diag(1/q) P',
 *   w = a e^(-f / tau_source),  kappa as in uot.h,
 * with D K~ D for K, where K~ is made of the stored entries and the diagonal matrix D
 * restores the row sums r (K 1 = r). It stays positive definite, but for constants where
 * both marginals are kept: there the gradient has none. `ridge` is added to
 * epsilon / tau_source. */
void uot_newton_prepare(uot_newton *newton, uot_passes *passes, const double *w,
                        const double *r, double epsilon, double ridge);

/* step (n) = matrix^-1 epsilon * gradient, to `forcing` relative to the right-hand side
 * in the norm of the preconditioner. Adds the iterations to *iterations. */
int uot_newton_solve(double *step, int *iterations, uot_newton *newton,
                     uot_passes *passes, const double *gradient, double epsilon,
                     double forcing);

#endif
