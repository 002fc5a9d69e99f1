#include "nn/trainer.h"
#include "nn/adam.h"
#include "base/status.h"
#include <math.h>
#include <string.h>

#define SLOTS ((size_t)8)
#define SLOT_FLOATS ((size_t)1 << 22) /* all gradients together, at least two slots */
#define CHUNK ((size_t)4096)          /* parameters updated at a time */

int trainer_check(const mlp_shape *velocity, const mlp_shape *growth, size_t d) {
  if (mlp_check(velocity) || mlp_check(growth) || velocity->inputs != d + 1 ||
      velocity->outputs != d || growth->outputs != 1 ||
      (growth->inputs != d && growth->inputs != d + 1))
    return STATUS_BAD_ARGUMENT;
  return STATUS_OK;
}

size_t trainer_slots(const mlp_shape *velocity, const mlp_shape *growth, size_t tiles) {
  size_t fit = SLOT_FLOATS / (mlp_packed(velocity) + mlp_packed(growth));
  size_t slots = fit < 2 ? 2 : fit < SLOTS ? fit : SLOTS;
  return slots < tiles ? slots : tiles;
}

static void layout_network(arena *a, packed_network *net, const mlp_shape *shape, size_t slots) {
  net->shape = shape;
  net->packed = mlp_packed(shape);
  net->weights = arena_take(a, net->packed, sizeof(float));
  net->first = arena_take(a, net->packed, sizeof(float));
  net->second = arena_take(a, net->packed, sizeof(float));
  net->transposed = arena_take(a, mlp_transposed(shape), sizeof(float));
  net->grad = arena_take(a, slots * net->packed, sizeof(float));
}

void trainer_layout(arena *a, trainer *l, const mlp_shape *velocity,
                    const mlp_shape *growth, size_t slots) {
  l->slots = slots;
  l->lowest = 0;
  layout_network(a, &l->velocity, velocity, slots);
  layout_network(a, &l->growth, growth, slots);
}

static void load(packed_network *net, const head *t) {
  mlp_pack(net->weights, t->weights, &t->shape);
  mlp_pack(net->first, t->first, &t->shape);
  mlp_pack(net->second, t->second, &t->shape);
  mlp_transpose(net->transposed, net->weights, &t->shape);
}

void trainer_load(trainer *l, const head *velocity, const head *growth) {
  load(&l->velocity, velocity);
  load(&l->growth, growth);
}

static void store(head *t, const packed_network *net) {
  mlp_unpack(t->weights, net->weights, &t->shape);
  mlp_unpack(t->first, net->first, &t->shape);
  mlp_unpack(t->second, net->second, &t->shape);
}

void trainer_store(head *velocity, head *growth, const trainer *l) {
  store(velocity, &l->velocity);
  store(growth, &l->growth);
}

static void clear_slot(packed_network *net, size_t slot) {
  memset(net->grad + slot * net->packed, 0, net->packed * sizeof(float));
}

void trainer_clear_slot(trainer *l, size_t slot) {
  clear_slot(&l->velocity, slot);
  clear_slot(&l->growth, slot);
}

static double square_norm(const packed_network *net, size_t slots) {
  double total = 0;
  for (size_t i = 0; i < net->packed; i++) {
    double sum = 0;
    for (size_t slot = 0; slot < slots; slot++) sum += net->grad[slot * net->packed + i];
    total += sum * sum;
  }
  return total;
}

double trainer_gradient_norm(const trainer *l, double scale) {
  return scale * sqrt(square_norm(&l->velocity, l->slots) +
                      square_norm(&l->growth, l->slots));
}

static size_t count_chunks(const packed_network *net) {
  return (net->packed + CHUNK - 1) / CHUNK;
}

int trainer_threads(const trainer *l, int threads) {
  size_t chunks = count_chunks(&l->velocity) + count_chunks(&l->growth);
  size_t most = l->slots > chunks ? l->slots : chunks;
  return (size_t)threads < most ? threads : (int)most;
}

typedef struct {
  trainer *l;
  double scale, learning_rate;
  uint64_t step;
} update;

/* One chunk of the parameters of both networks, velocity's first. */
static void update_chunk(void *context, size_t chunk, int rank) {
  const update *u = context;
  size_t first = count_chunks(&u->l->velocity);
  packed_network *net = chunk < first ? &u->l->velocity : &u->l->growth;
  size_t from = (chunk < first ? chunk : chunk - first) * CHUNK;
  size_t count = net->packed - from < CHUNK ? net->packed - from : CHUNK;
  (void)rank;
  adam_update(net->weights + from, net->first + from, net->second + from,
              net->grad + from, u->l->slots, net->packed, count, u->scale, u->step,
              u->learning_rate);
}

/* One layer of both networks, velocity's first. */
static void transpose_layer(void *context, size_t item, int rank) {
  const trainer *l = context;
  size_t first = mlp_layers(l->velocity.shape) - l->lowest;
  const packed_network *net = item < first ? &l->velocity : &l->growth;
  (void)rank;
  mlp_transpose_layer(net->transposed, net->weights, net->shape,
                      l->lowest + (item < first ? item : item - first));
}

void trainer_update(trainer *l, team *c, double scale, uint64_t step,
                    double learning_rate) {
  update u = {l, scale, learning_rate, step};
  team_for(c, count_chunks(&l->velocity) + count_chunks(&l->growth), update_chunk, &u);
  size_t layers = mlp_layers(l->velocity.shape) + mlp_layers(l->growth.shape);
  team_for(c, layers - 2 * l->lowest, transpose_layer, l);
}
