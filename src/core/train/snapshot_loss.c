#include "train/snapshot_loss.h"
#include <math.h>

static emd_task to_target(const snapshot_loss *s) {
  return (emd_task){s->n, s->m, s->d, s->cloud, s->target, s->weight, NULL,
                    EMD_EUCLIDEAN};
}

static emd_task to_held_out(const snapshot_loss *s) {
  emd_task task = to_target(s);
  task.y += s->m * s->d;
  task.m = s->held_out;
  return task;
}

void snapshot_loss_layout(arena *a, snapshot_loss *s, size_t n, size_t m,
                          size_t held_out, size_t d) {
  s->n = n;
  s->m = m;
  s->held_out = held_out;
  s->d = d;
  s->cloud = arena_take(a, n * d, sizeof(double));
  s->weight = arena_take(a, n, sizeof(double));
  s->target = arena_take(a, (m + held_out) * d, sizeof(double));
  s->u = arena_take(a, n, sizeof(double));
  s->plan = arena_take(a, n + m, sizeof(emd_arc));
  emd_task task = to_target(s), other = to_held_out(s);
  emd_options options = emd_defaults();
  s->emd_bytes = emd_workspace(&task, &options);
  if (s->emd_bytes == 0) a->failed = 1;
  size_t bytes = held_out > 0 ? emd_workspace(&other, &options) : 0;
  if (s->emd_bytes < bytes) s->emd_bytes = bytes;
  s->emd = arena_take(a, s->emd_bytes, 1);
}

typedef struct {
  stop *halt;
  int rank;
} asked;

static int stop_of(void *data) {
  asked *by = data;
  return stop_asked(by->halt, by->rank);
}

void snapshot_loss_plan(snapshot_loss *s, const float *state, stop *halt, int rank) {
  double mean = 0;
  s->total = 0;
  for (size_t i = 0; i < s->n; i++) {
    const float *from = state + i * (s->d + 1);
    for (size_t c = 0; c < s->d; c++) s->cloud[i * s->d + c] = from[c];
    s->total += s->weight[i] = exp(from[s->d]);
  }
  emd_task task = to_target(s), other = to_held_out(s);
  emd_options options = emd_defaults();
  emd_result result;
  asked by = {halt, rank};
  options.interrupted = stop_of;
  options.interrupted_data = &by;
  s->status = emd_solve(s->u, NULL, s->plan, &result, &task, &options, s->emd,
                        s->emd_bytes);
  if (s->status != STATUS_OK) return;
  for (size_t i = 0; i < s->n; i++) mean += s->weight[i] / s->total * s->u[i];
  for (size_t i = 0; i < s->n; i++) s->u[i] -= mean;
  s->arcs = result.arcs;
  if (s->held_out > 0)
    s->status = emd_solve(NULL, NULL, NULL, &result, &other, &options, s->emd,
                          s->emd_bytes);
  s->distance = result.cost;
  s->mass_error = fabs(s->total / (double)s->n - s->observed_mass) / s->observed_mass;
}

void snapshot_loss_adjoint(const snapshot_loss *s, float *adjoint, const float *state,
                           size_t first, size_t count, double part, double mass_weight) {
  size_t d = s->d, dim = d + 1;
  double scale = part * (double)s->n / (double)count, change = 0;
  for (size_t i = first; i < first + count; i++)
    change += exp(state[i * dim + d]) - s->weight[i];
  double predicted = s->total / (double)s->n + change / (double)count;
  double error = (predicted - s->observed_mass) / s->observed_mass;
  double slope = 2 * mass_weight * error / s->observed_mass;
  for (size_t i = first; i < first + count; i++) {
    double by_weight = s->weight[i] / s->total * s->u[i];
    double by_mass = slope * exp(state[i * dim + d]) / (double)s->n;
    adjoint[i * dim + d] += (float)(scale * (by_weight + by_mass));
  }
  for (size_t e = 0; e < s->arcs; e++) {
    const emd_arc *arc = s->plan + e;
    if (arc->source < first || arc->source >= first + count) continue;
    const float *x = state + arc->source * dim;
    const double *y = s->target + arc->target * d;
    double square = 0;
    for (size_t c = 0; c < d; c++) square += (x[c] - y[c]) * (x[c] - y[c]);
    if (square == 0) continue; /* at the minimum; 0 is a subgradient */
    double by_distance = scale * arc->flow / sqrt(square);
    for (size_t c = 0; c < d; c++)
      adjoint[arc->source * dim + c] += (float)(by_distance * (x[c] - y[c]));
  }
}
