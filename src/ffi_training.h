/* What the glue of trainings shares; defined in ffi_match.c, snapshots in ffi_fit.c, and
 * plans where they are made. */
#ifndef VGFM_FFI_TRAINING_H
#define VGFM_FFI_TRAINING_H

#include "ffi.h"
#include "path/pairs.h"
#include "nn/trainer.h"
#include "train/continuity.h"
#include "train/fit.h"

/* Training as R holds it, list(heads, step, losses (rows, schedule)), in vectors that
 * nobody else may hold: what is done is written into them. So weights, step and losses
 * belong together whenever R is interrupted. */
typedef struct {
  heads heads;
  double *step, *losses; /* (1), and from the next step on */
  size_t left;           /* steps that the losses have room for */
} training_state;
/* `rows`: of the losses; 0: one for each head. */
training_state state_from(r_list state, size_t rows);

/* The same without the heads. */
training_state steps_from(r_list state, size_t rows);

/* list(status), after `steps` more if that is OK. */
SEXP state_advanced(training_state *s, int status, size_t steps);

/* `steps` steps of matching more, on rows of any source, and list(status). `options`:
 * list(batch, steps, learning_rate, rate_floor, key, threads). `equation`: NULL for
 * none. */
SEXP match_more(training_state *s, const row_source *source, const continuity *equation,
                SEXP options, SEXP steps);

/* problem: list(features, cells, offset, times, plans, growth, trust, path, sigma, wide,
 * bend, pooling; where there are any, delta, sums, gain_source, gain_target, log_ends,
 * log_growth, for smooth paths slope_jump and lean, for learned ones learned). `h` get
 * targets; NULL for hermite.h alone. */
pairs pairs_from(r_list problem, const heads *h);

/* problem: list(cells (d, cells) double, offset, mass, boundary, observed_step) */
fit_problem snapshots_from(r_list problem);

/* A plan (n, m) in the form that ffi_couple() hands to R; every column has at least so
 * many entries. */
plan plan_from(r_list list, size_t n, size_t m, size_t least);

#endif
