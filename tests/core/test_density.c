#include "fit_case.h"
#include "train/density.h"
#include "base/status.h"

static const double wide[TIMES] = {1, 1, 1.2}, narrow[TIMES] = {0.3, 0.3, 0.4};

static const density_options defaults = {
  .near = 70, .far = 20, .cloud = 1000, .wide = wide, .narrow = narrow, .anneal = 4,
  .knee = 1, .mass_weight = 0, .exact = 1, .total_steps = 100, .learning_rate = 1e-12,
  .rate_floor = 1, .clip = 1e30, .key = {{31, 32}}, .threads = 1,
};

static int run(model *it, double *losses, uint64_t from, uint64_t steps,
               const fit_problem *p, const density_options *o) {
  size_t bytes = density_workspace(&it->heads, p, o);
  void *block = malloc(bytes);
  int status = density_run(&it->heads, losses, from, steps, p, o, block, bytes);
  free(block);
  return status;
}

/* Mean over the starting cells of the energies up to the last time, in twice as many
 * steps: what is left of discretisation does not count. */
static double energy_of(model *it, const fit_problem *p, const density_options *o) {
  enum { n = 20, most = 8 };
  static float path[(most + 1) * n * (D + 1)], cost[(most + 1) * n * COSTS];
  static char block[1 << 18], tile[1 << 20];
  double when[most + 1];
  size_t steps = 2 * (p->boundaries - 1);
  for (size_t i = 0; i <= steps; i++)
    when[i] = p->boundary[p->boundaries - 1] * (double)i / (double)steps;
  arena a = arena_over(block, sizeof block);
  trainer t;
  trainer_layout(&a, &t, &it->heads, 1);
  CHECK(arena_ok(&a) && rollout_tile_bytes(&it->heads, 0) < sizeof tile, "room");
  trainer_load(&t);
  for (size_t i = 0; i < n; i++)
    for (size_t c = 0; c < D; c++) path[i * (D + 1) + c] = (float)cells[i * D + c];
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

/* Of one step: what it reports of the densities, of the one mass that there is, if it
 * counts, and the energies. */
static double loss_of(model *it, const fit_problem *p, const density_options *o) {
  double losses[DENSITY_LOSSES], energy = energy_of(it, p, o);
  int status = run(it, losses, 0, 1, p, o);
  CHECK(status == STATUS_OK, "status %d", status);
  return losses[0] + o->mass_weight * losses[1] * losses[1] + energy;
}

/* Adam's first moment after one step is a tenth of the gradient. It agrees with central
 * differences of the loss to 3 % of its largest element, in both networks. */
static void check_gradient(const fit_problem *p, const density_options *o) {
  static model it;
  static moments keep[2];
  static double analytic[2][MOST];
  make_model(&it, ACTIVATION_SILU);
  memcpy(keep, it.m, sizeof keep);
  loss_of(&it, p, o);
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
        ends[side] = loss_of(&it, p, o);
      }
      double slope = (ends[0] - ends[1]) / 4e-3;
      worst = fmax(worst, fabs(slope - analytic[net][i]));
      largest = fmax(largest, fabs(slope));
    }
    CHECK(largest > 0 && worst < 0.03 * largest, "network %d: off by %g of %g", net,
          worst, largest);
  }
}

/* Densities at three times, exactly and by one direction; then the mass of the second
 * time, and energies. */
static void check_gradients(void) {
  fit_problem p = make_snapshots();
  density_options o = defaults;
  check_gradient(&p, &o);
  o.exact = 0;
  check_gradient(&p, &o);
  p.times = 2;
  p.boundaries = 3;
  o.mass_weight = 3;
  check_gradient(&p, &o);
  o.energy = 0.7;
  o.energy_growth = 3;
  check_gradient(&p, &o);
}

/* A hundred steps halve the difference of densities, and bring the masses to 4 %. */
static void check_learning(void) {
  static model it;
  make_model(&it, ACTIVATION_SILU);
  fit_problem p = make_snapshots();
  density_options o = defaults;
  double losses[100 * DENSITY_LOSSES];
  o.learning_rate = 0.01;
  o.rate_floor = 0.01;
  o.clip = 1;
  o.anneal = 0;
  o.mass_weight = 1;
  CHECK(run(&it, losses, 0, 100, &p, &o) == STATUS_OK, "run");
  CHECK(losses[198] < 0.5 * losses[0], "densities %g to %g", losses[0], losses[198]);
  CHECK(losses[199] < 0.04, "mass %g to %g", losses[1], losses[199]);
}

/* The same bits with one thread and three, in one call and in three. */
static void check_invariance(void) {
  static model it[3];
  fit_problem p = make_snapshots();
  for (int how = 0; how < 3; how++) {
    make_model(&it[how], ACTIVATION_SILU);
    density_options o = defaults;
    double losses[20];
    o.learning_rate = 1e-3;
    o.mass_weight = o.energy = o.energy_growth = 0.1;
    o.cloud = 12;
    o.exact = 0;
    o.warm_up = 4;
    o.threads = how == 1 ? 3 : 1;
    const uint64_t cut[4] = {0, 1, 6, 10};
    if (how < 2) run(&it[how], losses, 0, 10, &p, &o);
    for (int c = 0; c < 3 && how == 2; c++)
      run(&it[how], losses, cut[c], cut[c + 1] - cut[c], &p, &o);
  }
  for (int how = 1; how < 3; how++)
    CHECK(memcmp(it[0].m, it[how].m, sizeof it[0].m) == 0, "case %d", how);
}

static void check_bad_arguments(void) {
  static model it;
  make_model(&it, ACTIVATION_SILU);
  fit_problem p = make_snapshots();
  double losses[DENSITY_LOSSES];
  density_options o = defaults;
  CHECK(density_run(&it.heads, losses, 0, 1, &p, &o, NULL, 0) == STATUS_NO_SPACE,
        "no workspace");
  o.knee = 0;
  CHECK(run(&it, losses, 0, 1, &p, &o) == STATUS_BAD_ARGUMENT, "no knee");
  o = defaults;
  const double none[TIMES] = {0.3, 0, 0.3};
  o.narrow = none;
  CHECK(run(&it, losses, 0, 1, &p, &o) == STATUS_BAD_ARGUMENT, "no bandwidth");
  it.heads.count = 1;
  CHECK(density_run(&it.heads, losses, 0, 1, &p, &defaults, NULL, 0) ==
            STATUS_BAD_ARGUMENT, "no growth");
}

/* Asked to stop, or with states that are not finite, a step leaves the networks as they
 * were. */
static int stop_at;
static int countdown(void *unused) {
  (void)unused;
  return stop_at-- <= 0;
}

static void check_leaves_alone(void) {
  static model it, before;
  fit_problem p = make_snapshots();
  for (int c = 0; c < 6; c++) {
    make_model(&it, ACTIVATION_SILU);
    if (c == 5) it.m[0].weights[0] = NAN;
    before = it;
    density_options o = defaults;
    double losses[2 * DENSITY_LOSSES];
    o.threads = 1 + c % 2;
    o.interrupted = countdown;
    stop_at = c == 5 ? 1000000 : 2 * c;
    int status = run(&it, losses, 0, 2, &p, &o);
    CHECK(status == (c == 5 ? STATUS_NOT_FINITE : STATUS_INTERRUPTED), "case %d: %d", c,
          status);
    CHECK(memcmp(it.m, before.m, sizeof it.m) == 0, "case %d: networks changed", c);
  }
}

/* The velocity a x + b and the growth c - q |x|^2 / 2, as networks of SiLU: far above 0
 * it is the identity, and silu(z) + silu(-z) = z^2 / 2 near it. */
typedef struct {
  double a, b[D], c, q;
} flow;

static void make_flow(model *it, const flow *f) {
  enum { width = 2 * D };
  const double far = 64, small = 0.04;
  memset(it->m, 0, sizeof it->m);
  it->head[0] = (head){.kind = HEAD_VELOCITY, .scale = 0.5,
                       .shape = {D + 1, D, width, 1, ACTIVATION_SILU}};
  it->head[1] = (head){.kind = HEAD_GROWTH, .offset = f->c, .scale = 0.5,
                       .shape = {D, 1, width, 1, ACTIVATION_SILU}};
  double *v = it->m[0].weights, *g = it->m[1].weights;
  for (int c = 0; c < D; c++) {
    v[c * width + c] = 1;
    v[(D + 1) * width + c] = far; /* bias of the hidden layer */
    v[(D + 2) * width + c * D + c] = f->a / 0.5;
    v[(D + 2) * width + width * D + c] = (f->b[c] - far * f->a) / 0.5;
    g[c * width + 2 * c] = small;
    g[c * width + 2 * c + 1] = -small;
    g[(D + 1) * width + 2 * c] = g[(D + 1) * width + 2 * c + 1] =
        -f->q / (small * small) / 0.5;
  }
  for (int i = 0; i < 2; i++) {
    it->head[i].weights = it->m[i].weights;
    it->head[i].first = it->m[i].first;
    it->head[i].second = it->m[i].second;
  }
  it->heads = (heads){D, 2, it->head};
}

/* The population exp(level + slope . x - sharp |x|^2 / 2) under a flow. As d log rho / dt
 * + v . grad log rho = g - div v,
 *   sharp' = q - 2 a sharp,  slope' = b sharp - a slope,
 *   level' = c - a D - b . slope. */
typedef struct {
  double sharp, slope[D], level;
} gaussian;

static gaussian change(const gaussian *it, const flow *f) {
  gaussian by = {.sharp = f->q - 2 * f->a * it->sharp, .level = f->c - f->a * D};
  for (int c = 0; c < D; c++) {
    by.slope[c] = f->b[c] * it->sharp - f->a * it->slope[c];
    by.level -= f->b[c] * it->slope[c];
  }
  return by;
}

static gaussian moved(const gaussian *it, const gaussian *by, double h) {
  gaussian to = {it->sharp + h * by->sharp, {0}, it->level + h * by->level};
  for (int c = 0; c < D; c++) to.slope[c] = it->slope[c] + h * by->slope[c];
  return to;
}

static gaussian evolve(gaussian it, const flow *f, double time) {
  enum { steps = 100 };
  const double h = time / steps;
  for (int i = 0; i < steps; i++) {
    gaussian k1 = change(&it, f), at = moved(&it, &k1, h / 2);
    gaussian k2 = change(&at, f);
    at = moved(&it, &k2, h / 2);
    gaussian k3 = change(&at, f);
    at = moved(&it, &k3, h);
    gaussian k4 = change(&at, f);
    it = moved(&it, &k1, h / 6);
    it = moved(&it, &k2, h / 3);
    it = moved(&it, &k3, h / 3);
    it = moved(&it, &k4, h / 6);
  }
  return it;
}

/* The density of a snapshot of one cell is a Gaussian. With snapshots that are what the
 * flow makes of the first, densities agree at all times; and with a last mass that is
 * exp(0.3) times as large, all that come from there differ by 0.3. */
static void check_closed_form(int exact) {
  static model it;
  const flow f = {-0.4, {0.5, -0.2}, 0.3, 0.6};
  const double h0 = 0.7, two_pi = 2 * acos(-1.0);
  double centre[TIMES * D], bandwidth[TIMES], masses[TIMES], finer[41];
  const size_t one_each[TIMES + 1] = {0, 1, 2, 3}, seen[TIMES] = {0, 20, 40};
  gaussian start = {.sharp = 1 / (h0 * h0), .level = -D * log(h0 * sqrt(two_pi))};
  for (int k = 0; k < TIMES; k++) {
    gaussian now = evolve(start, &f, k);
    double square = 0;
    for (int c = 0; c < D; c++) {
      centre[k * D + c] = now.slope[c] / now.sharp;
      square += now.slope[c] * now.slope[c];
    }
    bandwidth[k] = 1 / sqrt(now.sharp);
    masses[k] = exp(now.level + square / (2 * now.sharp) + D / 2. *
                    log(two_pi / now.sharp));
  }
  CHECK_NEAR(masses[0], 1, 1e-12);
  for (int i = 0; i <= 40; i++) finer[i] = i / 20.;
  make_flow(&it, &f);
  fit_problem p = {D, TIMES, centre, one_each, masses, 41, finer, seen};
  density_options o = defaults;
  double losses[DENSITY_LOSSES];
  o.wide = o.narrow = bandwidth;
  o.exact = exact;
  CHECK(run(&it, losses, 0, 1, &p, &o) == STATUS_OK, "run");
  CHECK(losses[0] < 1e-5, "differ by %g", losses[0]);
  masses[2] *= exp(0.3);
  make_flow(&it, &f);
  CHECK(run(&it, losses, 0, 1, &p, &o) == STATUS_OK, "run");
  /* Of the comparisons 1-0, 2-1, 2-1 and 2-0 the last three. */
  CHECK_NEAR(losses[0], 0.75 * (sqrt(1.09) - 1), 1e-3);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_gradients();
  check_learning();
  check_invariance();
  check_bad_arguments();
  check_leaves_alone();
  check_closed_form(1);
  check_closed_form(0);
  return check_report("test_density");
}
