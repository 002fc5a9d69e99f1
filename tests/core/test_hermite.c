#include "path/hermite.h"
#include "check.h"
#include <math.h>

/* Three snapshots of five, four and three cells in three dimensions, uneven gaps; every
 * cell has all cells before it as sources, but the last of a snapshot has no targets. */
enum { D = 3, CELLS = 12, N = 5, MIDDLE = 4 };
static const size_t offset[3] = {0, 5, 9}, sizes[3] = {5, 4, 3};
static const double times[3] = {0, 1, 3};
static float cells[CELLS * D];
static double share[2][4][N]; /* of a target in its sources */
static size_t start[2][4], count[2][4];
static int32_t source[2][4 * N];
static float value[2][4 * N];
static plan plans[2];

static void make_cells(int seed) {
  for (int i = 0; i < CELLS * D; i++)
    cells[i] = (float)(sin(7 * i + seed) * (1 + i % 2) + i / (5 * D));
  for (int k = 0; k < 2; k++) {
    size_t sources = sizes[k] - 1;
    for (size_t j = 0; j < sizes[k + 1]; j++) {
      double total = 0, sum = 0;
      for (size_t i = 0; i < sources; i++) total += share[k][j][i] = 1 + (i * 3 + j) % 4;
      start[k][j] = j * sources;
      count[k][j] = sources;
      for (size_t i = 0; i < sources; i++) {
        sum += share[k][j][i] /= total;
        source[k][j * sources + i] = (int32_t)i;
        value[k][j * sources + i] = i == sources - 1 ? 1 : (float)sum;
      }
    }
    plans[k] = (plan){sizes[k], sizes[k + 1], start[k], count[k], source[k], value[k]};
  }
}

static double norm(const double *v) {
  return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

/* Length of u + f w. */
static double reach(const double *u, double f, const double *w) {
  const double sum[D] = {u[0] + f * w[0], u[1] + f * w[1], u[2] + f * w[2]};
  return norm(sum);
}

/* Mean velocities of the middle cells, from the full matrices; the last cell has none. */
static void velocities(double arrive[MIDDLE][D], double leave[MIDDLE][D],
                       double mass[MIDDLE]) {
  for (size_t j = 0; j < MIDDLE; j++) {
    const float *at = cells + (offset[1] + j) * D;
    mass[j] = 0;
    for (size_t t = 0; t < sizes[2]; t++) mass[j] += share[1][t][j];
    for (int c = 0; c < D; c++) {
      arrive[j][c] = leave[j][c] = 0;
      for (size_t i = 0; i < N; i++)
        arrive[j][c] += share[0][j][i] * (at[c] - cells[i * D + (size_t)c]) / times[1];
      for (size_t t = 0; t < sizes[2]; t++)
        leave[j][c] += share[1][t][j] / mass[j] *
                       (cells[(offset[2] + t) * D + (size_t)c] - at[c]) /
                       (times[2] - times[1]);
    }
  }
}

/* The largest factor up to 1 that keeps both slopes within three times their velocity,
 * by halving. */
static double allowed(const double *arrive, const double *leave, const double *slope_jump,
                      double lean) {
  double to[D], from[D], low = 0, high = 1;
  for (int c = 0; c < D; c++) {
    to[c] = (1 - lean) * slope_jump[c];
    from[c] = -lean * slope_jump[c];
  }
  for (int step = 0; step < 50; step++) {
    double f = step == 0 ? 1 : (low + high) / 2;
    int fits = reach(arrive, f, to) <= 3 * norm(arrive) * (1 + 1e-6) &&
               reach(leave, f, from) <= 3 * norm(leave) * (1 + 1e-6);
    if (fits) low = f;
    else high = f;
  }
  return low;
}

/* Turns of the middle cells are drawn to their mean by mass and scaled, within the bound,
 * to 1e-4; those of all others are 0. */
static void check_turns(double bend, double pooling, int seed, int *bounded) {
  double arrive[MIDDLE][D], leave[MIDDLE][D], mass[MIDDLE], scratch[N];
  double mean[(N + 1) * D], pool[D] = {0}, total = 0;
  float slope_jump[CELLS * D], lean[CELLS];
  make_cells(seed);
  pairs b = {.d = D, .intervals = 2, .cells = cells, .offset = offset, .times = times,
              .plans = plans, .bend = bend, .pooling = pooling};
  hermite_slopes(slope_jump, lean, &b, scratch, mean);
  velocities(arrive, leave, mass);
  for (int j = 0; j < MIDDLE - 1; j++) {
    total += mass[j];
    for (int c = 0; c < D; c++) pool[c] += mass[j] * (leave[j][c] - arrive[j][c]);
  }
  for (int i = 0; i < CELLS; i++)
    for (int c = 0; c < D; c++)
      CHECK((i >= 5 && i < 8) || slope_jump[i * D + c] == 0, "cell %d turns", i);
  for (int j = 0; j < MIDDLE - 1; j++) {
    double wanted[D], part = lean[5 + j];
    for (int c = 0; c < D; c++)
      wanted[c] =
        (1 - pooling) * (leave[j][c] - arrive[j][c]) + pooling * pool[c] / total;
    double factor = allowed(arrive[j], leave[j], wanted, part);
    *bounded += factor < 1;
    CHECK(part >= 0 && part <= 1, "lean %g", part);
    for (int c = 0; c < D; c++) {
      double got = slope_jump[(5 + j) * D + c], right = bend * factor * wanted[c];
      CHECK(fabs(got - right) < 1e-4, "bend %g, pooling %g: %g, not %g", bend, pooling,
            got, right);
    }
  }
}

int main(void) {
  int own = 0, pooled = 0;
  for (int seed = 0; seed < 20; seed++) {
    /* The slope of a cell's own slope_jump is within the bound by its lean. */
    check_turns(1, 0, seed, &own);
    check_turns(0.4, 0, seed, &own);
    check_turns(0.4, 0.3, seed, &pooled);
    check_turns(1, 1, seed, &pooled);
    check_turns(0, 1, seed, &pooled);
  }
  CHECK(own == 0, "%d turns of cells of their own were bounded", own);
  CHECK(pooled > 0, "no case has a bound%s", "");
  return check_report("test_hermite");
}
