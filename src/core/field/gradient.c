#include "field/gradient.h"
#include "base/parallel.h"
#include "base/status.h"
#include <math.h>
#include <string.h>

/* What one thread needs for one network. */
typedef struct {
  float *input;      /* (MLP_TILE, d + 1) */
  float *out, *dout; /* (MLP_TILE, pad(outputs)) */
  float *dx;         /* (MLP_TILE, pad(inputs)) */
  mlp_tile tile;
} scratch;

/* A head, and the part of the seed that belongs to it. */
typedef struct {
  const head *head;
  const float *packed;
  float *transposed;
  const double *seed; /* (outputs) */
} part;

static void layout(arena *a, scratch *l, const mlp_shape *s) {
  l->input = arena_take(a, MLP_TILE * (s->inputs + 1), sizeof(float));
  l->out = arena_take(a, MLP_TILE * kernel_pad(s->outputs), sizeof(float));
  l->dout = arena_take(a, MLP_TILE * kernel_pad(s->outputs), sizeof(float));
  l->dx = arena_take(a, MLP_TILE * kernel_pad(s->inputs), sizeof(float));
  mlp_tile_layout(a, &l->tile, s, MLP_TILE);
}

static size_t scratch_bytes(const mlp_shape *s) {
  arena a = {0};
  scratch l;
  layout(&a, &l, s);
  return arena_size(&a);
}

/* 0 for no head. */
static size_t part_bytes(const head *h, int threads) {
  if (!h) return 0;
  const mlp_shape *s = &h->shape;
  arena a = {0};
  arena_take(&a, mlp_transposed(s), sizeof(float));
  arena_take(&a, (size_t)threads, scratch_bytes(s));
  return arena_size(&a);
}

/* The networks take turns, so they share the workspace. */
size_t field_gradient_workspace(const field *f, int threads) {
  const head *growth = heads_find(&f->heads, HEAD_GROWTH);
  size_t v = part_bytes(heads_find(&f->heads, HEAD_VELOCITY), threads);
  size_t g = part_bytes(growth, threads);
  if (v == 0 || (growth && g == 0)) return 0;
  return v > g ? v : g;
}

static void add_tile(double *gradient, const double *x, const double *t, size_t rows,
                     size_t d, const part *p, scratch *l) {
  const mlp_shape *shape = &p->head->shape;
  size_t outputs = shape->outputs, pad_in = kernel_pad(shape->inputs);
  size_t pad_out = kernel_pad(outputs);
  memset(l->dout, 0, rows * pad_out * sizeof *l->dout);
  memset(l->dx, 0, rows * pad_in * sizeof *l->dx);
  for (size_t r = 0; r < rows; r++) {
    float *in = l->input + r * (d + 1);
    for (size_t i = 0; i < d; i++) in[i] = (float)x[r * d + i];
    in[d] = (float)t[r];
    for (size_t j = 0; j < outputs; j++) l->dout[r * pad_out + j] = (float)p->seed[j];
  }
  mlp_forward(l->out, &l->tile, l->input, d + 1, rows, p->packed, shape);
  mlp_backward(NULL, l->dx, l->dout, &l->tile, l->input, d + 1, rows, p->transposed,
               shape);
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < d; i++)
      gradient[r * d + i] += p->head->scale * l->dx[r * pad_in + i];
}

/* Adds what one head contributes to gradient (n, d). */
static int add_part(double *gradient, const double *x, const double *t, size_t n,
                    size_t d, part p, int threads, void *workspace,
                    size_t workspace_bytes) {
  const mlp_shape *shape = &p.head->shape;
  size_t bytes = scratch_bytes(shape);
  size_t tiles = (n + MLP_TILE - 1) / MLP_TILE;
  arena a = arena_over(workspace, workspace_bytes);
  p.transposed = arena_take(&a, mlp_transposed(shape), sizeof(float));
  char *scratches = arena_take(&a, (size_t)threads, bytes);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  mlp_transpose(p.transposed, p.packed, shape);
  PARALLEL_FOR(parallel_threads(threads, tiles))
  for (size_t tile = 0; tile < tiles; tile++) {
    arena mine = arena_over(scratches + (size_t)parallel_rank() * bytes, bytes);
    scratch l;
    layout(&mine, &l, shape);
    size_t r = tile * MLP_TILE, rows = n - r < MLP_TILE ? n - r : MLP_TILE;
    add_tile(gradient + r * d, x + r * d, t + r, rows, d, &p, &l);
  }
  return STATUS_OK;
}

static int any(const double *seed, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (seed[i] != 0) return 1;
  return 0;
}

int field_gradient(double *gradient, const double *seed, const double *x,
                   const double *t, size_t n, const field *f, int threads,
                   void *workspace, size_t workspace_bytes) {
  size_t d = field_dim(f);
  const head_kind kinds[] = {HEAD_VELOCITY, HEAD_GROWTH};
  const double *seeds[] = {seed, seed + d};
  memset(gradient, 0, n * d * sizeof *gradient);
  for (int k = 0; k < 2; k++) {
    size_t place = heads_place(&f->heads, kinds[k]);
    if (place == f->heads.count) continue;
    part p = {f->heads.head + place, f->packed[place], NULL, seeds[k]};
    if (!any(p.seed, p.head->shape.outputs)) continue;
    int status = add_part(gradient, x, t, n, d, p, threads, workspace, workspace_bytes);
    if (status != STATUS_OK) return status;
  }
  for (size_t i = 0; i < n * d; i++)
    if (!isfinite(gradient[i])) return STATUS_NOT_FINITE;
  return STATUS_OK;
}
