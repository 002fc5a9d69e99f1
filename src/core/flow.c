#include "flow.h"
#include "parallel.h"
#include "status.h"

/* Cells that are integrated together by one thread. */
#define BLOCK ((size_t)2 * MLP_TILE)

/* What one thread needs. */
typedef struct {
  const flow *f;
  float *input;        /* (MLP_TILE, d + 1) */
  float *v, *g;        /* (MLP_TILE, pad(d)) and (MLP_TILE, pad(1)) */
  mlp_tile v_tile, g_tile;
  char *ode;
  size_t ode_bytes;
} lane;

static void layout(arena *a, lane *l, const flow *f) {
  size_t d = flow_dim(f);
  l->f = f;
  l->input = arena_take(a, MLP_TILE * (d + 1), sizeof(float));
  l->v = arena_take(a, MLP_TILE * kernel_pad(d), sizeof(float));
  l->g = arena_take(a, MLP_TILE * kernel_pad(1), sizeof(float));
  mlp_tile_layout(a, &l->v_tile, &f->velocity, MLP_TILE);
  mlp_tile_layout(a, &l->g_tile, &f->growth, MLP_TILE);
  l->ode_bytes = ode_workspace(BLOCK, d + 1);
  l->ode = arena_take(a, l->ode_bytes, 1);
}

static size_t lane_bytes(const flow *f) {
  arena a = {0};
  lane l;
  layout(&a, &l, f);
  return arena_size(&a);
}

int flow_check(const flow *f) {
  size_t d = flow_dim(f);
  if (mlp_check(&f->velocity) || mlp_check(&f->growth) || f->velocity.inputs != d + 1 ||
      f->growth.inputs != d + 1 || f->growth.outputs != 1)
    return STATUS_BAD_ARGUMENT;
  return STATUS_OK;
}

size_t flow_workspace(const flow *f, int threads) {
  arena a = {0};
  arena_take(&a, (size_t)threads, lane_bytes(f));
  return arena_size(&a);
}

/* Velocity and growth of `rows` cells; each array has a stride from cell to cell. */
static void evaluate_tile(double *velocity, double *growth, const double *x,
                          const double *t, size_t rows, size_t stride_x,
                          size_t stride_velocity, size_t stride_growth, lane *l) {
  const flow *f = l->f;
  size_t d = flow_dim(f), pad = kernel_pad(d), pad_growth = kernel_pad(1);
  for (size_t r = 0; r < rows; r++) {
    float *in = l->input + r * (d + 1);
    for (size_t i = 0; i < d; i++) in[i] = (float)x[r * stride_x + i];
    in[d] = (float)t[r];
  }
  mlp_forward(l->v, &l->v_tile, l->input, d + 1, rows, f->velocity_packed, &f->velocity);
  mlp_forward(l->g, &l->g_tile, l->input, d + 1, rows, f->growth_packed, &f->growth);
  for (size_t r = 0; r < rows; r++) {
    for (size_t i = 0; i < d; i++)
      velocity[r * stride_velocity + i] = f->velocity_scale * l->v[r * pad + i];
    growth[r * stride_growth] =
        f->growth_offset + f->growth_scale * l->g[r * pad_growth];
  }
}

/* The right-hand side for ode.h: states (n, d + 1). */
static void field(double *dx, const double *x, const double *t, size_t n, void *context) {
  lane *l = context;
  size_t d = flow_dim(l->f), step = d + 1;
  for (size_t r = 0; r < n; r += MLP_TILE) {
    size_t rows = n - r < MLP_TILE ? n - r : MLP_TILE;
    evaluate_tile(dx + r * step, dx + r * step + d, x + r * step, t + r, rows, step, step,
                  step, l);
  }
}

/* The lane of the calling thread, carved from its share of the workspace. */
static lane my_lane(const arena *shares, size_t share, const flow *f) {
  arena a = arena_over(shares->base + (size_t)parallel_rank() * share, share);
  lane l;
  layout(&a, &l, f);
  return l;
}

int flow_evaluate(double *velocity, double *growth, const double *x, const double *t,
                  size_t n, const flow *f, int threads, void *workspace,
                  size_t workspace_bytes) {
  size_t d = flow_dim(f), share = lane_bytes(f), tiles = (n + MLP_TILE - 1) / MLP_TILE;
  arena a = arena_over(workspace, workspace_bytes);
  arena_take(&a, (size_t)threads, share);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  PARALLEL_FOR(threads)
  for (size_t tile = 0; tile < tiles; tile++) {
    lane l = my_lane(&a, share, f);
    size_t r = tile * MLP_TILE, rows = n - r < MLP_TILE ? n - r : MLP_TILE;
    evaluate_tile(velocity + r * d, growth + r, x + r * d, t + r, rows, d, d, 1, &l);
  }
  return STATUS_OK;
}

int flow_advance(double *states, const double *from, double to, size_t n,
                 const flow *f, const ode_options *options, int threads, void *workspace,
                 size_t workspace_bytes) {
  size_t dim = flow_dim(f) + 1, share = lane_bytes(f), blocks = (n + BLOCK - 1) / BLOCK;
  arena a = arena_over(workspace, workspace_bytes);
  arena_take(&a, (size_t)threads, share);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  int worst = STATUS_OK;
  PARALLEL_FOR(threads)
  for (size_t block = 0; block < blocks; block++) {
    lane l = my_lane(&a, share, f);
    size_t r = block * BLOCK, rows = n - r < BLOCK ? n - r : BLOCK;
    int status = ode_dopri5(states + r * dim, from + r, to, rows, dim, field, &l, options,
                            l.ode, l.ode_bytes, NULL);
    if (status != STATUS_OK) {
      PARALLEL_CRITICAL
      worst = status > worst ? status : worst;
    }
  }
  return worst;
}
