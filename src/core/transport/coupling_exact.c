#include "transport/coupling_exact.h"
#include "base/parallel.h"
#include "base/stop.h"
#include <math.h>
#include <string.h>

static int is_whole(const coupling_problem *p, const coupling_options *o) {
  return o->minibatch == 0 || (o->minibatch >= p->n && o->minibatch >= p->m);
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

size_t coupling_batches(const coupling_problem *p, const coupling_options *o) {
  if (is_whole(p, o)) return 1;
  size_t from = smaller(o->minibatch, p->n), to = smaller(o->minibatch, p->m);
  size_t by_source = (COUPLING_TURNS * p->n + from - 1) / from;
  size_t by_target = (COUPLING_TURNS * p->m + to - 1) / to;
  return by_source > by_target ? by_source : by_target;
}

static emd_task task_of(const coupling_problem *p, size_t n, size_t m) {
  return (emd_task){.n = n, .m = m, .d = p->d, .metric = EMD_SQEUCLIDEAN};
}

/* The threads are those of the solver, or each has a batch of its own. */
static emd_options exact_options(const coupling_exact *e, const coupling_options *o) {
  emd_options options = emd_defaults();
  options.threads = e->batches == 1 ? o->solver.threads : 1;
  options.memory = o->solver.memory / (size_t)e->workers;
  return options;
}

void coupling_exact_layout(arena *space, coupling_exact *e, coupling *out,
                           const coupling_problem *p, const coupling_options *o) {
  size_t n = p->n, m = p->m, arcs, room;
  int whole = is_whole(p, o);
  *e = (coupling_exact){.batch_n = whole ? n : smaller(o->minibatch, n),
                        .batch_m = whole ? m : smaller(o->minibatch, m),
                        .batches = coupling_batches(p, o)};
  e->workers = parallel_threads(o->solver.threads, e->batches);
  size_t w = (size_t)e->workers, points;
  emd_task task = task_of(p, e->batch_n, e->batch_m);
  emd_options options = exact_options(e, o);
  e->share = emd_workspace(&task, &options);
  if (e->share == 0 || size_mul(e->batch_n + e->batch_m, e->batches, &arcs) ||
      arcs > UINT32_MAX || size_mul(e->share, w, &room) ||
      size_mul(w * (n + m), p->d, &points)) {
    space->failed = 1;
    return;
  }
  e->source = arena_take(space, e->batches * e->batch_n, sizeof *e->source);
  e->target = arena_take(space, e->batches * e->batch_m, sizeof *e->target);
  e->arcs = arena_take(space, arcs, sizeof *e->arcs);
  e->count = arena_take(space, e->batches, sizeof *e->count);
  e->status = arena_take(space, e->batches, sizeof *e->status);
  e->cost = arena_take(space, e->batches, sizeof *e->cost);
  e->gap = arena_take(space, e->batches, sizeof *e->gap);
  e->x = arena_take(space, whole ? 0 : w * e->batch_n * p->d, sizeof *e->x);
  e->y = arena_take(space, whole ? 0 : w * e->batch_m * p->d, sizeof *e->y);
  e->a = arena_take(space, whole ? 0 : w * e->batch_n, sizeof *e->a);
  e->b = arena_take(space, whole ? 0 : w * e->batch_m, sizeof *e->b);
  e->place = arena_take(space, (n > m ? n : m) + 1, sizeof *e->place);
  e->order = arena_take(space, arcs, sizeof *e->order);
  e->spare = arena_take(space, arcs, sizeof *e->spare);
  e->shares = arena_take(space, room, 1);
  out->pairs = (plan){
    .n = n,
    .m = m,
    .start = arena_take(space, m, sizeof *out->pairs.start),
    .count = arena_take(space, m, sizeof *out->pairs.count),
    .source = arena_take(space, arcs, sizeof *out->pairs.source),
    .value = arena_take(space, arcs, sizeof *out->pairs.value),
  };
}

/* `length` cells out of `count`: random orders of all, one after the other. */
static void draw_cells(uint32_t *member, size_t length, size_t count,
                       const uot_split *split, uint32_t side) {
  for (size_t first = 0; first < length; first += count) {
    size_t some = smaller(count, length - first);
    uint32_t *order = member + first;
    /* Fisher and Yates inside out keeps a place for `some` of `count` alone if cells from
     * there on replace one of them. */
    for (size_t k = 0; k < count; k++) {
      const uint32_t counter[4] = {(uint32_t)k, (uint32_t)(first / count),
                                   2 * split->stream + side, RNG_BATCH};
      uint32_t word[4];
      rng_philox(word, counter, split->key);
      size_t other = (size_t)(rng_uniform(word[0]) * (double)(k + 1));
      if (k < some) order[k] = order[other];
      if (other < some) order[other] = (uint32_t)k;
    }
  }
}

static void gather_cells(double *points, double *masses, const double *from,
                         const double *mass, const uint32_t *member, size_t count,
                         size_t d) {
  for (size_t k = 0; k < count; k++) {
    memcpy(points + k * d, from + member[k] * d, d * sizeof *points);
    masses[k] = mass[member[k]];
  }
}

static void solve_batch(coupling_exact *e, coupling *out, const coupling_problem *p,
                        const coupling_options *o, size_t batch, int rank) {
  size_t n = e->batch_n, m = e->batch_m, w = (size_t)rank, d = p->d;
  const uint32_t *source = e->source + batch * n, *target = e->target + batch * m;
  emd_task task = task_of(p, n, m);
  emd_options options = exact_options(e, o);
  int whole = e->batches == 1;
  if (rank == 0) {
    options.interrupted = o->solver.interrupted;
    options.interrupted_data = o->solver.interrupted_data;
  }
  task.x = whole ? p->x : e->x + w * n * d;
  task.y = whole ? p->y : e->y + w * m * d;
  task.a = whole ? p->a : e->a + w * n;
  task.b = whole ? p->b : e->b + w * m;
  if (!whole) {
    gather_cells(e->x + w * n * d, e->a + w * n, p->x, p->a, source, n, d);
    gather_cells(e->y + w * m * d, e->b + w * m, p->y, p->b, target, m, d);
  }
  emd_arc *arcs = e->arcs + batch * (n + m);
  emd_result result = {0};
  double *f = whole ? out->f : NULL, *g = whole ? out->g : NULL;
  e->status[batch] = emd_solve(f, g, arcs, &result, &task, &options,
                               e->shares + w * e->share, e->share);
  e->count[batch] = result.arcs;
  e->cost[batch] = result.cost;
  e->gap[batch] = result.gap;
  for (size_t k = 0; k < result.arcs && !whole; k++) {
    arcs[k].source = source[arcs[k].source];
    arcs[k].target = target[arcs[k].target];
  }
}

/* Places of arcs by source or by target; those alike stay in order: a counting sort. */
static void sort_arcs(coupling_exact *e, uint32_t *out, const uint32_t *in, size_t count,
                      size_t cells, int by_target) {
  memset(e->place, 0, (cells + 1) * sizeof *e->place);
#define CELL(k) (by_target ? e->arcs[in[k]].target : e->arcs[in[k]].source)
  for (size_t k = 0; k < count; k++) e->place[CELL(k) + 1]++;
  for (size_t i = 0; i < cells; i++) e->place[i + 1] += e->place[i];
  for (size_t k = 0; k < count; k++) out[e->place[CELL(k)]++] = in[k];
#undef CELL
}

/* Columns out of the arcs of all batches, a pair of several batches once. */
static void make_columns(coupling_exact *e, plan *p) {
  size_t count = 0, at = 0, last = SIZE_MAX, room = e->batch_n + e->batch_m;
  for (size_t batch = 0; batch < e->batches; batch++)
    for (size_t k = 0; k < e->count[batch]; k++)
      e->order[count++] = (uint32_t)(batch * room + k);
  sort_arcs(e, e->spare, e->order, count, p->n, 0);
  sort_arcs(e, e->order, e->spare, count, p->m, 1);
  memset(p->count, 0, p->m * sizeof *p->count);
  memset(p->start, 0, p->m * sizeof *p->start);
  for (size_t k = 0; k < count; k++) {
    const emd_arc *arc = e->arcs + e->order[k];
    size_t j = arc->target;
    if (j == last && p->source[at - 1] == (int32_t)arc->source) {
      p->value[at - 1] += (float)arc->flow;
      continue;
    }
    if (j != last) p->start[j] = at;
    last = j;
    p->source[at] = (int32_t)arc->source;
    p->value[at++] = (float)arc->flow;
    p->count[j]++;
  }
}

/* Row and column sums in double, at a total of sum b; columns to probabilities. */
static void find_sums(const coupling_exact *e, coupling *out, const coupling_problem *p) {
  double total = 0, spread = 0;
  for (size_t j = 0; j < p->m; j++) total += p->b[j];
  memset(out->row, 0, p->n * sizeof *out->row);
  memset(out->column, 0, p->m * sizeof *out->column);
  size_t room = e->batch_n + e->batch_m;
  for (size_t pass = 0; pass < 2; pass++)
    for (size_t batch = 0; batch < e->batches; batch++)
      for (size_t k = 0; k < e->count[batch]; k++) {
        const emd_arc *arc = e->arcs + batch * room + k;
        if (pass == 0) out->column[arc->target] += arc->flow;
        else out->row[arc->source] += arc->flow * p->b[arc->target] /
                                      out->column[arc->target];
      }
  for (size_t j = 0; j < p->m; j++) {
    float *value = out->pairs.value + out->pairs.start[j];
    for (size_t k = 0; k < out->pairs.count[j]; k++)
      value[k] = (float)(value[k] / out->column[j]);
    out->column[j] = p->b[j];
  }
  memcpy(out->ends, out->row, p->n * sizeof *out->ends);
  for (size_t i = 0; i < p->n; i++)
    spread = fmax(spread, fabs(out->row[i] - p->a[i]));
  out->result.residual = spread * (double)p->n / total;
  for (size_t batch = 0; batch < e->batches; batch++) {
    out->result.transport_cost += e->cost[batch] * total / (double)e->batches;
    out->result.gap += e->gap[batch] * total / (double)e->batches;
  }
  out->result.objective = out->result.transport_cost;
  out->result.entries = plan_entries(&out->pairs);
}

int coupling_exact_solve(coupling_exact *e, coupling *out, const coupling_problem *p,
                         const coupling_options *o) {
  stop stopping = {.interrupted = o->solver.interrupted,
                   .data = o->solver.interrupted_data};
  if (e->batches > 1) {
    draw_cells(e->source, e->batches * e->batch_n, p->n, &o->split, 0);
    draw_cells(e->target, e->batches * e->batch_m, p->m, &o->split, 1);
  }
  kernels_get(); /* chosen here, before threads ask for it */
  PARALLEL_FOR(e->workers)
  for (size_t batch = 0; batch < e->batches; batch++) {
    e->status[batch] = STATUS_INTERRUPTED;
    if (stop_asked(&stopping, parallel_rank())) continue;
    solve_batch(e, out, p, o, batch, parallel_rank());
    if (e->status[batch] == STATUS_INTERRUPTED) stopping.stopped = 1;
  }
  for (size_t batch = 0; batch < e->batches; batch++)
    if (e->status[batch]) return e->status[batch];
  out->batches = e->batches;
  make_columns(e, &out->pairs);
  find_sums(e, out, p);
  return STATUS_OK;
}
