#include "transport/emd_cost.h"
#include "transport/emd_levels.h"
#include "emd_reference.h"
#include "transport/emd_tree.h"
#include "kernels/kernels.h"

/* Preorder, sizes, last nodes, heights and flows are what the parents imply. */
static void check_tree_state(const emd_tree *t, const double *cost,
                             const int64_t *weight) {
  uint32_t nodes = t->nodes, n = t->sources, m = nodes - n, seen = 0;
  uint32_t *size = calloc(nodes, sizeof *size), *place = malloc(nodes * sizeof *place);
  int64_t *net = calloc(nodes, sizeof *net);
  for (uint32_t k = t->root; seen < nodes; k = t->next[k]) {
    CHECK(t->node[t->next[k]].prev == k, "prev of %u", t->next[k]);
    place[k] = seen++;
  }
  for (uint32_t k = 0; k < nodes; k++) {
    for (uint32_t up = k; up != EMD_NONE; up = t->node[up].parent) size[up]++;
    uint32_t up = t->node[k].parent;
    if (up == EMD_NONE) continue;
    int64_t flow = t->node[k].flow;
    CHECK((k < n) != (up < n) && flow >= 0, "arc above %u", k);
    CHECK(flow > 0 || k < n, "empty arc above target %u: not strongly feasible", k);
    net[k] += flow;
    net[up] += flow;
    double reduced = k < n ? cost[k * m + up - n] - t->height[k] + t->height[up]
                           : cost[up * m + k - n] - t->height[up] + t->height[k];
    CHECK(fabs(reduced) < 1e-10, "reduced cost %g in the tree", reduced);
  }
  for (uint32_t k = 0; k < nodes; k++) {
    CHECK(size[k] == t->node[k].size, "size of %u", k);
    CHECK(place[t->node[k].last] == place[k] + size[k] - 1, "last of %u", k);
    CHECK(net[k] == weight[k], "flow at %u", k);
  }
  free(size);
  free(place);
  free(net);
}

/* Random pivots from a star-like tree keep every invariant, degenerate ones too. */
static void check_tree(void) {
  enum { N = 13, M = 9, NODES = N + M };
  double cost[N * M], height[NODES] = {0};
  emd_node node[NODES];
  uint32_t next[NODES], scratch[NODES];
  int64_t weight[NODES] = {0};
  emd_tree t = { N, NODES, N, node, next, height };
  for (size_t k = 0; k < N * M; k++) cost[k] = uniform();
  /* All sources below target 0; the other targets below source 0, which serves them. */
  for (uint32_t k = 0; k < NODES; k++) {
    node[k].parent = k < N ? N : 0;
    node[k].flow = k == 0 ? 5 : k < 4 ? 0 : 1;
  }
  node[N] = (emd_node){ .parent = EMD_NONE };
  emd_tree_thread(&t, scratch);
  for (uint32_t k = 0; k < NODES; k++)
    if (k != N) {
      weight[k] += node[k].flow;
      weight[node[k].parent] += node[k].flow;
    }
  for (uint32_t k = next[N]; k != N; k = next[k])
    height[k] = k < N ? cost[k * M] : height[0] - cost[k - N];
  check_tree_state(&t, cost, weight);
  int degenerate = 0;
  for (int trial = 0; trial < 400; trial++) {
    uint32_t i = (uint32_t)below(N), j = (uint32_t)(N + below(M));
    if (node[i].parent == j || node[j].parent == i) continue;
    double reduced = cost[i * M + j - N] - height[i] + height[j];
    degenerate += emd_tree_pivot(&t, i, j, reduced) == 0;
    check_tree_state(&t, cost, weight);
  }
  CHECK(degenerate > 10 && degenerate < 390, "%d degenerate pivots", degenerate);
}

/* Multiples of a common weight stay exact; others to 1e-17 of the total; totals agree and
 * nothing vanishes. */
static void check_integer_weights(void) {
  double a[3] = { 0.1, 0, 0.3 }, b[2] = { 7, 7 }, c[4] = { 1, 1e-30, 0, 0.123456789 };
  int64_t p[4], q[4];
  int64_t total = emd_integer_weights(p, q, a, b, 3, 2);
  CHECK(total == 4 && p[0] == 1 && p[1] == 0 && p[2] == 3 && q[0] == 2 && q[1] == 2,
        "small multiples: total %lld", (long long)total);
  total = emd_integer_weights(p, q, c, b, 4, 2);
  CHECK(p[0] + p[1] + p[2] + p[3] == total && q[0] + q[1] == total, "totals");
  CHECK(p[1] == 1 && p[2] == 0, "tiny and zero weights");
  CHECK_NEAR((double)p[3] / (double)total, c[3] / (c[0] + c[3]), 1e-16);
}

/* The single-precision kernels against their twin, within the error they promise. */
static void check_kernels(void) {
  const char *tables[] = { "generic", "neon", "avx2", "avx512" };
  const char *chosen = kernels_get()->name;
  enum { N = 112, D = 9 };
  float x[N * D], y[D], add[N], got[N], want[N];
  for (size_t k = 0; k < N * D; k++) x[k] = (float)normal();
  for (size_t k = 0; k < D; k++) y[k] = x[k * N + 5];
  for (size_t k = 0; k < N; k++) add[k] = (float)normal();
  for (size_t k = 0; k < sizeof tables / sizeof *tables; k++) {
    if (kernels_select(tables[k]) != 0) continue;
    for (size_t n = 16; n <= N; n += 16)
      for (int root = 0; root < 2; root++) {
        kernels_get()->distance_f32(got, x, N, y, n, D, root);
        kernels_naive.distance_f32(want, x, N, y, n, D, root);
        for (size_t i = 0; i < n; i++)
          CHECK(fabsf(got[i] - want[i]) <= 4e-7f * (want[i] + 1), "%s: %g is not %g",
                tables[k], got[i], want[i]);
        CHECK(got[5] == 0, "%s: a point at distance %g of itself", tables[k], got[5]);
        float least = kernels_get()->add_min_f32(got, got, add, n);
        CHECK(least == kernels_naive.add_min_f32(want, want, add, n) ||
              fabsf(least - kernels_naive.add_min_f32(got, got, (float[N]){0}, n)) == 0,
              "%s: least", tables[k]);
      }
  }
  kernels_select(chosen);
}

/* The partners of least cost + offset, in order, are those of a plain search, wherever
 * they stand in the cloud and whether or not costs are kept. */
static void check_nearest(void) {
  enum { N = 20, M = 700, D = 3 };
  double *x = filled(N * D, normal), *y = filled(M * D, normal);
  double *offset = filled(M, normal);
  float offset32[M + EMD_BLOCK], kept[N * (M + 16)];
  emd_problem p = { .d = D, .root = 1, .threads = 1 };
  arena measure = {0};
  emd_cloud_layout(&measure, &p.source, N, D);
  emd_cloud_layout(&measure, &p.target, M, D);
  void *block = malloc(arena_size(&measure));
  arena a = arena_over(block, arena_size(&measure));
  emd_cloud_layout(&a, &p.source, N, D);
  emd_cloud_layout(&a, &p.target, M, D);
  emd_cloud_fill(&p.source, x, N, D);
  emd_cloud_fill(&p.target, y, M, D);
  emd_offsets32(offset32, offset, 1, M, p.target.stride);
  for (int pass = 0; pass < 3; pass++) {
    p.kept = pass > 0 ? kept : NULL;
    p.kept_ready = pass == 2;
    for (size_t i = 0; i < N; i++) {
      emd_shortlist list;
      emd_nearest(&list, &p, 1, i, offset32);
      CHECK(list.count == EMD_SHORTLIST, "%zu partners", list.count);
      for (size_t k = 0; k < list.count; k++) {
        double value = emd_cost(&p, i, list.index[k]) + offset[list.index[k]];
        CHECK_NEAR(list.value[k], value, 1e-5);
        size_t nearer = 0;
        for (size_t j = 0; j < M; j++) nearer += emd_cost(&p, i, j) + offset[j] < value;
        CHECK(nearer == k, "partner %zu has %zu nearer", k, nearer);
      }
    }
  }
  free(block);
  free(x);
  free(y);
  free(offset);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_kernels();
  check_integer_weights();
  check_tree();
  check_nearest();
  return check_report("test_emd_parts");
}
