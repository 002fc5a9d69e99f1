/* Brownian paths that can be refined: for each of n cells and d components a path over
 * the unit interval, as the increments over its 2^level equal parts.
 *
 * Every part is split in two by a normal number that belongs to (key, cell, part). The
 * halves of a part sum to it, so solutions with step h and h / 2 see one path. A path
 * depends neither on the other cells nor on how far it is refined (Levy's construction;
 * Gaines and Lyons 1997). */
#ifndef VGFM_BROWNIAN_H
#define VGFM_BROWNIAN_H

#include "base/arena.h"
#include "base/rng.h"

#define BROWNIAN_DEEPEST 24 /* levels at most; the number of a part has 32 bits */

typedef struct {
  size_t n, d;
  int level;
  const uint32_t *cell; /* (n) */
  rng_key key;
  double *part;         /* (level + 1, n, d): the parts, one per level, that we are in */
  float *normal;        /* (d) up to whole groups of normals */
} brownian;

/* Takes room for up to n cells and levels 0 ... deepest. */
void brownian_layout(arena *a, brownian *b, size_t n, size_t d, int deepest);

/* Paths of n cells down to `level`; `cell` must outlive them. */
void brownian_begin(brownian *b, rng_key key, const uint32_t *cell, size_t n, int level);

/* Enters part `index` of the deepest level. Parts are entered in order: 0, 1, ... */
void brownian_enter(brownian *b, size_t index);

/* Increments (n, d) over the part of `level` that we are in. */
static inline const double *brownian_part(const brownian *b, int level) {
  return b->part + (size_t)level * b->n * b->d;
}

#endif
