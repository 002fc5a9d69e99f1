/* The pairs of cells of some rows of a step, and where on their paths the rows are. */
#ifndef VGFM_DRAW_H
#define VGFM_DRAW_H

#include "path/pairs.h"

/* Cells `source` and `target` of the two snapshots around an interval; target -1: the
 * source has no partner, and stays where it is. */
typedef struct {
  size_t interval, source;
  int32_t target;
  double s; /* part of the interval that has passed, in [0, 1) */
} drawn_pair;

/* The places of both cells among all; without a partner, twice that of the source. */
typedef struct { size_t from, to; } drawn_ends;
drawn_ends ends_of(const pairs *p, const drawn_pair *drawn);

/* The time of a row, in the units of p->times. */
double drawn_time(const pairs *p, const drawn_pair *drawn);

#define DRAWN_ROWS ((size_t)64) /* rows whose pairs are drawn together, at most */

/* out (count), rows first ... first + count - 1 of a step; see pairs_source(). */
void draw_pairs(drawn_pair *out, const pairs *p, rng_key key, uint64_t step,
                size_t first, size_t count);

#endif
