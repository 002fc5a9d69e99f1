/* Two networks, velocity and growth, while they are trained together: packed parameters,
 * Adam's moments, and gradients in slots.
 *
 * Work on a batch is dealt to slots, and every slot sums its own gradient. Lanes are a
 * matter of the problem's size, not of the threads that happen to work on them, so sums
 * come out the same to the last bit. */
#ifndef VGFM_TRAINER_H
#define VGFM_TRAINER_H

#include "base/arena.h"
#include "base/team.h"
#include "nn/mlp.h"

/* A network in training as the rest of the world sees it, flat: parameters, and Adam's
 * first and second moments. */
typedef struct {
  mlp_shape shape;
  double *weights, *first, *second; /* (mlp_parameters) each */
} head;

/* The same, packed. */
typedef struct {
  const mlp_shape *shape;
  size_t packed;
  float *weights, *first, *second, *transposed;
  float *grad; /* (slots, packed) */
} packed_network;

typedef struct {
  packed_network velocity, growth;
  size_t slots;
  size_t lowest; /* layer from which on updates keep `transposed`: 1 where nobody asks for
                  * the gradient of the inputs */
} trainer;

/* STATUS_OK if these read cells of d features and their time, and answer with a velocity
 * and a growth rate. the growth network may do without the time: d inputs. */
int trainer_check(const mlp_shape *velocity, const mlp_shape *growth, size_t d);

/* Lanes for work that comes in `tiles` pieces. */
size_t trainer_slots(const mlp_shape *velocity, const mlp_shape *growth, size_t tiles);

/* Carves for heads of these shapes, which must outlive the trainer. */
void trainer_layout(arena *a, trainer *l, const mlp_shape *velocity,
                    const mlp_shape *growth, size_t slots);

/* Of `threads`, those that find work: more than slots and chunks would stand idle. */
int trainer_threads(const trainer *l, int threads);

void trainer_load(trainer *l, const head *velocity, const head *growth);
void trainer_store(head *velocity, head *growth, const trainer *l);

void trainer_clear_slot(trainer *l, size_t slot);

/* Norm of `scale` times the sum of all slots. */
double trainer_gradient_norm(const trainer *l, double scale);

/* One step of Adam on `scale` times the sum of the slots; `step` counts from 1. */
void trainer_update(trainer *l, team *c, double scale, uint64_t step,
                    double learning_rate);

#endif
