#include "ffi.h"
#include "field/gradient.h"
#include <float.h>

static const float *pack_network(r_list network, const mlp_shape *shape) {
  const double *weights = list_doubles(network, "weights", mlp_parameters(shape));
  float *packed = workspace(mlp_packed(shape) * sizeof *packed);
  mlp_pack(packed, weights, shape);
  return packed;
}

/* A field as R holds it: two networks (shape, weights) and the standard units. */
static field field_from(SEXP list) {
  r_list field = list_at(list, "field");
  r_list velocity = list_in(field, "velocity"), growth = list_in(field, "growth");
  field f = {
    .velocity = shape_from(list_in(velocity, "shape")),
    .growth = shape_from(list_in(growth, "shape")),
    .velocity_scale = list_number(field, "velocity_scale", 0, DBL_MAX),
    .growth_offset = list_number(field, "growth_offset", -DBL_MAX, DBL_MAX),
    .growth_scale = list_number(field, "growth_scale", 0, DBL_MAX),
  };
  if (field_check(&f)) refuse("the networks of `field` do not go together");
  f.velocity_packed = pack_network(velocity, &f.velocity);
  f.growth_packed = pack_network(growth, &f.growth);
  return f;
}

/* x (d, n), time (n) -> list(status, velocity (d, n), growth (n)) */
SEXP ffi_field_evaluate(SEXP field, SEXP x, SEXP time, SEXP threads) {
  const char *const names[] = {"status", "velocity", "growth"};
  field f = field_from(field);
  int n_threads = (int)size_of(threads, "threads", 1, THREADS);
  const double *from = matrix_of(x, "x", field_dim(&f), ANY);
  size_t n = (size_t)Rf_ncols(x), bytes = field_workspace(&f, n_threads);
  const double *at = doubles_of(time, "time", n);
  void *block = workspace(bytes);

  SEXP out = PROTECT(list_make(3, names));
  SET_VECTOR_ELT(out, 1, Rf_allocMatrix(REALSXP, (int)field_dim(&f), (int)n));
  SET_VECTOR_ELT(out, 2, Rf_allocVector(REALSXP, (R_xlen_t)n));
  int status = field_evaluate(REAL(VECTOR_ELT(out, 1)), REAL(VECTOR_ELT(out, 2)), from, at,
                             n, &f, n_threads, block, bytes);
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  UNPROTECT(1);
  return out;
}

/* x (d, n), time (n), seed (d + 1) -> list(status, gradient (d, n)), see gradient.h */
SEXP ffi_field_gradient(SEXP field, SEXP x, SEXP time, SEXP seed, SEXP threads) {
  const char *const names[] = {"status", "gradient"};
  field f = field_from(field);
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
SEXP ffi_field_advance(SEXP field, SEXP states, SEXP from, SEXP to, SEXP tolerance,
                      SEXP threads) {
  const char *const names[] = {"status", "states"};
  field f = field_from(field);
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
