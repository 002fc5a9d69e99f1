#include "match.h"
#include "adam.h"
#include "crew.h"
#include "status.h"
#include <string.h>

/* The batch is cut into tiles, tiles are dealt to lanes, and every lane sums its own
 * gradient. Lanes are a matter of the problem's size, not of the threads that happen to
 * work on them, so sums come out the same to the last bit. */
#define LANES ((size_t)16)
#define LANE_FLOATS ((size_t)1 << 22) /* all gradients together, at least two lanes */
#define CHUNK ((size_t)4096)          /* parameters updated at a time */

/* A network while it is trained, packed. */
typedef struct {
  const mlp_shape *shape;
  size_t packed;
  float *weights, *first, *second, *transposed;
  float *grad; /* (lanes, packed) */
} network;

/* What one thread needs. */
typedef struct {
  bridge_rows rows;
  float *out_velocity, *out_growth; /* (MLP_TILE, pad) */
  mlp_tile velocity, growth;
} scratch;

typedef struct {
  const bridge *bridge;
  const match_options *options;
  network velocity, growth;
  size_t lanes;
  double *lane_loss; /* (lanes, 2) */
  char *shares;      /* one scratch a thread */
  size_t share;
  double *losses;    /* (to - from, 2) */
  uint64_t from, to, step;
} session;

static size_t count_lanes(const mlp_shape *velocity, const mlp_shape *growth,
                          size_t batch) {
  size_t fit = LANE_FLOATS / (mlp_packed(velocity) + mlp_packed(growth));
  size_t lanes = fit < 2 ? 2 : fit < LANES ? fit : LANES;
  size_t tiles = (batch + MLP_TILE - 1) / MLP_TILE;
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

static void layout_scratch(arena *a, scratch *s, const mlp_shape *velocity,
                           const mlp_shape *growth) {
  size_t d = velocity->outputs;
  s->rows.input = arena_take(a, MLP_TILE * (d + 1), sizeof(float));
  s->rows.velocity = arena_take(a, MLP_TILE * kernel_pad(d), sizeof(float));
  s->rows.growth = arena_take(a, MLP_TILE, sizeof(float));
  s->rows.weight = arena_take(a, MLP_TILE, sizeof(float));
  s->rows.noise = arena_take(a, bridge_noise(d), sizeof(float));
  s->out_velocity = arena_take(a, MLP_TILE * kernel_pad(d), sizeof(float));
  s->out_growth = arena_take(a, MLP_TILE * kernel_pad(1), sizeof(float));
  mlp_tile_layout(a, &s->velocity, velocity);
  mlp_tile_layout(a, &s->growth, growth);
}

static void layout(arena *a, session *m, const mlp_shape *velocity,
                   const mlp_shape *growth, const match_options *options) {
  arena one = {0};
  scratch s;
  layout_scratch(&one, &s, velocity, growth);
  m->share = arena_size(&one);
  m->lanes = count_lanes(velocity, growth, options->batch);
  layout_network(a, &m->velocity, velocity, m->lanes);
  layout_network(a, &m->growth, growth, m->lanes);
  m->lane_loss = arena_take(a, 2 * m->lanes, sizeof(double));
  m->shares = arena_take(a, (size_t)options->threads, m->share);
}

size_t match_workspace(const trainee *velocity, const trainee *growth,
                       const match_options *options) {
  arena a = {0};
  session m;
  layout(&a, &m, &velocity->shape, &growth->shape, options);
  return arena_size(&a);
}

/* Turns out (rows, pad) into the gradient of weight * |out - want|^2 and returns that
 * loss; `columns` are used, `ldw` is the stride of want. */
static double squared_error(float *out, size_t pad, const float *want, size_t ldw,
                            const float *weight, size_t rows, size_t columns) {
  double loss = 0;
  for (size_t r = 0; r < rows; r++) {
    float row = 0;
    for (size_t c = 0; c < columns; c++) {
      float miss = out[r * pad + c] - want[r * ldw + c];
      row += miss * miss;
      out[r * pad + c] = 2 * weight[r] * miss;
    }
    loss += (double)weight[r] * row;
  }
  return loss;
}

/* Forward, loss and backward of one network on one tile; the gradient goes to `lane`. */
static double learn_tile(network *net, mlp_tile *tile, float *out, const bridge_rows *in,
                         const float *want, size_t ldw, size_t rows, size_t lane) {
  const mlp_shape *shape = net->shape;
  size_t ldx = shape->inputs, pad = kernel_pad(shape->outputs);
  mlp_forward(out, tile, in->input, ldx, rows, net->weights, shape);
  double loss = squared_error(out, pad, want, ldw, in->weight, rows, shape->outputs);
  mlp_backward(net->grad + lane * net->packed, NULL, out, tile, in->input, ldx, rows,
               net->transposed, shape);
  return loss;
}

static void run_lane(void *context, size_t lane, int rank) {
  session *m = context;
  const match_options *o = m->options;
  arena share = arena_over(m->shares + (size_t)rank * m->share, m->share);
  scratch s;
  layout_scratch(&share, &s, m->velocity.shape, m->growth.shape);
  double *loss = m->lane_loss + 2 * lane;
  loss[0] = loss[1] = 0;
  memset(m->velocity.grad + lane * m->velocity.packed, 0,
         m->velocity.packed * sizeof(float));
  memset(m->growth.grad + lane * m->growth.packed, 0, m->growth.packed * sizeof(float));
  for (size_t at = lane * MLP_TILE; at < o->batch; at += m->lanes * MLP_TILE) {
    size_t rows = o->batch - at < MLP_TILE ? o->batch - at : MLP_TILE;
    bridge_draw(&s.rows, m->bridge, o->key, m->step, at, rows);
    loss[0] += learn_tile(&m->velocity, &s.velocity, s.out_velocity, &s.rows,
                          s.rows.velocity, kernel_pad(m->bridge->d), rows, lane);
    loss[1] += learn_tile(&m->growth, &s.growth, s.out_growth, &s.rows, s.rows.growth, 1,
                          rows, lane);
  }
}

static size_t count_chunks(const network *net) {
  return (net->packed + CHUNK - 1) / CHUNK;
}

/* One chunk of the parameters of both networks, velocity's first. */
static void update_chunk(void *context, size_t chunk, int rank) {
  session *m = context;
  const match_options *o = m->options;
  size_t first = count_chunks(&m->velocity);
  network *net = chunk < first ? &m->velocity : &m->growth;
  size_t from = (chunk < first ? chunk : chunk - first) * CHUNK;
  size_t count = net->packed - from < CHUNK ? net->packed - from : CHUNK;
  double rate = cosine_rate(m->step, o->total_steps, o->learning_rate, o->rate_floor);
  (void)rank;
  adam_update(net->weights + from, net->first + from, net->second + from,
              net->grad + from, m->lanes, net->packed, count, 1.0 / (double)o->batch,
              m->step + 1, rate);
}

static void collect_losses(session *m) {
  double *loss = m->losses + 2 * (m->step - m->from);
  loss[0] = loss[1] = 0;
  for (size_t lane = 0; lane < m->lanes; lane++)
    for (size_t i = 0; i < 2; i++) loss[i] += m->lane_loss[2 * lane + i];
  loss[0] /= (double)(m->options->batch * m->bridge->d);
  loss[1] /= (double)m->options->batch;
}

static void run_steps(crew *c, void *context) {
  session *m = context;
  size_t chunks = count_chunks(&m->velocity) + count_chunks(&m->growth);
  for (m->step = m->from; m->step < m->to; m->step++) {
    crew_loop(c, m->lanes, run_lane, m);
    collect_losses(m);
    crew_loop(c, chunks, update_chunk, m);
    mlp_transpose(m->velocity.transposed, m->velocity.weights, m->velocity.shape);
    mlp_transpose(m->growth.transposed, m->growth.weights, m->growth.shape);
  }
}

static void pack(network *net, const trainee *t) {
  mlp_pack(net->weights, t->weights, &t->shape);
  mlp_pack(net->first, t->first, &t->shape);
  mlp_pack(net->second, t->second, &t->shape);
  mlp_transpose(net->transposed, net->weights, &t->shape);
}

static void unpack(trainee *t, const network *net) {
  mlp_unpack(t->weights, net->weights, &t->shape);
  mlp_unpack(t->first, net->first, &t->shape);
  mlp_unpack(t->second, net->second, &t->shape);
}

static int check(const mlp_shape *velocity, const mlp_shape *growth, const bridge *b,
                 const match_options *options) {
  if (mlp_check(velocity) || mlp_check(growth) || velocity->inputs != b->d + 1 ||
      velocity->outputs != b->d || growth->inputs != b->d + 1 || growth->outputs != 1 ||
      b->intervals == 0 || options->batch == 0 || options->threads < 1)
    return STATUS_BAD_ARGUMENT;
  return STATUS_OK;
}

int match_run(trainee *velocity, trainee *growth, double *losses, uint64_t from,
              uint64_t steps, const bridge *b, const match_options *options,
              void *workspace, size_t workspace_bytes) {
  int status = check(&velocity->shape, &growth->shape, b, options);
  if (status != STATUS_OK) return status;
  session m = {.bridge = b, .options = options, .losses = losses, .from = from,
               .to = from + steps};
  arena a = arena_over(workspace, workspace_bytes);
  layout(&a, &m, &velocity->shape, &growth->shape, options);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  pack(&m.velocity, velocity);
  pack(&m.growth, growth);
  crew_gather(options->threads, run_steps, &m);
  unpack(velocity, &m.velocity);
  unpack(growth, &m.growth);
  return STATUS_OK;
}
