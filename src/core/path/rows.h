/* What training sees, whoever made it: rows of a batch, with a target and a weight for
 * every head of a model, and where they come from. */
#ifndef VGFM_ROWS_H
#define VGFM_ROWS_H

#include "base/rng.h"
#include "nn/heads.h"

/* By place among the heads; what is behind the values of a target is not read. */
typedef struct {
  float *input;              /* (rows, d + 1) position, then time */
  float *target[HEADS_MOST]; /* (rows, pad(head_values)) in units of the head */
  float *weight[HEADS_MOST]; /* (rows) */
} rows;

typedef struct row_source {
  size_t scratch; /* bytes that each thread needs, aligned as by arena.h */
  /* Fills `out` with rows first ... first + count - 1 of the batch of one step, a
   * function of (key, step, row) alone. */
  void (*draw)(const rows *out, const struct row_source *self, rng_key key,
               uint64_t step, size_t first, size_t count, void *scratch);
  const void *data;
} row_source;

#endif
