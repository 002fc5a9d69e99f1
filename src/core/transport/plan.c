#include "transport/plan.h"
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

void plan_transpose(plan *rows, const plan *p, const double *b, double least) {
  rows->n = p->m;
  rows->m = p->n;
  memset(rows->count, 0, p->n * sizeof *rows->count);
  for (size_t j = 0; j < p->m; j++)
    for (size_t e = p->start[j]; e < p->start[j] + p->count[j]; e++)
      rows->count[p->source[e]]++;
  size_t at = 0;
  for (size_t i = 0; i < p->n; i++) {
    rows->start[i] = at;
    at += rows->count[i];
    rows->count[i] = 0;
  }
  for (size_t j = 0; j < p->m; j++) {
    float before = 0;
    for (size_t e = p->start[j]; e < p->start[j] + p->count[j]; e++) {
      size_t i = (size_t)p->source[e], place = rows->start[i] + rows->count[i]++;
      rows->source[place] = (int32_t)j;
      rows->value[place] = p->value[e] - before;
      if (b) rows->value[place] *= (float)b[j];
      before = p->value[e];
    }
  }
  for (size_t i = 0; i < p->n; i++) {
    double total = 0;
    for (size_t e = 0; e < rows->count[i]; e++) total += rows->value[rows->start[i] + e];
    if (total < least || total <= 0) rows->count[i] = 0;
  }
  plan_accumulate(rows);
}

int plan_target_sums(double *sums, const double *b, const plan *p) {
  double total = 0, sum = 0;
  int alike = 1;
  for (size_t j = 0; j < p->m; j++) {
    alike = alike && p->count[j] > 0 && b[j] == b[0];
    if (p->count[j] > 0) total += b[j];
  }
  for (size_t j = 0; j < p->m; j++) {
    if (p->count[j] > 0) sum += b[j];
    sums[j] = sum / total;
  }
  return alike;
}

/* First place whose running sum exceeds u < 1. */
static size_t search(const double *sums, size_t n, double u) {
  size_t low = 0, high = n - 1;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (sums[middle] > u) high = middle;
    else low = middle + 1;
  }
  return low;
}

enum { TOGETHER = 64 };

/* The same in up to TOGETHER columns, a halving of each in turn: what a search waits for
 * is memory, and so the searches wait together. */
static void search_columns(size_t low[], const float *const sums[], size_t n[],
                           const double u[], size_t count) {
  size_t open;
  do {
    open = 0;
    for (size_t k = 0; k < count; k++) {
      size_t half = n[k] / 2;
      low[k] += half * (sums[k][low[k] + half - (half > 0)] <= u[k]);
      n[k] -= half;
      open |= n[k] - 1;
    }
  } while (open);
}

static const float nothing = 1; /* the sums of a column without entries */

static void draw_together(int32_t *source, int32_t *target, const double *uniforms,
                          size_t count, const plan *p, const double *marginal) {
  size_t low[TOGETHER] = {0}, n[TOGETHER];
  const float *sums[TOGETHER];
  double u[TOGETHER];
  for (size_t k = 0; k < count; k++) {
    double v = uniforms[2 * k];
    size_t j = marginal ? search(marginal, p->m, v) : (size_t)(v * (double)p->m);
    if (j >= p->m) j = p->m - 1; /* v just below 1 may round up */
    target[k] = (int32_t)j;
    sums[k] = p->count[j] ? p->value + p->start[j] : &nothing;
    n[k] = p->count[j] ? p->count[j] : 1;
    u[k] = uniforms[2 * k + 1];
  }
  search_columns(low, sums, n, u, count);
  for (size_t k = 0; k < count; k++)
    source[k] = p->count[target[k]] ? p->source[p->start[target[k]] + low[k]] : -1;
}

void plan_draw(int32_t *source, int32_t *target, const double *uniforms, size_t count,
               const plan *p, const double *sums) {
  for (size_t k = 0; k < count; k += TOGETHER)
    draw_together(source + k, target + k, uniforms + 2 * k,
                  count - k < TOGETHER ? count - k : TOGETHER, p, sums);
}

void plan_column(double *out, const cost_columns *cost, const double *f, const double *g,
                 double epsilon, size_t j) {
  const kernels *k = kernels_get();
  const double *c = cost_column(cost, out, j);
  k->logits_f64(out, f, c, 1 / epsilon, cost->n);
  k->exp_sum_f64(out, -g[j] / epsilon, cost->n);
}
