/* Paths between the two cells of a pair: a table of small functions, found by name.
 *
 * On every path, place and velocity at a time are linear in a few vectors:
 *   place    = x0 + sum of place[v] * vector v,
 *   velocity =      sum of velocity[v] * vector v,
 * with coefficients that depend on scalars alone. So a path is a function from scalars
 * (path_in) to coefficients (path_out), and one kernel, `combine`, makes the row. The
 * first vector is x1 - x0, which leaves the origin out of the matter. */
#ifndef VGFM_PATH_H
#define VGFM_PATH_H

/* The vectors, in the order in which `combine` adds them. */
enum {
  FROM_STEP,   /* x1 - x0 */
  FROM_NOISE,  /* standard normals */
  FROM_SLOPE0, /* change of the mean velocity at x0, and at x1: see hermite.h */
  FROM_SLOPE1,
  FROM_LEARNED,      /* what a network says of the pair and the time: see interpolant.h */
  FROM_LEARNED_RATE, /* its derivative by time */
  PATH_VECTORS
};

typedef struct {
  double s, gap;        /* part of the gap that has passed, in [0, 1]; its length > 0 */
  double gain;          /* log of the pair's mass at x1 over that at x0 */
  double distance;      /* |x1 - x0|; read by paths with reads_distance */
  double sigma;         /* noise: what it is, the path says */
  double delta;         /* length scale of the cone */
  double leave, arrive; /* factors of the two changes of velocity */
  double learned;       /* unit of the learned vector; 0 leaves it out */
  int first, last;      /* the gap is the first, or the last, of the course */
} path_in;

typedef struct {
  double place[PATH_VECTORS];
  double velocity[PATH_VECTORS];         /* per unit of time */
  double growth;                         /* d log mass / d time at s */
  double log_mass;                       /* log of the mass at s over that at x0 */
  double score;                          /* target of the score = score * noise */
  double velocity_weight, score_weight;  /* of their squared errors */
} path_out;

typedef struct {
  const char *name;
  int reads_slopes, reads_distance, reads_learned;
  int needs_sigma, needs_delta; /* has no meaning unless they are > 0 */
  int gives_score;
  int constant_rate;            /* mass grows at the same rate all along */
  /* 0 if no path joins these two cells; `out` is all zeros then. */
  int (*at)(path_out *out, const path_in *in);
} path;

/* straight  x0 + s (x1 - x0) + sigma e, at the velocity (x1 - x0) / gap; mass grows at a
 *           constant rate. sigma is the standard deviation of the place, or 0.
 * smooth    the same, bent so that the velocity does not jump at observed times.
 * brownian  Brownian bridge of diffusion sigma, and its score.
 * cone      geodesic of the Wasserstein-Fisher-Rao metric of length scale delta, between
 *           two cells with their masses, with noise as `straight`.
 * metric    `straight`, bent by a network that was trained to make it short under a
 *           metric: see interpolant.h and geodesic.h. */
extern const path path_straight, path_smooth, path_brownian, path_cone, path_metric;

/* The path of this name, or NULL. */
const path *path_find(const char *name);

#endif
