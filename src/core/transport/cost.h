/* Costs between two clouds, a column (one target) at a time, in double: squared Euclidean
 * distances L^2, or those of the Wasserstein-Fisher-Rao geometry (Liero, Mielke and
 * Savare 2018, Invent. Math. 211; Chizat et al. 2018, Found. Comput. Math. 18),
 *
 *   -8 delta^2 log cos(L / (2 delta)) where L < pi delta, else COST_FAR.
 *
 * Scaled so, it tends to L^2 as delta grows, and prices of mass keep their unit.
 *
 * Source points are kept in panels that fit in the first-level cache, a row per feature,
 * so that the vector kernels read them side by side. Differences are squared directly:
 * |x|^2 + |y|^2 - 2 x.y would lose the digits of clouds far from the origin. With many
 * features a column costs more than reading it back, so all columns are computed once
 * and kept, if the caller grants the memory. */
#ifndef VGFM_COST_H
#define VGFM_COST_H

#include "base/arena.h"
#include "kernels/kernels.h"

#define COST_CACHE_FEATURES ((size_t)8) /* more than this: keep the columns */
/* Out of reach: exp(-COST_FAR / epsilon) is 0, and so is COST_FAR times that. */
#define COST_FAR 1e300

typedef struct {
  size_t n, m, d;
  double delta;      /* INFINITY: squared distances */
  size_t width;      /* points in a panel, a multiple of 8 */
  size_t panels;
  const double *y;   /* (m, d) targets */
  double *x;         /* (panels, d, width) sources, the last panel padded with zeros */
  double *cache;     /* (m, n), or NULL */
} cost_columns;

/* Carve the panels, and the cache when a cost is dear (d is large, or delta finite) and
 * m * n doubles fit in `memory`. */
void cost_layout(arena *space, cost_columns *cost, size_t n, size_t m, size_t d,
                 double delta, size_t memory);

/* Lay out x (n, d), remember y (m, d), fill the cache. */
void cost_prepare(cost_columns *cost, const double *x, const double *y, int threads);

/* The n costs of target j: in the cache, or computed into `buffer` (n). */
const double *cost_column(const cost_columns *cost, double *buffer, size_t j);

/* (furthest x from the centre of y + furthest y)^2, or the cost of that distance: no cost
 * within reach is larger. Infinite or NaN when a coordinate is not finite or a square
 * would overflow. `centre` is (d) scratch. */
double cost_bound(const double *x, const double *y, size_t n, size_t m, size_t d,
                  double delta, double *centre);

#endif
