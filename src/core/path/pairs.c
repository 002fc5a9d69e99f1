#include "path/pairs.h"
#include "path/fill.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include <math.h>

enum {
  WIDE_ROWS = 8, /* one row in so many is wide */
  NOISE = 4096 /* normals drawn together, unless a single row needs more */
};

static size_t noisy_rows(size_t d) {
  size_t fit = NOISE / d;
  return fit < 1 ? 1 : fit < DRAWN_ROWS ? fit : DRAWN_ROWS;
}

static size_t whole_groups(size_t n) {
  return (n + NORMALS_GROUP - 1) / NORMALS_GROUP * NORMALS_GROUP;
}

/* Floats of scratch for noise. */
static size_t noise_floats(size_t d) {
  return whole_groups(noisy_rows(d) * d) + NORMALS_GROUP;
}

static int is_noisy(const pairs *b) {
  for (size_t k = 0; b->sigma && k < b->intervals; k++)
    if (b->sigma[k] > 0) return 1;
  return b->wide > 0;
}

static int is_wide(const pairs *b, uint64_t step, size_t index) {
  return b->wide > 0 && (index + step) % WIDE_ROWS == 0;
}

/* The normals of a step are one sequence, d of them for each row, drawn in whole groups.
 * Returns those of rows first ... first + count - 1. */
static const float *draw_noise(float *noise, const pairs *b, rng_key key, uint64_t step,
                               size_t first, size_t count) {
  size_t from = first * b->d / NORMALS_GROUP * NORMALS_GROUP;
  size_t length = (first + count) * b->d - from;
  const uint32_t counter[4] = {(uint32_t)(from / 4), (uint32_t)step,
                               (uint32_t)(step >> 32), RNG_NOISE};
  kernels_get()->normals(noise, whole_groups(length), counter, key);
  return noise + (first * b->d - from);
}

/* What one thread needs. */
typedef struct {
  float *noise;
  interpolant_rows learned; /* DRAWN_ROWS of them, where the path reads them */
} scratch;

static void layout(arena *a, scratch *s, const pairs *p) {
  s->noise = arena_take(a, noise_floats(p->d), sizeof(float));
  if (p->path->reads_learned)
    interpolant_layout(a, &s->learned, &p->learned->shape, DRAWN_ROWS);
}

static void evaluate_learned(interpolant_rows *r, const pairs *p,
                             const drawn_pair *drawn, size_t count) {
  for (size_t i = 0; i < count; i++) {
    drawn_ends e = ends_of(p, drawn + i);
    interpolant_input(r, i, p->d, p->cells + e.from * p->d, p->cells + e.to * p->d,
                      drawn_time(p, drawn + i));
  }
  interpolant_forward(r, p->learned, count);
}

/* The noise of a few rows at a time, while it is in the first-level cache. */
static void draw_rows(const rows *out, size_t at, const pairs *b, rng_key key,
                      uint64_t step, size_t first, size_t count, scratch *s) {
  drawn_pair drawn[DRAWN_ROWS];
  draw_pairs(drawn, b, key, step, first, count);
  int bent = b->path->reads_learned;
  if (bent) evaluate_learned(&s->learned, b, drawn, count);
  size_t few = noisy_rows(b->d);
  const float *noise = NULL;
  for (size_t r = 0; r < count; r++) {
    if (is_noisy(b))
      noise = r % few ? noise + b->d
                      : draw_noise(s->noise, b, key, step, first + r,
                                   count - r < few ? count - r : few);
    int wide = is_wide(b, step, (first + r) / b->intervals);
    row_vectors own = {.noise = noise};
    if (bent) {
      own.learned = s->learned.out + r * kernel_pad(b->d);
      own.learned_rate = s->learned.rate + r * kernel_pad(b->d);
    }
    fill_row(out, at + r, b, drawn + r, wide, &own);
  }
}

static void draw(const rows *out, const row_source *self, rng_key key, uint64_t step,
                 size_t first, size_t count, void *space) {
  scratch s;
  arena a = arena_over(space, self->scratch);
  layout(&a, &s, self->data);
  for (size_t at = 0; at < count; at += DRAWN_ROWS)
    draw_rows(out, at, self->data, key, step, first + at,
              count - at < DRAWN_ROWS ? count - at : DRAWN_ROWS, &s);
}

/* Whether a parameter is there, if it is needed, and finite and not negative. */
static int parameter_fits(const double *values, size_t count, int needed) {
  if (!values) return !needed;
  for (size_t k = 0; k < count; k++)
    if (!(values[k] >= 0) || !isfinite(values[k]) || (needed && values[k] == 0)) return 0;
  return 1;
}

/* The path has what it needs, and growth a target that it can have. */
static int path_fits(const pairs *p) {
  const path *joins = p->path;
  return joins && parameter_fits(p->sigma, p->intervals, joins->needs_sigma) &&
         parameter_fits(p->delta, p->intervals, joins->needs_delta) &&
         (joins->constant_rate || !p->log_growth) &&
         (!joins->reads_learned ||
          (p->learned && interpolant_fits(&p->learned->shape, p->d)));
}

int pairs_check(const pairs *p) {
  if (p->intervals == 0 || !p->heads || heads_check(p->heads) || p->heads->d != p->d ||
      !path_fits(p))
    return STATUS_BAD_ARGUMENT;
  int scored = heads_find(p->heads, HEAD_SCORE) || heads_find(p->heads, HEAD_POTENTIAL);
  if (scored && !p->path->gives_score) return STATUS_BAD_ARGUMENT;
  return STATUS_OK;
}

row_source pairs_source(const pairs *p) {
  arena a = {0};
  scratch s;
  layout(&a, &s, p);
  return (row_source){arena_size(&a), draw, p};
}
