#include "train/density.h"
#include "nn/adam.h"
#include "train/kde.h"
#include "base/stop.h"
#include "base/status.h"
#include <math.h>
#include <string.h>

/* Cells that are carried together between two snapshots. Group 0 are the starting cells
 * on their way forward; the others are points on their way back. */
typedef struct {
  size_t from, to; /* snapshots */
  size_t tile_rows, tiles;
  double *times;   /* (steps + 1) of the rollout */
  float *probe;    /* (n, d), NULL where the divergence is exact */
  rollout roll;
} group;

typedef struct {
  const fit_problem *problem;
  const density_options *options;
  trainer trainer;
  double *cells;      /* (d, n) of each snapshot, one after the other */
  kde *density;       /* (times) at the bandwidth of this step */
  double *boundary;   /* (boundaries) of this step */
  size_t groups, tiles;
  group *group;       /* (groups) */
  double *mass_slope; /* (times) derivative of the loss by predicted over observed mass */
  size_t slots;
  double *slot_loss;  /* (slots) */
  char *thread_space;
  size_t thread_bytes, tile_bytes;
  double *losses;
  uint64_t from, to, step;
  int status;
  stop stop;
} density_state;

/* What one thread needs beside a tile. */
typedef struct {
  void *tile;
  double *distance; /* (cells of the largest snapshot) */
  double *x, *gradient; /* (d) */
} scratch;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static size_t snapshot_size(const fit_problem *p, size_t k) {
  return p->offset[k + 1] - p->offset[k];
}

static void layout_group(arena *a, group *g, size_t from, size_t to, size_t n,
                         const fit_problem *p, const density_options *o) {
  size_t steps = from < to ? p->observed_step[to] - p->observed_step[from]
                           : p->observed_step[from] - p->observed_step[to];
  size_t states = (steps + 1) * n;
  g->from = from;
  g->to = to;
  g->tiles = (n + MLP_TILE - 1) / MLP_TILE;
  g->tile_rows = (n + g->tiles - 1) / g->tiles;
  g->times = arena_take(a, steps + 1, sizeof(double));
  int back = from > to;
  g->probe = back && !o->exact ? arena_take(a, n * p->d, sizeof(float)) : NULL;
  g->roll = (rollout){.n = n, .d = p->d, .steps = steps, .times = g->times,
                      .energy = !back, .divergence = back, .probe = g->probe};
  g->roll.path = arena_take(a, states * (p->d + 1), sizeof(float));
  g->roll.adjoint = arena_take(a, states * (p->d + 1), sizeof(float));
  g->roll.cost = arena_take(a, states * COSTS, sizeof(float));
  g->roll.cost_adjoint = arena_take(a, states * COSTS, sizeof(float));
}

/* Points go back from every later snapshot to the one before, and from all but the second
 * to the first. */
static void layout_groups(arena *a, density_state *r, const fit_problem *p,
                          const density_options *o) {
  size_t later = p->times - 1, far = o->far > 0 ? later - 1 : 0;
  r->groups = 1 + later + far;
  r->group = arena_take(a, r->groups, sizeof(group));
  r->tiles = 0;
  for (size_t i = 0; i < r->groups; i++) {
    group unused, *g = r->group ? r->group + i : &unused;
    if (i == 0)
      layout_group(a, g, 0, later, smaller(o->cloud, snapshot_size(p, 0)), p, o);
    else if (i <= later)
      layout_group(a, g, i, i - 1, o->near, p, o);
    else
      layout_group(a, g, i - later + 1, 0, o->far, p, o);
    r->tiles += g->tiles;
  }
}

static void layout_scratch(arena *a, scratch *s, const fit_problem *p, size_t tile) {
  size_t most = 0;
  for (size_t k = 0; k < p->times; k++)
    if (snapshot_size(p, k) > most) most = snapshot_size(p, k);
  s->tile = arena_take(a, tile, 1);
  s->distance = arena_take(a, most, sizeof(double));
  s->x = arena_take(a, p->d, sizeof(double));
  s->gradient = arena_take(a, p->d, sizeof(double));
}

static void layout(arena *a, density_state *r, const heads *h, const fit_problem *p,
                   const density_options *o) {
  r->cells = arena_take(a, p->offset[p->times] * p->d, sizeof(double));
  r->density = arena_take(a, p->times, sizeof(kde));
  r->boundary = arena_take(a, p->boundaries, sizeof(double));
  r->mass_slope = arena_take(a, p->times, sizeof(double));
  layout_groups(a, r, p, o);
  r->slots = trainer_slots(h, r->tiles);
  trainer_layout(a, &r->trainer, h, r->slots);
  r->slot_loss = arena_take(a, r->slots, sizeof(double));
  r->tile_bytes = rollout_tile_bytes(h, o->exact ? p->d : 1);
  arena one = {0};
  scratch s;
  layout_scratch(&one, &s, p, r->tile_bytes);
  r->thread_bytes = arena_size(&one);
  r->thread_space = arena_take(a, (size_t)o->threads, r->thread_bytes);
}

size_t density_workspace(const heads *h, const fit_problem *problem,
                         const density_options *options) {
  arena a = {0};
  density_state r;
  layout(&a, &r, h, problem, options);
  return arena_size(&a);
}

static scratch scratch_of(const density_state *r, int rank) {
  arena a = arena_over(r->thread_space + (size_t)rank * r->thread_bytes,
                       r->thread_bytes);
  scratch s;
  layout_scratch(&a, &s, r->problem, r->tile_bytes);
  return s;
}

static void transpose_cells(density_state *r) {
  const fit_problem *p = r->problem;
  for (size_t k = 0; k < p->times; k++) {
    size_t n = snapshot_size(p, k), d = p->d;
    double *to = r->cells + p->offset[k] * d;
    for (size_t i = 0; i < n; i++)
      for (size_t c = 0; c < d; c++) to[c * n + i] = p->cells[(p->offset[k] + i) * d + c];
    r->density[k] = (kde){n, d, to, 1};
  }
}

static void set_bandwidths(density_state *r) {
  const density_options *o = r->options;
  double wide = 0;
  if (r->step < o->anneal) wide = 1 - (double)r->step / (double)o->anneal;
  for (size_t k = 0; k < r->problem->times; k++)
    r->density[k].bandwidth = o->narrow[k] * pow(o->wide[k] / o->narrow[k], wide);
}

/* Words for a use of this step; `place` tells uses apart. */
static void draw(uint32_t word[4], const density_state *r, uint32_t number,
                 uint32_t place) {
  const uint32_t counter[4] = {number, (uint32_t)r->step, place, RNG_DENSITY};
  rng_philox(word, counter, r->options->key);
}

/* All boundaries between observed times move by up to a quarter of a step, together: the
 * fields shall fit no one grid, but the flow. */
static void shift_boundaries(density_state *r) {
  const fit_problem *p = r->problem;
  uint32_t word[4];
  draw(word, r, 0, 0);
  double shift = 0.5 * (rng_uniform(word[0]) - 0.5);
  memcpy(r->boundary, p->boundary, p->boundaries * sizeof(double));
  for (size_t k = 0; k + 1 < p->times; k++)
    for (size_t b = p->observed_step[k] + 1; b < p->observed_step[k + 1]; b++)
      r->boundary[b] += shift * (p->boundary[b + 1] - p->boundary[b]);
  for (group *g = r->group; g < r->group + r->groups; g++)
    for (size_t s = 0; s <= g->roll.steps; s++) {
      size_t first = p->observed_step[g->from];
      g->times[s] = r->boundary[g->from < g->to ? first + s : first - s];
    }
}

/* Place of the i-th cell that is drawn in this step, of `count` a step: all cells of a
 * snapshot come in turn, from a place that is drawn. */
static size_t pick(const density_state *r, size_t k, size_t i, size_t count,
                   uint32_t word) {
  size_t n = snapshot_size(r->problem, k);
  size_t begin = (size_t)(rng_uniform(word) * (double)n);
  return (begin + (count < n ? i * n / count : i)) % n;
}

/* Starting states of a group: cells, and for points of a density the noise on them. */
static void draw_group(density_state *r, size_t number) {
  group *g = r->group + number;
  size_t n = g->roll.n, d = g->roll.d, k = g->from, values = n * d;
  uint32_t word[4], place = (uint32_t)(3 * number + 1);
  draw(word, r, 0, place);
  const int noisy = number > 0;
  for (size_t i = 0; i < n; i++) {
    const double *x = r->problem->cells + (r->problem->offset[k] +
                                           pick(r, k, i, n, word[0])) * d;
    float *to = g->roll.path + i * (d + 1);
    for (size_t c = 0; c < d; c++) to[c] = (float)x[c];
    to[d] = 0;
  }
  for (size_t at = 0; noisy && at < values; at += NORMALS_GROUP) {
    float noise[NORMALS_GROUP];
    const uint32_t counter[4] = {(uint32_t)(at / NORMALS_GROUP * 16), (uint32_t)r->step,
                                 place + 1, RNG_DENSITY};
    kernels_get()->normals(noise, NORMALS_GROUP, counter, r->options->key);
    for (size_t i = at; i < values && i < at + NORMALS_GROUP; i++)
      g->roll.path[i / d * (d + 1) + i % d] +=
          (float)r->density[k].bandwidth * noise[i - at];
  }
  for (size_t i = 0; g->probe && i < values; i++) {
    if (i % 128 == 0) draw(word, r, (uint32_t)(i / 128), place + 2);
    g->probe[i] = word[i % 128 / 32] >> i % 32 & 1 ? 1 : -1;
  }
}

static void draw_item(void *context, size_t number, int rank) {
  (void)rank;
  draw_group(context, number);
}

/* The group and the first row of a tile, of which there are `count`. */
static group *tile_at(const density_state *r, size_t tile, size_t *first, size_t *count) {
  group *g = r->group;
  for (; tile >= g->tiles; g++) tile -= g->tiles;
  *first = tile * g->tile_rows;
  *count = smaller(g->roll.n - *first, g->tile_rows);
  return g;
}

static void clear_adjoints(rollout *roll, size_t first, size_t count) {
  for (size_t s = 0; s <= roll->steps; s++) {
    size_t at = s * roll->n + first;
    memset(roll->adjoint + at * (roll->d + 1), 0,
           count * (roll->d + 1) * sizeof(float));
    memset(roll->cost_adjoint + at * COSTS, 0, count * COSTS * sizeof(float));
  }
}

static double log_density(const density_state *r, double *gradient, size_t k,
                          const float *x, scratch *s) {
  for (size_t c = 0; c < r->problem->d; c++) s->x[c] = x[c];
  return kde_log(gradient, r->density + k, s->x, s->distance) + log(r->problem->mass[k]);
}

/* The loss of a point, row `row` of its group, and its derivatives; `part` is what one
 * comparison counts. */
static double point_loss(const density_state *r, group *g, size_t row, double part,
                         scratch *s) {
  const double knee = r->options->knee;
  const rollout *roll = &g->roll;
  size_t d = roll->d, first = r->problem->observed_step[g->from];
  double loss = 0, known = log_density(r, NULL, g->from, roll->path + row * (d + 1), s);
  for (size_t j = g->from; j-- > g->to;) {
    size_t at = (first - r->problem->observed_step[j]) * roll->n + row;
    const float *z = roll->path + at * (d + 1);
    double change = z[d] - roll->cost[at * COSTS + COST_DIVERGENCE];
    double error = log_density(r, s->gradient, j, z, s) - change - known;
    double root = sqrt(1 + error * error / (knee * knee));
    double slope = part * error / root;
    float *by = roll->adjoint + at * (d + 1);
    for (size_t c = 0; c < d; c++) by[c] += (float)(slope * s->gradient[c]);
    by[d] -= (float)slope;
    roll->cost_adjoint[at * COSTS + COST_DIVERGENCE] += (float)slope;
    loss += part * knee * knee * (root - 1);
  }
  return loss;
}

/* Energies of the starting cells, and what the masses that they make count. */
static void cloud_adjoint(const density_state *r, const rollout *roll, size_t first,
                          size_t count) {
  const density_options *o = r->options;
  const double each = 1 / (double)roll->n;
  size_t d = roll->d;
  for (size_t row = first; row < first + count; row++) {
    float *by = roll->cost_adjoint + (roll->steps * roll->n + row) * COSTS;
    by[COST_ENERGY] = (float)(each * o->energy);
    by[COST_GROWTH_ENERGY] = (float)(each * o->energy_growth);
    for (size_t k = 1; k < r->problem->times; k++) {
      size_t at = (r->problem->observed_step[k] * roll->n + row) * (d + 1) + d;
      roll->adjoint[at] += (float)(each * r->mass_slope[k] * exp(roll->path[at]));
    }
  }
}

/* Comparisons of a step: one for each snapshot that a group comes to. */
static size_t comparisons(const density_state *r) {
  size_t sum = 0;
  for (size_t i = 1; i < r->groups; i++) sum += r->group[i].from - r->group[i].to;
  return sum;
}

static void cloud_tile(void *context, size_t tile, int rank) {
  density_state *r = context;
  size_t first, count;
  if (stop_asked(&r->stop, rank)) return;
  group *g = tile_at(r, tile, &first, &count);
  rollout_forward(&g->roll, first, count, &r->trainer, scratch_of(r, rank).tile,
                  r->tile_bytes);
}

static void run_slot(void *context, size_t slot, int rank) {
  density_state *r = context;
  scratch s = scratch_of(r, rank);
  trainer_clear_slot(&r->trainer, slot);
  r->slot_loss[slot] = 0;
  for (size_t tile = slot; tile < r->tiles; tile += r->slots) {
    size_t first, count;
    if (stop_asked(&r->stop, rank)) return;
    group *g = tile_at(r, tile, &first, &count);
    clear_adjoints(&g->roll, first, count);
    if (g == r->group) {
      cloud_adjoint(r, &g->roll, first, count);
    } else {
      double part = 1 / ((double)comparisons(r) * (double)g->roll.n);
      rollout_forward(&g->roll, first, count, &r->trainer, s.tile, r->tile_bytes);
      for (size_t row = first; row < first + count; row++)
        r->slot_loss[slot] += point_loss(r, g, row, part, &s);
    }
    rollout_backward(&g->roll, first, count, &r->trainer, slot, s.tile, r->tile_bytes);
  }
}

/* Of the starting cells that have been carried forward: the mean error of log mass, and
 * mass_slope. */
static double compare_masses(density_state *r) {
  const fit_problem *p = r->problem;
  const rollout *roll = &r->group->roll;
  double error = 0, later = (double)(p->times - 1);
  for (size_t k = 1; k < p->times; k++) {
    const float *state = roll->path + p->observed_step[k] * roll->n * (p->d + 1);
    double mass = 0;
    for (size_t i = 0; i < roll->n; i++) mass += exp(state[i * (p->d + 1) + p->d]);
    mass /= (double)roll->n;
    double off = log(mass / p->mass[k]);
    r->mass_slope[k] = 2 * r->options->mass_weight / later * off / mass;
    error += fabs(off) / later;
  }
  return error;
}

static void run_steps(team *c, void *context) {
  density_state *r = context;
  const density_options *o = r->options;
  for (r->step = r->from; r->step < r->to; r->step++) {
    double *loss = r->losses + DENSITY_LOSSES * (r->step - r->from);
    set_bandwidths(r);
    shift_boundaries(r);
    team_for(c, r->groups, draw_item, r);
    team_for(c, r->group->tiles, cloud_tile, r);
    if (stop_asked(&r->stop, 0)) return;
    loss[1] = compare_masses(r);
    team_for(c, r->slots, run_slot, r);
    if (stop_asked(&r->stop, 0)) return;
    loss[0] = 0;
    for (size_t slot = 0; slot < r->slots; slot++) loss[0] += r->slot_loss[slot];
    double norm = trainer_gradient_norm(&r->trainer, 1);
    if (!isfinite(loss[0]) || !isfinite(loss[1]) || !isfinite(norm)) {
      r->status = STATUS_NOT_FINITE;
      return;
    }
    double rate = cosine_rate(r->step, o->total_steps, o->learning_rate, o->rate_floor);
    if (r->step < o->warm_up) rate *= (double)(r->step + 1) / (double)o->warm_up;
    trainer_update(&r->trainer, c, norm > o->clip ? o->clip / norm : 1, r->step + 1,
                   rate);
  }
}

static int check(const heads *h, const fit_problem *p, const density_options *o) {
  if (heads_check(h) || h->d != p->d || h->count != 2 || !heads_find(h, HEAD_GROWTH) ||
      p->times < 2 || p->boundaries < p->times || o->near == 0 || o->cloud == 0 ||
      o->threads < 1 || !(o->knee > 0) || !(o->energy >= 0) ||
      !(o->energy_growth >= 0) || !(o->mass_weight >= 0))
    return STATUS_BAD_ARGUMENT;
  for (size_t k = 0; k < p->times; k++) {
    if (!(o->narrow[k] > 0) || !(o->wide[k] > 0)) return STATUS_BAD_ARGUMENT;
    if (snapshot_size(p, k) == 0 || p->observed_step[k] >= p->boundaries)
      return STATUS_BAD_SIZE;
  }
  return STATUS_OK;
}

int density_run(heads *h, double *losses, uint64_t from, uint64_t steps,
                const fit_problem *problem, const density_options *options,
                void *workspace, size_t workspace_bytes) {
  int status = check(h, problem, options);
  if (status != STATUS_OK) return status;
  density_state r = {.problem = problem, .options = options, .losses = losses,
                     .from = from, .to = from + steps,
                     .stop = {.interrupted = options->interrupted,
                              .data = options->interrupted_data}};
  arena a = arena_over(workspace, workspace_bytes);
  layout(&a, &r, h, problem, options);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  transpose_cells(&r);
  trainer_load(&r.trainer);
  team_run(trainer_threads(&r.trainer, options->threads), run_steps, &r);
  if (r.stop.stopped) return STATUS_INTERRUPTED;
  if (r.status == STATUS_OK) trainer_store(&r.trainer);
  return r.status;
}
