/* The heads of a model while they are trained together: packed parameters, Adam's
 * moments, and gradients in slots.
 *
 * Work on a batch is dealt to slots, and every slot sums its own gradient. Slots are a
 * matter of the problem's size, not of the threads that happen to work on them, so sums
 * come out the same to the last bit. */
#ifndef VGFM_TRAINER_H
#define VGFM_TRAINER_H

#include "base/arena.h"
#include "base/team.h"
#include "nn/heads.h"

/* A head, packed. */
typedef struct {
  const head *head;
  size_t packed;
  float *weights, *first, *second, *transposed;
  float *grad; /* (slots, packed) */
} packed_network;

typedef struct {
  const heads *heads;
  size_t slots;
  size_t lowest; /* layer from which on updates keep `transposed`: 1 where nobody asks for
                  * the gradient of the inputs */
  packed_network net[HEADS_MOST]; /* in the order of the heads */
} trainer;

/* Slots for work that comes in `tiles` pieces. */
size_t trainer_slots(const heads *h, size_t tiles);

/* Carves for these heads, which must outlive the trainer. */
void trainer_layout(arena *a, trainer *t, const heads *h, size_t slots);

/* The network of a kind; NULL if there is none. */
packed_network *trainer_find(trainer *t, head_kind kind);

/* Of `threads`, those that find work: more than slots and chunks would stand idle. */
int trainer_threads(const trainer *t, int threads);

/* From the heads, and back into them. */
void trainer_load(trainer *t);
void trainer_store(const trainer *t);

void trainer_clear_slot(trainer *t, size_t slot);

/* Norm of `scale` times the sum of all slots. */
double trainer_gradient_norm(const trainer *t, double scale);

/* One step of Adam on `scale` times the sum of the slots; `step` counts from 1. */
void trainer_update(trainer *t, team *by, double scale, uint64_t step,
                    double learning_rate);

#endif
