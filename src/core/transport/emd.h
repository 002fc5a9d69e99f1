/* Exact optimal transport between two weighted point clouds: the plan P (n, m) that
 * minimises <C, P> subject to P 1 = a / sum(a), P' 1 = b / sum(b), P >= 0, where C is the
 * Euclidean distance or its square; and the dual potentials u, v that prove it optimal:
 * u_i + v_j <= C_ij everywhere, with equality where P_ij > 0.
 *
 * Network simplex with integer flows. The n x m costs are not stored: candidate arcs
 * are found by pricing all pairs on the fly, and a k-d coarsening of the clouds, solved
 * first, provides the start. The result does not depend on the number of threads. */
#ifndef VGFM_EMD_H
#define VGFM_EMD_H

#include "base/status.h"
#include <stddef.h>

typedef enum { EMD_EUCLIDEAN, EMD_SQEUCLIDEAN } emd_metric;

typedef struct {
  size_t n, m, d;
  const double *x;   /* (n, d) source points, row-major */
  const double *y;   /* (m, d) target points, row-major */
  const double *a;   /* (n) >= 0 source weights, of any total; NULL: uniform */
  const double *b;   /* (m) >= 0 target weights, of any total; NULL: uniform */
  emd_metric metric;
} emd_task;

typedef struct {
  int threads;
  size_t max_pivots;  /* on each level of the coarsening; 0: 1000 (n + m) */
  size_t memory;      /* bytes of costs (4 n m) that may be kept when d > 8 */
  /* Potentials of a similar problem (say, of the last step of an iteration), (n) and (m),
   * or NULL. Either is enough; the target's is used if there are both. The result is as
   * exact with any start. A start saves most of the work when only weights changed, or
   * points moved by less than their spacing; otherwise none does better. */
  const double *warm_potential_source, *warm_potential_target;
  int (*interrupted)(void *); /* polled on the calling thread; NULL: never */
  void *interrupted_data;
} emd_options;

typedef struct {
  size_t source, target;
  double flow;        /* > 0, part of a total of 1 */
} emd_arc;

typedef struct {
  double cost;        /* <C, P>, weights summing to 1; infinite if a square overflows */
  double distance;    /* the cost, or the root of that with squares, which neither over-
                       * nor underflows */
  double gap;         /* cost minus dual value, >= 0 to rounding: bounds the error */
  size_t arcs;        /* of the plan */
  size_t pivots;      /* on the finest level */
} emd_result;

emd_options emd_defaults(void);

/* Bytes of workspace; 0 when sizes are zero or too large. */
size_t emd_workspace(const emd_task *task, const emd_options *options);

/* potential_source (n), potential_target (m), plan (n + m - 1): each may be NULL. The
 * potentials are the gradient of the cost with respect to normalised weights, up to a
 * constant, which is set so that sum a u = sum b v. Points of zero weight get potentials
 * too (STATUS_NOT_FINITE if one lies too far for that); otherwise they change nothing.
 *
 * STATUS_PRECISION says that rounding has left no digit of the cost: it is less than
 * 2^-40 of what points far apart would cost, and may be twice too large.
 * STATUS_NOT_CONVERGED hands back a feasible plan and its cost, without potentials and
 * gap (NaN); after other errors the outputs are undefined. */
int emd_solve(double *potential_source, double *potential_target, emd_arc *plan,
              emd_result *result, const emd_task *task, const emd_options *options,
              void *workspace, size_t bytes);

#endif
