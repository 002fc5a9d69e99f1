#include "path/pairs.h"
#include "path/hermite.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include <math.h>

/* One row in WIDE_ROWS is wide, and weighs so much of another. */
static const double wide_weight = 0.02;

enum {
  WIDE_ROWS = 8,
  ROWS = 64,   /* rows whose pairs are drawn together */
  NOISE = 4096 /* normals drawn together, unless a single row needs more */
};

static size_t noisy_rows(size_t d) {
  size_t fit = NOISE / d;
  return fit < 1 ? 1 : fit < ROWS ? fit : ROWS;
}

static size_t whole_groups(size_t n) {
  return (n + NORMALS_GROUP - 1) / NORMALS_GROUP * NORMALS_GROUP;
}

/* Floats of scratch for noise. */
static size_t noise_floats(size_t d) {
  return whole_groups(noisy_rows(d) * d) + NORMALS_GROUP;
}

/* Additive recurrence in three dimensions with the generalised golden ratio, the root of
 * x^4 = x + 1 (Roberts 2018): strides x^-1, x^-2, x^-3. Under a random shift every point
 * is uniform, and together they fill the cube more evenly than independent ones, which
 * takes noise out of the gradients. */
static const double strides[3] = {0.8191725133961645, 0.6710436067037893,
                                  0.5497004779019703};

static double recurrence(double shift, size_t index, double stride) {
  double at = shift + (double)index * stride;
  return at - floor(at);
}

/* Adds the bend to the place and the velocity of a straight line at s: the cubic Hermite
 * polynomials of the two end slopes, and their derivatives. At the first and the last
 * time nothing is known of the slope; there a path ends without curvature, as natural
 * splines do: the slope changes by half of what it does at the other end, with the
 * opposite sign. */
static void add_bend(float *place, float *velocity, const pairs *b, size_t k, size_t i,
                     size_t j, double s) {
  const double scale = b->heads->head[0].scale;
  const size_t first = b->offset[k] + i, last = b->offset[k + 1] + j;
  const float *from = b->slope_jump + first * b->d, *to = b->slope_jump + last * b->d;
  const double gap = b->times[k + 1] - b->times[k], rest = 1 - s;
  const double leave = -b->lean[first], arrive = 1 - b->lean[last];
  const double start = s * rest * rest, start_speed = rest * (1 - 3 * s);
  const double end = -s * s * rest, end_speed = s * (3 * s - 2);
  const double at_first = k == 0 ? 0.5 : 0, at_last = k + 1 == b->intervals ? 0.5 : 0;
  const float place_from = (float)(leave * gap * (start - at_last * end));
  const float place_to = (float)(arrive * gap * (end - at_first * start));
  const float speed_from =
    (float)(leave * (start_speed - at_last * end_speed) / scale);
  const float speed_to =
    (float)(arrive * (end_speed - at_first * start_speed) / scale);
  for (size_t c = 0; c < b->d; c++) {
    place[c] += place_from * from[c] + place_to * to[c];
    velocity[c] += speed_from * from[c] + speed_to * to[c];
  }
}

/* Pairs of cells, and places on the paths between them. */
typedef struct {
  int32_t source[ROWS], target[ROWS]; /* target -1: the source stays where it is */
  double s[ROWS];
} drawn_pairs;

/* Some of the rows that are drawn together, and two uniforms for each. */
typedef struct {
  size_t count, row[ROWS];
  double uniforms[2 * ROWS];
} draws;

static void add_draw(draws *d, size_t row, const uint32_t word[4], size_t index) {
  d->row[d->count] = row;
  for (size_t i = 0; i < 2; i++)
    d->uniforms[2 * d->count + i] = recurrence(rng_uniform(word[i]), index, strides[i]);
  d->count++;
}

/* Both ends of every pair: a column of the plan, by `sums` or alike for all, and its
 * partner there. */
static void draw_ends(int32_t *partner, int32_t *column, const draws *d, const plan *p,
                      const double *sums) {
  int32_t from[ROWS], to[ROWS];
  plan_draw(from, to, d->uniforms, d->count, p, sums);
  for (size_t i = 0; i < d->count; i++) {
    partner[d->row[i]] = from[i];
    column[d->row[i]] = to[i];
  }
}

/* Every row that interval k has among `count` rows from `first`. */
static void draw_pairs(drawn_pairs *p, const pairs *b, rng_key key, uint64_t step,
                       size_t first, size_t count, size_t k) {
  const uint32_t low = (uint32_t)step, high = (uint32_t)(step >> 32);
  const uint32_t counter[2][4] = {{(uint32_t)(2 * k), low, high, RNG_PAIR},
                                  {(uint32_t)(2 * k + 1), low, high, RNG_PAIR}};
  uint32_t word[2][4];
  for (size_t i = 0; i < 2; i++) rng_philox(word[i], counter[i], key);
  draws by[2] = {{.count = 0}, {.count = 0}};
  size_t skip = (k + b->intervals - first % b->intervals) % b->intervals;
  for (size_t r = skip; r < count; r += b->intervals) {
    size_t index = (first + r) / b->intervals, way = (index + step) % 2;
    add_draw(&by[way], r, word[way], index / 2);
    p->s[r] = recurrence(rng_uniform(word[0][2]), index, strides[2]);
  }
  draw_ends(p->source, p->target, &by[0], &b->plans[k], b->sums ? b->sums[k] : NULL);
  draw_ends(p->target, p->source, &by[1], &b->rows[k], NULL);
}

static int is_wide(const pairs *b, uint64_t step, size_t index) {
  return b->wide > b->noise && (index + step) % WIDE_ROWS == 0;
}

/* Log of the mass at the end of a pair over that at its start; j < 0: no partner. */
static double pair_gain(const pairs *b, size_t k, size_t i, int32_t j) {
  double gain = b->gain_source ? b->gain_source[b->offset[k] + i] : 0;
  if (b->gain_target && j >= 0)
    gain += b->gain_target[b->offset[k + 1] - b->offset[1] + (size_t)j];
  return gain;
}

/* Mass of the pair, relative to its end, over the density that it is drawn with; times
 * `factor`. */
static double row_weight(const pairs *b, size_t k, size_t i, double gain, double log_mass,
                         double factor) {
  double log_ends = b->log_ends ? b->log_ends[b->offset[k] + i] : 0;
  double density = 0.5 * (b->growth[k] + exp(log_ends));
  return factor * exp(log_mass + (log_ends - gain)) / density;
}

static void fill_row(const rows *out, size_t at, const pairs *b, size_t k, size_t i,
                     int32_t j, double s, const float *noise, int wide) {
  const heads *h = b->heads;
  size_t d = b->d, from = b->offset[k] + i;
  size_t to = j < 0 ? from : b->offset[k + 1] + (size_t)j;
  double gap = b->times[k + 1] - b->times[k], gain = pair_gain(b, k, i, j);
  double weight = row_weight(b, k, i, gain, s * gain, wide ? wide_weight : 1);
  float *input = out->input + at * (d + 1);
  float *velocity = out->target[0] + at * kernel_pad(d);
  kernels_get()->join(input, velocity, b->cells + from * d, b->cells + to * d, noise,
                      (float)s, (float)(1 / (gap * h->head[0].scale)),
                      (float)(wide ? b->wide : b->noise), d);
  if (b->slope_jump && j >= 0) add_bend(input, velocity, b, k, i, (size_t)j, s);
  input[d] = (float)(b->times[k] + s * gap);
  out->weight[0][at] = (float)weight;
  size_t place = heads_place(h, HEAD_GROWTH);
  if (place == h->count) return;
  const head *growth = h->head + place;
  double rate = (b->log_growth ? b->log_growth[from] : gain) / gap;
  out->target[place][at * kernel_pad(1)] =
      (float)((rate - growth->offset) / growth->scale);
  out->weight[place][at] = (float)(weight * b->trust[k]);
}

/* The normals of a step are one sequence, d of them for each row, drawn in whole groups.
 * Returns those of rows first ... first + count - 1. */
static const float *draw_noise(float *noise, const pairs *b, rng_key key, uint64_t step,
                               size_t first, size_t count) {
  size_t from = first * b->d / NORMALS_GROUP * NORMALS_GROUP;
  size_t length = (first + count) * b->d - from;
  const uint32_t counter[4] = {(uint32_t)(from / 4), (uint32_t)step,
                               (uint32_t)(step >> 32), RNG_NOISE};
  kernels_get()->normals(noise, whole_groups(length), counter, key);
  return noise + (first * b->d - from);
}

/* The noise of a few rows at a time, while it is in the first-level cache. */
static void draw_rows(const rows *out, size_t at, const pairs *b, rng_key key,
                      uint64_t step, size_t first, size_t count, float *scratch) {
  drawn_pairs p;
  for (size_t k = 0; k < b->intervals && k < count; k++)
    draw_pairs(&p, b, key, step, first, count, (first + k) % b->intervals);
  size_t few = noisy_rows(b->d);
  const float *noise = NULL;
  for (size_t r = 0; r < count; r++) {
    if (b->noise > 0 || b->wide > 0)
      noise = r % few ? noise + b->d
                      : draw_noise(scratch, b, key, step, first + r,
                                   count - r < few ? count - r : few);
    int wide = is_wide(b, step, (first + r) / b->intervals);
    fill_row(out, at + r, b, (first + r) % b->intervals, (size_t)p.source[r],
             p.target[r], p.s[r], noise, wide);
  }
}

static void draw(const rows *out, const row_source *self, rng_key key, uint64_t step,
                 size_t first, size_t count, void *scratch) {
  for (size_t at = 0; at < count; at += ROWS)
    draw_rows(out, at, self->data, key, step, first + at,
              count - at < ROWS ? count - at : ROWS, scratch);
}

int pairs_check(const pairs *p) {
  if (p->intervals == 0 || !p->heads || heads_check(p->heads) || p->heads->d != p->d ||
      heads_find(p->heads, HEAD_SCORE))
    return STATUS_BAD_ARGUMENT;
  return STATUS_OK;
}

row_source pairs_source(const pairs *p) {
  return (row_source){noise_floats(p->d) * sizeof(float), draw, p};
}
