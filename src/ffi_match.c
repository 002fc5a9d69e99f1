#include "ffi_training.h"
#include "core/bend.h"
#include "core/match.h"
#include "core/status.h"
#include <string.h>

SEXP ffi_network_init(SEXP shape, SEXP key, SEXP stream) {
  mlp_shape s = shape_from(shape);
  SEXP out = PROTECT(Rf_allocVector(REALSXP, (R_xlen_t)mlp_parameters(&s)));
  mlp_init(REAL(out), &s, key_from(key), (uint32_t)Rf_asReal(stream));
  UNPROTECT(1);
  return out;
}

/* Vectors that R shares with nobody, so that training may write into them. */
SEXP ffi_copy(SEXP x) { return Rf_duplicate(x); }

trainee trainee_from(SEXP network) {
  return (trainee){
    .shape = shape_from(list_get(network, "shape")),
    .weights = REAL(list_get(network, "weights")),
    .first = REAL(list_get(network, "first")),
    .second = REAL(list_get(network, "second")),
  };
}

bridge bridge_from(SEXP problem) {
  SEXP turn = list_get(problem, "turn"), lean = list_get(problem, "lean");
  SEXP offset = list_get(problem, "offset"), plans = list_get(problem, "plans");
  size_t intervals = (size_t)Rf_xlength(plans);
  size_t *at = workspace((intervals + 1) * sizeof *at);
  plan *each = workspace(intervals * sizeof *each);
  plan *rows = workspace(intervals * sizeof *rows);
  for (size_t k = 0; k <= intervals; k++) at[k] = (size_t)REAL(offset)[k];
  for (size_t k = 0; k < intervals; k++) {
    SEXP one = VECTOR_ELT(plans, (R_xlen_t)k);
    each[k] = plan_from(one);
    rows[k] = plan_from(list_get(one, "rows"));
  }
  return (bridge){
    .d = (size_t)list_number(problem, "features"),
    .intervals = intervals,
    .cells = (const float *)RAW(list_get(problem, "cells")),
    .offset = at,
    .times = REAL(list_get(problem, "times")),
    .plans = each,
    .rows = rows,
    .growth = REAL(list_get(problem, "growth")),
    .log_children = REAL(list_get(problem, "log_children")),
    .turn = turn == R_NilValue ? NULL : (const float *)RAW(turn),
    .lean = lean == R_NilValue ? NULL : (const float *)RAW(lean),
    .noise = list_number(problem, "noise"),
    .wide = list_number(problem, "wide"),
    .velocity_scale = list_number(problem, "velocity_scale"),
    .growth_offset = list_number(problem, "growth_offset"),
    .growth_scale = list_number(problem, "growth_scale"),
  };
}

/* list(turn, lean) of all cells, see bend.h, as float32 in raw vectors. */
SEXP ffi_turns(SEXP problem) {
  bridge b = bridge_from(problem);
  size_t most = 0;
  for (size_t k = 0; k < b.intervals; k++)
    if (b.plans[k].n > most) most = b.plans[k].n;
  size_t cells = b.offset[b.intervals] + b.plans[b.intervals - 1].m;
  const char *const names[] = {"turn", "lean"};
  SEXP out = PROTECT(list_make(2, names));
  SET_VECTOR_ELT(out, 0, Rf_allocVector(RAWSXP, (R_xlen_t)(cells * b.d * sizeof(float))));
  SET_VECTOR_ELT(out, 1, Rf_allocVector(RAWSXP, (R_xlen_t)(cells * sizeof(float))));
  bend_turns((float *)RAW(VECTOR_ELT(out, 0)), (float *)RAW(VECTOR_ELT(out, 1)), &b,
             workspace(most * sizeof(double)), workspace(most * b.d * sizeof(double)));
  UNPROTECT(1);
  return out;
}

/* `steps` steps more, written into the vectors of `velocity` and `growth`, which nobody
 * else may hold; list(status, losses (2, steps)) */
SEXP ffi_match_run(SEXP velocity, SEXP growth, SEXP problem, SEXP options, SEXP from,
                   SEXP steps) {
  trainee v = trainee_from(velocity), g = trainee_from(growth);
  const char *const names[] = {"status", "losses"};
  SEXP out = PROTECT(list_make(2, names));
  SET_VECTOR_ELT(out, 1, Rf_allocMatrix(REALSXP, 2, Rf_asInteger(steps)));
  bridge b = bridge_from(problem);
  match_options o = {
    .batch = (size_t)list_number(options, "batch"),
    .total_steps = (uint64_t)list_number(options, "steps"),
    .learning_rate = list_number(options, "learning_rate"),
    .rate_floor = list_number(options, "rate_floor"),
    .key = key_from(list_get(options, "key")),
    .threads = (int)list_number(options, "threads"),
  };
  size_t bytes = match_workspace(&v, &g, &o);
  void *block = workspace(bytes);
  int status = match_run(&v, &g, REAL(VECTOR_ELT(out, 1)), (uint64_t)Rf_asReal(from),
                         (uint64_t)Rf_asReal(steps), &b, &o, block, bytes);
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  UNPROTECT(1);
  return out;
}
