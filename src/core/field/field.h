/* The learned heads as one flow of weighted cells: dx/dt = v(x, t), dlog w/dt = g(x, t).
 * A model without growth keeps all weights. */
#ifndef VGFM_FIELD_H
#define VGFM_FIELD_H

#include "nn/heads.h"
#include "field/ode.h"

typedef struct {
  heads heads;
  const float *packed[HEADS_MOST]; /* parameters, by place among the heads */
  const float *transposed;         /* of mlp_transpose(), where there is a potential */
} field;

static inline size_t field_dim(const field *f) { return f->heads.d; }

/* Workspace in bytes for up to `threads` threads; 0 if it overflows. */
size_t field_workspace(const field *f, int threads);

/* value[i] (n, head_values): what head i says at cells x (n, d) and times t (n);
 * STATUS_NOT_FINITE if one of the numbers is none. */
int field_evaluate(double *const value[], const double *x, const double *t, size_t n,
                   const field *f, int threads, void *workspace, size_t workspace_bytes);

/* Moves states (n, d + 1), a cell's position and then its log weight, from times `from`
 * (n) to time `to`. A cell's path does not depend on the other cells nor on `threads`.
 * The options' `interrupted` is polled on the calling thread while no other is at work;
 * after STATUS_INTERRUPTED the states are undefined. */
int field_advance(double *states, const double *from, double to, size_t n,
                  const field *f, const ode_options *options, int threads,
                  void *workspace, size_t workspace_bytes);

#endif
