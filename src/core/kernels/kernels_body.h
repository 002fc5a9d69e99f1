/* The vector kernels, written once. A kernels_<isa>.c file defines
 *   SIMD_NAME    name of its table without the prefix, e.g. avx2
 *   SIMD_BYTES   width of its vectors
 *   GEMM_ROWS, GEMM_VECS   the block of c held in registers: rows, and vectors a row
 * and includes this file. Vector types are those of GCC and clang. */
#include "kernels/kernels.h"
#include <string.h>

typedef float vf __attribute__((vector_size(SIMD_BYTES)));
typedef int32_t vi __attribute__((vector_size(SIMD_BYTES)));
typedef double vd __attribute__((vector_size(SIMD_BYTES)));
typedef int64_t vl __attribute__((vector_size(SIMD_BYTES)));

#define VF ((size_t)(SIMD_BYTES / sizeof(float)))
#define VD ((size_t)(SIMD_BYTES / sizeof(double)))
#define INLINE static inline __attribute__((always_inline))

/* For loops over arrays of vectors that shall live in registers. */
#define UNROLL_(n) _Pragma(#n)
#if defined(__clang__)
#define UNROLL UNROLL_(unroll)
#else
#define UNROLL UNROLL_(GCC unroll 16)
#endif

INLINE vf vf_load(const float *p) { vf v; memcpy(&v, p, sizeof v); return v; }
INLINE void vf_store(float *p, vf v) { memcpy(p, &v, sizeof v); }
INLINE vf vf_set(float x) { return x - (vf){0}; }
INLINE vf vf_select(vi mask, vf yes, vf no) {
  return (vf)((mask & (vi)yes) | (~mask & (vi)no));
}
INLINE vd vd_load(const double *p) { vd v; memcpy(&v, p, sizeof v); return v; }
INLINE void vd_store(double *p, vd v) { memcpy(p, &v, sizeof v); }
INLINE vd vd_set(double x) { return x - (vd){0}; }
INLINE vd vd_select(vl mask, vd yes, vd no) {
  return (vd)((mask & (vl)yes) | (~mask & (vl)no));
}
/* The first `count` values (count < a vector), the rest `fill`. */
INLINE vd vd_load_part(const double *p, size_t count, double fill) {
  vd v = vd_set(fill);
  memcpy(&v, p, count * sizeof *p);
  return v;
}
INLINE vf vf_load_part(const float *p, size_t count) {
  vf v = {0};
  memcpy(&v, p, count * sizeof *p);
  return v;
}

#include "kernels/kernels_math.h"
#include "kernels/kernels_softmax.h"
#include "kernels/kernels_random.h"
#include "kernels/kernels_distance.h"
#include "kernels/kernels_adam.h"
#include "kernels/kernels_rows.h"
#include "kernels/kernels_combine.h"
#include "kernels/kernels_gemm.h"

#define TABLE_NAME_(isa) kernels_##isa
#define TABLE_NAME(isa) TABLE_NAME_(isa)
#define TEXT_(isa) #isa
#define TEXT(isa) TEXT_(isa)

const kernels TABLE_NAME(SIMD_NAME) = {
  .name = TEXT(SIMD_NAME),
  .gemm = gemm,
  .activate = activate,
  .activate_grad = activate_grad,
  .activate_tangent_grad = activate_tangent_grad,
  .combine = combine,
  .squared_error = squared_error,
  .adam = adam,
  .normals = normals,
  .exp_f64 = exp_f64,
  .sqdist = sqdist,
  .distance_f32 = distance_f32,
  .add_min_f32 = add_min_f32,
  .sum_f64 = sum_f64,
  .max_f64 = max_f64,
  .logits_f64 = logits_f64,
  .exp_sum_f64 = exp_sum_f64,
  .dot_f64 = dot_f64,
  .axpy_f64 = axpy_f64,
  .select_f64 = select_f64,
};
