/* Costs, the kernels of a column, the sparse plan, and draws from it. */
#include "uot_case.h"

/* Column kernels against their scalar twins, every remainder of a vector: to 4 units in
 * the last place, and exactly where the operation is exact. */
static void check_kernels(void) {
  enum { N = 61 };
  double f[N], c[N], x[N], y[N], want[N], more[N];
  int32_t index[N], index_twin[N];
  float value[N], value_twin[N];
  const kernels *k = kernels_get(), *twin = &kernels_naive;
  for (size_t n = 1; n <= N; n++) {
    for (size_t i = 0; i < n; i++) {
      f[i] = uniform(-3, 3);
      c[i] = uniform(0, 40);
      y[i] = more[i] = uniform(-1, 1);
    }
    double most = k->logits_f64(x, f, c, 3, n);
    CHECK(most == twin->logits_f64(want, f, c, 3, n), "maximum, n = %zu", n);
    CHECK(memcmp(x, want, n * sizeof *x) == 0, "logits, n = %zu", n);
    double sum = k->exp_sum_f64(x, most, n), sum_twin = twin->exp_sum_f64(want, most, n);
    CHECK_NEAR(sum / sum_twin, 1, 1e-15 * (double)n);
    for (size_t i = 0; i < n; i++) CHECK(fabs(x[i] - want[i]) <= 1e-15 * want[i], "exp");
    CHECK(fabs(k->dot_f64(c, x, n) - twin->dot_f64(c, x, n)) < 1e-14 * (double)n * 40,
          "dot, n = %zu", n);
    k->axpy_f64(y, x, 0.7, n);
    twin->axpy_f64(more, x, 0.7, n);
    for (size_t i = 0; i < n; i++)
      CHECK(fabs(y[i] - more[i]) < 4e-16, "axpy, n = %zu", n);
    size_t count = k->select_f64(index, value, x, 1e-6, 1 / sum, n);
    size_t count_twin = twin->select_f64(index_twin, value_twin, x, 1e-6, 1 / sum, n);
    CHECK(count == count_twin && count > 0, "select, n = %zu", n);
    CHECK(memcmp(index, index_twin, count * sizeof *index) == 0, "select, n = %zu", n);
    CHECK(memcmp(value, value_twin, count * sizeof *value) == 0, "select, n = %zu", n);
    CHECK(k->select_f64(index, value, x, 2, 1, n) == 0, "nothing above 2");
  }
}

/* Far below the largest logit the exponential is 0, not noise. */
static void check_underflow(void) {
  double x[9] = {-1e300, -800, 5, -709, 4, -INFINITY, -1e9, -2e3, -750};
  double sum = kernels_get()->exp_sum_f64(x, 5, 9);
  CHECK_NEAR(sum, 1 + exp(-1), 1e-15);
  for (size_t i = 0; i < 9; i++)
    if (i != 2 && i != 4) CHECK(x[i] == 0, "%zu: %g", i, x[i]);
}

/* Squared distances by their definition, to 1e-13, for one panel, many, and kept ones;
 * clouds far from the origin lose nothing. */
static void check_cost(size_t n, size_t m, size_t d, size_t memory, double offset) {
  uot_case c = case_random(n, m, d, 1, 1);
  for (size_t k = 0; k < n * d; k++) c.x[k] += offset;
  for (size_t k = 0; k < m * d; k++) c.y[k] += offset;
  cost_columns cost;
  arena space = {0};
  cost_layout(&space, &cost, n, m, d, INFINITY, memory);
  size_t bytes = arena_size(&space);
  void *block = malloc(bytes);
  space = arena_over(block, bytes);
  cost_layout(&space, &cost, n, m, d, INFINITY, memory);
  CHECK(arena_ok(&space), "layout");
  cost_prepare(&cost, c.x, c.y, 2);
  CHECK((cost.cache != NULL) == (memory > 0 && d > COST_CACHE_FEATURES), "cache");
  double *buffer = malloc(n * sizeof *buffer), *centre = malloc((d + 1) * sizeof *centre);
  double worst = 0, largest = 0;
  for (size_t j = 0; j < m; j++) {
    const double *column = cost_column(&cost, buffer, j);
    for (size_t i = 0; i < n; i++) {
      double want = case_cost(&c, i, j);
      worst = fmax(worst, fabs(column[i] - want) / (want + 1e-300));
      largest = fmax(largest, want);
    }
  }
  CHECK(worst < 1e-13, "%zu x %zu, d %zu: %g", n, m, d, worst);
  double bound = cost_bound(c.x, c.y, n, m, d, INFINITY, centre);
  CHECK(bound >= largest && bound <= 16 * largest, "%g for %g", bound, largest);
  c.y[m * d / 2] = NAN;
  CHECK(!isfinite(cost_bound(c.x, c.y, n, m, d, INFINITY, centre)), "NaN passed");
  free(buffer);
  free(centre);
  free(block);
  case_free(&c);
}

static plan packed_copy(const plan *from) {
  size_t entries = plan_entries(from);
  plan p = {.start = malloc(from->m * sizeof *p.start),
            .count = malloc(from->m * sizeof *p.count),
            .source = malloc(entries * sizeof *p.source),
            .value = malloc(entries * sizeof *p.value)};
  plan_pack(&p, from);
  return p;
}

static void packed_free(plan *p) {
  free(p->start);
  free(p->count);
  free(p->source);
  free(p->value);
}

/* Every entry of P above the threshold is stored with its value to float32 rounding, and
 * no other; `lost` is the largest mass left out; columns of plan_column() are P. */
static void check_entries(double threshold, size_t capacity) {
  uot_case c = case_random(70, 90, 2, 0.05, 2);
  size_t n = 70, m = 90;
  c.options.threshold = threshold;
  c.options.capacity = capacity;
  CHECK(case_solve(&c) == STATUS_OK, "solve");
  plan p = packed_copy(&c.sparse);
  cost_columns cost;
  arena space = {0};
  cost_layout(&space, &cost, n, m, 2, INFINITY, 0);
  size_t bytes = arena_size(&space);
  void *block = malloc(bytes);
  space = arena_over(block, bytes);
  cost_layout(&space, &cost, n, m, 2, INFINITY, 0);
  cost_prepare(&cost, c.x, c.y, 1);
  double exact[70], worst = 0, lost = 0, column_worst = 0, missing = 0;
  size_t at = 0;
  CHECK(p.n == n && p.m == m, "sizes");
  for (size_t j = 0; j < m; j++) {
    double left_out = 0;
    plan_column(exact, &cost, c.f, c.g, 0.05, j);
    CHECK(p.start[j] == at && p.count[j] > 0, "column %zu", j);
    for (size_t i = 0; i < n; i++) {
      double q = exact[i] / c.b[j];
      column_worst = fmax(column_worst, fabs(exact[i] - case_plan(&c, i, j)));
      if (at < p.start[j] + p.count[j] && p.source[at] == (int32_t)i) {
        worst = fmax(worst, fabs(p.value[at++] - q) / q);
      } else {
        left_out += q;
        missing = fmax(missing, q);
      }
    }
    CHECK(at == p.start[j] + p.count[j], "rows of column %zu are out of order", j);
    lost = fmax(lost, left_out);
  }
  CHECK(column_worst < 1e-12, "plan_column off by %g", column_worst);
  CHECK(worst < 1e-7, "entries off by %g", worst);
  CHECK(missing <= c.result.threshold * (1 + 1e-6), "%g left out", missing);
  CHECK(fabs(lost - c.result.lost) < 1e-6, "lost %g, said %g", lost, c.result.lost);
  CHECK(at == c.result.entries, "%zu entries, said %zu", at, c.result.entries);
  if (at < capacity / 2) CHECK(c.result.threshold == threshold, "raised for no reason");
  else CHECK(at <= capacity && c.result.threshold > threshold, "not raised");
  free(block);
  packed_free(&p);
  case_free(&c);
}

/* A plan of three columns: draws at and around every boundary. */
static void check_boundaries(void) {
  size_t start[3] = {4, 0, 2}, count[3] = {1, 2, 2};
  int32_t source[5] = {1, 3, 0, 2, 7};
  float value[5] = {0.25f, 0.75f, 0.5f, 0.5f, 0.9f}; /* the last need not add up to 1 */
  plan p = {.n = 8, .m = 3, .start = start, .count = count, .source = source,
            .value = value};
  plan_accumulate(&p);
  CHECK(value[1] == 1 && value[3] == 1 && value[4] == 1, "sums do not end at 1");
  double last = 1 - 0x1p-53, b[3] = {1, 2, 1}, sums[3];
  double u[] = {0, 0, 0, last, 0.34, 0, 0.5, 0.2499, 0.5, 0.25, 0.6, last,
                0.67, 0.4999, last, 0.5, last, last};
  int32_t from[9], to[9];
  plan_draw(from, to, u, 9, &p, NULL);
  const int32_t want_from[9] = {7, 7, 1, 1, 3, 3, 0, 2, 2};
  const int32_t want_to[9] = {0, 0, 1, 1, 1, 1, 2, 2, 2};
  for (size_t k = 0; k < 9; k++)
    CHECK(from[k] == want_from[k] && to[k] == want_to[k], "draw %zu: %d, %d", k, from[k],
          to[k]);
  CHECK(!plan_target_sums(sums, b, &p), "alike");
  CHECK(sums[2] == 1, "target sums do not end at 1");
  double v[] = {0.2499, 0, 0.25, 0, 0.7499, 0.5, 0.75, 0.5, last, 0};
  const int32_t weighted_from[5] = {7, 1, 3, 2, 0}, weighted_to[5] = {0, 1, 1, 2, 2};
  plan_draw(from, to, v, 5, &p, sums);
  for (size_t k = 0; k < 5; k++)
    CHECK(from[k] == weighted_from[k] && to[k] == weighted_to[k], "weighted draw %zu", k);
}

/* The source drawn is the first whose running sum exceeds the number, as a scan finds it,
 * in columns of 1 ... 150 entries drawn from together. */
static void check_search(void) {
  enum { M = 150, ENTRIES = M * (M + 1) / 2, DRAWS = 1000 };
  static int32_t source[ENTRIES];
  static float value[ENTRIES];
  size_t start[M], count[M], at = 0;
  for (size_t j = 0; j < M; j++) {
    start[j] = at;
    count[j] = j + 1;
    for (size_t i = 0; i <= j; i++, at++) {
      source[at] = (int32_t)i;
      value[at] = i % 3 == 1 ? 0 : (float)uniform(0, 1);
    }
  }
  plan p = {M, M, start, count, source, value};
  plan_accumulate(&p);
  double u[2 * DRAWS];
  int32_t from[DRAWS], to[DRAWS];
  for (size_t k = 0; k < 2 * DRAWS; k++) u[k] = uniform(0, 1);
  for (size_t k = 0; k < M; k++) u[2 * k + 1] = value[start[(size_t)(u[2 * k] * M)]];
  for (size_t k = 0; k < M; k++)
    if (u[2 * k + 1] == 1) u[2 * k + 1] = 0;
  plan_draw(from, to, u, DRAWS, &p, NULL);
  for (size_t k = 0; k < DRAWS; k++) {
    size_t j = (size_t)(u[2 * k] * M), i = 0;
    while (value[start[j] + i] <= u[2 * k + 1]) i++;
    CHECK(to[k] == (int32_t)j && from[k] == (int32_t)i, "draw %zu: %d, %d", k, from[k],
          to[k]);
  }
}

/* Frequencies of 400000 pairs against P / sum P: chi-square below its mean plus five
 * standard deviations (one chance in a million for fair draws), each pair once over. */
static void check_frequencies(int constant) {
  enum { N = 7, M = 6, DRAWS = 400000 };
  uot_case c = case_random(N, M, 2, 0.3, 1);
  if (constant)
    for (size_t j = 0; j < M; j++) c.b[j] = 2;
  CHECK(case_solve(&c) == STATUS_OK, "solve");
  plan p = packed_copy(&c.sparse);
  plan_accumulate(&p);
  double sums[M], mass = 0, chi = 0;
  CHECK(plan_target_sums(sums, c.b, &p) == constant, "alike");
  double *u = malloc(2 * DRAWS * sizeof *u);
  int32_t *from = malloc(DRAWS * sizeof *from), *to = malloc(DRAWS * sizeof *to);
  for (size_t k = 0; k < 2 * DRAWS; k++) u[k] = uniform(0, 1);
  plan_draw(from, to, u, DRAWS, &p, constant ? NULL : sums);
  double seen[N * M] = {0};
  for (size_t k = 0; k < DRAWS; k++) seen[from[k] * M + to[k]]++;
  for (size_t j = 0; j < M; j++) mass += c.b[j];
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j < M; j++) {
      double want = DRAWS * case_plan(&c, i, j) / mass;
      CHECK(want > 5, "pair %zu, %zu too rare for chi-square: %g", i, j, want);
      chi += (seen[i * M + j] - want) * (seen[i * M + j] - want) / want;
    }
  double freedom = N * M - 1;
  CHECK(chi < freedom + 5 * sqrt(2 * freedom), "chi-square %g on %g", chi, freedom);
  free(u);
  free(from);
  free(to);
  packed_free(&p);
  case_free(&c);
}

/* The plan source by source, targets alike or not: frequencies of pairs whose source is
 * uniform against P_ij / r_i / n, as above; a source with less than a share of a target's
 * mass has no entries, and is drawn with target -1. */
static void check_transpose(int constant) {
  enum { N = 7, M = 6, DRAWS = 400000 };
  uot_case c = case_random(N, M, 2, 0.3, 1);
  for (size_t j = 0; constant && j < M; j++) c.b[j] = 2;
  double unit = constant ? 2 : 1;
  CHECK(case_solve(&c) == STATUS_OK, "solve");
  plan p = packed_copy(&c.sparse);
  plan_accumulate(&p);
  size_t entries = plan_entries(&p);
  plan rows = {.start = malloc(N * sizeof(size_t)), .count = malloc(N * sizeof(size_t)),
               .source = malloc(entries * sizeof(int32_t)),
               .value = malloc(entries * sizeof(float))};
  plan_transpose(&rows, &p, constant ? NULL : c.b, 0);
  CHECK(rows.n == M && rows.m == N && plan_entries(&rows) == entries, "sizes");
  double *u = malloc(2 * DRAWS * sizeof *u), seen[N * M] = {0}, chi = 0, sum[N] = {0};
  int32_t *from = malloc(DRAWS * sizeof *from), *to = malloc(DRAWS * sizeof *to);
  for (size_t k = 0; k < 2 * DRAWS; k++) u[k] = uniform(0, 1);
  plan_draw(to, from, u, DRAWS, &rows, NULL);
  for (size_t k = 0; k < DRAWS; k++) seen[from[k] * M + to[k]]++;
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j < M; j++) sum[i] += case_plan(&c, i, j);
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j < M; j++) {
      double want = DRAWS * case_plan(&c, i, j) / sum[i] / N;
      CHECK(want > 5, "pair %zu, %zu too rare for chi-square: %g", i, j, want);
      chi += (seen[i * M + j] - want) * (seen[i * M + j] - want) / want;
    }
  double freedom = N * (M - 1) + N - 1, median = sum[3] / unit;
  CHECK(chi < freedom + 5 * sqrt(2 * freedom), "chi-square %g on %g", chi, freedom);
  plan_transpose(&rows, &p, constant ? NULL : c.b, median);
  plan_draw(to, from, u, 1000, &rows, NULL);
  for (size_t k = 0; k < 1000; k++) {
    int none = sum[from[k]] / unit < median * (1 - 1e-6);
    if (fabs(sum[from[k]] / unit / median - 1) < 1e-5) continue; /* itself, to rounding */
    CHECK((to[k] == -1) == none, "source %d has target %d", from[k], to[k]);
  }
  free(u);
  free(from);
  free(to);
  packed_free(&p);
  packed_free(&rows);
  case_free(&c);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_kernels();
  check_underflow();
  check_cost(1, 1, 1, 0, 0);
  check_cost(37, 11, 3, 0, 0);
  check_cost(1500, 5, 2, 0, 1e6);
  check_cost(29, 31, 50, 0, 0);
  check_cost(29, 31, 50, 1 << 20, -1e5);
  check_cost(9, 7, 3000, 1 << 20, 0);
  check_entries(1e-8, 1 << 20);
  check_entries(1e-3, 1 << 20);
  check_entries(1e-8, 1000);
  check_entries(1e-8, 96);
  check_boundaries();
  check_search();
  check_frequencies(1);
  check_frequencies(0);
  check_transpose(1);
  check_transpose(0);
  return check_report("test_plan");
}
