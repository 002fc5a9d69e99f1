#include "ffi_training.h"
#include "core/refine.h"
#include "core/status.h"

static size_t *sizes_from(SEXP numbers) {
  size_t count = (size_t)Rf_xlength(numbers);
  size_t *out = workspace(count * sizeof *out);
  for (size_t i = 0; i < count; i++) out[i] = (size_t)REAL(numbers)[i];
  return out;
}

/* problem: list(cells (d, cells) double, offset, mass, boundary, observed, and `anchor`,
 * a problem of matching, whose standard units are used) */
static refine_problem problem_from(SEXP problem, bridge *anchor) {
  *anchor = bridge_from(list_get(problem, "anchor"));
  SEXP boundary = list_get(problem, "boundary"), mass = list_get(problem, "mass");
  return (refine_problem){
    .d = anchor->d,
    .times = (size_t)Rf_xlength(mass),
    .cells = REAL(list_get(problem, "cells")),
    .offset = sizes_from(list_get(problem, "offset")),
    .mass = REAL(mass),
    .boundaries = (size_t)Rf_xlength(boundary),
    .boundary = REAL(boundary),
    .observed = sizes_from(list_get(problem, "observed")),
    .units = {anchor->velocity_scale, anchor->growth_offset, anchor->growth_scale},
    .bridge = anchor,
  };
}

/* list(status, velocity, growth, losses (2, rounds)) after `rounds` rounds more */
SEXP ffi_refine_run(SEXP velocity, SEXP growth, SEXP problem, SEXP options, SEXP from,
                    SEXP rounds) {
  const char *const names[] = {"status", "velocity", "growth", "losses"};
  SEXP out = PROTECT(list_make(4, names));
  SET_VECTOR_ELT(out, 1, ffi_copy(velocity));
  SET_VECTOR_ELT(out, 2, ffi_copy(growth));
  SET_VECTOR_ELT(out, 3, Rf_allocMatrix(REALSXP, 2, Rf_asInteger(rounds)));
  trainee v = trainee_from(VECTOR_ELT(out, 1)), g = trainee_from(VECTOR_ELT(out, 2));
  bridge anchor;
  refine_problem p = problem_from(problem, &anchor);
  refine_options o = {
    .most_start = (size_t)list_number(options, "most_start"),
    .most_target = (size_t)list_number(options, "most_target"),
    .folds = (size_t)list_number(options, "folds"),
    .warm_up = (uint64_t)list_number(options, "warm_up"),
    .parts = (size_t)list_number(options, "parts"),
    .mass_weight = list_number(options, "mass_weight"),
    .anchor = list_number(options, "anchor"),
    .batch = (size_t)list_number(options, "batch"),
    .total_rounds = (uint64_t)list_number(options, "rounds"),
    .learning_rate = list_number(options, "learning_rate"),
    .rate_floor = list_number(options, "rate_floor"),
    .clip = list_number(options, "clip"),
    .key = key_from(list_get(options, "key")),
    .threads = (int)list_number(options, "threads"),
  };
  size_t bytes = refine_workspace(&v, &g, &p, &o);
  void *block = workspace(bytes);
  int status = refine_run(&v, &g, REAL(VECTOR_ELT(out, 3)), (uint64_t)Rf_asReal(from),
                          (uint64_t)Rf_asReal(rounds), &p, &o, block, bytes);
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  UNPROTECT(1);
  return out;
}
