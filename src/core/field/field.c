#include "field/field.h"
#include "base/parallel.h"
#include "base/status.h"
#include <math.h>

/* Cells that are integrated together by one thread, at most. */
#define BLOCK ((size_t)2 * MLP_TILE)
/* Multiplications by a parameter that a thread does between two polls of the caller:
 * some hundredths of a second, or half a second without vector instructions. */
#define BREATH ((size_t)500000000)

/* What one thread needs. */
typedef struct {
  const field *f;
  float *input;           /* (MLP_TILE, d + 1) */
  float *out[HEADS_MOST]; /* (MLP_TILE, pad(outputs)) */
  mlp_tile tile[HEADS_MOST];
  char *ode;
  size_t ode_bytes;
} scratch;

/* Single right-hand sides between two polls. */
static size_t breath(const field *f) {
  size_t fit = BREATH / heads_packed(&f->heads);
  return fit < 1 ? 1 : fit;
}

/* Fewer cells where networks are so large that a step of all would outlast that. */
static size_t block_cells(const field *f) {
  size_t fit = breath(f) / ODE_STAGES;
  return fit < 1 ? 1 : fit < BLOCK ? fit : BLOCK;
}

static void layout(arena *a, scratch *l, const field *f) {
  size_t d = field_dim(f);
  l->f = f;
  l->input = arena_take(a, MLP_TILE * (d + 1), sizeof(float));
  for (size_t i = 0; i < f->heads.count; i++) {
    const mlp_shape *shape = &f->heads.head[i].shape;
    l->out[i] = arena_take(a, MLP_TILE * kernel_pad(shape->outputs), sizeof(float));
    mlp_tile_layout(a, &l->tile[i], shape, MLP_TILE);
  }
  l->ode_bytes = ode_workspace(block_cells(f), d + 1);
  l->ode = arena_take(a, l->ode_bytes, 1);
}

static size_t scratch_bytes(const field *f) {
  arena a = {0};
  scratch l;
  layout(&a, &l, f);
  return arena_size(&a);
}

/* A scratch, and the block of states that it moves. */
typedef struct {
  scratch scratch;
  ode_run run;
  int status;
} worker;

static worker *take_workers(arena *a, const field *f, int threads, char **spaces) {
  *spaces = arena_take(a, (size_t)threads, scratch_bytes(f));
  return arena_take(a, (size_t)threads, sizeof(worker));
}

size_t field_workspace(const field *f, int threads) {
  arena a = {0};
  char *spaces;
  take_workers(&a, f, threads, &spaces);
  return arena_size(&a);
}

/* `rows` cells for the networks; x has a stride from cell to cell. */
static void take_cells(scratch *l, const double *x, const double *t, size_t rows,
                       size_t stride) {
  size_t d = field_dim(l->f);
  for (size_t r = 0; r < rows; r++) {
    float *in = l->input + r * (d + 1);
    for (size_t i = 0; i < d; i++) in[i] = (float)x[r * stride + i];
    in[d] = (float)t[r];
  }
}

/* What the head at a place says of these cells; `value` has a stride, too. */
static void answer(double *value, scratch *l, size_t place, size_t rows, size_t stride) {
  const head *h = l->f->heads.head + place;
  size_t outputs = h->shape.outputs, pad = kernel_pad(outputs);
  float *out = l->out[place];
  mlp_forward(out, &l->tile[place], l->input, field_dim(l->f) + 1, rows,
              l->f->packed[place], &h->shape);
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < outputs; i++)
      value[r * stride + i] = h->offset + h->scale * out[r * pad + i];
}

/* The right-hand side for ode.h: states (n, d + 1). */
static void derivative(double *dx, const double *x, const double *t, size_t n,
                       void *context) {
  scratch *l = context;
  const heads *h = &l->f->heads;
  size_t d = h->d, dim = d + 1;
  size_t velocity = heads_place(h, HEAD_VELOCITY), growth = heads_place(h, HEAD_GROWTH);
  for (size_t r = 0; r < n; r += MLP_TILE) {
    size_t rows = n - r < MLP_TILE ? n - r : MLP_TILE;
    take_cells(l, x + r * dim, t + r, rows, dim);
    answer(dx + r * dim, l, velocity, rows, dim);
    if (growth < h->count)
      answer(dx + r * dim + d, l, growth, rows, dim);
    else
      for (size_t i = r; i < r + rows; i++) dx[i * dim + d] = 0;
  }
}

/* A scratch carved from its part of the workspace. */
static scratch scratch_over(char *spaces, size_t rank, const field *f) {
  size_t bytes = scratch_bytes(f);
  arena a = arena_over(spaces + rank * bytes, bytes);
  scratch l;
  layout(&a, &l, f);
  return l;
}

static int all_finite(const double *value, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!isfinite(value[i])) return 0;
  return 1;
}

int field_evaluate(double *const value[], const double *x, const double *t, size_t n,
                   const field *f, int threads, void *workspace, size_t workspace_bytes) {
  size_t d = field_dim(f), tiles = (n + MLP_TILE - 1) / MLP_TILE;
  char *spaces;
  arena a = arena_over(workspace, workspace_bytes);
  take_workers(&a, f, threads, &spaces);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  kernels_get(); /* chosen here, before threads ask for it */
  PARALLEL_FOR(parallel_threads(threads, tiles))
  for (size_t tile = 0; tile < tiles; tile++) {
    scratch l = scratch_over(spaces, (size_t)parallel_rank(), f);
    size_t r = tile * MLP_TILE, rows = n - r < MLP_TILE ? n - r : MLP_TILE;
    take_cells(&l, x + r * d, t + r, rows, d);
    for (size_t i = 0; i < f->heads.count; i++) {
      size_t outputs = f->heads.head[i].shape.outputs;
      answer(value[i] + r * outputs, &l, i, rows, outputs);
    }
  }
  for (size_t i = 0; i < f->heads.count; i++)
    if (!all_finite(value[i], n * f->heads.head[i].shape.outputs))
      return STATUS_NOT_FINITE;
  return STATUS_OK;
}

/* States that are moved, in blocks, and the next of these that nobody has begun. */
typedef struct {
  double *states;
  const double *from;
  double to;
  size_t n, next;
  const field *f;
  const ode_options *options;
} journey;

/* The next block of states for a worker; 0 if there is none. */
static int take_block(worker *w, journey *j) {
  size_t rows = block_cells(j->f), first = j->n, dim = field_dim(j->f) + 1;
  PARALLEL_CRITICAL
  {
    first = j->next;
    if (first < j->n) j->next += rows;
  }
  if (first >= j->n) return 0;
  if (j->n - first < rows) rows = j->n - first;
  int status = ode_begin(&w->run, j->states + first * dim, j->from + first, j->to, rows,
                         dim, derivative, &w->scratch, j->options, w->scratch.ode,
                         w->scratch.ode_bytes);
  if (status > w->status) w->status = status;
  return 1;
}

/* About so many right-hand sides of one worker, block after block. */
static void work(worker *w, journey *j, size_t evaluations) {
  for (;;) {
    size_t before = w->run.evaluations;
    ode_continue(&w->run, evaluations);
    if (w->run.active > 0) return;
    if (w->run.status > w->status) w->status = w->run.status;
    size_t spent = w->run.evaluations - before;
    if (spent >= evaluations || !take_block(w, j)) return;
    evaluations -= spent;
  }
}

int field_advance(double *states, const double *from, double to, size_t n,
                  const field *f, const ode_options *options, int threads,
                  void *workspace, size_t workspace_bytes) {
  char *spaces;
  arena a = arena_over(workspace, workspace_bytes);
  worker *workers = take_workers(&a, f, threads, &spaces);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  kernels_get();
  journey j = {states, from, to, n, 0, f, options};
  threads = parallel_threads(threads, (n + block_cells(f) - 1) / block_cells(f));
  for (int i = 0; i < threads; i++)
    workers[i] = (worker){.scratch = scratch_over(spaces, (size_t)i, f)};
  int busy, worst = STATUS_OK;
  do {
    if (options->interrupted && options->interrupted(options->interrupted_data))
      return STATUS_INTERRUPTED;
    PARALLEL_FOR(threads)
    for (int i = 0; i < threads; i++) work(workers + i, &j, breath(f));
    busy = j.next < n;
    for (int i = 0; i < threads; i++) busy |= workers[i].run.active > 0;
  } while (busy);
  for (int i = 0; i < threads; i++)
    if (workers[i].status > worst) worst = workers[i].status;
  return worst;
}
