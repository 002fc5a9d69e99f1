#include "transport/cost.h"
#include "base/parallel.h"
#include <math.h>

#define PANEL_VALUES ((size_t)2048) /* 16 KiB, half a first-level cache */
#define PANEL_LEAST ((size_t)32)    /* points: fewer keep the processor waiting */
/* Panels and targets that are dealt with together, so that what they share, some features
 * of the targets and the costs, stays in the second-level cache. */
#define TILE_PANELS ((size_t)8)
#define TILE_TARGETS ((size_t)256)

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static size_t panel_width(size_t n, size_t d) {
  size_t fits = d == 0 ? PANEL_VALUES : PANEL_VALUES / d;
  size_t width = fits < PANEL_LEAST ? PANEL_LEAST : fits / 8 * 8;
  size_t all = (n + 7) / 8 * 8;
  return width < all ? width : all;
}

void cost_layout(arena *space, cost_columns *cost, size_t n, size_t m, size_t d,
                 double delta, size_t memory) {
  size_t values, bytes;
  *cost = (cost_columns){
    .n = n, .m = m, .d = d, .delta = delta, .width = panel_width(n, d)};
  cost->panels = n / cost->width + (n % cost->width != 0);
  if (size_mul(cost->panels * cost->width, d, &values)) space->failed = 1;
  cost->x = arena_take(space, values, sizeof *cost->x);
  if ((d <= COST_CACHE_FEATURES && isinf(delta)) || size_mul(n, m, &values) ||
      size_mul(values, sizeof *cost->cache, &bytes) || bytes > memory)
    return;
  cost->cache = arena_take(space, values, sizeof *cost->cache);
}

static size_t panel_points(const cost_columns *cost, size_t panel) {
  return smaller(cost->n - panel * cost->width, cost->width);
}

/* Costs of targets first ... end - 1, a column in `stride` of out each, against panels
 * `panel` ... last - 1, some features at a time: these of a panel stay in the first-level
 * cache for all targets. */
static void tile_costs(const cost_columns *cost, double *out, size_t stride, size_t panel,
                       size_t last, size_t first, size_t end) {
  size_t d = cost->d, width = cost->width, some = PANEL_VALUES / width, k = 0;
  do {
    size_t features = smaller(d - k, some);
    for (size_t p = panel; p < last; p++)
      kernels_get()->sqdist(out + p * width, stride, cost->x + (p * d + k) * width, width,
                            cost->y + first * d + k, d, panel_points(cost, p),
                            end - first, features, k > 0);
    k += features;
  } while (k < d);
}

/* Of a squared distance. Near 0 a cosine has no digits, near pi / 2 a sine has none. */
static double log_cos(double square, double delta) {
  double angle = sqrt(square) / (2 * delta), unit = 4 * delta * delta;
  if (!(angle < acos(0))) return COST_FAR;
  double sine = sin(angle);
  return unit * (angle < 0.75 ? -log1p(-sine * sine) : -2 * log(cos(angle)));
}

static void squares_to_costs(double *value, size_t count, double delta) {
  if (isinf(delta)) return;
  for (size_t i = 0; i < count; i++) value[i] = log_cos(value[i], delta);
}

void cost_prepare(cost_columns *cost, const double *x, const double *y, int threads) {
  (void)threads; /* without OpenMP */
  kernels_get(); /* chosen here, before threads ask for it */
  cost->y = y;
  for (size_t panel = 0; panel < cost->panels; panel++) {
    double *out = cost->x + panel * cost->d * cost->width;
    size_t points = panel_points(cost, panel);
    for (size_t k = 0; k < cost->d; k++)
      for (size_t i = 0; i < cost->width; i++)
        out[k * cost->width + i] =
            i < points ? x[(panel * cost->width + i) * cost->d + k] : 0;
  }
  if (cost->cache == NULL) return;
  size_t groups = (cost->panels + TILE_PANELS - 1) / TILE_PANELS;
  size_t columns = (cost->m + TILE_TARGETS - 1) / TILE_TARGETS;
  PARALLEL_FOR(threads)
  for (size_t tile = 0; tile < groups * columns; tile++) {
    size_t panel = tile % groups * TILE_PANELS, j = tile / groups * TILE_TARGETS;
    tile_costs(cost, cost->cache + j * cost->n, cost->n, panel,
               smaller(panel + TILE_PANELS, cost->panels), j,
               smaller(j + TILE_TARGETS, cost->m));
  }
  if (isinf(cost->delta)) return;
  PARALLEL_FOR(threads)
  for (size_t j = 0; j < cost->m; j++)
    squares_to_costs(cost->cache + j * cost->n, cost->n, cost->delta);
}

const double *cost_column(const cost_columns *cost, double *buffer, size_t j) {
  if (cost->cache) return cost->cache + j * cost->n;
  tile_costs(cost, buffer, 0, 0, cost->panels, j, j + 1);
  squares_to_costs(buffer, cost->n, cost->delta);
  return buffer;
}

/* NaN stays NaN: fmax() would drop it. */
static double furthest(const double *x, size_t n, size_t d, const double *centre) {
  double most = 0;
  for (size_t i = 0; i < n; i++) {
    double total = 0;
    for (size_t k = 0; k < d; k++) {
      double diff = x[i * d + k] - centre[k];
      total += diff * diff;
    }
    if (!(total <= most)) most = total;
    if (!isfinite(total)) return total;
  }
  return sqrt(most);
}

double cost_bound(const double *x, const double *y, size_t n, size_t m, size_t d,
                  double delta, double *centre) {
  for (size_t k = 0; k < d; k++) centre[k] = 0;
  for (size_t j = 0; j < m; j++)
    for (size_t k = 0; k < d; k++) centre[k] += y[j * d + k] / (double)m;
  double reach = furthest(x, n, d, centre) + furthest(y, m, d, centre);
  if (isinf(delta) || !isfinite(reach * reach)) return reach * reach;
  /* No cosine in double is below 6e-17 short of pi / 2. */
  return fmin(log_cos(reach * reach, delta), 300 * delta * delta);
}
