/* Kernels for 64-bit ARM, where NEON is always there: larger blocks than the generic. */
#include "kernels/kernels.h"

#if defined(__aarch64__) && defined(__GNUC__)

#define SIMD_NAME neon
#define SIMD_BYTES 16
#define GEMM_ROWS 4
#define GEMM_VECS 4
#include "kernels/kernels_body.h"
#else
const kernels kernels_neon = {0};
#endif
