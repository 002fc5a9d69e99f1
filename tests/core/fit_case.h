/* What the tests of training by simulation share: three snapshots in two dimensions, of
 * twenty, fifteen and thirty cells, and a model of velocity and growth. */
#ifndef VGFM_FIT_CASE_H
#define VGFM_FIT_CASE_H

#include "check.h"
#include "train/fit.h"
#include <string.h>

enum { D = 2, TIMES = 3, CELLS = 65, MOST = 4096 };
static double cells[CELLS * D];
static const size_t offset[TIMES + 1] = {0, 20, 35, 65};
static const double mass[TIMES] = {1, 0.8, 1.7};
static const double boundary[5] = {0, 0.5, 1, 1.5, 2};
static const size_t observed[TIMES] = {0, 2, 4};
static const rng_key key = {{31, 32}};

static fit_problem make_snapshots(void) {
  for (size_t i = 0; i < CELLS; i++) {
    size_t k = i < 20 ? 0 : i < 35 ? 1 : 2;
    cells[i * D] = 0.7 * (double)k + 0.3 * sin(5.0 * (double)i);
    cells[i * D + 1] = 0.4 * cos(3.0 * (double)i);
  }
  return (fit_problem){D, TIMES, cells, offset, mass, 5, boundary, observed};
}

typedef struct {
  double weights[MOST], first[MOST], second[MOST];
} moments;

/* A model, and the numbers that its heads point to. */
typedef struct {
  moments m[2];
  head head[2];
  heads heads;
} model;

/* `act`: of the growth. */
static void make_model(model *it, activation act) {
  memset(it->m, 0, sizeof it->m);
  it->head[0] = (head){.kind = HEAD_VELOCITY, .scale = 0.8,
                       .shape = {D + 1, D, 20, 2, ACTIVATION_TANH}};
  it->head[1] = (head){.kind = HEAD_GROWTH, .offset = 0.1, .scale = 0.5,
                       .shape = {D + 1, 1, 20, 2, act}};
  for (int i = 0; i < 2; i++) {
    head *h = it->head + i;
    h->weights = it->m[i].weights;
    h->first = it->m[i].first;
    h->second = it->m[i].second;
    mlp_init(h->weights, &h->shape, key, (uint32_t)i + 1);
  }
  it->heads = (heads){D, 2, it->head};
}

#endif
