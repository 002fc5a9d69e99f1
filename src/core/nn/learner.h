/* Two networks, velocity and growth, while they are trained together: packed parameters,
 * Adam's moments, and gradients in lanes.
 *
 * Work on a batch is dealt to lanes, and every lane sums its own gradient. Lanes are a
 * matter of the problem's size, not of the threads that happen to work on them, so sums
 * come out the same to the last bit. */
#ifndef VGFM_LEARNER_H
#define VGFM_LEARNER_H

#include "base/arena.h"
#include "base/crew.h"
#include "nn/mlp.h"

/* A network in training as the rest of the world sees it, flat: parameters, and Adam's
 * first and second moments. */
typedef struct {
  mlp_shape shape;
  double *weights, *first, *second; /* (mlp_parameters) each */
} trainee;

/* The same, packed. */
typedef struct {
  const mlp_shape *shape;
  size_t packed;
  float *weights, *first, *second, *transposed;
  float *grad; /* (lanes, packed) */
} network;

typedef struct {
  network velocity, growth;
  size_t lanes;
  size_t lowest; /* layer from which on updates keep `transposed`: 1 where nobody asks for
                  * the gradient of the inputs */
} learner;

/* STATUS_OK if these read cells of d features and their time, and answer with a velocity
 * and a growth rate. The growth network may do without the time: d inputs. */
int learner_check(const mlp_shape *velocity, const mlp_shape *growth, size_t d);

/* Lanes for work that comes in `tiles` pieces. */
size_t learner_lanes(const mlp_shape *velocity, const mlp_shape *growth, size_t tiles);

/* Carves for trainees of these shapes, which must outlive the learner. */
void learner_layout(arena *a, learner *l, const mlp_shape *velocity,
                    const mlp_shape *growth, size_t lanes);

/* Of `threads`, those that find work: more than lanes and chunks would stand idle. */
int learner_crew(const learner *l, int threads);

void learner_load(learner *l, const trainee *velocity, const trainee *growth);
void learner_store(trainee *velocity, trainee *growth, const learner *l);

void learner_clear_lane(learner *l, size_t lane);

/* Norm of `scale` times the sum of all lanes. */
double learner_gradient_norm(const learner *l, double scale);

/* One step of Adam on `scale` times the sum of the lanes; `step` counts from 1. */
void learner_update(learner *l, crew *c, double scale, uint64_t step,
                    double learning_rate);

#endif
