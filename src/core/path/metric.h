/* A metric of the space of cells, small where cells are: paths that are short under it
 * pass through the cells. It is diagonal, M_c(x) for feature c, from a few cells or
 * centres of cells (Kapusniak et al. 2024, Metric flow matching).
 *
 * LAND  M_c = (scale sum_n w_n (x_nc - x_c)^2 + floor)^-alpha,
 *       w_n = exp(-rate |x - x_n|^2 / 2)
 *       (locally adaptive normal distribution, Arvanitidis et al. 2016).
 * RBF   M_c = (sum_n weight_n exp(-rate_n |x - x_n|^2 / 2) + floor)^-alpha for all c
 *       (radial basis functions, Arvanitidis et al. 2021).
 *
 * `scale` is the caller's: with 1 over the number of cells, or over what the sum is at a
 * cell on average, the metric does not depend on how many cells there are. */
#ifndef VGFM_METRIC_H
#define VGFM_METRIC_H

#include <stddef.h>

typedef enum { METRIC_LAND, METRIC_RBF, METRIC_KINDS } metric_kind;

typedef struct {
  metric_kind kind;
  size_t d, n;          /* features; points */
  const double *point;  /* (d, n), a row per feature */
  const double *square; /* (d, n) the squares of these; LAND alone */
  const double *rate;   /* LAND (1), RBF (n): 1 over a variance, > 0 */
  const double *weight; /* RBF (n), at least 0 */
  double scale;         /* LAND, > 0 */
  double floor, alpha;  /* > 0; at least 0 */
} metric;

/* STATUS_OK, or why this is no metric. */
int metric_check(const metric *m);

/* Doubles of scratch. */
size_t metric_scratch(const metric *m);

/* Returns sum_c M_c(x) u_c^2 for a place x (d) and a velocity u (d). Unless NULL, its
 * derivatives by the place go to dx (d) and those by the velocity to du (d). */
double metric_energy(double *dx, double *du, const metric *m, const double *x,
                     const double *u, double *scratch);

#endif
