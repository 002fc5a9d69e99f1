/* c = start + a b; part of kernels_body.h.
 *
 * A block of GEMM_ROWS x GEMM_VECS vectors of c stays in registers while k runs over
 * GEMM_DEEP products; b is read along its rows, a by broadcasting single elements, which
 * is why a may have any strides (a transposed a costs nothing) and nothing needs packing
 * while b's panel, and the rows of a, stay in cache. Columns of a transposed a that are
 * far apart would fall into the same few sets of the cache: they are gathered first,
 * where enough columns of c pay for it. Every element of c is one chain of multiply-adds
 * in the order of k, whichever block it falls into. */

#define GEMM_DEEP ((size_t)256)
#define GEMM_TALL ((size_t)32)  /* rows of a gathered together */
#define GEMM_FAR ((size_t)256)  /* floats between its columns from which on they are */
#define GEMM_MANY ((size_t)128) /* columns of c that pay for it */

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

/* All rows of c, `vecs` vectors wide; what is left of whole blocks in halves of them. */
INLINE void gemm_panel(float *c, size_t ldc, const float *start, size_t ld_start,
                       const float *a, size_t a_row, size_t a_col, const float *b,
                       size_t ldb, size_t m, size_t k, const size_t vecs) {
  size_t i = 0;
#define BLOCK(rows) \
  gemm_block(c + i * ldc, ldc, start ? start + i * ld_start : NULL, ld_start, \
             a + i * a_row, a_row, a_col, b, ldb, k, rows, vecs)
  for (; i + GEMM_ROWS <= m; i += GEMM_ROWS) BLOCK(GEMM_ROWS);
  if (GEMM_ROWS > 4)
    for (; i + 4 <= m; i += 4) BLOCK(4);
  if (GEMM_ROWS > 2)
    for (; i + 2 <= m; i += 2) BLOCK(2);
  for (; i < m; i++) BLOCK(1);
#undef BLOCK
}

/* All panels of c; k is at most GEMM_DEEP. */
INLINE void gemm_panels(float *c, size_t ldc, const float *start, size_t ld_start,
                        const float *a, size_t a_row, size_t a_col, const float *b,
                        size_t ldb, size_t m, size_t n, size_t k) {
  const size_t wide = GEMM_VECS * VF;
  size_t j = 0;
  for (; j + wide <= n; j += wide)
    gemm_panel(c + j, ldc, start ? start + j : NULL, ld_start, a, a_row, a_col, b + j,
               ldb, m, k, GEMM_VECS);
  for (; j < n; j += VF)
    gemm_panel(c + j, ldc, start ? start + j : NULL, ld_start, a, a_row, a_col, b + j,
               ldb, m, k, 1);
}

/* GEMM_TALL rows of a, transposed and side by side. */
INLINE void gemm_gather(float *left, const float *a, size_t a_col, size_t rows,
                        size_t k) {
  for (size_t l = 0; l < k; l++, left += GEMM_TALL, a += a_col)
    if (rows == GEMM_TALL)
      UNROLL for (size_t v = 0; v < GEMM_TALL; v += VF)
        vf_store(left + v, vf_load(a + v));
    else
      memcpy(left, a, rows * sizeof *a);
}

static void gemm(float *c, size_t ldc, const float *start, size_t ld_start,
                 const float *a, size_t a_row, size_t a_col, const float *b, size_t ldb,
                 size_t m, size_t n, size_t k) {
  float left[GEMM_DEEP * GEMM_TALL] __attribute__((aligned(64)));
  const int gather = a_row == 1 && a_col >= GEMM_FAR && n >= GEMM_MANY;
  const size_t tall = gather ? GEMM_TALL : m;
  for (size_t l = 0; l < k; l += GEMM_DEEP) {
    size_t deep = k - l < GEMM_DEEP ? k - l : GEMM_DEEP;
    for (size_t i = 0; i < m; i += tall) {
      size_t rows = m - i < tall ? m - i : tall;
      const float *from = a + i * a_row + l * a_col;
      if (gather) gemm_gather(left, from, a_col, rows, deep);
      gemm_panels(c + i * ldc, ldc, start ? start + i * ld_start : NULL, ld_start,
                  gather ? left : from, a_row, gather ? GEMM_TALL : a_col, b + l * ldb,
                  ldb, rows, n, deep);
    }
    start = c;
    ld_start = ldc;
  }
}
