/* The density of a snapshot: the mean of Gaussians around its cells. */
#ifndef VGFM_KDE_H
#define VGFM_KDE_H

#include <stddef.h>

typedef struct {
  size_t n, d;
  const double *cells; /* (d, n), a row per feature */
  double bandwidth;    /* standard deviation in each feature */
} kde;

/* Log density at x (d), and its gradient there (d; NULL to skip). Scratch is (n). Far
 * from all cells it is that of the nearest one: nothing underflows. */
double kde_log(double *gradient, const kde *k, const double *x, double *scratch);

#endif
