/* A transport problem with its solution, for the tests of uot, plan and cost. */
#ifndef VGFM_UOT_CASE_H
#define VGFM_UOT_CASE_H

#include "check.h"
#include "kernels/kernels.h"
#include "transport/uot.h"
#include <string.h>

static uint32_t draws;
static inline double uniform(double low, double high) {
  const uint32_t counter[4] = {draws++, 0, 0, 0};
  uint32_t word[4];
  rng_philox(word, counter, (rng_key){{20, 25}});
  return low + (high - low) * rng_uniform(word[0]);
}

typedef struct {
  uot_problem problem;
  uot_options options;
  uot_result result;
  double *x, *y, *a, *b;
  double *f, *g, *r, *q, *ends;
  plan sparse;
  void *workspace;
  int status;
} uot_case;

/* Two overlapping clouds in the unit cube, marginals between 0.5 and 1.5. */
static inline uot_case case_random(size_t n, size_t m, size_t d, double epsilon,
                                   double tau) {
  uot_case c = {.options = uot_defaults()};
  c.x = malloc((n * d + 1) * sizeof(double));
  c.y = malloc((m * d + 1) * sizeof(double));
  c.a = malloc(n * sizeof(double));
  c.b = malloc(m * sizeof(double));
  c.f = malloc(n * sizeof(double));
  c.g = malloc(m * sizeof(double));
  c.r = malloc(n * sizeof(double));
  c.q = malloc(m * sizeof(double));
  c.ends = malloc(n * sizeof(double));
  for (size_t i = 0; i < n * d; i++) c.x[i] = uniform(0, 1);
  for (size_t j = 0; j < m * d; j++) c.y[j] = uniform(0.3, 1.3);
  for (size_t i = 0; i < n; i++) c.a[i] = uniform(0.5, 1.5);
  for (size_t j = 0; j < m; j++) c.b[j] = uniform(0.5, 1.5);
  c.problem = (uot_problem){n, m, d, c.x, c.y, c.a, c.b, epsilon, tau,
                            INFINITY, INFINITY};
  return c;
}

static inline int case_solve(uot_case *c) {
  free(c->workspace);
  size_t bytes = uot_workspace(&c->problem, &c->options);
  c->workspace = malloc(bytes);
  uot_solution out = {c->f, c->g, c->r, c->q, c->ends};
  c->status = uot_solve(&out, &c->sparse, &c->result, &c->problem, &c->options,
                        c->workspace, bytes);
  return c->status;
}

static inline void case_free(uot_case *c) {
  double *owned[] = {c->x, c->y, c->a, c->b, c->f, c->g, c->r, c->q, c->ends};
  for (size_t k = 0; k < sizeof owned / sizeof *owned; k++) free(owned[k]);
  free(c->workspace);
}

/* The plan as the definition has it, from the potentials. */
static inline double case_cost(const uot_case *c, size_t i, size_t j) {
  double total = 0;
  for (size_t k = 0; k < c->problem.d; k++) {
    double diff = c->problem.x[i * c->problem.d + k] - c->problem.y[j * c->problem.d + k];
    total += diff * diff;
  }
  double delta = c->problem.delta, angle = sqrt(total) / (2 * delta);
  if (isfinite(delta) && angle >= acos(0)) return INFINITY;
  return isfinite(delta) ? -8 * delta * delta * log(cos(angle)) : total;
}

static inline double case_plan(const uot_case *c, size_t i, size_t j) {
  return exp((c->f[i] + c->g[j] - case_cost(c, i, j)) / c->problem.epsilon);
}

/* Largest |x_i - y_i| over the largest |y_i|. */
static inline double difference(const double *x, const double *y, size_t n) {
  double gap = 0, size = 0;
  for (size_t i = 0; i < n; i++) {
    gap = fmax(gap, isfinite(x[i]) ? fabs(x[i] - y[i]) : INFINITY);
    size = fmax(size, fabs(y[i]));
  }
  return size > 0 ? gap / size : gap;
}

#endif
