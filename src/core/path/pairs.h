/* From couplings to training rows (time, position, velocity, growth, weight).
 *
 * This is the seam between what is learned and how: a method decides which cells are
 * paired (the plans), how a pair is joined (straight lines, or curves without kinks, in
 * the direction of time) and what is to be regressed; match.h sees rows only. */
#ifndef VGFM_PAIRS_H
#define VGFM_PAIRS_H

#include "transport/plan.h"
#include "base/rng.h"

/* K + 1 snapshots and the K plans between neighbours. */
typedef struct {
  size_t d, intervals;
  const float *cells;         /* (cells of all snapshots, d), snapshot after snapshot */
  const size_t *offset;       /* (intervals + 1) row of each snapshot's first cell */
  const double *times;        /* (intervals + 1) */
  const plan *plans;          /* (intervals) accumulated; all targets of equal mass */
  const plan *rows;           /* (intervals) the same by source, of plan_transpose() */
  const double *gain_source; /* (cells of all sources) log of the plan's row sum */
  const double *log_growth;   /* (cells of all sources) what growth is to make of it */
  const double *growth;       /* (intervals) mean of the row sums */
  const double *trust;        /* (intervals) factor of the weight of growth */
  const float *slope_jump;          /* (cells, d) of hermite.h; NULL: straight lines */
  const float *lean;          /* (cells) of hermite.h; NULL: straight lines */
  double bend, pooling;       /* in [0, 1], see hermite.h */
  double noise;               /* standard deviation added to positions */
  double wide;                /* the same in a few rows that weigh little */
  double velocity_scale, growth_offset, growth_scale; /* targets are standardised so */
} pairs;

typedef struct {
  float *input;    /* (rows, d + 1) position, then time */
  float *velocity; /* (rows, pad(d)) along the path / velocity_scale, zero padding */
  float *growth;   /* (rows) (log_growth / dt - growth_offset) / growth_scale */
  float *weight;   /* (rows) r^s over the density that the pair was drawn with */
  float *growth_weight; /* (rows) the same times the interval's trust */
  float *noise;    /* scratch: pairs_noise(d) */
} rows;

/* Floats of scratch for noise. */
size_t pairs_noise(size_t d);

/* Rows first ... first + count - 1 of the batch of one step, a function of (key, step,
 * row) alone. Row r belongs to interval r % intervals; a pair is drawn from its plan and
 * a time s ~ U(0, 1) on the path, evenly spread over the rows of a step.
 *
 * Half of the rows draw a target, all alike, and one of its sources; the other half draw
 * a source, all alike, and one of its targets. Source i comes up in proportion to
 * (growth + r_i) / 2, so that cells with hardly a descendant are taught too, and a row
 * weighs r^s over that: at most 2 for r >= 1, 2 / growth else. A source without
 * entries in `rows` stays where it is.
 *
 * One row in eight is wide: it teaches, with little weight, that cells beside the data
 * do what the nearest ones do. Without it a network goes on linearly there, and cells
 * that leave the cloud fly off. */
void pairs_draw(rows *rows, const pairs *b, rng_key key, uint64_t step,
                 size_t first, size_t count);

#endif
