/* Entropic optimal transport between a source cloud x (n, d) and a target cloud y (m, d),
 * with marginals kept or relaxed: the plan P (n, m) that minimises
 *
 *   <C, P> + epsilon sum P (log(P / unit) - 1)
 *          + tau_source KL(r | a) + tau_target KL(q | b),
 *   r = P 1,  q = P' 1,  KL(r | a) = sum (r log(r / a) - r + a),
 *
 * C as in cost.h. An infinite tau stands for the constraint, r = a or q = b. Both
 * infinite is entropic transport, tau_target infinite the semi-relaxed one, and both
 * finite the unbalanced one. `unit` is 1 where tau_target is infinite, for then it
 * matters to nobody; else sqrt(sum a sum b) / (n m), so that masses in another unit give
 * the same plan in that unit.
 *
 * The target potential g is eliminated, which leaves a smooth concave function of the
 * source potential f (the semi-dual of Cuturi and Peyre 2018, SIAM Review 60, with
 * relaxed marginals as in Chizat et al. 2018, Math. Comp. 87). With S_j = sum_i e^((f_i -
 * C_ij) / epsilon) and kappa = tau_target / (tau_target + epsilon), 1 if that is
 * infinite,
 *
 *   g_j = kappa epsilon (log(b_j / unit) - log S_j),   q_j = b_j e^(-g_j / tau_target),
 *   P_ij = q_j softmax_i((f_i - C_ij) / epsilon),   gradient a e^(-f / tau_source) - r.
 *
 * It is maximised by Newton's method along a falling sequence of epsilons. Everything
 * is double, except the copy of P in the Newton matrix, which only steers. The result
 * does not depend on the number of threads.
 *
 * Wasserstein-Fisher-Rao transport is the limit epsilon -> 0 of a finite delta and
 * tau_source = tau_target = 4 delta^2; the squared distance WFR^2 is half the objective
 * then. At epsilon > 0 a plan is wider than that by about sqrt(epsilon) in length, and of
 * the log gains log(r / a), log(b / q) what is common to both sides cancels. (Measured,
 * 400 x 530 cells in 2 dimensions, delta 1.5: at epsilon = tau / 1000, log(r / a) is off
 * by 6e-4, of a spread of 0.08, the objective by 0.4 %, the mean square of the pairs by
 * 0.3 %; at tau / 100 by 3e-3, 0.1 % and 1.6 %.)
 *
 * With a finite delta, cells may have no partner in reach. Where their marginal is
 * relaxed they take no part: their sums are 0, and so are their potentials. They are
 * counted. Where it is to be kept, there is no plan: STATUS_NO_PARTNER. */
#ifndef VGFM_UOT_H
#define VGFM_UOT_H

#include "transport/plan.h"
#include "base/status.h"

typedef struct {
  size_t n, m, d;
  const double *x;   /* (n, d) source points, row-major */
  const double *y;   /* (m, d) target points, row-major */
  const double *a;   /* (n) > 0 source marginal */
  const double *b;   /* (m) > 0 target marginal, of the same total if both are kept */
  double epsilon;
  double tau_source, tau_target; /* INFINITY: kept exactly */
  double delta;      /* of the cost, see cost.h; INFINITY: squared distances */
} uot_problem;

typedef struct {
  double tolerance;   /* on the residual, see uot_result */
  int max_steps;      /* passes over all n * m entries, about */
  int threads;
  double threshold;   /* the plan handed back leaves out p_ij / q_j below this ... */
  size_t capacity;    /* ... or below a larger one, to fit in this many entries (8 bytes
                       * each); the Newton matrix fits in them by sampling targets */
  size_t entries;     /* of the plan handed back, at most; 0: the capacity */
  size_t memory;      /* bytes of costs that may be kept where they are dear */
  int (*interrupted)(void *); /* polled on the calling thread; NULL: never */
  void *interrupted_data;
} uot_options;

/* What is solved for; column and ends may be NULL. */
typedef struct {
  double *f, *g;      /* (n), (m) potentials: P_ij = e^((f_i + g_j - C_ij) / epsilon) */
  double *row;        /* (n) r */
  double *column;     /* (m) q */
  double *ends;       /* (n) sum_j b_j P_ij / q_j: the mass at the end of the pairs of a
                       * source, of which target j has b_j; r if tau_target is infinite */
} uot_solution;

typedef struct {
  double transport_cost; /* <C, P> */
  double objective;      /* primal, as above; of a source marginal that is to be kept, and
                          * is but for the residual, the dual */
  double gap;            /* primal minus dual: an upper bound of the error; there, what
                          * the residual is worth: |sum f (r - a)| */
  double residual;       /* max_i |r_i - a_i e^(-f_i / tau_source)| / mean r; all that is
                          * not exact but for rounding */
  double threshold;      /* effective: the largest used in any part of the plan */
  double lost;           /* largest probability left out of any column of the plan, to
                          * the rounding of float32 sums */
  size_t entries;        /* of the plan */
  size_t system_entries; /* of the last Newton matrix */
  size_t sources_alone, targets_alone; /* without a partner in reach */
  int levels, passes, newton_steps, cg_steps;
} uot_result;

uot_options uot_defaults(void);

/* Bytes of workspace; 0 when sizes overflow or are zero. */
size_t uot_workspace(const uot_problem *problem, const uot_options *options);

/* `sparse` (NULL: not wanted) points into the workspace afterwards; a target without a
 * partner has no entries. STATUS_NOT_CONVERGED hands back the last, best state: max_steps
 * were spent, or rounding stopped it, which happens above 1e-9 when costs reach 1e8
 * epsilon. After STATUS_INTERRUPTED and other errors the outputs are undefined. */
int uot_solve(const uot_solution *out, plan *sparse, uot_result *result,
              const uot_problem *problem, const uot_options *options, void *workspace,
              size_t bytes);

/* What a marginal of price tau passes on, tau / (tau + epsilon), and what it keeps. */
double uot_passed(double tau, double epsilon);
double uot_kept(double tau, double epsilon);

#endif
