/* Every entry point that R may call, and what the glue files share.
 *
 * The glue turns R objects into what core wants and back. Results are lists whose element
 * `status` R turns into a condition (see R/core.R), so nothing here jumps out of C while
 * core's memory or threads are in use. Matrices arrive as (features, cells): R's
 * column-major order then is core's row-major (cells, features). */
#ifndef VGFM_FFI_H
#define VGFM_FFI_H

#define R_NO_REMAP
#include <Rinternals.h>
#include <stddef.h>
#include <stdint.h>

#include "core/flow.h"
#include "core/mlp.h"
#include "core/plan.h"
#include "core/rng.h"

/* util */
SEXP ffi_status_message(SEXP code);
SEXP ffi_runtime(SEXP kernels);
SEXP ffi_check_interrupt(void);
SEXP ffi_standard(SEXP x, SEXP rows, SEXP center, SEXP scale, SEXP single);
SEXP ffi_uniform(SEXP n, SEXP key, SEXP stream);
/* network */
SEXP ffi_network_init(SEXP shape, SEXP key, SEXP stream);
SEXP ffi_turns(SEXP problem);
SEXP ffi_copy(SEXP x);
SEXP ffi_match_run(SEXP velocity, SEXP growth, SEXP problem, SEXP options, SEXP from,
                   SEXP steps);
SEXP ffi_refine_run(SEXP velocity, SEXP growth, SEXP problem, SEXP options, SEXP from,
                    SEXP rounds);
/* flow */
SEXP ffi_flow_evaluate(SEXP field, SEXP x, SEXP time, SEXP threads);
SEXP ffi_flow_gradient(SEXP field, SEXP x, SEXP time, SEXP seed, SEXP threads);
SEXP ffi_flow_advance(SEXP field, SEXP states, SEXP from, SEXP to, SEXP tolerance,
                      SEXP threads);
/* neighbours */
SEXP ffi_nearest(SEXP points, SEXP queries, SEXP neighbours, SEXP threads);
/* transport */
SEXP ffi_srot(SEXP x, SEXP y, SEXP a, SEXP b, SEXP options);
SEXP ffi_plan_dense(SEXP x, SEXP y, SEXP source, SEXP target, SEXP epsilon);
SEXP ffi_emd(SEXP x, SEXP y, SEXP a, SEXP b, SEXP options);

/* The element of a named list; R_NilValue where there is none. */
SEXP list_get(SEXP list, const char *name);
double list_number(SEXP list, const char *name);
/* A named list of `n` elements, protected by the caller. */
SEXP list_make(int n, const char *const *names);
/* A block of `bytes` that R frees when .Call() returns. NULL for 0 (an overflow). */
void *workspace(size_t bytes);
rng_key key_from(SEXP key);
mlp_shape shape_from(SEXP shape);
/* A plan in the form that ffi_srot() hands to R. */
plan plan_from(SEXP list);
/* 1 once the user has asked to stop. For core's polling; never jumps. */
int user_interrupted(void *unused);

#endif
