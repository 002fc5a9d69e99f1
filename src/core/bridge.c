#include "bridge.h"
#include "bend.h"
#include "kernels.h"
#include <math.h>

/* Paths that begin in cells with next to no descendants weigh no more than this. */
static const double weight_limit = 20;

size_t bridge_noise(size_t d) {
  return (d + NORMALS_GROUP - 1) / NORMALS_GROUP * NORMALS_GROUP;
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

static void draw_row(bridge_rows *rows, size_t at, const bridge *b, rng_key key,
                     uint64_t step, size_t row) {
  const uint32_t low = (uint32_t)step, high = (uint32_t)(step >> 32);
  size_t k = row % b->intervals;
  const uint32_t counter[4] = {(uint32_t)k, low, high, RNG_PAIR};
  uint32_t word[4];
  rng_philox(word, counter, key);
  double place[3];
  for (int i = 0; i < 3; i++)
    place[i] = recurrence(rng_uniform(word[i]), row / b->intervals, strides[i]);
  const double uniforms[2] = {place[0], place[1]}, s = place[2];
  int32_t i, j;
  plan_draw(&i, &j, uniforms, 1, &b->plans[k], NULL);
  const float *x = b->cells + (b->offset[k] + (size_t)i) * b->d;
  const float *y = b->cells + (b->offset[k + 1] + (size_t)j) * b->d;
  double gap = b->times[k + 1] - b->times[k];
  double log_children = b->log_children[b->offset[k] + (size_t)i];

  float *input = rows->input + at * (b->d + 1);
  float *velocity = rows->velocity + at * kernel_pad(b->d);
  const float part = (float)s, speed = (float)(1 / (gap * b->velocity_scale));
  for (size_t c = 0; c < b->d; c++) {
    float change = y[c] - x[c];
    input[c] = x[c] + part * change;
    velocity[c] = change * speed;
  }
  for (size_t c = b->d; c < kernel_pad(b->d); c++) velocity[c] = 0;
  if (b->turn) add_bend(input, velocity, b, k, (size_t)i, (size_t)j, s);
  if (b->noise > 0) {
    const float sd = (float)b->noise;
    uint32_t blocks = (uint32_t)(bridge_noise(b->d) / 4);
    const uint32_t at_noise[4] = {(uint32_t)row * blocks, low, high, RNG_NOISE};
    kernels_get()->normals(rows->noise, bridge_noise(b->d), at_noise, key);
    for (size_t c = 0; c < b->d; c++) input[c] += sd * rows->noise[c];
  }
  input[b->d] = (float)(b->times[k] + s * gap);
  rows->growth[at] = (float)((log_children / gap - b->growth_offset) / b->growth_scale);
  rows->weight[at] = (float)fmin(exp((s - 1) * log_children), weight_limit);
}

void bridge_draw(bridge_rows *rows, const bridge *b, rng_key key, uint64_t step,
                 size_t first, size_t count) {
  for (size_t r = 0; r < count; r++) draw_row(rows, r, b, key, step, first + r);
}
