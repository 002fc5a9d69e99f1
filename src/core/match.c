#include "match.h"
#include "adam.h"
#include "parallel.h"
#include "status.h"
#include <string.h>

/* The batch is cut into tiles, tiles are dealt to lanes, and every lane sums its own
 * gradient. Lanes are a matter of the problem's size, not of the threads that happen to
 * work on them, so sums come out the same to the last bit. */
#define LANES ((size_t)16)
#define LANE_FLOATS ((size_t)1 << 22) /* all gradients together, at least two lanes */
#define CHUNK ((size_t)4096)          /* parameters a thread updates at a time */

typedef struct {
  float *weights, *first, *second, *transposed; /* packed */
  float *grad;                                  /* (lanes, packed) */
  size_t packed;
} packed_net;

typedef struct {
  bridge_rows rows;
  float *out_velocity, *out_growth; /* (MLP_TILE, pad) */
  mlp_tile velocity, growth;
} scratch;

typedef struct {
  packed_net velocity, growth;
  double *lane_loss; /* (lanes, 2) */
  size_t lanes;
  char *shares;      /* one scratch a thread */
  size_t share;
} layout_t;

static size_t count_lanes(const trainee *velocity, const trainee *growth, size_t batch) {
  size_t floats = mlp_packed(&velocity->shape) + mlp_packed(&growth->shape);
  size_t fit = LANE_FLOATS / floats, tiles = (batch + MLP_TILE - 1) / MLP_TILE;
  size_t lanes = fit < 2 ? 2 : fit < LANES ? fit : LANES;
  return lanes < tiles ? lanes : tiles;
}

static void layout_net(arena *a, packed_net *net, const mlp_shape *s, size_t lanes) {
  net->packed = mlp_packed(s);
  net->weights = arena_take(a, net->packed, sizeof(float));
  net->first = arena_take(a, net->packed, sizeof(float));
  net->second = arena_take(a, net->packed, sizeof(float));
  net->transposed = arena_take(a, mlp_transposed(s), sizeof(float));
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

static void layout(arena *a, layout_t *w, const trainee *velocity, const trainee *growth,
                   const match_options *options) {
  arena one = {0};
  scratch s;
  layout_scratch(&one, &s, &velocity->shape, &growth->shape);
  w->share = arena_size(&one);
  w->lanes = count_lanes(velocity, growth, options->batch);
  layout_net(a, &w->velocity, &velocity->shape, w->lanes);
  layout_net(a, &w->growth, &growth->shape, w->lanes);
  w->lane_loss = arena_take(a, 2 * w->lanes, sizeof(double));
  w->shares = arena_take(a, (size_t)options->threads, w->share);
}

size_t match_workspace(const trainee *velocity, const trainee *growth,
                       const match_options *options) {
  arena a = {0};
  layout_t w;
  layout(&a, &w, velocity, growth, options);
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

/* Forward, loss and backward of one tile, added to lane's gradients and losses. */
static void run_tile(layout_t *w, scratch *s, const bridge *b, size_t lane, size_t first,
                     size_t rows, uint64_t step, const match_options *options,
                     const mlp_shape *velocity, const mlp_shape *growth) {
  size_t d = b->d, pad = kernel_pad(d);
  bridge_rows *in = &s->rows;
  bridge_draw(in, b, options->key, step, first, rows);
  mlp_forward(s->out_velocity, &s->velocity, in->input, d + 1, rows, w->velocity.weights,
              velocity);
  mlp_forward(s->out_growth, &s->growth, in->input, d + 1, rows, w->growth.weights,
              growth);
  w->lane_loss[2 * lane] +=
      squared_error(s->out_velocity, pad, in->velocity, pad, in->weight, rows, d);
  w->lane_loss[2 * lane + 1] += squared_error(s->out_growth, kernel_pad(1), in->growth, 1,
                                              in->weight, rows, 1);
  mlp_backward(w->velocity.grad + lane * w->velocity.packed, NULL, s->out_velocity,
               &s->velocity, in->input, d + 1, rows, w->velocity.transposed, velocity);
  mlp_backward(w->growth.grad + lane * w->growth.packed, NULL, s->out_growth, &s->growth,
               in->input, d + 1, rows, w->growth.transposed, growth);
}

static void run_lane(layout_t *w, const bridge *b, size_t lane, uint64_t step,
                     const match_options *options, const mlp_shape *velocity,
                     const mlp_shape *growth) {
  arena share = arena_over(w->shares + (size_t)parallel_rank() * w->share, w->share);
  scratch s;
  layout_scratch(&share, &s, velocity, growth);
  memset(w->velocity.grad + lane * w->velocity.packed, 0,
         w->velocity.packed * sizeof(float));
  memset(w->growth.grad + lane * w->growth.packed, 0, w->growth.packed * sizeof(float));
  w->lane_loss[2 * lane] = w->lane_loss[2 * lane + 1] = 0;
  for (size_t first = lane * MLP_TILE; first < options->batch;
       first += w->lanes * MLP_TILE) {
    size_t left = options->batch - first, rows = left < MLP_TILE ? left : MLP_TILE;
    run_tile(w, &s, b, lane, first, rows, step, options, velocity, growth);
  }
}

static void update_net(packed_net *net, const mlp_shape *shape, size_t lanes,
                       uint64_t step, double rate, const match_options *options) {
  size_t chunks = (net->packed + CHUNK - 1) / CHUNK;
  PARALLEL_FOR(options->threads)
  for (size_t c = 0; c < chunks; c++) {
    size_t from = c * CHUNK, left = net->packed - from;
    adam_update(net->weights + from, net->first + from, net->second + from,
                net->grad + from, lanes, net->packed, left < CHUNK ? left : CHUNK,
                1.0 / (double)options->batch, step + 1, rate);
  }
  mlp_transpose(net->transposed, net->weights, shape);
}

static void pack(packed_net *net, const trainee *t) {
  mlp_pack(net->weights, t->weights, &t->shape);
  mlp_pack(net->first, t->first, &t->shape);
  mlp_pack(net->second, t->second, &t->shape);
  mlp_transpose(net->transposed, net->weights, &t->shape);
}

static void unpack(trainee *t, const packed_net *net) {
  mlp_unpack(t->weights, net->weights, &t->shape);
  mlp_unpack(t->first, net->first, &t->shape);
  mlp_unpack(t->second, net->second, &t->shape);
}

int match_run(trainee *velocity, trainee *growth, double *losses, uint64_t from,
              uint64_t steps, const bridge *b, const match_options *options,
              void *workspace, size_t workspace_bytes) {
  if (mlp_check(&velocity->shape) || mlp_check(&growth->shape) || options->batch == 0 ||
      options->threads < 1 || b->intervals == 0 || velocity->shape.inputs != b->d + 1 ||
      velocity->shape.outputs != b->d || growth->shape.inputs != b->d + 1 ||
      growth->shape.outputs != 1)
    return STATUS_BAD_ARGUMENT;
  layout_t w;
  arena a = arena_over(workspace, workspace_bytes);
  layout(&a, &w, velocity, growth, options);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;

  pack(&w.velocity, velocity);
  pack(&w.growth, growth);
  for (uint64_t step = from; step < from + steps; step++) {
    PARALLEL_FOR(options->threads)
    for (size_t lane = 0; lane < w.lanes; lane++)
      run_lane(&w, b, lane, step, options, &velocity->shape, &growth->shape);
    double *loss = losses + 2 * (step - from);
    loss[0] = loss[1] = 0;
    for (size_t lane = 0; lane < w.lanes; lane++)
      for (int i = 0; i < 2; i++) loss[i] += w.lane_loss[2 * lane + (size_t)i];
    loss[0] /= (double)(options->batch * b->d);
    loss[1] /= (double)options->batch;
    double rate = cosine_rate(step, options->total_steps, options->learning_rate,
                              options->rate_floor);
    update_net(&w.velocity, &velocity->shape, w.lanes, step, rate, options);
    update_net(&w.growth, &growth->shape, w.lanes, step, rate, options);
  }
  unpack(velocity, &w.velocity);
  unpack(growth, &w.growth);
  return STATUS_OK;
}
