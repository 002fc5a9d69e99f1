#include "ffi.h"
#include "core/emd.h"

/* x (d, n), y (d, m), a (n), b (m), options list(squared, threads)
 * -> list(status, cost, gap) */
SEXP ffi_emd(SEXP x, SEXP y, SEXP a, SEXP b, SEXP options) {
  const char *const names[] = {"status", "cost", "gap"};
  int squared = Rf_asLogical(list_get(options, "squared"));
  emd_task task = {
    .n = (size_t)Rf_ncols(x),
    .m = (size_t)Rf_ncols(y),
    .d = (size_t)Rf_nrows(x),
    .x = REAL(x),
    .y = REAL(y),
    .a = REAL(a),
    .b = REAL(b),
    .metric = squared ? EMD_SQEUCLIDEAN : EMD_EUCLIDEAN,
  };
  emd_options o = emd_defaults();
  o.threads = (int)list_number(options, "threads");
  o.interrupted = user_interrupted;
  size_t bytes = emd_workspace(&task, &o);
  void *block = workspace(bytes);
  emd_result result = {0};
  int status = emd_solve(NULL, NULL, NULL, &result, &task, &o, block, bytes);

  SEXP out = PROTECT(list_make(3, names));
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  SET_VECTOR_ELT(out, 1, Rf_ScalarReal(result.cost));
  SET_VECTOR_ELT(out, 2, Rf_ScalarReal(result.gap));
  UNPROTECT(1);
  return out;
}
