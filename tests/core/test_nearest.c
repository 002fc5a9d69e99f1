#include "check.h"
#include "kernels/kernels.h"
#include "transport/nearest.h"
#include "base/status.h"
#include <string.h>

enum { N = 1300, M = 150, D = 7, K = 9 };
static double points[N * D], queries[M * D], square[M * K], square_many[M * K];
static int32_t index_one[M * K], index_many[M * K];

/* Whole numbers from a small range: distances are exact, and many are equal. */
static void fill(double *x, size_t n, uint32_t seed) {
  for (size_t i = 0; i < n; i++) {
    seed = seed * 1664525u + 1013904223u;
    x[i] = (double)(seed >> 29);
  }
}

static double distance(const double *x, const double *y, size_t d) {
  double total = 0;
  for (size_t k = 0; k < d; k++) total += (x[k] - y[k]) * (x[k] - y[k]);
  return total;
}

static int find(int32_t *index, double *found, const nearest_task *task, int threads) {
  size_t bytes = nearest_workspace(task, threads);
  void *block = malloc(bytes);
  int status = nearest_find(index, found, task, threads, block, bytes);
  free(block);
  return status;
}

/* Neighbours are in order of (distance, place), their distances are right, and the points
 * not among them come after the last one in the same order. */
static int wrong(const int32_t *index, const double *found, const nearest_task *task) {
  int bad = 0;
  for (size_t q = 0; q < task->m; q++) {
    const int32_t *near = index + q * task->k;
    const double *at = found + q * task->k, *query = task->queries + q * task->d;
    for (size_t r = 0; r < task->k; r++) {
      bad += at[r] != distance(task->points + (size_t)near[r] * task->d, query, task->d);
      int tie = r > 0 && at[r - 1] == at[r];
      bad += r > 0 && (at[r - 1] > at[r] || (tie && near[r - 1] >= near[r]));
    }
    size_t closer = 0;
    for (size_t i = 0; i < task->n; i++) {
      double far = distance(task->points + i * task->d, query, task->d);
      int32_t last = near[task->k - 1];
      closer += far < at[task->k - 1] || (far == at[task->k - 1] && (int32_t)i <= last);
    }
    bad += closer != task->k;
  }
  return bad;
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels");
  fill(points, N * D, 1);
  fill(queries, M * D, 2);
  const size_t sizes[][4] = {
    {N, M, D, K}, {512, 64, D, 1}, {K, 3, 1, K}, {513, 65, 2, 5}};
  for (size_t c = 0; c < sizeof sizes / sizeof *sizes; c++) {
    nearest_task task = {.n = sizes[c][0], .m = sizes[c][1], .d = sizes[c][2],
                         .k = sizes[c][3], .points = points, .queries = queries};
    CHECK(find(index_one, square, &task, 1) == STATUS_OK, "case %zu", c);
    CHECK(wrong(index_one, square, &task) == 0, "case %zu", c);
    CHECK(find(index_many, square_many, &task, 3) == STATUS_OK, "case %zu", c);
    CHECK(memcmp(index_one, index_many, task.m * task.k * sizeof *index_one) == 0 &&
          memcmp(square, square_many, task.m * task.k * sizeof *square) == 0,
          "case %zu depends on threads", c);
  }
  nearest_task task = {.n = N, .m = M, .d = D, .k = N + 1, .points = points,
                       .queries = queries};
  CHECK(find(index_one, square, &task, 1) == STATUS_BAD_SIZE, "more than there are");
  task.k = K;
  CHECK(nearest_find(index_one, square, &task, 1, square_many, 64) == STATUS_NO_SPACE,
        "no room");
  task.n = K;
  points[0] = NAN;
  CHECK(find(index_one, square, &task, 1) == STATUS_NOT_FINITE, "not a number");
  return check_report("test_nearest");
}
