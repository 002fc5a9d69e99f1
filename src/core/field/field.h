/* The learned fields as one flow of weighted cells: dx/dt = v(x, t), dlog w/dt = g(x, t).
 *
 * Networks read (x, t) and answer in standard units; `velocity_scale`, `growth_offset`
 * and `growth_scale` turn the answers into velocities and growth rates. */
#ifndef VGFM_FIELD_H
#define VGFM_FIELD_H

#include "nn/mlp.h"
#include "field/ode.h"

typedef struct {
  mlp_shape velocity, growth;   /* outputs d and 1; inputs d + 1, of growth also d:
                                 * it is then the same at all times */
  const float *velocity_packed, *growth_packed;
  double velocity_scale, growth_offset, growth_scale;
} field;

static inline size_t field_dim(const field *f) { return f->velocity.outputs; }

int field_check(const field *f);

/* Workspace in bytes for up to `threads` threads; 0 if it overflows. */
size_t field_workspace(const field *f, int threads);

/* velocity (n, d) and growth (n) at cells x (n, d) and times t (n); STATUS_NOT_FINITE if
 * one of them is no number. */
int field_evaluate(double *velocity, double *growth, const double *x, const double *t,
                  size_t n, const field *f, int threads, void *workspace,
                  size_t workspace_bytes);

/* Moves states (n, d + 1), a cell's position and then its log weight, from times `from`
 * (n) to time `to`. A cell's path does not depend on the other cells nor on `threads`.
 * The options' `interrupted` is polled on the calling thread while no other is at work;
 * after STATUS_INTERRUPTED the states are undefined. */
int field_advance(double *states, const double *from, double to, size_t n,
                 const field *f, const ode_options *options, int threads, void *workspace,
                 size_t workspace_bytes);

#endif
