#include "ffi.h"
#include "core/gradient.h"
#include "core/status.h"
#include <string.h>

/* A network's weights packed; NULL if they are not what its shape asks for. */
static const float *pack_network(SEXP network, const mlp_shape *shape) {
  SEXP weights = list_get(network, "weights");
  if (mlp_check(shape) != STATUS_OK || TYPEOF(weights) != REALSXP ||
      (size_t)Rf_xlength(weights) != mlp_parameters(shape))
    return NULL;
  float *packed = workspace(mlp_packed(shape) * sizeof *packed);
  mlp_pack(packed, REAL(weights), shape);
  return packed;
}

/* A field as R holds it: two networks (shape, weights) and the standard units. */
static int flow_from(flow *f, SEXP field) {
  SEXP velocity = list_get(field, "velocity"), growth = list_get(field, "growth");
  *f = (flow){
    .velocity = shape_from(list_get(velocity, "shape")),
    .growth = shape_from(list_get(growth, "shape")),
    .velocity_scale = list_number(field, "velocity_scale"),
    .growth_offset = list_number(field, "growth_offset"),
    .growth_scale = list_number(field, "growth_scale"),
  };
  f->velocity_packed = pack_network(velocity, &f->velocity);
  f->growth_packed = pack_network(growth, &f->growth);
  if (f->velocity_packed == NULL || f->growth_packed == NULL) return STATUS_BAD_ARGUMENT;
  return flow_check(f);
}

/* list(status) where the field is no field. */
static SEXP refused(int status) {
  const char *const names[] = {"status"};
  SEXP out = PROTECT(list_make(1, names));
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  UNPROTECT(1);
  return out;
}

/* x (d, n), time (n) -> list(status, velocity (d, n), growth (n)) */
SEXP ffi_flow_evaluate(SEXP field, SEXP x, SEXP time, SEXP threads) {
  const char *const names[] = {"status", "velocity", "growth"};
  flow f;
  int bad = flow_from(&f, field), n_threads = Rf_asInteger(threads);
  if (bad) return refused(bad);
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

/* x (d, n), time (n), seed (d + 1) -> list(status, gradient (d, n)), see gradient.h */
SEXP ffi_flow_gradient(SEXP field, SEXP x, SEXP time, SEXP seed, SEXP threads) {
  const char *const names[] = {"status", "gradient"};
  flow f;
  int bad = flow_from(&f, field), n_threads = Rf_asInteger(threads);
  if (bad) return refused(bad);
  size_t n = (size_t)Rf_xlength(time), bytes = flow_gradient_workspace(&f, n_threads);
  void *block = workspace(bytes);

  SEXP out = PROTECT(list_make(2, names));
  SET_VECTOR_ELT(out, 1, Rf_allocMatrix(REALSXP, (int)flow_dim(&f), (int)n));
  int status = flow_gradient(REAL(VECTOR_ELT(out, 1)), REAL(seed), REAL(x), REAL(time), n,
                             &f, n_threads, block, bytes);
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  UNPROTECT(1);
  return out;
}

/* states (d + 1, n), from (n) -> list(status, states) moved to time `to` */
SEXP ffi_flow_advance(SEXP field, SEXP states, SEXP from, SEXP to, SEXP tolerance,
                      SEXP threads) {
  const char *const names[] = {"status", "states"};
  flow f;
  int bad = flow_from(&f, field), n_threads = Rf_asInteger(threads);
  if (bad) return refused(bad);
  size_t n = (size_t)Rf_ncols(states), bytes = flow_workspace(&f, n_threads);
  void *block = workspace(bytes);
  ode_options options = ODE_DEFAULTS;
  options.relative = Rf_asReal(tolerance);
  options.absolute = 0.1 * options.relative;

  SEXP out = PROTECT(list_make(2, names));
  SEXP moved = Rf_duplicate(states);
  SET_VECTOR_ELT(out, 1, moved);
  int status = flow_advance(REAL(moved), REAL(from), Rf_asReal(to), n, &f, &options,
                            n_threads, block, bytes);
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  UNPROTECT(1);
  return out;
}
