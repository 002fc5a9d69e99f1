#include "transport/uot_blocks.h"
#include "base/parallel.h"
#include "base/spatial.h"
#include "transport/uot_pass.h"
#include <math.h>
#include <stdatomic.h>
#include <string.h>

/* --- who is in which block ---------------------------------------------------------- */

/* A random order of 0 ... count - 1 (Fisher and Yates). */
static void shuffle(uint32_t *order, size_t count, size_t first, const uot_split *split,
                    uint32_t side) {
  for (size_t k = 0; k < count; k++) {
    const uint32_t counter[4] = {(uint32_t)(first + k), split->stream, side, RNG_DEAL};
    uint32_t word[4];
    rng_philox(word, counter, split->key);
    size_t other = (size_t)(rng_uniform(word[0]) * (double)(k + 1));
    order[k] = order[other];
    order[other] = (uint32_t)k;
  }
}

void uot_deal(uint32_t *member, const double *point, size_t count, size_t d,
              const uot_split *split, uint32_t side, uint32_t *scratch) {
  size_t blocks = split->blocks;
  uint32_t *near = scratch, *block = near + count, *order = block + count;
  for (size_t i = 0; i < count; i++) near[i] = (uint32_t)i;
  spatial_order(near, count, blocks, point, d);
  for (size_t first = 0; first < count; first += blocks) {
    size_t size = count - first < blocks ? count - first : blocks;
    shuffle(order, size, first, split, side);
    for (size_t k = 0; k < size; k++) block[near[first + k]] = order[k];
  }
  uint32_t *next = order;
  for (size_t b = 0; b < blocks; b++)
    next[b] = (uint32_t)uot_block_first(count, blocks, b);
  for (size_t i = 0; i < count; i++) member[next[block[i]]++] = (uint32_t)i;
}

/* --- a block ------------------------------------------------------------------------ */

typedef struct {
  uot_problem problem;       /* its clouds and marginals are the arrays below */
  double *x, *y, *a, *b;      /* (n, d), (m, d), (n), (m) of the largest block */
  uot_solution out;           /* the same of what is solved for */
  size_t bytes;
  void *workspace;
} block_share;

typedef struct {
  const uot_problem *problem;
  const uot_options *options;
  const uot_split *split;
  const uot_solution *out;
  uint32_t *source, *target;  /* (n), (m) members, block after block */
  uot_result *results;       /* (blocks) */
  int *status;                /* (blocks) */
  int want_plan;
  plan sparse;
  size_t room;                /* entries of the plan that a block may have */
  size_t share;               /* bytes for the block under way on a thread */
  int workers;
  char *shares;               /* (workers, share) */
  atomic_int stopped;
} block_run;

/* What a block wants of the solver: it runs on one thread, and keeps its costs. */
static uot_options block_options(const block_run *s) {
  uot_options o = *s->options;
  o.threads = 1;
  o.memory = SIZE_MAX;
  o.entries = s->room;
  return o;
}

static void layout_share(arena *space, block_share *own, const block_run *s) {
  const uot_problem *p = s->problem;
  size_t n = uot_block_size(p->n, s->split->blocks, 0);
  size_t m = uot_block_size(p->m, s->split->blocks, 0);
  uot_options o = block_options(s);
  own->x = arena_take(space, n * p->d, sizeof(double));
  own->y = arena_take(space, m * p->d, sizeof(double));
  own->a = arena_take(space, n, sizeof(double));
  own->b = arena_take(space, m, sizeof(double));
  own->out.f = arena_take(space, n, sizeof(double));
  own->out.g = arena_take(space, m, sizeof(double));
  own->out.row = arena_take(space, n, sizeof(double));
  own->out.column = arena_take(space, m, sizeof(double));
  own->out.ends = arena_take(space, n, sizeof(double));
  own->problem = *p;
  own->problem.n = n;
  own->problem.m = m;
  own->problem.x = own->x;
  own->problem.y = own->y;
  own->problem.a = own->a;
  own->problem.b = own->b;
  own->bytes = uot_workspace(&own->problem, &o);
  if (own->bytes == 0) space->failed = 1;
  own->workspace = arena_take(space, own->bytes, 1);
}

static void gather(double *points, double *masses, const double *from_points,
                   const double *from_masses, const uint32_t *member, size_t count,
                   size_t d) {
  for (size_t k = 0; k < count; k++) {
    memcpy(points + k * d, from_points + member[k] * d, d * sizeof *points);
    masses[k] = from_masses[member[k]];
  }
}

static void scatter(double *out, const double *value, const uint32_t *member,
                    size_t count) {
  if (out == NULL) return;
  for (size_t k = 0; k < count; k++) out[member[k]] = value[k];
}

/* With both marginals kept, a block needs the same mass on both sides. */
static void same_total(block_share *own) {
  const uot_problem *p = &own->problem;
  double a = 0, b = 0;
  if (isfinite(p->tau_source) || isfinite(p->tau_target)) return;
  for (size_t i = 0; i < p->n; i++) a += own->a[i];
  for (size_t j = 0; j < p->m; j++) b += own->b[j];
  for (size_t i = 0; i < p->n; i++) own->a[i] *= b / a;
}

/* The block's plan, which names sources by their place in the block, into its part of
 * the whole. */
static void store_plan(block_run *s, const plan *part, size_t block,
                       const uint32_t *source, const uint32_t *target) {
  plan *p = &s->sparse;
  size_t at = block * s->room;
  for (size_t j = 0; j < part->m; j++) {
    const int32_t *from = part->source + part->start[j];
    p->start[target[j]] = at;
    p->count[target[j]] = part->count[j];
    for (size_t k = 0; k < part->count[j]; k++)
      p->source[at + k] = (int32_t)source[from[k]];
    memcpy(p->value + at, part->value + part->start[j], part->count[j] * sizeof(float));
    at += part->count[j];
  }
}

/* The caller may be asked on its own thread only, which passes the answer on. */
static int asked_to_stop(void *data) {
  block_run *s = data;
  const uot_options *o = s->options;
  if (o->interrupted && o->interrupted(o->interrupted_data)) s->stopped = 1;
  return s->stopped;
}

static int told_to_stop(void *data) { return ((block_run *)data)->stopped; }

static void solve_block(block_run *s, size_t block, int rank) {
  const uot_problem *p = s->problem;
  size_t blocks = s->split->blocks;
  const uint32_t *source = s->source + uot_block_first(p->n, blocks, block);
  const uint32_t *target = s->target + uot_block_first(p->m, blocks, block);
  block_share own;
  arena space = arena_over(s->shares + (size_t)rank * s->share, s->share);
  layout_share(&space, &own, s);
  size_t n = own.problem.n = uot_block_size(p->n, blocks, block);
  size_t m = own.problem.m = uot_block_size(p->m, blocks, block);
  gather(own.x, own.a, p->x, p->a, source, n, p->d);
  gather(own.y, own.b, p->y, p->b, target, m, p->d);
  same_total(&own);
  uot_options o = block_options(s);
  o.interrupted = rank == 0 ? asked_to_stop : told_to_stop;
  o.interrupted_data = s;
  plan part;
  s->status[block] = uot_solve(&own.out, s->want_plan ? &part : NULL, s->results + block,
                               &own.problem, &o, own.workspace, own.bytes);
  if (s->status[block] && s->status[block] != STATUS_NOT_CONVERGED) return;
  scatter(s->out->f, own.out.f, source, n);
  scatter(s->out->g, own.out.g, target, m);
  scatter(s->out->row, own.out.row, source, n);
  scatter(s->out->column, own.out.column, target, m);
  scatter(s->out->ends, own.out.ends, source, n);
  if (s->want_plan) store_plan(s, &part, block, source, target);
}

/* --- all blocks --------------------------------------------------------------------- */

static void layout(arena *space, block_run *s, uint32_t **scratch) {
  const uot_problem *p = s->problem;
  size_t n = p->n, m = p->m, blocks = s->split->blocks, entries, all;
  /* There must be room for the largest entry of every column of a group. */
  size_t columns = uot_block_size(m, blocks, 0) / UOT_GROUPS + 1;
  s->room = s->options->capacity / blocks;
  if (s->room < columns * UOT_GROUPS) s->room = columns * UOT_GROUPS;
  if (size_mul(s->room, blocks, &entries)) space->failed = 1;

  arena measure = {0};
  block_share own;
  layout_share(&measure, &own, s);
  s->share = arena_size(&measure);
  size_t fit = s->share > 0 ? s->options->memory / s->share : 0;
  s->workers = s->options->threads;
  if ((size_t)s->workers > fit) s->workers = fit > 1 ? (int)fit : 1;
  if (size_mul((size_t)s->workers, s->share, &all) || s->share == 0) space->failed = 1;

  s->source = arena_take(space, n, sizeof *s->source);
  s->target = arena_take(space, m, sizeof *s->target);
  *scratch = arena_take(space, 3 * (n > m ? n : m), sizeof **scratch);
  s->results = arena_take(space, blocks, sizeof *s->results);
  s->status = arena_take(space, blocks, sizeof *s->status);
  s->sparse.n = n;
  s->sparse.m = m;
  s->sparse.start = arena_take(space, m, sizeof *s->sparse.start);
  s->sparse.count = arena_take(space, m, sizeof *s->sparse.count);
  s->sparse.source = arena_take(space, entries, sizeof *s->sparse.source);
  s->sparse.value = arena_take(space, entries, sizeof *s->sparse.value);
  s->shares = arena_take(space, all, 1);
}

static int check(const uot_problem *p, const uot_options *o, const uot_split *split) {
  size_t points;
  if (split->blocks == 0 || split->blocks > p->n || split->blocks > p->m ||
      p->n > INT32_MAX || p->m > INT32_MAX || size_mul(p->n, p->d, &points) ||
      size_mul(p->m, p->d, &points))
    return STATUS_BAD_SIZE;
  return o->threads < 1 ? STATUS_BAD_ARGUMENT : STATUS_OK;
}

size_t uot_blocks_workspace(const uot_problem *problem, const uot_options *options,
                            const uot_split *split) {
  if (split->blocks == 1) return uot_workspace(problem, options);
  if (check(problem, options, split)) return 0;
  block_run s = {.problem = problem, .options = options, .split = split};
  arena space = {0};
  uint32_t *scratch;
  layout(&space, &s, &scratch);
  return arena_size(&space);
}

/* Points that are not finite have no order; their blocks would be refused in any case. */
static int check_points(const double *x, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!isfinite(x[i])) return STATUS_NOT_FINITE;
  return STATUS_OK;
}

static int collect(uot_result *total, const block_run *s) {
  int outcome = STATUS_OK;
  for (size_t b = 0; b < s->split->blocks; b++) {
    const uot_result *part = s->results + b;
    if (outcome == STATUS_OK) outcome = s->status[b];
    total->transport_cost += part->transport_cost;
    total->objective += part->objective;
    total->gap += part->gap;
    total->residual = fmax(total->residual, part->residual);
    total->threshold = fmax(total->threshold, part->threshold);
    total->lost = fmax(total->lost, part->lost);
    total->entries += part->entries;
    total->system_entries += part->system_entries;
    total->sources_alone += part->sources_alone;
    total->targets_alone += part->targets_alone;
    total->levels += part->levels;
    total->passes += part->passes;
    total->newton_steps += part->newton_steps;
    total->cg_steps += part->cg_steps;
  }
  return outcome;
}

int uot_blocks_solve(const uot_solution *out, plan *sparse, uot_result *result,
                     const uot_problem *problem, const uot_options *options,
                     const uot_split *split, void *workspace, size_t bytes) {
  if (split->blocks == 1)
    return uot_solve(out, sparse, result, problem, options, workspace, bytes);
  block_run s = {.problem = problem, .options = options, .split = split, .out = out,
               .want_plan = sparse != NULL};
  *result = (uot_result){0};
  int code = check(problem, options, split);
  if (!code) code = check_points(problem->x, problem->n * problem->d);
  if (!code) code = check_points(problem->y, problem->m * problem->d);
  if (code) return code;
  arena space = arena_over(workspace, bytes);
  uint32_t *scratch;
  layout(&space, &s, &scratch);
  if (!arena_ok(&space)) return STATUS_NO_SPACE;
  kernels_get(); /* chosen here, before threads ask for it */
  uot_deal(s.source, problem->x, problem->n, problem->d, split, 0, scratch);
  uot_deal(s.target, problem->y, problem->m, problem->d, split, 1, scratch);

  PARALLEL_FOR(s.workers)
  for (size_t block = 0; block < split->blocks; block++) {
    if (s.stopped) s.status[block] = STATUS_INTERRUPTED;
    else solve_block(&s, block, parallel_rank());
  }
  if (s.stopped) return STATUS_INTERRUPTED;
  if (sparse) *sparse = s.sparse;
  return collect(result, &s);
}
