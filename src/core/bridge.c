#include "bridge.h"
#include "kernels.h"
#include <math.h>

/* Paths that begin in cells with next to no descendants weigh no more than this. */
static const double weight_limit = 20;

size_t bridge_noise(size_t d) {
  return (d + NORMALS_GROUP - 1) / NORMALS_GROUP * NORMALS_GROUP;
}

static void draw_row(bridge_rows *rows, size_t at, const bridge *b, rng_key key,
                     uint64_t step, size_t row) {
  const uint32_t low = (uint32_t)step, high = (uint32_t)(step >> 32);
  const uint32_t counter[4] = {(uint32_t)row, low, high, RNG_PAIR};
  uint32_t word[4];
  rng_philox(word, counter, key);

  size_t k = row % b->intervals;
  const double uniforms[2] = {rng_uniform(word[0]), rng_uniform(word[1])};
  double s = rng_uniform(word[2]);
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
