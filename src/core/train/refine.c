#include "train/refine.h"
#include "nn/adam.h"
#include "train/match.h"
#include "train/station.h"
#include "base/status.h"
#include <string.h>

typedef struct {
  const refine_problem *problem;
  const refine_options *options;
  learner learner;
  rollout roll;
  double *boundary;        /* (boundaries) of this round */
  station *stations;       /* (times - 1) of the times after the first */
  size_t first, count;     /* cells of the part that is being worked on */
  size_t lanes;
  double *anchor_loss;     /* (lanes, 2) not reported */
  char *shares;
  size_t share;
  double *losses;
  uint64_t from, to, round, step; /* round * parts + part */
  int status;
  stop stop;
} session;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static size_t snapshot_size(const refine_problem *p, size_t k) {
  return p->offset[k + 1] - p->offset[k];
}

/* A part is dealt out in at least this many pieces, so that few threads share evenly. */
static const size_t least_pieces = 4;

static size_t part_begin(const session *r, size_t part) {
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
static size_t fold_size(const refine_problem *p, const refine_options *o, size_t k) {
  return o->folds == 1 ? 0 : snapshot_size(p, k) / o->folds;
}

static void layout(arena *a, session *r, const mlp_shape *velocity,
                   const mlp_shape *growth, const refine_problem *p,
                   const refine_options *o) {
  size_t n = smaller(snapshot_size(p, 0), o->most_start);
  size_t tiles = count_tiles((n + o->parts - 1) / o->parts);
  size_t anchor_tiles = (o->batch + MLP_TILE - 1) / MLP_TILE;
  r->lanes = learner_lanes(velocity, growth, tiles > anchor_tiles ? tiles : anchor_tiles);
  learner_layout(a, &r->learner, velocity, growth, r->lanes);
  r->boundary = arena_take(a, p->boundaries, sizeof(double));
  r->roll = (rollout){.n = n, .d = p->d, .steps = p->boundaries - 1,
                      .times = r->boundary};
  r->roll.path = arena_take(a, p->boundaries * n * (p->d + 1), sizeof(float));
  r->roll.adjoint = arena_take(a, p->boundaries * n * (p->d + 1), sizeof(float));
  r->anchor_loss = arena_take(a, 2 * r->lanes, sizeof(double));
  r->stations = arena_take(a, p->times - 1, sizeof(station));
  for (size_t k = 1; k < p->times; k++) {
    station s, *at = r->stations ? r->stations + k - 1 : &s;
    size_t judges = fold_size(p, o, k), others = snapshot_size(p, k) - judges;
    station_layout(a, at, n, smaller(others, o->most_target),
                   smaller(judges, o->most_target / o->folds), p->d);
    at->observed = p->mass[k];
  }
  size_t match = match_scratch(velocity, growth, r->lanes, o->batch);
  size_t tile = rollout_tile_bytes(velocity, growth);
  r->share = match > tile ? match : tile;
  r->shares = arena_take(a, (size_t)o->threads, r->share);
}

size_t refine_workspace(const trainee *velocity, const trainee *growth,
                        const refine_problem *problem, const refine_options *options) {
  arena a = {0};
  session r;
  layout(&a, &r, &velocity->shape, &growth->shape, problem, options);
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
  size_t d, size, stride, judges, fold, begin;
} deck;

static deck deal(const session *r, size_t snapshot, size_t used, size_t judges) {
  const refine_problem *p = r->problem;
  size_t size = snapshot_size(p, snapshot), folds = r->options->folds;
  size_t turn = (size_t)(r->round / folds);
  return (deck){.cells = p->cells + p->offset[snapshot] * p->d,
                .d = p->d,
                .size = size,
                .stride = golden_stride(size),
                .judges = judges,
                .fold = (size_t)(r->round % folds) * judges,
                .begin = turn % size * (used % (size - judges)) % (size - judges)};
}

static const double *at_place(const deck *d, size_t place) {
  return d->cells + place % d->size * d->stride % d->size * d->d;
}

static const double *judge(const deck *d, size_t i) { return at_place(d, d->fold + i); }

static const double *stepper(const deck *d, size_t i) {
  return at_place(d, d->fold + d->judges + (d->begin + i) % (d->size - d->judges));
}

static void draw_cells(session *r) {
  size_t d = r->problem->d, n = r->roll.n;
  deck first = deal(r, 0, n, 0);
  for (size_t i = 0; i < n; i++) {
    const double *x = stepper(&first, i);
    float *to = r->roll.path + i * (d + 1);
    for (size_t c = 0; c < d; c++) to[c] = (float)x[c];
    to[d] = 0;
  }
  for (size_t k = 1; k < r->problem->times; k++) {
    station *s = r->stations + k - 1;
    deck later = deal(r, k, s->m, fold_size(r->problem, r->options, k));
    for (size_t j = 0; j < s->m; j++)
      memcpy(s->target + j * d, stepper(&later, j), d * sizeof(double));
    for (size_t j = 0; j < s->judges; j++)
      memcpy(s->target + (s->m + j) * d, judge(&later, j), d * sizeof(double));
  }
}

/* All boundaries between observed times move by up to a quarter of a step, together: the
 * fields shall fit no one grid, but the flow. */
static void shift_boundaries(session *r) {
  const refine_problem *p = r->problem;
  const uint32_t low = (uint32_t)r->round, high = (uint32_t)(r->round >> 32);
  const uint32_t counter[4] = {0, low, high, RNG_PICK};
  uint32_t word[4];
  rng_philox(word, counter, r->options->key);
  double shift = 0.5 * (rng_uniform(word[0]) - 0.5);
  memcpy(r->boundary, p->boundary, p->boundaries * sizeof(double));
  for (size_t k = 0; k + 1 < p->times; k++)
    for (size_t b = p->observed[k] + 1; b < p->observed[k + 1]; b++)
      r->boundary[b] += shift * (p->boundary[b + 1] - p->boundary[b]);
}

static const float *states(const session *r, size_t item) {
  return r->roll.path + r->problem->observed[item + 1] * r->roll.n * (r->roll.d + 1);
}

/* Where a tile of the part begins, and its rows. */
static size_t tile_begin(const session *r, size_t tile) {
  return r->first + tile * tile_rows(r->count);
}

static size_t rows_at(const session *r, size_t begin) {
  return smaller(r->first + r->count - begin, tile_rows(r->count));
}

static void forward_tile(void *context, size_t tile, int rank) {
  session *r = context;
  size_t begin = tile_begin(r, tile);
  if (stop_asked(&r->stop, rank)) return;
  rollout_forward(&r->roll, begin, rows_at(r, begin), &r->learner, &r->problem->units,
                  r->shares + (size_t)rank * r->share, r->share);
}

static void plan_item(void *context, size_t item, int rank) {
  session *r = context;
  station_plan(r->stations + item, states(r, item), &r->stop, rank);
}

static void adjoint_item(void *context, size_t item, int rank) {
  session *r = context;
  size_t dim = r->roll.d + 1;
  float *adjoint = r->roll.adjoint + r->problem->observed[item + 1] * r->roll.n * dim;
  (void)rank;
  station_adjoint(r->stations + item, adjoint, states(r, item), r->first, r->count,
                  1 / (double)(r->problem->times - 1), r->options->mass_weight);
}

static void run_lane(void *context, size_t lane, int rank) {
  session *r = context;
  const refine_options *o = r->options;
  void *space = r->shares + (size_t)rank * r->share;
  learner_clear_lane(&r->learner, lane);
  for (size_t tile = lane; tile < count_tiles(r->count); tile += r->lanes) {
    size_t begin = tile_begin(r, tile);
    if (stop_asked(&r->stop, rank)) return;
    rollout_backward(&r->roll, begin, rows_at(r, begin), &r->learner, lane,
                     &r->problem->units, space, r->share);
  }
  if (o->anchor > 0)
    match_lane(r->anchor_loss + 2 * lane, &r->learner, lane, r->problem->bridge,
               o->batch, o->key, r->step, o->anchor / (double)o->batch, space, r->share,
               &r->stop, rank);
}

static void collect(session *r) {
  size_t later = r->problem->times - 1;
  double *loss = r->losses + 2 * (r->round - r->from);
  loss[0] = loss[1] = 0;
  for (size_t k = 0; k < later; k++) {
    const station *s = r->stations + k;
    if (s->status != STATUS_OK) r->status = s->status;
    loss[0] += s->judged / (double)later;
    loss[1] += s->mass_error / (double)later;
  }
}

/* One step of Adam from the cells of a part, which have been rolled out. */
static void update(session *r, crew *c) {
  const refine_options *o = r->options;
  size_t floats = (r->roll.steps + 1) * r->roll.n * (r->roll.d + 1);
  memset(r->roll.adjoint, 0, floats * sizeof(float));
  crew_loop(c, r->problem->times - 1, adjoint_item, r);
  crew_loop(c, r->lanes, run_lane, r);
  if (stop_asked(&r->stop, 0)) return;
  double norm = learner_gradient_norm(&r->learner, 1);
  double scale = norm > o->clip ? o->clip / norm : 1;
  double rate = cosine_rate(r->round, o->total_rounds, o->learning_rate, o->rate_floor);
  if (r->step < o->warm_up) rate *= (double)(r->step + 1) / (double)o->warm_up;
  learner_update(&r->learner, c, scale, r->step + 1, rate);
}

static void choose_cells(session *r, size_t first, size_t end) {
  r->first = first;
  r->count = end - first;
}

static void roll_out(session *r, crew *c) {
  crew_loop(c, count_tiles(r->count), forward_tile, r);
}

static void run_rounds(crew *c, void *context) {
  session *r = context;
  const size_t parts = r->options->parts;
  for (r->round = r->from; r->round < r->to; r->round++) {
    draw_cells(r);
    shift_boundaries(r);
    choose_cells(r, 0, r->roll.n);
    roll_out(r, c);
    crew_loop(c, r->problem->times - 1, plan_item, r);
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

static int check(const mlp_shape *velocity, const mlp_shape *growth,
                 const refine_problem *p, const refine_options *o) {
  if (learner_check(velocity, growth, p->d) || p->times < 2 ||
      p->boundaries < p->times || o->most_start == 0 ||
      o->most_target == 0 || o->threads < 1 || o->batch == 0 || o->parts == 0 ||
      o->folds == 0 || o->parts > smaller(snapshot_size(p, 0), o->most_start))
    return STATUS_BAD_ARGUMENT;
  for (size_t k = 0; k < p->times; k++)
    if (snapshot_size(p, k) == 0 || p->observed[k] >= p->boundaries)
      return STATUS_BAD_SIZE;
  return STATUS_OK;
}

int refine_run(trainee *velocity, trainee *growth, double *losses, uint64_t from,
               uint64_t rounds, const refine_problem *problem,
               const refine_options *options, void *workspace, size_t workspace_bytes) {
  int status = check(&velocity->shape, &growth->shape, problem, options);
  if (status != STATUS_OK) return status;
  session r = {.problem = problem, .options = options, .losses = losses, .from = from,
               .to = from + rounds,
               .stop = {.interrupted = options->interrupted,
                        .data = options->interrupted_data}};
  arena a = arena_over(workspace, workspace_bytes);
  layout(&a, &r, &velocity->shape, &growth->shape, problem, options);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  learner_load(&r.learner, velocity, growth);
  crew_gather(learner_crew(&r.learner, options->threads), run_rounds, &r);
  if (r.stop.stopped) return STATUS_INTERRUPTED;
  if (r.status == STATUS_OK) learner_store(velocity, growth, &r.learner);
  return r.status;
}
