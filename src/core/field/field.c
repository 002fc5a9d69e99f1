#include "field/field.h"
#include "base/parallel.h"
#include "base/status.h"
#include "field/blocks.h"
#include "field/scratch.h"
#include <math.h>

/* What one thread needs, and the block of states that it moves. */
typedef struct {
  scratch scratch;
  char *ode;
  size_t ode_bytes;
  ode_run run;
} worker;

static void layout_worker(arena *a, worker *w, const field *f) {
  scratch_layout(a, &w->scratch, f);
  w->ode_bytes = ode_workspace(scratch_block(f, ODE_STAGES), field_dim(f) + 1);
  w->ode = arena_take(a, w->ode_bytes, 1);
}

static size_t worker_bytes(const field *f) {
  arena a = {0};
  worker w;
  layout_worker(&a, &w, f);
  return arena_size(&a);
}

typedef struct {
  worker *own;             /* (threads) */
  block_worker *of_blocks; /* (threads) */
} workers;

static workers take_workers(arena *a, const field *f, int threads) {
  size_t bytes = worker_bytes(f);
  workers w = {arena_take(a, (size_t)threads, sizeof(worker)),
               arena_take(a, (size_t)threads, sizeof(block_worker))};
  char *spaces = arena_take(a, (size_t)threads, bytes);
  for (int i = 0; i < threads && spaces; i++) {
    arena space = arena_over(spaces + (size_t)i * bytes, bytes);
    w.own[i] = (worker){0};
    layout_worker(&space, w.own + i, f);
    w.of_blocks[i] = (block_worker){.own = w.own + i};
  }
  return w;
}

size_t field_workspace(const field *f, int threads) {
  arena a = {0};
  take_workers(&a, f, threads);
  return arena_size(&a);
}

static int all_finite(const double *value, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!isfinite(value[i])) return 0;
  return 1;
}

int field_evaluate(double *const value[], const double *x, const double *t, size_t n,
                   const field *f, int threads, void *workspace, size_t workspace_bytes) {
  size_t d = field_dim(f), tiles = (n + MLP_TILE - 1) / MLP_TILE;
  arena a = arena_over(workspace, workspace_bytes);
  workers w = take_workers(&a, f, threads);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  kernels_get(); /* chosen here, before threads ask for it */
  PARALLEL_FOR(parallel_threads(threads, tiles))
  for (size_t tile = 0; tile < tiles; tile++) {
    scratch *l = &w.own[parallel_rank()].scratch;
    size_t r = tile * MLP_TILE, rows = n - r < MLP_TILE ? n - r : MLP_TILE;
    scratch_take(l, x + r * d, t + r, rows, d);
    for (size_t i = 0; i < f->heads.count; i++) {
      size_t values = head_values(f->heads.head + i, d);
      scratch_answer(value[i] + r * values, l, i, rows, values);
    }
  }
  for (size_t i = 0; i < f->heads.count; i++)
    if (!all_finite(value[i], n * head_values(f->heads.head + i, d)))
      return STATUS_NOT_FINITE;
  return STATUS_OK;
}

/* The right-hand side for ode.h: states (n, d + 1). */
static void derivative(double *dx, const double *x, const double *t, size_t n,
                       void *context) {
  scratch_derivative(dx, x, t, n, context);
}

typedef struct {
  double *states;
  const double *from;
  double to;
  const field *f;
  const ode_options *options;
} journey;

static int begin(void *own, size_t first, size_t count, void *problem) {
  worker *w = own;
  journey *j = problem;
  size_t dim = field_dim(j->f) + 1;
  return ode_begin(&w->run, j->states + first * dim, j->from + first, j->to, count, dim,
                   derivative, &w->scratch, j->options, w->ode, w->ode_bytes);
}

static int go_on(void *own, size_t evaluations, size_t *spent) {
  ode_run *run = &((worker *)own)->run;
  size_t before = run->evaluations;
  ode_continue(run, evaluations);
  *spent += run->evaluations - before;
  return run->active > 0 ? BLOCK_UNDER_WAY : run->status;
}

int field_advance(double *states, const double *from, double to, size_t n,
                  const field *f, const ode_options *options, int threads,
                  void *workspace, size_t workspace_bytes) {
  if (!heads_find(&f->heads, HEAD_VELOCITY)) return STATUS_BAD_ARGUMENT;
  arena a = arena_over(workspace, workspace_bytes);
  workers w = take_workers(&a, f, threads);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  kernels_get();
  journey j = {states, from, to, f, options};
  blocks b = {n, scratch_block(f, ODE_STAGES), scratch_breath(f), &j, begin, go_on,
              options->interrupted, options->interrupted_data};
  return blocks_run(w.of_blocks, blocks_threads(&b, threads), &b);
}
