/* The two clouds of a transport problem and the costs between them, computed as needed:
 * in single precision to tell which pairs deserve a look, in double to decide. */
#ifndef VGFM_EMD_COST_H
#define VGFM_EMD_COST_H

#include "base/arena.h"
#include <math.h>

enum {
  EMD_BLOCK = 256,     /* costs computed in one go; a multiple of KERNEL_PAD */
  EMD_ROWS = 8,        /* rows in a parallel work item */
  EMD_SHORTLIST = 12,  /* best partners remembered for a point */
  EMD_KEEP_FEATURES = 8 /* with more than these, costs are kept if there is room */
};
#define EMD_FAR 1e30f /* offset of the padding behind a cloud: never the least */

typedef struct {
  size_t count, stride;          /* stride: count padded for the kernels */
  const double *point;           /* (count, d) */
  float *point32;                /* the same in single precision */
  float *feature32;              /* (d, stride), a row per feature */
} emd_cloud;

typedef struct {
  emd_cloud source, target;
  size_t d;
  int root;            /* Euclidean distance, not its square */
  double limit;        /* no cost exceeds this */
  double tolerance;    /* a reduced cost above minus this counts as nonnegative */
  double error32;      /* bound of the error of a cost in single precision */
  float *kept;         /* (source.count, target.stride) costs32, or NULL */
  int kept_ready;      /* they have been computed; until then computing stores them */
  int threads;
  int (*interrupted)(void *);
  void *interrupted_data;
} emd_problem;

/* The EMD_SHORTLIST least values offered that are below `limit`, in rising order. Once
 * the list is full the limit is its last value. */
typedef struct {
  size_t count;
  double limit;
  double value[EMD_SHORTLIST];
  uint32_t index[EMD_SHORTLIST];
} emd_shortlist;

static inline double emd_cost(const emd_problem *p, size_t source, size_t target) {
  const double *x = p->source.point + source * p->d, *y = p->target.point + target * p->d;
  double total = 0;
  for (size_t k = 0; k < p->d; k++) total += (x[k] - y[k]) * (x[k] - y[k]);
  return p->root ? sqrt(total) : total;
}

static inline int emd_stopped(const emd_problem *p) {
  return p->interrupted != NULL && p->interrupted(p->interrupted_data);
}

/* A pass over few pairs is not worth waking threads for. */
static inline int emd_threads(const emd_problem *p, size_t points, size_t others) {
  return points * others < (size_t)1 << 16 ? 1 : p->threads;
}

/* Points dealt with between two polls of the caller: a whole number of work items. */
static inline size_t emd_chunk(size_t others) {
  return (((size_t)1 << 24) / others + 1) * EMD_ROWS;
}

static inline size_t emd_block_at(size_t first, size_t end) {
  return end - first < EMD_BLOCK ? end - first : EMD_BLOCK;
}

/* A cloud with room for `count` points, without its points. */
void emd_cloud_layout(arena *a, emd_cloud *cloud, size_t count, size_t d);
void emd_cloud_fill(emd_cloud *cloud, const double *point, size_t count, size_t d);

/* Set limit, tolerance and error32 for points whose norms do not exceed `radius`. */
void emd_set_precision(emd_problem *p, double radius);

/* In what follows `point` is a source and the others are the targets, or the other way
 * round. */
static inline const emd_cloud *emd_own(const emd_problem *p, int is_source) {
  return is_source ? &p->source : &p->target;
}
static inline const emd_cloud *emd_others(const emd_problem *p, int is_source) {
  return is_source ? &p->target : &p->source;
}

/* Costs between a point and the others first .. first + count - 1, in single precision,
 * plus their offsets (stride); returns the least of them. */
float emd_costs32(float *out, const emd_problem *p, int is_source, size_t point,
                  size_t first, size_t count, const float *offset32);

/* offset32 (stride) = sign * value (count), the padding EMD_FAR. */
void emd_offsets32(float *offset32, const double *value, double sign, size_t count,
                   size_t stride);

/* For a value below the limit. */
void emd_shortlist_add(emd_shortlist *list, double value, size_t index);

/* The others with the least cost + offset. */
void emd_nearest(emd_shortlist *list, const emd_problem *p, int is_source, size_t point,
                 const float *offset32);

#endif
