#include "ffi.h"
#include "transport/nearest.h"

/* points (d, n), queries (d, m), number of neighbours
 * -> list(status, index (k, m) from 1, square (k, m)) */
SEXP ffi_nearest(SEXP points, SEXP queries, SEXP neighbours, SEXP threads) {
  const char *const names[] = {"status", "index", "square"};
  const double *from = matrix_of(points, "points", ANY, ANY);
  size_t n = (size_t)Rf_ncols(points), d = (size_t)Rf_nrows(points);
  const double *to = matrix_of(queries, "queries", d, ANY);
  nearest_task task = {
    .n = n,
    .m = (size_t)Rf_ncols(queries),
    .d = d,
    .k = size_of(neighbours, "neighbours", 1, n),
    .points = from,
    .queries = to,
  };
  int n_threads = (int)size_of(threads, "threads", 1, THREADS);
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
