/* What the glue of matching and of refinement shares; defined in ffi_match.c. */
#ifndef VGFM_FFI_TRAINING_H
#define VGFM_FFI_TRAINING_H

#include "ffi.h"
#include "core/bridge.h"
#include "core/learner.h"

/* network: list(shape, weights, first, second); the trainee points into it. */
trainee trainee_from(SEXP network);

/* problem: list(cells, offset, times, plans, log_children, noise, and standard units) */
bridge bridge_from(SEXP problem);

#endif
