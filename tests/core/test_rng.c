#include "check.h"
#include "kernels/kernels.h"
#include <string.h>

/* The known answers published with Random123 for philox4x32-10. */
static void check_known_answers(void) {
  const uint32_t counter[3][4] = {
    {0, 0, 0, 0},
    {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
    {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
  const rng_key key[3] = {
    {{0, 0}}, {{0xffffffff, 0xffffffff}}, {{0xa4093822, 0x299f31d0}}};
  const uint32_t want[3][4] = {
    {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
    {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
    {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
  for (int v = 0; v < 3; v++) {
    uint32_t got[4];
    rng_philox(got, counter[v], key[v]);
    for (int w = 0; w < 4; w++)
      CHECK(got[w] == want[v][w], "vector %d word %d: %08x", v, w, got[w]);
  }
}

static void check_uniform_is_open(void) {
  CHECK(rng_uniform(0) > 0, "0 gives %g", rng_uniform(0));
  CHECK(rng_uniform(0xffffffff) < 1, "max gives %.17g", rng_uniform(0xffffffff));
}

/* 2^18 normals: the first four moments within 5 standard errors, and Kolmogorov-Smirnov
 * distance to the normal distribution below its 0.999 quantile, 1.95 / sqrt(n). */
static int ascending(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static void check_normals(void) {
  enum { N = 1 << 18 };
  static float x[N], twin[N];
  const uint32_t counter[4] = {7, 1, 2, RNG_NOISE};
  const rng_key key = {{12, 34}};
  kernels_get()->normals(x, N, counter, key);
  kernels_naive.normals(twin, N, counter, key);
  double worst = 0, moment[5] = {0};
  for (int i = 0; i < N; i++) {
    worst = fmax(worst, fabs(x[i] - twin[i]));
    for (int p = 1; p <= 4; p++) moment[p] += pow(x[i], p) / N;
  }
  CHECK(worst < 2e-5, "differs from the scalar twin by %g", worst);
  const double want[5] = {0, 0, 1, 0, 3}, variance[5] = {0, 1, 2, 15, 96};
  for (int p = 1; p <= 4; p++)
    CHECK(fabs(moment[p] - want[p]) < 5 * sqrt(variance[p] / N), "moment %d is %g", p,
          moment[p]);
  qsort(x, N, sizeof *x, ascending);
  double distance = 0;
  for (int i = 0; i < N; i++) {
    double below = 0.5 * erfc(-x[i] / sqrt(2.0));
    distance = fmax(distance, fmax(fabs(below - (double)i / N),
                                   fabs((double)(i + 1) / N - below)));
  }
  CHECK(distance < 1.95 / sqrt(N), "Kolmogorov-Smirnov distance %g", distance);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_known_answers();
  check_uniform_is_open();
  check_normals();
  return check_report("test_rng");
}
