/* What the glue of matching and of refinement shares; defined in ffi_match.c, and plans
 * where they are made. */
#ifndef VGFM_FFI_TRAINING_H
#define VGFM_FFI_TRAINING_H

#include "ffi.h"
#include "core/bridge.h"
#include "core/learner.h"

/* network: list(shape, weights, first, second); the trainee points into it. */
trainee trainee_from(r_list network);

/* problem: list(features, cells, offset, times, plans, log_children, growth, noise, wide,
 * standard units, and for smooth paths turn and lean) */
bridge bridge_from(r_list problem);

/* A plan (n, m) in the form that ffi_srot() hands to R; every column has at least so many
 * entries. */
plan plan_from(r_list list, size_t n, size_t m, size_t least);

#endif
