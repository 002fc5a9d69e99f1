#include "ffi_training.h"
#include "transport/coupling.h"
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

/* Elements `plan` and `sums` of `out`, the last two: a sparse plan with target masses b
 * as R holds it while training, accumulated for drawing, whose element `rows` is the same
 * source by source (plan_transpose()), and what plan_target_sums() says, NULL where
 * targets are all alike. */
static void add_plan(SEXP out, const plan *p, const double *b, double least) {
  size_t entries = plan_entries(p);
  plan columns = plan_space(p->m, entries), rows = plan_space(p->n, entries);
  plan_pack(&columns, p);
  plan_accumulate(&columns);
  SEXP sums = PROTECT(Rf_allocVector(REALSXP, (R_xlen_t)p->m));
  int alike = plan_target_sums(REAL(sums), b, &columns);
  plan_transpose(&rows, &columns, alike ? NULL : b, alike ? least / b[0] : least);
  SEXP by_target = PROTECT(plan_list(&columns, entries));
  SET_VECTOR_ELT(by_target, 6, plan_list(&rows, entries));
  SET_VECTOR_ELT(out, Rf_length(out) - 2, by_target);
  if (!alike) SET_VECTOR_ELT(out, Rf_length(out) - 1, sums);
  UNPROTECT(2);
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

clouds clouds_from(SEXP x, SEXP y, SEXP a, SEXP b) {
  clouds c = {.x = matrix_of(x, "x", ANY, ANY)};
  c.n = (size_t)Rf_ncols(x);
  c.d = (size_t)Rf_nrows(x);
  c.y = matrix_of(y, "y", c.d, ANY);
  c.m = (size_t)Rf_ncols(y);
  c.a = doubles_of(a, "a", c.n);
  c.b = doubles_of(b, "b", c.m);
  return c;
}

/* An element that is NULL stands for infinity. */
static double number_or_infinite(r_list list, const char *name) {
  if (list_get(list.list, name) == R_NilValue) return INFINITY;
  return list_number(list, name, 0, DBL_MAX);
}

static coupling_problem problem_from(const clouds *c, r_list options) {
  return (coupling_problem){
    .n = c->n,
    .m = c->m,
    .d = c->d,
    .x = c->x,
    .y = c->y,
    .a = c->a,
    .b = c->b,
    .epsilon = list_number(options, "epsilon", 0, DBL_MAX),
    .tau_source = number_or_infinite(options, "tau_source"),
    .tau_target = number_or_infinite(options, "tau_target"),
    .delta = number_or_infinite(options, "delta"),
  };
}

static coupling_options options_from(r_list given) {
  coupling_options o = coupling_defaults();
  o.solver.tolerance = list_number(given, "tolerance", 0, 1);
  o.solver.threads = (int)list_size(given, "threads", 1, THREADS);
  o.solver.memory = (size_t)list_number(given, "memory", 0, 0x1p62);
  o.solver.interrupted = user_interrupted;
  o.split.blocks = list_size(given, "blocks", 1, INT32_MAX);
  o.split.key = key_from(list_get(given.list, "key"));
  o.split.stream = (uint32_t)list_size(given, "stream", 0, UINT32_MAX);
  o.minibatch = list_size(given, "minibatch", 0, INT32_MAX);
  o.least = list_number(given, "least", DBL_MIN, 1);
  o.want_plan = flag_of(list_get(given.list, "keep"), "keep");
  return o;
}

/* NULL stays NULL. */
static SEXP doubles_copy(const double *from, size_t count) {
  if (from == NULL) return R_NilValue;
  SEXP out = Rf_allocVector(REALSXP, (R_xlen_t)count);
  memcpy(REAL(out), from, count * sizeof *from);
  return out;
}

static SEXP two_counts(size_t first, size_t second) {
  SEXP out = Rf_allocVector(INTSXP, 2);
  INTEGER(out)[0] = (int)first;
  INTEGER(out)[1] = (int)second;
  return out;
}

/* x (d, n), y (d, m), a (n), b (m), options list(epsilon (0: exact), tau_source,
 * tau_target and delta (NULL: infinite), tolerance, threads, keep, memory, blocks, key,
 * stream, minibatch, least): sources whose pairs end with less mass than `least` have no
 * row in the plan. -> the record of coupling.h, its ends as `descendants` */
SEXP ffi_couple(SEXP x, SEXP y, SEXP a, SEXP b, SEXP options) {
  const char *const names[] = {
    "status", "descendants", "potential_source", "potential_target", "cost", "objective",
    "residual", "iterations", "row_sums", "column_sums", "gain_source", "gain_target",
    "alone", "batches", "square", "plan", "sums"};
  clouds c = clouds_from(x, y, a, b);
  r_list given = list_at(options, "options");
  coupling_problem p = problem_from(&c, given);
  coupling_options o = options_from(given);
  size_t bytes = coupling_workspace(&p, &o);
  coupling found;
  int status = coupling_solve(&found, &p, &o, workspace(bytes), bytes);

  SEXP out = PROTECT(list_make(17, names));
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  if (status == STATUS_OK) {
    const uot_result *result = &found.result;
    SET_VECTOR_ELT(out, 1, doubles_copy(found.ends, p.n));
    SET_VECTOR_ELT(out, 2, doubles_copy(found.f, p.n));
    SET_VECTOR_ELT(out, 3, doubles_copy(found.g, p.m));
    SET_VECTOR_ELT(out, 4, Rf_ScalarReal(result->transport_cost));
    SET_VECTOR_ELT(out, 5, Rf_ScalarReal(result->objective));
    SET_VECTOR_ELT(out, 6, Rf_ScalarReal(result->residual));
    SET_VECTOR_ELT(out, 7, two_counts((size_t)result->newton_steps,
                                      (size_t)result->cg_steps));
    SET_VECTOR_ELT(out, 8, doubles_copy(found.row, p.n));
    SET_VECTOR_ELT(out, 9, doubles_copy(found.column, p.m));
    SET_VECTOR_ELT(out, 10, doubles_copy(found.gain_source, p.n));
    SET_VECTOR_ELT(out, 11, doubles_copy(found.gain_target, p.m));
    SET_VECTOR_ELT(out, 12, two_counts(result->sources_alone, result->targets_alone));
    SET_VECTOR_ELT(out, 13, Rf_ScalarReal((double)found.batches));
    SET_VECTOR_ELT(out, 14, Rf_ScalarReal(found.square));
    if (o.want_plan) add_plan(out, &found.pairs, p.b, o.least);
  }
  UNPROTECT(1);
  return out;
}

/* The dense plan (n, m) of the two potentials, in double; delta NULL: infinite. */
SEXP ffi_plan_dense(SEXP x, SEXP y, SEXP source, SEXP target, SEXP epsilon, SEXP delta) {
  const double *from = matrix_of(x, "x", ANY, ANY);
  size_t n = (size_t)Rf_ncols(x), d = (size_t)Rf_nrows(x);
  const double *to = matrix_of(y, "y", d, ANY);
  size_t m = (size_t)Rf_ncols(y);
  const double *f = doubles_of(source, "source", n), *g = doubles_of(target, "target", m);
  const double price = number_of(epsilon, "epsilon", DBL_MIN, DBL_MAX);
  const double reach =
      delta == R_NilValue ? INFINITY : number_of(delta, "delta", DBL_MIN, DBL_MAX);
  cost_columns cost;
  arena measure = {0};
  cost_layout(&measure, &cost, n, m, d, reach, 0);
  size_t bytes = arena_size(&measure);
  arena space = arena_over(workspace(bytes), bytes);
  cost_layout(&space, &cost, n, m, d, reach, 0);
  cost_prepare(&cost, from, to, 1);
  SEXP out = PROTECT(Rf_allocMatrix(REALSXP, (int)n, (int)m));
  for (size_t j = 0; j < m; j++)
    plan_column(REAL(out) + j * n, &cost, f, g, price, j);
  UNPROTECT(1);
  return out;
}

/* The entries of a plan as it is kept for drawing (plan_list()): list(start (m + 1) from
 * 0, source (entries) from 0, share (entries): p_ij / q_j). */
SEXP ffi_plan_entries(SEXP pairs, SEXP n, SEXP m) {
  const char *const names[] = {"start", "source", "share"};
  size_t rows = size_of(n, "n", 1, INT32_MAX), columns = size_of(m, "m", 1, INT32_MAX);
  plan p = plan_from(list_at(pairs, "plan"), rows, columns, 0);
  size_t entries = plan_entries(&p);
  if (entries > INT32_MAX) refuse("a plan of %zu entries is too large", entries);
  SEXP out = PROTECT(list_make(3, names));
  SEXP start = Rf_allocVector(INTSXP, (R_xlen_t)columns + 1);
  SET_VECTOR_ELT(out, 0, start);
  SEXP source = Rf_allocVector(INTSXP, (R_xlen_t)entries);
  SET_VECTOR_ELT(out, 1, source);
  SEXP share = Rf_allocVector(REALSXP, (R_xlen_t)entries);
  SET_VECTOR_ELT(out, 2, share);
  size_t next = 0;
  for (size_t j = 0; j < columns; j++) {
    INTEGER(start)[j] = (int)next;
    double before = 0;
    for (size_t e = p.start[j]; e < p.start[j] + p.count[j]; e++) {
      INTEGER(source)[next] = p.source[e];
      REAL(share)[next++] = (double)p.value[e] - before;
      before = p.value[e];
    }
  }
  INTEGER(start)[columns] = (int)next;
  UNPROTECT(1);
  return out;
}
