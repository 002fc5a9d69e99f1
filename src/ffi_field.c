#include "ffi.h"
#include "field/gradient.h"
#include "field/simulate.h"
#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

field field_from(SEXP list) {
  field f = {.heads = heads_from(list_in(list_at(list, "field"), "heads"), 0)};
  for (size_t i = 0; i < f.heads.count; i++) {
    const head *h = f.heads.head + i;
    float *packed = workspace(mlp_packed(&h->shape) * sizeof *packed);
    mlp_pack(packed, h->weights, &h->shape);
    f.packed[i] = packed;
    if (h->kind != HEAD_POTENTIAL) continue;
    float *transposed = workspace(mlp_transposed(&h->shape) * sizeof *transposed);
    mlp_transpose(transposed, packed, &h->shape);
    f.transposed = transposed;
  }
  if (!heads_find(&f.heads, HEAD_VELOCITY)) refuse("`field$heads` has no velocity");
  return f;
}

/* x (d, n), time (n) -> list(status, velocity (d, n), growth (n), score (d, n)); score
 * NULL, and growth 0, in a model without */
SEXP ffi_field_evaluate(SEXP learned, SEXP x, SEXP time, SEXP threads) {
  const char *const names[] = {"status", "velocity", "growth", "score"};
  field f = field_from(learned);
  int n_threads = (int)size_of(threads, "threads", 1, THREADS);
  const double *from = matrix_of(x, "x", field_dim(&f), ANY);
  size_t n = (size_t)Rf_ncols(x), bytes = field_workspace(&f, n_threads);
  const double *at = doubles_of(time, "time", n);
  void *block = workspace(bytes);

  SEXP out = PROTECT(list_make(4, names));
  SET_VECTOR_ELT(out, 2, Rf_allocVector(REALSXP, (R_xlen_t)n));
  memset(REAL(VECTOR_ELT(out, 2)), 0, n * sizeof(double));
  double *value[HEADS_MOST];
  for (size_t i = 0; i < f.heads.count; i++) {
    head_kind kind = f.heads.head[i].kind;
    int place = 1 + (int)(kind == HEAD_POTENTIAL ? HEAD_SCORE : kind);
    if (kind != HEAD_GROWTH)
      SET_VECTOR_ELT(out, place, Rf_allocMatrix(REALSXP, (int)field_dim(&f), (int)n));
    value[i] = REAL(VECTOR_ELT(out, place));
  }
  int status = field_evaluate(value, from, at, n, &f, n_threads, block, bytes);
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  UNPROTECT(1);
  return out;
}

/* x (d, n), time (n), seed (d + 1) -> list(status, gradient (d, n)), see gradient.h */
SEXP ffi_field_gradient(SEXP learned, SEXP x, SEXP time, SEXP seed, SEXP threads) {
  const char *const names[] = {"status", "gradient"};
  field f = field_from(learned);
  int n_threads = (int)size_of(threads, "threads", 1, THREADS);
  const double *from = matrix_of(x, "x", field_dim(&f), ANY);
  size_t n = (size_t)Rf_ncols(x), bytes = field_gradient_workspace(&f, n_threads);
  const double *at = doubles_of(time, "time", n);
  const double *by = doubles_of(seed, "seed", field_dim(&f) + 1);
  void *block = workspace(bytes);

  SEXP out = PROTECT(list_make(2, names));
  SET_VECTOR_ELT(out, 1, Rf_allocMatrix(REALSXP, (int)field_dim(&f), (int)n));
  int status = field_gradient(REAL(VECTOR_ELT(out, 1)), by, from, at, n, &f, n_threads,
                             block, bytes);
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  UNPROTECT(1);
  return out;
}

/* states (d + 1, n), from (n) -> list(status, states) moved to time `to` */
SEXP ffi_field_advance(SEXP learned, SEXP states, SEXP from, SEXP to, SEXP tolerance,
                       SEXP threads) {
  const char *const names[] = {"status", "states"};
  field f = field_from(learned);
  int n_threads = (int)size_of(threads, "threads", 1, THREADS);
  matrix_of(states, "states", field_dim(&f) + 1, ANY);
  size_t n = (size_t)Rf_ncols(states), bytes = field_workspace(&f, n_threads);
  const double *start = doubles_of(from, "from", n);
  const double end = number_of(to, "to", -DBL_MAX, DBL_MAX);
  ode_options options = ODE_DEFAULTS;
  options.relative = number_of(tolerance, "tolerance", DBL_EPSILON, 1);
  options.absolute = 0.1 * options.relative;
  options.interrupted = user_interrupted;
  void *block = workspace(bytes);

  SEXP out = PROTECT(list_make(2, names));
  SEXP moved = Rf_duplicate(states);
  SET_VECTOR_ELT(out, 1, moved);
  int status = field_advance(REAL(moved), start, end, n, &f, &options, n_threads, block,
                            bytes);
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  UNPROTECT(1);
  return out;
}

/* Whole numbers from 0 that fit into 32 bits. */
static const uint32_t *numbers_from(SEXP x, const char *name, size_t count) {
  const double *value = doubles_of(x, name, count);
  uint32_t *out = workspace(count * sizeof *out);
  for (size_t i = 0; i < count; i++) {
    if (!(value[i] >= 0 && value[i] <= UINT32_MAX) || value[i] != floor(value[i]))
      refuse("`%s` has %g, not a whole number of 32 bits", name, value[i]);
    out[i] = (uint32_t)value[i];
  }
  return out;
}

/* states (d + 1, n), from (n), number (n) of the cells, noise: list(realisation,
 * tolerance) -> list(status, states, error (2, n)), see simulate.h */
SEXP ffi_field_simulate(SEXP learned, SEXP states, SEXP from, SEXP to, SEXP number,
                        SEXP key, SEXP noise, SEXP threads) {
  const char *const names[] = {"status", "states", "error"};
  field f = field_from(learned);
  if (!heads_find(&f.heads, HEAD_SCORE) && !heads_find(&f.heads, HEAD_POTENTIAL))
    refuse("`field` has no score");
  int n_threads = (int)size_of(threads, "threads", 1, THREADS);
  matrix_of(states, "states", field_dim(&f) + 1, ANY);
  size_t n = (size_t)Rf_ncols(states);
  const double *start = doubles_of(from, "from", n);
  const double end = number_of(to, "to", -DBL_MAX, DBL_MAX);
  const uint32_t *cell = numbers_from(number, "number", n);
  r_list list = list_at(noise, "noise");
  simulate_options options = {
    .sigma = list_number(list_at(learned, "field"), "sigma", 0, DBL_MAX),
    .key = key_from(key),
    .realisation = (uint32_t)list_size(list, "realisation", 0, INT_MAX),
    .steps = SDE_DEFAULTS,
    .interrupted = user_interrupted,
  };
  options.steps.tolerance = list_number(list, "tolerance", DBL_MIN, DBL_MAX);
  size_t bytes = simulate_workspace(&f, &options, n_threads);
  void *block = workspace(bytes);

  SEXP out = PROTECT(list_make(3, names));
  SEXP moved = Rf_duplicate(states);
  SET_VECTOR_ELT(out, 1, moved);
  SET_VECTOR_ELT(out, 2, Rf_allocMatrix(REALSXP, 2, (int)n));
  int status = field_simulate(REAL(moved), REAL(VECTOR_ELT(out, 2)), start, end, cell, n,
                              &f, &options, n_threads, block, bytes);
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  UNPROTECT(1);
  return out;
}
