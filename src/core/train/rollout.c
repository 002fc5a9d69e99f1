#include "train/rollout_costs.h"
#include <string.h>

static void layout(arena *a, stages *s, const heads *h, size_t directions) {
  const mlp_shape *velocity = &heads_find(h, HEAD_VELOCITY)->shape;
  const mlp_shape *growth = &heads_find(h, HEAD_GROWTH)->shape;
  size_t d = h->d;
  for (int stage = 0; stage < STAGES; stage++) {
    s->input[stage] = arena_take(a, MLP_TILE * (d + 1), sizeof(float));
    s->velocity[stage] = arena_take(a, MLP_TILE * kernel_pad(d), sizeof(float));
    s->growth[stage] = arena_take(a, MLP_TILE * kernel_pad(1), sizeof(float));
    s->dk[stage] = arena_take(a, MLP_TILE * kernel_pad(d), sizeof(float));
    mlp_tile_layout(a, &s->v_tile[stage], velocity, MLP_TILE);
    mlp_tile_layout(a, &s->g_tile[stage], growth, MLP_TILE);
    s->growth_cost[stage] = arena_take(a, MLP_TILE, sizeof(float));
  }
  s->dgrowth = arena_take(a, MLP_TILE * kernel_pad(1), sizeof(float));
  s->dx[0] = arena_take(a, MLP_TILE * kernel_pad(velocity->inputs), sizeof(float));
  s->dx[1] = arena_take(a, MLP_TILE * kernel_pad(growth->inputs), sizeof(float));
  s->directions = directions;
  if (directions == 0) return;
  s->x_dot = arena_take(a, directions * MLP_TILE * (d + 1), sizeof(float));
  s->dv_dot = arena_take(a, directions * MLP_TILE * kernel_pad(d), sizeof(float));
  for (int stage = 0; stage < STAGES; stage++) {
    if (growth_share[stage] == 0) continue;
    s->v_dot[stage] = arena_take(a, directions * MLP_TILE * kernel_pad(d), sizeof(float));
    mlp_tangent_layout(a, &s->tangent[stage], velocity, MLP_TILE, directions);
  }
}

size_t rollout_tile_bytes(const heads *h, size_t directions) {
  arena a = {0};
  stages s;
  layout(&a, &s, h, directions);
  return arena_size(&a);
}

static stages stages_in(rollout *r, size_t first, size_t rows, trainer *t, void *tile,
                        size_t bytes) {
  arena a = arena_over(tile, bytes);
  stages s;
  layout(&a, &s, t->heads, rollout_directions(r));
  s.roll = r;
  s.first = first;
  s.rows = rows;
  s.v = trainer_find(t, HEAD_VELOCITY);
  s.g = trainer_find(t, HEAD_GROWTH);
  stages_aim(&s);
  return s;
}

/* States (rows, d + 1) of `path` or `adjoint` at the start of the step, or `later` steps
 * after that. */
static float *state(const stages *s, float *states, size_t later) {
  return states + ((s->step + later) * s->roll->n + s->first) * (s->roll->d + 1);
}

/* Runs all stages of a step. */
static void run_stages(stages *s, size_t step) {
  const head *velocity = s->v->head, *growth = s->g->head;
  const double *times = s->roll->times;
  size_t d = s->roll->d, dim = d + 1, pad = kernel_pad(d);
  s->step = step;
  s->h = times[step + 1] - times[step];
  const float *x = state(s, s->roll->path, 0);
  for (int stage = 0; stage < STAGES; stage++) {
    float reach = (float)(node[stage] * s->h * velocity->scale);
    for (size_t r = 0; r < s->rows; r++) {
      float *in = s->input[stage] + r * dim;
      memcpy(in, x + r * dim, d * sizeof *in);
      if (stage > 0) {
        const float *k = s->velocity[stage - 1] + r * pad;
        for (size_t c = 0; c < d; c++) in[c] += reach * k[c];
      }
      in[d] = (float)(times[step] + node[stage] * s->h);
    }
    mlp_forward(s->velocity[stage], &s->v_tile[stage], s->input[stage], dim, s->rows,
                s->v->weights, &velocity->shape);
    if (growth_share[stage] == 0) continue;
    mlp_forward(s->growth[stage], &s->g_tile[stage], s->input[stage], dim, s->rows,
                s->g->weights, &growth->shape);
    if (s->directions > 0)
      mlp_forward_tangent(s->v_dot[stage], &s->tangent[stage], &s->v_tile[stage],
                          s->x_dot, dim, s->directions, s->rows, s->v->weights,
                          &velocity->shape);
  }
}

/* From the stages the states at the end of the step. */
static void end_step(const stages *s) {
  const head *velocity = s->v->head, *growth = s->g->head;
  size_t d = s->roll->d, dim = d + 1, pad = kernel_pad(d), pad_growth = kernel_pad(1);
  const float *x = state(s, s->roll->path, 0);
  float *next = state(s, s->roll->path, 1);
  for (size_t row = 0; row < s->rows; row++) {
    for (size_t c = 0; c < d; c++) {
      double change = 0;
      for (int stage = 0; stage < STAGES; stage++)
        change += share[stage] * s->velocity[stage][row * pad + c];
      next[row * dim + c] = (float)(x[row * dim + c] + s->h * velocity->scale * change);
    }
    double change = 0;
    for (int stage = 0; stage < STAGES; stage++)
      if (growth_share[stage] > 0)
        change += growth_share[stage] * s->growth[stage][row * pad_growth];
    change = growth->offset + growth->scale * change;
    next[row * dim + d] = (float)(x[row * dim + d] + s->h * change);
  }
}

void rollout_forward(rollout *r, size_t first, size_t rows, trainer *t, void *tile,
                     size_t tile_bytes) {
  stages s = stages_in(r, first, rows, t, tile, tile_bytes);
  if (r->cost) memset(r->cost + first * COSTS, 0, rows * COSTS * sizeof(float));
  for (size_t step = 0; step < r->steps; step++) {
    run_stages(&s, step);
    end_step(&s);
    if (r->cost) costs_forward(&s);
  }
}

/* Derivatives by the velocities and growth of all stages that come from the step's end
 * alone, and from the costs that run up. */
static void start_stages(stages *s) {
  const head *velocity = s->v->head;
  size_t d = s->roll->d, dim = d + 1, pad = kernel_pad(d);
  const float *later = state(s, s->roll->adjoint, 1);
  for (int stage = 0; stage < STAGES; stage++) {
    const float part = (float)(s->h * share[stage] * velocity->scale);
    memset(s->dk[stage], 0, s->rows * pad * sizeof(float));
    for (size_t r = 0; r < s->rows; r++)
      for (size_t c = 0; c < d; c++)
        s->dk[stage][r * pad + c] = part * later[r * dim + c];
  }
  if (s->roll->cost) costs_backward(s);
}

static void velocity_backward(stages *s, int stage, size_t slot) {
  packed_network *v = s->v;
  const mlp_shape *shape = &v->head->shape;
  float *grad = v->grad + slot * v->packed;
  size_t dim = s->roll->d + 1;
  memset(s->dx[0], 0, s->rows * kernel_pad(shape->inputs) * sizeof(float));
  if (s->directions == 0 || growth_share[stage] == 0) {
    mlp_backward(grad, s->dx[0], s->dk[stage], &s->v_tile[stage], s->input[stage], dim,
                 s->rows, v->transposed, shape);
    return;
  }
  divergence_backward(s, stage);
  mlp_backward_tangent(grad, s->dx[0], NULL, s->dk[stage], s->dv_dot, &s->tangent[stage],
                       &s->v_tile[stage], s->input[stage], dim, s->x_dot, dim,
                       s->directions, s->rows, v->transposed, shape);
}

static void growth_backward(stages *s, int stage, size_t slot) {
  packed_network *g = s->g;
  const mlp_shape *shape = &g->head->shape;
  const float *later = state(s, s->roll->adjoint, 1);
  size_t d = s->roll->d, dim = d + 1, pad = kernel_pad(1);
  memset(s->dx[1], 0, s->rows * kernel_pad(shape->inputs) * sizeof(float));
  if (growth_share[stage] == 0) return;
  const float part = (float)(s->h * growth_share[stage] * g->head->scale);
  memset(s->dgrowth, 0, s->rows * pad * sizeof(float));
  for (size_t r = 0; r < s->rows; r++) {
    s->dgrowth[r * pad] = part * later[r * dim + d];
    if (s->roll->energy)
      s->dgrowth[r * pad] += (float)g->head->scale * s->growth_cost[stage][r];
  }
  mlp_backward(g->grad + slot * g->packed, s->dx[1], s->dgrowth, &s->g_tile[stage],
               s->input[stage], dim, s->rows, g->transposed, shape);
}

/* Gradients into the slot, and the adjoint at the end of a step to its start. */
static void step_backward(stages *s, size_t slot) {
  const head *velocity = s->v->head, *growth = s->g->head;
  size_t d = s->roll->d, dim = d + 1, pad = kernel_pad(d);
  size_t pad_v = kernel_pad(velocity->shape.inputs);
  size_t pad_g = kernel_pad(growth->shape.inputs);
  float *now = state(s, s->roll->adjoint, 0);
  const float *later = state(s, s->roll->adjoint, 1);
  for (size_t i = 0; i < s->rows * dim; i++) now[i] += later[i];
  start_stages(s);
  for (int stage = STAGES; stage-- > 0;) {
    velocity_backward(s, stage, slot);
    growth_backward(s, stage, slot);
    const float reach = (float)(node[stage] * s->h * velocity->scale);
    for (size_t r = 0; r < s->rows; r++) {
      const float *by_velocity = s->dx[0] + r * pad_v, *by_growth = s->dx[1] + r * pad_g;
      for (size_t c = 0; c < d; c++) now[r * dim + c] += by_velocity[c] + by_growth[c];
      if (stage == 0) continue;
      float *below = s->dk[stage - 1] + r * pad;
      for (size_t c = 0; c < d; c++)
        below[c] += reach * (by_velocity[c] + by_growth[c]);
    }
  }
}

void rollout_backward(rollout *r, size_t first, size_t rows, trainer *t, size_t slot,
                      void *tile, size_t tile_bytes) {
  stages s = stages_in(r, first, rows, t, tile, tile_bytes);
  for (size_t step = r->steps; step-- > 0;) {
    run_stages(&s, step);
    step_backward(&s, slot);
  }
}
