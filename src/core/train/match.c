#include "train/match.h"
#include "nn/adam.h"
#include "nn/potential.h"
#include "base/status.h"
#include <string.h>

/* What one thread needs. */
typedef struct {
  size_t tile;            /* rows at a time */
  rows rows;
  float *out[HEADS_MOST]; /* (tile, pad(outputs)) */
  mlp_tile net[HEADS_MOST];
  potential_tile potential; /* in place of `out` and `net` of such a head */
  float *direction, *want;  /* (tile, d + 1), (tile): of the equation of a potential */
  void *draw;             /* scratch of the row source */
} scratch;

typedef struct {
  const row_source *source;
  const match_options *options;
  trainer trainer;
  double *slot_loss;  /* (slots, heads) */
  char *thread_space; /* one scratch a thread */
  size_t thread_bytes;
  double *losses;     /* (to - from, heads) */
  uint64_t from, to, step;
  stop stop;
} match_state;

/* Weights and gradients outgrow the caches before a tile does: where a slot has many
 * rows, large tiles fetch them less often. */
static size_t tile_rows(size_t slots, size_t batch) {
  size_t tiles = (batch + MLP_TILE * slots - 1) / (MLP_TILE * slots);
  return MLP_TILE * (tiles < 4 ? tiles : 4);
}

static void layout_scratch(arena *a, scratch *s, const heads *h, size_t slots,
                           size_t batch, const row_source *source) {
  size_t tile = s->tile = tile_rows(slots, batch);
  s->rows.input = arena_take(a, tile * (h->d + 1), sizeof(float));
  for (size_t i = 0; i < h->count; i++) {
    const mlp_shape *shape = &h->head[i].shape;
    size_t values = tile * kernel_pad(head_values(h->head + i, h->d));
    s->rows.target[i] = arena_take(a, values, sizeof(float));
    s->rows.weight[i] = arena_take(a, tile, sizeof(float));
    if (h->head[i].kind == HEAD_POTENTIAL) {
      potential_layout(a, &s->potential, shape, tile, 1);
      s->direction = arena_take(a, tile * (h->d + 1), sizeof(float));
      s->want = arena_take(a, tile, sizeof(float));
      continue;
    }
    s->out[i] = arena_take(a, values, sizeof(float));
    mlp_tile_layout(a, &s->net[i], shape, tile);
  }
  s->draw = arena_take(a, source->scratch, 1);
}

size_t match_scratch(const heads *h, size_t slots, size_t batch,
                     const row_source *source) {
  arena a = {0};
  scratch s;
  layout_scratch(&a, &s, h, slots, batch, source);
  return arena_size(&a);
}

static void layout(arena *a, match_state *m, const heads *h, const row_source *source,
                   const match_options *options) {
  size_t tiles = (options->batch + MLP_TILE - 1) / MLP_TILE;
  size_t slots = trainer_slots(h, tiles);
  trainer_layout(a, &m->trainer, h, slots);
  m->thread_bytes = match_scratch(h, slots, options->batch, source);
  m->slot_loss = arena_take(a, h->count * slots, sizeof(double));
  m->thread_space = arena_take(a, (size_t)options->threads, m->thread_bytes);
}

size_t match_workspace(const heads *h, const row_source *source,
                       const match_options *options) {
  arena a = {0};
  match_state m;
  layout(&a, &m, h, source, options);
  return arena_size(&a);
}

/* Turns out (rows, pad) into the gradient of scale * weight * |out - want|^2 and returns
 * that loss without the scale; of out and want (rows, pad(columns)), so many columns are
 * used. */
static double squared_error(float *out, size_t pad, const float *want,
                            const float *weight, float scale, size_t count,
                            size_t columns) {
  const kernels *k = kernels_get();
  size_t pad_want = kernel_pad(columns);
  double loss = 0;
  for (size_t r = 0; r < count; r++)
    loss += (double)weight[r] * k->squared_error(out + r * pad, want + r * pad_want,
                                                 2 * scale * weight[r], columns);
  return loss;
}

/* The score is the gradient by the place alone: that by the time is no part of it. */
static double learn_potential(trainer *t, size_t place, scratch *s, size_t count,
                              double scale, size_t slot) {
  packed_network *net = t->net + place;
  const mlp_shape *shape = &net->head->shape;
  size_t d = t->heads->d, pad = kernel_pad(shape->inputs);
  float *score = s->potential.vector;
  potential_forward(&s->potential, s->rows.input, d + 1, count, net->weights,
                    net->transposed, shape);
  double loss = squared_error(score, pad, s->rows.target[place], s->rows.weight[place],
                              (float)scale, count, d);
  for (size_t r = 0; r < count; r++) score[r * pad + d] = 0;
  potential_backward(net->grad + slot * net->packed, &s->potential, s->rows.input, d + 1,
                     count, net->weights, net->transposed, shape);
  return loss;
}

/* The same of the rows of the equation, which take the place of those of the source. */
static double learn_equation(trainer *t, size_t place, scratch *s, const continuity *e,
                             rng_key key, uint64_t step, size_t first, size_t count,
                             double scale, size_t slot) {
  packed_network *net = t->net + place;
  continuity_draw(s->rows.input, s->direction, s->want, e, key, step, first, count);
  return e->weight * potential_along(net->grad + slot * net->packed, &s->potential,
                                     s->rows.input, s->direction, s->want,
                                     scale * e->weight, count, net->weights,
                                     net->transposed, &net->head->shape);
}

/* Forward, loss and backward of one head on one tile; the gradient goes to `slot`. */
static double learn_tile(trainer *t, size_t place, scratch *s, size_t count,
                         double scale, size_t slot) {
  packed_network *net = t->net + place;
  const mlp_shape *shape = &net->head->shape;
  if (net->head->kind == HEAD_POTENTIAL)
    return learn_potential(t, place, s, count, scale, slot);
  mlp_tile *tile = s->net + place;
  float *out = s->out[place];
  mlp_forward(out, tile, s->rows.input, t->heads->d + 1, count, net->weights, shape);
  double loss = squared_error(out, kernel_pad(shape->outputs), s->rows.target[place],
                              s->rows.weight[place], (float)scale, count,
                              shape->outputs);
  mlp_backward(net->grad + slot * net->packed, NULL, out, tile, s->rows.input,
               t->heads->d + 1, count, net->transposed, shape);
  return loss;
}

void match_slot(double *loss, trainer *t, size_t slot, const row_source *source,
                const continuity *equation, size_t batch, rng_key key, uint64_t step,
                double scale, void *space, size_t bytes, stop *halt, int rank) {
  const heads *h = t->heads;
  scratch s;
  arena a = arena_over(space, bytes);
  layout_scratch(&a, &s, h, t->slots, batch, source);
  for (size_t i = 0; i < h->count; i++) loss[i] = 0;
  for (size_t at = slot * s.tile; at < batch; at += t->slots * s.tile) {
    size_t count = batch - at < s.tile ? batch - at : s.tile;
    if (stop_asked(halt, rank)) return;
    source->draw(&s.rows, source, key, step, at, count, s.draw);
    for (size_t i = 0; i < h->count; i++) {
      /* Half a tile of a wide network takes a second. */
      if (i > 0 && stop_asked(halt, rank)) return;
      loss[i] += learn_tile(t, i, &s, count, scale, slot);
    }
    size_t last = h->count - 1;
    if (equation)
      loss[last] += learn_equation(t, last, &s, equation, key, step, at, count, scale,
                                   slot);
  }
}

static void run_slot(void *context, size_t slot, int rank) {
  match_state *m = context;
  const match_options *o = m->options;
  double *loss = m->slot_loss + m->trainer.heads->count * slot;
  void *space = m->thread_space + (size_t)rank * m->thread_bytes;
  trainer_clear_slot(&m->trainer, slot);
  match_slot(loss, &m->trainer, slot, m->source, o->equation, o->batch, o->key, m->step,
             1, space, m->thread_bytes, &m->stop, rank);
}

static void collect_losses(match_state *m) {
  const heads *h = m->trainer.heads;
  double *loss = m->losses + h->count * (m->step - m->from);
  for (size_t i = 0; i < h->count; i++) {
    loss[i] = 0;
    for (size_t slot = 0; slot < m->trainer.slots; slot++)
      loss[i] += m->slot_loss[h->count * slot + i];
    loss[i] /= (double)(m->options->batch * head_values(h->head + i, h->d));
  }
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

int match_run(heads *h, double *losses, uint64_t from, uint64_t steps,
              const row_source *source, const match_options *options, void *workspace,
              size_t workspace_bytes) {
  if (heads_check(h) || options->batch == 0 || options->threads < 1)
    return STATUS_BAD_ARGUMENT;
  if (options->equation && (h->count != 1 || h->head->kind != HEAD_POTENTIAL ||
                            options->equation->d != h->d ||
                            options->equation->records == 0))
    return STATUS_BAD_ARGUMENT;
  match_state m = {.source = source, .options = options, .losses = losses, .from = from,
                   .to = from + steps,
                   .stop = {.interrupted = options->interrupted,
                            .data = options->interrupted_data}};
  arena a = arena_over(workspace, workspace_bytes);
  layout(&a, &m, h, source, options);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  m.trainer.lowest = heads_find(h, HEAD_POTENTIAL) ? 0 : 1;
  trainer_load(&m.trainer);
  team_run(trainer_threads(&m.trainer, options->threads), run_steps, &m);
  if (m.stop.stopped) return STATUS_INTERRUPTED;
  trainer_store(&m.trainer);
  return STATUS_OK;
}
