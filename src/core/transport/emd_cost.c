#include "transport/emd_cost.h"
#include "kernels/kernels.h"
#include <string.h>

void emd_cloud_layout(arena *a, emd_cloud *cloud, size_t count, size_t d) {
  size_t size, stride = kernel_pad(count);
  if (size_mul(stride, d, &size)) a->failed = 1;
  cloud->feature32 = arena_take(a, size, sizeof *cloud->feature32);
  cloud->point32 = arena_take(a, size, sizeof *cloud->point32);
}

void emd_cloud_fill(emd_cloud *cloud, const double *point, size_t count, size_t d) {
  cloud->point = point;
  cloud->count = count;
  cloud->stride = kernel_pad(count);
  for (size_t k = 0; k < d; k++) {
    float *feature32 = cloud->feature32 + k * cloud->stride;
    for (size_t i = 0; i < cloud->stride; i++)
      feature32[i] = i < count ? (float)point[i * d + k] : 0;
  }
  for (size_t i = 0; i < count * d; i++) cloud->point32[i] = (float)point[i];
}

/* With unit roundoff e = 2^-24 a coordinate difference is off by at most
 * 2 e (|x_k| + |y_k|), the vector of them by 4 e R; d squares are summed with a relative
 * error of (d + 2) e, distances are at most 2 R, and the root adds a few e. Constants are
 * rounded up. */
void emd_set_precision(emd_problem *p, double radius) {
  const double e = 0x1p-24, d = (double)p->d;
  double longest = 2 * radius;
  p->limit = p->root ? longest : longest * longest;
  p->error32 = p->root ? e * radius * (20 + d) : e * radius * radius * (32 + 4 * d);
  p->tolerance = 0x1p-40 * p->limit;
}

float emd_costs32(float *out, const emd_problem *p, int is_source, size_t point,
                  size_t first, size_t count, const float *offset32) {
  const kernels *kernel = kernels_get();
  const emd_cloud *others = emd_others(p, is_source);
  size_t padded = kernel_pad(count);
  int keep = is_source && p->kept != NULL;
  float *cost = keep ? p->kept + point * others->stride + first : out;
  if (!keep || !p->kept_ready)
    kernel->distance_f32(cost, others->feature32 + first, others->stride,
                         emd_own(p, is_source)->point32 + point * p->d, padded, p->d,
                         p->root);
  return kernel->add_min_f32(out, cost, offset32 + first, padded);
}

void emd_offsets32(float *offset32, const double *value, double sign, size_t count,
                   size_t stride) {
  for (size_t i = 0; i < stride; i++)
    offset32[i] = i < count ? (float)(sign * value[i]) : EMD_FAR;
}

void emd_shortlist_add(emd_shortlist *list, double value, size_t index) {
  size_t at = list->count < EMD_SHORTLIST ? list->count++ : EMD_SHORTLIST - 1;
  for (; at > 0 && list->value[at - 1] > value; at--) {
    list->value[at] = list->value[at - 1];
    list->index[at] = list->index[at - 1];
  }
  list->value[at] = value;
  list->index[at] = (uint32_t)index;
  if (list->count == EMD_SHORTLIST) list->limit = list->value[EMD_SHORTLIST - 1];
}

void emd_nearest(emd_shortlist *list, const emd_problem *p, int is_source, size_t point,
                 const float *offset32) {
  float cost[EMD_BLOCK];
  size_t others = emd_others(p, is_source)->count;
  list->count = 0;
  list->limit = INFINITY;
  for (size_t first = 0; first < others; first += EMD_BLOCK) {
    size_t count = emd_block_at(first, others);
    float least = emd_costs32(cost, p, is_source, point, first, count, offset32);
    if (least >= list->limit) continue;
    for (size_t i = 0; i < count; i++)
      if (cost[i] < list->limit) emd_shortlist_add(list, cost[i], first + i);
  }
}
