/* Semi-relaxed entropic optimal transport between a source cloud x (n, d) and a target
 * cloud y (m, d): the plan P (n, m) that minimises
 *
 *   <C, P> + epsilon sum P (log P - 1) + tau sum (r log(r / a) - r + a),  r = P 1,
 *   subject to P' 1 = b,  C squared Euclidean.
 *
 * The target potential g is eliminated (it makes every column sum exactly b_j), which
 * leaves a smooth concave function of the source potential f (the semi-dual of Cuturi
 * and Peyre 2018, SIAM Review 60, with a relaxed marginal as in Chizat et al. 2018,
 * Math. Comp. 87):
 *
 *   P_ij = b_j softmax_i((f_i - C_ij) / epsilon),  gradient a e^(-f / tau) - P 1.
 *
 * It is maximised by Newton's method along a falling sequence of epsilons. Everything
 * is double, except the copy of P in the Newton matrix, which only steers. The result
 * does not depend on the number of threads. */
#ifndef VGFM_UOT_H
#define VGFM_UOT_H

#include "transport/plan.h"
#include "base/status.h"

typedef struct {
  size_t n, m, d;
  const double *x;   /* (n, d) source points, row-major */
  const double *y;   /* (m, d) target points, row-major */
  const double *a;   /* (n) > 0 source marginal, approached */
  const double *b;   /* (m) > 0 target marginal, exact */
  double epsilon, tau;
} uot_problem;

typedef struct {
  double tolerance;   /* on the residual, see uot_result */
  int max_steps;      /* passes over all n * m entries, about */
  int threads;
  double threshold;   /* the plan handed back leaves out p_ij / b_j below this ... */
  size_t capacity;    /* ... or below a larger one, to fit in this many entries (8 bytes
                       * each); the Newton matrix fits in them by sampling targets */
  size_t entries;     /* of the plan handed back, at most; 0: the capacity */
  size_t memory;      /* bytes of costs that may be kept when d > COST_CACHE_FEATURES */
  int (*interrupted)(void *); /* polled on the calling thread; NULL: never */
  void *interrupted_data;
} uot_options;

typedef struct {
  double transport_cost; /* <C, P> */
  double objective;      /* primal, as above */
  double gap;            /* primal minus dual: an upper bound of the error */
  double residual;       /* max_i |r_i - a_i e^(-f_i / tau)| / mean r */
  double threshold;      /* effective: the largest used in any part of the plan */
  double lost;           /* largest probability left out of any column of the plan, to
                          * the rounding of float32 sums */
  size_t entries;        /* of the plan */
  size_t system_entries; /* of the last Newton matrix */
  int levels, passes, newton_steps, cg_steps;
} uot_result;

uot_options uot_defaults(void);

/* Bytes of workspace; 0 when sizes overflow or are zero. */
size_t uot_workspace(const uot_problem *problem, const uot_options *options);

/* f (n), g (m) potentials, P_ij = e^((f_i + g_j - C_ij) / epsilon); r (n) row sums of P.
 * `sparse` (NULL: not wanted) points into the workspace afterwards. STATUS_NOT_CONVERGED
 * hands back the last, best state: max_steps were spent, or rounding stopped it, which
 * happens above 1e-9 when costs reach 1e8 epsilon. After STATUS_INTERRUPTED and other
 * errors the outputs are undefined. */
int uot_solve(double *f, double *g, double *r, plan *sparse, uot_result *result,
              const uot_problem *problem, const uot_options *options,
              void *workspace, size_t bytes);

#endif
