#include "transport/nearest.h"
#include "kernels/kernels.h"
#include "base/parallel.h"
#include "base/status.h"
#include <math.h>

#define PANEL ((size_t)512) /* points */
#define GROUP ((size_t)64)  /* queries */

typedef struct {
  size_t panels;
  double *panel;  /* (panels, d, PANEL), the last one padded with zeros */
  double *square; /* (threads, PANEL) */
} scratch;

static void layout(arena *a, scratch *s, const nearest_task *task, int threads) {
  size_t values;
  s->panels = task->n / PANEL + (task->n % PANEL != 0);
  if (size_mul(s->panels * PANEL, task->d, &values)) a->failed = 1;
  s->panel = arena_take(a, values, sizeof *s->panel);
  s->square = arena_take(a, (size_t)threads * PANEL, sizeof *s->square);
}

size_t nearest_workspace(const nearest_task *task, int threads) {
  arena a = {0};
  scratch s;
  layout(&a, &s, task, threads);
  return arena_size(&a);
}

static void fill_panels(double *out, const nearest_task *task, size_t panels) {
  for (size_t p = 0; p < panels; p++, out += task->d * PANEL)
    for (size_t k = 0; k < task->d; k++)
      for (size_t i = 0; i < PANEL; i++) {
        size_t point = p * PANEL + i;
        out[k * PANEL + i] = point < task->n ? task->points[point * task->d + k] : 0;
      }
}

/* Put a point, whose place is higher than any before, among the k best so far. */
static void insert(int32_t *index, double *square, size_t k, size_t point, double found) {
  size_t at = k - 1;
  for (; at > 0 && square[at - 1] > found; at--) {
    square[at] = square[at - 1];
    index[at] = index[at - 1];
  }
  square[at] = found;
  index[at] = (int32_t)point;
}

/* The neighbours of queries from `first` to before `end`. */
static void find_group(int32_t *index, double *square, const nearest_task *task,
                       const scratch *s, double *found, size_t first, size_t end) {
  const kernels *kernel = kernels_get();
  size_t k = task->k;
  for (size_t at = first * k; at < end * k; at++) square[at] = INFINITY;
  for (size_t p = 0; p < s->panels; p++) {
    size_t start = p * PANEL, left = task->n - start, count = left < PANEL ? left : PANEL;
    for (size_t q = first; q < end; q++) {
      kernel->sqdist(found, 0, s->panel + start * task->d, PANEL,
                     task->queries + q * task->d, 0, count, 1, task->d, 0);
      const double *worst = square + q * k + k - 1;
      for (size_t i = 0; i < count; i++)
        if (found[i] < *worst)
          insert(index + q * k, square + q * k, k, start + i, found[i]);
    }
  }
}

int nearest_find(int32_t *index, double *square, const nearest_task *task, int threads,
                 void *workspace, size_t workspace_bytes) {
  if (task->k < 1 || task->k > task->n || task->n > INT32_MAX) return STATUS_BAD_SIZE;
  arena a = arena_over(workspace, workspace_bytes);
  scratch s;
  layout(&a, &s, task, threads);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  kernels_get(); /* chosen here, before threads ask for it */
  fill_panels(s.panel, task, s.panels);
  size_t groups = (task->m + GROUP - 1) / GROUP;
  PARALLEL_FOR(threads)
  for (size_t g = 0; g < groups; g++) {
    size_t end = (g + 1) * GROUP < task->m ? (g + 1) * GROUP : task->m;
    find_group(index, square, task, &s, s.square + (size_t)parallel_rank() * PANEL,
               g * GROUP, end);
  }
  /* A distance that is no number, or overflows, leaves a place empty. */
  for (size_t i = 0; i < task->m * task->k; i++)
    if (!isfinite(square[i])) return STATUS_NOT_FINITE;
  return STATUS_OK;
}
