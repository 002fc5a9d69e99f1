#include "bend.h"
#include <math.h>
#include <string.h>

static const double least_mass = 1e-9; /* of a cell that counts as having descendants */

static double gap(const bridge *b, size_t k) { return b->times[k + 1] - b->times[k]; }

/* Weight of the arriving velocity at a cell of snapshot k, from the two speeds there. */
static double lean_at(const bridge *b, size_t k, double arriving, double leaving) {
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

/* From minus the arriving velocity in `turn` to the turn of cell i of snapshot k. */
static void turn_cell(float *turn, float *lean, const bridge *b, size_t k, size_t i,
                      double mass, const double *mean) {
  const size_t d = b->d;
  const float *x = b->cells + (b->offset[k] + i) * d;
  double arriving = 0, leaving = 0;
  for (size_t c = 0; c < d; c++) {
    if (k == 0 || mass < least_mass) {
      turn[c] = 0;
      continue;
    }
    double velocity = (mean[c] / mass - x[c]) / gap(b, k);
    arriving += (double)turn[c] * turn[c];
    leaving += velocity * velocity;
    turn[c] += (float)velocity;
  }
  if (k > 0) *lean = (float)lean_at(b, k, sqrt(arriving), sqrt(leaving));
}

void bend_turns(float *turn, float *lean, const bridge *b, double *mass, double *mean) {
  const size_t d = b->d, last = b->intervals;
  const size_t end = b->offset[last] * d, all = end + b->plans[last - 1].m * d;
  memset(turn, 0, all * sizeof *turn);
  memset(lean, 0, all / d * sizeof *lean);
  for (size_t k = 0; k < last; k++) {
    const size_t n = b->plans[k].n;
    float *at = turn + b->offset[k] * d;
    memset(mass, 0, n * sizeof *mass);
    memset(mean, 0, n * d * sizeof *mean);
    visit_plan(turn, b, k, mass, mean);
    for (size_t i = 0; i < n; i++)
      turn_cell(at + i * d, lean + b->offset[k] + i, b, k, i, mass[i], mean + i * d);
  }
  memset(turn + end, 0, (all - end) * sizeof *turn);
}
