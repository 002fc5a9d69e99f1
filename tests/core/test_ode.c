#include "check.h"
#include "kernels/kernels.h"
#include "field/ode.h"
#include "base/status.h"
#include <string.h>

/* Fields with closed solutions: a damped spiral, and growth at a rate of cos t. */
static void spiral(double *dx, const double *x, const double *t, size_t n,
                    void *context) {
  (void)t;
  ++*(size_t *)context;
  for (size_t i = 0; i < n; i++) {
    dx[2 * i] = -0.1 * x[2 * i] - x[2 * i + 1];
    dx[2 * i + 1] = x[2 * i] - 0.1 * x[2 * i + 1];
  }
}

static void grow(double *dx, const double *x, const double *t, size_t n,
                    void *context) {
  (void)context;
  for (size_t i = 0; i < n; i++) dx[i] = x[i] * cos(t[i]);
}

static void blow_up(double *dx, const double *x, const double *t, size_t n,
                    void *context) {
  (void)t;
  (void)context;
  for (size_t i = 0; i < n; i++) dx[i] = x[i] * x[i];
}

static char block[1 << 20];

/* A hundred states that all start at time t. */
static const double *at(double t) {
  static double start[100];
  for (int i = 0; i < 100; i++) start[i] = t;
  return start;
}

static double spiral_error(double relative, size_t *calls) {
  double x[2] = {1, 0};
  size_t counter = 0;
  ode_options o = {.relative = relative, .absolute = relative, .max_steps = 100000};
  int status = ode_dopri5(x, at(0), 10, 1, 2, spiral, &counter, &o, block,
                          sizeof block, calls);
  CHECK(status == STATUS_OK, "status %d", status);
  return hypot(x[0] - exp(-1) * cos(10), x[1] - exp(-1) * sin(10));
}

/* The error at the end of ten time units stays within 20 tolerances. */
static void check_accuracy(void) {
  for (double tolerance = 1e-4; tolerance > 1e-11; tolerance /= 10) {
    size_t calls = 0;
    double error = spiral_error(tolerance, &calls);
    CHECK(error < 20 * tolerance, "tolerance %g: error %g", tolerance, error);
  }
}

/* A method of order 5 needs 10^(1/5) times the work for a tenth of the tolerance. */
static void check_adaptive_order(void) {
  size_t coarse = 0, fine = 0;
  double e1 = spiral_error(1e-5, &coarse), e2 = spiral_error(1e-10, &fine);
  double order = log(e1 / e2) / log((double)fine / (double)coarse);
  CHECK(order > 4.5 && order < 6, "observed order %g", order);
}

/* Halving RK4's step divides the error by 16. */
static void check_rk4_order(void) {
  double error[2];
  for (int r = 0; r < 2; r++) {
    double x[2] = {1, 0};
    size_t counter = 0;
    int status = ode_rk4(x, 0, 2, 20 << r, 1, 2, spiral, &counter, block, sizeof block);
    CHECK(status == STATUS_OK, "status %d", status);
    CHECK(counter == 4 * (size_t)(20 << r), "%zu evaluations", counter);
    error[r] = hypot(x[0] - exp(-0.2) * cos(2), x[1] - exp(-0.2) * sin(2));
  }
  double order = log2(error[0] / error[1]);
  CHECK(order > 3.8 && order < 4.2, "observed order %g", order);
}

/* Forth and back in a time-dependent field returns to the start, through the closed form
 * x(t) = x(0) exp(sin t). */
static void check_backwards(void) {
  double x[3] = {1, -2, 1e-3};
  ode_options o = {.relative = 1e-10, .absolute = 1e-12, .max_steps = 10000};
  int status = ode_dopri5(x, at(0), 3, 3, 1, grow, NULL, &o, block, sizeof block, NULL);
  CHECK(status == STATUS_OK, "forth");
  const double start[3] = {1, -2, 1e-3};
  for (int i = 0; i < 3; i++) CHECK_NEAR(x[i], start[i] * exp(sin(3)), 1e-8);
  status = ode_dopri5(x, at(3), 0, 3, 1, grow, NULL, &o, block, sizeof block, NULL);
  CHECK(status == STATUS_OK, "back");
  for (int i = 0; i < 3; i++) CHECK_NEAR(x[i], start[i], 1e-8);
}

/* A state integrated alone has the same bits as among a hundred others. */
static void check_independence(void) {
  enum { N = 100 };
  double all[2 * N], alone[2];
  size_t counter = 0;
  for (int i = 0; i < 2 * N; i++) all[i] = sin(i) * exp(i % 7);
  double start[2 * N];
  memcpy(start, all, sizeof all);
  ode_options o = ODE_DEFAULTS;
  ode_dopri5(all, at(0), 5, N, 2, spiral, &counter, &o, block, sizeof block, NULL);
  for (int i = 0; i < N; i++) {
    memcpy(alone, start + 2 * i, sizeof alone);
    ode_dopri5(alone, at(0), 5, 1, 2, spiral, &counter, &o, block, sizeof block, NULL);
    CHECK(memcmp(alone, all + 2 * i, sizeof alone) == 0, "state %d", i);
  }
}

/* States may start at different times, and at the end itself. */
static void check_own_times(void) {
  double x[3] = {1, 2, 3};
  const double from[3] = {0, 1.5, 4};
  ode_options o = {.relative = 1e-10, .absolute = 1e-12, .max_steps = 10000};
  int status = ode_dopri5(x, from, 4, 3, 1, grow, NULL, &o, block, sizeof block, NULL);
  CHECK(status == STATUS_OK, "status %d", status);
  for (int i = 0; i < 3; i++)
    CHECK_NEAR(x[i], (i + 1) * exp(sin(4) - sin(from[i])), 1e-8);
}

static void check_failures(void) {
  double x[1] = {1};
  ode_options o = {.relative = 1e-6, .absolute = 1e-6, .max_steps = 500};
  int status =
      ode_dopri5(x, at(0), 2, 1, 1, blow_up, NULL, &o, block, sizeof block, NULL);
  CHECK(status == STATUS_NOT_CONVERGED || status == STATUS_NOT_FINITE, "status %d",
        status);
  size_t need = ode_workspace(10, 3);
  double many[30] = {0};
  CHECK(ode_dopri5(many, at(0), 1, 10, 3, grow, NULL, &o, block, need / 2, NULL) ==
            STATUS_NO_SPACE, "half the workspace was enough");
  CHECK(ode_workspace((size_t)1 << 40, (size_t)1 << 40) == 0, "overflow not seen");
  o.relative = 0;
  CHECK(ode_dopri5(x, at(0), 1, 1, 1, grow, NULL, &o, block, sizeof block, NULL) ==
            STATUS_BAD_ARGUMENT, "zero tolerance");
}

static int countdown(void *left) { return --*(int *)left < 0; }

/* A run that is cut anywhere gives the same bits, and one that is stopped says so. */
static void check_cuts(void) {
  enum { N = 20 };
  static double whole[2 * N], cut[2 * N];
  for (int i = 0; i < 2 * N; i++) whole[i] = cut[i] = sin(3. * i) * (1 + i);
  ode_options o = ODE_DEFAULTS;
  size_t counter = 0, calls = 0, parts = 0;
  ode_dopri5(whole, at(0), 5, N, 2, spiral, &counter, &o, block, sizeof block, &calls);
  ode_run run;
  CHECK(ode_begin(&run, cut, at(0), 5, N, 2, spiral, &counter, &o, block,
                  sizeof block) == STATUS_OK, "begin");
  for (; run.active > 0; parts++) ode_continue(&run, 1);
  CHECK(run.status == STATUS_OK && parts > 5, "%zu parts", parts);
  CHECK(run.evaluations == calls, "%zu calls, not %zu", run.evaluations, calls);
  CHECK(memcmp(whole, cut, sizeof whole) == 0, "a cut changes the result");

  int polls = 3;
  o.interrupted = countdown;
  o.interrupted_data = &polls;
  int status = ode_dopri5(cut, at(0), 5, N, 2, spiral, &counter, &o, block,
                          sizeof block, NULL);
  CHECK(status == STATUS_INTERRUPTED && polls == -1, "status %d", status);
}

int main(void) {
  check_accuracy();
  check_adaptive_order();
  check_rk4_order();
  check_backwards();
  check_independence();
  check_own_times();
  check_failures();
  check_cuts();
  return check_report("test_ode");
}
