#include "transport/emd.h"
#include "transport/emd_levels.h"
#include "transport/emd_start.h"
#include "kernels/kernels.h"
#include "base/parallel.h"
#include "base/spatial.h"
#include <string.h>

/* Everything is solved in a frame of its own: points in spatial order, those of zero
 * weight behind the others and out of the problem. Those of positive weight are shifted
 * and scaled by a power of two into the cube [-1, 1]^d; the others may lie anywhere. */
typedef struct {
  emd_problem problem;
  emd_level level[EMD_LEVELS];
  emd_tree tree;
  emd_pricing pricing;
  emd_start start;
  size_t n, m;                /* points of positive weight */
  uint32_t *x_index, *y_index; /* (n), (m) of all points: place in the caller's order */
  double *weight;             /* (n + m) of all points, in the caller's order */
  double *rounding;           /* (n + m) what `unit` lacks of the weights, or 0 */
  int64_t *unit;              /* (n + m) the same as integers */
  int64_t total;
  double *u, *v;              /* (n), (m) of all points, in the frame's order and scale */
  double *centre;             /* (d) */
  int exponent;               /* lengths in the frame are 2^-exponent of the caller's */
  double cost_unit;           /* the caller's cost of one in the frame */
} frame;

emd_options emd_defaults(void) {
  return (emd_options){ .threads = 1, .memory = (size_t)1 << 28 };
}

/* Room for the costs in single precision, where they are dear and `memory` allows. */
static float *layout_kept(arena *a, size_t n, size_t m, size_t d, size_t memory) {
  size_t bytes, count;
  if (d <= EMD_KEEP_FEATURES || size_mul(n, kernel_pad(m), &count) ||
      size_mul(count, sizeof(float), &bytes) || bytes > memory)
    return NULL;
  return arena_take(a, count, sizeof(float));
}

static void layout(arena *a, frame *f, const emd_task *t, size_t memory) {
  size_t n = t->n, m = t->m, d = t->d;
  emd_cloud_layout(a, &f->problem.source, n, d);
  emd_cloud_layout(a, &f->problem.target, m, d);
  emd_levels_layout(a, f->level, n, m, d);
  f->tree.node = arena_take(a, n + m, sizeof *f->tree.node);
  f->tree.next = arena_take(a, n + m, sizeof *f->tree.next);
  f->tree.height = arena_take(a, n + m, sizeof *f->tree.height);
  emd_pricing_layout(a, &f->pricing, n, m);
  emd_start_layout(a, &f->start, n, m);
  f->x_index = arena_take(a, n, sizeof *f->x_index);
  f->y_index = arena_take(a, m, sizeof *f->y_index);
  f->weight = arena_take(a, n + m, sizeof *f->weight);
  f->rounding = arena_take(a, n + m, sizeof *f->rounding);
  f->unit = arena_take(a, n + m, sizeof *f->unit);
  f->u = arena_take(a, n, sizeof *f->u);
  f->v = arena_take(a, m, sizeof *f->v);
  f->centre = arena_take(a, d, sizeof *f->centre);
  f->problem.kept = layout_kept(a, n, m, d, memory);
}

static int sizes_fit(size_t n, size_t m, size_t d) {
  const size_t most = (size_t)1 << 27; /* candidates are counted in 32 bits */
  return n > 0 && m > 0 && d > 0 && n <= most && m <= most && n + m <= most;
}

size_t emd_workspace(const emd_task *t, const emd_options *o) {
  if (!sizes_fit(t->n, t->m, t->d)) return 0;
  arena a = {0};
  frame f;
  layout(&a, &f, t, o->memory);
  return arena_size(&a);
}

/* --- what comes in ---------------------------------------------------------------- */

static int all_finite(const double *value, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!isfinite(value[i])) return 0;
  return 1;
}

static int check_weights(const double *weight, size_t count) {
  int positive = 0;
  if (weight == NULL) return STATUS_OK;
  if (!all_finite(weight, count)) return STATUS_NOT_FINITE;
  for (size_t i = 0; i < count; i++) {
    if (weight[i] < 0) return STATUS_BAD_ARGUMENT;
    if (weight[i] > 0) positive = 1;
  }
  return positive ? STATUS_OK : STATUS_BAD_ARGUMENT;
}

static int check_task(const emd_task *t, const emd_options *o) {
  if (!sizes_fit(t->n, t->m, t->d)) return STATUS_BAD_SIZE;
  if (t->x == NULL || t->y == NULL || o->threads < 1) return STATUS_BAD_ARGUMENT;
  if (t->metric != EMD_EUCLIDEAN && t->metric != EMD_SQEUCLIDEAN)
    return STATUS_BAD_ARGUMENT;
  if (!all_finite(t->x, t->n * t->d) || !all_finite(t->y, t->m * t->d))
    return STATUS_NOT_FINITE;
  const double *u = o->warm_potential_source, *v = o->warm_potential_target;
  if ((u != NULL && !all_finite(u, t->n)) || (v != NULL && !all_finite(v, t->m)))
    return STATUS_NOT_FINITE;
  int status = check_weights(t->a, t->n);
  return status != STATUS_OK ? status : check_weights(t->b, t->m);
}

/* Points without weight have no say: one of them may lie at 1e300. */
static void widen(double *low, double *high, const double *point, const int64_t *unit,
                  size_t count, size_t d, size_t k) {
  for (size_t i = 0; i < count; i++) {
    if (unit[i] == 0) continue;
    *low = fmin(*low, point[i * d + k]);
    *high = fmax(*high, point[i * d + k]);
  }
}

static void choose_frame(frame *f, const emd_task *t) {
  double widest = 0;
  for (size_t k = 0; k < t->d; k++) {
    double low = INFINITY, high = -INFINITY;
    widen(&low, &high, t->x, f->unit, t->n, t->d, k);
    widen(&low, &high, t->y, f->unit + t->n, t->m, t->d, k);
    f->centre[k] = low / 2 + high / 2;
    widest = fmax(widest, fmax(high - f->centre[k], f->centre[k] - low));
  }
  f->exponent = 0;
  if (widest > 0) frexp(widest, &f->exponent);
  f->cost_unit = ldexp(1, t->metric == EMD_EUCLIDEAN ? f->exponent : 2 * f->exponent);
}

/* Points in the order of `index`, at the frame's scale, from `centre`; NULL: from the
 * caller's own zero. */
static void place_points(double *out, const uint32_t *index, const frame *f,
                         const double *point, const double *centre, size_t count,
                         size_t d) {
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < d; k++)
      out[i * d + k] = ldexp(point[index[i] * d + k] - (centre ? centre[k] : 0),
                             -f->exponent);
}

/* One cloud into the frame: index, points and integer weights, positive weights first;
 * returns how many of these there are. */
static size_t place_cloud(double *out, uint32_t *index, int64_t *unit_out, const frame *f,
                          const double *point, const int64_t *unit, size_t count,
                          size_t d) {
  size_t positive = 0, zero = count;
  for (size_t i = 0; i < count; i++)
    if (unit[i] > 0) index[positive++] = (uint32_t)i;
  for (size_t i = count; i-- > 0;)
    if (unit[i] == 0) index[--zero] = (uint32_t)i;
  spatial_order(index, positive, EMD_GROUP, point, d);
  place_points(out, index, f, point, f->centre, count, d);
  for (size_t i = 0; i < positive; i++) unit_out[i] = unit[index[i]];
  return positive;
}

/* Small weights lose digits as integers, and a point may be so far that these count: what
 * they lack, as a share of the whole, of points in the order of `index`. The heaviest
 * point takes the difference, as it does among the integers. Weights of more units than
 * that are off by less than the rest of the arithmetic. */
static void find_rounding(double *rounding, const frame *f, const double *weight,
                          const uint32_t *index, const int64_t *unit, size_t count) {
  const int64_t many = INT64_C(1) << 20;
  double greatest = 0, sum = 0, moved = 0;
  size_t heaviest = 0;
  for (size_t k = 0; k < count; k++)
    if (weight[index[k]] > greatest) {
      greatest = weight[index[k]];
      heaviest = k;
    }
  for (size_t k = 0; k < count; k++) sum += weight[index[k]] / greatest;
  for (size_t k = 0; k < count; k++) {
    int is_small = f->total == EMD_WHOLE && unit[k] < many && k != heaviest;
    double share = weight[index[k]] / greatest / sum;
    rounding[k] = is_small ? share - (double)unit[k] / (double)f->total : 0;
    moved += rounding[k];
  }
  rounding[heaviest] = -moved;
}

static double largest_norm(const double *point, size_t count, size_t d) {
  double largest = 0;
  for (size_t i = 0; i < count; i++) {
    double square = 0;
    for (size_t k = 0; k < d; k++) square += point[i * d + k] * point[i * d + k];
    largest = fmax(largest, square);
  }
  return sqrt(largest);
}

static void enter_frame(frame *f, const emd_task *t, const emd_options *o) {
  for (size_t i = 0; i < t->n; i++) f->weight[i] = t->a ? t->a[i] : 1;
  for (size_t j = 0; j < t->m; j++) f->weight[t->n + j] = t->b ? t->b[j] : 1;
  f->total = emd_integer_weights(f->unit, f->unit + t->n, f->weight, f->weight + t->n,
                                 t->n, t->m);
  choose_frame(f, t);
  emd_level *finest = f->level;
  f->n = place_cloud(finest->x, f->x_index, finest->unit, f, t->x, f->unit, t->n, t->d);
  f->m = place_cloud(finest->y, f->y_index, finest->unit + f->n, f, t->y, f->unit + t->n,
                     t->m, t->d);
  find_rounding(f->rounding, f, f->weight, f->x_index, finest->unit, f->n);
  find_rounding(f->rounding + f->n, f, f->weight + t->n, f->y_index,
                finest->unit + f->n, f->m);
  finest->n = f->n;
  finest->m = f->m;
  f->problem.d = t->d;
  f->problem.root = t->metric == EMD_EUCLIDEAN;
  f->problem.threads = o->threads;
  f->problem.interrupted = o->interrupted;
  f->problem.interrupted_data = o->interrupted_data;
  emd_set_precision(&f->problem, fmax(largest_norm(finest->x, f->n, t->d),
                                      largest_norm(finest->y, f->m, t->d)));
}

/* --- levels ----------------------------------------------------------------------- */

/* v_j = min_i c_ij - u_i over the sources at hand, in single precision: the target
 * potentials that u allows. */
static int transform(double *v, frame *f, const double *u) {
  emd_problem *p = &f->problem;
  const emd_cloud *source = &p->source, *target = &p->target;
  float *offset32 = f->start.offset32;
  emd_offsets32(offset32, u, -1, source->count, source->stride);
  if (emd_stopped(p)) return STATUS_INTERRUPTED;
  size_t items = (target->count + EMD_ROWS - 1) / EMD_ROWS;
  PARALLEL_FOR(emd_threads(p, target->count, source->count))
  for (size_t item = 0; item < items; item++)
    for (size_t r = 0; r < EMD_ROWS && item * EMD_ROWS + r < target->count; r++) {
      float cost[EMD_BLOCK], least = EMD_FAR;
      size_t j = item * EMD_ROWS + r;
      for (size_t first = 0; first < source->count; first += EMD_BLOCK)
        least = fminf(least, emd_costs32(cost, p, 0, j, first,
                                         emd_block_at(first, source->count), offset32));
      v[j] = least;
    }
  return STATUS_OK;
}

/* The caller's potentials, in the frame. */
static int warm_targets(double *v, frame *f, const emd_options *o) {
  if (o->warm_potential_target != NULL) {
    for (size_t j = 0; j < f->m; j++)
      v[j] = o->warm_potential_target[f->y_index[j]] / f->cost_unit;
    return STATUS_OK;
  }
  for (size_t i = 0; i < f->n; i++)
    f->u[i] = o->warm_potential_source[f->x_index[i]] / f->cost_unit;
  return transform(v, f, f->u);
}

static int solve_level(frame *f, size_t l, size_t max_pivots) {
  const emd_level *level = f->level + l;
  emd_problem *p = &f->problem;
  int status = emd_start_candidates(&f->pricing, &f->start, p, f->u, f->v);
  if (status != STATUS_OK) return status;
  status = emd_start_tree(&f->tree, &f->pricing, &f->start, p, level->unit, f->u, f->v);
  if (status != STATUS_OK) return status;
  f->pricing.pivots = 0;
  f->pricing.max_pivots = max_pivots;
  return emd_simplex(&f->tree, &f->pricing, p);
}

/* From the coarsest level to the finest, each starting from the potentials of the one
 * before; only the finest has to be solved to the end. */
static int solve_levels(frame *f, const emd_options *o) {
  emd_problem *p = &f->problem;
  int warm = o->warm_potential_source != NULL || o->warm_potential_target != NULL;
  size_t d = p->d, levels = warm ? 1 : emd_levels_fill(f->level, d);
  int status = STATUS_OK;
  for (size_t l = levels; l-- > 0;) {
    const emd_level *level = f->level + l;
    emd_cloud_fill(&p->target, level->y, level->m, d);
    if (warm) {
      emd_cloud_fill(&p->source, level->x, level->n, d);
      status = warm_targets(f->v, f, o);
    } else if (l + 1 < levels) {
      status = transform(f->v, f, f->tree.height);
    } else {
      memset(f->v, 0, level->m * sizeof *f->v);
    }
    if (status != STATUS_OK) return status;
    emd_cloud_fill(&p->source, level->x, level->n, d);
    size_t most = o->max_pivots ? o->max_pivots : 1000 * (level->n + level->m);
    status = solve_level(f, l, most);
    if (status != STATUS_OK && (l == 0 || status != STATUS_NOT_CONVERGED)) return status;
  }
  return status;
}

/* --- what goes out ---------------------------------------------------------------- */

/* The tree's heights as potentials. The last pass found no reduced cost below minus the
 * tolerance; what little there was below zero is taken off u. */
static void read_potentials(frame *f) {
  for (size_t i = 0; i < f->n; i++) f->u[i] = f->tree.height[i] + f->pricing.slack[i];
  for (size_t j = 0; j < f->m; j++) f->v[j] = -f->tree.height[f->n + j];
}

/* Points of zero weight take the largest potential that keeps u_i + v_j <= c_ij: sources
 * first, against the targets in the problem, then targets against all sources. */
static void extend_potentials(frame *f, size_t n, size_t m) {
  const emd_problem *p = &f->problem; /* its points include those behind its counts */
  PARALLEL_FOR(emd_threads(p, n - f->n, f->m))
  for (size_t i = f->n; i < n; i++) {
    double least = INFINITY;
    for (size_t j = 0; j < f->m; j++) least = fmin(least, emd_cost(p, i, j) - f->v[j]);
    f->u[i] = least;
  }
  PARALLEL_FOR(emd_threads(p, m - f->m, n))
  for (size_t j = f->m; j < m; j++) {
    double least = INFINITY;
    for (size_t i = 0; i < n; i++) least = fmin(least, emd_cost(p, i, j) - f->u[i]);
    f->v[j] = least;
  }
}

static double plan_cost(const frame *f, emd_arc *plan, size_t *arcs) {
  const emd_tree *tree = &f->tree;
  size_t count = 0;
  double cost = 0;
  for (uint32_t k = 0; k < tree->nodes; k++) {
    const emd_node *node = tree->node + k;
    if (node->parent == EMD_NONE || node->flow == 0) continue;
    uint32_t source = k < tree->sources ? k : node->parent;
    uint32_t target = (k < tree->sources ? node->parent : k) - tree->sources;
    double flow = (double)node->flow / (double)f->total;
    cost += flow * emd_cost(&f->problem, source, target);
    if (plan != NULL)
      plan[count] = (emd_arc){ f->x_index[source], f->y_index[target], flow };
    count++;
  }
  *arcs = count;
  return cost;
}

/* sum_i rounding_i potential_i: what the cost lacks as weights were rounded, since a
 * potential is the derivative of the cost by its weight. */
static double rounded_off(const frame *f, const double *potential, size_t first,
                          size_t count) {
  double sum = 0;
  for (size_t k = 0; k < count; k++) sum += f->rounding[first + k] * potential[k];
  return sum;
}

/* sum_i weight_i potential_i over the points in the problem. */
static double weighted_sum(const frame *f, const double *potential, size_t first,
                           size_t count) {
  double sum = 0;
  for (size_t k = 0; k < count; k++)
    sum += (double)f->level->unit[first + k] / (double)f->total * potential[k];
  return sum + rounded_off(f, potential, first, count);
}

/* A point without weight may lie too far for a potential. */
static int write_potential(double *out, const frame *f, const double *potential,
                           const uint32_t *index, double shift, size_t count) {
  if (out == NULL) return STATUS_OK;
  for (size_t k = 0; k < count; k++)
    out[index[k]] = (potential[k] + shift) * f->cost_unit;
  return isnan(shift) || all_finite(out, count) ? STATUS_OK : STATUS_NOT_FINITE;
}

/* --- digits ----------------------------------------------------------------------- */

/* Mean over the points of one cloud of the least cost to the other: no plan costs less.
 * `least` is scratch, a number for each point. */
static int least_mean(double *mean, double *least, const frame *f, int is_source) {
  const emd_problem *p = &f->problem;
  size_t count = is_source ? f->n : f->m, others = is_source ? f->m : f->n;
  for (size_t first = 0; first < count; first += emd_chunk(others)) {
    size_t left = count - first, chunk = emd_chunk(others);
    if (emd_stopped(p)) return STATUS_INTERRUPTED;
    PARALLEL_FOR(emd_threads(p, chunk, others))
    for (size_t i = first; i < first + (left < chunk ? left : chunk); i++) {
      double best = INFINITY;
      for (size_t j = 0; j < others; j++)
        best = fmin(best, is_source ? emd_cost(p, i, j) : emd_cost(p, j, i));
      least[i] = best;
    }
  }
  *mean = weighted_sum(f, least, is_source ? 0 : f->n, count);
  return STATUS_OK;
}

/* Median cost of some pairs: how large the clouds are, apart from a few far points. */
static double typical_cost(const frame *f) {
  enum { PAIRS = 63 };
  double sorted[PAIRS];
  for (size_t k = 0; k < PAIRS; k++) {
    double cost = emd_cost(&f->problem, (uint64_t)k * 2654435761u % f->n,
                           ((uint64_t)k * 2246822519u + 1) % f->m);
    size_t at = k;
    for (; at > 0 && sorted[at - 1] > cost; at--) sorted[at] = sorted[at - 1];
    sorted[at] = cost;
  }
  return sorted[PAIRS / 2];
}

/* Rounding that is this part of the typical cost does not matter, even where the cost is
 * less: clouds that are the same but for rounding are at distance zero. */
static const double no_matter = 1e-9;

/* A cost that is small beside the rounding of the frame, which a far point may have made
 * large, is believed to a tenth: where the plan all but moves every point to its nearest
 * one. */
static int check_digits(frame *f, double cost, double gap) {
  double from_source, from_target;
  double rounding = f->problem.tolerance + fmax(gap, 0);
  if (!(cost <= rounding) || rounding <= no_matter * typical_cost(f)) return STATUS_OK;
  int status = least_mean(&from_source, f->u, f, 1);
  if (status == STATUS_OK) status = least_mean(&from_target, f->v, f, 0);
  if (status != STATUS_OK) return status;
  return fmax(from_source, from_target) >= 0.9 * cost ? STATUS_OK : STATUS_PRECISION;
}

int emd_solve(double *potential_source, double *potential_target, emd_arc *plan,
              emd_result *result, const emd_task *t, const emd_options *o,
              void *workspace, size_t bytes) {
  int status = check_task(t, o);
  if (status != STATUS_OK) return status;
  kernels_get(); /* chosen here, not by the first threads to ask */
  frame f = {0};
  arena a = arena_over(workspace, bytes);
  layout(&a, &f, t, o->memory);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  enter_frame(&f, t, o);
  status = solve_levels(&f, o);
  if (status != STATUS_OK && status != STATUS_NOT_CONVERGED) return status;
  double gap = NAN, shift = NAN, lacking = 0;
  if (status == STATUS_OK) {
    read_potentials(&f);
    double u_sum = weighted_sum(&f, f.u, 0, f.n), v_sum = weighted_sum(&f, f.v, f.n, f.m);
    lacking = rounded_off(&f, f.u, 0, f.n) + rounded_off(&f, f.v, f.n, f.m);
    gap = plan_cost(&f, NULL, &result->arcs) + lacking - u_sum - v_sum;
    shift = (v_sum - u_sum) / 2;
    extend_potentials(&f, t->n, t->m);
  }
  int bad_source = write_potential(potential_source, &f, f.u, f.x_index, shift, t->n);
  int bad_target = write_potential(potential_target, &f, f.v, f.y_index, -shift, t->m);
  place_points(f.level->x, f.x_index, &f, t->x, NULL, f.n, t->d);
  place_points(f.level->y, f.y_index, &f, t->y, NULL, f.m, t->d);
  double cost = plan_cost(&f, plan, &result->arcs) + lacking;
  if (cost < 0) cost = 0;
  result->cost = cost * f.cost_unit;
  result->distance = ldexp(t->metric == EMD_EUCLIDEAN ? cost : sqrt(cost), f.exponent);
  result->gap = gap * f.cost_unit;
  result->pivots = f.pricing.pivots;
  if (status != STATUS_OK) return status;
  if (bad_source || bad_target || !isfinite(result->distance)) return STATUS_NOT_FINITE;
  return check_digits(&f, cost, gap);
}
