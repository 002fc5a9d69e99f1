#include "transport/emd_levels.h"
#include <math.h>

/* --- levels ----------------------------------------------------------------------- */

static size_t coarser(size_t count) {
  return count > EMD_COARSEST ? (count + EMD_GROUP - 1) / EMD_GROUP : count;
}

static int is_coarsest(size_t n, size_t m) { return coarser(n) == n && coarser(m) == m; }

/* The most points that `count` or fewer leave on the next level: 33 become 9, but 32 stay
 * 32, and points without weight do not count. */
static size_t room(size_t count) {
  size_t next = coarser(count), most = count < EMD_COARSEST ? count : EMD_COARSEST;
  return next > most ? next : most;
}

void emd_levels_layout(arena *a, emd_level level[EMD_LEVELS], size_t n, size_t m,
                       size_t d) {
  for (size_t l = 0; l < EMD_LEVELS; l++, n = room(n), m = room(m)) {
    size_t x_size, y_size;
    int overflow = size_mul(n, d, &x_size);
    if (size_mul(m, d, &y_size) || overflow) a->failed = 1;
    level[l].x = arena_take(a, x_size, sizeof *level[l].x);
    level[l].y = arena_take(a, y_size, sizeof *level[l].y);
    level[l].unit = arena_take(a, n + m, sizeof *level[l].unit);
    if (a->failed || is_coarsest(n, m)) return;
  }
}

/* Groups of consecutive points become their centre of mass. */
static size_t coarsen(double *centre, int64_t *sum, const double *point,
                      const int64_t *unit, size_t count, size_t d) {
  size_t groups = coarser(count), group = groups < count ? EMD_GROUP : 1;
  for (size_t g = 0; g < groups; g++) {
    size_t first = g * group, end = count - first < group ? count : first + group;
    sum[g] = 0;
    for (size_t i = first; i < end; i++) sum[g] += unit[i];
    for (size_t k = 0; k < d; k++) {
      double total = 0;
      for (size_t i = first; i < end; i++) total += (double)unit[i] * point[i * d + k];
      centre[g * d + k] = total / (double)sum[g];
    }
  }
  return groups;
}

size_t emd_levels_fill(emd_level level[EMD_LEVELS], size_t d) {
  size_t l = 0;
  for (; l + 1 < EMD_LEVELS && !is_coarsest(level[l].n, level[l].m); l++) {
    emd_level *fine = level + l, *coarse = fine + 1;
    coarse->n = coarser(fine->n);
    coarse->m = coarser(fine->m);
    coarsen(coarse->x, coarse->unit, fine->x, fine->unit, fine->n, d);
    coarsen(coarse->y, coarse->unit + coarse->n, fine->y, fine->unit + fine->n, fine->m,
            d);
  }
  return l + 1;
}

/* --- weights ---------------------------------------------------------------------- */

/* Multiples of the least positive weight, if they all are such, to rounding, and small:
 * returns their total, or 0. */
static int64_t small_multiples(int64_t *unit, const double *weight, size_t count) {
  const double largest = 0x1p20, rounding = 0x1p-48;
  double least = INFINITY;
  int64_t total = 0;
  for (size_t i = 0; i < count; i++)
    if (weight[i] > 0) least = fmin(least, weight[i]);
  for (size_t i = 0; i < count; i++) {
    double ratio = weight[i] / least, whole = nearbyint(ratio);
    if (!(ratio <= largest) || fabs(ratio - whole) > rounding * ratio) return 0;
    unit[i] = (int64_t)whole;
    total += unit[i];
    if (total > INT64_C(1) << 30) return 0;
  }
  return total;
}

/* Rounded to multiples of 2^-60 of the sum; the largest weight takes the difference. */
static void rounded_weights(int64_t *unit, const double *weight, size_t count) {
  const int64_t whole = EMD_WHOLE;
  double greatest = 0, sum = 0, lost = 0; /* to rounding: Neumaier 1974 */
  size_t heaviest = 0;
  for (size_t i = 0; i < count; i++)
    if (weight[i] > greatest) {
      greatest = weight[i];
      heaviest = i;
    }
  for (size_t i = 0; i < count; i++) {
    double term = weight[i] / greatest, next = sum + term;
    lost += sum >= term ? sum - next + term : term - next + sum;
    sum = next;
  }
  sum += lost;
  int64_t total = 0;
  for (size_t i = 0; i < count; i++) {
    unit[i] = (int64_t)(weight[i] / greatest / sum * (double)whole);
    if (unit[i] == 0 && weight[i] > 0) unit[i] = 1;
    total += unit[i];
  }
  unit[heaviest] += whole - total;
}

static int64_t common_divisor(int64_t a, int64_t b) {
  while (b != 0) {
    int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

int64_t emd_integer_weights(int64_t *source, int64_t *target, const double *a,
                            const double *b, size_t n, size_t m) {
  int64_t source_total = small_multiples(source, a, n);
  int64_t target_total = small_multiples(target, b, m);
  if (source_total == 0 || target_total == 0) {
    rounded_weights(source, a, n);
    rounded_weights(target, b, m);
    return EMD_WHOLE;
  }
  int64_t divisor = common_divisor(source_total, target_total);
  for (size_t i = 0; i < n; i++) source[i] *= target_total / divisor;
  for (size_t j = 0; j < m; j++) target[j] *= source_total / divisor;
  return source_total / divisor * target_total;
}
