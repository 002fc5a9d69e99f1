#include "ffi.h"
#include "core/emd.h"

/* x (d, n), y (d, m), a (n), b (m), options list(squared, threads)
 * -> list(status, cost, gap, distance), see emd.h */
SEXP ffi_emd(SEXP x, SEXP y, SEXP a, SEXP b, SEXP options) {
  const char *const names[] = {"status", "cost", "gap", "distance"};
  r_list given = list_at(options, "options");
  int squared = flag_of(list_get(options, "squared"), "squared");
  const double *source = matrix_of(x, "x", ANY, ANY);
  size_t n = (size_t)Rf_ncols(x), d = (size_t)Rf_nrows(x);
  const double *target = matrix_of(y, "y", d, ANY);
  size_t m = (size_t)Rf_ncols(y);
  emd_task task = {
    .n = n,
    .m = m,
    .d = d,
    .x = source,
    .y = target,
    .a = doubles_of(a, "a", n),
    .b = doubles_of(b, "b", m),
    .metric = squared ? EMD_SQEUCLIDEAN : EMD_EUCLIDEAN,
  };
  emd_options o = emd_defaults();
  o.threads = (int)list_size(given, "threads", 1, THREADS);
  o.interrupted = user_interrupted;
  size_t bytes = emd_workspace(&task, &o);
  void *block = workspace(bytes);
  emd_result result = {0};
  int status = emd_solve(NULL, NULL, NULL, &result, &task, &o, block, bytes);

  SEXP out = PROTECT(list_make(4, names));
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  SET_VECTOR_ELT(out, 1, Rf_ScalarReal(result.cost));
  SET_VECTOR_ELT(out, 2, Rf_ScalarReal(result.gap));
  SET_VECTOR_ELT(out, 3, Rf_ScalarReal(result.distance));
  UNPROTECT(1);
  return out;
}
