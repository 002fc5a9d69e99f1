#include "path/geodesic.h"
#include "base/status.h"
#include "nn/adam.h"
#include "path/fill.h"
#include <math.h>
#include <string.h>

/* What one thread needs. */
typedef struct {
  interpolant_rows rows;   /* DRAWN_ROWS of them */
  float *by_out, *by_rate; /* (DRAWN_ROWS, pad(d)) derivatives of the loss */
  double *place, *velocity, *by_place, *by_velocity; /* (d) */
  double *metric;
} scratch;

/* Of the rows of an interval. */
typedef struct { double energy, weight; } sums;

typedef struct {
  const geodesic_problem *problem;
  const geodesic_options *options;
  heads heads;        /* the network alone */
  interpolant learned;
  pairs pairs;        /* the problem's, with the network as it stands */
  trainer trainer;
  sums *slot_sums;    /* (slots, intervals) */
  char *thread_space; /* one scratch a thread */
  size_t thread_bytes;
  double *losses;     /* (to - from, intervals) */
  uint64_t from, to, step;
  stop stop;
} geodesic_state;

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static void layout_scratch(arena *a, scratch *s, const mlp_shape *shape,
                           const geodesic_problem *p) {
  size_t d = p->pairs->d, values = DRAWN_ROWS * kernel_pad(d), most = 0;
  for (size_t k = 0; k < p->pairs->intervals; k++)
    most = larger(most, metric_scratch(p->metrics + k));
  interpolant_layout(a, &s->rows, shape, DRAWN_ROWS);
  s->by_out = arena_take(a, values, sizeof(float));
  s->by_rate = arena_take(a, values, sizeof(float));
  s->place = arena_take(a, d, sizeof(double));
  s->velocity = arena_take(a, d, sizeof(double));
  s->by_place = arena_take(a, d, sizeof(double));
  s->by_velocity = arena_take(a, d, sizeof(double));
  s->metric = arena_take(a, most, sizeof(double));
}

static void layout(arena *a, geodesic_state *g, const geodesic_problem *p,
                   const geodesic_options *o) {
  const mlp_shape *shape = &g->heads.head->shape;
  arena one = {0};
  scratch s;
  size_t tiles = (o->batch + DRAWN_ROWS - 1) / DRAWN_ROWS;
  size_t slots = trainer_slots(&g->heads, tiles);
  trainer_layout(a, &g->trainer, &g->heads, slots);
  layout_scratch(&one, &s, shape, p);
  g->thread_bytes = arena_size(&one);
  g->slot_sums = arena_take(a, slots * p->pairs->intervals, sizeof(sums));
  g->thread_space = arena_take(a, (size_t)o->threads, g->thread_bytes);
}

/* A head is laid out and not written to. */
static heads lone(const head *phi, size_t d) {
  return (heads){.d = d, .count = 1, .head = (head *)phi};
}

size_t geodesic_workspace(const head *phi, const geodesic_problem *problem,
                          const geodesic_options *options) {
  arena a = {0};
  geodesic_state g = {.heads = lone(phi, problem->pairs->d)};
  layout(&a, &g, problem, options);
  return arena_size(&a);
}

/* Place and velocity of a row on its path, without noise. */
static void follow(scratch *s, const path_out *on, const pairs *p, drawn_ends e,
                   const float *out, const float *rate) {
  const float *x0 = p->cells + e.from * p->d, *x1 = p->cells + e.to * p->d;
  for (size_t c = 0; c < p->d; c++) {
    double way = (double)x1[c] - x0[c];
    s->place[c] = x0[c] + on->place[FROM_STEP] * way +
                  on->place[FROM_LEARNED] * out[c];
    s->velocity[c] = on->velocity[FROM_STEP] * way +
                     on->velocity[FROM_LEARNED] * out[c] +
                     on->velocity[FROM_LEARNED_RATE] * rate[c];
  }
}

/* Energy of row i, and its derivatives by output and rate, into the sums and the rows. */
static void learn_row(sums *into, scratch *s, const geodesic_state *g,
                      const drawn_pair *drawn, size_t i) {
  const pairs *p = &g->pairs;
  const size_t at = i * kernel_pad(p->d), k = drawn->interval;
  float *by_out = s->by_out + at, *by_rate = s->by_rate + at;
  path_out on;
  double weight = row_path(&on, p, drawn);
  double scale = weight / g->problem->straight[k];
  follow(s, &on, p, ends_of(p, drawn), s->rows.out + at, s->rows.rate + at);
  double energy = metric_energy(s->by_place, s->by_velocity, g->problem->metrics + k,
                                s->place, s->velocity, s->metric);
  into[k].energy += scale * energy;
  into[k].weight += weight;
  for (size_t c = 0; c < p->d; c++) {
    by_out[c] = (float)(scale * (on.place[FROM_LEARNED] * s->by_place[c] +
                                 on.velocity[FROM_LEARNED] * s->by_velocity[c]));
    by_rate[c] = (float)(scale * on.velocity[FROM_LEARNED_RATE] * s->by_velocity[c]);
  }
}

static void learn_tile(geodesic_state *g, scratch *s, size_t slot, size_t first,
                       size_t count) {
  const pairs *p = &g->pairs;
  packed_network *net = g->trainer.net;
  drawn_pair drawn[DRAWN_ROWS];
  draw_pairs(drawn, p, g->options->key, g->step, first, count);
  for (size_t i = 0; i < count; i++) {
    drawn_ends e = ends_of(p, drawn + i);
    interpolant_input(&s->rows, i, p->d, p->cells + e.from * p->d,
                      p->cells + e.to * p->d, drawn_time(p, drawn + i));
  }
  interpolant_forward(&s->rows, &g->learned, count);
  for (size_t i = 0; i < count; i++)
    learn_row(g->slot_sums + slot * p->intervals, s, g, drawn + i, i);
  interpolant_backward(net->grad + slot * net->packed, s->by_out, s->by_rate, &s->rows,
                       count, net->transposed, &net->head->shape);
}

static void run_slot(void *context, size_t slot, int rank) {
  geodesic_state *g = context;
  const size_t batch = g->options->batch, intervals = g->pairs.intervals;
  const size_t values = DRAWN_ROWS * kernel_pad(g->pairs.d);
  scratch s;
  arena a = arena_over(g->thread_space + (size_t)rank * g->thread_bytes,
                       g->thread_bytes);
  layout_scratch(&a, &s, &g->learned.shape, g->problem);
  memset(s.by_out, 0, values * sizeof *s.by_out); /* the padding */
  memset(s.by_rate, 0, values * sizeof *s.by_rate);
  memset(g->slot_sums + slot * intervals, 0, intervals * sizeof(sums));
  trainer_clear_slot(&g->trainer, slot);
  for (size_t at = slot * DRAWN_ROWS; at < batch; at += g->trainer.slots * DRAWN_ROWS) {
    if (stop_asked(&g->stop, rank)) return;
    learn_tile(g, &s, slot, at, batch - at < DRAWN_ROWS ? batch - at : DRAWN_ROWS);
  }
}

static void collect_losses(geodesic_state *g) {
  const size_t intervals = g->pairs.intervals;
  double *loss = g->losses + intervals * (g->step - g->from);
  for (size_t k = 0; k < intervals; k++) {
    sums all = {0, 0};
    for (size_t slot = 0; slot < g->trainer.slots; slot++) {
      all.energy += g->slot_sums[slot * intervals + k].energy;
      all.weight += g->slot_sums[slot * intervals + k].weight;
    }
    loss[k] = all.weight > 0 ? all.energy / all.weight : 0;
  }
}

static void run_steps(team *c, void *context) {
  geodesic_state *g = context;
  const geodesic_options *o = g->options;
  for (g->step = g->from; g->step < g->to; g->step++) {
    team_for(c, g->trainer.slots, run_slot, g);
    if (stop_asked(&g->stop, 0)) return;
    collect_losses(g);
    double rate = cosine_rate(g->step, o->total_steps, o->learning_rate, o->rate_floor);
    trainer_update(&g->trainer, c, 1.0 / (double)o->batch, g->step + 1, rate);
  }
}

static int check(const head *phi, const geodesic_problem *p, const geodesic_options *o) {
  const pairs *b = p->pairs;
  if (phi->kind != HEAD_PATH || !interpolant_fits(&phi->shape, b->d) ||
      !(phi->scale > 0) || !isfinite(phi->scale) || phi->offset != 0 ||
      b->intervals == 0 || !b->path || !b->path->reads_learned || o->batch == 0 ||
      o->threads < 1)
    return STATUS_BAD_ARGUMENT;
  for (size_t k = 0; k < b->intervals; k++) {
    int status = metric_check(p->metrics + k);
    if (status != STATUS_OK) return status;
    if (p->metrics[k].d != b->d || !(p->straight[k] > 0) || !isfinite(p->straight[k]))
      return STATUS_BAD_ARGUMENT;
  }
  return STATUS_OK;
}

int geodesic_run(head *phi, double *losses, uint64_t from, uint64_t steps,
                 const geodesic_problem *problem, const geodesic_options *options,
                 void *workspace, size_t workspace_bytes) {
  int status = check(phi, problem, options);
  if (status != STATUS_OK) return status;
  geodesic_state g = {.problem = problem, .options = options,
                      .heads = lone(phi, problem->pairs->d), .pairs = *problem->pairs,
                      .losses = losses, .from = from, .to = from + steps,
                      .stop = {.interrupted = options->interrupted,
                               .data = options->interrupted_data}};
  arena a = arena_over(workspace, workspace_bytes);
  layout(&a, &g, problem, options);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  g.trainer.lowest = 1;
  g.learned = (interpolant){g.pairs.d, phi->shape, phi->scale, g.trainer.net->weights};
  g.pairs.learned = &g.learned;
  trainer_load(&g.trainer);
  team_run(trainer_threads(&g.trainer, options->threads), run_steps, &g);
  if (g.stop.stopped) return STATUS_INTERRUPTED;
  trainer_store(&g.trainer);
  return STATUS_OK;
}
