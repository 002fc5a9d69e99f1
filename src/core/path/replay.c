#include "path/replay.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include <string.h>

/* The record of a row: uniform within its stratum, a function of (key, step, row). */
static size_t pick(const replay *r, rng_key key, uint64_t step, size_t row) {
  const uint32_t counter[4] = {(uint32_t)row, (uint32_t)step, (uint32_t)(step >> 32),
                               RNG_BATCH};
  uint32_t word[4];
  rng_philox(word, counter, key);
  size_t stratum = row % r->strata, first = r->offset[stratum];
  size_t count = r->offset[stratum + 1] - first;
  size_t place = (size_t)(rng_uniform(word[0]) * (double)count);
  return first + (place < count ? place : count - 1);
}

static void fill(const rows *out, size_t at, const replay *r, size_t record) {
  size_t d = r->heads->d;
  memcpy(out->input + at * (d + 1), r->input + record * (d + 1), (d + 1) * sizeof(float));
  for (size_t i = 0; i < r->heads->count; i++) {
    const head *h = r->heads->head + i;
    size_t outputs = h->shape.outputs;
    const float *value = r->target[i] + record * outputs;
    float *target = out->target[i] + at * kernel_pad(outputs);
    for (size_t c = 0; c < outputs; c++)
      target[c] = (float)((value[c] - h->offset) / h->scale);
    out->weight[i][at] = r->weight[i] ? r->weight[i][record] : 1;
  }
}

static void draw(const rows *out, const row_source *self, rng_key key, uint64_t step,
                 size_t first, size_t count, void *scratch) {
  const replay *r = self->data;
  (void)scratch;
  for (size_t i = 0; i < count; i++)
    fill(out, i, r, pick(r, key, step, first + i));
}

int replay_check(const replay *r) {
  if (!r->heads || heads_check(r->heads) || r->strata == 0 || !r->offset || !r->input ||
      r->offset[0] != 0)
    return STATUS_BAD_ARGUMENT;
  for (size_t k = 0; k < r->strata; k++)
    if (r->offset[k + 1] <= r->offset[k]) return STATUS_BAD_ARGUMENT;
  for (size_t i = 0; i < r->heads->count; i++)
    if (!r->target[i]) return STATUS_BAD_ARGUMENT;
  return STATUS_OK;
}

row_source replay_source(const replay *r) { return (row_source){0, draw, r}; }
