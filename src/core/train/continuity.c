#include "train/continuity.h"
#include <string.h>

static size_t pick(const continuity *c, rng_key key, uint64_t step, size_t row) {
  const uint32_t counter[4] = {(uint32_t)row, (uint32_t)step, (uint32_t)(step >> 32),
                               RNG_EQUATION};
  uint32_t word[4];
  rng_philox(word, counter, key);
  size_t record = (size_t)(rng_uniform(word[0]) * (double)c->records);
  return record < c->records ? record : c->records - 1;
}

void continuity_draw(float *input, float *direction, float *want, const continuity *c,
                     rng_key key, uint64_t step, size_t first, size_t count) {
  size_t columns = c->d + 1;
  for (size_t i = 0; i < count; i++) {
    size_t record = pick(c, key, step, first + i);
    memcpy(input + i * columns, c->input + record * columns, columns * sizeof *input);
    memcpy(direction + i * columns, c->direction + record * columns,
           columns * sizeof *direction);
    want[i] = c->want[record];
  }
}
