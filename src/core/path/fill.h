/* One row of training from a pair of cells and a place on its path. */
#ifndef VGFM_FILL_H
#define VGFM_FILL_H

#include "path/pairs.h"

/* Cells `source` and `target` of the two snapshots around an interval; target -1: the
 * source has no partner, and stays where it is. */
typedef struct {
  size_t interval, source;
  int32_t target;
  double s; /* part of the interval that has passed, in [0, 1) */
  int wide; /* see pairs_source() */
} drawn_pair;

/* Fills row `at`. noise (d): standard normals; NULL where neither p->sigma nor p->wide is
 * there. A pair that no path joins weighs nothing. */
void fill_row(const rows *out, size_t at, const pairs *p, const drawn_pair *drawn,
              const float *noise);

#endif
