#include "nn/trainer.h"
#include "nn/adam.h"
#include "base/status.h"
#include <math.h>
#include <string.h>

#define SLOTS ((size_t)8)
#define SLOT_FLOATS ((size_t)1 << 22) /* all gradients together, at least two slots */
#define CHUNK ((size_t)4096)          /* parameters updated at a time */

size_t trainer_slots(const heads *h, size_t tiles) {
  size_t fit = SLOT_FLOATS / heads_packed(h);
  size_t slots = fit < 2 ? 2 : fit < SLOTS ? fit : SLOTS;
  return slots < tiles ? slots : tiles;
}

static void layout_network(arena *a, packed_network *net, const head *h, size_t slots) {
  net->head = h;
  net->packed = mlp_packed(&h->shape);
  net->weights = arena_take(a, net->packed, sizeof(float));
  net->first = arena_take(a, net->packed, sizeof(float));
  net->second = arena_take(a, net->packed, sizeof(float));
  net->transposed = arena_take(a, mlp_transposed(&h->shape), sizeof(float));
  net->grad = arena_take(a, slots * net->packed, sizeof(float));
}

void trainer_layout(arena *a, trainer *t, const heads *h, size_t slots) {
  t->heads = h;
  t->slots = slots;
  t->lowest = 0;
  for (size_t i = 0; i < h->count; i++)
    layout_network(a, t->net + i, h->head + i, slots);
}

packed_network *trainer_find(trainer *t, head_kind kind) {
  for (size_t i = 0; i < t->heads->count; i++)
    if (t->net[i].head->kind == kind) return t->net + i;
  return NULL;
}

void trainer_load(trainer *t) {
  for (packed_network *net = t->net; net < t->net + t->heads->count; net++) {
    const head *h = net->head;
    mlp_pack(net->weights, h->weights, &h->shape);
    mlp_pack(net->first, h->first, &h->shape);
    mlp_pack(net->second, h->second, &h->shape);
    mlp_transpose(net->transposed, net->weights, &h->shape);
  }
}

void trainer_store(const trainer *t) {
  for (const packed_network *net = t->net; net < t->net + t->heads->count; net++) {
    const head *h = net->head;
    mlp_unpack(h->weights, net->weights, &h->shape);
    mlp_unpack(h->first, net->first, &h->shape);
    mlp_unpack(h->second, net->second, &h->shape);
  }
}

void trainer_clear_slot(trainer *t, size_t slot) {
  for (packed_network *net = t->net; net < t->net + t->heads->count; net++)
    memset(net->grad + slot * net->packed, 0, net->packed * sizeof(float));
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

double trainer_gradient_norm(const trainer *t, double scale) {
  double total = 0;
  for (size_t i = 0; i < t->heads->count; i++) total += square_norm(t->net + i, t->slots);
  return scale * sqrt(total);
}

/* Pieces that one network's parameters are updated in, and those of all. */
static size_t count_chunks(const packed_network *net) {
  return (net->packed + CHUNK - 1) / CHUNK;
}

static size_t all_chunks(const trainer *t) {
  size_t sum = 0;
  for (size_t i = 0; i < t->heads->count; i++) sum += count_chunks(t->net + i);
  return sum;
}

int trainer_threads(const trainer *t, int threads) {
  size_t chunks = all_chunks(t), most = t->slots > chunks ? t->slots : chunks;
  return (size_t)threads < most ? threads : (int)most;
}

typedef struct {
  trainer *trainer;
  double scale, learning_rate;
  uint64_t step;
} update;

/* One chunk of the parameters of all networks, in the order of the heads. */
static void update_chunk(void *context, size_t chunk, int rank) {
  const update *u = context;
  packed_network *net = u->trainer->net;
  for (; chunk >= count_chunks(net); net++) chunk -= count_chunks(net);
  size_t from = chunk * CHUNK;
  size_t count = net->packed - from < CHUNK ? net->packed - from : CHUNK;
  (void)rank;
  adam_update(net->weights + from, net->first + from, net->second + from,
              net->grad + from, u->trainer->slots, net->packed, count, u->scale, u->step,
              u->learning_rate);
}

static size_t count_layers(const trainer *t, const packed_network *net) {
  return mlp_layers(&net->head->shape) - t->lowest;
}

/* One layer of all networks, in the order of the heads. */
static void transpose_layer(void *context, size_t layer, int rank) {
  const trainer *t = context;
  const packed_network *net = t->net;
  for (; layer >= count_layers(t, net); net++) layer -= count_layers(t, net);
  (void)rank;
  mlp_transpose_layer(net->transposed, net->weights, &net->head->shape,
                      t->lowest + layer);
}

void trainer_update(trainer *t, team *by, double scale, uint64_t step,
                    double learning_rate) {
  update u = {t, scale, learning_rate, step};
  size_t layers = 0;
  for (size_t i = 0; i < t->heads->count; i++) layers += count_layers(t, t->net + i);
  team_for(by, all_chunks(t), update_chunk, &u);
  team_for(by, layers, transpose_layer, t);
}
