/* One row of training from a pair of cells and a place on its path. */
#ifndef VGFM_FILL_H
#define VGFM_FILL_H

#include "path/draw.h"

/* Fills row `at`, which may be wide, see pairs_source(). noise (d): standard normals; NULL
 * where neither p->sigma nor p->wide is there. A pair that no path joins weighs
 * nothing. */
void fill_row(const rows *out, size_t at, const pairs *p, const drawn_pair *drawn,
              int wide, const float *noise);

#endif
