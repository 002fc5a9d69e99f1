#include "check.h"
#include "kernels/kernels.h"
#include "train/kde.h"

enum { D = 3, N = 21 };
static double cells[D * N], scratch[N];

static double cell(size_t i, size_t c) { return cells[c * N + i]; }

/* The mean of the normal densities, as the formula has it. */
static double naive(const double *x, double bandwidth) {
  double sum = 0, normal = pow(bandwidth * sqrt(2 * acos(-1.0)), D);
  for (size_t i = 0; i < N; i++) {
    double square = 0;
    for (size_t c = 0; c < D; c++) square += pow(x[c] - cell(i, c), 2);
    sum += exp(-square / (2 * bandwidth * bandwidth)) / normal / N;
  }
  return log(sum);
}

/* Value as the formula has it; gradient as central differences have it. */
static void check_formula(double bandwidth) {
  kde k = {N, D, cells, bandwidth};
  for (int at = 0; at < 7; at++) {
    double x[D], gradient[D];
    for (int c = 0; c < D; c++) x[c] = sin(3.0 * at + c);
    CHECK_NEAR(kde_log(gradient, &k, x, scratch), naive(x, bandwidth), 1e-12);
    for (int c = 0; c < D; c++) {
      double ends[2], keep = x[c];
      for (int side = 0; side < 2; side++) {
        x[c] = keep + (side ? -1e-5 : 1e-5);
        ends[side] = naive(x, bandwidth);
      }
      x[c] = keep;
      CHECK_NEAR(gradient[c], (ends[0] - ends[1]) / 2e-5, 1e-8);
    }
  }
}

/* Where all densities are 0 in double precision, the nearest cell decides. */
static void check_far(void) {
  const double h = 0.01, two_pi = 2 * acos(-1.0);
  kde k = {N, D, cells, h};
  double x[D] = {100, 0, 0}, gradient[D], least = HUGE_VAL;
  size_t nearest = 0;
  for (size_t i = 0; i < N; i++) {
    double square = 0;
    for (size_t c = 0; c < D; c++) square += pow(x[c] - cell(i, c), 2);
    if (square < least) {
      least = square;
      nearest = i;
    }
  }
  CHECK_NEAR(kde_log(gradient, &k, x, scratch),
             -least / (2 * h * h) - log(N) - D * log(h * sqrt(two_pi)), 1e-12);
  for (size_t c = 0; c < D; c++)
    CHECK_NEAR(gradient[c], (cell(nearest, c) - x[c]) / (h * h), 1e-10);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  for (size_t i = 0; i < D * N; i++) cells[i] = sin(7.0 * (double)i);
  check_formula(0.3);
  check_formula(1.5);
  check_far();
  return check_report("test_kde");
}
