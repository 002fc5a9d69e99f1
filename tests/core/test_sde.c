#include "check.h"
#include "kernels/kernels.h"
#include "field/ode.h"
#include "field/sde.h"
#include "base/status.h"
#include <string.h>

/* States: two components with noise and one without. The process of Ornstein and
 * Uhlenbeck (1930), dx = rate (mean - x) dt + sigma dW, and dy = x0 dt. */
enum { DIM = 3, NOISY = 2, MANY = 4000 };
static const rng_key key = {{20, 26}};
typedef struct { double rate, mean; } ou;

static void ou_drift(double *dx, const double *x, const double *t, const double *h,
                     size_t n, void *context) {
  const ou *p = context;
  (void)t;
  (void)h;
  for (size_t i = 0; i < n; i++) {
    for (int c = 0; c < NOISY; c++)
      dx[i * DIM + c] = p->rate * (p->mean - x[i * DIM + c]);
    dx[i * DIM + 2] = x[i * DIM];
  }
}

/* The stationary process of that rate and mean 0. Its reverse in time is the same
 * process: with velocity 0 and S = -rate x, the drift is S forwards and -S backwards. */
static void stationary_drift(double *dx, const double *x, const double *t,
                             const double *h, size_t n, void *context) {
  ou_drift(dx, x, t, h, n, context);
  for (size_t i = 0; i < n; i++)
    for (int c = 0; c < NOISY; c++)
      if (h[i] < 0) dx[i * DIM + c] = -dx[i * DIM + c];
}

static double states[MANY * DIM], error[MANY * 2], from[MANY];
static uint32_t cell[MANY];

static sde_states all_at(const double start[DIM], double t, double to, size_t n) {
  for (size_t i = 0; i < n; i++) {
    memcpy(states + i * DIM, start, DIM * sizeof *start);
    from[i] = t;
    cell[i] = (uint32_t)i;
  }
  return (sde_states){states, error, from, cell, n, to};
}

/* Solves in pieces of `budget` evaluations; the status, and the evaluations spent. */
static int solve(const sde_states *s, const sde_equation *e, const sde_options *o,
                 size_t budget, size_t *spent) {
  size_t bytes = sde_workspace(s->n, e, o);
  void *block = malloc(bytes);
  sde_run run;
  int status = sde_begin(&run, s, key, e, o, block, bytes);
  if (status == STATUS_OK) {
    while (run.active > 0) sde_continue(&run, budget);
    status = run.status;
  }
  if (spent) *spent = run.evaluations;
  free(block);
  return status;
}

/* Two halves sum to their whole, at all levels; the increments of a level are normal
 * numbers of variance 2^-level without correlation (5 standard errors), the same however
 * far the path is refined below. */
static void check_brownian(void) {
  enum { N = 3, D = 70, DEEP = 7, PARTS = 1 << DEEP };
  static double deep[PARTS][N * D], part[DEEP][PARTS][N * D];
  arena a = {0};
  brownian b;
  brownian_layout(&a, &b, N, D, DEEP);
  size_t bytes = arena_size(&a);
  void *block = malloc(bytes);
  a = arena_over(block, bytes);
  brownian_layout(&a, &b, N, D, DEEP);
  const uint32_t number[N] = {5, 0, 77};
  for (int level = 0; level < DEEP; level++) {
    brownian_begin(&b, key, number, N, level);
    for (size_t i = 0; i < (size_t)1 << level; i++) {
      brownian_enter(&b, i);
      memcpy(part[level][i], brownian_part(&b, level), sizeof part[level][i]);
    }
  }
  brownian_begin(&b, key, number, N, DEEP);
  double worst = 0, square = 0, product = 0;
  int same = 1;
  for (size_t i = 0; i < PARTS; i++) {
    brownian_enter(&b, i);
    memcpy(deep[i], brownian_part(&b, DEEP), sizeof deep[i]);
    for (int level = 0; level < DEEP; level++)
      same &= !memcmp(part[level][i >> (DEEP - level)], brownian_part(&b, level),
                      sizeof deep[i]);
  }
  for (size_t i = 0; i < PARTS; i += 2)
    for (int c = 0; c < N * D; c++) {
      double whole = part[DEEP - 1][i / 2][c];
      worst = fmax(worst, fabs(deep[i][c] + deep[i + 1][c] - whole));
      square += PARTS * (deep[i][c] * deep[i][c] + deep[i + 1][c] * deep[i + 1][c]);
      product += PARTS * deep[i][c] * deep[i + 1][c];
    }
  const double count = PARTS * N * D;
  CHECK(same, "a level changes when the path is refined");
  CHECK(worst < 1e-15, "halves miss their whole by %g", worst);
  CHECK(fabs(square / count - 1) < 5 * sqrt(2 / count), "variance %g", square / count);
  CHECK(fabs(product) < 5 * sqrt(count / 2), "halves are correlated: %g", product);
  free(block);
}

/* Mean and variance of 4000 cells in closed form, within 5 standard errors and the
 * tolerance. */
static void check_moments(void) {
  ou p = {1.5, 2};
  sde_equation e = {DIM, NOISY, 0.7, ou_drift, &p};
  sde_options o = SDE_DEFAULTS;
  sde_states s = all_at((double[]){-1, 0, 0}, 1, 2, MANY);
  CHECK(solve(&s, &e, &o, 1000, NULL) == STATUS_OK, "solve");
  double decay = exp(-1.5), variance = 0.49 * (1 - decay * decay) / 3;
  for (int c = 0; c < NOISY; c++) {
    double sum = 0, square = 0, mean = 2 + (c - 1 - 2) * decay;
    for (int i = 0; i < MANY; i++) sum += states[i * DIM + c] / MANY;
    for (int i = 0; i < MANY; i++) square += pow(states[i * DIM + c] - sum, 2) / MANY;
    CHECK(fabs(sum - mean) < 5 * sqrt(variance / MANY) + o.tolerance, "mean %g", sum);
    CHECK(fabs(square / variance - 1) < 5 * sqrt(2. / MANY) + 0.02, "variance %g, not %g",
          square, variance);
  }
}

/* The exact solution of x along a cell's path: the path at 2^14 points, and
 * int exp(-rate (to - s)) dW by its increments (root mean square error sigma rate h). */
static void exact_ou(double x[NOISY], uint32_t number, double start, double span,
                     const ou *p, double sigma) {
  enum { LEVEL = 14 };
  static char block[(LEVEL + 2) * 1024];
  arena a = arena_over(block, sizeof block);
  brownian b;
  brownian_layout(&a, &b, 1, NOISY, LEVEL);
  brownian_begin(&b, key, &number, 1, LEVEL);
  double h = ldexp(span, -LEVEL), noise[NOISY] = {0};
  for (size_t i = 0; i < (size_t)1 << LEVEL; i++) {
    brownian_enter(&b, i);
    for (int c = 0; c < NOISY; c++)
      noise[c] += exp(-p->rate * (span - ((double)i + 0.5) * h)) * sqrt(span) *
                  brownian_part(&b, LEVEL)[c];
  }
  for (int c = 0; c < NOISY; c++)
    x[c] = p->mean + (start - p->mean) * exp(-p->rate * span) + sigma * noise[c];
}

/* Against the exact solution on the same path: the error is about the reported one, and a
 * hundredth of the tolerance brings a hundredth of it (within a factor of two each, as
 * root mean square over 50 cells). */
static void check_strong_convergence(void) {
  enum { N = 50 };
  ou p = {1.5, 2};
  sde_equation e = {DIM, NOISY, 0.7, ou_drift, &p};
  double truth[N][NOISY], rms[2];
  for (uint32_t i = 0; i < N; i++) exact_ou(truth[i], i, -1, 2, &p, 0.7);
  for (int r = 0; r < 2; r++) {
    sde_options o = {r ? 4e-4 : 4e-2, 2, 16};
    sde_states s = all_at((double[]){-1, -1, 0}, 0, 2, N);
    CHECK(solve(&s, &e, &o, 1000, NULL) == STATUS_OK, "solve");
    double reported = 0, total = 0, highest = 0;
    for (int i = 0; i < N; i++) {
      reported += error[2 * i] * error[2 * i] / N;
      highest = fmax(highest, fmax(error[2 * i], error[2 * i + 1]));
      for (int c = 0; c < NOISY; c++)
        total += pow(states[i * DIM + c] - truth[i][c], 2) / (N * NOISY);
    }
    rms[r] = sqrt(total);
    CHECK(highest <= 2 * o.tolerance, "reported %g", highest);
    CHECK(rms[r] < 2 * sqrt(reported), "%g, reported %g", rms[r], sqrt(reported));
  }
  CHECK(rms[1] < rms[0] / 50 && rms[1] > rms[0] / 200, "%g and %g", rms[0], rms[1]);
}

/* Ends as the ODE without noise does, to the tolerance, forwards and backwards. */
static void ou_ode(double *dx, const double *x, const double *t, size_t n, void *p) {
  ou_drift(dx, x, t, NULL, n, p);
}

static void check_without_noise(void) {
  ou p = {1.5, 2};
  sde_equation e = {DIM, NOISY, 0, ou_drift, &p};
  sde_options o = {1e-3, 0.125, 16};
  static char block[1 << 14];
  for (int back = 0; back < 2; back++) {
    double start[DIM] = {-1, 0.5, 0.1}, at = back ? 1 : 0, to = 1 - at, want[DIM];
    sde_states s = all_at(start, at, to, 1);
    CHECK(solve(&s, &e, &o, 1000, NULL) == STATUS_OK, "solve");
    memcpy(want, start, sizeof start);
    ode_options exact = {1e-9, 1e-9, 100000, NULL, NULL};
    CHECK(ode_dopri5(want, &at, to, 1, DIM, ou_ode, &p, &exact, block, sizeof block,
                     NULL) == STATUS_OK, "ode");
    for (int c = 0; c < DIM; c++)
      CHECK(fabs(states[c] - want[c]) < 2 * o.tolerance, "%g, not %g", states[c],
            want[c]);
    CHECK(error[0] > 0 && error[0] <= o.tolerance && error[1] <= o.tolerance,
          "errors %g and %g", error[0], error[1]);
  }
}

/* The stationary process run backwards: from a far start the mean decays at the same rate
 * and the variance grows to sigma^2 / (2 rate), which v + S would miss by far. */
static void check_backwards(void) {
  ou p = {1.5, 0};
  sde_equation e = {DIM, NOISY, 0.7, stationary_drift, &p};
  sde_options o = SDE_DEFAULTS;
  sde_states s = all_at((double[]){3, 3, 0}, 2, 1, MANY);
  CHECK(solve(&s, &e, &o, 1000, NULL) == STATUS_OK, "solve");
  double decay = exp(-1.5), variance = 0.49 * (1 - decay * decay) / 3;
  double sum = 0, square = 0;
  for (int i = 0; i < MANY; i++) sum += states[i * DIM] / MANY;
  for (int i = 0; i < MANY; i++) square += pow(states[i * DIM] - sum, 2) / MANY;
  CHECK(fabs(sum - 3 * decay) < 5 * sqrt(variance / MANY) + o.tolerance, "mean %g", sum);
  CHECK(fabs(square / variance - 1) < 5 * sqrt(2. / MANY) + 0.02, "variance %g", square);
}

/* The same bits for all cells at once, for any part of them, and for a run that is cut
 * anywhere. Cells start far apart so that they need steps of several levels. */
static sde_states spread(size_t n) {
  sde_states s = all_at((double[]){0, 0, 0}, 0, 3, n);
  for (size_t i = 0; i < n; i++) {
    for (int c = 0; c < DIM; c++) states[i * DIM + c] = sin(3. * i + c) * exp(i % 6);
    from[i] = 0.1 * (double)(i % 30); /* one of them, the 31st, at the end already */
  }
  from[n - 1] = 3;
  return s;
}

static void check_independence(void) {
  enum { N = 90 };
  ou p = {1.5, 2};
  sde_equation e = {DIM, NOISY, 0.7, ou_drift, &p};
  sde_options o = SDE_DEFAULTS;
  static double whole[N * DIM], whole_error[2 * N];
  size_t spent, in_parts = 0;
  sde_states s = spread(N);
  CHECK(solve(&s, &e, &o, 100000, &spent) == STATUS_OK, "solve");
  memcpy(whole, states, sizeof whole);
  memcpy(whole_error, error, sizeof whole_error);
  CHECK(error[2 * N - 1] == 0 && error[2 * N - 2] == 0, "a cell at the end");

  s = spread(N);
  CHECK(solve(&s, &e, &o, 1, NULL) == STATUS_OK, "solve");
  CHECK(!memcmp(whole, states, sizeof whole), "a cut changes the states");

  s = spread(N);
  memset(error, 0, sizeof error);
  for (size_t first = 0, n; first < N; first += n) {
    size_t part;
    n = 1 + first % 7 < N - first ? 1 + first % 7 : N - first;
    sde_states some = {states + first * DIM, error + 2 * first, from + first,
                       cell + first, n, s.to};
    CHECK(solve(&some, &e, &o, 1000, &part) == STATUS_OK, "solve");
    in_parts += part;
  }
  CHECK(!memcmp(whole, states, sizeof whole), "slices change the states");
  CHECK(!memcmp(whole_error, error, sizeof whole_error), "slices change the errors");
  CHECK(spent == in_parts, "%zu evaluations, %zu in slices", spent, in_parts);
}

/* A limit that is too low is reached, and the error says by how much; the result is that
 * of 2^deepest steps. A field that leaves the numbers says so. */
static void blow_up(double *dx, const double *x, const double *t, const double *h,
                    size_t n, void *context) {
  (void)t;
  (void)h;
  (void)context;
  for (size_t i = 0; i < n * DIM; i++) dx[i] = x[i] * x[i];
}

static void check_limit(void) {
  ou p = {1.5, 2};
  sde_equation e = {DIM, NOISY, 0, ou_drift, &p};
  sde_options o = {1e-6, 10, 4};
  sde_states s = all_at((double[]){-1, -1, 0}, 0, 1, 1);
  size_t spent;
  CHECK(solve(&s, &e, &o, 1000, &spent) == STATUS_OK, "solve");
  double fine = 2 - 3 * pow(1 - 1.5 / 16, 16), coarse = 2 - 3 * pow(1 - 1.5 / 8, 8);
  CHECK_NEAR(states[0], fine, 1e-12);
  CHECK(error[0] >= fabs(fine - coarse) * (1 - 1e-12), "error %g", error[0]);
  CHECK(error[0] < 0.5 && error[0] > o.tolerance, "error %g", error[0]);
  e.drift = blow_up;
  s = all_at((double[]){9, 9, 9}, 0, 100, 1);
  o.deepest = 10;
  CHECK(solve(&s, &e, &o, 1000, NULL) == STATUS_NOT_FINITE, "blow-up");
  CHECK(isinf(error[0]), "error %g", error[0]);
}

static void check_bad_arguments(void) {
  ou p = {1, 0};
  sde_equation e = {DIM, NOISY, 0.5, ou_drift, &p};
  sde_options o = SDE_DEFAULTS;
  sde_states s = all_at((double[]){0, 0, 0}, 0, 1, 4);
  static char block[1 << 16];
  sde_run run;
  CHECK(sde_begin(&run, &s, key, &e, &o, block, sde_workspace(4, &e, &o) / 2) ==
            STATUS_NO_SPACE, "half the workspace");
  CHECK(sde_workspace((size_t)1 << 60, &e, &o) == 0, "overflow not seen");
  from[3] = NAN;
  CHECK(solve(&s, &e, &o, 1, NULL) == STATUS_BAD_ARGUMENT, "a time that is NaN");
  from[3] = 0;
  e.sigma = -1;
  CHECK(solve(&s, &e, &o, 1, NULL) == STATUS_BAD_ARGUMENT, "negative noise");
  e.sigma = 1;
  o.tolerance = 0;
  CHECK(solve(&s, &e, &o, 1, NULL) == STATUS_BAD_ARGUMENT, "no tolerance");
  o = SDE_DEFAULTS;
  o.deepest = BROWNIAN_DEEPEST + 1;
  CHECK(solve(&s, &e, &o, 1, NULL) == STATUS_BAD_ARGUMENT, "too deep");
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_brownian();
  check_moments();
  check_strong_convergence();
  check_without_noise();
  check_backwards();
  check_independence();
  check_limit();
  check_bad_arguments();
  return check_report("test_sde");
}
