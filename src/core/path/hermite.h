/* Paths that pass through a cell without a kink: where straight lines would change
 * direction at an observed time, the mean velocities before and after it are brought
 * together. Cubic Hermite curves, with the slopes of a parabola through three times (what
 * Catmull and Rom 1974 do for points in a row), and every pair keeping its own deviation
 * from the mean of its cell.
 *
 * At the first and the last time paths end without curvature.
 *
 * A slope is no longer than three times the slower of the two velocities, so that a path
 * that slows down does not overshoot: the bound of Fritsch and Carlson (1980) for curves
 * that stay monotone, here for lengths of vectors, whatever the axes.
 *
 * The change of velocity at a single cell is noisy. `pooling` draws it towards the mean
 * of its snapshot: 0 leaves the cell's own, 1 takes the mean. `bend` scales the result: 0
 * leaves straight lines, 1 the full curve. */
#ifndef VGFM_HERMITE_H
#define VGFM_HERMITE_H

#include "path/pairs.h"

/* jump (cells, d), `slope_jump` of the pairs: mean velocity over the plan that leaves a
 * cell, minus that over the plan that arrives, pooled and scaled; 0 at the first and last
 * time, and for cells without descendants. The slope at a cell is
 * (arriving) + (1 - lean) * jump for paths that arrive and (leaving) - lean * jump for
 * those that leave: the same, without pooling and at full bend. lean (cells) lies in
 * [0, 1]. mass (n) and mean (n + 1, d) are scratch, n the most cells of a snapshot. */
void hermite_slopes(float *jump, float *lean, const pairs *b, double *mass,
                    double *mean);

#endif
