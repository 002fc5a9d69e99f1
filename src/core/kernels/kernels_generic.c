/* Kernels for any processor with 128-bit vectors, or a compiler that imitates them. */
#include "kernels/kernels.h"

#if defined(__GNUC__)

#define SIMD_NAME generic
#define SIMD_BYTES 16
#define GEMM_ROWS 2
#define GEMM_VECS 4
#include "kernels/kernels_body.h"
#else
const kernels kernels_generic = {0};
#endif
