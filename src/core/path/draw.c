#include "path/draw.h"
#include <math.h>

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

/* Some of the rows that are drawn together, and two uniforms for each. */
typedef struct {
  size_t count, row[DRAWN_ROWS];
  double uniforms[2 * DRAWN_ROWS];
} draws;

static void add_draw(draws *d, size_t row, const uint32_t word[4], size_t index) {
  d->row[d->count] = row;
  for (size_t i = 0; i < 2; i++)
    d->uniforms[2 * d->count + i] = recurrence(rng_uniform(word[i]), index, strides[i]);
  d->count++;
}

/* Both ends of every pair: a column of the plan, by `sums` or alike for all, and its
 * partner there. */
static void draw_ends(drawn_pair *out, const draws *d, const plan *p, const double *sums,
                      int by_source) {
  int32_t from[DRAWN_ROWS], to[DRAWN_ROWS];
  plan_draw(from, to, d->uniforms, d->count, p, sums);
  for (size_t i = 0; i < d->count; i++) {
    drawn_pair *at = out + d->row[i];
    at->source = (size_t)(by_source ? to[i] : from[i]);
    at->target = by_source ? from[i] : to[i];
  }
}

/* Every row that interval k has among `count` rows from `first`. */
static void draw_interval(drawn_pair *out, const pairs *b, rng_key key, uint64_t step,
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
    out[r].interval = k;
    out[r].s = recurrence(rng_uniform(word[0][2]), index, strides[2]);
  }
  draw_ends(out, &by[0], &b->plans[k], b->sums ? b->sums[k] : NULL, 0);
  draw_ends(out, &by[1], &b->rows[k], NULL, 1);
}

void draw_pairs(drawn_pair *out, const pairs *p, rng_key key, uint64_t step,
                size_t first, size_t count) {
  for (size_t k = 0; k < p->intervals && k < count; k++)
    draw_interval(out, p, key, step, first, count, (first + k) % p->intervals);
}

drawn_ends ends_of(const pairs *p, const drawn_pair *drawn) {
  size_t k = drawn->interval, from = p->offset[k] + drawn->source;
  int alone = drawn->target < 0;
  return (drawn_ends){from, alone ? from : p->offset[k + 1] + (size_t)drawn->target};
}

double drawn_time(const pairs *p, const drawn_pair *drawn) {
  const double *at = p->times + drawn->interval;
  return at[0] + drawn->s * (at[1] - at[0]);
}
