#include "train/rollout.h"
#include <string.h>

#define STAGES 4

/* Stage s is evaluated at x + node[s] h k[s - 1]; the step ends at x + h sum share k.
 * Growth does not act back on the position: one look at the middle of the step, which
 * makes it Simpson's rule, is enough. */
static const double node[STAGES] = {0, 0.5, 0.5, 1};
static const double share[STAGES] = {1. / 6, 1. / 3, 1. / 3, 1. / 6};
static const double growth_share[STAGES] = {1. / 6, 0, 2. / 3, 1. / 6};

/* The four stages of one step of a tile. */
typedef struct {
  float *input[STAGES];   /* (MLP_TILE, d + 1) position and time */
  float *velocity[STAGES]; /* (MLP_TILE, pad(d)) in standard units */
  float *growth[STAGES];  /* (MLP_TILE, pad(1)) in standard units */
  mlp_tile v_tile[STAGES], g_tile[STAGES];
  float *dk[STAGES];      /* (MLP_TILE, pad(d)) derivative by the stage's velocity */
  float *dgrowth;         /* (MLP_TILE, pad(1)) */
  packed_network *v, *g;  /* velocity and growth */
  float *dx[2];           /* (MLP_TILE, pad(inputs)) derivative by the stage's input, that
                           * of velocity and of growth */
} scratch;

static void layout(arena *a, scratch *s, const heads *h) {
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
  }
  s->dgrowth = arena_take(a, MLP_TILE * kernel_pad(1), sizeof(float));
  s->dx[0] = arena_take(a, MLP_TILE * kernel_pad(velocity->inputs), sizeof(float));
  s->dx[1] = arena_take(a, MLP_TILE * kernel_pad(growth->inputs), sizeof(float));
}

size_t rollout_tile_bytes(const heads *h) {
  arena a = {0};
  scratch s;
  layout(&a, &s, h);
  return arena_size(&a);
}

static scratch scratch_in(trainer *t, void *tile, size_t bytes) {
  arena a = arena_over(tile, bytes);
  scratch s;
  layout(&a, &s, t->heads);
  s.v = trainer_find(t, HEAD_VELOCITY);
  s.g = trainer_find(t, HEAD_GROWTH);
  return s;
}

/* Runs all stages of one step from states x (rows, d + 1). */
static void run_stages(scratch *s, const float *x, size_t rows, double from, double h) {
  const head *velocity = s->v->head, *growth = s->g->head;
  size_t d = velocity->shape.outputs, dim = d + 1, pad = kernel_pad(d);
  for (int stage = 0; stage < STAGES; stage++) {
    float reach = (float)(node[stage] * h * velocity->scale);
    for (size_t r = 0; r < rows; r++) {
      float *in = s->input[stage] + r * dim;
      memcpy(in, x + r * dim, d * sizeof *in);
      if (stage > 0) {
        const float *k = s->velocity[stage - 1] + r * pad;
        for (size_t c = 0; c < d; c++) in[c] += reach * k[c];
      }
      in[d] = (float)(from + node[stage] * h);
    }
    mlp_forward(s->velocity[stage], &s->v_tile[stage], s->input[stage], dim, rows,
                s->v->weights, &velocity->shape);
    if (growth_share[stage] > 0)
      mlp_forward(s->growth[stage], &s->g_tile[stage], s->input[stage], dim, rows,
                  s->g->weights, &growth->shape);
  }
}

void rollout_forward(rollout *r, size_t first, size_t rows, trainer *t, void *tile,
                     size_t tile_bytes) {
  scratch s = scratch_in(t, tile, tile_bytes);
  const head *velocity = s.v->head, *growth = s.g->head;
  size_t d = r->d, dim = d + 1, pad = kernel_pad(d), pad_growth = kernel_pad(1);
  for (size_t step = 0; step < r->steps; step++) {
    const float *x = r->path + (step * r->n + first) * dim;
    float *next = r->path + ((step + 1) * r->n + first) * dim;
    double h = r->times[step + 1] - r->times[step];
    run_stages(&s, x, rows, r->times[step], h);
    for (size_t row = 0; row < rows; row++) {
      for (size_t c = 0; c < d; c++) {
        double change = 0;
        for (int stage = 0; stage < STAGES; stage++)
          change += share[stage] * s.velocity[stage][row * pad + c];
        next[row * dim + c] =
            (float)(x[row * dim + c] + h * velocity->scale * change);
      }
      double change = 0;
      for (int stage = 0; stage < STAGES; stage++)
        if (growth_share[stage] > 0)
          change += growth_share[stage] * s.growth[stage][row * pad_growth];
      change = growth->offset + growth->scale * change;
      next[row * dim + d] = (float)(x[row * dim + d] + h * change);
    }
  }
}

/* Derivatives by the velocities and growth of all stages that come from the step's end
 * alone; `later` (rows, d + 1) is the derivative by the state there. */
static void start_stages(scratch *s, const float *later, size_t rows, double h) {
  const head *velocity = s->v->head;
  size_t d = velocity->shape.outputs, dim = d + 1, pad = kernel_pad(d);
  for (int stage = 0; stage < STAGES; stage++) {
    const float part = (float)(h * share[stage] * velocity->scale);
    memset(s->dk[stage], 0, rows * pad * sizeof(float));
    for (size_t r = 0; r < rows; r++)
      for (size_t c = 0; c < d; c++)
        s->dk[stage][r * pad + c] = part * later[r * dim + c];
  }
}

/* One stage backwards: gradients into the slot, derivative by its input into s->dx. */
static void stage_backward(scratch *s, int stage, const float *later, size_t rows,
                           double h, size_t slot) {
  packed_network *v = s->v, *g = s->g;
  const mlp_shape *velocity = &v->head->shape, *growth = &g->head->shape;
  size_t d = velocity->outputs, dim = d + 1, pad_growth = kernel_pad(1);
  memset(s->dx[0], 0, rows * kernel_pad(velocity->inputs) * sizeof(float));
  memset(s->dx[1], 0, rows * kernel_pad(growth->inputs) * sizeof(float));
  mlp_backward(v->grad + slot * v->packed, s->dx[0], s->dk[stage], &s->v_tile[stage],
               s->input[stage], dim, rows, v->transposed, velocity);
  if (growth_share[stage] == 0) return;
  const float part = (float)(h * growth_share[stage] * g->head->scale);
  memset(s->dgrowth, 0, rows * pad_growth * sizeof(float));
  for (size_t r = 0; r < rows; r++)
    s->dgrowth[r * pad_growth] = part * later[r * dim + d];
  mlp_backward(g->grad + slot * g->packed, s->dx[1], s->dgrowth, &s->g_tile[stage],
               s->input[stage], dim, rows, g->transposed, growth);
}

static void step_backward(scratch *s, float *now, const float *later, size_t rows,
                          double h, size_t slot) {
  const head *velocity = s->v->head, *growth = s->g->head;
  size_t d = velocity->shape.outputs, dim = d + 1, pad = kernel_pad(d);
  size_t pad_v = kernel_pad(velocity->shape.inputs);
  size_t pad_g = kernel_pad(growth->shape.inputs);
  start_stages(s, later, rows, h);
  for (size_t i = 0; i < rows * dim; i++) now[i] += later[i];
  for (int stage = STAGES; stage-- > 0;) {
    stage_backward(s, stage, later, rows, h, slot);
    const float reach = (float)(node[stage] * h * velocity->scale);
    for (size_t r = 0; r < rows; r++) {
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
  scratch s = scratch_in(t, tile, tile_bytes);
  size_t dim = r->d + 1;
  for (size_t step = r->steps; step-- > 0;) {
    size_t at = (step * r->n + first) * dim, next = ((step + 1) * r->n + first) * dim;
    double h = r->times[step + 1] - r->times[step];
    run_stages(&s, r->path + at, rows, r->times[step], h);
    step_backward(&s, r->adjoint + at, r->adjoint + next, rows, h, slot);
  }
}
