/* Points without weight change nothing, and no answer is given without a digit. */
#include "emd_reference.h"
#include "kernels/kernels.h"

static emd_result result_of(const emd_task *t, int *status) {
  emd_options o = emd_defaults();
  emd_result r = {0};
  size_t bytes = emd_workspace(t, &o);
  void *block = malloc(bytes);
  *status = emd_solve(NULL, NULL, NULL, &r, t, &o, block, bytes);
  free(block);
  return r;
}

static double distance_of(const emd_task *t, const char *what) {
  int status;
  emd_result r = result_of(t, &status);
  CHECK(status == STATUS_OK, "%s: %s", what, status_message(status));
  return r.distance;
}

/* The first of the points alone: the same plan to the bit, whatever number of others
 * comes behind them, wherever these lie. Sizes on both sides of what is coarsened (32),
 * where clouds shrink most unevenly; the allocator's guards are the sanitizer's. */
static void check_weightless(void) {
  const size_t sizes[] = {1, 30, 31, 32, 33, 50, 100, 130};
  const double places[] = {1, 1e20, 1e300};
  enum { KINDS = sizeof sizes / sizeof *sizes, MOST = 130 };
  double x[2 * MOST], y[2 * MOST], a[MOST], b[MOST];
  for (size_t k = 0; k < KINDS * KINDS; k++) {
    size_t n = sizes[k % KINDS], m = sizes[k / KINDS];
    for (size_t i = 0; i < 2 * MOST; i++) {
      x[i] = normal();
      y[i] = normal();
    }
    for (size_t i = 0; i < MOST; i++) {
      a[i] = i < n;
      b[i] = i < m;
    }
    emd_task alone = {n, m, 2, x, y, a, b, k % 2};
    double want = distance_of(&alone, "alone");
    for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
      for (size_t i = 2 * n; i < 2 * MOST; i++) x[i] = places[p] * normal();
      for (size_t j = 2 * m; j < 2 * MOST; j++) y[j] = places[p] * normal();
      emd_task all = {MOST, MOST, 2, x, y, a, b, k % 2};
      double got = distance_of(&all, "with others");
      CHECK(got == want, "%zu of %zu: %.17g is not %.17g", n, m, got, want);
    }
  }
}

/* Potentials of points without weight are refused where they are no numbers: where the
 * square of a distance overflows. */
static void check_far_potentials(void) {
  const double places[] = {1e20, 1e100, 1e200};
  for (int k = 0; k < 6; k++) {
    double x[2] = {0, places[k / 2]}, y[1] = {1}, a[2] = {1, 0}, b[1] = {1};
    emd_task t = {2, 1, 1, x, y, a, b, k % 2};
    solution s = solve(&t);
    int want = x[1] < 1e150 ? STATUS_OK : STATUS_NOT_FINITE;
    CHECK(s.status == want, "%g: %s", x[1], status_message(s.status));
    CHECK(s.result.cost == 1, "cost %g", s.result.cost);
    double far = k % 2 ? x[1] * x[1] : x[1];
    if (want == STATUS_OK) CHECK_NEAR(s.u[1], far, 1e-12);
    release(&s);
  }
}

/* The root of a cost does not over- or underflow where the cost does. */
static void check_scales(void) {
  const double scales[] = {1e-300, 1e-200, 1e-160, 1, 1e160, 1e300};
  for (size_t k = 0; k < sizeof scales / sizeof *scales; k++)
    for (int metric = 0; metric < 2; metric++) {
      double x[2] = {0, scales[k]}, y[2] = {3 * scales[k], 4 * scales[k]};
      emd_task t = {2, 2, 1, x, y, NULL, NULL, metric};
      double got = distance_of(&t, "scale") / scales[k];
      CHECK(fabs(got - 3) < 1e-14, "scale %g: %.17g is not 3", scales[k], got);
    }
}

/* A point far away in both clouds takes the digits of all others. Where every point is
 * next to its partner, the answer is right all the same; where it is not, none is given:
 * x and y are unit steps on a line, y in disorder, and one step apart. */
static void check_lost(void) {
  enum { N = 9 };
  double x[N], y[N];
  for (int metric = 0; metric < 2; metric++)
    for (int e = 0; e <= 20; e++) {
      int status;
      for (size_t i = 0; i + 1 < N; i++) {
        x[i] = (double)i;
        y[i] = 1 + (double)(5 * i % (N - 1));
      }
      x[N - 1] = y[N - 1] = pow(10, e);
      emd_task t = {N, N, 1, x, y, NULL, NULL, metric};
      emd_result r = result_of(&t, &status);
      double want = 8. / 9; /* any monotone plan: 8 steps of 9 points */
      if (metric == EMD_SQEUCLIDEAN) want = sqrt(want);
      CHECK(status == STATUS_OK || status == STATUS_PRECISION, "1e%d: %d", e, status);
      /* The plan is within 2^-40 of the largest cost. */
      double off = ldexp(pow(10, metric == EMD_EUCLIDEAN ? e : 2 * e), -38);
      if (e > 1 && status == STATUS_OK)
        CHECK(r.distance < want + off + 1e-12 && r.distance > 0.4, "1e%d: %g, not %g", e,
              r.distance, want);
      if (e >= (metric == EMD_EUCLIDEAN ? 17 : 9))
        CHECK(status == STATUS_PRECISION, "1e%d: %g", e, r.distance);
    }

  double near[2] = {0, 1e20}, next[2] = {1, 1e20};
  emd_task pair = {2, 2, 1, near, next, NULL, NULL, EMD_EUCLIDEAN};
  CHECK(distance_of(&pair, "a pair") == 0.5, "0.5");
}

/* A point far away of hardly any weight: it counts by its weight, not by the least that
 * integers can hold. The others are one apart; W1 is 1 + weight * place. */
static void check_light(void) {
  const double weights[] = {1e-300, 1e-40, 1e-30, 3e-19, 1.5e-18, 1e-15};
  const double places[] = {1e3, 1e14, 1e18, 1e20};
  for (int k = 0; k < 24; k++)
    for (int swap = 0; swap < 2; swap++) {
      double weight = weights[k / 4], far = places[k % 4];
      double x[3] = {0, far, 10}, y[2] = {1, 11}, a[3] = {1, 2 * weight, 1};
      emd_task t = swap ? (emd_task){2, 3, 1, y, x, NULL, a, EMD_EUCLIDEAN} :
                          (emd_task){3, 2, 1, x, y, a, NULL, EMD_EUCLIDEAN};
      int status;
      emd_result r = result_of(&t, &status);
      double want = 1 + weight * far;
      if (status == STATUS_OK) CHECK_NEAR(r.distance, want, 0.11);
      if (far < 1e15 || weight * far > 1000)
        CHECK(status == STATUS_OK, "%g at %g: %d", weight, far, status);
    }
}

/* Clouds that all but agree: any shift far below the spacing is found, to 1e-6 of it as
 * long as the points can hold it. */
static void check_small_shifts(void) {
  enum { N = 200, D = 3 };
  double *x = filled(N * D, normal), y[N * D];
  for (int e = 4; e <= 12; e += 2)
    for (int metric = 0; metric < 2; metric++) {
      double shift = pow(10, -e), room = 1e-15 / shift + 1e-9;
      for (size_t i = 0; i < N * D; i++) y[i] = x[i] + shift;
      emd_task t = {N, N, D, x, y, NULL, NULL, metric};
      double got = distance_of(&t, "shift") / shift / sqrt(3);
      CHECK(fabs(got - 1) < room, "1e-%d: %.17g", e, got);
    }
  emd_task same = {N, N, D, x, x, NULL, NULL, EMD_EUCLIDEAN};
  CHECK(distance_of(&same, "itself") == 0, "0");
  free(x);
}

/* A cloud, and the same with each point in two, whose weights sum to the whole but for
 * rounding: what is left is no distance. */
static void check_split_points(void) {
  enum { N = 300, D = 2 };
  double *x = filled(N * D, normal), *share = filled(N, normal);
  double y[2 * N * D], b[2 * N];
  for (size_t i = 0; i < N; i++) {
    double part = 1 / (1 + exp(-share[i]));
    b[i] = part / N / 3;
    b[N + i] = (1 - part) / N / 3;
    for (size_t c = 0; c < D; c++) y[i * D + c] = y[(N + i) * D + c] = x[i * D + c];
  }
  for (int metric = 0; metric < 2; metric++) {
    emd_task t = {N, 2 * N, D, x, y, NULL, b, metric};
    double got = distance_of(&t, "split");
    double room = metric == EMD_EUCLIDEAN ? 1e-10 : 1e-5;
    CHECK(got >= 0 && got < room, "%g", got);
  }
  free(x);
  free(share);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_weightless();
  check_far_potentials();
  check_scales();
  check_lost();
  check_light();
  check_small_shifts();
  check_split_points();
  return check_report("test_emd_digits");
}
