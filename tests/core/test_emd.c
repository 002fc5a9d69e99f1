#include "emd_reference.h"
#include "kernels/kernels.h"

/* --- against them ----------------------------------------------------------------- */

static double weight_or_zero(void) { return uniform() < 0.2 ? 0 : uniform(); }
static double wild_weight(void) { return pow(10, -12 * uniform()); }

/* Up to 6 points: equal to the best of all permutations, to 1e-12. */
static void check_permutations(void) {
  for (size_t n = 1; n <= 6; n++)
    for (int trial = 0; trial < 20; trial++) {
      double *x = filled(n * 3, normal), *y = filled(n * 3, normal);
      emd_task t = { n, n, 3, x, y, NULL, NULL, trial % 2 };
      CHECK_NEAR(certified(&t, "permutation"), best_permutation(&t, 0, 0), 1e-12);
      free(x);
      free(y);
    }
}

/* Random weights, some zero or very unequal: equal to successive shortest paths, to
 * 1e-11. */
static void check_shortest_paths(void) {
  double (*draw[])(void) = { uniform, weight_or_zero, wild_weight };
  for (int trial = 0; trial < 60; trial++) {
    size_t n = 1 + below(25), m = 1 + below(25), d = 1 + below(4);
    double *x = filled(n * d, normal), *y = filled(m * d, normal);
    double *a = filled(n, draw[trial % 3]), *b = filled(m, draw[trial % 3]);
    a[0] = b[m - 1] = 0.5;
    emd_task t = { n, m, d, x, y, a, b, trial / 3 % 2 };
    CHECK_NEAR(certified(&t, "shortest paths"), shortest_path_cost(&t), 1e-11);
    free(x);
    free(y);
    free(a);
    free(b);
  }
}

/* One dimension: equal to the monotone coupling, to 1e-12. */
static void check_quantiles(void) {
  const size_t sizes[][2] = { {1, 7}, {9, 1}, {100, 100}, {257, 300}, {513, 40} };
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
    for (int weighted = 0; weighted < 2; weighted++)
      for (int metric = 0; metric < 2; metric++) {
        size_t n = sizes[k][0], m = sizes[k][1];
        double *x = filled(n, normal), *y = filled(m, uniform);
        double *a = filled(n, uniform), *b = filled(m, uniform);
        emd_task t = { n, m, 1, x, y, weighted ? a : NULL, weighted ? b : NULL, metric };
        CHECK_NEAR(certified(&t, "quantiles"), quantile_cost(&t), 1e-12);
        free(x);
        free(y);
        free(a);
        free(b);
      }
}

/* --- oracles ---------------------------------------------------------------------- */

static FILE *open_in(const char *variable, const char *folder, const char *name) {
  char path[1024];
  const char *named = getenv(variable);
  snprintf(path, sizeof path, "%s/%s", named && *named ? named : folder, name);
  return fopen(path, "r");
}

/* All numbers of a csv file of `columns` columns; returns the rows. */
static size_t read_table(FILE *file, size_t columns, double **out) {
  size_t count = 0, room = 1024;
  char line[4096];
  double *table = malloc(room * sizeof *table);
  while (fgets(line, sizeof line, file)) {
    char *at = line, *end;
    double first = strtod(at, &end);
    if (end == at) continue; /* a header */
    for (size_t k = 0; k < columns; k++) {
      if (count == room) table = realloc(table, (room *= 2) * sizeof *table);
      table[count++] = k == 0 ? first : strtod(at, &end);
      at = *end == ',' ? end + 1 : end;
    }
  }
  *out = table;
  return count / columns;
}

/* Points of a table whose first column is split off: weights, or the time to keep. */
static size_t take_points(const double *table, size_t rows, size_t d, double time,
                          double **point, double **weight) {
  size_t count = 0;
  *point = malloc((rows * d + 1) * sizeof **point);
  if (weight) *weight = malloc((rows + 1) * sizeof **weight);
  for (size_t r = 0; r < rows; r++) {
    const double *row = table + r * (d + 1);
    if (!weight && row[0] != time) continue;
    if (weight) (*weight)[count] = row[0];
    memcpy(*point + count++ * d, row + 1, d * sizeof **point);
  }
  return count;
}

/* NAME: points and weights from files beside the table of oracles. */
static int load_oracle(emd_task *t, double *owned[4], const char *name) {
  const char *side[2] = { "x", "y" };
  size_t count[2];
  for (int s = 0; s < 2; s++) {
    char file_name[256];
    double *table;
    snprintf(file_name, sizeof file_name, "%s_%s.csv", name, side[s]);
    FILE *file = open_in("VGFM_ORACLES", "tests/testthat/oracles", file_name);
    if (file == NULL) return 0;
    size_t rows = read_table(file, t->d + 1, &table);
    fclose(file);
    count[s] = take_points(table, rows, t->d, 0, owned + 2 * s, owned + 2 * s + 1);
    free(table);
  }
  CHECK(count[0] == t->n && count[1] == t->m, "%s: %zu x %zu", name, count[0], count[1]);
  t->a = owned[1];
  t->b = owned[3];
  return 1;
}

/* FILE:k-k+1: consecutive snapshots of a data file, uniform weights. */
static int load_snapshots(emd_task *t, double *owned[4], const char *name, double time) {
  char file_name[256];
  double *table;
  snprintf(file_name, sizeof file_name, "%s.csv", name);
  FILE *file = open_in("VGFM_DATA", "../shared/data", file_name);
  if (file == NULL) return 0;
  size_t rows = read_table(file, t->d + 1, &table);
  fclose(file);
  size_t n = take_points(table, rows, t->d, time, owned, NULL);
  size_t m = take_points(table, rows, t->d, time + 1, owned + 2, NULL);
  free(table);
  CHECK(n == t->n && m == t->m, "%s: %zu x %zu", name, n, m);
  return 1;
}

/* Every row of emd.csv, to 1e-9 relative. */
static void check_oracles(void) {
  FILE *file = open_in("VGFM_ORACLES", "tests/testthat/oracles", "emd.csv");
  CHECK(file != NULL, "no emd.csv in VGFM_ORACLES or tests/testthat/oracles");
  if (file == NULL) return;
  char line[1024];
  int rows = 0;
  while (fgets(line, sizeof line, file)) {
    char name[200], metric[32];
    emd_task t = {0};
    double cost, *owned[4] = {0};
    if (sscanf(line, "%199[^,],%zu,%zu,%zu,%31[^,],%lf", name, &t.n, &t.m, &t.d, metric,
               &cost) != 6)
      continue;
    rows++;
    t.metric = strcmp(metric, "sqeuclidean") == 0 ? EMD_SQEUCLIDEAN : EMD_EUCLIDEAN;
    char *colon = strchr(name, ':');
    int loaded, of_data = colon != NULL;
    if (of_data) {
      *colon = '\0';
      loaded = load_snapshots(&t, owned, name, atof(colon + 1));
    } else {
      loaded = load_oracle(&t, owned, name);
    }
    CHECK(loaded || of_data, "points of %s are missing", name);
    t.x = owned[0];
    t.y = owned[2];
    if (loaded) {
      double got = certified(&t, name);
      CHECK(fabs(got - cost) <= 1e-9 * cost, "%s: %.17g is not %.17g", name, got, cost);
    } else {
      printf("test_emd: skipped %s: no data\n", name);
    }
    for (int k = 0; k < 4; k++) free(owned[k]);
  }
  CHECK(rows == 13, "%d rows of oracles", rows);
  fclose(file);
}

/* --- awkward problems ------------------------------------------------------------- */

static double on_grid(void) { return (double)below(12); }
static double on_line(void) { return (double)below(3); }
static double constant(void) { return 0.7; }
static double one_in_ten(void) { return uniform() < 0.1; }
static double mostly_tiny(void) { return uniform() < 0.05 ? 1 : 1e-12; }
static double far_outliers(void) { return normal() * (uniform() < 0.01 ? 1e8 : 1); }
static double huge(void) { return 1e8 * normal(); }
static double tiny(void) { return 1e-8 * normal(); }
static double offset_cloud(void) { return 1e8 + normal(); }
static double enormous(void) { return 1e150 * (uniform() - 0.5); }
static double minute(void) { return 1e-140 * normal(); }

/* Ties, duplicates, scales and weights that solvers stumble over: certified optimal by
 * both metrics. */
static void check_awkward(void) {
  static const struct {
    const char *what;
    size_t n, m, d;
    double (*point)(void), (*weight)(void);
  } problems[] = {
    {"grid, equal sizes", 300, 300, 2, on_grid, NULL},
    {"grid, unequal sizes", 401, 290, 2, on_grid, NULL},
    {"grid, weights", 333, 290, 2, on_grid, uniform},
    {"three places", 500, 500, 1, on_line, NULL},
    {"three places, weights", 500, 300, 1, on_line, uniform},
    {"all points equal", 300, 200, 3, constant, NULL},
    {"all points equal, weights", 150, 200, 3, constant, uniform},
    {"one source", 1, 400, 2, normal, uniform},
    {"one target", 400, 1, 2, normal, uniform},
    {"one of each", 1, 1, 1, normal, uniform},
    {"two of each", 2, 2, 2, constant, NULL},
    {"few sources", 3, 700, 2, normal, NULL},
    {"few targets", 700, 5, 2, normal, weight_or_zero},
    {"zero weights", 300, 350, 2, normal, weight_or_zero},
    {"mostly zero weights", 400, 300, 2, normal, one_in_ten},
    {"weights over 12 decades", 300, 350, 2, normal, wild_weight},
    {"few heavy weights", 500, 450, 2, normal, mostly_tiny},
    {"scale 1e8", 300, 320, 3, huge, uniform},
    {"scale 1e-8", 300, 320, 3, tiny, uniform},
    {"far from the origin", 300, 320, 3, offset_cloud, uniform},
    {"far outliers", 400, 400, 2, far_outliers, NULL},
    {"scale 1e150", 60, 70, 2, enormous, uniform},
    {"scale 1e-140", 60, 70, 2, minute, uniform},
    {"50 features", 300, 300, 50, normal, NULL},
    {"200 features", 90, 100, 200, normal, uniform},
  };
  for (size_t k = 0; k < sizeof problems / sizeof *problems; k++)
    for (int metric = 0; metric < 2; metric++) {
      size_t n = problems[k].n, m = problems[k].m, d = problems[k].d;
      double *x = filled(n * d, problems[k].point), *y = filled(m * d, problems[k].point);
      double *a = NULL, *b = NULL;
      if (problems[k].weight) {
        a = filled(n, problems[k].weight);
        b = filled(m, problems[k].weight);
        a[n / 2] = b[m / 2] = 1;
      }
      emd_task t = { n, m, d, x, y, a, b, metric };
      certified(&t, problems[k].what);
      free(x);
      free(y);
      free(a);
      free(b);
    }
}

/* A cloud against itself costs nothing; shifted by s it costs |s|, or |s|^2. */
static void check_shifts(void) {
  enum { N = 350, D = 2 };
  double *x = filled(N * D, normal), y[N * D];
  memcpy(y, x, sizeof y);
  emd_task t = { N, N, D, x, y, NULL, NULL, EMD_EUCLIDEAN };
  CHECK(certified(&t, "itself") == 0, "a cloud against itself");
  for (size_t i = 0; i < N; i++) y[i * D] += 3;
  CHECK_NEAR(certified(&t, "shifted"), 3, 1e-13);
  t.metric = EMD_SQEUCLIDEAN;
  CHECK_NEAR(certified(&t, "shifted"), 9, 1e-13);
  free(x);
}

/* --- invariance ------------------------------------------------------------------- */

static int same_bits(const emd_task *t, const solution *p, const solution *q) {
  return p->result.cost == q->result.cost && p->result.pivots == q->result.pivots &&
         memcmp(p->u, q->u, t->n * sizeof *p->u) == 0 &&
         memcmp(p->v, q->v, t->m * sizeof *p->v) == 0 &&
         p->result.arcs == q->result.arcs &&
         memcmp(p->plan, q->plan, p->result.arcs * sizeof *p->plan) == 0;
}

/* The same bits on 1, 2 and 5 threads, and with costs kept or not; the same cost, to
 * 1e-12, from every kernel table. */
static void check_invariance(void) {
  const char *tables[] = { "naive", "generic", "neon", "avx2", "avx512" };
  for (int trial = 0; trial < 4; trial++) {
    size_t n = 600, m = trial % 2 ? 600 : 911, d = trial < 2 ? 2 : 17;
    double *x = filled(n * d, normal), *y = filled(m * d, normal);
    emd_task t = { n, m, d, x, y, NULL, NULL, trial % 2 };
    emd_options o = emd_defaults();
    const char *chosen = kernels_get()->name;
    solution one = solve_with(&t, &o);
    for (int threads = 2; threads <= 5; threads += 3) {
      o.threads = threads;
      solution many = solve_with(&t, &o);
      CHECK(same_bits(&t, &one, &many), "%d threads", threads);
      release(&many);
    }
    size_t bytes = emd_workspace(&t, &o);
    o.memory = n * (m + 16) * sizeof(float);
    CHECK((emd_workspace(&t, &o) < bytes) == 0, "room for the costs");
    o.memory = n * m * sizeof(float) - 1;
    CHECK((emd_workspace(&t, &o) < bytes) == (d > 8), "costs kept without permission");
    solution forgetful = solve_with(&t, &o);
    CHECK(same_bits(&t, &one, &forgetful), "costs not kept");
    release(&forgetful);
    for (size_t k = 0; k < sizeof tables / sizeof *tables; k++)
      if (kernels_select(tables[k]) == 0)
        CHECK_NEAR(certified(&t, tables[k]), one.result.cost, 1e-12);
    kernels_select(chosen);
    release(&one);
    free(x);
    free(y);
  }
}

/* Any start leads to the same cost; the solution's own potentials lead there without a
 * pivot where it is unique; those of a nearby problem with few. */
static void check_warm_starts(void) {
  enum { N = 500, M = 611, D = 2 };
  double *x = filled(N * D, normal), *y = filled(M * D, normal);
  double *a = filled(N, uniform), *b = filled(M, uniform);
  emd_task t = { N, M, D, x, y, a, b, EMD_EUCLIDEAN };
  solution cold = solve(&t);
  emd_options o = emd_defaults();
  o.warm_potential_target = cold.v;
  solution again = solve_with(&t, &o);
  CHECK_NEAR(again.result.cost, cold.result.cost, 1e-13);
  CHECK(again.result.pivots == 0, "%zu pivots", again.result.pivots);
  release(&again);

  o = emd_defaults();
  o.warm_potential_source = cold.u;
  again = solve_with(&t, &o);
  CHECK_NEAR(again.result.cost, cold.result.cost, 1e-13);
  CHECK(again.result.pivots < cold.result.pivots / 2, "%zu pivots", again.result.pivots);
  release(&again);

  emd_task assignment = { N, N, D, x, y, NULL, NULL, EMD_SQEUCLIDEAN };
  solution paired = solve(&assignment);
  o.warm_potential_source = NULL;
  o.warm_potential_target = paired.v;
  again = solve_with(&assignment, &o);
  CHECK_NEAR(again.result.cost, paired.result.cost, 1e-13);
  CHECK(again.result.pivots == 0, "assignment: %zu pivots", again.result.pivots);
  release(&again);
  release(&paired);

  double *noise = filled(M, normal);
  o = emd_defaults();
  o.warm_potential_target = noise;
  again = solve_with(&t, &o);
  check_plan(&t, &again, "warm noise");
  check_certificate(&t, &again, "warm noise");
  CHECK_NEAR(again.result.cost, cold.result.cost, 1e-13);
  release(&again);

  for (size_t i = 0; i < N; i++) a[i] *= 1 + 1e-3 * uniform();
  o.warm_potential_target = cold.v;
  again = solve_with(&t, &o);
  check_plan(&t, &again, "warm, nearby");
  check_certificate(&t, &again, "warm, nearby");
  CHECK(again.result.pivots < cold.result.pivots / 4, "%zu pivots, cold %zu",
        again.result.pivots, cold.result.pivots);
  release(&again);
  release(&cold);
  free(noise);
  free(x);
  free(y);
  free(a);
  free(b);
}

/* The potentials are the gradient with respect to the weights: against central
 * differences of the cost, to 1e-6, as long as the basis does not change. */
static void check_gradient(void) {
  enum { N = 40, M = 30, D = 3 };
  double *x = filled(N * D, normal), *y = filled(M * D, normal);
  double *a = filled(N, uniform), *b = filled(M, uniform);
  emd_task t = { N, M, D, x, y, a, b, EMD_EUCLIDEAN };
  solution s = solve(&t);
  double *part = shares(a, N), sum = a[0] / part[0], mean = dot(part, s.u, N);
  for (size_t i = 0; i < N; i++) {
    double old = a[i], cost[2];
    for (int side = 0; side < 2; side++) {
      a[i] = old + (side ? -1e-7 : 1e-7);
      solution moved = solve(&t);
      cost[side] = moved.result.cost;
      release(&moved);
    }
    a[i] = old;
    CHECK_NEAR((cost[0] - cost[1]) / 2e-7, (s.u[i] - mean) / sum, 1e-6);
  }
  release(&s);
  free(part);
  free(x);
  free(y);
  free(a);
  free(b);
}

/* --- statuses --------------------------------------------------------------------- */

static int calls, calls_allowed;
static int stop_later(void *data) {
  (void)data;
  return ++calls > calls_allowed;
}

/* However late the caller asks to stop, the status says so, up to where it finishes. */
static void check_interrupt(void) {
  enum { N = 300, M = 411, D = 2 };
  double *x = filled(N * D, normal), *y = filled(M * D, normal);
  emd_task t = { N, M, D, x, y, NULL, NULL, EMD_EUCLIDEAN };
  emd_options o = emd_defaults();
  o.interrupted = stop_later;
  calls = 0;
  calls_allowed = 1 << 30;
  solution s = solve_with(&t, &o);
  CHECK(s.status == STATUS_OK, "%s", status_message(s.status));
  release(&s);
  int all = calls;
  CHECK(all > 20, "polled %d times", all);
  for (calls_allowed = 0; calls_allowed < all; calls_allowed++) {
    calls = 0;
    s = solve_with(&t, &o);
    CHECK(s.status == STATUS_INTERRUPTED, "after %d polls: %s", calls_allowed,
          status_message(s.status));
    CHECK(calls == calls_allowed + 1, "polled %d times", calls);
    release(&s);
  }
  free(x);
  free(y);
}

/* Stopped by the pivot limit: a plan nonetheless, dearer than the best. */
static void check_limit(void) {
  enum { N = 300, M = 411, D = 2 };
  double *x = filled(N * D, normal), *y = filled(M * D, normal);
  emd_task t = { N, M, D, x, y, NULL, NULL, EMD_EUCLIDEAN };
  emd_options o = emd_defaults();
  double best = certified(&t, "no limit");
  o.max_pivots = 10;
  solution s = solve_with(&t, &o);
  CHECK(s.status == STATUS_NOT_CONVERGED, "%s", status_message(s.status));
  CHECK(s.result.pivots == 10, "%zu pivots", s.result.pivots);
  CHECK(s.result.cost > best, "%g, best %g", s.result.cost, best);
  CHECK(isnan(s.u[0]) && isnan(s.v[M - 1]), "potentials of an unfinished solve");
  check_plan(&t, &s, "limit");
  release(&s);
  free(x);
  free(y);
}

static int status_of(const emd_task *t, const emd_options *o) {
  solution s = solve_with(t, o);
  release(&s);
  return s.status;
}

static void check_refusals(void) {
  double x[4] = {0, 1, 2, 3}, y[4] = {1, 1, 2, 2}, a[2] = {1, 2}, warm[2] = {0, 0};
  const emd_task good = { 2, 2, 2, x, y, a, a, EMD_EUCLIDEAN };
  emd_options o = emd_defaults();
  CHECK(status_of(&good, &o) == STATUS_OK, "the good one");
  double bad_values[] = { NAN, INFINITY, -INFINITY };
  for (int k = 0; k < 3; k++) {
    x[3] = bad_values[k];
    CHECK(status_of(&good, &o) == STATUS_NOT_FINITE, "x %g", x[3]);
    x[3] = 3;
    y[0] = bad_values[k];
    CHECK(status_of(&good, &o) == STATUS_NOT_FINITE, "y %g", y[0]);
    y[0] = 1;
    a[1] = bad_values[k];
    CHECK(status_of(&good, &o) == STATUS_NOT_FINITE, "a %g", a[1]);
    a[1] = 2;
    warm[1] = bad_values[k];
    o.warm_potential_source = warm;
    CHECK(status_of(&good, &o) == STATUS_NOT_FINITE, "warm %g", warm[1]);
    o.warm_potential_source = NULL;
    o.warm_potential_target = warm;
    CHECK(status_of(&good, &o) == STATUS_NOT_FINITE, "warm %g", warm[1]);
    o.warm_potential_target = NULL;
    warm[1] = 0;
  }
  a[0] = -1e-300;
  CHECK(status_of(&good, &o) == STATUS_BAD_ARGUMENT, "negative weight");
  a[0] = a[1] = 0;
  CHECK(status_of(&good, &o) == STATUS_BAD_ARGUMENT, "no weight at all");
  a[0] = a[1] = 1;
  emd_task bad = good;
  bad.metric = (emd_metric)7;
  CHECK(status_of(&bad, &o) == STATUS_BAD_ARGUMENT, "metric");
  bad = good;
  bad.x = NULL;
  CHECK(status_of(&bad, &o) == STATUS_BAD_ARGUMENT, "no points");
  o.threads = 0;
  CHECK(status_of(&good, &o) == STATUS_BAD_ARGUMENT, "threads");
  o.threads = 1;
  double far[4] = {1e200, 0, -1e200, 0};
  bad = good;
  bad.x = far;
  CHECK(status_of(&bad, &o) == STATUS_OK, "far, Euclidean");
  bad.metric = EMD_SQEUCLIDEAN;
  CHECK(status_of(&bad, &o) == STATUS_NOT_FINITE, "the cost overflows");

  emd_result r;
  char block[64];
  const size_t bad_sizes[][3] = {
    {0, 1, 1}, {1, 0, 1}, {1, 1, 0}, {SIZE_MAX, 1, 1}, {SIZE_MAX, SIZE_MAX, 1},
    {(size_t)1 << 26, 1, SIZE_MAX / 8},
  };
  for (size_t k = 0; k < sizeof bad_sizes / sizeof *bad_sizes; k++) {
    bad = (emd_task){ bad_sizes[k][0], bad_sizes[k][1], bad_sizes[k][2], x, y, a, a, 0 };
    CHECK(emd_workspace(&bad, &o) == 0, "workspace of bad sizes %zu", k);
  }
  bad = good;
  bad.n = 0;
  CHECK(emd_solve(NULL, NULL, NULL, &r, &bad, &o, block, sizeof block) == STATUS_BAD_SIZE,
        "no points");
  CHECK(emd_solve(NULL, NULL, NULL, &r, &good, &o, block, sizeof block) ==
        STATUS_NO_SPACE, "small workspace");
}

/* Potentials and plan are optional, and the workspace is kept to, aligned or not. */
static void check_workspace(void) {
  enum { N = 100, M = 123, D = 3, GUARD = 256 };
  double *x = filled(N * D, normal), *y = filled(M * D, normal);
  emd_task t = { N, M, D, x, y, NULL, NULL, EMD_EUCLIDEAN };
  emd_options o = emd_defaults();
  emd_result r;
  double cost = certified(&t, "workspace");
  size_t bytes = emd_workspace(&t, &o);
  for (size_t skip = 0; skip < 70; skip += 23) {
    unsigned char *block = malloc(bytes + skip + GUARD), guard[GUARD];
    memset(block, 0xC3, bytes + skip + GUARD);
    memset(guard, 0xC3, GUARD);
    CHECK(emd_solve(NULL, NULL, NULL, &r, &t, &o, block + skip, bytes) == STATUS_OK,
          "skip %zu", skip);
    CHECK(r.cost == cost, "%.17g is not %.17g", r.cost, cost);
    CHECK(memcmp(block, guard, skip) == 0 &&
          memcmp(block + skip + bytes, guard, GUARD) == 0, "written outside");
    free(block);
  }
  free(x);
  free(y);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_permutations();
  check_shortest_paths();
  check_quantiles();
  check_shifts();
  check_awkward();
  check_gradient();
  check_warm_starts();
  check_invariance();
  check_interrupt();
  check_limit();
  check_refusals();
  check_workspace();
  check_oracles();
  return check_report("test_emd");
}
