/* One pass over all n * m entries of the plan of uot.h, and what it leaves behind. */
#ifndef VGFM_UOT_PASS_H
#define VGFM_UOT_PASS_H

#include "transport/uot.h"

/* Columns are dealt out to this many groups, column j to group j mod UOT_GROUPS. Sums
 * are formed group by group, then over groups: the same bits for any thread count. */
#define UOT_GROUPS ((size_t)16)

/* What a pass stores of the plan, and what gives when it does not fit. */
typedef enum {
  UOT_COLLECT_NONE,
  UOT_COLLECT_PLAN,   /* every column; the threshold rises */
  UOT_COLLECT_SAMPLE  /* every s-th column of a group, entries and all. Columns do not
                        * fit when targets have many sources each, and then a sample of
                        * targets makes nearly the same Newton matrix; leaving out more
                        * entries does not (measured: 5 % of the entries converge in 19
                        * steps as a sample, not in 500 as the largest) */
} uot_collect;

typedef struct {
  double dual;        /* sum b_j g_j over its columns */
  double mass;        /* sum q_j */
  double cost;        /* <C, P> over its columns, when asked for */
  double threshold;   /* in force for its part of the sparse plan */
  double lost;        /* largest probability left out of a stored column */
  double inflation;   /* sum q of its columns over that of the stored ones */
  size_t stride;      /* columns 0, stride, 2 stride, ... of the group are stored */
  size_t used;        /* entries stored */
} uot_group;

typedef struct {
  const uot_problem *problem;
  const uot_options *options;
  cost_columns cost;
  size_t segment;     /* entries of the sparse plan each group has room for */
  size_t limit;       /* entries it may hold in this pass */
  uot_group *group;  /* (UOT_GROUPS) */
  double *sums;       /* (UOT_GROUPS, n) row sums of each group */
  double *columns;    /* (threads, 2, n) costs and softmax of one column */
  int32_t *index;     /* (threads, n) entries of one column */
  float *value;       /* (threads, n) */
  plan sparse;        /* p_ij / q_j of the last pass that collected any; count 0 is a
                       * column that was not stored */
  double *kept;       /* (m) sums of its columns */
  double *column;     /* (m) q_j of the last pass */
  unsigned char *near_source, *near_target; /* (n), (m) whether there is a partner */
  size_t sources, targets; /* that have one */
  double log_unit;    /* of uot.h */
} uot_passes;

void uot_pass_layout(arena *space, uot_passes *passes, const uot_problem *problem,
                     const uot_options *options);

/* Lay out the costs, and see who is in reach of whom. STATUS_OK or STATUS_INTERRUPTED. */
int uot_pass_prepare(uot_passes *passes);

typedef struct {
  double epsilon;
  double shift;       /* added to f, if tau_target is finite */
  uot_collect collect;
  double threshold;   /* p_ij / q_j not above it are left out */
  size_t entries;     /* stored at most, if less than the capacity */
  int want_cost;
  int ends;           /* row sums of b_j P_ij / q_j instead of P_ij */
} uot_pass_options;

/* From f (n): g (m), q, row sums r (n), sum b g, and <C, P> if wanted (`cost` may be NULL
 * otherwise). STATUS_OK, STATUS_INTERRUPTED, or, with tau_target infinite,
 * STATUS_NOT_FINITE. */
int uot_pass(double *g, double *r, double *dual, double *cost, uot_passes *passes,
             const double *f, const uot_pass_options *how);

/* out[i] = sum over groups of passes->sums, in their order. */
void uot_add_groups(double *out, const uot_passes *passes);

#endif
