#include "fit_case.h"
#include "path/pairs.h"
#include "base/status.h"

static float cells_f32[CELLS * D];

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
static row_source anchor_rows;

static void make_problem(fit_problem *p, const heads *h) {
  *p = make_snapshots();
  for (size_t i = 0; i < CELLS * D; i++) cells_f32[i] = (float)cells[i];
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
                    .log_ends = gain_source, .growth = growth, .trust = growth,
                    .path = &path_straight, .heads = h};
  anchor_rows = pairs_source(&anchor);
}

static const fit_options defaults = {
  .most_start = 1000, .most_target = 1000, .folds = 1, .parts = 1, .mass_weight = 2,
  .batch = 64, .total_rounds = 100, .learning_rate = 1e-12, .rate_floor = 1,
  .clip = 1e30, .key = {{31, 32}}, .threads = 1,
};

static int run_problem(model *it, double *losses, uint64_t from, uint64_t steps,
                       const fit_problem *p, const fit_options *o) {
  size_t bytes = fit_workspace(&it->heads, p, &anchor_rows, o);
  void *block = malloc(bytes);
  int status = fit_run(&it->heads, losses, from, steps, p, &anchor_rows, o, block, bytes);
  free(block);
  return status;
}

static int run(model *it, double *losses, uint64_t from, uint64_t steps,
               const fit_options *o) {
  fit_problem p;
  make_problem(&p, &it->heads);
  return run_problem(it, losses, from, steps, &p, o);
}

/* Mean over the cells of the first snapshot of integral w (energy |v|^2 + energy_growth
 * g^2) dt up to the second, in twice as many steps: what is left of discretisation does
 * not count. */
static double energy_of(model *it, const fit_options *o) {
  enum { n = 20, steps = 4 };
  static const double when[steps + 1] = {0, 0.25, 0.5, 0.75, 1};
  static float path[(steps + 1) * n * (D + 1)], cost[(steps + 1) * n * COSTS];
  static char block[1 << 18], tile[1 << 20];
  arena a = arena_over(block, sizeof block);
  trainer t;
  trainer_layout(&a, &t, &it->heads, 1);
  CHECK(arena_ok(&a) && rollout_tile_bytes(&it->heads, 0) < sizeof tile, "room");
  trainer_load(&t);
  for (size_t i = 0; i < n; i++)
    for (size_t c = 0; c < D; c++) path[i * (D + 1) + c] = cells_f32[i * D + c];
  rollout r = {.n = n, .d = D, .steps = steps, .times = when, .path = path,
               .cost = cost, .energy = 1};
  rollout_forward(&r, 0, n, &t, tile, sizeof tile);
  double sum = 0;
  for (size_t i = 0; i < n; i++) {
    const float *end = cost + (steps * n + i) * COSTS;
    sum += o->energy * end[COST_ENERGY] + o->energy_growth * end[COST_GROWTH_ENERGY];
  }
  return sum / n;
}

/* One later snapshot only, so that the reported parts give the loss:
 * W1 + 2 (mass error)^2 + energies. */
static double one_snapshot(model *it, const fit_options *o) {
  fit_problem p;
  make_problem(&p, &it->heads);
  p.times = 2;
  p.boundaries = 3;
  double losses[2], energy = energy_of(it, o);
  int status = run_problem(it, losses, 0, 1, &p, o);
  CHECK(status == STATUS_OK, "status %d", status);
  return losses[0] + 2 * losses[1] * losses[1] + energy;
}

/* Adam's first moment after one step is a tenth of the gradient. It agrees with central
 * differences of the loss to 3 % of its largest element, in both networks: the growth
 * network learns from W1, too. */
static void check_gradient(const fit_options *o) {
  static model it;
  static moments keep[2];
  static double analytic[2][MOST];
  make_model(&it, ACTIVATION_TANH);
  memcpy(keep, it.m, sizeof keep);
  one_snapshot(&it, o);
  for (int net = 0; net < 2; net++)
    for (int i = 0; i < MOST; i++) analytic[net][i] = it.m[net].first[i] / 0.1;
  for (int net = 0; net < 2; net++) {
    double worst = 0, largest = 0;
    size_t n = mlp_parameters(&it.head[net].shape);
    for (size_t i = 0; i < n; i += 11) {
      double ends[2];
      for (int side = 0; side < 2; side++) {
        memcpy(it.m, keep, sizeof keep);
        it.m[net].weights[i] = keep[net].weights[i] + (side ? -2e-3 : 2e-3);
        ends[side] = one_snapshot(&it, o);
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
  static model it;
  make_model(&it, ACTIVATION_TANH);
  fit_options o = defaults;
  double losses[200];
  o.learning_rate = 0.01;
  o.rate_floor = 0.01;
  o.clip = 1;
  o.anchor = 0;
  CHECK(run(&it, losses, 0, 100, &o) == STATUS_OK, "fit");
  CHECK(losses[198] < 0.5 * losses[0], "W1 %g to %g", losses[0], losses[198]);
  CHECK(losses[199] < 0.02, "mass error %g", losses[199]);
}

/* The same bits with one thread and three, in one call and in three; with samples and
 * the anchor in play. */
static void check_invariance(void) {
  static model it[3];
  for (int how = 0; how < 3; how++) {
    make_model(&it[how], ACTIVATION_TANH);
    fit_options o = defaults;
    double losses[20];
    o.learning_rate = 1e-3;
    o.anchor = 0.1;
    o.energy = 0.1;
    o.energy_growth = 0.1;
    o.most_start = 12;
    o.most_target = 20;
    o.parts = 2;
    o.folds = 3;
    o.warm_up = 4;
    o.threads = how == 1 ? 3 : 1;
    const uint64_t cut[4] = {0, 1, 6, 10}; /* rounds */
    if (how < 2) run(&it[how], losses, 0, 10, &o);
    for (int c = 0; c < 3 && how == 2; c++)
      run(&it[how], losses, cut[c], cut[c + 1] - cut[c], &o);
  }
  for (int how = 1; how < 3; how++)
    CHECK(memcmp(it[0].m, it[how].m, sizeof it[0].m) == 0, "case %d", how);
}

static void check_bad_arguments(void) {
  static model it;
  make_model(&it, ACTIVATION_TANH);
  fit_problem p;
  make_problem(&p, &it.heads);
  double losses[2];
  CHECK(fit_run(&it.heads, losses, 0, 1, &p, &anchor_rows, &defaults, NULL, 0) ==
            STATUS_NO_SPACE, "no workspace");
  it.heads.count = 1;
  CHECK(fit_run(&it.heads, losses, 0, 1, &p, &anchor_rows, &defaults, NULL, 0) ==
            STATUS_BAD_ARGUMENT, "no growth");
  fit_options paid = defaults;
  paid.energy = -1;
  it.heads.count = 2;
  CHECK(fit_run(&it.heads, losses, 0, 1, &p, &anchor_rows, &paid, NULL, 0) ==
            STATUS_BAD_ARGUMENT, "a negative price");
  it.heads.count = 2;
  p.boundaries = 2;
  CHECK(fit_run(&it.heads, losses, 0, 1, &p, &anchor_rows, &defaults, NULL, 0) ==
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
  static model it, before;
  for (int c = 0; c < 6; c++) {
    make_model(&it, ACTIVATION_TANH);
    if (c == 5) it.m[0].weights[0] = NAN;
    before = it;
    fit_options o = defaults;
    o.threads = 1 + c % 2;
    o.interrupted = countdown;
    stop_at = c == 5 ? 1000000 : 2 * c;
    double losses[2 * 2];
    int status = run(&it, losses, 0, 2, &o);
    CHECK(status == (c == 5 ? STATUS_NOT_FINITE : STATUS_INTERRUPTED), "case %d: %d", c,
          status);
    CHECK(memcmp(it.m, before.m, sizeof it.m) == 0, "case %d: networks changed", c);
  }
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  fit_options costly = defaults;
  costly.energy = 0.7;
  costly.energy_growth = 3;
  check_gradient(&defaults);
  check_gradient(&costly);
  check_learning();
  check_invariance();
  check_bad_arguments();
  check_leaves_alone();
  return check_report("test_fit");
}
