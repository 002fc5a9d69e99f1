#include "train/match.h"
#include "nn/adam.h"
#include "base/status.h"
#include <string.h>

/* What one thread needs. */
typedef struct {
  size_t tile;                      /* rows at a time */
  rows rows;
  float *out_velocity, *out_growth; /* (tile, pad) */
  mlp_tile velocity, growth;
} scratch;

typedef struct {
  const pairs *pairs;
  const match_options *options;
  trainer trainer;
  double *slot_loss; /* (slots, 2) */
  char *thread_space;      /* one scratch a thread */
  size_t thread_bytes;
  double *losses;    /* (to - from, 2) */
  uint64_t from, to, step;
  stop stop;
} match_state;

/* Weights and gradients outgrow the caches before a tile does: where a slot has many
 * rows, large tiles fetch them less often. */
static size_t tile_rows(size_t slots, size_t batch) {
  size_t tiles = (batch + MLP_TILE * slots - 1) / (MLP_TILE * slots);
  return MLP_TILE * (tiles < 4 ? tiles : 4);
}

static void layout_scratch(arena *a, scratch *s, const mlp_shape *velocity,
                           const mlp_shape *growth, size_t slots, size_t batch) {
  size_t d = velocity->outputs, rows = tile_rows(slots, batch);
  s->tile = rows;
  s->rows.input = arena_take(a, rows * (d + 1), sizeof(float));
  s->rows.velocity = arena_take(a, rows * kernel_pad(d), sizeof(float));
  s->rows.growth = arena_take(a, rows, sizeof(float));
  s->rows.weight = arena_take(a, rows, sizeof(float));
  s->rows.growth_weight = arena_take(a, rows, sizeof(float));
  s->rows.noise = arena_take(a, pairs_noise(d), sizeof(float));
  s->out_velocity = arena_take(a, rows * kernel_pad(d), sizeof(float));
  s->out_growth = arena_take(a, rows * kernel_pad(1), sizeof(float));
  mlp_tile_layout(a, &s->velocity, velocity, rows);
  mlp_tile_layout(a, &s->growth, growth, rows);
}

size_t match_scratch(const mlp_shape *velocity, const mlp_shape *growth, size_t slots,
                     size_t batch) {
  arena a = {0};
  scratch s;
  layout_scratch(&a, &s, velocity, growth, slots, batch);
  return arena_size(&a);
}

static void layout(arena *a, match_state *m, const mlp_shape *velocity,
                   const mlp_shape *growth, const match_options *options) {
  size_t tiles = (options->batch + MLP_TILE - 1) / MLP_TILE;
  size_t slots = trainer_slots(velocity, growth, tiles);
  trainer_layout(a, &m->trainer, velocity, growth, slots);
  m->thread_bytes = match_scratch(velocity, growth, slots, options->batch);
  m->slot_loss = arena_take(a, 2 * m->trainer.slots, sizeof(double));
  m->thread_space = arena_take(a, (size_t)options->threads, m->thread_bytes);
}

size_t match_workspace(const head *velocity, const head *growth,
                       const match_options *options) {
  arena a = {0};
  match_state m;
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

/* Forward, loss and backward of one network on one tile; the gradient goes to `slot`. */
static double learn_tile(packed_network *net, mlp_tile *tile, float *out, const rows *in,
                         size_t ldx, const float *want, size_t ldw, const float *weight,
                         double scale, size_t rows, size_t slot) {
  const mlp_shape *shape = net->shape;
  size_t pad = kernel_pad(shape->outputs);
  mlp_forward(out, tile, in->input, ldx, rows, net->weights, shape);
  double loss = squared_error(out, pad, want, ldw, weight, (float)scale, rows,
                              shape->outputs);
  mlp_backward(net->grad + slot * net->packed, NULL, out, tile, in->input, ldx, rows,
               net->transposed, shape);
  return loss;
}

void match_slot(double loss[2], trainer *l, size_t slot, const pairs *b, size_t batch,
                rng_key key, uint64_t step, double scale, void *space, size_t bytes,
                stop *halt, int rank) {
  scratch s;
  arena a = arena_over(space, bytes);
  layout_scratch(&a, &s, l->velocity.shape, l->growth.shape, l->slots, batch);
  loss[0] = loss[1] = 0;
  for (size_t at = slot * s.tile; at < batch; at += l->slots * s.tile) {
    size_t rows = batch - at < s.tile ? batch - at : s.tile;
    if (stop_asked(halt, rank)) return;
    pairs_draw(&s.rows, b, key, step, at, rows);
    loss[0] += learn_tile(&l->velocity, &s.velocity, s.out_velocity, &s.rows,
                          b->d + 1, s.rows.velocity, kernel_pad(b->d), s.rows.weight,
                          scale, rows, slot);
    if (stop_asked(halt, rank)) return; /* half a tile of a wide network takes a second */
    loss[1] += learn_tile(&l->growth, &s.growth, s.out_growth, &s.rows, b->d + 1,
                          s.rows.growth, 1, s.rows.growth_weight, scale, rows, slot);
  }
}

static void run_slot(void *context, size_t slot, int rank) {
  match_state *m = context;
  const match_options *o = m->options;
  trainer_clear_slot(&m->trainer, slot);
  match_slot(m->slot_loss + 2 * slot, &m->trainer, slot, m->pairs, o->batch, o->key,
             m->step, 1, m->thread_space + (size_t)rank * m->thread_bytes, m->thread_bytes, &m->stop, rank);
}

static void collect_losses(match_state *m) {
  double *loss = m->losses + 2 * (m->step - m->from);
  loss[0] = loss[1] = 0;
  for (size_t slot = 0; slot < m->trainer.slots; slot++)
    for (size_t i = 0; i < 2; i++) loss[i] += m->slot_loss[2 * slot + i];
  loss[0] /= (double)(m->options->batch * m->pairs->d);
  loss[1] /= (double)m->options->batch;
}

static void run_steps(team *c, void *context) {
  match_state *m = context;
  const match_options *o = m->options;
  for (m->step = m->from; m->step < m->to; m->step++) {
    team_for(c, m->trainer.slots, run_slot, m);
    if (stop_asked(&m->stop, 0)) return;
    collect_losses(m);
    double rate = cosine_rate(m->step, o->total_steps, o->learning_rate, o->rate_floor);
    trainer_update(&m->trainer, c, 1.0 / (double)o->batch, m->step + 1, rate);
  }
}

static int check(const mlp_shape *velocity, const mlp_shape *growth, const pairs *b,
                 const match_options *options) {
  if (trainer_check(velocity, growth, b->d) || b->intervals == 0 ||
      options->batch == 0 || options->threads < 1)
    return STATUS_BAD_ARGUMENT;
  return STATUS_OK;
}

int match_run(head *velocity, head *growth, double *losses, uint64_t from,
              uint64_t steps, const pairs *b, const match_options *options,
              void *workspace, size_t workspace_bytes) {
  int status = check(&velocity->shape, &growth->shape, b, options);
  if (status != STATUS_OK) return status;
  match_state m = {.pairs = b, .options = options, .losses = losses, .from = from,
               .to = from + steps,
               .stop = {.interrupted = options->interrupted,
                        .data = options->interrupted_data}};
  arena a = arena_over(workspace, workspace_bytes);
  layout(&a, &m, &velocity->shape, &growth->shape, options);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  m.trainer.lowest = 1;
  trainer_load(&m.trainer, velocity, growth);
  team_run(trainer_threads(&m.trainer, options->threads), run_steps, &m);
  if (m.stop.stopped) return STATUS_INTERRUPTED;
  trainer_store(velocity, growth, &m.trainer);
  return STATUS_OK;
}
