/* Problems, independent solvers and certificates for the tests of the EMD. */
#ifndef VGFM_TESTS_EMD_REFERENCE_H
#define VGFM_TESTS_EMD_REFERENCE_H

#include "check.h"
#include "transport/emd.h"
#include <stdint.h>
#include <string.h>

/* --- help ------------------------------------------------------------------------- */

static uint64_t state = 88172645463325252u;
static inline double uniform(void) { /* Marsaglia 2003, xorshift64 */
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (double)(state >> 11) * 0x1p-53;
}
static inline double normal(void) {
  return sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform());
}
static inline size_t below(size_t n) { return (size_t)(uniform() * (double)n); }

static inline double *filled(size_t count, double (*draw)(void)) {
  double *out = malloc((count + 1) * sizeof *out);
  for (size_t i = 0; i < count; i++) out[i] = draw();
  return out;
}

static inline double pair_cost(const emd_task *t, size_t i, size_t j) {
  double total = 0;
  for (size_t k = 0; k < t->d; k++) {
    double gap = t->x[i * t->d + k] - t->y[j * t->d + k];
    total += gap * gap;
  }
  return t->metric == EMD_EUCLIDEAN ? sqrt(total) : total;
}

static inline double largest_cost(const emd_task *t) {
  double largest = 0;
  for (size_t i = 0; i < t->n; i++)
    for (size_t j = 0; j < t->m; j++) largest = fmax(largest, pair_cost(t, i, j));
  return largest;
}

/* A sum that keeps what rounding takes away (Neumaier 1974). */
typedef struct { double sum, rest; } careful;
static inline void add(careful *c, double value) {
  double sum = c->sum + value;
  c->rest += fabs(c->sum) >= fabs(value) ? c->sum - sum + value : value - sum + c->sum;
  c->sum = sum;
}

static inline double *shares(const double *weight, size_t count) {
  double *out = malloc(count * sizeof *out);
  careful sum = {0};
  for (size_t k = 0; k < count; k++) add(&sum, weight ? weight[k] : 1);
  double total = sum.sum + sum.rest;
  for (size_t k = 0; k < count; k++) out[k] = (weight ? weight[k] : 1) / total;
  return out;
}

static inline double dot(const double *x, const double *y, size_t count) {
  careful sum = {0};
  for (size_t k = 0; k < count; k++) add(&sum, x[k] * y[k]);
  return sum.sum + sum.rest;
}

typedef struct {
  double *u, *v;
  emd_arc *plan;
  emd_result result;
  int status;
} solution;

static inline solution solve_with(const emd_task *t, const emd_options *o) {
  solution s = { .u = malloc(t->n * sizeof(double)), .v = malloc(t->m * sizeof(double)),
                 .plan = malloc((t->n + t->m) * sizeof(emd_arc)) };
  size_t bytes = emd_workspace(t, o);
  void *workspace = malloc(bytes);
  memset(workspace, 0xA5, bytes);
  s.status = emd_solve(s.u, s.v, s.plan, &s.result, t, o, workspace, bytes);
  free(workspace);
  return s;
}

static inline solution solve(const emd_task *t) {
  emd_options options = emd_defaults();
  return solve_with(t, &options);
}

static inline void release(solution *s) {
  free(s->u);
  free(s->v);
  free(s->plan);
}

/* The plan is a plan: at most n + m - 1 arcs of positive flow, marginals to 1e-15, and
 * its cost is the cost reported. */
static inline void check_plan(const emd_task *t, const solution *s, const char *what) {
  double *a = shares(t->a, t->n), *b = shares(t->b, t->m), worst = 0;
  careful *row = calloc(t->n, sizeof *row), *column = calloc(t->m, sizeof *column);
  careful cost = {0};
  CHECK(s->result.arcs <= t->n + t->m - 1, "%s: %zu arcs", what, s->result.arcs);
  for (size_t k = 0; k < s->result.arcs; k++) {
    emd_arc arc = s->plan[k];
    CHECK(arc.source < t->n && arc.target < t->m && arc.flow > 0, "%s: arc %zu", what, k);
    add(row + arc.source, arc.flow);
    add(column + arc.target, arc.flow);
    add(&cost, arc.flow * pair_cost(t, arc.source, arc.target));
  }
  for (size_t i = 0; i < t->n; i++)
    worst = fmax(worst, fabs(row[i].sum + row[i].rest - a[i]));
  for (size_t j = 0; j < t->m; j++)
    worst = fmax(worst, fabs(column[j].sum + column[j].rest - b[j]));
  CHECK(worst <= 1e-15, "%s: marginals off by %g", what, worst);
  CHECK(fabs(cost.sum - s->result.cost) <= 1e-12 * cost.sum, "%s: cost %.17g, plan %.17g",
        what, s->result.cost, cost.sum);
  free(a);
  free(b);
  free(row);
  free(column);
}

/* The certificate: u + v <= C everywhere and u + v = C along the plan, both to 1e-11 of
 * the largest cost, potentials finite, dual value = cost. Together with check_plan this
 * proves optimality whatever the solver did. */
static inline void check_certificate(const emd_task *t, const solution *s,
                                     const char *what) {
  double scale = largest_cost(t), worst = 0, slack = 0;
  for (size_t i = 0; i < t->n; i++)
    for (size_t j = 0; j < t->m; j++) {
      double excess = s->u[i] + s->v[j] - pair_cost(t, i, j);
      if (!(excess <= worst)) worst = excess;
    }
  CHECK(worst <= 1e-14 * scale, "%s: dual infeasible by %g of %g", what, worst, scale);
  for (size_t k = 0; k < s->result.arcs; k++) {
    size_t i = s->plan[k].source, j = s->plan[k].target;
    slack = fmax(slack, pair_cost(t, i, j) - s->u[i] - s->v[j]);
  }
  CHECK(slack <= 1e-11 * scale, "%s: slack %g of %g", what, slack, scale);
  double *a = shares(t->a, t->n), *b = shares(t->b, t->m);
  double u_sum = dot(a, s->u, t->n), v_sum = dot(b, s->v, t->m), dual = u_sum + v_sum;
  CHECK(fabs(dual - s->result.cost) <= 1e-11 * scale, "%s: dual %.17g, cost %.17g", what,
        dual, s->result.cost);
  CHECK(fabs(u_sum - v_sum) <= 1e-11 * scale, "%s: gauge", what);
  CHECK(fabs(s->result.gap) <= 1e-11 * scale, "%s: gap %g", what, s->result.gap);
  free(a);
  free(b);
}

/* Solve and certify; returns the cost. */
static inline double certified(const emd_task *t, const char *what) {
  solution s = solve(t);
  CHECK(s.status == STATUS_OK, "%s: %s", what, status_message(s.status));
  double cost = s.result.cost;
  if (s.status == STATUS_OK) {
    check_plan(t, &s, what);
    check_certificate(t, &s, what);
  }
  release(&s);
  return cost;
}

/* --- independent solvers ---------------------------------------------------------- */

/* Least mean cost over all permutations. */
static inline double best_permutation(const emd_task *t, size_t row, unsigned used) {
  double best = INFINITY;
  if (row == t->n) return 0;
  for (size_t j = 0; j < t->n; j++)
    if (!(used >> j & 1))
      best = fmin(best, pair_cost(t, row, j) / (double)t->n +
                            best_permutation(t, row + 1, used | 1u << j));
  return best;
}

/* Successive shortest paths by Bellman and Ford: from any source with supply to any
 * target with demand, along arcs forwards and carried flow backwards. Slow and plain. */
static inline double shortest_path_cost(const emd_task *t) {
  size_t n = t->n, m = t->m, nodes = n + m;
  double *supply = shares(t->a, n), *demand = shares(t->b, m);
  double *flow = calloc(n * m, sizeof *flow);
  double *distance = malloc(nodes * sizeof *distance);
  size_t *before = malloc(nodes * sizeof *before);
  const double nothing = 1e-15;
  for (;;) {
    for (size_t k = 0; k < nodes; k++) {
      distance[k] = k < n && supply[k] > nothing ? 0 : INFINITY;
      before[k] = nodes;
    }
    for (int changed = 1; changed;) {
      changed = 0;
      for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++) {
          double c = pair_cost(t, i, j);
          if (distance[i] + c < distance[n + j] - 1e-13) {
            distance[n + j] = distance[i] + c;
            before[n + j] = i;
            changed = 1;
          }
          if (flow[i * m + j] > nothing && distance[n + j] - c < distance[i] - 1e-13) {
            distance[i] = distance[n + j] - c;
            before[i] = n + j;
            changed = 1;
          }
        }
    }
    size_t end = nodes;
    for (size_t j = 0; j < m; j++)
      if (demand[j] > nothing && (end == nodes || distance[n + j] < distance[end]))
        end = n + j;
    if (end == nodes || !isfinite(distance[end])) break;
    double push = demand[end - n];
    size_t start = end;
    for (; before[start] != nodes; start = before[start])
      if (start < n) push = fmin(push, flow[start * m + before[start] - n]);
    push = fmin(push, supply[start]);
    for (size_t k = end; before[k] != nodes; k = before[k])
      if (k < n) flow[k * m + before[k] - n] -= push;
      else flow[before[k] * m + k - n] += push;
    supply[start] -= push;
    demand[end - n] -= push;
  }
  double cost = 0;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < m; j++)
      if (flow[i * m + j] > 0) cost += flow[i * m + j] * pair_cost(t, i, j);
  free(supply);
  free(demand);
  free(flow);
  free(distance);
  free(before);
  return cost;
}

typedef struct { double at, weight; } atom;
static inline int by_place(const void *p, const void *q) {
  double a = ((const atom *)p)->at, b = ((const atom *)q)->at;
  return (a > b) - (a < b);
}
static inline atom *sorted_atoms(const double *x, const double *weight, size_t count) {
  atom *out = malloc(count * sizeof *out);
  double *part = shares(weight, count);
  for (size_t i = 0; i < count; i++) out[i] = (atom){ x[i], part[i] };
  free(part);
  qsort(out, count, sizeof *out, by_place);
  return out;
}

/* In one dimension the monotone coupling is optimal for both costs. */
static inline double quantile_cost(const emd_task *t) {
  atom *p = sorted_atoms(t->x, t->a, t->n), *q = sorted_atoms(t->y, t->b, t->m);
  double cost = 0;
  for (size_t i = 0, j = 0; i < t->n && j < t->m;) {
    double flow = fmin(p[i].weight, q[j].weight), gap = fabs(p[i].at - q[j].at);
    cost += flow * (t->metric == EMD_EUCLIDEAN ? gap : gap * gap);
    p[i].weight -= flow;
    q[j].weight -= flow;
    if (p[i].weight <= q[j].weight) i++;
    else j++;
  }
  free(p);
  free(q);
  return cost;
}

#endif
