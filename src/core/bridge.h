/* From couplings to training rows (time, position, velocity, growth, weight).
 *
 * This is the seam between what is learned and how: a method decides which cells are
 * paired (the plans), how a pair is joined (straight lines, or curves without kinks, in
 * the direction of time) and what is to be regressed; match.h sees rows only. */
#ifndef VGFM_BRIDGE_H
#define VGFM_BRIDGE_H

#include "plan.h"
#include "rng.h"

/* K + 1 snapshots and the K plans between neighbours. */
typedef struct {
  size_t d, intervals;
  const float *cells;         /* (cells of all snapshots, d), snapshot after snapshot */
  const size_t *offset;       /* (intervals + 1) row of each snapshot's first cell */
  const double *times;        /* (intervals + 1) */
  const plan *plans;          /* (intervals) accumulated; all targets of equal mass */
  const double *log_children; /* (cells of all sources) log of the plan's row sum */
  const float *turn;          /* (cells, d) of bend.h; NULL: straight lines */
  double noise;               /* standard deviation added to positions */
  double velocity_scale, growth_offset, growth_scale; /* targets are standardised so */
} bridge;

typedef struct {
  float *input;    /* (rows, d + 1) position, then time */
  float *velocity; /* (rows, pad(d)) along the path / velocity_scale, zero padding */
  float *growth;   /* (rows) (log r / dt - growth_offset) / growth_scale */
  float *weight;   /* (rows) r^(s - 1): the mass along the path over that at its end */
  float *noise;    /* scratch: bridge_noise(d) */
} bridge_rows;

/* Floats of scratch for noise. */
size_t bridge_noise(size_t d);

/* Rows first ... first + count - 1 of the batch of one step, a function of (key, step,
 * row) alone. Row r belongs to interval r % intervals; a pair is drawn from its plan and
 * a time s ~ U(0, 1) on the path, evenly spread over the rows of a step. */
void bridge_draw(bridge_rows *rows, const bridge *b, rng_key key, uint64_t step,
                 size_t first, size_t count);

#endif
