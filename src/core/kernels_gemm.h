/* c = start + a b; part of kernels_body.h.
 *
 * A block of GEMM_ROWS x GEMM_VECS vectors of c stays in registers while k runs over
 * GEMM_DEEP products; b is read along its rows, a by broadcasting single elements, which
 * is why a may have any strides (a transposed a costs nothing) and nothing needs packing
 * while b's panel, and the rows of a, stay in cache. Every element of c is one chain of
 * multiply-adds in the order of k, whichever block it falls into. */

#define GEMM_DEEP ((size_t)256)

INLINE void gemm_block(float *c, size_t ldc, const float *start, size_t ld_start,
                       const float *a, size_t a_row, size_t a_col, const float *b,
                       size_t ldb, size_t k, const size_t rows, const size_t vecs) {
  vf sum[GEMM_ROWS][GEMM_VECS];
  UNROLL for (size_t i = 0; i < rows; i++)
    UNROLL for (size_t v = 0; v < vecs; v++)
      sum[i][v] = start ? vf_load(start + i * ld_start + v * VF) : (vf){0};
  for (size_t i = 0; i < rows; i++)
    for (size_t v = 0; v < vecs; v++)
      __builtin_prefetch(c + (rows + i) * ldc + v * VF, 1);
  for (size_t l = 0; l < k; l++) {
    vf right[GEMM_VECS];
    for (size_t v = 0; v < vecs; v++)
      __builtin_prefetch(b + (l + 8) * ldb + v * VF);
    UNROLL for (size_t v = 0; v < vecs; v++) right[v] = vf_load(b + l * ldb + v * VF);
    UNROLL for (size_t i = 0; i < rows; i++) {
      vf left = vf_set(a[i * a_row + l * a_col]);
      UNROLL for (size_t v = 0; v < vecs; v++) sum[i][v] += left * right[v];
    }
  }
  UNROLL for (size_t i = 0; i < rows; i++)
    UNROLL for (size_t v = 0; v < vecs; v++) vf_store(c + i * ldc + v * VF, sum[i][v]);
}

/* All rows of c, `vecs` vectors wide. */
INLINE void gemm_panel(float *c, size_t ldc, const float *start, size_t ld_start,
                       const float *a, size_t a_row, size_t a_col, const float *b,
                       size_t ldb, size_t m, size_t k, const size_t vecs) {
  size_t i = 0;
  for (; i + GEMM_ROWS <= m; i += GEMM_ROWS)
    gemm_block(c + i * ldc, ldc, start ? start + i * ld_start : NULL, ld_start,
               a + i * a_row, a_row, a_col, b, ldb, k, GEMM_ROWS, vecs);
  for (; i < m; i++)
    gemm_block(c + i * ldc, ldc, start ? start + i * ld_start : NULL, ld_start,
               a + i * a_row, a_row, a_col, b, ldb, k, 1, vecs);
}

static void gemm(float *c, size_t ldc, const float *start, size_t ld_start,
                 const float *a, size_t a_row, size_t a_col, const float *b, size_t ldb,
                 size_t m, size_t n, size_t k) {
  const size_t wide = GEMM_VECS * VF;
  for (size_t l = 0; l < k; l += GEMM_DEEP) {
    size_t deep = k - l < GEMM_DEEP ? k - l : GEMM_DEEP, j = 0;
    const float *left = a + l * a_col, *right = b + l * ldb;
    for (; j + wide <= n; j += wide)
      gemm_panel(c + j, ldc, start ? start + j : NULL, ld_start, left, a_row, a_col,
                 right + j, ldb, m, deep, GEMM_VECS);
    for (; j < n; j += VF)
      gemm_panel(c + j, ldc, start ? start + j : NULL, ld_start, left, a_row, a_col,
                 right + j, ldb, m, deep, 1);
    start = c;
    ld_start = ldc;
  }
}
