/* Linear algebra in double precision: LAPACK and BLAS as R provides them. */
#define USE_FC_LEN_T
#include "ffi.h"
#include "base/status.h"
#include <R_ext/BLAS.h>
#include <R_ext/Lapack.h>
#include <float.h>
#include <math.h>
#include <string.h>
#ifndef FCONE
#define FCONE
#endif

/* A cloud's mean (d), and a factor (d, rank), column-major, with
 * covariance = factor factor'. */
typedef struct {
  double *mean, *factor;
  int d, rank;
} moments;

/* Mean of x (d, n) with weights w (n), which sum to 1. */
static double *weighted_mean(const double *x, const double *w, size_t n, size_t d) {
  double *mean = workspace(d * sizeof *mean);
  memset(mean, 0, d * sizeof *mean);
  for (size_t i = 0; i < n; i++)
    for (size_t c = 0; c < d; c++) mean[c] += w[i] * x[i * d + c];
  return mean;
}

/* The factor is L of the LQ decomposition of the centred and weighted cells: the
 * covariance is never formed, so no digits are lost to squares. */
static moments moments_of(const double *x, const double *w, size_t n, size_t d) {
  int rows = (int)d, columns = (int)n, least = rows < columns ? rows : columns, info;
  moments m = {weighted_mean(x, w, n, d), NULL, rows, least};
  double *a = workspace(n * d * sizeof *a);
  for (size_t i = 0; i < n; i++)
    for (size_t c = 0; c < d; c++) a[i * d + c] = sqrt(w[i]) * (x[i * d + c] - m.mean[c]);
  double *scale = workspace((size_t)least * sizeof *scale), asked;
  int size = -1;
  F77_CALL(dgelqf)(&rows, &columns, a, &rows, scale, &asked, &size, &info);
  size = (int)asked;
  F77_CALL(dgelqf)(&rows, &columns, a, &rows, scale,
                   workspace((size_t)size * sizeof(double)), &size, &info);
  if (info != 0) refuse("dgelqf() failed with code %d", info);
  for (int k = 1; k < least; k++) memset(a + (size_t)k * d, 0, (size_t)k * sizeof *a);
  m.factor = a;
  return m;
}

/* Sum of the singular values of a (rows, columns), which is overwritten; negative if they
 * cannot be found. */
static double nuclear_norm(double *a, int rows, int columns) {
  int least = rows < columns ? rows : columns, one = 1, size = -1, info;
  double *values = workspace((size_t)least * sizeof *values), asked, none = 0;
  int *whole = workspace(8 * (size_t)least * sizeof *whole);
  F77_CALL(dgesdd)("N", &rows, &columns, a, &rows, values, &none, &one, &none, &one,
                   &asked, &size, whole, &info FCONE);
  size = (int)asked;
  F77_CALL(dgesdd)("N", &rows, &columns, a, &rows, values, &none, &one, &none, &one,
                   workspace((size_t)size * sizeof(double)), &size, whole, &info FCONE);
  if (info != 0) return -1;
  double total = 0;
  for (int i = 0; i < least; i++) total += values[i];
  return total;
}

static double squared_norm(const double *x, size_t n) {
  double total = 0;
  for (size_t i = 0; i < n; i++) total += x[i] * x[i];
  return total;
}

/* Wasserstein-2 distance between normal distributions with the moments of two weighted
 * clouds: |m1 - m2|^2 + tr A + tr B - 2 tr (A^(1/2) B A^(1/2))^(1/2) (Dowson and Landau
 * 1982, eq. 2). With A = F F' and B = G G' the last trace is the sum of the singular
 * values of F'G.
 *
 * x (d, n), y (d, m), a (n), b (m), which sum to 1 -> list(status, distance) */
SEXP ffi_gaussian_distance(SEXP x, SEXP y, SEXP a, SEXP b) {
  const double *from = matrix_of(x, "x", ANY, ANY);
  size_t d = (size_t)Rf_nrows(x), n = (size_t)Rf_ncols(x);
  const double *to = matrix_of(y, "y", d, ANY);
  size_t m = (size_t)Rf_ncols(y);
  moments p = moments_of(from, doubles_of(a, "a", n), n, d);
  moments q = moments_of(to, doubles_of(b, "b", m), m, d);
  double *inner = workspace((size_t)p.rank * (size_t)q.rank * sizeof *inner);
  const double one = 1, zero = 0;
  F77_CALL(dgemm)("T", "N", &p.rank, &q.rank, &p.d, &one, p.factor, &p.d, q.factor, &p.d,
                  &zero, inner, &p.rank FCONE FCONE);
  double common = nuclear_norm(inner, p.rank, q.rank), apart = 0;
  for (size_t c = 0; c < d; c++) {
    double gap = p.mean[c] - q.mean[c];
    apart += gap * gap;
  }
  double spread = squared_norm(p.factor, d * (size_t)p.rank) +
                  squared_norm(q.factor, d * (size_t)q.rank);
  double squared = apart + spread - 2 * common;
  int status = common < 0 ? STATUS_NOT_CONVERGED : STATUS_OK;

  const char *const names[] = {"status", "distance"};
  SEXP out = PROTECT(list_make(2, names));
  SET_VECTOR_ELT(out, 0, Rf_ScalarInteger(status));
  SET_VECTOR_ELT(out, 1, Rf_ScalarReal(sqrt(squared > 0 ? squared : 0)));
  UNPROTECT(1);
  return out;
}
