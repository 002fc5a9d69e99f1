#include "bridge.h"
#include "bend.h"
#include "kernels.h"
#include <math.h>

/* Paths that begin in cells with next to no descendants weigh no more than this. */
static const double weight_limit = 20;

enum {
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

size_t bridge_noise(size_t d) {
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
 * polynomials of the two end slopes, and their derivatives. */
static void add_bend(float *place, float *velocity, const bridge *b, size_t k, size_t i,
                     size_t j, double s) {
  const float *from = b->turn + (b->offset[k] + i) * b->d;
  const float *to = b->turn + (b->offset[k + 1] + j) * b->d;
  const double gap = b->times[k + 1] - b->times[k], rest = 1 - s;
  const double leave = bend_leaving(b, k), arrive = bend_arriving(b, k);
  const float place_from = (float)(leave * gap * s * rest * rest);
  const float place_to = (float)(-arrive * gap * s * s * rest);
  const float speed_from = (float)(leave * rest * (1 - 3 * s) / b->velocity_scale);
  const float speed_to = (float)(arrive * s * (3 * s - 2) / b->velocity_scale);
  for (size_t c = 0; c < b->d; c++) {
    place[c] += place_from * from[c] + place_to * to[c];
    velocity[c] += speed_from * from[c] + speed_to * to[c];
  }
}

/* Pairs of cells, and places on the paths between them. */
typedef struct {
  int32_t source[ROWS], target[ROWS];
  double s[ROWS];
} pairs;

/* Every row that interval k has among `count` rows from `first`. */
static void draw_pairs(pairs *p, const bridge *b, rng_key key, uint64_t step,
                       size_t first, size_t count, size_t k) {
  const uint32_t counter[4] = {(uint32_t)k, (uint32_t)step, (uint32_t)(step >> 32),
                               RNG_PAIR};
  uint32_t word[4];
  rng_philox(word, counter, key);
  size_t skip = (k + b->intervals - first % b->intervals) % b->intervals, found = 0;
  double uniforms[2 * ROWS];
  for (size_t r = skip; r < count; r += b->intervals, found++) {
    size_t index = (first + r) / b->intervals;
    for (size_t i = 0; i < 2; i++)
      uniforms[2 * found + i] = recurrence(rng_uniform(word[i]), index, strides[i]);
    p->s[r] = recurrence(rng_uniform(word[2]), index, strides[2]);
  }
  int32_t source[ROWS], target[ROWS];
  plan_draw(source, target, uniforms, found, &b->plans[k], NULL);
  for (size_t f = 0; f < found; f++) {
    p->source[skip + f * b->intervals] = source[f];
    p->target[skip + f * b->intervals] = target[f];
  }
}

static void fill_row(bridge_rows *rows, size_t at, const bridge *b, size_t k, size_t i,
                     size_t j, double s, const float *noise) {
  size_t d = b->d;
  double gap = b->times[k + 1] - b->times[k];
  double log_children = b->log_children[b->offset[k] + i];
  float *input = rows->input + at * (d + 1);
  float *velocity = rows->velocity + at * kernel_pad(d);
  kernels_get()->join(input, velocity, b->cells + (b->offset[k] + i) * d,
                      b->cells + (b->offset[k + 1] + j) * d, noise, (float)s,
                      (float)(1 / (gap * b->velocity_scale)), (float)b->noise, d);
  if (b->turn) add_bend(input, velocity, b, k, i, j, s);
  for (size_t c = d; c < kernel_pad(d); c++) velocity[c] = 0;
  input[d] = (float)(b->times[k] + s * gap);
  rows->growth[at] = (float)((log_children / gap - b->growth_offset) / b->growth_scale);
  rows->weight[at] = (float)fmin(exp((s - 1) * log_children), weight_limit);
}

/* The normals of a step are one sequence, d of them for each row, drawn in whole groups.
 * Returns those of rows first ... first + count - 1. */
static const float *draw_noise(bridge_rows *rows, const bridge *b, rng_key key,
                               uint64_t step, size_t first, size_t count) {
  size_t from = first * b->d / NORMALS_GROUP * NORMALS_GROUP;
  size_t length = (first + count) * b->d - from;
  const uint32_t counter[4] = {(uint32_t)(from / 4), (uint32_t)step,
                               (uint32_t)(step >> 32), RNG_NOISE};
  kernels_get()->normals(rows->noise, whole_groups(length), counter, key);
  return rows->noise + (first * b->d - from);
}

/* The noise of a few rows at a time, while it is in the first-level cache. */
static void draw_rows(bridge_rows *rows, size_t at, const bridge *b, rng_key key,
                      uint64_t step, size_t first, size_t count) {
  pairs p;
  for (size_t k = 0; k < b->intervals && k < count; k++)
    draw_pairs(&p, b, key, step, first, count, (first + k) % b->intervals);
  size_t few = noisy_rows(b->d);
  const float *noise = NULL;
  for (size_t r = 0; r < count; r++) {
    if (b->noise > 0)
      noise = r % few ? noise + b->d
                      : draw_noise(rows, b, key, step, first + r,
                                   count - r < few ? count - r : few);
    fill_row(rows, at + r, b, (first + r) % b->intervals, (size_t)p.source[r],
             (size_t)p.target[r], p.s[r], noise);
  }
}

void bridge_draw(bridge_rows *rows, const bridge *b, rng_key key, uint64_t step,
                 size_t first, size_t count) {
  for (size_t at = 0; at < count; at += ROWS)
    draw_rows(rows, at, b, key, step, first + at, count - at < ROWS ? count - at : ROWS);
}
