/* Paths that pass through a cell without a kink: where straight lines would change
 * direction at an observed time, the mean velocities before and after it are brought
 * together. Cubic Hermite curves, with slopes of a parabola through three times (what
 * Catmull and Rom 1974 do for points in a row) and every pair keeping its own deviation
 * from the mean of its cell. */
#ifndef VGFM_BEND_H
#define VGFM_BEND_H

#include "bridge.h"

/* turn (cells, d): mean velocity over the plan that leaves a cell, minus that over the
 * plan that arrives; 0 at the first and last time, and for cells without descendants.
 * mass (most cells of a snapshot) and mean (most cells of a snapshot, d) are scratch. */
void bend_turns(float *turn, const bridge *b, double *mass, double *mean);

/* What the slope of a path over interval k differs by from its mean velocity, as a share
 * of the turn of the cell where it starts, and of that where it ends. */
double bend_leaving(const bridge *b, size_t k);
double bend_arriving(const bridge *b, size_t k);

#endif
