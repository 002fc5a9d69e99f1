#include "field/blocks.h"
#include "base/parallel.h"
#include "base/status.h"

int blocks_threads(const blocks *b, int threads) {
  return parallel_threads(threads, (b->n + b->rows - 1) / b->rows);
}

static void note(block_worker *w, int status) {
  if (status > w->status) w->status = status;
}

/* The next block that nobody has begun; 0 if there is none. */
static int take_block(block_worker *w, const blocks *b, size_t *next) {
  size_t first, rows = b->rows;
  PARALLEL_CRITICAL
  {
    first = *next;
    if (first < b->n) *next += rows;
  }
  if (first >= b->n) return 0;
  if (b->n - first < rows) rows = b->n - first;
  int status = b->begin(w->own, first, rows, b->problem);
  note(w, status);
  w->busy = status == STATUS_OK;
  return 1;
}

/* About so many evaluations of one worker, block after block. */
static void work(block_worker *w, const blocks *b, size_t *next) {
  size_t spent = 0;
  do {
    if (!w->busy) continue;
    int status = b->go_on(w->own, b->budget - spent, &spent);
    if (status == BLOCK_UNDER_WAY) return;
    w->busy = 0;
    note(w, status);
  } while (spent < b->budget && take_block(w, b, next));
}

int blocks_run(block_worker *worker, int threads, const blocks *b) {
  size_t next = 0;
  int busy, worst = STATUS_OK;
  do {
    if (b->interrupted && b->interrupted(b->interrupted_data)) return STATUS_INTERRUPTED;
    PARALLEL_FOR(threads)
    for (int i = 0; i < threads; i++) work(worker + i, b, &next);
    busy = next < b->n;
    for (int i = 0; i < threads; i++) busy |= worker[i].busy;
  } while (busy);
  for (int i = 0; i < threads; i++)
    if (worker[i].status > worst) worst = worker[i].status;
  return worst;
}
