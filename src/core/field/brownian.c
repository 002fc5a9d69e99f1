#include "field/brownian.h"
#include "kernels/kernels.h"
#include <math.h>

static size_t whole_groups(size_t d) {
  return (d + NORMALS_GROUP - 1) / NORMALS_GROUP * NORMALS_GROUP;
}

void brownian_layout(arena *a, brownian *b, size_t n, size_t d, int deepest) {
  size_t all = 0;
  if (d > SIZE_MAX / 2 || size_mul(n, d, &all) ||
      size_mul(all, (size_t)deepest + 1, &all))
    a->failed = 1;
  b->d = d;
  b->part = arena_take(a, all, sizeof(double));
  b->normal = arena_take(a, a->failed ? 0 : whole_groups(d), sizeof(float));
}

void brownian_begin(brownian *b, rng_key key, const uint32_t *cell, size_t n, int level) {
  b->key = key;
  b->cell = cell;
  b->n = n;
  b->level = level;
}

/* The d normals of one cell's part `number`. Counter: component, part, cell, use. */
static void draw(brownian *b, uint32_t number, size_t i) {
  const uint32_t counter[4] = {0, number, b->cell[i], RNG_PATH};
  kernels_get()->normals(b->normal, whole_groups(b->d), counter, b->key);
}

/* The whole path: number 0. */
static void enter_whole(brownian *b) {
  for (size_t i = 0; i < b->n; i++) {
    draw(b, 0, i);
    for (size_t c = 0; c < b->d; c++) b->part[i * b->d + c] = b->normal[c];
  }
}

/* Left half of part `index` of level - 1. A part of length H and increment D has left
 * half D / 2 + sqrt(H) / 2 Z. The parts of a level are numbered 2^level + index. */
static void enter_left(brownian *b, int level, size_t index) {
  double *half = b->part + (size_t)level * b->n * b->d;
  const double *whole = brownian_part(b, level - 1);
  double spread = 0.5 * sqrt(ldexp(1, 1 - level));
  uint32_t number = (uint32_t)(((size_t)1 << (level - 1)) + index);
  for (size_t i = 0; i < b->n; i++) {
    draw(b, number, i);
    for (size_t c = 0; c < b->d; c++)
      half[i * b->d + c] = 0.5 * whole[i * b->d + c] + spread * b->normal[c];
  }
}

/* Right half: what the left half, in which we are, leaves of the whole. */
static void enter_right(brownian *b, int level) {
  double *half = b->part + (size_t)level * b->n * b->d;
  const double *whole = brownian_part(b, level - 1);
  for (size_t i = 0; i < b->n * b->d; i++) half[i] = whole[i] - half[i];
}

void brownian_enter(brownian *b, size_t index) {
  int level = b->level;
  if (index == 0) {
    enter_whole(b);
    level = 0;
  } else { /* up to the part whose right half begins here */
    while ((index >> (b->level - level)) % 2 == 0) level--;
    enter_right(b, level);
  }
  while (level++ < b->level) enter_left(b, level, index >> (b->level - level + 1));
}
