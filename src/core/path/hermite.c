#include "path/hermite.h"
#include <math.h>
#include <string.h>

static const double least_mass = 1e-9; /* of a cell that counts as having descendants */

static double gap(const pairs *b, size_t k) { return b->times[k + 1] - b->times[k]; }

/* Weight of the arriving velocity at a cell of snapshot k, from the two speeds there. */
static double lean_at(const pairs *b, size_t k, double arriving, double leaving) {
  double lean = gap(b, k) / (gap(b, k - 1) + gap(b, k));
  if (arriving > leaving) {
    double most = 2 * leaving / (arriving - leaving);
    return lean < most ? lean : most;
  }
  if (arriving < leaving) {
    double least = 1 - 2 * arriving / (leaving - arriving);
    return lean > least ? lean : least;
  }
  return lean;
}

/* Subtracts from the jump of every target of interval k its mean arriving velocity, and
 * gathers the mean target (n, d) of every source and its mass (n). */
static void visit_plan(float *jump, const pairs *b, size_t k, double *mass,
                       double *mean) {
  const plan *p = &b->plans[k];
  const float *x = b->cells + b->offset[k] * b->d;
  const float *y = b->cells + b->offset[k + 1] * b->d;
  float *at = jump + b->offset[k + 1] * b->d;
  const double speed = 1 / gap(b, k);
  for (size_t j = 0; j < p->m; j++) {
    float before = 0;
    for (size_t e = p->start[j]; e < p->start[j] + p->count[j]; e++) {
      const float part = p->value[e] - before;
      const size_t i = (size_t)p->source[e];
      before = p->value[e];
      mass[i] += part;
      for (size_t c = 0; c < b->d; c++) {
        mean[i * b->d + c] += (double)part * y[j * b->d + c];
        at[j * b->d + c] -= (float)(speed * part * (y[j * b->d + c] - x[i * b->d + c]));
      }
    }
  }
}

/* From minus the arriving velocity in `jump` to the jump of cell i of snapshot k, and
 * from its mean target to its leaving velocity. */
static void finish_jump(float *jump, float *lean, const pairs *b, size_t k, size_t i,
                        double mass, double *mean) {
  const size_t d = b->d;
  const float *x = b->cells + (b->offset[k] + i) * d;
  double arriving = 0, leaving = 0;
  for (size_t c = 0; c < d; c++) {
    if (k == 0 || mass < least_mass) {
      jump[c] = 0;
      continue;
    }
    mean[c] = (mean[c] / mass - x[c]) / gap(b, k);
    arriving += (double)jump[c] * jump[c];
    leaving += mean[c] * mean[c];
    jump[c] += (float)mean[c];
  }
  if (k > 0) *lean = (float)lean_at(b, k, sqrt(arriving), sqrt(leaving));
}

/* Mean jump of the n cells of a snapshot, weighted by their mass. */
static void mean_jump(double *mean, const float *jump, const double *mass, size_t n,
                      size_t d) {
  double total = 0;
  memset(mean, 0, d * sizeof *mean);
  for (size_t i = 0; i < n; i++) {
    if (mass[i] < least_mass) continue;
    total += mass[i];
    for (size_t c = 0; c < d; c++) mean[c] += mass[i] * jump[i * d + c];
  }
  for (size_t c = 0; c < d; c++) mean[c] /= total > 0 ? total : 1;
}

/* The largest factor f at which velocity + f * change is no longer than three times the
 * velocity, from their inner products. */
static double most_change(double velocity2, double inner, double change2) {
  if (change2 <= 0) return 1;
  return (sqrt(inner * inner + 8 * velocity2 * change2) - inner) / change2;
}

/* Draws the jump of a cell towards `pool` (d), bounded as its own is, and scales it. */
static void pool_cell(float *jump, double lean, const pairs *b, const double *leaving,
                      const double *pool) {
  const double own = 1 - b->pooling, rest = 1 - lean;
  double leave2 = 0, arrive2 = 0, jump2 = 0, leave_jump = 0, arrive_jump = 0;
  for (size_t c = 0; c < b->d; c++) {
    double arriving = leaving[c] - jump[c];
    double pooled = own * jump[c] + b->pooling * pool[c];
    leave2 += leaving[c] * leaving[c];
    arrive2 += arriving * arriving;
    jump2 += pooled * pooled;
    leave_jump += leaving[c] * pooled;
    arrive_jump += arriving * pooled;
  }
  double factor = fmin(1, most_change(arrive2, rest * arrive_jump, rest * rest * jump2));
  factor = fmin(factor, most_change(leave2, -lean * leave_jump, lean * lean * jump2));
  for (size_t c = 0; c < b->d; c++)
    jump[c] = (float)(b->bend * factor * (own * jump[c] + b->pooling * pool[c]));
}

void hermite_slopes(float *jump, float *lean, const pairs *b, double *mass,
                    double *mean) {
  const size_t d = b->d, last = b->intervals;
  const size_t end = b->offset[last] * d, all = end + b->plans[last - 1].m * d;
  memset(jump, 0, all * sizeof *jump);
  memset(lean, 0, all / d * sizeof *lean);
  for (size_t k = 0; k < last; k++) {
    const size_t n = b->plans[k].n;
    float *at = jump + b->offset[k] * d, *weight = lean + b->offset[k];
    double *pool = mean + n * d;
    memset(mass, 0, n * sizeof *mass);
    memset(mean, 0, n * d * sizeof *mean);
    visit_plan(jump, b, k, mass, mean);
    for (size_t i = 0; i < n; i++)
      finish_jump(at + i * d, weight + i, b, k, i, mass[i], mean + i * d);
    mean_jump(pool, at, mass, n, d);
    for (size_t i = 0; i < n && k > 0; i++)
      if (mass[i] >= least_mass)
        pool_cell(at + i * d, weight[i], b, mean + i * d, pool);
  }
  memset(jump + end, 0, (all - end) * sizeof *jump);
}
