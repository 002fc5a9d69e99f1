#include "nn/adam.h"
#include "path/hermite.h"
#include "check.h"
#include "train/match.h"
#include "base/status.h"
#include <string.h>

/* Two intervals, five, four and three cells in two dimensions; every target cell draws
 * from two sources with probabilities 0.25 and 0.75. */
enum { D = 2, CELLS = 12 };
static float cells[CELLS * D];
static const size_t offset[3] = {0, 5, 9};
static const double times[3] = {0, 1, 3};
static double gain_source[9];
static size_t start[2][4], count[2][4];
static int32_t source[2][8];
static float value[2][8];
static plan plans[2], rows_of[2];
static size_t row_start[2][5], row_count[2][5];
static int32_t row_target[2][8];
static float row_value[2][8];
static double growth[2];
static const double trust[2] = {1, 0.25};

/* Units of the targets where rows are looked at. */
static head both[2] = {
  {HEAD_VELOCITY, {D + 1, D, 24, 2, ACTIVATION_LEAKY_RELU}, 0, 0.5, 0, 0, 0},
  {HEAD_GROWTH, {D + 1, 1, 24, 2, ACTIVATION_LEAKY_RELU}, 0.1, 0.2, 0, 0, 0}};
static const heads model = {D, 2, both};
/* As the formulas have them. */
static head plain[2] = {
  {HEAD_VELOCITY, {D + 1, D, 24, 2, ACTIVATION_LEAKY_RELU}, 0, 1, 0, 0, 0},
  {HEAD_GROWTH, {D + 1, 1, 24, 2, ACTIVATION_LEAKY_RELU}, 0, 1, 0, 0, 0}};
static const heads plain_model = {D, 2, plain};

/* Rows are weighed by the row sums of the plans; 1.5 and 0.5 descendants a cell. */
static pairs make_pairs(const double *sigma) {
  for (int i = 0; i < CELLS * D; i++) cells[i] = (float)sin(3 * i + 1) + (float)(i / 10);
  for (int k = 0; k < 2; k++) {
    size_t n = offset[k + 1] - offset[k], m = k == 0 ? 4 : 3;
    for (size_t j = 0; j < m; j++) {
      start[k][j] = 2 * j;
      count[k][j] = 2;
      source[k][2 * j] = (int32_t)(j % (n - 1));
      source[k][2 * j + 1] = (int32_t)(j % (n - 1) + 1);
      value[k][2 * j] = 0.25f;
      value[k][2 * j + 1] = 1;
    }
    plans[k] = (plan){n, m, start[k], count[k], source[k], value[k]};
    rows_of[k] = (plan){.start = row_start[k], .count = row_count[k],
                        .source = row_target[k], .value = row_value[k]};
    plan_transpose(&rows_of[k], &plans[k], NULL, 0);
    growth[k] = k == 0 ? 1.5 : 0.5;
    double sum[5] = {0};
    for (size_t j = 0; j < m; j++) {
      sum[source[k][2 * j]] += 0.25;
      sum[source[k][2 * j + 1]] += 0.75;
    }
    for (size_t i = 0; i < n; i++)
      gain_source[offset[k] + i] = log(sum[i] * growth[k] * (double)n / (double)m);
  }
  return (pairs){.d = D, .intervals = 2, .cells = cells, .offset = offset,
                  .times = times, .plans = plans, .rows = rows_of,
                 .gain_source = gain_source, .log_ends = gain_source,
                 .log_growth = gain_source, .growth = growth, .trust = trust,
                 .path = &path_straight, .sigma = sigma, .heads = &model};
}

/* Rows of velocity and of growth are as long as a vector. */
enum { PAD = 16 };
typedef struct {
  float input[256 * (D + 1)], velocity[256 * PAD], growth[256 * PAD], weight[256],
      growth_weight[256];
} storage;

static rows rows_in(storage *s) {
  return (rows){s->input, {s->velocity, s->growth}, {s->weight, s->growth_weight}};
}

static void draw_rows(const rows *out, const pairs *p, rng_key by, uint64_t step,
                      size_t first, size_t count) {
  CHECK(pairs_check(p) == STATUS_OK, "pairs");
  row_source source = pairs_source(p);
  void *scratch = malloc(source.scratch);
  source.draw(out, &source, by, step, first, count, scratch);
  free(scratch);
}

static const rng_key key = {{17, 23}};

/* Every row lies on the straight line of a pair of the plan, at the place its time says,
 * and its targets and weight are those of the formulas, to float precision. */
static void check_rows(void) {
  pairs b = make_pairs(NULL);
  storage s;
  rows drawn = rows_in(&s);
  draw_rows(&drawn, &b, key, 3, 0, 256);
  for (size_t r = 0; r < 256; r++) {
    size_t k = r % 2;
    const float *in = s.input + r * (D + 1), *v = s.velocity + r * 16;
    double gap = times[k + 1] - times[k], part = (in[D] - times[k]) / gap;
    CHECK(part > 0 && part < 1, "row %zu: time %g", r, in[D]);
    double from[D], to[D];
    for (int c = 0; c < D; c++) {
      from[c] = in[c] - part * gap * 0.5 * v[c];
      to[c] = in[c] + (1 - part) * gap * 0.5 * v[c];
    }
    int found = 0;
    for (size_t j = 0; j < plans[k].m && !found; j++)
      for (size_t e = 2 * j; e < 2 * j + 2 && !found; e++) {
        size_t i = (size_t)source[k][e];
        const float *x = cells + (offset[k] + i) * D;
        const float *y = cells + (offset[k + 1] + j) * D;
        found = fabs(x[0] - from[0]) + fabs(x[1] - from[1]) + fabs(y[0] - to[0]) +
                    fabs(y[1] - to[1]) < 1e-5;
        if (!found) continue;
        double lr = gain_source[offset[k] + i];
        CHECK_NEAR(s.growth[r * PAD], (lr / gap - 0.1) / 0.2, 1e-5);
        double density = 0.5 * (growth[k] + exp(lr));
        CHECK_NEAR(s.weight[r], exp(part * lr) / density, 1e-5);
        CHECK_NEAR(s.growth_weight[r], trust[k] * exp(part * lr) / density, 1e-5);
      }
    CHECK(found, "row %zu joins no pair of the plan", r);
  }
}

/* By whichever end pairs are drawn, a source weighs in the sum over rows what it has of
 * mass along the path, over the mean number of descendants: (r - 1) / log(r) / growth for
 * each of the n. 25600 rows of each interval, 5 standard errors of independent ones (the
 * squares of weights are at most 2 / growth times the weights). */
static void check_weights(void) {
  enum { STEPS_DRAWN = 200, A_STEP = 256 };
  pairs b = make_pairs(NULL);
  storage s;
  rows drawn = rows_in(&s);
  double sum[2][5] = {{0}};
  for (uint64_t step = 0; step < STEPS_DRAWN; step++) {
    draw_rows(&drawn, &b, key, step, 0, A_STEP);
    for (size_t r = 0; r < A_STEP; r++) { /* growth targets tell the sources apart */
      size_t k = r % 2, n = offset[k + 1] - offset[k], nearest = 0;
      double gap = times[k + 1] - times[k], far = 1e9;
      double lr = (s.growth[r * PAD] * 0.2 + 0.1) * gap;
      for (size_t i = 0; i < n; i++)
        if (fabs(lr - gain_source[offset[k] + i]) < far - 1e-6) {
          far = fabs(lr - gain_source[offset[k] + i]);
          nearest = i;
        }
      sum[k][nearest] += s.weight[r];
    }
  }
  for (size_t k = 0; k < 2; k++) {
    size_t n = offset[k + 1] - offset[k];
    for (size_t i = 0; i < n; i++) {
      double want = 0, got = sum[k][i] / (STEPS_DRAWN * A_STEP / 2);
      int first = 1;
      for (size_t o = 0; o < n; o++) {
        double lr = gain_source[offset[k] + o];
        if (fabs(lr - gain_source[offset[k] + i]) > 1e-5) continue;
        if (o < i) first = 0; /* counted with the first of its kind */
        want += (fabs(lr) < 1e-9 ? 1 : expm1(lr) / lr) / growth[k] / (double)n;
      }
      if (!first) continue;
      double error = sqrt(2 / growth[k] * want / (STEPS_DRAWN * A_STEP / 2));
      CHECK(fabs(got - want) < 5 * error, "interval %zu, source %zu: %g, not %g", k, i,
            got, want);
    }
  }
}

/* The pair that a row lies on, by its place and velocity; 0 if there is none. */
static int find_pair(size_t *i, size_t *j, const storage *s, size_t r, size_t k) {
  const float *in = s->input + r * (D + 1), *v = s->velocity + r * PAD;
  double gap = times[k + 1] - times[k], part = (in[D] - times[k]) / gap, miss = 0;
  for (*j = 0; *j < plans[k].m; ++*j)
    for (size_t e = 2 * *j; e < 2 * *j + 2; e++) {
      *i = (size_t)source[k][e];
      miss = 0;
      for (size_t c = 0; c < D; c++) {
        double from = in[c] - part * gap * 0.5 * v[c], to = from + gap * 0.5 * v[c];
        miss += fabs(cells[(offset[k] + *i) * D + c] - from) +
                fabs(cells[(offset[k + 1] + *j) * D + c] - to);
      }
      if (miss < 1e-5) return 1;
    }
  return 0;
}

/* Targets of unequal mass, and mass that changes at both ends: every pair weighs in the
 * sum over rows what it has of mass along its path, E (1 - e^-q) / q for the mass E at
 * its end, over n times growth. 25600 rows of each interval; 5 standard errors of
 * independent ones, no weight being above `most`. Growth learns the rate of the pair. */
static void check_two_sided(void) {
  enum { STEPS_DRAWN = 200, A_STEP = 256 };
  pairs p = make_pairs(NULL);
  storage s;
  rows drawn = rows_in(&s);
  static double at_target[7], sums[2][4], mass[2][4], ends[9], log_ends[9];
  static double total[2][5][4], got[2][5][4];
  const double *each[2] = {sums[0], sums[1]};
  for (size_t k = 0; k < 2; k++) {
    double all = 0;
    size_t m = plans[k].m, n = plans[k].n;
    for (size_t j = 0; j < m; j++) {
      mass[k][j] = 0.5 + (double)j;
      at_target[4 * k + j] = 0.4 * cos((double)j + 2 * (double)k);
      for (size_t e = 2 * j; e < 2 * j + 2; e++) {
        size_t i = (size_t)source[k][e];
        total[k][i][j] = mass[k][j] * (e % 2 ? 0.75 : 0.25);
        ends[offset[k] + i] += total[k][i][j];
      }
    }
    plan_target_sums(sums[k], mass[k], &plans[k]);
    plan_transpose(&rows_of[k], &plans[k], mass[k], 0);
    for (size_t i = 0; i < n; i++) all += ends[offset[k] + i] / (double)n;
    growth[k] = all;
  }
  for (size_t i = 0; i < 9; i++) {
    log_ends[i] = log(fmax(ends[i], 1e-3));
    gain_source[i] = 0.6 * sin(2 * (double)i + 1);
  }
  p.sums = each;
  p.gain_target = at_target;
  p.log_ends = log_ends;
  p.log_growth = NULL;
  for (uint64_t step = 0; step < STEPS_DRAWN; step++) {
    draw_rows(&drawn, &p, key, step, 0, A_STEP);
    for (size_t r = 0; r < A_STEP; r++) {
      size_t k = r % 2, i, j;
      int found = find_pair(&i, &j, &s, r, k);
      CHECK(found, "row %zu joins no pair of the plan", r);
      if (!found) continue;
      double q = gain_source[offset[k] + i] + at_target[4 * k + j];
      double rate = q / (times[k + 1] - times[k]);
      CHECK_NEAR(s.growth[r * PAD], (rate - 0.1) / 0.2, 1e-5);
      got[k][i][j] += s.weight[r] / (STEPS_DRAWN * A_STEP / 2);
    }
  }
  for (size_t k = 0; k < 2; k++)
    for (size_t i = 0; i < plans[k].n; i++)
      for (size_t j = 0; j < plans[k].m; j++) {
        double q = gain_source[offset[k] + i] + at_target[4 * k + j];
        double want = total[k][i][j] / ((double)plans[k].n * growth[k]) * -expm1(-q) / q;
        double most = 2 * exp(fabs(q)) * fmax(1, 1 / growth[k]);
        double error = sqrt(most * want / (STEPS_DRAWN * A_STEP / 2));
        CHECK(fabs(got[k][i][j] - want) <= 5 * error,
              "interval %zu, %zu to %zu: %g, not %g", k, i, j, got[k][i][j], want);
      }
}

/* Where mass does not change, every row weighs 1 and growth is nothing. */
static void check_balanced(void) {
  pairs p = make_pairs(NULL);
  storage s;
  rows drawn = rows_in(&s);
  p.gain_source = p.log_ends = p.log_growth = NULL;
  growth[0] = growth[1] = 1;
  draw_rows(&drawn, &p, key, 3, 0, 256);
  for (size_t r = 0; r < 256; r++) {
    CHECK(s.weight[r] == 1 && s.growth_weight[r] == trust[r % 2], "row %zu weighs %g", r,
          s.weight[r]);
    CHECK_NEAR(s.growth[r * PAD], -0.1 / 0.2, 1e-6);
  }
}

/* A source without entries stays where it is, whatever its growth. */
static void check_stays(void) {
  pairs b = make_pairs(NULL);
  storage s;
  rows drawn = rows_in(&s);
  row_count[0][2] = 0;
  int stayed = 0;
  for (uint64_t step = 0; step < 4; step++) {
    draw_rows(&drawn, &b, key, step, 0, 256);
    for (size_t r = 0; r < 256; r += 2) {
      const float *in = s.input + r * (D + 1), *v = s.velocity + r * 16;
      if (v[0] != 0 || v[1] != 0) continue;
      stayed++;
      CHECK(in[0] == cells[2 * D] && in[1] == cells[2 * D + 1], "row %zu moved", r);
    }
  }
  CHECK(stayed > 20, "%d rows stay", stayed);
}

/* One row in eight is wide: it has the wide noise and a fiftieth of the weight. */
static void check_rows_beside(void) {
  pairs b = make_pairs((double[]){0.01, 0.01}), wide = make_pairs((double[]){0.01, 0.01});
  wide.wide = 30;
  storage s, t;
  rows drawn = rows_in(&s), beside = rows_in(&t);
  draw_rows(&drawn, &b, key, 3, 0, 256);
  draw_rows(&beside, &wide, key, 3, 0, 256);
  int count = 0;
  for (size_t r = 0; r < 256; r++) {
    double off = hypot(s.input[r * (D + 1)] - t.input[r * (D + 1)],
                       s.input[r * (D + 1) + 1] - t.input[r * (D + 1) + 1]);
    if (off > 0.5) {
      count++;
      CHECK_NEAR(t.weight[r] / s.weight[r], 0.02, 1e-5);
      CHECK(memcmp(s.velocity + r * 16, t.velocity + r * 16, D * sizeof(float)) == 0,
            "row %zu has another velocity", r);
    } else {
      CHECK(off == 0 && s.weight[r] == t.weight[r], "row %zu is off by %g", r, off);
    }
  }
  CHECK(count > 26 && count <= 32, "%d of 256 rows are wide", count);
}

/* Noise has the standard deviation asked for: 512 values, 5 standard errors. */
static void check_noise(void) {
  pairs quiet = make_pairs(NULL), loud = make_pairs((double[]){0.3, 0.3});
  storage a, b;
  rows ra = rows_in(&a), rb = rows_in(&b);
  draw_rows(&ra, &quiet, key, 0, 0, 256);
  draw_rows(&rb, &loud, key, 0, 0, 256);
  double square = 0;
  for (size_t r = 0; r < 256; r++) {
    for (int c = 0; c < D; c++)
      square += pow(b.input[r * (D + 1) + c] - a.input[r * (D + 1) + c], 2);
    CHECK(a.input[r * (D + 1) + D] == b.input[r * (D + 1) + D], "time of row %zu", r);
  }
  double variance = square / 512;
  CHECK(fabs(variance - 0.09) < 5 * 0.09 * sqrt(2.0 / 512), "variance %g", variance);
}

/* A row is the same whichever tile it is drawn in. */
static void check_rows_by_number(void) {
  pairs b = make_pairs((double[]){0.1, 0.1});
  static storage all, part;
  rows ra = rows_in(&all), rp = rows_in(&part);
  draw_rows(&ra, &b, key, 9, 0, 100);
  draw_rows(&rp, &b, key, 9, 40, 30);
  CHECK(memcmp(all.input + 40 * (D + 1), part.input, 30 * (D + 1) * sizeof(float)) == 0,
        "inputs differ");
  CHECK(memcmp(all.growth + 40 * PAD, part.growth, 30 * PAD * sizeof(float)) == 0,
        "growth differs");
}

/* The same for many features, whose noise is drawn a few rows at a time: with all cells
 * at the origin a row is its noise. Rows are independent: the correlation of neighbours
 * is 0 to 5 standard errors of 9900 products. */
static void check_many_features(void) {
  enum { W = 100, ROWS = 100 };
  static float origin[2 * W], input[ROWS * (W + 1)], part[30 * (W + 1)];
  static float velocity[ROWS * 112], weight[ROWS];
  size_t at[3] = {0, 1, 2}, first = 0, one = 1;
  double when[2] = {0, 1};
  int32_t zero = 0;
  float all = 1;
  plan p = {1, 1, &first, &one, &zero, &all};
  double same = 1;
  head only = {HEAD_VELOCITY, {W + 1, W, 8, 1, ACTIVATION_TANH}, 0, 1, 0, 0, 0};
  heads alone = {W, 1, &only};
  pairs b = {.d = W, .intervals = 1, .cells = origin, .offset = at, .times = when,
             .plans = &p, .rows = &p, .growth = &same, .trust = &same, .sigma = &same,
             .path = &path_straight, .heads = &alone};
  rows drawn = {input, {velocity}, {weight}};
  draw_rows(&drawn, &b, key, 4, 0, ROWS);
  for (int r = 0; r < ROWS; r++) CHECK(weight[r] == 1, "row %d weighs %g", r, weight[r]);
  drawn.input = part;
  draw_rows(&drawn, &b, key, 4, 37, 30);
  CHECK(memcmp(part, input + 37 * (W + 1), sizeof part) == 0, "inputs differ");
  double square = 0, product = 0;
  for (size_t r = 0; r < ROWS; r++)
    for (size_t c = 0; c < W; c++) {
      const float *x = input + r * (W + 1) + c;
      square += x[0] * x[0];
      if (r > 0) product += x[0] * x[-(W + 1)];
    }
  CHECK(fabs(square / 10000 - 1) < 5 * sqrt(2.0 / 10000), "variance %g", square / 10000);
  CHECK(fabs(product / 9900) < 5 / sqrt(9900), "correlation %g", product / 9900);
}

/* ---- the naive twin of training: double, one row at a time ---- */

enum { MOST = 4096, LAYERS = 4, WIDEST = 32 };

static double act(double z) { return z > 0 ? z : (double)LEAKY_SLOPE * z; }

/* Adds the gradient of weight * |net(x) - want|^2 to grad; returns that loss. */
static double twin_row(double *grad, const double *w, const mlp_shape *s, const float *x,
                       const float *want, double weight) {
  double h[LAYERS + 1][WIDEST], delta[WIDEST], next[WIDEST];
  size_t at[LAYERS], place = 0;
  for (size_t i = 0; i < s->inputs; i++) h[0][i] = x[i];
  for (size_t l = 0; l < mlp_layers(s); l++) {
    size_t in = mlp_layer_inputs(s, l), out = mlp_layer_outputs(s, l);
    at[l] = place;
    for (size_t j = 0; j < out; j++) {
      double z = w[place + in * out + j];
      for (size_t i = 0; i < in; i++) z += h[l][i] * w[place + i * out + j];
      h[l + 1][j] = l < s->hidden ? act(z) : z;
    }
    place += (in + 1) * out;
  }
  double loss = 0;
  const double *result = h[mlp_layers(s)];
  for (size_t j = 0; j < s->outputs; j++) {
    loss += weight * pow(result[j] - want[j], 2);
    delta[j] = 2 * weight * (result[j] - want[j]);
  }
  for (size_t l = mlp_layers(s); l-- > 0;) {
    size_t in = mlp_layer_inputs(s, l), out = mlp_layer_outputs(s, l);
    for (size_t i = 0; i < in; i++) {
      next[i] = 0;
      for (size_t j = 0; j < out; j++) {
        grad[at[l] + i * out + j] += h[l][i] * delta[j];
        next[i] += w[at[l] + i * out + j] * delta[j];
      }
      if (h[l][i] <= 0) next[i] *= (double)LEAKY_SLOPE;
    }
    for (size_t j = 0; j < out; j++) grad[at[l] + in * out + j] += delta[j];
    memcpy(delta, next, sizeof delta);
  }
  return loss;
}

static void twin_adam(double *w, double *m, double *v, const double *grad, size_t n,
                      size_t batch, int t, double rate) {
  for (size_t i = 0; i < n; i++) {
    double g = grad[i] / (double)batch;
    m[i] = 0.9 * m[i] + 0.1 * g;
    v[i] = 0.95 * v[i] + 0.05 * g * g;
    w[i] -= rate * (m[i] / (1 - pow(0.9, t))) / (sqrt(v[i] / (1 - pow(0.95, t))) + 1e-8);
  }
}

typedef struct {
  double weights[MOST], first[MOST], second[MOST];
} moments;

/* A model in training, and the numbers that its heads point to. */
typedef struct {
  moments m[HEADS_MOST];
  head head[HEADS_MOST];
  heads heads;
} trained_model;

static void make_trained(trained_model *it, size_t count, size_t growth_inputs) {
  memset(it, 0, sizeof *it);
  memcpy(it->head, both, sizeof both);
  it->head[1].shape.inputs = growth_inputs;
  it->head[2] = it->head[0];
  it->head[2].kind = HEAD_SCORE;
  for (size_t i = 0; i < count; i++) {
    head *h = it->head + i;
    h->weights = it->m[i].weights;
    h->first = it->m[i].first;
    h->second = it->m[i].second;
    mlp_init(h->weights, &h->shape, key, (uint32_t)i + 1);
  }
  it->heads = (heads){D, count, it->head};
}

enum { BATCH = 150, STEPS = 30 };
static const match_options defaults = {.batch = BATCH, .total_steps = STEPS,
                                       .learning_rate = 3e-3, .rate_floor = 0.01,
                                       .key = {{17, 23}}, .threads = 1};

static int run(trained_model *it, double *losses, uint64_t from, uint64_t steps,
               const match_options *options) {
  pairs b = make_pairs((double[]){0.05, 0.05});
  b.heads = &it->heads;
  row_source source = pairs_source(&b);
  size_t bytes = match_workspace(&it->heads, &source, options);
  void *block = malloc(bytes);
  int status = match_run(&it->heads, losses, from, steps, &source, options, block, bytes);
  free(block);
  return status;
}

/* Thirty steps: the whole loss curve agrees with the double twin to 1e-4 relative, the
 * final parameters to 1e-3 of the learning path. Growth with the time and without; and
 * velocity alone, which learns what it learns beside growth. */
static void check_against_twin(size_t count, size_t growth_inputs) {
  static trained_model it, twin;
  make_trained(&it, count, growth_inputs);
  make_trained(&twin, count, growth_inputs);
  double losses[2 * STEPS];
  CHECK(run(&it, losses, 0, STEPS, &defaults) == STATUS_OK, "training");

  pairs b = make_pairs((double[]){0.05, 0.05});
  static storage s;
  rows drawn = rows_in(&s);
  for (int step = 0; step < STEPS; step++) {
    draw_rows(&drawn, &b, key, (uint64_t)step, 0, BATCH);
    double rate = cosine_rate((uint64_t)step, STEPS, 3e-3, 0.01);
    for (size_t i = 0; i < count; i++) {
      static double grad[MOST];
      const mlp_shape *shape = &it.head[i].shape;
      moments *m = twin.m + i;
      double loss = 0, got = losses[count * (size_t)step + i];
      memset(grad, 0, sizeof grad);
      for (size_t r = 0; r < BATCH; r++)
        loss += twin_row(grad, m->weights, shape, s.input + r * (D + 1),
                         drawn.target[i] + r * PAD, drawn.weight[i][r]);
      loss /= (double)(BATCH * shape->outputs);
      CHECK(fabs(got / loss - 1) < 1e-4, "head %zu, step %d: %g, %g", i, step, got, loss);
      twin_adam(m->weights, m->first, m->second, grad, mlp_parameters(shape), BATCH,
                step + 1, rate);
    }
  }
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < mlp_parameters(&it.head[i].shape); k++)
      CHECK(fabs(it.m[i].weights[k] - twin.m[i].weights[k]) < 1e-4,
            "head %zu, parameter %zu", i, k);
}

/* The same bits with one thread and with three, in one call and in four. */
static void check_invariance(void) {
  static trained_model it[3];
  double losses[2 * STEPS];
  for (int how = 0; how < 3; how++) {
    make_trained(&it[how], 2, D + 1);
    match_options options = defaults;
    options.threads = how == 1 ? 3 : 1;
    const uint64_t cut[5] = {0, 1, 11, 12, STEPS};
    if (how < 2)
      run(&it[how], losses, 0, STEPS, &options);
    else
      for (int c = 0; c < 4; c++)
        run(&it[how], losses, cut[c], cut[c + 1] - cut[c], &options);
  }
  CHECK(memcmp(it[0].m, it[1].m, sizeof it[0].m) == 0, "threads change the result");
  CHECK(memcmp(it[0].m, it[2].m, sizeof it[0].m) == 0, "slices change the result");
}

/* ---- three heads, on rows that come from no pairs ---- */

static float hash(size_t row, size_t what) {
  return (float)sin(12.9898 * (double)row + 78.233 * (double)what);
}

static void draw_any(const rows *out, const row_source *self, rng_key by, uint64_t step,
                     size_t first, size_t count, void *scratch) {
  (void)by;
  (void)step;
  memset(scratch, 1, self->scratch);
  for (size_t r = 0; r < count; r++) {
    for (size_t c = 0; c <= D; c++) out->input[r * (D + 1) + c] = hash(first + r, c);
    for (size_t i = 0; i < HEADS_MOST; i++) {
      size_t outputs = i == HEAD_GROWTH ? 1 : D;
      for (size_t c = 0; c < outputs; c++)
        out->target[i][r * PAD + c] = hash(first + r, 10 * (i + 1) + c);
      out->weight[i][r] = 1 + hash(first + r, 5 + i);
    }
  }
}

/* Losses of the three heads; gradients stand in the trainer's slots. */
static void losses_of(double loss[HEADS_MOST], trainer *t, size_t batch) {
  row_source any = {100, draw_any, NULL};
  size_t bytes = match_scratch(t->heads, t->slots, batch, &any);
  void *scratch = malloc(bytes);
  stop halt = {0};
  for (size_t i = 0; i < HEADS_MOST; i++) loss[i] = 0;
  for (size_t slot = 0; slot < t->slots; slot++) {
    double part[HEADS_MOST];
    trainer_clear_slot(t, slot);
    match_slot(part, t, slot, &any, NULL, batch, key, 0, 0.5, scratch, bytes, &halt, 0);
    for (size_t i = 0; i < HEADS_MOST; i++) loss[i] += part[i];
  }
  free(scratch);
}

/* The gradient of each head is half that of its loss, by central differences to 1 % of
 * its largest element in float32; and a head's loss hangs on no other head. */
static void check_three_heads(void) {
  enum { ANY_BATCH = 200 };
  static trained_model it;
  make_trained(&it, 3, D);
  for (int i = 0; i < 3; i++) it.head[i].shape.act = ACTIVATION_TANH;
  CHECK(heads_check(&it.heads) == STATUS_OK, "heads");
  trainer t;
  arena a = {0};
  trainer_layout(&a, &t, &it.heads, 2);
  void *block = malloc(arena_size(&a));
  a = arena_over(block, arena_size(&a));
  trainer_layout(&a, &t, &it.heads, 2);
  trainer_load(&t);
  double loss[HEADS_MOST], up[HEADS_MOST], down[HEADS_MOST];
  losses_of(loss, &t, ANY_BATCH);
  for (size_t i = 0; i < 3; i++) {
    packed_network *net = t.net + i;
    float *analytic = malloc(net->packed * sizeof(float));
    double largest = 0, worst = 0;
    for (size_t k = 0; k < net->packed; k++) {
      analytic[k] = net->grad[k] + net->grad[net->packed + k];
      largest = fmax(largest, fabs(analytic[k]));
    }
    for (size_t k = 0; k < net->packed; k += 7) {
      const float h = 1e-2f, keep = net->weights[k];
      if (keep == 0) continue; /* padding */
      net->weights[k] = keep + h;
      losses_of(up, &t, ANY_BATCH);
      net->weights[k] = keep - h;
      losses_of(down, &t, ANY_BATCH);
      net->weights[k] = keep;
      double slope = 0.5 * (up[i] - down[i]) / (2 * (double)h);
      worst = fmax(worst, fabs(slope - analytic[k]));
      for (size_t other = 0; other < 3; other++)
        CHECK(other == i || up[other] == loss[other], "heads %zu, %zu", i, other);
    }
    CHECK(largest > 0 && worst < 0.01 * largest, "head %zu: off by %g of %g", i, worst,
          largest);
    free(analytic);
    losses_of(loss, &t, ANY_BATCH);
  }
  free(block);
}

/* Cells that follow parabolas have the slopes of the parabolas at the middle time, from
 * both sides, to 1e-5; and a row lies on the cubic with the slopes of its ends. */
static void check_bends(void) {
  static float at[6 * D], slope_jump[6 * D], lean[6];
  const size_t first[3] = {0, 2, 4};
  size_t begin[2] = {0, 1}, one[2] = {1, 1};
  int32_t same[2] = {0, 1};
  float all[2] = {1, 1};
  double mass[2], mean[3 * D];
  plan p[2] = {{2, 2, begin, one, same, all}, {2, 2, begin, one, same, all}};
  for (int k = 0; k < 3; k++)
    for (int c = 0; c < 2 * D; c++) {
      double t = times[k];
      at[k * 2 * D + c] = (float)(c + 0.3 * c * t + (0.5 - 0.2 * c) * t * t);
    }
  double one_each[2] = {1, 1};
  pairs b = {.d = D, .intervals = 2, .cells = at, .offset = first, .times = times,
              .plans = p, .rows = p, .growth = one_each, .trust = one_each,
             .slope_jump = slope_jump, .lean = lean, .bend = 1, .path = &path_smooth,
             .heads = &plain_model};
  hermite_slopes(slope_jump, lean, &b, mass, mean);
  const double g0 = times[1] - times[0], g1 = times[2] - times[1];
  for (int c = 0; c < 2 * D; c++) {
    double slope = 0.3 * c + 2 * (0.5 - 0.2 * c) * times[1];
    double before = (at[2 * D + c] - at[c]) / g0;
    double after = (at[4 * D + c] - at[2 * D + c]) / g1;
    before += (1 - lean[2 + c / D]) * slope_jump[2 * D + c];
    after -= lean[2 + c / D] * slope_jump[2 * D + c];
    CHECK(fabs(before - slope) < 1e-5 && fabs(after - slope) < 1e-5,
          "slopes %g, %g, not %g", before, after, slope);
  }
  storage s;
  rows drawn = rows_in(&s);
  draw_rows(&drawn, &b, key, 5, 0, 256);
  for (size_t r = 0; r < 256; r += 2) { /* interval 0: no curvature at its start */
    const float *in = s.input + r * (D + 1), *v = s.velocity + r * 16;
    double u = in[D] / g0, worst[2] = {1, 1};
    for (int cell = 0; cell < 2; cell++) {
      worst[cell] = 0;
      for (int c = 0; c < D; c++) {
        int i = cell * D + c;
        double x = at[i], y = at[2 * D + i];
        double to = 0.3 * i + 2 * (0.5 - 0.2 * i) * times[1];
        double from = 1.5 * (y - x) / g0 - 0.5 * to;
        double place = (2 * u * u * u - 3 * u * u + 1) * x + (3 - 2 * u) * u * u * y +
                       g0 * u * ((1 - u) * (1 - u) * from + u * (u - 1) * to);
        double speed = 6 * u * (1 - u) * (y - x) / g0 +
                       (3 * u * u - 4 * u + 1) * from + (3 * u * u - 2 * u) * to;
        worst[cell] = fmax(worst[cell], fmax(fabs(place - in[c]), fabs(speed - v[c])));
      }
    }
    CHECK(fmin(worst[0], worst[1]) < 1e-5, "row %zu is off by %g", r,
          fmin(worst[0], worst[1]));
  }
}

/* Cells that come fast and go on slowly, or the other way round, whatever the gaps: the
 * slope at the middle is at most three times the slower velocity, in any direction, and
 * so the cubic goes from one end to the other without turning back. */
static void check_no_overshoot(void) {
  const double way[3][2] = {{1, 0}, {0, -1}, {0.6, 0.8}};
  const size_t first[3] = {0, 1, 2};
  size_t begin = 0, one = 1;
  int32_t zero = 0;
  float all = 1;
  plan p[2] = {{1, 1, &begin, &one, &zero, &all}, {1, 1, &begin, &one, &zero, &all}};
  double one_each[2] = {1, 1}, mass, mean[2 * D];
  const double shape[4][3] = {{1, 13, 0.2}, {13, 1, 50}, {1, 1, 0.02}, {2, 1, 1}};
  for (int c = 0; c < 12; c++) {
    const double *u = way[c % 3], *now = shape[c / 3];
    double when[3] = {0, now[0], now[0] + now[1]};
    float at[3 * D], slope_jump[3 * D], lean[3];
    for (int i = 0; i < D; i++) {
      at[i] = 0;
      at[D + i] = (float)u[i];
      at[2 * D + i] = (float)(u[i] * (1 + now[2]));
    }
    pairs b = {.d = D, .intervals = 2, .cells = at, .offset = first, .times = when,
                .plans = p, .rows = p, .growth = one_each, .trust = one_each,
               .slope_jump = slope_jump, .lean = lean, .bend = 1, .path = &path_smooth,
             .heads = &plain_model};
    hermite_slopes(slope_jump, lean, &b, &mass, mean);
    storage s;
    rows drawn = rows_in(&s);
    draw_rows(&drawn, &b, key, 7, 0, 256);
    for (size_t r = 0; r < 256; r++) {
      const float *v = s.velocity + r * 16;
      double along = v[0] * u[0] + v[1] * u[1];
      CHECK(along > -1e-5, "case %d, row %zu turns back at speed %g", c, r, along);
    }
  }
}

/* Asked to stop, training leaves the networks as they were, at any number of threads and
 * whenever it is asked. */
static int stop_at;
static int countdown(void *unused) {
  (void)unused;
  return stop_at-- <= 0;
}

static void check_interrupt(void) {
  static trained_model it, before;
  double losses[2 * STEPS];
  for (int c = 0; c < 12; c++) {
    make_trained(&it, 2, D + 1);
    before = it;
    match_options options = defaults;
    options.threads = 1 + c % 2;
    options.interrupted = countdown;
    stop_at = c < 10 ? c * 3 : 1000000;
    int status = run(&it, losses, 0, STEPS, &options);
    int same = memcmp(it.m, before.m, sizeof it.m) == 0;
    CHECK(status == (c < 10 ? STATUS_INTERRUPTED : STATUS_OK), "case %d: %d", c, status);
    CHECK(same == (c < 10), "case %d: networks %s", c, same ? "stand" : "changed");
  }
}

/* What is no model: by its own heads, and for these pairs. */
static void check_bad_arguments(void) {
  static trained_model it;
  double losses[2];
  make_trained(&it, 2, D + 1);
  pairs b = make_pairs(NULL);
  b.heads = &it.heads;
  row_source source = pairs_source(&b);
  CHECK(match_run(&it.heads, losses, 0, 1, &source, &defaults, NULL, 0) ==
            STATUS_NO_SPACE, "no workspace");
  for (int c = 0; c < 12; c++) {
    make_trained(&it, 3, D + 1);
    head *h = it.head, swap = h[1];
    CHECK(heads_check(&it.heads) == STATUS_OK, "three heads");
    if (c == 0) h[0].shape.outputs = D + 1;
    if (c == 1) h[0].shape.inputs = D;
    if (c == 2) h[1].shape.outputs = 2;
    if (c == 3) h[1].shape.inputs = D + 2;
    if (c == 4) h[2].shape.inputs = D;
    if (c == 5) h[2].scale = 0;
    if (c == 6) h[1].offset = NAN;
    if (c == 7) h[0].offset = 1;
    if (c == 8) h[1] = h[2], h[2] = swap;
    if (c == 9) h[2].kind = HEAD_GROWTH;
    if (c == 10) it.heads.head++, it.heads.count = 2; /* no velocity */
    if (c == 11) it.heads.count = 0;
    CHECK(heads_check(&it.heads) == STATUS_BAD_ARGUMENT, "case %d", c);
    CHECK(match_run(&it.heads, losses, 0, 1, &source, &defaults, NULL, 0) ==
              STATUS_BAD_ARGUMENT, "case %d", c);
  }
  make_trained(&it, 3, D + 1);
  CHECK(pairs_check(&b) == STATUS_BAD_ARGUMENT, "pairs have no score");
  b.heads = NULL;
  CHECK(pairs_check(&b) == STATUS_BAD_ARGUMENT, "no heads");
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_rows();
  check_weights();
  check_two_sided();
  check_balanced();
  check_stays();
  check_rows_beside();
  check_noise();
  check_rows_by_number();
  check_many_features();
  check_bends();
  check_no_overshoot();
  check_against_twin(2, D + 1);
  check_against_twin(2, D);
  check_against_twin(1, 0);
  check_three_heads();
  check_invariance();
  check_interrupt();
  check_bad_arguments();
  return check_report("test_match");
}
