#include "transport/emd_start.h"
#include "base/parallel.h"
#include "base/status.h"
#include <string.h>

void emd_start_layout(arena *a, emd_start *s, size_t n, size_t m) {
  size_t nodes = n + m, candidates = nodes * EMD_SHORTLIST;
  s->offset32 = arena_take(a, nodes + EMD_BLOCK, sizeof *s->offset32);
  s->reduced32 = arena_take(a, candidates, sizeof *s->reduced32);
  s->order = arena_take(a, candidates, sizeof *s->order);
  s->other = arena_take(a, candidates, sizeof *s->other);
  s->from = arena_take(a, nodes, sizeof *s->from);
  s->to = arena_take(a, nodes, sizeof *s->to);
  s->flow = arena_take(a, nodes, sizeof *s->flow);
  s->left = arena_take(a, nodes, sizeof *s->left);
  s->first = arena_take(a, nodes + 1, sizeof *s->first);
  s->adjacent = arena_take(a, 2 * nodes, sizeof *s->adjacent);
  s->queue = arena_take(a, nodes, sizeof *s->queue);
  s->degree = arena_take(a, nodes, sizeof *s->degree);
  s->link = arena_take(a, nodes, sizeof *s->link);
  s->distance = arena_take(a, nodes, sizeof *s->distance);
}

/* --- candidates ------------------------------------------------------------------- */

static size_t fewer(size_t a, size_t b) { return a < b ? a : b; }

/* The shortlist of one point, as arcs of exact cost; returns the least cost + offset. */
static double list_point(emd_candidate *arc, const emd_problem *p, size_t point,
                         int is_source, const float *offset32, const double *offset) {
  size_t n = p->source.count;
  emd_shortlist list;
  emd_nearest(&list, p, is_source, point, offset32);
  double best = INFINITY;
  for (size_t k = 0; k < list.count; k++) {
    size_t source = is_source ? point : list.index[k];
    size_t target = is_source ? list.index[k] : point;
    double cost = emd_cost(p, source, target);
    arc[k] = (emd_candidate){ (uint32_t)source, (uint32_t)(n + target), cost };
    best = fmin(best, cost - offset[list.index[k]]);
  }
  return best;
}

/* Shortlists of all points of a cloud, `width` arcs each; best (count) unless NULL. */
static int list_cloud(emd_candidate *arc, size_t width, double *best,
                      const emd_problem *p, int is_source, emd_start *s,
                      const double *offset) {
  const emd_cloud *own = emd_own(p, is_source), *others = emd_others(p, is_source);
  emd_offsets32(s->offset32, offset, -1, others->count, others->stride);
  size_t chunk = emd_chunk(others->count);
  for (size_t begin = 0; begin < own->count; begin += chunk) {
    if (emd_stopped(p)) return STATUS_INTERRUPTED;
    size_t end = own->count - begin < chunk ? own->count : begin + chunk;
    size_t items = (end - begin + EMD_ROWS - 1) / EMD_ROWS;
    PARALLEL_FOR(emd_threads(p, end - begin, others->count))
    for (size_t item = 0; item < items; item++) {
      size_t from = begin + item * EMD_ROWS, to = fewer(end, from + EMD_ROWS);
      for (size_t i = from; i < to; i++) {
        double value = list_point(arc + i * width, p, i, is_source, s->offset32, offset);
        if (best != NULL) best[i] = value;
      }
    }
  }
  return STATUS_OK;
}

int emd_start_candidates(emd_pricing *w, emd_start *s, emd_problem *p, double *u,
                         const double *v) {
  size_t n = p->source.count, m = p->target.count;
  size_t per_source = fewer(m, EMD_SHORTLIST), per_target = fewer(n, EMD_SHORTLIST);
  p->kept_ready = 0;
  int status = list_cloud(w->pool, per_source, u, p, 1, s, v);
  p->kept_ready = 1;
  if (status == STATUS_OK)
    status = list_cloud(w->pool + n * per_source, per_target, NULL, p, 0, s, u);
  w->count = n * per_source + m * per_target;
  return status;
}

/* --- order ------------------------------------------------------------------------ */

/* An unsigned integer that sorts as the value does. */
static uint32_t sort_key(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits ^ (bits >> 31 ? UINT32_MAX : UINT32_C(1) << 31);
}

/* order = candidates by rising reduced cost: radix sort, 11 bits at a time, stable. */
static void sort_candidates(emd_start *s, const emd_pricing *w, const double *u,
                            const double *v, size_t n) {
  for (size_t k = 0; k < w->count; k++) {
    const emd_candidate *arc = w->pool + k;
    s->reduced32[k] = (float)(arc->cost - u[arc->source] - v[arc->target - n]);
    s->order[k] = (uint32_t)k;
  }
  for (int shift = 0; shift < 33; shift += 11) {
    size_t start[2049] = {0};
    for (size_t k = 0; k < w->count; k++)
      start[(sort_key(s->reduced32[k]) >> shift & 2047) + 1]++;
    for (size_t digit = 0; digit < 2048; digit++) start[digit + 1] += start[digit];
    for (size_t k = 0; k < w->count; k++) {
      uint32_t item = s->order[k];
      s->other[start[sort_key(s->reduced32[item]) >> shift & 2047]++] = item;
    }
    uint32_t *swap = s->order;
    s->order = s->other;
    s->other = swap;
  }
}

/* --- flow ------------------------------------------------------------------------- */

/* Send what both ends still have; an arc that carries flow uses up one of them, so the
 * arcs form a forest. */
static int64_t carry(emd_start *s, uint32_t source, uint32_t target) {
  int64_t flow = s->left[source] < s->left[target] ? s->left[source] : s->left[target];
  if (flow == 0) return 0;
  s->left[source] -= flow;
  s->left[target] -= flow;
  s->from[s->arcs] = source;
  s->to[s->arcs] = target;
  s->flow[s->arcs++] = flow;
  return flow;
}

static uint32_t find_root(uint32_t *link, uint32_t k) {
  while (link[k] != k) k = link[k] = link[link[k]];
  return k;
}

/* Kruskal's forest of the candidates; `first` holds the exclusive or of the forest arcs
 * at each node, which at a leaf is its only arc. */
static void span_candidates(emd_start *s, const emd_pricing *w, uint32_t nodes) {
  for (uint32_t k = 0; k < nodes; k++) {
    s->link[k] = k;
    s->degree[k] = s->first[k] = 0;
  }
  for (size_t k = 0; k < w->count; k++) {
    const emd_candidate *arc = w->pool + s->order[k];
    uint32_t p = find_root(s->link, arc->source), q = find_root(s->link, arc->target);
    if (p == q) continue;
    s->link[p] = q;
    s->degree[arc->source]++;
    s->degree[arc->target]++;
    s->first[arc->source] ^= s->order[k];
    s->first[arc->target] ^= s->order[k];
  }
}

/* A leaf can only use its one arc: carry what that takes, drop the leaf, and so on. */
static void carry_from_leaves(emd_start *s, const emd_pricing *w, uint32_t nodes) {
  uint32_t tail = 0;
  for (uint32_t k = 0; k < nodes; k++)
    if (s->degree[k] == 1) s->queue[tail++] = k;
  for (uint32_t head = 0; head < tail; head++) {
    uint32_t leaf = s->queue[head];
    if (s->degree[leaf] != 1) continue;
    uint32_t item = s->first[leaf];
    const emd_candidate *arc = w->pool + item;
    uint32_t other = leaf == arc->source ? arc->target : arc->source;
    carry(s, arc->source, arc->target);
    s->degree[leaf] = 0;
    s->first[other] ^= item;
    if (--s->degree[other] == 1) s->queue[tail++] = other;
  }
}

/* What is left goes to the open target of least reduced cost, source by source. */
static int carry_rest(emd_start *s, const emd_problem *p, const double *v) {
  size_t n = p->source.count, m = p->target.count, open = 0;
  uint32_t *target = s->queue;
  for (size_t j = 0; j < m; j++)
    if (s->left[n + j] > 0) target[open++] = (uint32_t)j;
  for (size_t i = 0; i < n; i++) {
    if (s->left[i] == 0) continue;
    if (emd_stopped(p)) return STATUS_INTERRUPTED;
    for (size_t k = 0; k < open; k++)
      s->distance[k] = emd_cost(p, i, target[k]) - v[target[k]];
    while (s->left[i] > 0) {
      size_t best = 0;
      for (size_t k = 1; k < open; k++)
        if (s->distance[k] < s->distance[best]) best = k;
      carry(s, (uint32_t)i, (uint32_t)(n + target[best]));
      if (s->left[n + target[best]] > 0) break;
      target[best] = target[--open];
      s->distance[best] = s->distance[open];
    }
  }
  return STATUS_OK;
}

static int carry_all(emd_start *s, const emd_pricing *w, const emd_problem *p,
                     const int64_t *unit, const double *v) {
  uint32_t nodes = (uint32_t)(p->source.count + p->target.count);
  s->arcs = 0;
  memcpy(s->left, unit, nodes * sizeof *unit);
  span_candidates(s, w, nodes);
  carry_from_leaves(s, w, nodes);
  for (size_t k = 0; k < w->count; k++)
    carry(s, w->pool[s->order[k]].source, w->pool[s->order[k]].target);
  return carry_rest(s, p, v);
}

/* --- tree ------------------------------------------------------------------------- */

/* Arcs at each node, in compressed rows. */
static void index_forest(emd_start *s, uint32_t nodes) {
  memset(s->first, 0, (nodes + 1) * sizeof *s->first);
  for (size_t k = 0; k < s->arcs; k++) {
    s->first[s->from[k]]++;
    s->first[s->to[k]]++;
  }
  for (uint32_t k = 0; k < nodes; k++) s->first[k + 1] += s->first[k];
  for (size_t k = s->arcs; k-- > 0;) {
    s->adjacent[--s->first[s->from[k]]] = (uint32_t)k;
    s->adjacent[--s->first[s->to[k]]] = (uint32_t)k;
  }
}

/* Hang the component of the forest that contains `top` (a source already hung) below it;
 * its nodes go to queue[0 ...]; returns how many. degree marks the nodes in the tree. */
static uint32_t hang_component(emd_tree *tree, emd_start *s, const emd_problem *p,
                               uint32_t top) {
  uint32_t tail = 0, n = tree->sources;
  s->queue[tail++] = top;
  s->degree[top] = 1;
  for (uint32_t head = 0; head < tail; head++) {
    uint32_t at = s->queue[head];
    for (uint32_t a = s->first[at]; a < s->first[at + 1]; a++) {
      uint32_t arc = s->adjacent[a], source = s->from[arc], target = s->to[arc];
      uint32_t other = at == source ? target : source;
      if (s->degree[other]) continue;
      double cost = emd_cost(p, source, target - n);
      s->degree[other] = 1;
      tree->node[other].parent = at;
      tree->node[other].flow = s->flow[arc];
      tree->height[other] = tree->height[at] + (at == source ? -cost : cost);
      s->queue[tail++] = other;
    }
  }
  return tail;
}

/* Sources outside the tree may reach it through this target: distance and link are the
 * best way so far. Costs are computed in double where single precision sees a chance. */
static void offer_target(emd_start *s, const emd_problem *p, const double *u,
                         double height, uint32_t target) {
  float cost[EMD_BLOCK];
  size_t n = p->source.count, j = target - n;
  for (size_t first = 0; first < n; first += EMD_BLOCK) {
    size_t count = emd_block_at(first, n);
    emd_costs32(cost, p, 0, j, first, count, s->offset32);
    for (size_t k = 0; k < count; k++) {
      size_t i = first + k;
      if (s->degree[i] || cost[k] + height > s->distance[i] + s->error) continue;
      double reach = emd_cost(p, i, j) + height - u[i];
      if (reach < s->distance[i]) {
        s->distance[i] = reach;
        s->link[i] = target;
      }
    }
  }
}

/* Join the components of the forest into a tree by arcs without flow, each from a source
 * of the lower component to a target of the upper one, in the order of Dijkstra (1959) on
 * the reduced costs: were the flow optimal and u, v exact, so would be the tree. */
static int hang_all(emd_tree *tree, emd_start *s, const emd_problem *p, const double *u) {
  uint32_t n = tree->sources, next = 0, placed = 0;
  for (uint32_t k = 0; k < tree->nodes; k++) s->degree[k] = 0;
  for (uint32_t i = 0; i < n; i++) s->distance[i] = INFINITY;
  double highest = 0;
  for (uint32_t i = 0; i < n; i++) highest = fmax(highest, fabs(u[i]));
  s->error = p->error32 + 0x1p-22 * (p->limit + highest);
  emd_offsets32(s->offset32, u, -1, n, p->source.stride);
  tree->root = 0;
  tree->node[0].parent = EMD_NONE;
  tree->node[0].flow = 0;
  tree->height[0] = 0;
  for (;;) {
    uint32_t count = hang_component(tree, s, p, next);
    placed += count;
    if (placed == tree->nodes) return STATUS_OK;
    if (emd_stopped(p)) return STATUS_INTERRUPTED;
    for (uint32_t k = 0; k < count; k++)
      if (s->queue[k] >= n) offer_target(s, p, u, tree->height[s->queue[k]], s->queue[k]);
    next = EMD_NONE;
    for (uint32_t i = 0; i < n; i++)
      if (!s->degree[i] && (next == EMD_NONE || s->distance[i] < s->distance[next]))
        next = i;
    uint32_t above = s->link[next];
    tree->node[next].parent = above;
    tree->node[next].flow = 0;
    tree->height[next] = tree->height[above] + emd_cost(p, next, above - n);
  }
}

int emd_start_tree(emd_tree *tree, emd_pricing *w, emd_start *s, const emd_problem *p,
                   const int64_t *unit, const double *u, const double *v) {
  size_t n = p->source.count, m = p->target.count;
  tree->sources = (uint32_t)n;
  tree->nodes = (uint32_t)(n + m);
  sort_candidates(s, w, u, v, n);
  int status = carry_all(s, w, p, unit, v);
  if (status != STATUS_OK) return status;
  index_forest(s, tree->nodes);
  status = hang_all(tree, s, p, u);
  if (status != STATUS_OK) return status;
  emd_tree_thread(tree, s->queue);
  emd_set_heights(tree, p);
  return STATUS_OK;
}
