#include "path/pairs.h"
#include "path/fill.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include <math.h>

enum {
  WIDE_ROWS = 8, /* one row in so many is wide */
  ROWS = 64,   /* rows whose pairs are drawn together */
  NOISE = 4096 /* normals drawn together, unless a single row needs more */
};

static size_t noisy_rows(size_t d) {
  size_t fit = NOISE / d;
  return fit < 1 ? 1 : fit < ROWS ? fit : ROWS;
}

static size_t whole_groups(size_t n) {
  return (n + NORMALS_GROUP - 1) / NORMALS_GROUP * NORMALS_GROUP;
}

/* Floats of scratch for noise. */
static size_t noise_floats(size_t d) {
  return whole_groups(noisy_rows(d) * d) + NORMALS_GROUP;
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

/* Pairs of cells, and places on the paths between them. */
typedef struct {
  int32_t source[ROWS], target[ROWS]; /* target -1: the source stays where it is */
  double s[ROWS];
} drawn_pairs;

/* Some of the rows that are drawn together, and two uniforms for each. */
typedef struct {
  size_t count, row[ROWS];
  double uniforms[2 * ROWS];
} draws;

static void add_draw(draws *d, size_t row, const uint32_t word[4], size_t index) {
  d->row[d->count] = row;
  for (size_t i = 0; i < 2; i++)
    d->uniforms[2 * d->count + i] = recurrence(rng_uniform(word[i]), index, strides[i]);
  d->count++;
}

/* Both ends of every pair: a column of the plan, by `sums` or alike for all, and its
 * partner there. */
static void draw_ends(int32_t *partner, int32_t *column, const draws *d, const plan *p,
                      const double *sums) {
  int32_t from[ROWS], to[ROWS];
  plan_draw(from, to, d->uniforms, d->count, p, sums);
  for (size_t i = 0; i < d->count; i++) {
    partner[d->row[i]] = from[i];
    column[d->row[i]] = to[i];
  }
}

/* Every row that interval k has among `count` rows from `first`. */
static void draw_pairs(drawn_pairs *p, const pairs *b, rng_key key, uint64_t step,
                       size_t first, size_t count, size_t k) {
  const uint32_t low = (uint32_t)step, high = (uint32_t)(step >> 32);
  const uint32_t counter[2][4] = {{(uint32_t)(2 * k), low, high, RNG_PAIR},
                                  {(uint32_t)(2 * k + 1), low, high, RNG_PAIR}};
  uint32_t word[2][4];
  for (size_t i = 0; i < 2; i++) rng_philox(word[i], counter[i], key);
  draws by[2] = {{.count = 0}, {.count = 0}};
  size_t skip = (k + b->intervals - first % b->intervals) % b->intervals;
  for (size_t r = skip; r < count; r += b->intervals) {
    size_t index = (first + r) / b->intervals, way = (index + step) % 2;
    add_draw(&by[way], r, word[way], index / 2);
    p->s[r] = recurrence(rng_uniform(word[0][2]), index, strides[2]);
  }
  draw_ends(p->source, p->target, &by[0], &b->plans[k], b->sums ? b->sums[k] : NULL);
  draw_ends(p->target, p->source, &by[1], &b->rows[k], NULL);
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

/* The noise of a few rows at a time, while it is in the first-level cache. */
static void draw_rows(const rows *out, size_t at, const pairs *b, rng_key key,
                      uint64_t step, size_t first, size_t count, float *scratch) {
  drawn_pairs p;
  for (size_t k = 0; k < b->intervals && k < count; k++)
    draw_pairs(&p, b, key, step, first, count, (first + k) % b->intervals);
  size_t few = noisy_rows(b->d);
  const float *noise = NULL;
  for (size_t r = 0; r < count; r++) {
    if (is_noisy(b))
      noise = r % few ? noise + b->d
                      : draw_noise(scratch, b, key, step, first + r,
                                   count - r < few ? count - r : few);
    size_t k = (first + r) % b->intervals;
    drawn_pair drawn = {k, (size_t)p.source[r], p.target[r], p.s[r],
                        is_wide(b, step, (first + r) / b->intervals)};
    fill_row(out, at + r, b, &drawn, noise);
  }
}

static void draw(const rows *out, const row_source *self, rng_key key, uint64_t step,
                 size_t first, size_t count, void *scratch) {
  for (size_t at = 0; at < count; at += ROWS)
    draw_rows(out, at, self->data, key, step, first + at,
              count - at < ROWS ? count - at : ROWS, scratch);
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
         (joins->constant_rate || !p->log_growth);
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
  return (row_source){noise_floats(p->d) * sizeof(float), draw, p};
}
