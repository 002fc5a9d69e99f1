/* Kernels for AVX2 and FMA. Not on Windows, where GCC does not align the stack for them
 * (PR 54412). */
#include "kernels/kernels.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(_WIN32)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
#define SIMD_NAME avx2
#define SIMD_BYTES 32
#define GEMM_ROWS 4
#define GEMM_VECS 2
#include <immintrin.h>
#define MULTIPLY_LOW(a, b) (vul)_mm256_mul_epu32((__m256i)(a), (__m256i)(b))
#include "kernels/kernels_body.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
const kernels kernels_avx2 = {0};
#endif
