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

/* A copy of list(shape, weights, first, second), unprotected; t points into it. */
static SEXP copy_network(SEXP network, trainee *t) {
  const char *const names[] = {"shape", "weights", "first", "second"};
  SEXP out = PROTECT(list_make(4, names));
  for (int i = 0; i < 4; i++)
    SET_VECTOR_ELT(out, i, Rf_duplicate(list_get(network, names[i])));
  t->shape = shape_from(VECTOR_ELT(out, 0));
  t->weights = REAL(VECTOR_ELT(out, 1));
  t->first = REAL(VECTOR_ELT(out, 2));
  t->second = REAL(VECTOR_ELT(out, 3));
  UNPROTECT(1);
  return out;
}

SEXP training_result(SEXP velocity, SEXP growth, SEXP steps, trainee *v, trainee *g) {
  const char *const names[] = {"status", "velocity", "growth", "losses"};
  SEXP out = PROTECT(list_make(4, names));
  SET_VECTOR_ELT(out, 1, copy_network(velocity, v));
  SET_VECTOR_ELT(out, 2, copy_network(growth, g));
  SET_VECTOR_ELT(out, 3, Rf_allocMatrix(REALSXP, 2, Rf_asInteger(steps)));
  UNPROTECT(1);
  return out;
}

bridge bridge_from(SEXP problem) {
  SEXP turn = list_get(problem, "turn");
  SEXP offset = list_get(problem, "offset"), plans = list_get(problem, "plans");
  size_t intervals = (size_t)Rf_xlength(plans);
  size_t *at = workspace((intervals + 1) * sizeof *at);
  plan *each = workspace(intervals * sizeof *each);
  for (size_t k = 0; k <= intervals; k++) at[k] = (size_t)REAL(offset)[k];
  for (size_t k = 0; k < intervals; k++)
    each[k] = plan_from(VECTOR_ELT(plans, (R_xlen_t)k));
  return (bridge){
    .d = (size_t)list_number(problem, "features"),
    .intervals = intervals,
    .cells = (const float *)RAW(list_get(problem, "cells")),
    .offset = at,
    .times = REAL(list_get(problem, "times")),
    .plans = each,
    .log_children = REAL(list_get(problem, "log_children")),
    .turn = turn == R_NilValue ? NULL : (const float *)RAW(turn),
    .noise = list_number(problem, "noise"),
    .velocity_scale = list_number(problem, "velocity_scale"),
    .growth_offset = list_number(problem, "growth_offset"),
    .growth_scale = list_number(problem, "growth_scale"),
  };
}

/* The turns of all cells, as float32 in a raw vector. */
SEXP ffi_turns(SEXP problem) {
  bridge b = bridge_from(problem);
  size_t most = 0;
  for (size_t k = 0; k < b.intervals; k++)
    if (b.plans[k].n > most) most = b.plans[k].n;
  size_t cells = b.offset[b.intervals] + b.plans[b.intervals - 1].m;
  SEXP out = PROTECT(Rf_allocVector(RAWSXP, (R_xlen_t)(cells * b.d * sizeof(float))));
  bend_turns((float *)RAW(out), &b, workspace(most * sizeof(double)),
             workspace(most * b.d * sizeof(double)));
  UNPROTECT(1);
  return out;
}

/* list(status, velocity, growth, losses (2, steps)) after `steps` steps more */
SEXP ffi_match_run(SEXP velocity, SEXP growth, SEXP problem, SEXP options, SEXP from,
                   SEXP steps) {
  trainee v, g;
  SEXP out = PROTECT(training_result(velocity, growth, steps, &v, &g));
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
  int status = match_run(&v, &g, REAL(VECTOR_ELT(out, 3)), (uint64_t)Rf_asReal(from),
                         (uint64_t)Rf_asReal(steps), &b, &o, block, bytes);
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  UNPROTECT(1);
  return out;
}
