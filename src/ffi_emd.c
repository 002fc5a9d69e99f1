#include "ffi.h"
#include "transport/emd.h"

/* list(source, target, flow): the pairs of a plan, cells numbered from 1. */
static SEXP pairs_of(const emd_arc *arcs, size_t count) {
  const char *const names[] = {"source", "target", "flow"};
  SEXP out = PROTECT(list_make(3, names));
  SET_VECTOR_ELT(out, 0, Rf_allocVector(INTSXP, (R_xlen_t)count));
  SET_VECTOR_ELT(out, 1, Rf_allocVector(INTSXP, (R_xlen_t)count));
  SET_VECTOR_ELT(out, 2, Rf_allocVector(REALSXP, (R_xlen_t)count));
  for (size_t i = 0; i < count; i++) {
    INTEGER(VECTOR_ELT(out, 0))[i] = (int)arcs[i].source + 1;
    INTEGER(VECTOR_ELT(out, 1))[i] = (int)arcs[i].target + 1;
    REAL(VECTOR_ELT(out, 2))[i] = arcs[i].flow;
  }
  UNPROTECT(1);
  return out;
}

/* x (d, n), y (d, m), a (n), b (m), options list(squared, threads, plan)
 * -> list(status, cost, gap, distance, plan), see emd.h; plan NULL unless asked for */
SEXP ffi_emd(SEXP x, SEXP y, SEXP a, SEXP b, SEXP options) {
  const char *const names[] = {"status", "cost", "gap", "distance", "plan"};
  r_list given = list_at(options, "options");
  int squared = flag_of(list_get(options, "squared"), "squared");
  int wanted = flag_of(list_get(options, "plan"), "plan");
  clouds c = clouds_from(x, y, a, b);
  emd_task task = {
    .n = c.n,
    .m = c.m,
    .d = c.d,
    .x = c.x,
    .y = c.y,
    .a = c.a,
    .b = c.b,
    .metric = squared ? EMD_SQEUCLIDEAN : EMD_EUCLIDEAN,
  };
  emd_options o = emd_defaults();
  o.threads = (int)list_size(given, "threads", 1, THREADS);
  o.interrupted = user_interrupted;
  size_t bytes = emd_workspace(&task, &o);
  void *block = workspace(bytes);
  emd_arc *arcs = wanted ? workspace((c.n + c.m) * sizeof *arcs) : NULL;
  emd_result result = {0};
  int status = emd_solve(NULL, NULL, arcs, &result, &task, &o, block, bytes);

  SEXP out = PROTECT(list_make(5, names));
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  SET_VECTOR_ELT(out, 1, Rf_ScalarReal(result.cost));
  SET_VECTOR_ELT(out, 2, Rf_ScalarReal(result.gap));
  SET_VECTOR_ELT(out, 3, Rf_ScalarReal(result.distance));
  if (wanted && status == STATUS_OK)
    SET_VECTOR_ELT(out, 4, pairs_of(arcs, result.arcs));
  UNPROTECT(1);
  return out;
}
