/* What the glue of matching and of refinement shares; defined in ffi_match.c. */
#ifndef VGFM_FFI_TRAINING_H
#define VGFM_FFI_TRAINING_H

#include "ffi.h"
#include "core/bridge.h"
#include "core/learner.h"

/* list(status, velocity, growth, losses (2, steps)), unprotected: copies of the two
 * networks, which v and g point into, and room for the losses. */
SEXP training_result(SEXP velocity, SEXP growth, SEXP steps, trainee *v, trainee *g);

/* problem: list(cells, offset, times, plans, log_children, noise, and standard units) */
bridge bridge_from(SEXP problem);

#endif
