#include "ffi.h"
#include "kernels/kernels.h"
#include "base/parallel.h"
#include "base/status.h"
#include <float.h>
#include <string.h>

SEXP list_make(int n, const char *const *names) {
  SEXP out = PROTECT(Rf_allocVector(VECSXP, n));
  SEXP labels = PROTECT(Rf_allocVector(STRSXP, n));
  for (int i = 0; i < n; i++) SET_STRING_ELT(labels, i, Rf_mkChar(names[i]));
  Rf_setAttrib(out, R_NamesSymbol, labels);
  UNPROTECT(2);
  return out;
}

void *workspace(size_t bytes) { return bytes == 0 ? NULL : R_alloc(bytes, 1); }

SEXP ffi_status_message(SEXP code) {
  return Rf_mkString(status_message(Rf_asInteger(code)));
}

/* list(status, kernels, cores): selects the kernels named (NULL: asks only). */
SEXP ffi_runtime(SEXP kernels) {
  const char *const names[] = {"status", "kernels", "cores"};
  int status = STATUS_OK;
  if (kernels != R_NilValue && (TYPEOF(kernels) != STRSXP || Rf_xlength(kernels) != 1))
    refuse("`kernels` is no name");
  if (kernels != R_NilValue && kernels_select(CHAR(STRING_ELT(kernels, 0))))
    status = STATUS_BAD_ARGUMENT;
  SEXP out = PROTECT(list_make(3, names));
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  SET_VECTOR_ELT(out, 1, Rf_mkString(kernels_get()->name));
  SET_VECTOR_ELT(out, 2, Rf_ScalarInteger(parallel_limit()));
  UNPROTECT(1);
  return out;
}

/* Numbers of rows, from 1 to n. */
static const int *rows_of(SEXP rows, size_t n) {
  if (TYPEOF(rows) != INTSXP) refuse("`rows` are not whole numbers");
  const int *row = INTEGER(rows);
  for (R_xlen_t i = 0; i < Rf_xlength(rows); i++)
    if (row[i] < 1 || (size_t)row[i] > n) refuse("row %d of %zu", row[i], n);
  return row;
}

/* Some rows of x (cells, d), numbered from 1, as (x - center) / scale with cells in
 * columns (d, rows): a double matrix, or if `single` float32 in a raw vector. Rows go in
 * blocks, so that what is read across columns stays in cache. */
SEXP ffi_standard(SEXP x, SEXP rows, SEXP center, SEXP scale, SEXP single) {
  enum { BLOCK = 64 };
  const double *from = matrix_of(x, "x", ANY, ANY);
  size_t n = (size_t)Rf_nrows(x), d = (size_t)Rf_ncols(x);
  size_t count = (size_t)Rf_xlength(rows);
  const double *middle = doubles_of(center, "center", d);
  const double unit = number_of(scale, "scale", DBL_MIN, DBL_MAX);
  const int *row = rows_of(rows, n);
  int as_float = flag_of(single, "single");
  SEXP out = PROTECT(as_float
      ? Rf_allocVector(RAWSXP, (R_xlen_t)(count * d * sizeof(float)))
      : Rf_allocMatrix(REALSXP, (int)d, (int)count));
  float *floats = as_float ? (float *)RAW(out) : NULL;
  double *doubles = as_float ? NULL : REAL(out);
  for (size_t first = 0; first < count; first += BLOCK) {
    size_t end = count - first < BLOCK ? count : first + BLOCK;
    for (size_t k = 0; k < d; k++)
      for (size_t i = first; i < end; i++) {
        double value = (from[k * n + (size_t)(row[i] - 1)] - middle[k]) / unit;
        if (as_float) floats[i * d + k] = (float)value;
        else doubles[i * d + k] = value;
      }
  }
  UNPROTECT(1);
  return out;
}

/* n uniform numbers that depend on (key, stream) alone. */
SEXP ffi_uniform(SEXP n, SEXP key, SEXP stream) {
  R_xlen_t count = (R_xlen_t)size_of(n, "n", 0, (size_t)1 << 48);
  rng_key k = key_from(key);
  const uint32_t order = (uint32_t)size_of(stream, "stream", 0, UINT32_MAX);
  SEXP out = PROTECT(Rf_allocVector(REALSXP, count));
  for (R_xlen_t i = 0; i < count; i++) {
    const uint32_t counter[4] = {(uint32_t)i, (uint32_t)((uint64_t)i >> 32),
                                 order, RNG_PICK};
    uint32_t word[4];
    rng_philox(word, counter, k);
    REAL(out)[i] = rng_uniform(word[0]);
  }
  UNPROTECT(1);
  return out;
}
