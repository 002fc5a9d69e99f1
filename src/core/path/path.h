/* Paths between two cells, in one table.
 *
 * Place and velocity on every path are linear in a few vectors: the two cells, a normal
 * draw, the two slope jumps of hermite.h. So a path is a function from scalars to the
 * coefficients of these vectors, and the kernel `combine` makes the row. */
#ifndef VGFM_PATH_H
#define VGFM_PATH_H

#include "kernels/kernels.h"

/* The vectors, (d) each, in the order in which their terms are added. */
enum {
  FROM_X0,     /* the cell where the path begins */
  FROM_X1,     /* the cell where it ends */
  FROM_NOISE,  /* d standard normals, the same for place, velocity and score */
  FROM_SLOPE0, /* slope jump at x0, of hermite.h */
  FROM_SLOPE1, /* slope jump at x1 */
  PATH_VECTORS
};
_Static_assert(PATH_VECTORS <= COMBINE_MOST, "the kernel takes so many vectors");

/* What a path may depend on. Each reads only what its comment in path.c names. */
typedef struct {
  double s;              /* where on the path, in [0, 1] */
  double gap;            /* time from x0 to x1, > 0 */
  double gain;           /* log of the mass at x1 over the mass at x0 */
  double distance;       /* |x1 - x0| */
  double sigma;          /* standard deviation of the noise; brownian: per square root
                            of time, > 0 */
  double delta;          /* length that mass travels at the cost of growing, > 0 */
  double leave, arrive;  /* factors of the slope jumps at x0 and x1 */
  int at_first, at_last; /* no snapshot before x0, after x1 */
} path_in;

/* Coefficients of the vectors. The target of the score head is `score` times the noise;
 * the head is S = (sigma^2 / 2) grad log p. */
typedef struct {
  double place[PATH_VECTORS];
  double velocity[PATH_VECTORS]; /* per unit of time: d place / d s / gap */
  double growth;                 /* rate per unit of time: d log_mass / d s / gap */
  double log_mass;               /* log of the mass at s over the mass at x0 */
  double velocity_weight;        /* factor of the row's weight for velocity */
  double score, score_weight;    /* the same for the score; 0 if there is none */
} path_out;

typedef struct {
  const char *name;
  unsigned reads;     /* bits 1 << FROM_...: vectors that may have a coefficient */
  int reads_distance; /* whether in->distance is to be filled */
  int gives_score;
  double margin;      /* s is to be drawn from [margin, 1 - margin] */
  /* 1, or 0 if no path joins the two cells: then `out` is not filled, and the row is to
   * weigh nothing. */
  int (*at)(path_out *out, const path_in *in);
} path;

/* The path of this name: "straight", "smooth", "brownian", "cone"; NULL for any other. */
const path *path_find(const char *name);

#endif
