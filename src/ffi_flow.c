#include "ffi.h"
#include "core/status.h"
#include <string.h>

/* A field as R holds it: two networks (shape, weights) and the standard units. */
static flow flow_from(SEXP field) {
  SEXP velocity = list_get(field, "velocity"), growth = list_get(field, "growth");
  flow f = {
    .velocity = shape_from(list_get(velocity, "shape")),
    .growth = shape_from(list_get(growth, "shape")),
    .velocity_scale = list_number(field, "velocity_scale"),
    .growth_offset = list_number(field, "growth_offset"),
    .growth_scale = list_number(field, "growth_scale"),
  };
  float *packed = workspace(mlp_packed(&f.velocity) * sizeof(float));
  mlp_pack(packed, REAL(list_get(velocity, "weights")), &f.velocity);
  f.velocity_packed = packed;
  packed = workspace(mlp_packed(&f.growth) * sizeof(float));
  mlp_pack(packed, REAL(list_get(growth, "weights")), &f.growth);
  f.growth_packed = packed;
  return f;
}

/* x (d, n), time (n) -> list(status, velocity (d, n), growth (n)) */
SEXP ffi_flow_evaluate(SEXP field, SEXP x, SEXP time, SEXP threads) {
  const char *const names[] = {"status", "velocity", "growth"};
  flow f = flow_from(field);
  int n_threads = Rf_asInteger(threads);
  size_t n = (size_t)Rf_xlength(time), bytes = flow_workspace(&f, n_threads);
  void *block = workspace(bytes);

  SEXP out = PROTECT(list_make(3, names));
  SET_VECTOR_ELT(out, 1, Rf_allocMatrix(REALSXP, (int)flow_dim(&f), (int)n));
  SET_VECTOR_ELT(out, 2, Rf_allocVector(REALSXP, (R_xlen_t)n));
  int status = flow_evaluate(REAL(VECTOR_ELT(out, 1)), REAL(VECTOR_ELT(out, 2)), REAL(x),
                             REAL(time), n, &f, n_threads, block, bytes);
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  UNPROTECT(1);
  return out;
}

/* states (d + 1, n) -> list(status, states) moved from one time to another */
SEXP ffi_flow_advance(SEXP field, SEXP states, SEXP from, SEXP to, SEXP tolerance,
                      SEXP threads) {
  const char *const names[] = {"status", "states"};
  flow f = flow_from(field);
  int n_threads = Rf_asInteger(threads);
  size_t n = (size_t)Rf_ncols(states), bytes = flow_workspace(&f, n_threads);
  void *block = workspace(bytes);
  ode_options options = ODE_DEFAULTS;
  options.relative = Rf_asReal(tolerance);
  options.absolute = 0.1 * options.relative;

  SEXP out = PROTECT(list_make(2, names));
  SEXP moved = Rf_duplicate(states);
  SET_VECTOR_ELT(out, 1, moved);
  int status = flow_advance(REAL(moved), Rf_asReal(from), Rf_asReal(to), n, &f, &options,
                            n_threads, block, bytes);
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  UNPROTECT(1);
  return out;
}
