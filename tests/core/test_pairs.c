#include "check.h"
#include "kernels/kernels.h"
#include "path/pairs.h"
#include "base/status.h"

/* Two sources and one target in three dimensions; all of the plan leaves source 0. */
enum { D = 3, ROWS = 512, PAD = 16, ALONE = 1 };
static const float cells[3 * D] = {0.5f, -1, 2, 3, 3, 3, 1.5f, 0.25f, 1};
static const size_t offset[3] = {0, 2, 3};
static const double times[2] = {1, 3}, gap = 2;
static const double gain_source[2] = {0.6, -3}, gain_target[1] = {-0.2};
static const double log_ends[2] = {0.4, -3}, growth[1] = {1.2}, trust[1] = {0.25};
static size_t start[1] = {0}, count[1] = {1};
static size_t row_start[2] = {0, 1}, row_count[2] = {1, 0};
static int32_t source[1] = {0}, target[1] = {0};
static float value[1] = {1}, row_value[1] = {1};
static const plan plans[1] = {{2, 1, start, count, source, value}};
static const plan rows_of[1] = {{1, 2, row_start, row_count, target, row_value}};

static double weights[1], scale_score = 0.3;
static head list[3];
static heads model;

static pairs pairs_on(const path *path) {
  const mlp_shape shape = { .inputs = D + 1, .outputs = D, .width = 16, .hidden = 1 };
  list[0] = (head){ .kind = HEAD_VELOCITY, .shape = shape, .scale = 0.5,
                    .weights = weights };
  list[1] = (head){ .kind = HEAD_GROWTH, .shape = shape, .offset = 0.1, .scale = 0.2,
                    .weights = weights };
  list[1].shape.outputs = 1;
  list[2] = (head){ .kind = HEAD_SCORE, .shape = shape, .scale = scale_score,
                    .weights = weights };
  model = (heads){ .d = D, .count = path->gives_score ? 3 : 2, .head = list };
  return (pairs){ .d = D, .intervals = 1, .heads = &model, .cells = cells,
                  .offset = offset, .times = times, .plans = plans, .rows = rows_of,
                  .gain_source = gain_source, .gain_target = gain_target,
                  .log_ends = log_ends, .growth = growth, .trust = trust, .path = path };
}

static float input[ROWS * (D + 1)], velocity[ROWS * PAD], rate[ROWS * PAD],
    score[ROWS * PAD], weight[3][ROWS];
static double scratch[4096];

static void draw(const pairs *p) {
  const rows out = { input, {velocity, rate, score}, {weight[0], weight[1], weight[2]} };
  CHECK(pairs_check(p) == STATUS_OK, "%s: refused", p->path->name);
  row_source from = pairs_source(p);
  CHECK(from.scratch <= sizeof scratch, "%zu bytes", from.scratch);
  from.draw(&out, &from, (rng_key){{3, 4}}, 7, 0, ROWS, scratch);
}

/* What a row says, in natural units. */
typedef struct {
  double s, x[D], u[D], score[D], rate, weight;
  const float *x0, *x1;
  int alone; /* source 1, which has no partner */
} row;

/* Source 1 is three units away from the other cells, and noise is less than one. */
static row row_of(size_t r) {
  const float *in = input + r * (D + 1);
  row o = { .s = (in[D] - times[0]) / gap, .alone = in[0] + in[1] + in[2] > 6 };
  o.x0 = cells + (o.alone ? D : 0);
  o.x1 = o.alone ? o.x0 : cells + 2 * D;
  for (int c = 0; c < D; c++) {
    o.x[c] = in[c];
    o.u[c] = velocity[r * PAD + c] * 0.5;
    o.score[c] = score[r * PAD + c] * scale_score;
  }
  o.rate = rate[r * PAD] * 0.2 + 0.1;
  return o;
}

static double gain_of(const row *o) {
  return o->alone ? gain_source[ALONE] : gain_source[0] + gain_target[0];
}

/* Mass of the pair, relative to its end, over the density that it is drawn with. */
static double mass_weight(const row *o, double log_mass) {
  double r = exp(log_ends[o->alone]);
  return exp(log_mass - gain_of(o)) * r / (0.5 * (growth[0] + r));
}

static double line(const row *o, int c) {
  return o->x0[c] + o->s * (o->x1[c] - o->x0[c]);
}

/* Rows on Brownian bridges, to the 1e-4 that float leaves of what is divided by small
 * times: velocity plus and minus score are the drifts of the bridge, forwards and
 * backwards. |lambda S + e|^2 has the weight of the mass, and the normals have mean 0 and
 * variance 1 within 4 standard errors. */
static void check_brownian(void) {
  const double sigma = 0.4;
  pairs p = pairs_on(&path_brownian);
  p.sigma = &sigma;
  draw(&p);
  double sum = 0, squares = 0;
  size_t used = 0, alone = 0;
  for (size_t r = 0; r < ROWS; r++) {
    row o = row_of(r);
    double both = o.s * (1 - o.s), sd = sigma * sqrt(gap * both);
    alone += (size_t)o.alone;
    for (int c = 0; c < D; c++) {
      CHECK_NEAR((o.u[c] + o.score[c]) * gap * (1 - o.s), o.x1[c] - o.x[c], 1e-4);
      CHECK_NEAR((o.u[c] - o.score[c]) * gap * o.s, o.x[c] - o.x0[c], 1e-4);
      double e = (o.x[c] - line(&o, c)) / sd;
      sum += e;
      squares += e * e;
      used++;
    }
    double m = mass_weight(&o, o.s * gain_of(&o)), lambda = 2 * sd / (sigma * sigma);
    CHECK_NEAR(o.rate, gain_of(&o) / gap, 1e-5);
    CHECK_NEAR(weight[0][r], m * 4 * both, 1e-5);
    CHECK_NEAR(weight[1][r], m * trust[0], 1e-5);
    double unit = lambda * scale_score; /* the error is measured in units of the head */
    CHECK_NEAR(weight[2][r], m * unit * unit, 1e-5);
  }
  double n = (double)used;
  CHECK(fabs(sum / n) < 4 / sqrt(n), "mean %g", sum / n);
  CHECK(fabs(squares / n - 1) < 4 * sqrt(2 / n), "variance %g", squares / n);
  CHECK(alone > ROWS / 5 && alone < ROWS / 3, "%zu rows of a cell without a partner",
        alone);
}

/* A wide row: the straight velocity, which does not see its noise, little weight, and no
 * say in the score. One row in eight, but for those whose own noise is wider. */
static void check_wide(void) {
  const double sigma = 0.4;
  pairs p = pairs_on(&path_brownian);
  p.sigma = &sigma;
  p.wide = 0.2;
  draw(&p);
  size_t wide = 0;
  for (size_t r = 0; r < ROWS; r++) {
    row o = row_of(r);
    if (weight[2][r] > 0) continue;
    wide++;
    CHECK(sigma * sqrt(gap * o.s * (1 - o.s)) < p.wide, "row %zu was wider", r);
    CHECK_NEAR(weight[0][r], 0.02 * mass_weight(&o, o.s * gain_of(&o)), 1e-5);
    for (int c = 0; c < D; c++) CHECK_NEAR(o.u[c], (o.x1[c] - o.x0[c]) / gap, 1e-5);
  }
  CHECK(wide > 0 && wide < ROWS / 8, "%zu wide rows", wide);
}

/* Rows on the cone, to 1e-5: place, velocity, growth and mass of the geodesic in its form
 * with arc tangents; a cell without a partner stays, and its mass goes as the square of a
 * line. Cells that no path joins weigh nothing. */
static void check_cone(void) {
  double delta = 0.8;
  pairs p = pairs_on(&path_cone);
  p.delta = &delta;
  draw(&p);
  double far = 0;
  for (int c = 0; c < D; c++) far += pow(cells[2 * D + c] - cells[c], 2);
  far = sqrt(far);
  for (size_t r = 0; r < ROWS; r++) {
    row o = row_of(r);
    double theta = o.alone ? 0 : far / (2 * delta), root = exp(gain_of(&o) / 2);
    double a = 1 + root * root - 2 * root * cos(theta), b = 1 - root * cos(theta);
    double flux = root * sin(theta), mass = a * o.s * o.s - 2 * b * o.s + 1;
    double way = o.alone ? 0 : 2 * delta *
                 (atan((a * o.s - b) / flux) + atan(b / flux)) / far;
    double speed = o.alone ? 0 : 2 * delta * flux / (mass * gap * far);
    for (int c = 0; c < D; c++) {
      CHECK_NEAR(o.x[c], o.x0[c] + way * (o.x1[c] - o.x0[c]), 1e-5);
      CHECK_NEAR(o.u[c], speed * (o.x1[c] - o.x0[c]), 1e-5);
    }
    CHECK_NEAR(o.rate, 2 * (a * o.s - b) / (mass * gap), 1e-5);
    CHECK_NEAR(weight[0][r], mass_weight(&o, log(mass)), 1e-5);
    CHECK_NEAR(weight[1][r], mass_weight(&o, log(mass)) * trust[0], 1e-5);
  }
  delta = far / 3.2;
  draw(&p);
  for (size_t r = 0; r < ROWS; r++)
    CHECK(row_of(r).alone || (weight[0][r] == 0 && weight[1][r] == 0), "row %zu", r);
}

/* phi of a pair at a time, by the network alone. */
static void evaluate(float out[PAD], const interpolant *phi, const row *o, double time) {
  static double block[20000];
  arena a = arena_over(block, sizeof block);
  mlp_tile tile;
  float in[2 * D + 1];
  mlp_tile_layout(&a, &tile, &phi->shape, 1);
  CHECK(arena_ok(&a), "no room");
  for (int c = 0; c < D; c++) {
    in[c] = o->x0[c];
    in[D + c] = o->x1[c];
  }
  in[2 * D] = (float)time;
  mlp_forward(out, &tile, in, 2 * D + 1, 1, phi->packed, &phi->shape);
}

/* Rows on learned paths: places to 1e-5; velocities to the 2e-3 of central differences of
 * a float network. A cell without a partner stays where it is. */
static void check_learned(void) {
  static double flat[1024], learned_space[200000];
  static float packed[2048];
  const mlp_shape shape = {2 * D + 1, D, 16, 2, ACTIVATION_TANH};
  interpolant phi = {D, shape, 0.7, packed};
  mlp_init(flat, &shape, (rng_key){{3, 9}}, 1);
  mlp_pack(packed, flat, &shape);
  pairs p = pairs_on(&path_metric);
  p.learned = &phi;
  CHECK(pairs_check(&p) == STATUS_OK, "refused");
  row_source from = pairs_source(&p);
  CHECK(from.scratch <= sizeof learned_space, "%zu bytes", from.scratch);
  const rows out = { input, {velocity, rate}, {weight[0], weight[1]} };
  from.draw(&out, &from, (rng_key){{3, 4}}, 7, 0, ROWS, learned_space);
  for (size_t r = 0; r < ROWS; r++) {
    row o = row_of(r);
    const double h = 0.02, time = input[r * (D + 1) + D];
    float here[PAD], low[PAD], high[PAD];
    evaluate(here, &phi, &o, time);
    evaluate(low, &phi, &o, time - h);
    evaluate(high, &phi, &o, time + h);
    for (int c = 0; c < D; c++) {
      double way = (double)o.x1[c] - o.x0[c], bend = o.alone ? 0 : phi.scale;
      double share = 2 * o.s * (1 - o.s), change = (high[c] - low[c]) / (2 * h);
      CHECK_NEAR(o.x[c], o.x0[c] + o.s * way + share * bend * here[c], 1e-5);
      double speed = way / gap + 2 * (1 - 2 * o.s) / gap * bend * here[c];
      CHECK_NEAR(o.u[c], speed + share * bend * change, 2e-3);
    }
    CHECK_NEAR(o.rate, gain_of(&o) / gap, 1e-5);
    CHECK_NEAR(weight[0][r], mass_weight(&o, o.s * gain_of(&o)), 1e-5);
  }
  p.learned = NULL;
  CHECK(pairs_check(&p) == STATUS_BAD_ARGUMENT, "a learned path without a network");
  phi.shape.act = ACTIVATION_LEAKY_RELU;
  p.learned = &phi;
  CHECK(pairs_check(&p) == STATUS_BAD_ARGUMENT, "a path with kinks");
}

/* What growth is to make of mass replaces the pair's own, on paths of constant rate. */
static void check_growth(void) {
  const double log_growth[2] = {1, 2};
  pairs p = pairs_on(&path_straight);
  p.log_growth = log_growth;
  draw(&p);
  for (size_t r = 0; r < ROWS; r++) {
    row o = row_of(r);
    CHECK_NEAR(o.rate, log_growth[o.alone] / gap, 1e-5);
    CHECK_NEAR(weight[0][r], mass_weight(&o, o.s * gain_of(&o)), 1e-5);
  }
}

static void check_refusals(void) {
  const double log_growth[2] = {1, 2}, one = 1, none = 0, no_number = NAN;
  pairs p = pairs_on(&path_brownian);
  CHECK(pairs_check(&p) == STATUS_BAD_ARGUMENT, "a bridge without noise");
  p.sigma = &none;
  CHECK(pairs_check(&p) == STATUS_BAD_ARGUMENT, "a bridge of noise 0");
  p.sigma = &one;
  p.path = &path_straight;
  CHECK(pairs_check(&p) == STATUS_BAD_ARGUMENT, "the score of a line");
  p = pairs_on(&path_cone);
  CHECK(pairs_check(&p) == STATUS_BAD_ARGUMENT, "a cone without a length");
  p.delta = &no_number;
  CHECK(pairs_check(&p) == STATUS_BAD_ARGUMENT, "a length that is no number");
  p.delta = &one;
  p.log_growth = log_growth;
  CHECK(pairs_check(&p) == STATUS_BAD_ARGUMENT, "a constant rate on the cone");
  p = pairs_on(&path_straight);
  p.sigma = &no_number;
  CHECK(pairs_check(&p) == STATUS_BAD_ARGUMENT, "noise that is no number");
  p.path = NULL;
  CHECK(pairs_check(&p) == STATUS_BAD_ARGUMENT, "no path");
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_brownian();
  check_wide();
  check_cone();
  check_learned();
  check_growth();
  check_refusals();
  return check_report("test_pairs");
}
