/* The equation of continuity, in logs and along the flow: with velocity v and growth g of
 * a flow, its log density l has  dl/dt + v . grad l + div v - g = 0.
 *
 * A potential s is sigma^2 / 2 times a log density. So the derivative of its network's
 * output along (v, 1) must be (g - div v) sigma^2 / (2 scale), with the scale of its
 * head. The flow is given: what it says at some places is known before training. */
#ifndef VGFM_CONTINUITY_H
#define VGFM_CONTINUITY_H

#include "base/rng.h"
#include <stddef.h>

typedef struct {
  size_t d, records;
  const float *input;     /* (records, d + 1) position, then time */
  const float *direction; /* (records, d + 1) velocity, then 1 */
  const float *want;      /* (records) of the output of the network */
  double weight;          /* of squared errors beside those of a score */
} continuity;

/* Rows first ... first + count - 1 of the batch of a step, all records drawn alike, as a
 * function of (key, step, row): input and direction (count, d + 1), want (count). */
void continuity_draw(float *input, float *direction, float *want, const continuity *c,
                     rng_key key, uint64_t step, size_t first, size_t count);

#endif
