/* Paths that pass through a cell without a kink: where straight lines would change
 * direction at an observed time, the mean velocities before and after it are brought
 * together. Cubic Hermite curves, with the slopes of a parabola through three times (what
 * Catmull and Rom 1974 do for points in a row), and every pair keeping its own deviation
 * from the mean of its cell.
 *
 * A slope is no longer than three times the slower of the two velocities, so that a path
 * that slows down does not overshoot: the bound of Fritsch and Carlson (1980) for curves
 * that stay monotone, here for lengths of vectors, whatever the axes. */
#ifndef VGFM_BEND_H
#define VGFM_BEND_H

#include "bridge.h"

/* turn (cells, d): mean velocity over the plan that leaves a cell, minus that over the
 * plan that arrives; 0 at the first and last time, and for cells without descendants.
 * lean (cells): the slope at a cell is lean * (arriving) + (1 - lean) * (leaving).
 * mass (most cells of a snapshot) and mean (most cells of a snapshot, d) are scratch. */
void bend_turns(float *turn, float *lean, const bridge *b, double *mass, double *mean);

#endif
