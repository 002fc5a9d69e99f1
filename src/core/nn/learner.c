#include "nn/learner.h"
#include "nn/adam.h"
#include "base/status.h"
#include <math.h>
#include <string.h>

#define LANES ((size_t)8)
#define LANE_FLOATS ((size_t)1 << 22) /* all gradients together, at least two lanes */
#define CHUNK ((size_t)4096)          /* parameters updated at a time */

int learner_check(const mlp_shape *velocity, const mlp_shape *growth, size_t d) {
  if (mlp_check(velocity) || mlp_check(growth) || velocity->inputs != d + 1 ||
      velocity->outputs != d || growth->outputs != 1 ||
      (growth->inputs != d && growth->inputs != d + 1))
    return STATUS_BAD_ARGUMENT;
  return STATUS_OK;
}

size_t learner_lanes(const mlp_shape *velocity, const mlp_shape *growth, size_t tiles) {
  size_t fit = LANE_FLOATS / (mlp_packed(velocity) + mlp_packed(growth));
  size_t lanes = fit < 2 ? 2 : fit < LANES ? fit : LANES;
  return lanes < tiles ? lanes : tiles;
}

static void layout_network(arena *a, network *net, const mlp_shape *shape, size_t lanes) {
  net->shape = shape;
  net->packed = mlp_packed(shape);
  net->weights = arena_take(a, net->packed, sizeof(float));
  net->first = arena_take(a, net->packed, sizeof(float));
  net->second = arena_take(a, net->packed, sizeof(float));
  net->transposed = arena_take(a, mlp_transposed(shape), sizeof(float));
  net->grad = arena_take(a, lanes * net->packed, sizeof(float));
}

void learner_layout(arena *a, learner *l, const mlp_shape *velocity,
                    const mlp_shape *growth, size_t lanes) {
  l->lanes = lanes;
  l->lowest = 0;
  layout_network(a, &l->velocity, velocity, lanes);
  layout_network(a, &l->growth, growth, lanes);
}

static void load(network *net, const trainee *t) {
  mlp_pack(net->weights, t->weights, &t->shape);
  mlp_pack(net->first, t->first, &t->shape);
  mlp_pack(net->second, t->second, &t->shape);
  mlp_transpose(net->transposed, net->weights, &t->shape);
}

void learner_load(learner *l, const trainee *velocity, const trainee *growth) {
  load(&l->velocity, velocity);
  load(&l->growth, growth);
}

static void store(trainee *t, const network *net) {
  mlp_unpack(t->weights, net->weights, &t->shape);
  mlp_unpack(t->first, net->first, &t->shape);
  mlp_unpack(t->second, net->second, &t->shape);
}

void learner_store(trainee *velocity, trainee *growth, const learner *l) {
  store(velocity, &l->velocity);
  store(growth, &l->growth);
}

static void clear_lane(network *net, size_t lane) {
  memset(net->grad + lane * net->packed, 0, net->packed * sizeof(float));
}

void learner_clear_lane(learner *l, size_t lane) {
  clear_lane(&l->velocity, lane);
  clear_lane(&l->growth, lane);
}

static double square_norm(const network *net, size_t lanes) {
  double total = 0;
  for (size_t i = 0; i < net->packed; i++) {
    double sum = 0;
    for (size_t lane = 0; lane < lanes; lane++) sum += net->grad[lane * net->packed + i];
    total += sum * sum;
  }
  return total;
}

double learner_gradient_norm(const learner *l, double scale) {
  return scale * sqrt(square_norm(&l->velocity, l->lanes) +
                      square_norm(&l->growth, l->lanes));
}

static size_t count_chunks(const network *net) {
  return (net->packed + CHUNK - 1) / CHUNK;
}

int learner_crew(const learner *l, int threads) {
  size_t chunks = count_chunks(&l->velocity) + count_chunks(&l->growth);
  size_t most = l->lanes > chunks ? l->lanes : chunks;
  return (size_t)threads < most ? threads : (int)most;
}

typedef struct {
  learner *l;
  double scale, learning_rate;
  uint64_t step;
} update;

/* One chunk of the parameters of both networks, velocity's first. */
static void update_chunk(void *context, size_t chunk, int rank) {
  const update *u = context;
  size_t first = count_chunks(&u->l->velocity);
  network *net = chunk < first ? &u->l->velocity : &u->l->growth;
  size_t from = (chunk < first ? chunk : chunk - first) * CHUNK;
  size_t count = net->packed - from < CHUNK ? net->packed - from : CHUNK;
  (void)rank;
  adam_update(net->weights + from, net->first + from, net->second + from,
              net->grad + from, u->l->lanes, net->packed, count, u->scale, u->step,
              u->learning_rate);
}

/* One layer of both networks, velocity's first. */
static void transpose_layer(void *context, size_t item, int rank) {
  const learner *l = context;
  size_t first = mlp_layers(l->velocity.shape) - l->lowest;
  const network *net = item < first ? &l->velocity : &l->growth;
  (void)rank;
  mlp_transpose_layer(net->transposed, net->weights, net->shape,
                      l->lowest + (item < first ? item : item - first));
}

void learner_update(learner *l, crew *c, double scale, uint64_t step,
                    double learning_rate) {
  update u = {l, scale, learning_rate, step};
  crew_loop(c, count_chunks(&l->velocity) + count_chunks(&l->growth), update_chunk, &u);
  size_t layers = mlp_layers(l->velocity.shape) + mlp_layers(l->growth.shape);
  crew_loop(c, layers - 2 * l->lowest, transpose_layer, l);
}
