#include "transport/emd_simplex.h"
#include "base/parallel.h"
#include "base/status.h"

/* Measured on 2-d and 50-d clouds of 1500 to 6000 points: repricing after about N / 2
 * pivots needs a third of the pivots that solving each pool to its optimum does. */
enum {
  POOL_PER_NODE = 3 * EMD_SHORTLIST,
  PIVOTS_BETWEEN_POLLS = 512,
  LEAST_SCAN = 64            /* candidates looked at before the best of them enters */
};

void emd_pricing_layout(arena *a, emd_pricing *pricing, size_t n, size_t m) {
  pricing->capacity = POOL_PER_NODE * (n + m);
  pricing->pool = arena_take(a, pricing->capacity, sizeof *pricing->pool);
  pricing->found = arena_take(a, n * EMD_SHORTLIST, sizeof *pricing->found);
  pricing->found_count = arena_take(a, n, sizeof *pricing->found_count);
  pricing->slack = arena_take(a, n, sizeof *pricing->slack);
  pricing->offset32 = arena_take(a, m + EMD_BLOCK, sizeof *pricing->offset32);
}

void emd_set_heights(emd_tree *tree, const emd_problem *p) {
  uint32_t n = tree->sources;
  tree->height[tree->root] = 0;
  for (uint32_t k = tree->next[tree->root]; k != tree->root; k = tree->next[k]) {
    uint32_t up = tree->node[k].parent;
    if (k < n) tree->height[k] = tree->height[up] + emd_cost(p, k, up - n);
    else tree->height[k] = tree->height[up] - emd_cost(p, up, k - n);
  }
}

static inline double reduced_cost(const emd_candidate *arc, const double *height) {
  return arc->cost - height[arc->source] + height[arc->target];
}

/* Pivot on the pool, taking each time the best of a stretch of candidates, until none is
 * left that helps, or `limit` pivots are done. */
static int pivot_pool(emd_tree *tree, emd_pricing *w, const emd_problem *p,
                      size_t limit) {
  size_t stretch = (size_t)sqrt((double)w->count), at = 0, fruitless = 0, pivots = 0;
  if (stretch < LEAST_SCAN) stretch = LEAST_SCAN;
  while (fruitless < w->count && pivots < limit) {
    size_t end = w->count - at < stretch ? w->count : at + stretch, entering = at;
    double least = -p->tolerance;
    for (size_t k = at; k < end; k++) {
      double reduced = reduced_cost(w->pool + k, tree->height);
      if (reduced < least) {
        least = reduced;
        entering = k;
      }
    }
    fruitless += end - at;
    at = end == w->count ? 0 : end;
    if (least >= -p->tolerance) continue;
    if (w->pivots == w->max_pivots) return STATUS_NOT_CONVERGED;
    if (++w->pivots % PIVOTS_BETWEEN_POLLS == 0 && emd_stopped(p))
      return STATUS_INTERRUPTED;
    const emd_candidate *arc = w->pool + entering;
    emd_tree_pivot(tree, arc->source, arc->target, least);
    pivots++;
    fruitless = 0;
  }
  return STATUS_OK;
}

/* List what is below minus the tolerance in one block of a row. A block whose every cost
 * is surely above zero in single precision needs nothing more. Arcs surely below serve as
 * they stand; those in doubt are computed in double, and only while the row has nothing
 * better to offer: its last pass leaves none out. */
static void price_block(emd_shortlist *list, double *slack, const emd_problem *p,
                        const emd_tree *tree, size_t source, size_t first,
                        const float *offset32, double error) {
  float cost[EMD_BLOCK];
  double height = tree->height[source];
  const double *below = tree->height + p->source.count + first;
  size_t count = emd_block_at(first, p->target.count);
  double least = emd_costs32(cost, p, 1, source, first, count, offset32) - height;
  if (least >= error) return;
  if (least < -error) {
    if (list->limit > -error) list->limit = -error;
    for (size_t j = 0; j < count; j++)
      if (cost[j] - height < list->limit)
        emd_shortlist_add(list, cost[j] - height, first + j);
  }
  if (list->limit <= -error) return;
  for (size_t j = 0; j < count; j++) {
    if (cost[j] - height >= error) continue;
    double reduced = emd_cost(p, source, first + j) - height + below[j];
    if (reduced < *slack) *slack = reduced;
    if (reduced < list->limit) emd_shortlist_add(list, reduced, first + j);
  }
}

static void price_row(emd_pricing *w, const emd_problem *p, const emd_tree *tree,
                      size_t source, double error) {
  emd_shortlist list = { .limit = -p->tolerance };
  size_t n = p->source.count;
  w->slack[source] = 0;
  for (size_t first = 0; first < p->target.count; first += EMD_BLOCK)
    price_block(&list, w->slack + source, p, tree, source, first, w->offset32, error);
  w->found_count[source] = (uint8_t)list.count;
  for (size_t k = 0; k < list.count; k++)
    w->found[source * EMD_SHORTLIST + k] =
        (emd_candidate){ (uint32_t)source, (uint32_t)(n + list.index[k]),
                         emd_cost(p, source, list.index[k]) };
}

/* Price all pairs: fill `found` and `slack`. */
static int price_all(emd_pricing *w, const emd_problem *p, const emd_tree *tree) {
  size_t n = p->source.count, m = p->target.count, chunk = emd_chunk(m);
  double highest = 0;
  for (size_t k = 0; k < n + m; k++) highest = fmax(highest, fabs(tree->height[k]));
  double error = p->error32 + 0x1p-22 * (p->limit + highest);
  emd_offsets32(w->offset32, tree->height + n, 1, m, p->target.stride);
  for (size_t begin = 0; begin < n; begin += chunk) {
    if (emd_stopped(p)) return STATUS_INTERRUPTED;
    size_t end = n - begin < chunk ? n : begin + chunk;
    size_t items = (end - begin + EMD_ROWS - 1) / EMD_ROWS;
    PARALLEL_FOR(emd_threads(p, end - begin, m))
    for (size_t item = 0; item < items; item++) {
      size_t row = begin + item * EMD_ROWS;
      for (size_t r = row; r < end && r < row + EMD_ROWS; r++)
        price_row(w, p, tree, r, error);
    }
  }
  return STATUS_OK;
}

/* Make room for `needed` more candidates. What is dropped can be found again. */
static void thin_pool(emd_pricing *w, const emd_tree *tree, size_t needed) {
  if (w->capacity - w->count >= needed) return;
  double sum = 0;
  for (size_t k = 0; k < w->count; k++) sum += reduced_cost(w->pool + k, tree->height);
  double mean = sum / (double)w->count;
  size_t kept = 0;
  for (size_t k = 0; k < w->count; k++)
    if (reduced_cost(w->pool + k, tree->height) < mean) w->pool[kept++] = w->pool[k];
  w->count = w->capacity - kept >= needed ? kept : 0;
}

static size_t collect_found(emd_pricing *w, const emd_tree *tree) {
  size_t total = 0;
  for (size_t i = 0; i < tree->sources; i++) total += w->found_count[i];
  if (total > 0) thin_pool(w, tree, total);
  for (size_t i = 0; i < tree->sources; i++)
    for (size_t k = 0; k < w->found_count[i]; k++)
      w->pool[w->count++] = w->found[i * EMD_SHORTLIST + k];
  return total;
}

int emd_simplex(emd_tree *tree, emd_pricing *w, const emd_problem *p) {
  for (size_t before = SIZE_MAX;;) {
    int status = pivot_pool(tree, w, p, tree->nodes / 2 + 20);
    if (status != STATUS_OK) return status;
    if (w->pivots == before) return STATUS_OK; /* what was found is at the tolerance */
    before = w->pivots;
    emd_set_heights(tree, p);
    status = price_all(w, p, tree);
    if (status != STATUS_OK) return status;
    if (collect_found(w, tree) == 0) return STATUS_OK;
  }
}
