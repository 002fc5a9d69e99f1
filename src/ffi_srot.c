#include "ffi.h"
#include "core/srot_blocks.h"
#include <string.h>

static SEXP raw_copy(const void *from, size_t bytes) {
  SEXP out = Rf_allocVector(RAWSXP, (R_xlen_t)bytes);
  if (bytes > 0) memcpy(RAW(out), from, bytes);
  return out;
}

/* A plan of `entries` in workspace, for as many columns and entries as it asks for. */
static plan plan_space(size_t columns, size_t entries) {
  return (plan){
    .start = workspace(columns * sizeof(size_t)),
    .count = workspace(columns * sizeof(size_t)),
    .source = workspace(entries * sizeof(int32_t)),
    .value = workspace(entries * sizeof(float)),
  };
}

/* list(n, m, start, count, source, value), the last four as raw vectors, and an element
 * NULL for `rows`. */
static SEXP plan_list(const plan *p, size_t entries) {
  const char *const names[] = {"n", "m", "start", "count", "source", "value", "rows"};
  SEXP out = PROTECT(list_make(7, names));
  SET_VECTOR_ELT(out, 0, Rf_ScalarReal((double)p->n));
  SET_VECTOR_ELT(out, 1, Rf_ScalarReal((double)p->m));
  SET_VECTOR_ELT(out, 2, raw_copy(p->start, p->m * sizeof *p->start));
  SET_VECTOR_ELT(out, 3, raw_copy(p->count, p->m * sizeof *p->count));
  SET_VECTOR_ELT(out, 4, raw_copy(p->source, entries * sizeof *p->source));
  SET_VECTOR_ELT(out, 5, raw_copy(p->value, entries * sizeof *p->value));
  UNPROTECT(1);
  return out;
}

/* A sparse plan as R holds it while training, accumulated for drawing; its element `rows`
 * is the same source by source (plan_transpose()). */
static SEXP plan_to_r(const plan *p, double least) {
  size_t entries = plan_entries(p);
  plan columns = plan_space(p->m, entries), rows = plan_space(p->n, entries);
  plan_pack(&columns, p);
  plan_accumulate(&columns);
  plan_transpose(&rows, &columns, least);
  SEXP out = PROTECT(plan_list(&columns, entries));
  SET_VECTOR_ELT(out, 6, plan_list(&rows, entries));
  UNPROTECT(1);
  return out;
}

plan plan_from(SEXP list) {
  return (plan){
    .n = (size_t)list_number(list, "n"),
    .m = (size_t)list_number(list, "m"),
    .start = (size_t *)RAW(list_get(list, "start")),
    .count = (size_t *)RAW(list_get(list, "count")),
    .source = (int32_t *)RAW(list_get(list, "source")),
    .value = (float *)RAW(list_get(list, "value")),
  };
}

static srot_problem problem_from(SEXP x, SEXP y, SEXP a, SEXP b, double epsilon,
                                 double tau) {
  return (srot_problem){
    .n = (size_t)Rf_ncols(x),
    .m = (size_t)Rf_ncols(y),
    .d = (size_t)Rf_nrows(x),
    .x = REAL(x),
    .y = REAL(y),
    .a = REAL(a),
    .b = REAL(b),
    .epsilon = epsilon,
    .tau = tau,
  };
}

/* x (d, n), y (d, m), a (n), b (m),
 * options list(epsilon, tau, tolerance, threads, keep, memory, blocks, key, stream,
 * least): sources with fewer than `least` descendants have no row in the plan */
SEXP ffi_srot(SEXP x, SEXP y, SEXP a, SEXP b, SEXP options) {
  const char *const names[] = {"status", "descendants", "potential_source",
                               "potential_target", "cost", "objective", "residual",
                               "iterations", "plan"};
  srot_problem p = problem_from(x, y, a, b, list_number(options, "epsilon"),
                                list_number(options, "tau"));
  srot_options o = srot_defaults();
  o.tolerance = list_number(options, "tolerance");
  o.threads = (int)list_number(options, "threads");
  o.memory = (size_t)list_number(options, "memory");
  o.interrupted = user_interrupted;
  int keep = Rf_asLogical(list_get(options, "keep"));
  srot_split split = {
    .blocks = (size_t)list_number(options, "blocks"),
    .key = key_from(list_get(options, "key")),
    .stream = (uint32_t)list_number(options, "stream"),
  };
  size_t bytes = srot_blocks_workspace(&p, &o, &split);
  void *block = workspace(bytes);

  SEXP out = PROTECT(list_make(9, names));
  SET_VECTOR_ELT(out, 1, Rf_allocVector(REALSXP, (R_xlen_t)p.n));
  SET_VECTOR_ELT(out, 2, Rf_allocVector(REALSXP, (R_xlen_t)p.n));
  SET_VECTOR_ELT(out, 3, Rf_allocVector(REALSXP, (R_xlen_t)p.m));
  plan sparse;
  srot_result result = {0};
  int status = srot_blocks_solve(REAL(VECTOR_ELT(out, 2)), REAL(VECTOR_ELT(out, 3)),
                                 REAL(VECTOR_ELT(out, 1)), keep ? &sparse : NULL,
                                 &result, &p, &o, &split, block, bytes);

  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  SET_VECTOR_ELT(out, 4, Rf_ScalarReal(result.transport_cost));
  SET_VECTOR_ELT(out, 5, Rf_ScalarReal(result.objective));
  SET_VECTOR_ELT(out, 6, Rf_ScalarReal(result.residual));
  SEXP iterations = Rf_allocVector(INTSXP, 2);
  SET_VECTOR_ELT(out, 7, iterations);
  INTEGER(iterations)[0] = result.newton_steps;
  INTEGER(iterations)[1] = result.cg_steps;
  if (keep && status == STATUS_OK) 
    SET_VECTOR_ELT(out, 8, plan_to_r(&sparse, list_number(options, "least") / p.b[0]));
  UNPROTECT(1);
  return out;
}

/* The dense plan (n, m) of the two potentials, in double. */
SEXP ffi_plan_dense(SEXP x, SEXP y, SEXP source, SEXP target, SEXP epsilon) {
  size_t n = (size_t)Rf_ncols(x), m = (size_t)Rf_ncols(y), d = (size_t)Rf_nrows(x);
  cost_columns cost;
  arena measure = {0};
  cost_layout(&measure, &cost, n, m, d, 0);
  size_t bytes = arena_size(&measure);
  arena space = arena_over(workspace(bytes), bytes);
  cost_layout(&space, &cost, n, m, d, 0);
  cost_prepare(&cost, REAL(x), REAL(y), 1);
  SEXP out = PROTECT(Rf_allocMatrix(REALSXP, (int)n, (int)m));
  for (size_t j = 0; j < m; j++)
    plan_column(REAL(out) + j * n, &cost, REAL(source), REAL(target), Rf_asReal(epsilon),
                j);
  UNPROTECT(1);
  return out;
}
