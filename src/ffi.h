/* Every entry point that R may call, and what the glue files share.
 *
 * The glue turns R objects into what core wants and back. Arguments are checked before
 * anything else, and are an R error if they are not what core was promised. Results are
 * lists whose element `status` R turns into a condition (see R/util-core.R), so nothing
 * here jumps out of C while core's memory or threads are in use. Matrices arrive as
 * (features, cells): R's column-major order then is core's row-major. */
#ifndef VGFM_FFI_H
#define VGFM_FFI_H

#define R_NO_REMAP
#include <Rinternals.h>
#include <stddef.h>
#include <stdint.h>

#include "field/field.h"
#include "nn/mlp.h"
#include "base/rng.h"

/* util */
SEXP ffi_status_message(SEXP code);
SEXP ffi_runtime(SEXP kernels);
SEXP ffi_check_interrupt(void);
SEXP ffi_caught(void);
SEXP ffi_standard(SEXP x, SEXP rows, SEXP center, SEXP scale, SEXP single);
SEXP ffi_uniform(SEXP n, SEXP key, SEXP stream);
/* network */
SEXP ffi_network_init(SEXP shape, SEXP key, SEXP stream);
SEXP ffi_slopes(SEXP problem);
SEXP ffi_copy(SEXP x);
SEXP ffi_path_run(SEXP state, SEXP problem, SEXP options, SEXP steps);
SEXP ffi_match_run(SEXP state, SEXP problem, SEXP options, SEXP steps);
SEXP ffi_fit_run(SEXP state, SEXP problem, SEXP options, SEXP rounds);
SEXP ffi_density_run(SEXP state, SEXP problem, SEXP options, SEXP steps);
/* field */
SEXP ffi_field_evaluate(SEXP field, SEXP x, SEXP time, SEXP threads);
SEXP ffi_field_gradient(SEXP field, SEXP x, SEXP time, SEXP seed, SEXP threads);
SEXP ffi_field_advance(SEXP field, SEXP states, SEXP from, SEXP to, SEXP tolerance,
                       SEXP threads);
SEXP ffi_field_simulate(SEXP field, SEXP states, SEXP from, SEXP to, SEXP number,
                        SEXP key, SEXP noise, SEXP threads);
/* udsb */
SEXP ffi_population(SEXP field, SEXP problem, SEXP key, SEXP threads);
SEXP ffi_replay_run(SEXP state, SEXP replay, SEXP options, SEXP steps);
/* neighbours */
SEXP ffi_nearest(SEXP points, SEXP queries, SEXP neighbours, SEXP threads);
/* transport */
SEXP ffi_couple(SEXP x, SEXP y, SEXP a, SEXP b, SEXP options);
SEXP ffi_plan_dense(SEXP x, SEXP y, SEXP source, SEXP target, SEXP epsilon, SEXP delta);
SEXP ffi_plan_entries(SEXP pairs, SEXP n, SEXP m);
/* lapack */
SEXP ffi_gaussian_distance(SEXP x, SEXP y, SEXP a, SEXP b);
/* transport */
SEXP ffi_emd(SEXP x, SEXP y, SEXP a, SEXP b, SEXP options);

/* --- what comes in ---------------------------------------------------------------- */

/* An R error of class `vgfm_error_internal` that says why; does not return. */
#if defined(__GNUC__)
__attribute__((noreturn, format(printf, 1, 2)))
#endif
void refuse(const char *format, ...);

/* A list from R, under the name that its user knows it by. */
typedef struct {
  SEXP list;
  char name[96];
} r_list;
r_list list_at(SEXP list, const char *name);
/* The list that is an element of one, by name or by place from 0. */
r_list list_in(r_list parent, const char *name);
r_list list_item(r_list parent, R_xlen_t place);
R_xlen_t list_length(r_list list);

/* Elements of a list, of this type, length and range; all else is refused by name. */
#define ANY SIZE_MAX /* length */
double *list_doubles(r_list list, const char *name, size_t length);
void *list_bytes(r_list list, const char *name, size_t bytes);
double list_number(r_list list, const char *name, double min, double max);
size_t list_size(r_list list, const char *name, size_t min, size_t max);
const char *list_text(r_list list, const char *name);
/* Whole numbers from 0 to `most`. */
size_t *sizes_from(r_list list, const char *name, size_t count, size_t most);
/* The element of a list whatever it is; R_NilValue where there is none. */
SEXP list_get(SEXP list, const char *name);

/* The same of an argument. */
double *doubles_of(SEXP x, const char *name, size_t length);
double *matrix_of(SEXP x, const char *name, size_t rows, size_t columns);
double number_of(SEXP x, const char *name, double min, double max);
size_t size_of(SEXP x, const char *name, size_t min, size_t max);
int flag_of(SEXP x, const char *name);
void check_increasing(const double *value, size_t count, const char *name);

/* Two clouds with their masses, x (d, n), y (d, m), a (n), b (m); see ffi_couple.c. */
typedef struct {
  size_t n, m, d;
  const double *x, *y, *a, *b;
} clouds;
clouds clouds_from(SEXP x, SEXP y, SEXP a, SEXP b);

/* Threads, of which a process has no more than this. */
#define THREADS 1024

rng_key key_from(SEXP key);
mlp_shape shape_from(r_list shape);
/* list(shape, offset, scale, weights) and, if `moments`, first and second; the head
 * points into it. */
head head_from(r_list network, head_kind kind, int moments);
/* list(velocity, growth, ...), each list(shape, offset, scale, weights) and, if
 * `moments`, first and second; the heads point into it. */
heads heads_from(r_list list, int moments);
/* A field as R holds it, list(heads). */
field field_from(SEXP list);

/* --- what goes out ---------------------------------------------------------------- */

/* A named list of `n` elements, protected by the caller. */
SEXP list_make(int n, const char *const *names);

/* --- both ------------------------------------------------------------------------- */

/* A block of `bytes` that R frees when .Call() returns. NULL for 0 (an overflow). */
void *workspace(size_t bytes);
/* 1 once R has something to stop for, see ffi_interrupt.c. For core's polling; never
 * jumps. */
int user_interrupted(void *unused);

#endif
