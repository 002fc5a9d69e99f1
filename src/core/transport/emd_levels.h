/* A transport problem at several resolutions: the potentials of a coarse one start the
 * next finer (multiscale solvers: Merigot 2011, Computer Graphics Forum 30; Schmitzer
 * 2016, J. Math. Imaging Vis. 56). */
#ifndef VGFM_EMD_LEVELS_H
#define VGFM_EMD_LEVELS_H

#include "base/arena.h"

enum {
  EMD_GROUP = 4,        /* points that become one on the next coarser level */
  EMD_COARSEST = 32,    /* clouds are not made smaller than this */
  EMD_LEVELS = 24
};

#define EMD_WHOLE (INT64_C(1) << 60) /* the total of weights that are rounded */

typedef struct {
  size_t n, m;
  double *x;            /* (n, d) */
  double *y;            /* (m, d) */
  int64_t *unit;        /* (n + m) integer weights, sources first */
} emd_level;

/* Room for a problem of at most n and m points and all that are coarser. */
void emd_levels_layout(arena *a, emd_level level[EMD_LEVELS], size_t n, size_t m,
                       size_t d);

/* Fill level[1 ...] from level[0]; returns the number of levels. */
size_t emd_levels_fill(emd_level level[EMD_LEVELS], size_t d);

/* Integer weights proportional to a and b, of equal total, which is returned. Exact when
 * each cloud's weights are small multiples of its least one, as uniform weights are;
 * otherwise to 2^-60 of the total. Zero stays zero and nothing else becomes it. */
int64_t emd_integer_weights(int64_t *source, int64_t *target, const double *a,
                            const double *b, size_t n, size_t m);

#endif
