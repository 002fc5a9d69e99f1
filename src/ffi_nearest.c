#include "ffi.h"
#include "core/nearest.h"

/* points (d, n), queries (d, m), number of neighbours
 * -> list(status, index (k, m) from 1, square (k, m)) */
SEXP ffi_nearest(SEXP points, SEXP queries, SEXP neighbours, SEXP threads) {
  const char *const names[] = {"status", "index", "square"};
  nearest_task task = {
    .n = (size_t)Rf_ncols(points),
    .m = (size_t)Rf_ncols(queries),
    .d = (size_t)Rf_nrows(points),
    .k = (size_t)Rf_asReal(neighbours),
    .points = REAL(points),
    .queries = REAL(queries),
  };
  int n_threads = Rf_asInteger(threads);
  size_t bytes = nearest_workspace(&task, n_threads);
  void *block = workspace(bytes);

  SEXP out = PROTECT(list_make(3, names));
  SEXP index = Rf_allocMatrix(INTSXP, (int)task.k, (int)task.m);
  SET_VECTOR_ELT(out, 1, index);
  SET_VECTOR_ELT(out, 2, Rf_allocMatrix(REALSXP, (int)task.k, (int)task.m));
  int status = nearest_find(INTEGER(index), REAL(VECTOR_ELT(out, 2)), &task, n_threads,
                            block, bytes);
  for (R_xlen_t i = 0; status == 0 && i < Rf_xlength(index); i++) INTEGER(index)[i]++;
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  UNPROTECT(1);
  return out;
}
