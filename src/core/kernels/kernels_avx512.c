/* Kernels for AVX-512. Not on Windows, where GCC does not align the stack for them
 * (PR 54412). */
#include "kernels/kernels.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(_WIN32)
#if defined(__clang__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma"))), \
    apply_to = function)
#else
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,fma,prefer-vector-width=512")
#endif
#define SIMD_NAME avx512
#define SIMD_BYTES 64
#define GEMM_ROWS 8
#define GEMM_VECS 2
#include <immintrin.h>
#define MULTIPLY_LOW(a, b) (vul)_mm512_mul_epu32((__m512i)(a), (__m512i)(b))
#include "kernels/kernels_body.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
const kernels kernels_avx512 = {0};
#endif
