/* Points in an order in which neighbours lie near each other. */
#ifndef VGFM_SPATIAL_H
#define VGFM_SPATIAL_H

#include <stddef.h>
#include <stdint.h>

/* Reorder index (count), rows of point (., d), so that neighbours in it are neighbours in
 * space and stretches of `group` are compact: a k-d tree, split at medians along the
 * widest feature. */
void spatial_order(uint32_t *index, size_t count, size_t group, const double *point,
                   size_t d);

#endif
