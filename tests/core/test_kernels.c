#include "check.h"
#include "kernels/kernels.h"
#include <string.h>

static uint32_t step;
static double uniform(double low, double high) {
  const uint32_t counter[4] = {step++, 0, 0, 0};
  uint32_t word[4];
  rng_philox(word, counter, (rng_key){{1, 2}});
  return low + (high - low) * rng_uniform(word[0]);
}

/* gemm equals its double-accumulating twin to k rounding errors, for both layouts of a,
 * every remainder of rows, and each thing to start from. */
static void check_gemm(size_t m, size_t n, size_t k, int transposed) {
  float *a = malloc(m * k * sizeof *a), *b = malloc(k * n * sizeof *b);
  float *c = malloc(m * n * sizeof *c), *twin = malloc(m * n * sizeof *twin);
  for (size_t i = 0; i < m * k; i++) a[i] = (float)uniform(-1, 1);
  for (size_t i = 0; i < k * n; i++) b[i] = (float)uniform(-1, 1);
  size_t row = transposed ? 1 : k, col = transposed ? m : 1;
  for (int start = 0; start < 3; start++) { /* nothing, a row for all, c itself */
    for (size_t i = 0; i < m * n; i++) c[i] = twin[i] = (float)uniform(-1, 1);
    size_t ld = start == 2 ? n : 0;
    kernels_get()->gemm(c, n, start == 0 ? NULL : start == 1 ? b : c, ld, a, row, col, b,
                        n, m, n, k);
    kernels_naive.gemm(twin, n, start == 0 ? NULL : start == 1 ? b : twin, ld, a, row,
                       col, b, n, m, n, k);
    double worst = 0;
    for (size_t i = 0; i < m * n; i++) worst = fmax(worst, fabs(c[i] - twin[i]));
    CHECK(worst <= 6e-8 * (double)(k + 1) * 2, "%zu x %zu x %zu from %d: %g", m, n, k,
          start, worst);
  }
  free(a);
  free(b);
  free(c);
  free(twin);
}

/* A row of the product has the same bits whatever rows stand around it. */
static void check_rows_are_independent(void) {
  enum { M = 13, N = 48, K = 29 };
  float a[M * K], b[K * N], c[M * N], alone[N];
  for (int i = 0; i < M * K; i++) a[i] = (float)uniform(-1, 1);
  for (int i = 0; i < K * N; i++) b[i] = (float)uniform(-1, 1);
  kernels_get()->gemm(c, N, NULL, 0, a, K, 1, b, N, M, N, K);
  for (int i = 0; i < M; i++) {
    kernels_get()->gemm(alone, N, NULL, 0, a + i * K, K, 1, b, N, 1, N, K);
    CHECK(memcmp(alone, c + i * N, sizeof alone) == 0, "row %d", i);
  }
}

/* Far columns of a transposed a give the same bits as the same numbers in rows. */
static void check_layouts_agree(void) {
  enum { M = 300, N = 144, K = 270 };
  float *a = malloc(M * K * sizeof *a), *across = malloc(M * K * sizeof *across);
  float *b = malloc(K * N * sizeof *b);
  float *c = malloc(M * N * sizeof *c), *other = malloc(M * N * sizeof *other);
  for (int i = 0; i < M; i++)
    for (int l = 0; l < K; l++)
      a[i * K + l] = across[l * M + i] = (float)uniform(-1, 1);
  for (int i = 0; i < K * N; i++) b[i] = (float)uniform(-1, 1);
  kernels_get()->gemm(c, N, b, 0, a, K, 1, b, N, M, N, K);
  kernels_get()->gemm(other, N, b, 0, across, 1, M, b, N, M, N, K);
  CHECK(memcmp(c, other, M * N * sizeof *c) == 0, "layouts differ");
  free(a);
  free(across);
  free(b);
  free(c);
  free(other);
}

/* Activations to 1e-6 of libm, their slopes and curvatures to 1e-6 of the analytic
 * twin. */
static void check_activations(void) {
  enum { N = 1003 };
  float z[N], h[N], want[N], d[N], d_want[N], z_dot[N], sum[N], sum_want[N];
  for (int i = 0; i < N; i++) z[i] = (float)uniform(-12, 12);
  for (int act = ACTIVATION_LEAKY_RELU; act <= ACTIVATION_TANH; act++) {
    kernels_get()->activate(h, z, N, act);
    kernels_naive.activate(want, z, N, act);
    for (int i = 0; i < N; i++) d[i] = d_want[i] = (float)uniform(-1, 1);
    kernels_get()->activate_grad(d, z, want, N, act);
    kernels_naive.activate_grad(d_want, z, want, N, act);
    for (int i = 0; i < N; i++) {
      CHECK_NEAR(h[i], want[i], 1e-6);
      CHECK_NEAR(d[i], d_want[i], 1e-6);
    }
    for (int i = 0; i < N; i++) {
      d[i] = d_want[i] = (float)uniform(-1, 1);
      sum[i] = sum_want[i] = (float)uniform(-1, 1);
      z_dot[i] = (float)uniform(-1, 1);
    }
    kernels_get()->activate_tangent_grad(sum, d, z_dot, z, want, N, act);
    kernels_naive.activate_tangent_grad(sum_want, d_want, z_dot, z, want, N, act);
    for (int i = 0; i < N; i++) {
      CHECK_NEAR(sum[i], sum_want[i], 1e-6);
      CHECK_NEAR(d[i], d_want[i], 1e-6);
    }
  }
}

/* The loss of a row, to 1e-6 of its twin for every remainder of a vector. */
static void check_squared_error(void) {
  enum { N = 67 };
  float out[N], twin[N], want[N];
  for (size_t n = 1; n <= N; n++) {
    for (size_t i = 0; i < n; i++) {
      out[i] = twin[i] = (float)uniform(-1, 1);
      want[i] = (float)uniform(-1, 1);
    }
    CHECK_NEAR(kernels_get()->squared_error(out, want, 0.5f, n),
               kernels_naive.squared_error(twin, want, 0.5f, n), 1e-6);
    for (size_t i = 0; i < n; i++) CHECK_NEAR(out[i], twin[i], 1e-6);
  }
}

/* Linear combinations to 1e-6 of their twin, for every remainder of a vector and every
 * set of vectors in use; those that are not are not there. */
static void check_combine(void) {
  enum { N = 67, VECTORS = 5 };
  float x[N], vectors[VECTORS][N], place[N], velocity[N], at_twin[N], change_twin[N];
  for (size_t n = 1; n <= N; n++)
    for (size_t used = 1; used < 1 << VECTORS; used += 2) {
      const float *vector[VECTORS] = {NULL};
      float a[VECTORS] = {0}, b[VECTORS] = {0};
      size_t count = 0;
      for (size_t k = 0; k < VECTORS; k++) {
        if (!(used >> k & 1)) continue;
        for (size_t i = 0; i < n; i++) vectors[k][i] = (float)uniform(-1, 1);
        vector[k] = vectors[k];
        if (used % 3 != 1 || k == 0) a[k] = (float)uniform(-1, 1);
        if (used % 3 != 0) b[k] = (float)uniform(-1, 1);
        count = k + 1;
      }
      for (size_t i = 0; i < n; i++) x[i] = (float)uniform(-1, 1);
      kernels_get()->combine(place, velocity, x, vector, a, b, count, n);
      kernels_naive.combine(at_twin, change_twin, x, vector, a, b, count, n);
      double worst = 0;
      for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs(place[i] - at_twin[i]));
        worst = fmax(worst, fabs(velocity[i] - change_twin[i]));
      }
      CHECK(worst <= 1e-6, "%zu values, vectors %zx: %g", n, used, worst);
    }
}

/* exp to 4e-16 relative over its range; 0 below it, infinity above, NaN kept. */
static void check_exp(void) {
  enum { N = 4099 };
  static double x[N], y[N];
  for (int i = 0; i < N; i++) x[i] = uniform(-708, 709);
  for (int i = 0; i < N / 2; i++) x[i] = uniform(-2, 2);
  kernels_get()->exp_f64(y, x, N);
  double worst = 0;
  for (int i = 0; i < N; i++) worst = fmax(worst, fabs(y[i] / exp(x[i]) - 1));
  CHECK(worst < 4.5e-16, "relative error %g", worst);
  const double edge[5] = {-1000, 0, 1000, NAN, -INFINITY};
  kernels_get()->exp_f64(y, edge, 5);
  CHECK(y[0] == 0 && y[1] == 1 && isinf(y[2]) && isnan(y[3]) && y[4] == 0,
        "edges: %g %g %g %g %g", y[0], y[1], y[2], y[3], y[4]);
}

static void check_reductions(void) {
  for (size_t n = 1; n < 40; n++) {
    double x[40], total = 0, best = -INFINITY;
    for (size_t i = 0; i < n; i++) {
      x[i] = uniform(-1, 1);
      total += x[i];
      best = fmax(best, x[i]);
    }
    CHECK_NEAR(kernels_get()->sum_f64(x, n), total, 1e-14);
    CHECK(kernels_get()->max_f64(x, n) == best, "maximum of %zu", n);
  }
}

/* Against the twin to rounding; in two calls to the bit as in one. */
static void check_sqdist(void) {
  for (size_t n = 1; n < 70; n++) {
    enum { D = 3, M = 5, LD = 71, LY = 4 };
    double x[D * LD], y[M * LY], got[M * LD], want[M * LD];
    for (int i = 0; i < D * LD; i++) x[i] = uniform(-1, 1);
    for (int k = 0; k < M * LY; k++) y[k] = uniform(-1, 1);
    size_t m = 1 + n % M;
    memset(got, 0, sizeof got);
    memset(want, 0, sizeof want);
    kernels_get()->sqdist(got, LD, x, LD, y, LY, n, m, D, 0);
    kernels_naive.sqdist(want, LD, x, LD, y, LY, n, m, D, 0);
    for (size_t i = 0; i < M * LD; i++) CHECK_NEAR(got[i], want[i], 1e-15);
    kernels_get()->sqdist(want, LD, x, LD, y, LY, n, m, 2, 0);
    kernels_get()->sqdist(want, LD, x + 2 * LD, LD, y + 2, LY, n, m, 1, 1);
    CHECK(memcmp(got, want, sizeof got) == 0, "%zu points in two calls", n);
    for (size_t j = 0; j < m; j++)
      kernels_get()->sqdist(want + j * LD, 0, x, LD, y + j * LY, 0, n, 1, D, 0);
    CHECK(memcmp(got, want, sizeof got) == 0, "%zu points, one target at a time", n);
  }
}

int main(void) {
  CHECK(kernels_select("no such") == 1, "an unknown table was taken");
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  for (size_t m = 1; m < 20; m += 3)
    for (size_t n = 16; n <= 80; n += 16)
      for (int transposed = 0; transposed < 2; transposed++)
        check_gemm(m, n, 1 + 7 * m, transposed);
  check_gemm(64, 64, 1000, 0);
  check_gemm(3, 1008, 64, 1);
  check_gemm(11, 48, 600, 1);
  check_gemm(300, 144, 270, 1);
  check_rows_are_independent();
  check_layouts_agree();
  check_activations();
  check_squared_error();
  check_combine();
  check_exp();
  check_reductions();
  check_sqdist();
  return check_report("test_kernels");
}
