#include "bend.h"
#include <string.h>

static const double least_mass = 1e-9; /* of a cell that counts as having descendants */

static double gap(const bridge *b, size_t k) { return b->times[k + 1] - b->times[k]; }

double bend_leaving(const bridge *b, size_t k) {
  return k == 0 ? 0 : -gap(b, k) / (gap(b, k - 1) + gap(b, k));
}

double bend_arriving(const bridge *b, size_t k) {
  return k + 1 == b->intervals ? 0 : gap(b, k) / (gap(b, k) + gap(b, k + 1));
}

/* Subtracts from the turn of every target of interval k its mean arriving velocity, and
 * gathers the mean target (n, d) of every source and its mass (n). */
static void visit_plan(float *turn, const bridge *b, size_t k, double *mass,
                       double *mean) {
  const plan *p = &b->plans[k];
  const float *x = b->cells + b->offset[k] * b->d;
  const float *y = b->cells + b->offset[k + 1] * b->d;
  float *at = turn + b->offset[k + 1] * b->d;
  const double speed = 1 / gap(b, k);
  for (size_t j = 0; j < p->m; j++) {
    float before = 0;
    for (size_t e = p->start[j]; e < p->start[j] + p->count[j]; e++) {
      const float share = p->value[e] - before;
      const size_t i = (size_t)p->source[e];
      before = p->value[e];
      mass[i] += share;
      for (size_t c = 0; c < b->d; c++) {
        mean[i * b->d + c] += (double)share * y[j * b->d + c];
        at[j * b->d + c] -= (float)(speed * share * (y[j * b->d + c] - x[i * b->d + c]));
      }
    }
  }
}

void bend_turns(float *turn, const bridge *b, double *mass, double *mean) {
  const size_t d = b->d, last = b->intervals;
  const size_t end = b->offset[last] * d, all = end + b->plans[last - 1].m * d;
  memset(turn, 0, all * sizeof *turn);
  for (size_t k = 0; k < last; k++) {
    const size_t n = b->plans[k].n;
    float *at = turn + b->offset[k] * d;
    memset(mass, 0, n * sizeof *mass);
    memset(mean, 0, n * d * sizeof *mean);
    visit_plan(turn, b, k, mass, mean);
    for (size_t i = 0; i < n; i++)
      for (size_t c = 0; c < d; c++) {
        double leaving = mean[i * d + c] / mass[i] - b->cells[(b->offset[k] + i) * d + c];
        if (k == 0 || mass[i] < least_mass) at[i * d + c] = 0;
        else at[i * d + c] += (float)(leaving / gap(b, k));
      }
  }
  memset(turn + end, 0, (all - end) * sizeof *turn);
}
