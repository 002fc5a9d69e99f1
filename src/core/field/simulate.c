#include "field/simulate.h"
#include "base/status.h"
#include "field/blocks.h"
#include "field/scratch.h"
#include <string.h>

#define EVALUATIONS 3 /* in a step of both solutions of sde.h */

/* What one thread needs, and the block of states that it moves. */
typedef struct {
  scratch scratch;
  double *score; /* (MLP_TILE, d) */
  char *sde;
  size_t sde_bytes;
  sde_equation equation;
  sde_run run;
} worker;

static size_t block_cells(const field *f) { return scratch_block(f, EVALUATIONS); }

static void drift(double *dx, const double *x, const double *t, const double *h, size_t n,
                  void *context);

static void layout_worker(arena *a, worker *w, const field *f,
                          const simulate_options *o) {
  size_t d = field_dim(f);
  w->equation = (sde_equation){d + 1, d, o->sigma, drift, w};
  scratch_layout(a, &w->scratch, f);
  w->score = arena_take(a, MLP_TILE * d, sizeof(double));
  w->sde_bytes = sde_workspace(block_cells(f), &w->equation, &o->steps);
  w->sde = arena_take(a, w->sde_bytes, 1);
}

static size_t worker_bytes(const field *f, const simulate_options *o) {
  arena a = {0};
  worker w;
  layout_worker(&a, &w, f, o);
  return w.sde_bytes == 0 ? 0 : arena_size(&a);
}

static block_worker *take_workers(arena *a, const field *f, const simulate_options *o,
                                  int threads) {
  size_t bytes = worker_bytes(f, o);
  if (bytes == 0) a->failed = 1;
  block_worker *w = arena_take(a, (size_t)threads, sizeof(block_worker));
  worker *own = arena_take(a, (size_t)threads, sizeof(worker));
  char *spaces = arena_take(a, (size_t)threads, bytes);
  for (int i = 0; i < threads && spaces; i++) {
    arena space = arena_over(spaces + (size_t)i * bytes, bytes);
    own[i] = (worker){0};
    layout_worker(&space, own + i, f, o);
    w[i] = (block_worker){.own = own + i};
  }
  return w;
}

size_t simulate_workspace(const field *f, const simulate_options *o, int threads) {
  arena a = {0};
  take_workers(&a, f, o, threads);
  return arena_size(&a);
}

static size_t score_place(const field *f) {
  size_t place = heads_place(&f->heads, HEAD_SCORE);
  return place < f->heads.count ? place : heads_place(&f->heads, HEAD_POTENTIAL);
}

/* v + S, or v - S where a step goes backwards; and growth. */
static void drift(double *dx, const double *x, const double *t, const double *h, size_t n,
                  void *context) {
  worker *w = context;
  const field *f = w->scratch.f;
  size_t d = field_dim(f), dim = d + 1, place = score_place(f);
  for (size_t r = 0; r < n; r += MLP_TILE) {
    size_t rows = n - r < MLP_TILE ? n - r : MLP_TILE;
    scratch_derivative(dx + r * dim, x + r * dim, t + r, rows, &w->scratch);
    scratch_answer(w->score, &w->scratch, place, rows, d); /* of the same cells */
    for (size_t i = 0; i < rows; i++) {
      double sign = h[r + i] < 0 ? -1 : 1;
      for (size_t c = 0; c < d; c++)
        dx[(r + i) * dim + c] += sign * w->score[i * d + c];
    }
  }
}

typedef struct {
  sde_states states;
  size_t dim;
  rng_key key;
  const sde_options *steps;
} journey;

static int begin(void *own, size_t first, size_t count, void *problem) {
  worker *w = own;
  const journey *j = problem;
  sde_states some = j->states;
  some.x += first * j->dim;
  some.error += first * 2;
  some.from += first;
  some.cell += first;
  some.n = count;
  return sde_begin(&w->run, &some, j->key, &w->equation, j->steps, w->sde, w->sde_bytes);
}

static int go_on(void *own, size_t evaluations, size_t *spent) {
  sde_run *run = &((worker *)own)->run;
  size_t before = run->evaluations;
  sde_continue(run, evaluations);
  *spent += run->evaluations - before;
  return run->active > 0 ? BLOCK_UNDER_WAY : run->status;
}

/* The key of the paths that end at a time. */
static rng_key key_of(const simulate_options *o, double to) {
  uint64_t bits;
  uint32_t word[4];
  to += 0.0; /* -0 is 0 */
  memcpy(&bits, &to, sizeof bits);
  const uint32_t counter[4] = {(uint32_t)bits, (uint32_t)(bits >> 32), o->realisation,
                               RNG_PATH};
  rng_philox(word, counter, o->key);
  return (rng_key){{word[0], word[1]}};
}

int field_simulate(double *states, double *error, const double *from, double to,
                   const uint32_t *cell, size_t n, const field *f,
                   const simulate_options *o, int threads, void *workspace,
                   size_t workspace_bytes) {
  if (!heads_find(&f->heads, HEAD_VELOCITY) || score_place(f) == f->heads.count)
    return STATUS_BAD_ARGUMENT;
  arena a = arena_over(workspace, workspace_bytes);
  block_worker *w = take_workers(&a, f, o, threads);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  kernels_get(); /* chosen here, before threads ask for it */
  journey j = {{states, error, from, cell, n, to}, field_dim(f) + 1, key_of(o, to),
               &o->steps};
  blocks b = {n, block_cells(f), scratch_breath(f), &j, begin, go_on, o->interrupted,
              o->interrupted_data};
  return blocks_run(w, blocks_threads(&b, threads), &b);
}
