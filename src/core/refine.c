#include "refine.h"
#include "adam.h"
#include "emd.h"
#include "match.h"
#include "status.h"
#include <math.h>
#include <string.h>

/* One observed time after the first: the exact transport there. */
typedef struct {
  size_t snapshot, n, m;
  double *cloud, *weight;  /* (n, d), (n) rolled out, weights not normalised */
  double *target;          /* (m, d) */
  double *u;               /* (n) potential of the cloud */
  emd_arc *plan;           /* (n + m - 1) */
  void *emd;
  size_t emd_bytes;
  double w1, mass_error;
  int status;
} station;

typedef struct {
  const refine_problem *problem;
  const refine_options *options;
  learner learner;
  rollout roll;
  station *stations;       /* (times - 1) */
  size_t lanes;
  double *anchor_loss;     /* (lanes, 2) not reported */
  char *shares;
  size_t share;
  double *losses;
  uint64_t from, to, step;
  int status;
} session;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static size_t snapshot_size(const refine_problem *p, size_t k) {
  return p->offset[k + 1] - p->offset[k];
}

static emd_task station_task(const station *s, size_t d) {
  return (emd_task){s->n, s->m, d, s->cloud, s->target, s->weight, NULL, EMD_EUCLIDEAN};
}

static void layout_station(arena *a, station *s, size_t k, const refine_problem *p,
                           const refine_options *o) {
  s->snapshot = k;
  s->n = smaller(snapshot_size(p, 0), o->most_start);
  s->m = smaller(snapshot_size(p, k), o->most_target);
  s->cloud = arena_take(a, s->n * p->d, sizeof(double));
  s->weight = arena_take(a, s->n, sizeof(double));
  s->target = arena_take(a, s->m * p->d, sizeof(double));
  s->u = arena_take(a, s->n, sizeof(double));
  s->plan = arena_take(a, s->n + s->m, sizeof(emd_arc));
  emd_task task = station_task(s, p->d);
  emd_options options = emd_defaults();
  s->emd_bytes = emd_workspace(&task, &options);
  if (s->emd_bytes == 0) a->failed = 1;
  s->emd = arena_take(a, s->emd_bytes, 1);
}

static void layout(arena *a, session *r, const mlp_shape *velocity,
                   const mlp_shape *growth, const refine_problem *p,
                   const refine_options *o) {
  size_t n = smaller(snapshot_size(p, 0), o->most_start);
  size_t tiles = (n + MLP_TILE - 1) / MLP_TILE;
  size_t anchor_tiles = (o->batch + MLP_TILE - 1) / MLP_TILE;
  r->lanes = learner_lanes(velocity, growth, tiles > anchor_tiles ? tiles : anchor_tiles);
  learner_layout(a, &r->learner, velocity, growth, r->lanes);
  r->roll = (rollout){.n = n, .d = p->d, .steps = p->boundaries - 1,
                      .times = p->boundary};
  r->roll.path = arena_take(a, p->boundaries * n * (p->d + 1), sizeof(float));
  r->roll.adjoint = arena_take(a, p->boundaries * n * (p->d + 1), sizeof(float));
  r->anchor_loss = arena_take(a, 2 * r->lanes, sizeof(double));
  r->stations = arena_take(a, p->times - 1, sizeof(station));
  for (size_t k = 1; k < p->times; k++) {
    station s, *at = r->stations ? r->stations + k - 1 : &s;
    layout_station(a, at, k, p, o);
  }
  size_t match = match_scratch(velocity, growth);
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

/* Member number i of `count` drawn from a snapshot of `size` cells: all of them in order,
 * or an evenly spread sample that a random shift makes anew at every step. */
static size_t pick(const session *r, size_t snapshot, size_t i, size_t count,
                   size_t size) {
  if (count == size) return i;
  const uint32_t counter[4] = {(uint32_t)snapshot, (uint32_t)r->step,
                               (uint32_t)(r->step >> 32), RNG_PICK};
  uint32_t word[4];
  rng_philox(word, counter, r->options->key);
  double at = rng_uniform(word[0]) + (double)i * 0.6180339887498949;
  at -= floor(at);
  return smaller((size_t)(at * (double)size), size - 1);
}

static const double *cell(const session *r, size_t snapshot, size_t i, size_t count) {
  const refine_problem *p = r->problem;
  size_t member = pick(r, snapshot, i, count, snapshot_size(p, snapshot));
  return p->cells + (p->offset[snapshot] + member) * p->d;
}

static void draw_cells(session *r) {
  size_t d = r->problem->d, n = r->roll.n;
  for (size_t i = 0; i < n; i++) {
    const double *x = cell(r, 0, i, n);
    float *to = r->roll.path + i * (d + 1);
    for (size_t c = 0; c < d; c++) to[c] = (float)x[c];
    to[d] = 0;
  }
  for (size_t k = 1; k < r->problem->times; k++) {
    station *s = r->stations + k - 1;
    for (size_t j = 0; j < s->m; j++)
      memcpy(s->target + j * d, cell(r, k, j, s->m), d * sizeof(double));
  }
}

static void forward_tile(void *context, size_t tile, int rank) {
  session *r = context;
  size_t first = tile * MLP_TILE;
  rollout_forward(&r->roll, first, smaller(r->roll.n - first, MLP_TILE), &r->learner,
                  &r->problem->units, r->shares + (size_t)rank * r->share, r->share);
}

/* Adds the derivatives of this time's loss by the states there to the adjoint. */
static void add_adjoint(session *r, const station *s, size_t arcs, double total) {
  const refine_problem *p = r->problem;
  size_t d = p->d, dim = d + 1, n = s->n;
  double part = 1 / (double)(p->times - 1), mean_u = 0;
  double observed = p->mass[s->snapshot], predicted = total / (double)n;
  double slope = 2 * r->options->mass_weight * (predicted - observed) /
                 (observed * observed);
  float *adjoint = r->roll.adjoint + p->observed[s->snapshot] * n * dim;
  for (size_t i = 0; i < n; i++) mean_u += s->weight[i] / total * s->u[i];
  for (size_t i = 0; i < n; i++) {
    double by_share = s->weight[i] / total * (s->u[i] - mean_u);
    double by_mass = slope * s->weight[i] / (double)n;
    adjoint[i * dim + d] += (float)(part * (by_share + by_mass));
  }
  for (size_t e = 0; e < arcs; e++) {
    const emd_arc *arc = s->plan + e;
    const double *x = s->cloud + arc->source * d, *y = s->target + arc->target * d;
    double square = 0;
    for (size_t c = 0; c < d; c++) square += (x[c] - y[c]) * (x[c] - y[c]);
    if (square == 0) continue; /* at the minimum; 0 is a subgradient */
    double scale = part * arc->flow / sqrt(square);
    for (size_t c = 0; c < d; c++)
      adjoint[arc->source * dim + c] += (float)(scale * (x[c] - y[c]));
  }
}

static void run_station(void *context, size_t item, int rank) {
  session *r = context;
  station *s = r->stations + item;
  const refine_problem *p = r->problem;
  size_t d = p->d, n = s->n;
  const float *state = r->roll.path + p->observed[s->snapshot] * n * (d + 1);
  double total = 0;
  (void)rank;
  for (size_t i = 0; i < n; i++) {
    for (size_t c = 0; c < d; c++) s->cloud[i * d + c] = state[i * (d + 1) + c];
    total += s->weight[i] = exp(state[i * (d + 1) + d]);
  }
  emd_task task = station_task(s, d);
  emd_options options = emd_defaults();
  emd_result result;
  s->status = emd_solve(s->u, NULL, s->plan, &result, &task, &options, s->emd,
                        s->emd_bytes);
  if (s->status != STATUS_OK) return;
  double observed = p->mass[s->snapshot];
  s->w1 = result.cost;
  s->mass_error = fabs(total / (double)n - observed) / observed;
  add_adjoint(r, s, result.arcs, total);
}

static void run_lane(void *context, size_t lane, int rank) {
  session *r = context;
  const refine_options *o = r->options;
  void *space = r->shares + (size_t)rank * r->share;
  learner_clear_lane(&r->learner, lane);
  for (size_t at = lane * MLP_TILE; at < r->roll.n; at += r->lanes * MLP_TILE)
    rollout_backward(&r->roll, at, smaller(r->roll.n - at, MLP_TILE), &r->learner, lane,
                     &r->problem->units, space, r->share);
  if (o->anchor > 0)
    match_lane(r->anchor_loss + 2 * lane, &r->learner, lane, r->problem->bridge,
               o->batch, o->key, r->step, o->anchor / (double)o->batch, space, r->share);
}

static void collect(session *r) {
  size_t later = r->problem->times - 1;
  double *loss = r->losses + 2 * (r->step - r->from);
  loss[0] = loss[1] = 0;
  for (size_t k = 0; k < later; k++) {
    const station *s = r->stations + k;
    if (s->status != STATUS_OK) r->status = s->status;
    loss[0] += s->w1 / (double)later;
    loss[1] += s->mass_error / (double)later;
  }
}

static void run_steps(crew *c, void *context) {
  session *r = context;
  const refine_options *o = r->options;
  size_t floats = (r->roll.steps + 1) * r->roll.n * (r->roll.d + 1);
  for (r->step = r->from; r->step < r->to; r->step++) {
    draw_cells(r);
    memset(r->roll.adjoint, 0, floats * sizeof(float));
    crew_loop(c, (r->roll.n + MLP_TILE - 1) / MLP_TILE, forward_tile, r);
    crew_loop(c, r->problem->times - 1, run_station, r);
    collect(r);
    if (r->status != STATUS_OK) return;
    crew_loop(c, r->lanes, run_lane, r);
    double norm = learner_gradient_norm(&r->learner, 1);
    double scale = norm > o->clip ? o->clip / norm : 1;
    double rate = cosine_rate(r->step, o->total_steps, o->learning_rate, o->rate_floor);
    learner_update(&r->learner, c, scale, r->step + 1, rate);
  }
}

static int check(const mlp_shape *velocity, const mlp_shape *growth,
                 const refine_problem *p, const refine_options *o) {
  size_t d = p->d;
  if (mlp_check(velocity) || mlp_check(growth) || velocity->inputs != d + 1 ||
      velocity->outputs != d || growth->inputs != d + 1 || growth->outputs != 1 ||
      p->times < 2 || p->boundaries < p->times || o->most_start == 0 ||
      o->most_target == 0 || o->threads < 1 || o->batch == 0)
    return STATUS_BAD_ARGUMENT;
  for (size_t k = 0; k < p->times; k++)
    if (snapshot_size(p, k) == 0 || p->observed[k] >= p->boundaries)
      return STATUS_BAD_SIZE;
  return STATUS_OK;
}

int refine_run(trainee *velocity, trainee *growth, double *losses, uint64_t from,
               uint64_t steps, const refine_problem *problem,
               const refine_options *options, void *workspace, size_t workspace_bytes) {
  int status = check(&velocity->shape, &growth->shape, problem, options);
  if (status != STATUS_OK) return status;
  session r = {.problem = problem, .options = options, .losses = losses, .from = from,
               .to = from + steps};
  arena a = arena_over(workspace, workspace_bytes);
  layout(&a, &r, &velocity->shape, &growth->shape, problem, options);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  learner_load(&r.learner, velocity, growth);
  crew_gather(learner_crew(&r.learner, options->threads), run_steps, &r);
  learner_store(velocity, growth, &r.learner);
  return r.status;
}
