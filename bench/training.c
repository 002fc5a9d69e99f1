/* Seconds of a training step beside seconds of OpenBLAS sgemm, turn and turn about.
 *
 *   training THREADS WIDTH HIDDEN FEATURES BATCH ROUNDS
 *
 * prints, for the best round of each: microseconds of a step, GFLOP/s of a step (products
 * of matrices alone, without padding), GFLOP/s of sgemm; and the ratio of these two rates
 * within a round, median over rounds. bench/training.R compiles it. */
#include "path/pairs.h"
#include "train/match.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void sgemm_(const char *ta, const char *tb, const int *m, const int *n, const int *k,
            const float *alpha, const float *a, const int *lda, const float *b,
            const int *ldb, const float *beta, float *c, const int *ldc);
void openblas_set_num_threads(int threads);

enum { SNAPSHOTS = 3, CELLS = 2000, SOURCES = 200, ORDER = 1024, PRODUCTS = 12 };
static const rng_key key = {{1, 2}};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double least(double a, double b) { return a < b ? a : b; }

static plan plan_space(void) {
  return (plan){CELLS, CELLS, malloc(CELLS * sizeof(size_t)),
                malloc(CELLS * sizeof(size_t)),
                malloc(CELLS * SOURCES * sizeof(int32_t)),
                malloc(CELLS * SOURCES * sizeof(float))};
}

/* Snapshots of normal cells, each target with 200 sources. */
static pairs make_problem(size_t d) {
  size_t values = kernel_pad(SNAPSHOTS * CELLS * d + NORMALS_GROUP);
  float *cells = malloc(values / NORMALS_GROUP * NORMALS_GROUP * sizeof *cells);
  const uint32_t counter[4] = {0};
  kernels_get()->normals(cells, values / NORMALS_GROUP * NORMALS_GROUP, counter, key);
  size_t *offset = malloc((SNAPSHOTS + 1) * sizeof *offset);
  double *times = malloc(SNAPSHOTS * sizeof *times);
  plan *plans = malloc((SNAPSHOTS - 1) * sizeof *plans);
  plan *rows = malloc((SNAPSHOTS - 1) * sizeof *rows);
  double *growth = malloc((SNAPSHOTS - 1) * sizeof *growth);
  double *noise = malloc((SNAPSHOTS - 1) * sizeof *noise);
  double *sigma = malloc((SNAPSHOTS - 1) * sizeof *sigma);
  double *gain_source = calloc(SNAPSHOTS * CELLS, sizeof *gain_source);
  for (size_t k = 0; k < SNAPSHOTS; k++) {
    offset[k] = k * CELLS;
    times[k] = (double)k;
  }
  for (size_t k = 0; k + 1 < SNAPSHOTS; k++) {
    plan p = plan_space(), by_source = plan_space();
    for (size_t j = 0; j < CELLS; j++) {
      p.start[j] = j * SOURCES;
      p.count[j] = SOURCES;
      for (size_t i = 0; i < SOURCES; i++) {
        p.source[p.start[j] + i] = (int32_t)(i * (CELLS / SOURCES) + j % (CELLS / SOURCES));
        p.value[p.start[j] + i] = 1 + (float)(i % 7);
      }
    }
    plan_accumulate(&p);
    plans[k] = p;
    plan_transpose(&by_source, &p, NULL, 0);
    rows[k] = by_source;
    growth[k] = 1;
    sigma[k] = 0.05;
  }
  for (int k = 0; k < SNAPSHOTS - 1; k++) noise[k] = 0.05;
  return (pairs){.d = d, .intervals = SNAPSHOTS - 1, .cells = cells, .offset = offset,
                  .times = times, .plans = plans, .rows = rows,
                 .gain_source = gain_source, .log_ends = gain_source,
                 .log_growth = gain_source, .growth = growth, .trust = growth,
                 .path = &path_straight, .sigma = noise};
}

static head make_head(head_kind kind, mlp_shape s) {
  size_t n = mlp_parameters(&s);
  head h = {kind, s, 0, 1, malloc(n * sizeof(double)), calloc(n, sizeof(double)),
            calloc(n, sizeof(double))};
  mlp_init(h.weights, &s, key, (uint32_t)kind + 1);
  return h;
}

/* Multiplications and additions for one row: forward, gradient of the weights, and of
 * the inputs of all layers but the first. */
static double row_flops(const mlp_shape *s) {
  double total = 0;
  for (size_t l = 0; l < mlp_layers(s); l++)
    total += (l == 0 ? 4.0 : 6.0) * (double)(mlp_layer_inputs(s, l) *
                                             mlp_layer_outputs(s, l));
  return total;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc != 7 || kernels_select(getenv("VGFM_KERNELS"))) return 1;
  int threads = atoi(argv[1]), rounds = atoi(argv[6]);
  size_t width = (size_t)atoi(argv[2]), hidden = (size_t)atoi(argv[3]);
  size_t d = (size_t)atoi(argv[4]), batch = (size_t)atoi(argv[5]);

  pairs b = make_problem(d);
  mlp_shape velocity = {d + 1, d, width, hidden, ACTIVATION_LEAKY_RELU};
  mlp_shape growth = {d + 1, 1, width, hidden, ACTIVATION_LEAKY_RELU};
  head both[2] = {make_head(HEAD_VELOCITY, velocity), make_head(HEAD_GROWTH, growth)};
  heads model = {d, 2, both};
  b.heads = &model;
  row_source source = pairs_source(&b);
  match_options options = {.batch = batch, .total_steps = 1000000, .learning_rate = 1e-3,
                           .rate_floor = 0.01, .key = key, .threads = threads};
  size_t bytes = match_workspace(&model, &source, &options);
  void *space = malloc(bytes);
  double flops = (double)batch * (row_flops(&velocity) + row_flops(&growth));
  uint64_t steps = (uint64_t)(4 + 5e9 / flops);
  double *losses = malloc(2 * steps * sizeof *losses);

  size_t order = ORDER;
  const int n = ORDER;
  const float one = 1, none = 0;
  float *x = calloc(3 * order * order, sizeof *x), *y = x + order * order;
  for (size_t i = 0; i < 2 * order * order; i++) x[i] = (float)(i % 13) - 6;
  openblas_set_num_threads(threads);

  double step = 1e9, product = 1e9, *ratio = malloc((size_t)rounds * sizeof *ratio);
  const double product_flops = 2.0 * ORDER * ORDER * ORDER;
  for (int round = 0; round <= rounds; round++) { /* the first warms up */
    double begin = now();
    for (int i = 0; i < PRODUCTS; i++)
      sgemm_("N", "N", &n, &n, &n, &one, x, &n, y, &n, &none, y + order * order, &n);
    double one_product = (now() - begin) / PRODUCTS;
    /* Threads of OpenBLAS keep their processors for a while after they are done. */
    nanosleep(&(struct timespec){0, 60000000}, NULL);
    double start = now();
    if (match_run(&model, losses, (uint64_t)round * steps, steps, &source, &options,
                  space, bytes))
      return 1;
    double one_step = (now() - start) / (double)steps;
    if (round == 0) continue;
    step = least(step, one_step);
    product = least(product, one_product);
    ratio[round - 1] = flops / one_step / (product_flops / one_product);
  }
  qsort(ratio, (size_t)rounds, sizeof *ratio, ascending);
  printf("%.3f %.2f %.2f %.3f\n", 1e6 * step, 1e-9 * flops / step,
         1e-9 * product_flops / product, ratio[rounds / 2]);
  return 0;
}
