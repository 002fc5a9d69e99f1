#include "train/fit.h"
#include "nn/adam.h"
#include "train/match.h"
#include "train/snapshot_loss.h"
#include "base/status.h"
#include <string.h>

typedef struct {
  const fit_problem *problem;
  const row_source *anchor;
  const fit_options *options;
  trainer trainer;
  rollout roll;
  double *boundary;        /* (boundaries) of this round */
  snapshot_loss *snapshots; /* (times - 1) of the times after the first */
  size_t first, count;     /* cells of the part that is being worked on */
  size_t slots;
  double *anchor_loss;     /* (slots, heads) not reported */
  char *thread_space;
  size_t thread_bytes;
  double *losses;
  uint64_t from, to, round, step; /* round * parts + part */
  int status;
  stop stop;
} fit_state;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static size_t snapshot_size(const fit_problem *p, size_t k) {
  return p->offset[k + 1] - p->offset[k];
}

/* A part is dealt out in at least this many pieces, so that few threads share evenly. */
static const size_t least_pieces = 4;

static size_t part_begin(const fit_state *r, size_t part) {
  return r->roll.n * part / r->options->parts;
}

/* Rows of a tile and number of tiles for `count` cells; no tile is tiny. */
static size_t tile_rows(size_t count) {
  size_t tiles = (count + MLP_TILE - 1) / MLP_TILE;
  size_t small = smaller(least_pieces, (count + 15) / 16);
  if (tiles < small) tiles = small;
  return (count + tiles - 1) / tiles;
}

static size_t count_tiles(size_t count) {
  return (count + tile_rows(count) - 1) / tile_rows(count);
}

/* Cells that sit out a round: none with a single fold. */
static size_t fold_size(const fit_problem *p, const fit_options *o, size_t k) {
  return o->folds == 1 ? 0 : snapshot_size(p, k) / o->folds;
}

static void layout(arena *a, fit_state *r, const heads *h, const fit_problem *p,
                   const row_source *anchor, const fit_options *o) {
  size_t n = smaller(snapshot_size(p, 0), o->most_start);
  size_t tiles = count_tiles((n + o->parts - 1) / o->parts);
  size_t anchor_tiles = anchor ? (o->batch + MLP_TILE - 1) / MLP_TILE : 0;
  r->slots = trainer_slots(h, tiles > anchor_tiles ? tiles : anchor_tiles);
  trainer_layout(a, &r->trainer, h, r->slots);
  r->boundary = arena_take(a, p->boundaries, sizeof(double));
  r->roll = (rollout){.n = n, .d = p->d, .steps = p->boundaries - 1,
                      .times = r->boundary};
  r->roll.path = arena_take(a, p->boundaries * n * (p->d + 1), sizeof(float));
  r->roll.adjoint = arena_take(a, p->boundaries * n * (p->d + 1), sizeof(float));
  r->roll.energy = o->energy > 0 || o->energy_growth > 0;
  if (r->roll.energy) {
    r->roll.cost = arena_take(a, p->boundaries * n * COSTS, sizeof(float));
    r->roll.cost_adjoint = arena_take(a, p->boundaries * n * COSTS, sizeof(float));
  }
  r->anchor_loss = arena_take(a, h->count * r->slots, sizeof(double));
  r->snapshots = arena_take(a, p->times - 1, sizeof(snapshot_loss));
  for (size_t k = 1; k < p->times; k++) {
    snapshot_loss s, *at = r->snapshots ? r->snapshots + k - 1 : &s;
    size_t held_out = fold_size(p, o, k), others = snapshot_size(p, k) - held_out;
    snapshot_loss_layout(a, at, n, smaller(others, o->most_target),
                         smaller(held_out, o->most_target / o->folds), p->d);
    at->observed_mass = p->mass[k];
  }
  size_t match = anchor ? match_scratch(h, r->slots, o->batch, anchor) : 0;
  size_t tile = rollout_tile_bytes(h, 0);
  r->thread_bytes = match > tile ? match : tile;
  r->thread_space = arena_take(a, (size_t)o->threads, r->thread_bytes);
}

size_t fit_workspace(const heads *h, const fit_problem *problem, const row_source *anchor,
                     const fit_options *options) {
  arena a = {0};
  fit_state r;
  layout(&a, &r, h, problem, anchor, options);
  return arena_size(&a);
}

/* Near the golden part of `size`, without a common divisor: its multiples visit all. */
static size_t golden_stride(size_t size) {
  size_t stride = (size_t)(0.6180339887498949 * (double)size);
  for (;; stride++) {
    size_t a = size, b = stride;
    while (b > 0) {
      size_t rest = a % b;
      a = b;
      b = rest;
    }
    if (a == 1) return stride;
  }
}

/* Cells of a snapshot in an order in which any stretch is spread evenly over it: first
 * those of this round's fold, who judge, then the others, beginning where an earlier
 * round left off if only some of them step. */
typedef struct {
  const double *cells;
  size_t d, size, stride, held_out, fold, begin;
} deck;

static deck deal(const fit_state *r, size_t snapshot, size_t used, size_t held_out) {
  const fit_problem *p = r->problem;
  size_t size = snapshot_size(p, snapshot), folds = r->options->folds;
  size_t turn = (size_t)(r->round / folds);
  return (deck){.cells = p->cells + p->offset[snapshot] * p->d,
                .d = p->d,
                .size = size,
                .stride = golden_stride(size),
                .held_out = held_out,
                .fold = (size_t)(r->round % folds) * held_out,
                .begin = turn % size * (used % (size - held_out)) % (size - held_out)};
}

static const double *at_place(const deck *d, size_t place) {
  return d->cells + place % d->size * d->stride % d->size * d->d;
}

static const double *held_out_cell(const deck *d, size_t i) {
  return at_place(d, d->fold + i);
}

static const double *stepper(const deck *d, size_t i) {
  return at_place(d, d->fold + d->held_out + (d->begin + i) % (d->size - d->held_out));
}

static void draw_cells(fit_state *r) {
  size_t d = r->problem->d, n = r->roll.n;
  deck first = deal(r, 0, n, 0);
  for (size_t i = 0; i < n; i++) {
    const double *x = stepper(&first, i);
    float *to = r->roll.path + i * (d + 1);
    for (size_t c = 0; c < d; c++) to[c] = (float)x[c];
    to[d] = 0;
  }
  for (size_t k = 1; k < r->problem->times; k++) {
    snapshot_loss *s = r->snapshots + k - 1;
    deck later = deal(r, k, s->m, fold_size(r->problem, r->options, k));
    for (size_t j = 0; j < s->m; j++)
      memcpy(s->target + j * d, stepper(&later, j), d * sizeof(double));
    for (size_t j = 0; j < s->held_out; j++)
      memcpy(s->target + (s->m + j) * d, held_out_cell(&later, j), d * sizeof(double));
  }
}

/* All boundaries between observed times move by up to a quarter of a step, together: the
 * fields shall fit no one grid, but the flow. */
static void shift_boundaries(fit_state *r) {
  const fit_problem *p = r->problem;
  const uint32_t low = (uint32_t)r->round, high = (uint32_t)(r->round >> 32);
  const uint32_t counter[4] = {0, low, high, RNG_PICK};
  uint32_t word[4];
  rng_philox(word, counter, r->options->key);
  double shift = 0.5 * (rng_uniform(word[0]) - 0.5);
  memcpy(r->boundary, p->boundary, p->boundaries * sizeof(double));
  for (size_t k = 0; k + 1 < p->times; k++)
    for (size_t b = p->observed_step[k] + 1; b < p->observed_step[k + 1]; b++)
      r->boundary[b] += shift * (p->boundary[b + 1] - p->boundary[b]);
}

static const float *states(const fit_state *r, size_t item) {
  return r->roll.path + r->problem->observed_step[item + 1] * r->roll.n * (r->roll.d + 1);
}

/* Where a tile of the part begins, and its rows. */
static size_t tile_begin(const fit_state *r, size_t tile) {
  return r->first + tile * tile_rows(r->count);
}

static size_t rows_at(const fit_state *r, size_t begin) {
  return smaller(r->first + r->count - begin, tile_rows(r->count));
}

static void forward_tile(void *context, size_t tile, int rank) {
  fit_state *r = context;
  size_t begin = tile_begin(r, tile);
  if (stop_asked(&r->stop, rank)) return;
  rollout_forward(&r->roll, begin, rows_at(r, begin), &r->trainer,
                  r->thread_space + (size_t)rank * r->thread_bytes, r->thread_bytes);
}

static void plan_item(void *context, size_t item, int rank) {
  fit_state *r = context;
  snapshot_loss_plan(r->snapshots + item, states(r, item), &r->stop, rank);
}

static void adjoint_item(void *context, size_t item, int rank) {
  fit_state *r = context;
  size_t dim = r->roll.d + 1;
  size_t step = r->problem->observed_step[item + 1];
  float *adjoint = r->roll.adjoint + step * r->roll.n * dim;
  (void)rank;
  snapshot_loss_adjoint(r->snapshots + item, adjoint, states(r, item), r->first,
                        r->count, 1 / (double)(r->problem->times - 1),
                        r->options->mass_weight);
}

/* Energies count at the end of the part's cells, which speak for all. */
static void energy_adjoint(fit_state *r) {
  const rollout *roll = &r->roll;
  const fit_options *o = r->options;
  if (!roll->energy) return;
  memset(roll->cost_adjoint, 0, (roll->steps + 1) * roll->n * COSTS * sizeof(float));
  for (size_t i = r->first; i < r->first + r->count; i++) {
    float *by = roll->cost_adjoint + (roll->steps * roll->n + i) * COSTS;
    by[COST_ENERGY] = (float)(o->energy / (double)r->count);
    by[COST_GROWTH_ENERGY] = (float)(o->energy_growth / (double)r->count);
  }
}

static void run_slot(void *context, size_t slot, int rank) {
  fit_state *r = context;
  const fit_options *o = r->options;
  void *space = r->thread_space + (size_t)rank * r->thread_bytes;
  trainer_clear_slot(&r->trainer, slot);
  for (size_t tile = slot; tile < count_tiles(r->count); tile += r->slots) {
    size_t begin = tile_begin(r, tile);
    if (stop_asked(&r->stop, rank)) return;
    rollout_backward(&r->roll, begin, rows_at(r, begin), &r->trainer, slot,
                     space, r->thread_bytes);
  }
  if (o->anchor > 0)
    match_slot(r->anchor_loss + r->trainer.heads->count * slot, &r->trainer, slot,
               r->anchor, NULL, o->batch, o->key, r->step, o->anchor / (double)o->batch,
               space, r->thread_bytes, &r->stop, rank);
}

static void collect(fit_state *r) {
  size_t later = r->problem->times - 1;
  double *loss = r->losses + 2 * (r->round - r->from);
  loss[0] = loss[1] = 0;
  for (size_t k = 0; k < later; k++) {
    const snapshot_loss *s = r->snapshots + k;
    if (s->status != STATUS_OK) r->status = s->status;
    loss[0] += s->distance / (double)later;
    loss[1] += s->mass_error / (double)later;
  }
}

/* One step of Adam from the cells of a part, which have been rolled out. */
static void update(fit_state *r, team *c) {
  const fit_options *o = r->options;
  size_t floats = (r->roll.steps + 1) * r->roll.n * (r->roll.d + 1);
  memset(r->roll.adjoint, 0, floats * sizeof(float));
  team_for(c, r->problem->times - 1, adjoint_item, r);
  energy_adjoint(r);
  team_for(c, r->slots, run_slot, r);
  if (stop_asked(&r->stop, 0)) return;
  double norm = trainer_gradient_norm(&r->trainer, 1);
  double scale = norm > o->clip ? o->clip / norm : 1;
  double rate = cosine_rate(r->round, o->total_rounds, o->learning_rate, o->rate_floor);
  if (r->step < o->warm_up) rate *= (double)(r->step + 1) / (double)o->warm_up;
  trainer_update(&r->trainer, c, scale, r->step + 1, rate);
}

static void choose_cells(fit_state *r, size_t first, size_t end) {
  r->first = first;
  r->count = end - first;
}

static void roll_out(fit_state *r, team *c) {
  team_for(c, count_tiles(r->count), forward_tile, r);
}

static void run_rounds(team *c, void *context) {
  fit_state *r = context;
  const size_t parts = r->options->parts;
  for (r->round = r->from; r->round < r->to; r->round++) {
    draw_cells(r);
    shift_boundaries(r);
    choose_cells(r, 0, r->roll.n);
    roll_out(r, c);
    team_for(c, r->problem->times - 1, plan_item, r);
    if (stop_asked(&r->stop, 0)) return;
    collect(r);
    if (r->status != STATUS_OK) return;
    for (size_t part = 0; part < parts; part++) {
      r->step = r->round * parts + part;
      choose_cells(r, part_begin(r, part), part_begin(r, part + 1));
      if (part > 0) roll_out(r, c); /* the first one stands as it was for the plan */
      update(r, c);
      if (r->stop.stopped) return;
    }
  }
}

static int check(const heads *h, const fit_problem *p, const row_source *anchor,
                 const fit_options *o) {
  if (heads_check(h) || h->d != p->d || !heads_find(h, HEAD_GROWTH) || p->times < 2 ||
      p->boundaries < p->times || o->most_start == 0 || (o->anchor > 0 && !anchor) ||
      o->most_target == 0 || o->threads < 1 || o->batch == 0 || o->parts == 0 ||
      o->folds == 0 || !(o->energy >= 0) || !(o->energy_growth >= 0) ||
      o->parts > smaller(snapshot_size(p, 0), o->most_start))
    return STATUS_BAD_ARGUMENT;
  for (size_t k = 0; k < p->times; k++)
    if (snapshot_size(p, k) == 0 || p->observed_step[k] >= p->boundaries)
      return STATUS_BAD_SIZE;
  return STATUS_OK;
}

int fit_run(heads *h, double *losses, uint64_t from, uint64_t rounds,
            const fit_problem *problem, const row_source *anchor,
            const fit_options *options, void *workspace, size_t workspace_bytes) {
  int status = check(h, problem, anchor, options);
  if (status != STATUS_OK) return status;
  fit_state r = {.problem = problem, .anchor = anchor, .options = options,
                 .losses = losses, .from = from, .to = from + rounds,
                 .stop = {.interrupted = options->interrupted,
                          .data = options->interrupted_data}};
  arena a = arena_over(workspace, workspace_bytes);
  layout(&a, &r, h, problem, anchor, options);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  trainer_load(&r.trainer);
  team_run(trainer_threads(&r.trainer, options->threads), run_rounds, &r);
  if (r.stop.stopped) return STATUS_INTERRUPTED;
  if (r.status == STATUS_OK) trainer_store(&r.trainer);
  return r.status;
}
