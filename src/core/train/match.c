#include "train/match.h"
#include "nn/adam.h"
#include "base/status.h"
#include <string.h>

/* What one thread needs. */
typedef struct {
  size_t tile;                      /* rows at a time */
  bridge_rows rows;
  float *out_velocity, *out_growth; /* (tile, pad) */
  mlp_tile velocity, growth;
} scratch;

typedef struct {
  const bridge *bridge;
  const match_options *options;
  learner learner;
  double *lane_loss; /* (lanes, 2) */
  char *shares;      /* one scratch a thread */
  size_t share;
  double *losses;    /* (to - from, 2) */
  uint64_t from, to, step;
  stop stop;
} session;

/* Weights and gradients outgrow the caches before a tile does: where a lane has many
 * rows, large tiles fetch them less often. */
static size_t tile_rows(size_t lanes, size_t batch) {
  size_t tiles = (batch + MLP_TILE * lanes - 1) / (MLP_TILE * lanes);
  return MLP_TILE * (tiles < 4 ? tiles : 4);
}

static void layout_scratch(arena *a, scratch *s, const mlp_shape *velocity,
                           const mlp_shape *growth, size_t lanes, size_t batch) {
  size_t d = velocity->outputs, rows = tile_rows(lanes, batch);
  s->tile = rows;
  s->rows.input = arena_take(a, rows * (d + 1), sizeof(float));
  s->rows.velocity = arena_take(a, rows * kernel_pad(d), sizeof(float));
  s->rows.growth = arena_take(a, rows, sizeof(float));
  s->rows.weight = arena_take(a, rows, sizeof(float));
  s->rows.growth_weight = arena_take(a, rows, sizeof(float));
  s->rows.noise = arena_take(a, bridge_noise(d), sizeof(float));
  s->out_velocity = arena_take(a, rows * kernel_pad(d), sizeof(float));
  s->out_growth = arena_take(a, rows * kernel_pad(1), sizeof(float));
  mlp_tile_layout(a, &s->velocity, velocity, rows);
  mlp_tile_layout(a, &s->growth, growth, rows);
}

size_t match_scratch(const mlp_shape *velocity, const mlp_shape *growth, size_t lanes,
                     size_t batch) {
  arena a = {0};
  scratch s;
  layout_scratch(&a, &s, velocity, growth, lanes, batch);
  return arena_size(&a);
}

static void layout(arena *a, session *m, const mlp_shape *velocity,
                   const mlp_shape *growth, const match_options *options) {
  size_t tiles = (options->batch + MLP_TILE - 1) / MLP_TILE;
  size_t lanes = learner_lanes(velocity, growth, tiles);
  learner_layout(a, &m->learner, velocity, growth, lanes);
  m->share = match_scratch(velocity, growth, lanes, options->batch);
  m->lane_loss = arena_take(a, 2 * m->learner.lanes, sizeof(double));
  m->shares = arena_take(a, (size_t)options->threads, m->share);
}

size_t match_workspace(const trainee *velocity, const trainee *growth,
                       const match_options *options) {
  arena a = {0};
  session m;
  layout(&a, &m, &velocity->shape, &growth->shape, options);
  return arena_size(&a);
}

/* Turns out (rows, pad) into the gradient of scale * weight * |out - want|^2 and returns
 * that loss without the scale; `columns` are used, `ldw` is the stride of want. */
static double squared_error(float *out, size_t pad, const float *want, size_t ldw,
                            const float *weight, float scale, size_t rows,
                            size_t columns) {
  const kernels *k = kernels_get();
  double loss = 0;
  for (size_t r = 0; r < rows; r++)
    loss += (double)weight[r] * k->squared_error(out + r * pad, want + r * ldw,
                                                 2 * scale * weight[r], columns);
  return loss;
}

/* Forward, loss and backward of one network on one tile; the gradient goes to `lane`. */
static double learn_tile(network *net, mlp_tile *tile, float *out, const bridge_rows *in,
                         size_t ldx, const float *want, size_t ldw, const float *weight,
                         double scale, size_t rows, size_t lane) {
  const mlp_shape *shape = net->shape;
  size_t pad = kernel_pad(shape->outputs);
  mlp_forward(out, tile, in->input, ldx, rows, net->weights, shape);
  double loss = squared_error(out, pad, want, ldw, weight, (float)scale, rows,
                              shape->outputs);
  mlp_backward(net->grad + lane * net->packed, NULL, out, tile, in->input, ldx, rows,
               net->transposed, shape);
  return loss;
}

void match_lane(double loss[2], learner *l, size_t lane, const bridge *b, size_t batch,
                rng_key key, uint64_t step, double scale, void *space, size_t bytes,
                stop *halt, int rank) {
  scratch s;
  arena a = arena_over(space, bytes);
  layout_scratch(&a, &s, l->velocity.shape, l->growth.shape, l->lanes, batch);
  loss[0] = loss[1] = 0;
  for (size_t at = lane * s.tile; at < batch; at += l->lanes * s.tile) {
    size_t rows = batch - at < s.tile ? batch - at : s.tile;
    if (stop_asked(halt, rank)) return;
    bridge_draw(&s.rows, b, key, step, at, rows);
    loss[0] += learn_tile(&l->velocity, &s.velocity, s.out_velocity, &s.rows,
                          b->d + 1, s.rows.velocity, kernel_pad(b->d), s.rows.weight,
                          scale, rows, lane);
    if (stop_asked(halt, rank)) return; /* half a tile of a wide network takes a second */
    loss[1] += learn_tile(&l->growth, &s.growth, s.out_growth, &s.rows, b->d + 1,
                          s.rows.growth, 1, s.rows.growth_weight, scale, rows, lane);
  }
}

static void run_lane(void *context, size_t lane, int rank) {
  session *m = context;
  const match_options *o = m->options;
  learner_clear_lane(&m->learner, lane);
  match_lane(m->lane_loss + 2 * lane, &m->learner, lane, m->bridge, o->batch, o->key,
             m->step, 1, m->shares + (size_t)rank * m->share, m->share, &m->stop, rank);
}

static void collect_losses(session *m) {
  double *loss = m->losses + 2 * (m->step - m->from);
  loss[0] = loss[1] = 0;
  for (size_t lane = 0; lane < m->learner.lanes; lane++)
    for (size_t i = 0; i < 2; i++) loss[i] += m->lane_loss[2 * lane + i];
  loss[0] /= (double)(m->options->batch * m->bridge->d);
  loss[1] /= (double)m->options->batch;
}

static void run_steps(crew *c, void *context) {
  session *m = context;
  const match_options *o = m->options;
  for (m->step = m->from; m->step < m->to; m->step++) {
    crew_loop(c, m->learner.lanes, run_lane, m);
    if (stop_asked(&m->stop, 0)) return;
    collect_losses(m);
    double rate = cosine_rate(m->step, o->total_steps, o->learning_rate, o->rate_floor);
    learner_update(&m->learner, c, 1.0 / (double)o->batch, m->step + 1, rate);
  }
}

static int check(const mlp_shape *velocity, const mlp_shape *growth, const bridge *b,
                 const match_options *options) {
  if (learner_check(velocity, growth, b->d) || b->intervals == 0 ||
      options->batch == 0 || options->threads < 1)
    return STATUS_BAD_ARGUMENT;
  return STATUS_OK;
}

int match_run(trainee *velocity, trainee *growth, double *losses, uint64_t from,
              uint64_t steps, const bridge *b, const match_options *options,
              void *workspace, size_t workspace_bytes) {
  int status = check(&velocity->shape, &growth->shape, b, options);
  if (status != STATUS_OK) return status;
  session m = {.bridge = b, .options = options, .losses = losses, .from = from,
               .to = from + steps,
               .stop = {.interrupted = options->interrupted,
                        .data = options->interrupted_data}};
  arena a = arena_over(workspace, workspace_bytes);
  layout(&a, &m, &velocity->shape, &growth->shape, options);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  m.learner.lowest = 1;
  learner_load(&m.learner, velocity, growth);
  crew_gather(learner_crew(&m.learner, options->threads), run_steps, &m);
  if (m.stop.stopped) return STATUS_INTERRUPTED;
  learner_store(velocity, growth, &m.learner);
  return STATUS_OK;
}
