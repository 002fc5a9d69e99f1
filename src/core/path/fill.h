/* One row of training from a pair of cells and a place on its path. */
#ifndef VGFM_FILL_H
#define VGFM_FILL_H

#include "path/draw.h"

/* Vectors of a row that are made for it, (d) each; NULL where its path reads none. */
typedef struct {
  const float *noise;                  /* standard normals */
  const float *learned, *learned_rate; /* of interpolant.h, in its unit */
} row_vectors;

/* The path of a drawn pair where the row is. Returns what the row weighs: mass of the
 * pair, relative to its end, over the density that it is drawn with; 0 if no path joins
 * the two. */
double row_path(path_out *out, const pairs *p, const drawn_pair *drawn);

/* Fills row `at`, which may be wide, see pairs_source(). A pair that no path joins weighs
 * nothing. */
void fill_row(const rows *out, size_t at, const pairs *p, const drawn_pair *drawn,
              int wide, const row_vectors *own);

#endif
