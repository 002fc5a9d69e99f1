/* What one thread needs to ask the heads of a field about a tile of cells. Shared by
 * what is done with fields: field.c, simulate.c. */
#ifndef VGFM_SCRATCH_H
#define VGFM_SCRATCH_H

#include "field/field.h"
#include "nn/potential.h"

typedef struct {
  const field *f;
  float *input;           /* (MLP_TILE, d + 1) */
  float *out[HEADS_MOST]; /* (MLP_TILE, pad(outputs)) */
  mlp_tile tile[HEADS_MOST];
  potential_tile potential; /* in place of both of such a head */
} scratch;

void scratch_layout(arena *a, scratch *l, const field *f);

/* `rows` cells (at most MLP_TILE) for the networks; x has a stride from cell to cell. */
void scratch_take(scratch *l, const double *x, const double *t, size_t rows,
                  size_t stride);

/* What the head at a place says of these cells; `value` has a stride too. */
void scratch_answer(double *value, scratch *l, size_t place, size_t rows, size_t stride);

/* Velocity and growth of n states (n, d + 1); growth is 0 in a model without. */
void scratch_derivative(double *dx, const double *x, const double *t, size_t n,
                        scratch *l);

/* Evaluations of the heads for one cell that a thread does between two polls of the
 * caller: some hundredths of a second, or half a second without vector instructions. */
size_t scratch_breath(const field *f);

/* Cells that are moved together by one thread: fewer where networks are so large that a
 * step of all, of so many evaluations each, would outlast that. */
size_t scratch_block(const field *f, size_t evaluations);

#endif
