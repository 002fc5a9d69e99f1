#include "plan.h"
#include <string.h>

size_t plan_entries(const plan *p) {
  size_t total = 0;
  for (size_t j = 0; j < p->m; j++) total += p->count[j];
  return total;
}

void plan_pack(plan *packed, const plan *p) {
  size_t at = 0;
  packed->n = p->n;
  packed->m = p->m;
  for (size_t j = 0; j < p->m; j++) {
    memcpy(packed->source + at, p->source + p->start[j], p->count[j] * sizeof(int32_t));
    memcpy(packed->value + at, p->value + p->start[j], p->count[j] * sizeof(float));
    packed->start[j] = at;
    packed->count[j] = p->count[j];
    at += p->count[j];
  }
}

void plan_accumulate(plan *p) {
  for (size_t j = 0; j < p->m; j++) {
    float *value = p->value + p->start[j];
    double total = 0, sum = 0;
    for (size_t k = 0; k < p->count[j]; k++) total += value[k];
    for (size_t k = 0; k < p->count[j]; k++) {
      sum += value[k];
      value[k] = (float)(sum / total);
    }
  }
}

void plan_target_sums(double *sums, const double *b, size_t m) {
  double total = 0, sum = 0;
  for (size_t j = 0; j < m; j++) total += b[j];
  for (size_t j = 0; j < m; j++) sums[j] = (sum += b[j]) / total;
}

/* First place whose running sum exceeds u < 1. */
static size_t search_double(const double *sums, size_t n, double u) {
  size_t low = 0, high = n - 1;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (sums[middle] > u) high = middle;
    else low = middle + 1;
  }
  return low;
}

static size_t search_float(const float *sums, size_t n, double u) {
  size_t low = 0, high = n - 1;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (sums[middle] > u) high = middle;
    else low = middle + 1;
  }
  return low;
}

void plan_draw(int32_t *source, int32_t *target, const double *uniforms, size_t count,
               const plan *p, const double *sums) {
  for (size_t k = 0; k < count; k++) {
    double u = uniforms[2 * k];
    size_t j = sums ? search_double(sums, p->m, u) : (size_t)(u * (double)p->m);
    if (j >= p->m) j = p->m - 1; /* u just below 1 may round up */
    size_t at = search_float(p->value + p->start[j], p->count[j], uniforms[2 * k + 1]);
    source[k] = p->source[p->start[j] + at];
    target[k] = (int32_t)j;
  }
}

void plan_column(double *out, const cost_columns *cost, const double *f, const double *g,
                 double epsilon, size_t j) {
  const kernels *k = kernels_get();
  const double *c = cost_column(cost, out, j);
  k->logits_f64(out, f, c, 1 / epsilon, cost->n);
  k->exp_sum_f64(out, -g[j] / epsilon, cost->n);
}
