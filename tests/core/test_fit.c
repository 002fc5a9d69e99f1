#include "check.h"
#include "train/fit.h"
#include "base/status.h"
#include <string.h>

/* Three snapshots in two dimensions, twenty, fifteen and thirty cells. */
enum { D = 2, TIMES = 3, CELLS = 65, MOST = 4096 };
static double cells[CELLS * D];
static float cells_f32[CELLS * D];
static const size_t offset[TIMES + 1] = {0, 20, 35, 65};
static const double mass[TIMES] = {1, 0.8, 1.7};
static const double boundary[5] = {0, 0.5, 1, 1.5, 2};
static const size_t observed[TIMES] = {0, 2, 4};
static const rng_key key = {{31, 32}};

/* Each target cell is paired with one source. */
static size_t start[2][30], count[2][30];
static int32_t source[2][30];
static float value[2][30];
static plan plans[2], rows_of[2];
static size_t row_start[2][30], row_count[2][30];
static int32_t row_target[2][30];
static float row_value[2][30];
static double gain_source[35];
static const double growth[2] = {1, 1};
static const double times[TIMES] = {0, 1, 2};
static pairs anchor;

static void make_problem(fit_problem *p) {
  for (size_t i = 0; i < CELLS; i++) {
    size_t k = i < 20 ? 0 : i < 35 ? 1 : 2;
    cells[i * D] = 0.7 * (double)k + 0.3 * sin(5.0 * (double)i);
    cells[i * D + 1] = 0.4 * cos(3.0 * (double)i);
    for (int c = 0; c < D; c++) cells_f32[i * D + (size_t)c] = (float)cells[i * D + c];
  }
  for (size_t k = 0; k < 2; k++) {
    size_t n = offset[k + 1] - offset[k], m = offset[k + 2] - offset[k + 1];
    for (size_t j = 0; j < m; j++) {
      start[k][j] = j;
      count[k][j] = 1;
      source[k][j] = (int32_t)(j % n);
      value[k][j] = 1;
    }
    plans[k] = (plan){n, m, start[k], count[k], source[k], value[k]};
    rows_of[k] = (plan){.start = row_start[k], .count = row_count[k],
                        .source = row_target[k], .value = row_value[k]};
    plan_transpose(&rows_of[k], &plans[k], NULL, 0);
  }
  anchor = (pairs){.d = D, .intervals = 2, .cells = cells_f32, .offset = offset,
                    .times = times, .plans = plans, .rows = rows_of,
                    .gain_source = gain_source, .log_growth = gain_source,
                    .growth = growth, .trust = growth,
                    .velocity_scale = 1, .growth_scale = 1};
  *p = (fit_problem){D, TIMES, cells, offset, mass, 5, boundary, observed,
                        {0.8, 0.1, 0.5}, &anchor};
}

typedef struct {
  double weights[MOST], first[MOST], second[MOST];
} moments;

static head make_trainee(moments *m, size_t outputs, uint32_t stream) {
  head t = {{D + 1, outputs, 20, 2, ACTIVATION_TANH}, m->weights, m->first, m->second};
  memset(m, 0, sizeof *m);
  mlp_init(m->weights, &t.shape, key, stream);
  return t;
}

static const fit_options defaults = {
  .most_start = 1000, .most_target = 1000, .folds = 1, .parts = 1, .mass_weight = 2,
  .batch = 64, .total_rounds = 100, .learning_rate = 1e-12, .rate_floor = 1,
  .clip = 1e30, .key = {{31, 32}}, .threads = 1,
};

static int run(head *v, head *g, double *losses, uint64_t from, uint64_t steps,
               const fit_options *o) {
  fit_problem p;
  make_problem(&p);
  size_t bytes = fit_workspace(v, g, &p, o);
  void *block = malloc(bytes);
  int status = fit_run(v, g, losses, from, steps, &p, o, block, bytes);
  free(block);
  return status;
}

/* One snapshot_loss only, so that the reported parts give the loss: W1 + 2 (mass error)^2. */
static double one_station(head *v, head *g) {
  fit_problem p;
  make_problem(&p);
  p.times = 2;
  p.boundaries = 3;
  double losses[2];
  size_t bytes = fit_workspace(v, g, &p, &defaults);
  void *block = malloc(bytes);
  int status = fit_run(v, g, losses, 0, 1, &p, &defaults, block, bytes);
  CHECK(status == STATUS_OK, "status %d", status);
  free(block);
  return losses[0] + 2 * losses[1] * losses[1];
}

/* Adam's first moment after one step is a tenth of the gradient. It agrees with central
 * differences of the loss to 3 % of its largest element, in both networks: the growth
 * network learns from W1, too. */
static void check_gradient(void) {
  static moments mv, mg, keep_v, keep_g;
  head v = make_trainee(&mv, D, 1), g = make_trainee(&mg, 1, 2);
  keep_v = mv;
  keep_g = mg;
  one_station(&v, &g);
  moments *after[2] = {&mv, &mg}, *before[2] = {&keep_v, &keep_g};
  const head *nets[2] = {&v, &g};
  static double analytic[2][MOST];
  for (int net = 0; net < 2; net++)
    for (int i = 0; i < MOST; i++) analytic[net][i] = after[net]->first[i] / 0.1;
  for (int net = 0; net < 2; net++) {
    double worst = 0, largest = 0;
    size_t n = mlp_parameters(&nets[net]->shape);
    for (size_t i = 0; i < n; i += 11) {
      double ends[2];
      for (int side = 0; side < 2; side++) {
        mv = keep_v;
        mg = keep_g;
        after[net]->weights[i] = before[net]->weights[i] + (side ? -2e-3 : 2e-3);
        ends[side] = one_station(&v, &g);
      }
      double slope = (ends[0] - ends[1]) / 4e-3;
      worst = fmax(worst, fabs(slope - analytic[net][i]));
      largest = fmax(largest, fabs(slope));
    }
    CHECK(largest > 0 && worst < 0.03 * largest, "network %d: off by %g of %g", net,
          worst, largest);
  }
}

/* A hundred steps bring the clouds nearer: W1 halves and the mass error falls below
 * 2 %. */
static void check_learning(void) {
  static moments mv, mg;
  head v = make_trainee(&mv, D, 1), g = make_trainee(&mg, 1, 2);
  fit_options o = defaults;
  double losses[200];
  o.learning_rate = 0.01;
  o.rate_floor = 0.01;
  o.clip = 1;
  o.anchor = 0;
  CHECK(run(&v, &g, losses, 0, 100, &o) == STATUS_OK, "refine");
  CHECK(losses[198] < 0.5 * losses[0], "W1 %g to %g", losses[0], losses[198]);
  CHECK(losses[199] < 0.02, "mass error %g", losses[199]);
}

/* The same bits with one thread and three, in one call and in three; with samples and
 * the anchor in play. */
static void check_invariance(void) {
  static moments mv[3], mg[3];
  for (int how = 0; how < 3; how++) {
    head v = make_trainee(&mv[how], D, 1), g = make_trainee(&mg[how], 1, 2);
    fit_options o = defaults;
    double losses[20];
    o.learning_rate = 1e-3;
    o.anchor = 0.1;
    o.most_start = 12;
    o.most_target = 20;
    o.parts = 2;
    o.folds = 3;
    o.warm_up = 4;
    o.threads = how == 1 ? 3 : 1;
    const uint64_t cut[4] = {0, 1, 6, 10}; /* rounds */
    if (how < 2) run(&v, &g, losses, 0, 10, &o);
    for (int c = 0; c < 3 && how == 2; c++)
      run(&v, &g, losses, cut[c], cut[c + 1] - cut[c], &o);
  }
  for (int how = 1; how < 3; how++) {
    CHECK(memcmp(&mv[0], &mv[how], sizeof mv[0]) == 0, "velocity, case %d", how);
    CHECK(memcmp(&mg[0], &mg[how], sizeof mg[0]) == 0, "growth, case %d", how);
  }
}

static void check_bad_arguments(void) {
  static moments mv, mg;
  head v = make_trainee(&mv, D, 1), g = make_trainee(&mg, 1, 2);
  fit_problem p;
  make_problem(&p);
  double losses[2];
  CHECK(fit_run(&v, &g, losses, 0, 1, &p, &defaults, NULL, 0) == STATUS_NO_SPACE,
        "no workspace");
  p.boundaries = 2;
  CHECK(fit_run(&v, &g, losses, 0, 1, &p, &defaults, NULL, 0) ==
            STATUS_BAD_ARGUMENT, "fewer boundaries than times");
}

/* Asked to stop, or with states that are not finite, a round leaves the networks as they
 * were. */
static int stop_at;
static int countdown(void *unused) {
  (void)unused;
  return stop_at-- <= 0;
}

static void check_leaves_alone(void) {
  static moments v, g, before_v, before_g;
  for (int c = 0; c < 6; c++) {
    head velocity = make_trainee(&v, D, 1), growth = make_trainee(&g, 1, 2);
    if (c == 5) v.weights[0] = NAN;
    before_v = v;
    before_g = g;
    fit_options o = defaults;
    o.threads = 1 + c % 2;
    o.interrupted = countdown;
    stop_at = c == 5 ? 1000000 : 2 * c;
    double losses[2 * 2];
    int status = run(&velocity, &growth, losses, 0, 2, &o);
    CHECK(status == (c == 5 ? STATUS_NOT_FINITE : STATUS_INTERRUPTED), "case %d: %d", c,
          status);
    CHECK(memcmp(&v, &before_v, sizeof v) == 0 && memcmp(&g, &before_g, sizeof g) == 0,
          "case %d: networks changed", c);
  }
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_gradient();
  check_learning();
  check_invariance();
  check_bad_arguments();
  check_leaves_alone();
  return check_report("test_fit");
}
