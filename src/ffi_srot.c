#include "ffi_training.h"
#include "transport/uot_blocks.h"
#include <float.h>
#include <math.h>
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

/* Columns of at least so many entries, which lie within those there are, and sources
 * within n. */
plan plan_from(r_list list, size_t n, size_t m, size_t least) {
  size_t entries = (size_t)Rf_xlength(list_get(list.list, "source")) / sizeof(int32_t);
  plan p = {
    .n = list_size(list, "n", n, n),
    .m = list_size(list, "m", m, m),
    .start = list_bytes(list, "start", m * sizeof *p.start),
    .count = list_bytes(list, "count", m * sizeof *p.count),
    .source = list_bytes(list, "source", entries * sizeof *p.source),
    .value = list_bytes(list, "value", entries * sizeof *p.value),
  };
  for (size_t j = 0; j < m; j++)
    if (p.count[j] < least || p.count[j] > n || p.start[j] > entries ||
        p.count[j] > entries - p.start[j])
      refuse("column %zu of `%s` is damaged", j + 1, list.name);
  for (size_t e = 0; e < entries; e++)
    if (p.source[e] < 0 || (size_t)p.source[e] >= n)
      refuse("entry %zu of `%s` is damaged", e + 1, list.name);
  return p;
}

static uot_problem problem_from(SEXP x, SEXP y, SEXP a, SEXP b, r_list options) {
  const double *source = matrix_of(x, "x", ANY, ANY);
  size_t n = (size_t)Rf_ncols(x), d = (size_t)Rf_nrows(x);
  const double *target = matrix_of(y, "y", d, ANY);
  size_t m = (size_t)Rf_ncols(y);
  return (uot_problem){
    .n = n,
    .m = m,
    .d = d,
    .x = source,
    .y = target,
    .a = doubles_of(a, "a", n),
    .b = doubles_of(b, "b", m),
    .epsilon = list_number(options, "epsilon", 0, DBL_MAX),
    .tau_source = list_number(options, "tau", 0, DBL_MAX),
    .tau_target = INFINITY,
    .delta = INFINITY,
  };
}

/* x (d, n), y (d, m), a (n), b (m),
 * options list(epsilon, tau, tolerance, threads, keep, memory, blocks, key, stream,
 * least): sources with fewer than `least` descendants have no row in the plan */
SEXP ffi_srot(SEXP x, SEXP y, SEXP a, SEXP b, SEXP options) {
  const char *const names[] = {"status", "descendants", "potential_source",
                               "potential_target", "cost", "objective", "residual",
                               "iterations", "plan"};
  r_list given = list_at(options, "options");
  uot_problem p = problem_from(x, y, a, b, given);
  uot_options o = uot_defaults();
  o.tolerance = list_number(given, "tolerance", 0, 1);
  o.threads = (int)list_size(given, "threads", 1, THREADS);
  o.memory = (size_t)list_number(given, "memory", 0, 0x1p62);
  o.interrupted = user_interrupted;
  const double least = list_number(given, "least", 0, DBL_MAX);
  int keep = flag_of(list_get(options, "keep"), "keep");
  uot_split split = {
    .blocks = list_size(given, "blocks", 1, INT32_MAX),
    .key = key_from(list_get(options, "key")),
    .stream = (uint32_t)list_size(given, "stream", 0, UINT32_MAX),
  };
  size_t bytes = uot_blocks_workspace(&p, &o, &split);
  void *block = workspace(bytes);

  SEXP out = PROTECT(list_make(9, names));
  SET_VECTOR_ELT(out, 1, Rf_allocVector(REALSXP, (R_xlen_t)p.n));
  SET_VECTOR_ELT(out, 2, Rf_allocVector(REALSXP, (R_xlen_t)p.n));
  SET_VECTOR_ELT(out, 3, Rf_allocVector(REALSXP, (R_xlen_t)p.m));
  plan sparse;
  uot_result result = {0};
  const uot_solution solution = {
    .f = REAL(VECTOR_ELT(out, 2)),
    .g = REAL(VECTOR_ELT(out, 3)),
    .row = REAL(VECTOR_ELT(out, 1)),
  };
  int status = uot_blocks_solve(&solution, keep ? &sparse : NULL, &result, &p, &o, &split,
                                block, bytes);

  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  SET_VECTOR_ELT(out, 4, Rf_ScalarReal(result.transport_cost));
  SET_VECTOR_ELT(out, 5, Rf_ScalarReal(result.objective));
  SET_VECTOR_ELT(out, 6, Rf_ScalarReal(result.residual));
  SEXP iterations = Rf_allocVector(INTSXP, 2);
  SET_VECTOR_ELT(out, 7, iterations);
  INTEGER(iterations)[0] = result.newton_steps;
  INTEGER(iterations)[1] = result.cg_steps;
  if (keep && status == STATUS_OK) 
    SET_VECTOR_ELT(out, 8, plan_to_r(&sparse, least / p.b[0]));
  UNPROTECT(1);
  return out;
}

/* The dense plan (n, m) of the two potentials, in double. */
SEXP ffi_plan_dense(SEXP x, SEXP y, SEXP source, SEXP target, SEXP epsilon) {
  const double *from = matrix_of(x, "x", ANY, ANY);
  size_t n = (size_t)Rf_ncols(x), d = (size_t)Rf_nrows(x);
  const double *to = matrix_of(y, "y", d, ANY);
  size_t m = (size_t)Rf_ncols(y);
  const double *f = doubles_of(source, "source", n), *g = doubles_of(target, "target", m);
  const double price = number_of(epsilon, "epsilon", DBL_MIN, DBL_MAX);
  cost_columns cost;
  arena measure = {0};
  cost_layout(&measure, &cost, n, m, d, INFINITY, 0);
  size_t bytes = arena_size(&measure);
  arena space = arena_over(workspace(bytes), bytes);
  cost_layout(&space, &cost, n, m, d, INFINITY, 0);
  cost_prepare(&cost, from, to, 1);
  SEXP out = PROTECT(Rf_allocMatrix(REALSXP, (int)n, (int)m));
  for (size_t j = 0; j < m; j++)
    plan_column(REAL(out) + j * n, &cost, f, g, price, j);
  UNPROTECT(1);
  return out;
}
