#include "base/spatial.h"
#include <math.h>

#define FEATURES 32 /* looked at in one walk over the points */

static size_t widest_feature(const uint32_t *index, size_t count, const double *point,
                             size_t d) {
  size_t widest = 0;
  double width = -1;
  for (size_t first = 0; first < d; first += FEATURES) {
    size_t features = d - first < FEATURES ? d - first : FEATURES;
    double low[FEATURES], high[FEATURES];
    for (size_t k = 0; k < features; k++) {
      low[k] = INFINITY;
      high[k] = -INFINITY;
    }
    for (size_t i = 0; i < count; i++) {
      const double *value = point + index[i] * d + first;
      for (size_t k = 0; k < features; k++) {
        low[k] = value[k] < low[k] ? value[k] : low[k];
        high[k] = value[k] > high[k] ? value[k] : high[k];
      }
    }
    for (size_t k = 0; k < features; k++)
      if (high[k] - low[k] > width) {
        width = high[k] - low[k];
        widest = first + k;
      }
  }
  return widest;
}

/* Hoare's selection: afterwards index[0 .. rank - 1] hold values <= those of the rest. */
static void select_rank(uint32_t *index, size_t count, size_t rank, const double *value,
                        size_t stride) {
  size_t low = 0, high = count - 1;
  while (low < high) {
    double pivot = value[index[low + (high - low) / 2] * stride];
    size_t i = low, j = high;
    for (;; i++, j--) {
      while (value[index[i] * stride] < pivot) i++;
      while (value[index[j] * stride] > pivot) j--;
      if (i >= j) break;
      uint32_t swap = index[i];
      index[i] = index[j];
      index[j] = swap;
    }
    if (rank <= j) high = j;
    else low = j + 1;
  }
}

void spatial_order(uint32_t *index, size_t count, size_t group, const double *point,
                   size_t d) {
  while (count > group) {
    size_t half = (count / 2 + group - 1) / group * group;
    if (half >= count) half = group;
    size_t k = widest_feature(index, count, point, d);
    select_rank(index, count, half, point + k, d);
    spatial_order(index, half, group, point, d);
    index += half;
    count -= half;
  }
}
