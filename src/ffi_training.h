/* What the glue of matching and of refinement shares; defined in ffi_match.c. */
#ifndef VGFM_FFI_TRAINING_H
#define VGFM_FFI_TRAINING_H

#include "ffi.h"
#include "core/bridge.h"
#include "core/learner.h"

/* A copy of a network's training state, list(shape, weights, first, second), unprotected;
 * t points into it. */
SEXP copy_network(SEXP network, trainee *t);

/* problem: list(cells, offset, times, plans, log_children, noise, and standard units) */
bridge bridge_from(SEXP problem);

#endif
