#include "transport/uot_pass.h"
#include "base/parallel.h"
#include <math.h>
#include <string.h>

/* Between two polls for an interrupt: about 0.1 s of one core. */
#define SLICE_WORK 2e8
/* Less than this is not worth waking threads for: about 1 ms. */
#define PARALLEL_WORK 2e6
/* A full segment makes room by raising its threshold by this factor. */
#define THRESHOLD_RAISE 4.0

void uot_pass_layout(arena *space, uot_passes *passes, const uot_problem *problem,
                     const uot_options *options) {
  size_t n = problem->n, m = problem->m, threads = (size_t)options->threads;
  size_t all = 0, sums = 0;
  *passes = (uot_passes){.problem = problem, .options = options};
  /* There must be room for the largest entry of every column, and n * m are enough. */
  size_t columns = m / UOT_GROUPS + 1;
  passes->segment = options->capacity / UOT_GROUPS;
  if (passes->segment < columns) passes->segment = columns;
  if (!size_mul(n, columns, &all) && passes->segment > all) passes->segment = all;
  if (size_mul(passes->segment, UOT_GROUPS, &all) || size_mul(n, UOT_GROUPS, &sums) ||
      n > SIZE_MAX / 2 / threads)
    space->failed = 1;
  cost_layout(space, &passes->cost, n, m, problem->d, problem->delta, options->memory);
  passes->group = arena_take(space, UOT_GROUPS, sizeof *passes->group);
  passes->sums = arena_take(space, sums, sizeof *passes->sums);
  passes->columns = arena_take(space, 2 * threads * n, sizeof *passes->columns);
  passes->index = arena_take(space, threads * n, sizeof *passes->index);
  passes->value = arena_take(space, threads * n, sizeof *passes->value);
  passes->sparse.n = n;
  passes->sparse.m = m;
  passes->sparse.start = arena_take(space, m, sizeof *passes->sparse.start);
  passes->sparse.count = arena_take(space, m, sizeof *passes->sparse.count);
  passes->sparse.source = arena_take(space, all, sizeof *passes->sparse.source);
  passes->sparse.value = arena_take(space, all, sizeof *passes->sparse.value);
  passes->kept = arena_take(space, m, sizeof *passes->kept);
  passes->column = arena_take(space, m, sizeof *passes->column);
  passes->near_source = arena_take(space, n, 1);
  passes->near_target = arena_take(space, m, 1);
}

static double sum_of(const double *mass, size_t count) {
  double total = 0;
  for (size_t i = 0; i < count; i++) total += mass[i];
  return total;
}

/* A column at a time: it is done once. */
static int find_partners(uot_passes *passes) {
  const uot_problem *p = passes->problem;
  const uot_options *o = passes->options;
  memset(passes->near_source, isinf(p->delta), p->n);
  memset(passes->near_target, isinf(p->delta), p->m);
  if (isfinite(p->delta))
    for (size_t j = 0; j < p->m; j++) {
      const double *c = cost_column(&passes->cost, passes->columns, j);
      for (size_t i = 0; i < p->n; i++)
        if (c[i] < COST_FAR) passes->near_source[i] = passes->near_target[j] = 1;
      if (j % UOT_GROUPS == 0 && o->interrupted && o->interrupted(o->interrupted_data))
        return STATUS_INTERRUPTED;
    }
  passes->sources = passes->targets = 0;
  for (size_t i = 0; i < p->n; i++) passes->sources += passes->near_source[i];
  for (size_t j = 0; j < p->m; j++) passes->targets += passes->near_target[j];
  return STATUS_OK;
}

int uot_pass_prepare(uot_passes *passes) {
  const uot_problem *p = passes->problem;
  cost_prepare(&passes->cost, p->x, p->y, passes->options->threads);
  passes->log_unit = 0;
  if (isfinite(p->tau_target))
    passes->log_unit = 0.5 * (log(sum_of(p->a, p->n)) + log(sum_of(p->b, p->m))) -
                       log((double)p->n) - log((double)p->m);
  return find_partners(passes);
}

/* Move the entries above `cut`, or else the largest one, to out_*; returns how many. The
 * output may overlap the input from below. */
static size_t thin(int32_t *out_index, float *out_value, const int32_t *index,
                   const float *value, size_t count, double cut) {
  size_t kept = 0, best = 0;
  for (size_t k = 1; k < count; k++)
    if (value[k] > value[best]) best = k;
  int32_t best_index = index[best];
  float best_value = value[best];
  for (size_t k = 0; k < count; k++)
    if (value[k] > cut) {
      out_index[kept] = index[k];
      out_value[kept++] = value[k];
    }
  if (kept > 0) return kept;
  *out_index = best_index;
  *out_value = best_value;
  return 1;
}

/* Make room in a group that has stored its columns before j, by threshold or by stride,
 * and pull together what remains. */
static void thin_group(uot_passes *passes, size_t which, size_t j, uot_collect how) {
  uot_group *group = passes->group + which;
  plan *p = &passes->sparse;
  if (how == UOT_COLLECT_PLAN) group->threshold *= THRESHOLD_RAISE;
  else group->stride *= 2;
  group->used = 0;
  for (size_t l = which, rank = 0; l < j; l += UOT_GROUPS, rank++) {
    size_t at = which * passes->segment + group->used;
    if (rank % group->stride != 0) p->count[l] = 0;
    if (p->count[l] == 0) continue;
    p->count[l] = thin(p->source + at, p->value + at, p->source + p->start[l],
                       p->value + p->start[l], p->count[l], group->threshold);
    p->start[l] = at;
    group->used += p->count[l];
  }
}

/* Store column j, the softmax e / total, in the sparse plan. */
static void collect(uot_passes *passes, size_t which, size_t j, const double *e,
                    double total, int32_t *index, float *value, uot_collect how) {
  uot_group *group = passes->group + which;
  plan *p = &passes->sparse;
  size_t rank = j / UOT_GROUPS;
  p->start[j] = p->count[j] = 0;
  if (rank % group->stride != 0) return;
  /* The largest e is 1; a threshold may have risen above it. */
  double cut = fmin(group->threshold * total, 0.999999);
  size_t count = kernels_get()->select_f64(index, value, e, cut, 1 / total, p->n);
  while (group->used + count > passes->limit) {
    if (how == UOT_COLLECT_SAMPLE && rank == 0) return; /* there is room for nothing */
    thin_group(passes, which, j, how);
    if (rank % group->stride != 0) return;
    count = thin(index, value, index, value, count, group->threshold);
  }
  p->start[j] = which * passes->segment + group->used;
  p->count[j] = count;
  memcpy(p->source + p->start[j], index, count * sizeof *index);
  memcpy(p->value + p->start[j], value, count * sizeof *value);
  group->used += count;
}

/* Column j: its softmax, potential, and contribution to the sums of its group. */
static void column(double *g, uot_passes *passes, const double *f, size_t which,
                   size_t j, const uot_pass_options *how) {
  const kernels *k = kernels_get();
  size_t n = passes->problem->n, rank = (size_t)parallel_rank();
  double *buffer = passes->columns + 2 * rank * n, *e = buffer + n;
  double mass = passes->problem->b[j], tau = passes->problem->tau_target;
  uot_group *group = passes->group + which;
  if (!passes->near_target[j]) {
    g[j] = passes->column[j] = 0;
    passes->sparse.start[j] = passes->sparse.count[j] = 0;
    return;
  }
  const double *c = cost_column(&passes->cost, buffer, j);
  double most = k->logits_f64(e, f, c, 1 / how->epsilon, n);
  double total = k->exp_sum_f64(e, most, n);
  g[j] = how->epsilon * (log(mass) - most - log(total));
  if (isfinite(tau)) {
    g[j] = uot_passed(tau, how->epsilon) *
           (g[j] - how->epsilon * passes->log_unit - how->shift);
    if (!how->ends) mass *= exp(-g[j] / tau);
  }
  passes->column[j] = mass;
  group->mass += mass;
  group->dual += mass * g[j];
  k->axpy_f64(passes->sums + which * n, e, mass / total, n);
  if (how->want_cost) group->cost += mass / total * k->dot_f64(c, e, n);
  if (how->collect)
    collect(passes, which, j, e, total, passes->index + rank * n,
            passes->value + rank * n, how->collect);
}

/* Sums of the stored columns, and what was lost. */
static void weigh_columns(uot_passes *passes, size_t which) {
  uot_group *group = passes->group + which;
  const plan *p = &passes->sparse;
  double all = 0, stored = 0;
  for (size_t j = which; j < p->m; j += UOT_GROUPS) {
    double total = 0;
    all += passes->column[j];
    for (size_t k = 0; k < p->count[j]; k++) total += p->value[p->start[j] + k];
    passes->kept[j] = total;
    if (p->count[j] == 0) continue;
    stored += passes->column[j];
    group->lost = fmax(group->lost, 1 - total);
  }
  group->inflation = stored > 0 ? all / stored : 0;
}

void uot_add_groups(double *out, const uot_passes *passes) {
  size_t n = passes->problem->n;
  memcpy(out, passes->sums, n * sizeof *out);
  for (size_t which = 1; which < UOT_GROUPS; which++) {
    const double *part = passes->sums + which * n;
    for (size_t i = 0; i < n; i++) out[i] += part[i];
  }
}

/* Operations in `columns` columns, roughly; costs that are kept cost nothing. */
static double column_work(const uot_passes *passes, size_t columns) {
  size_t features = passes->cost.cache ? 0 : passes->problem->d;
  return (double)passes->problem->n * (double)(features + 8) * (double)columns;
}

int uot_pass(double *g, double *r, double *dual, double *cost, uot_passes *passes,
             const double *f, const uot_pass_options *how) {
  const uot_options *options = passes->options;
  size_t n = passes->problem->n, m = passes->problem->m;
  double round = column_work(passes, UOT_GROUPS);
  size_t rounds = round > SLICE_WORK ? 1 : (size_t)(SLICE_WORK / round);
  size_t slice = rounds < m / UOT_GROUPS + 1 ? rounds * UOT_GROUPS : m;
  int threads = column_work(passes, m) < PARALLEL_WORK ? 1 : options->threads;
  (void)threads; /* without OpenMP */
  memset(passes->sums, 0, UOT_GROUPS * n * sizeof *passes->sums);
  for (size_t which = 0; which < UOT_GROUPS; which++)
    passes->group[which] = (uot_group){.threshold = how->threshold, .stride = 1};
  passes->limit = passes->segment;
  if (how->entries > 0 && how->entries / UOT_GROUPS < passes->limit)
    passes->limit = how->entries / UOT_GROUPS;

  for (size_t from = 0; from < m; from += slice) {
    size_t to = m - from < slice ? m : from + slice;
    if (options->interrupted && options->interrupted(options->interrupted_data))
      return STATUS_INTERRUPTED;
    PARALLEL_FOR(threads)
    for (size_t which = 0; which < UOT_GROUPS; which++) {
      for (size_t j = from + which; j < to; j += UOT_GROUPS)
        column(g, passes, f, which, j, how);
      if (how->collect && to == m) weigh_columns(passes, which);
    }
  }
  uot_add_groups(r, passes);
  *dual = 0;
  if (how->want_cost) *cost = 0;
  for (size_t which = 0; which < UOT_GROUPS; which++) {
    *dual += passes->group[which].dual;
    if (how->want_cost) *cost += passes->group[which].cost;
  }
  return isfinite(*dual) || isfinite(passes->problem->tau_target) ? STATUS_OK
                                                                 : STATUS_NOT_FINITE;
}
