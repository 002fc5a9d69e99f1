#include "train/rollout_costs.h"
#include <math.h>
#include <string.h>

/* Log weight at the stages is that of the start plus h sum weight_share g: that in the
 * middle of the step belongs to the parabola through the growth of all. */
static const double weight_share[STAGES][STAGES] = {
  {0, 0, 0, 0},
  {5. / 24, 0, 8. / 24, -1. / 24},
  {5. / 24, 0, 8. / 24, -1. / 24},
  {1. / 6, 0, 4. / 6, 1. / 6},
};

void stages_aim(stages *s) {
  const rollout *r = s->roll;
  size_t d = r->d, dim = d + 1, rows = s->rows;
  if (s->directions == 0) return;
  memset(s->x_dot, 0, s->directions * rows * dim * sizeof(float));
  for (size_t row = 0; row < rows; row++) {
    if (r->probe) {
      memcpy(s->x_dot + row * dim, r->probe + (s->first + row) * d, d * sizeof(float));
      continue;
    }
    for (size_t c = 0; c < d; c++) s->x_dot[(c * rows + row) * dim + c] = 1;
  }
}

/* Of one row: sum over directions of the direction times the derivative along it. */
static double divergence(const stages *s, int stage, size_t row) {
  size_t d = s->roll->d, rows = s->rows;
  double sum = 0;
  for (size_t k = 0; k < s->directions; k++) {
    const float *along = s->x_dot + (k * rows + row) * (d + 1);
    const float *slope = s->v_dot[stage] + (k * rows + row) * kernel_pad(d);
    for (size_t c = 0; c < d; c++) sum += along[c] * slope[c];
  }
  return s->v->head->scale * sum;
}

static double growth_at(const stages *s, int stage, size_t row) {
  const head *growth = s->g->head;
  return growth->offset + growth->scale * s->growth[stage][row * kernel_pad(1)];
}

static double square_speed(const stages *s, int stage, size_t row) {
  size_t d = s->roll->d;
  const float *v = s->velocity[stage] + row * kernel_pad(d);
  double sum = 0;
  for (size_t c = 0; c < d; c++) sum += (double)v[c] * v[c];
  return s->v->head->scale * s->v->head->scale * sum;
}

/* A row of an array (steps + 1, n, columns) where the step of the stages begins, or
 * `later` steps after that. */
static float *row_of(const stages *s, float *values, size_t columns, size_t later,
                     size_t row) {
  return values + ((s->step + later) * s->roll->n + s->first + row) * columns;
}

/* Growth and weight of a row at all stages; growth of the stage that does not look is
 * left at 0. */
static void weights(double weight[STAGES], double growth[STAGES], const stages *s,
                    size_t row) {
  size_t d = s->roll->d;
  double log_weight = row_of(s, s->roll->path, d + 1, 0, row)[d];
  for (int stage = 0; stage < STAGES; stage++)
    growth[stage] = growth_share[stage] > 0 ? growth_at(s, stage, row) : 0;
  for (int stage = 0; stage < STAGES; stage++) {
    double sum = 0;
    for (int k = 0; k < STAGES; k++) sum += weight_share[stage][k] * growth[k];
    weight[stage] = exp(log_weight + s->h * sum);
  }
}

void costs_forward(const stages *s) {
  const rollout *r = s->roll;
  for (size_t row = 0; row < s->rows; row++) {
    const float *now = row_of(s, r->cost, COSTS, 0, row);
    float *next = row_of(s, r->cost, COSTS, 1, row);
    double change[COSTS] = {0}, weight[STAGES], growth[STAGES];
    if (r->energy) weights(weight, growth, s, row);
    for (int stage = 0; stage < STAGES; stage++) {
      if (r->energy) {
        change[COST_ENERGY] += share[stage] * weight[stage] * square_speed(s, stage, row);
        change[COST_GROWTH_ENERGY] += growth_share[stage] * weight[stage] *
                                      growth[stage] * growth[stage];
      }
      if (r->divergence && growth_share[stage] > 0)
        change[COST_DIVERGENCE] += growth_share[stage] * divergence(s, stage, row);
    }
    for (int c = 0; c < COSTS; c++) next[c] = (float)(now[c] + s->h * change[c]);
  }
}

/* Of both energies of one row: `by` holds the derivatives by them. Returns that by the
 * log weight at the step's start. */
static double energy_backward(stages *s, const float *by, size_t row) {
  double weight[STAGES], growth[STAGES], by_growth[STAGES] = {0}, total = 0;
  const double scale = s->v->head->scale;
  size_t d = s->roll->d;
  weights(weight, growth, s, row);
  for (int stage = 0; stage < STAGES; stage++) {
    double moving = s->h * by[COST_ENERGY] * share[stage] * weight[stage];
    double growing = s->h * by[COST_GROWTH_ENERGY] * growth_share[stage] * weight[stage];
    double by_log_weight = moving * square_speed(s, stage, row) +
                           growing * growth[stage] * growth[stage];
    for (size_t c = 0; c < d; c++) {
      size_t place = row * kernel_pad(d) + c;
      s->dk[stage][place] += (float)(2 * moving * scale * scale *
                                     s->velocity[stage][place]);
    }
    by_growth[stage] += 2 * growing * growth[stage];
    for (int k = 0; k < STAGES; k++)
      by_growth[k] += s->h * by_log_weight * weight_share[stage][k];
    total += by_log_weight;
  }
  for (int stage = 0; stage < STAGES; stage++)
    s->growth_cost[stage][row] = (float)by_growth[stage];
  return total;
}

void costs_backward(stages *s) {
  const rollout *r = s->roll;
  size_t d = r->d;
  for (size_t row = 0; row < s->rows; row++) {
    float *now = row_of(s, r->cost_adjoint, COSTS, 0, row);
    const float *later = row_of(s, r->cost_adjoint, COSTS, 1, row);
    for (int c = 0; c < COSTS; c++) now[c] += later[c];
    if (r->energy)
      row_of(s, r->adjoint, d + 1, 0, row)[d] += (float)energy_backward(s, later, row);
  }
}

void divergence_backward(stages *s, int stage) {
  size_t d = s->roll->d, pad = kernel_pad(d), rows = s->rows;
  const double part = s->h * growth_share[stage] * s->v->head->scale;
  memset(s->dv_dot, 0, s->directions * rows * pad * sizeof(float));
  for (size_t k = 0; k < s->directions; k++)
    for (size_t row = 0; row < rows; row++) {
      double by = row_of(s, s->roll->cost_adjoint, COSTS, 1, row)[COST_DIVERGENCE];
      const float *along = s->x_dot + (k * rows + row) * (d + 1);
      float *to = s->dv_dot + (k * rows + row) * pad;
      for (size_t c = 0; c < d; c++) to[c] = (float)(part * by) * along[c];
    }
}
