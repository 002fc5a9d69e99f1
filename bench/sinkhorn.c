/* Seconds to couple two clouds to one residual: uot_solve() beside Sinkhorn's iteration.
 *
 *   sinkhorn THREADS CELLS FEATURES RESIDUAL ROUNDS
 *
 * prints the best seconds of uot_solve() and its residual; seconds, residual and number
 * of iterations of Sinkhorn; and the largest difference of row sums, whose mean is 1.
 * epsilon and tau are as vgfm_control() has them. bench/transport.R compiles it. */
#include "kernels/kernels.h"
#include "transport/uot.h"
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Normal cells, a third of them moved by two standard deviations. */
static double *cloud(size_t n, size_t d, uint32_t stream, float shift) {
  size_t groups = n * d / NORMALS_GROUP + 1;
  float *draw = malloc(groups * NORMALS_GROUP * sizeof *draw);
  double *x = malloc(n * d * sizeof *x);
  const uint32_t counter[4] = {0, stream, 0, 0};
  kernels_get()->normals(draw, groups * NORMALS_GROUP, counter, (rng_key){{1, 2}});
  for (size_t i = 0; i < n * d; i++) x[i] = draw[i];
  for (size_t i = 0; i < n; i++) x[i * d] += shift + (i % 3 == 0 ? 2 : 0);
  free(draw);
  return x;
}

/* Chizat et al. (2018), in the logarithmic domain, costs kept, one exponential an entry:
 * with g exact for f, the row sums r of P give the next f. Returns the iterations. */
static int iterate(double *r, double *residual, const uot_problem *p, double least,
                   int threads) {
  size_t n = p->n, m = p->m;
  double *cost = malloc(n * m * sizeof *cost), *f = calloc(n, sizeof *f);
  double *part = malloc((size_t)threads * n * sizeof *part);
  double *column = malloc((size_t)threads * n * sizeof *column);
  const kernels *k = kernels_get();
#pragma omp parallel for num_threads(threads)
  for (size_t j = 0; j < m; j++)
    for (size_t i = 0; i < n; i++) {
      double total = 0;
      for (size_t c = 0; c < p->d; c++)
        total += (p->x[i * p->d + c] - p->y[j * p->d + c]) *
                 (p->x[i * p->d + c] - p->y[j * p->d + c]);
      cost[j * n + i] = total;
    }
  for (int step = 1;; step++) {
    memset(part, 0, (size_t)threads * n * sizeof *part);
#pragma omp parallel for num_threads(threads)
    for (size_t j = 0; j < m; j++) {
      size_t rank = (size_t)omp_get_thread_num();
      double *e = column + rank * n;
      double most = k->logits_f64(e, f, cost + j * n, 1 / p->epsilon, n);
      k->axpy_f64(part + rank * n, e, p->b[j] / k->exp_sum_f64(e, most, n), n);
    }
    double mean = 0;
    *residual = 0;
    for (size_t i = 0; i < n; i++) {
      r[i] = 0;
      for (size_t t = 0; t < (size_t)threads; t++) r[i] += part[t * n + i];
      *residual = fmax(*residual, fabs(r[i] - p->a[i] * exp(-f[i] / p->tau_source)));
      mean += r[i] / (double)n;
      f[i] = (log(p->a[i] / r[i]) + f[i] / p->epsilon) /
             (1 / p->epsilon + 1 / p->tau_source);
    }
    *residual /= mean;
    if (*residual <= least || step == 100000) {
      free(cost);
      free(f);
      free(part);
      free(column);
      return step;
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 6 || kernels_select(getenv("VGFM_KERNELS"))) return 1;
  int threads = atoi(argv[1]), rounds = atoi(argv[5]), iterations = 0;
  size_t n = (size_t)atoi(argv[2]), d = (size_t)atoi(argv[3]);
  double *x = cloud(n, d, 1, 0), *y = cloud(n, d, 2, 0.5);
  double *one = malloc(n * sizeof *one), *f = malloc(3 * n * sizeof *f);
  double *r = malloc(n * sizeof *r);
  for (size_t i = 0; i < n; i++) one[i] = 1;
  /* 8/9 is the variance of the shift of a third by two */
  double variance = (double)d + 8.0 / 9;
  uot_problem p = {n, n, d, x, y, one, one, 0.007 * variance, 3 * variance,
                   INFINITY, INFINITY};
  uot_options options = uot_defaults();
  options.tolerance = atof(argv[4]);
  options.threads = threads;
  size_t bytes = uot_workspace(&p, &options);
  void *space = malloc(bytes);
  uot_result result;
  uot_solution out = {f, f + n, f + 2 * n, NULL, NULL};
  double newton = 1e9, sinkhorn = 1e9, residual = 0, gap = 0;
  for (int round = 0; round < rounds; round++) {
    double start = now();
    if (uot_solve(&out, NULL, &result, &p, &options, space, bytes))
      return 1;
    newton = fmin(newton, now() - start);
    if (round > 0 && sinkhorn > 10 * newton) continue; /* once is enough */
    start = now();
    iterations = iterate(r, &residual, &p, options.tolerance, threads);
    sinkhorn = fmin(sinkhorn, now() - start);
  }
  for (size_t i = 0; i < n; i++) gap = fmax(gap, fabs(r[i] - f[2 * n + i]));
  printf("%.4f %.1e %.4f %.1e %d %.1e\n", newton, result.residual, sinkhorn, residual,
         iterations, gap);
  return 0;
}
