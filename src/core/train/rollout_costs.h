/* Inside of rollout.c and rollout_costs.c: the stages of a step, and the costs that run
 * up in it. */
#ifndef VGFM_ROLLOUT_COSTS_H
#define VGFM_ROLLOUT_COSTS_H

#include "nn/tangent.h"
#include "train/rollout.h"

#define STAGES 4

/* Stage s is evaluated at x + node[s] h k[s - 1]; the step ends at x + h sum share k.
 * Growth does not act back on the position: one look at the middle of the step, which
 * makes it Simpson's rule, is enough. So it is for the divergence. */
static const double node[STAGES] = {0, 0.5, 0.5, 1};
static const double share[STAGES] = {1. / 6, 1. / 3, 1. / 3, 1. / 6};
static const double growth_share[STAGES] = {1. / 6, 0, 2. / 3, 1. / 6};

/* The four stages of one step of a tile: cells first ... first + rows - 1. */
typedef struct {
  rollout *roll;
  size_t first, rows, step;
  double h;               /* length of the step */
  float *input[STAGES];   /* (MLP_TILE, d + 1) position and time */
  float *velocity[STAGES]; /* (MLP_TILE, pad(d)) in standard units */
  float *growth[STAGES];  /* (MLP_TILE, pad(1)) in standard units */
  mlp_tile v_tile[STAGES], g_tile[STAGES];
  float *dk[STAGES];      /* (MLP_TILE, pad(d)) derivative by the stage's velocity */
  float *dgrowth;         /* (MLP_TILE, pad(1)) */
  packed_network *v, *g;  /* velocity and growth */
  float *dx[2];           /* (MLP_TILE, pad(inputs)) derivative by the stage's input, that
                           * of velocity and of growth */
  float *growth_cost[STAGES]; /* (MLP_TILE) derivative of costs by the stage's growth */
  size_t directions;      /* of derivatives of the velocity; with any: */
  mlp_tangent tangent[STAGES];
  float *x_dot;           /* (directions * MLP_TILE, d + 1) */
  float *v_dot[STAGES];   /* (directions * MLP_TILE, pad(d)) */
  float *dv_dot;          /* (directions * MLP_TILE, pad(d)) */
} stages;

/* Directions for the divergence of these cells. */
void stages_aim(stages *s);

/* From the stages of a step the costs at its end. */
void costs_forward(const stages *s);

/* Hands the derivatives by the costs at the end of a step to those at its start, to the
 * log weight there, to dk and to growth_cost. */
void costs_backward(stages *s);

/* Derivatives by v_dot of a stage, into dv_dot. */
void divergence_backward(stages *s, int stage);

#endif
