/* Which cells of a snapshot belong to which of the next: one problem and one record for
 * every kind of coupling.
 *
 *   exact          epsilon 0, both marginals kept, squared distances: emd.h
 *   its minibatch  the mean of exact plans between `minibatch` cells of either side
 *   all others     epsilon > 0: uot.h, in blocks where `split` says so
 *
 * A pair (i, j) is drawn target first, in proportion to b, and then by its column. Mass
 * changes between its ends by the factor e^q, q = gain_source[i] + gain_target[j]:
 * log(r_i / a_i) and log(b_j / q_j) of uot.h. Either is NULL where that marginal is kept,
 * and both together are what the unbalanced problems prescribe: (r_i / a_i) (b_j / q_j)
 * is the mass at the end over that at the start of a geodesic of Wasserstein-Fisher-Rao
 * type.
 *
 * Exact plans are never dealt into blocks: they need memory for n + m cells, not for
 * n * m, and a block forces balance on a sample. What grows is time.
 *
 * A minibatch is a uniform draw of cells, as in conditional flow matching (Tong et al.
 * 2024, TMLR); draws go through the cells in a random order, again and again, so that
 * each comes up as often as any other, COUPLING_TURNS times at least. Targets keep b. Row
 * sums are a only up to the noise of so many draws; the plan is not the optimal one, as
 * every batch is forced to balance on its own. */
#ifndef VGFM_COUPLING_H
#define VGFM_COUPLING_H

#include "transport/uot_blocks.h"

#define COUPLING_TURNS ((size_t)8)

/* Of uot.h; epsilon may be 0. */
typedef uot_problem coupling_problem;

typedef struct {
  uot_options solver; /* its threads and interrupt hold for every kind */
  uot_split split;    /* blocks of uot; key and stream also of minibatches */
  size_t minibatch;   /* of exact couplings; 0: all cells at once */
  double least;       /* share of its mass that a cell without a partner is taken to keep,
                       * in (0, 1]: its gain is log(least), a target's -log(least) */
  int want_plan;
} coupling_options;

/* Arrays stand in the workspace. */
typedef struct {
  plan pairs;          /* by target, if wanted: p_ij / q_j */
  double *f, *g;       /* (n), (m) potentials; NULL for minibatches */
  double *row, *column; /* (n), (m) sums of the plan */
  double *ends;        /* (n) mass at the end of the pairs of a source, see uot.h: over
                        * a_i, the descendants of a cell */
  double *gain_source, *gain_target; /* (n), (m) or NULL */
  uot_result result;   /* of exact plans: costs, gap, residual of the rows, entries */
  double square;       /* mean squared length of pairs as they are drawn; NAN without */
  size_t batches;
} coupling;

coupling_options coupling_defaults(void);

/* Bytes of workspace; 0 when sizes overflow, are zero, or more blocks than cells. */
size_t coupling_workspace(const coupling_problem *problem,
                          const coupling_options *options);

/* As uot_solve() and emd_solve(); without convergence only the former leaves a plan. */
int coupling_solve(coupling *out, const coupling_problem *problem,
                   const coupling_options *options, void *workspace, size_t bytes);

#endif
