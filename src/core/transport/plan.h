/* A transport plan P (n, m) with its small entries left out, column by column, and pairs
 * drawn from it.
 *
 * A column holds the conditional probabilities p_ij / b_j of its sources. For drawing
 * they are replaced by their running sums. The law of a drawn source differs from P, in
 * total variation, by what was left out of its column (at most n times the threshold;
 * measured 2e-6 at 1e-8, 3781 x 5788 cells) and by the rounding of float32 running sums
 * (at most 6e-8 for each entry of the column). */
#ifndef VGFM_PLAN_H
#define VGFM_PLAN_H

#include "base/arena.h"
#include "transport/cost.h"

typedef struct {
  size_t n, m;
  size_t *start;     /* (m) place of a column's first entry */
  size_t *count;     /* (m) its entries; 0 for a target without a partner, and in a plan
                      * of plan_transpose() */
  int32_t *source;   /* row of an entry, increasing within a column */
  float *value;      /* p_ij / b_j, or running sums of it after plan_accumulate() */
} plan;

/* Entries in all columns. */
size_t plan_entries(const plan *p);

/* Copy the entries, column after column, into arrays of plan_entries() each; `packed`
 * needs its four pointers set. */
void plan_pack(plan *packed, const plan *p);

/* Turn probabilities into running sums, each column ending at 1. Once only. */
void plan_accumulate(plan *p);

/* The same plan source by source: column i of `rows` has the targets of source i, with
 * running sums. For an accumulated plan with target masses b (m), or NULL where they are
 * all the same: 1. Sources that have less than `least` of that have no entries. `rows`
 * needs its four pointers set: start and count for p->n, source and value for
 * plan_entries(p). */
void plan_transpose(plan *rows, const plan *p, const double *b, double least);

/* Running sums of the target marginal b (m), ending at 1. Targets without entries in `p`
 * count for nothing. Returns 1 if they are those of targets that are all alike, and so
 * not needed for drawing. */
int plan_target_sums(double *sums, const double *b, const plan *p);

/* Draw `count` pairs from two independent uniforms in [0, 1) each: uniforms (count, 2)
 * chooses the target by `sums` (m; NULL when b is constant), then the source: -1 where a
 * column has no entries. */
void plan_draw(int32_t *source, int32_t *target, const double *uniforms, size_t count,
               const plan *accumulated, const double *sums);

/* The exact column P[, j] (n), in double, from the two potentials. */
void plan_column(double *out, const cost_columns *cost, const double *f, const double *g,
                 double epsilon, size_t j);

#endif
