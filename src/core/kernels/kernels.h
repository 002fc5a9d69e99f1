/* The inner loops that decide the speed, one table of them per instruction set.
 *
 * Every kernel is written once, in kernels_*.h, with the compiler's portable vector
 * types; kernels_avx512.c, kernels_avx2.c, kernels_neon.c and kernels_generic.c each
 * compile those files at their own vector width. kernels_naive.c holds the obvious
 * scalar twins, which the tests use as oracle. The best table the processor can run is
 * chosen when it is first asked for, or forced by kernels_select().
 *
 * For a given table every result is a fixed function of the arguments: one element's
 * value does not depend on where in the array, or in which tile, it was computed.
 */
#ifndef VGFM_KERNELS_H
#define VGFM_KERNELS_H

#include "base/rng.h"

#define KERNEL_PAD ((size_t)16) /* columns of float32 matrices are padded to this */

static inline size_t kernel_pad(size_t n) {
  return (n + KERNEL_PAD - 1) / KERNEL_PAD * KERNEL_PAD;
}

typedef enum { ACTIVATION_LEAKY_RELU, ACTIVATION_SILU, ACTIVATION_TANH } activation;
#define LEAKY_SLOPE 0.01f
#define NORMALS_GROUP ((size_t)64) /* normals are drawn in groups of this size */

/* Adam's constants for one step, bias corrections folded in. */
typedef struct {
  float scale;         /* of the gradient */
  float beta1, beta2;
  float rate, small;   /* w -= rate * m / (sqrt(v) + small) */
} kernel_adam;

typedef struct {
  const char *name;

  /* c (m, n) = start (m, n) + a (m, k) b (k, n). Element (i, l) of a is
   * a[i * a_row + l * a_col]; rows of the others are contiguous and ld... apart, n is a
   * multiple of KERNEL_PAD. start may be c, or NULL for zeros. */
  void (*gemm)(float *c, size_t ldc, const float *start, size_t ld_start, const float *a,
               size_t a_row, size_t a_col, const float *b, size_t ldb, size_t m, size_t n,
               size_t k);

  /* h = act(z) on n values; h may be z. */
  void (*activate)(float *h, const float *z, size_t n, activation act);
  /* d *= act'(z), given z and h = act(z); d is (n). */
  void (*activate_grad)(float *d, const float *z, const float *h, size_t n,
                        activation act);
  /* The same for the derivative d_dot by a tangent of h, whose z_dot is given, and what
   * it adds to the derivative by z: d += act''(z) z_dot d_dot, d_dot *= act'(z). */
  void (*activate_tangent_grad)(float *d, float *d_dot, const float *z_dot,
                                const float *z, const float *h, size_t n,
                                activation act);

  /* A place and a velocity as linear combinations, on n values:
   *   place    = x + a[0] (vector[0] - x) + a[1] vector[1] + ...,
   *   velocity =     b[0] (vector[0] - x) + b[1] vector[1] + ...
   * Vectors after the first whose two coefficients are 0 are not read, and may be NULL.
   * Terms from the third on are summed by themselves, and added last. */
  void (*combine)(float *place, float *velocity, const float *x,
                  const float *const vector[], const float *a, const float *b,
                  size_t vectors, size_t n);
  /* out = slope (out - want) on n values; returns the sum of (out - want)^2. */
  float (*squared_error)(float *out, const float *want, float slope, size_t n);

  /* Adam on n values, n a multiple of KERNEL_PAD; the gradient is the sum of `blocks`
   * buffers `stride` apart. */
  void (*adam)(float *w, float *m, float *v, const float *grad, size_t blocks,
               size_t stride, size_t n, const kernel_adam *constants);

  /* n standard normals, n a multiple of NORMALS_GROUP. Group g uses the Philox blocks
   * whose first counter word is counter[0] + 16 g ... + 16 g + 15, lane by lane: normals
   * 16 q + l of the group come from block l. */
  void (*normals)(float *out, size_t n, const uint32_t counter[4], rng_key key);

  /* y = exp(x) on n values, relative error below 2 units in the last place;
   * x below -708 gives 0. y may be x. */
  void (*exp_f64)(double *y, const double *x, size_t n);
  /* Squared Euclidean distances of n points to m others:
   * out[j*ldo+i] = sum_k (x[k*ldx+i] - y[j*ldy+k])^2. x is (d, n), a row per feature (so
   * that points lie side by side). With `add` the sums begin with what out holds, to the
   * bit as if features had come in one call. */
  void (*sqdist)(double *out, size_t ldo, const double *x, size_t ldx, const double *y,
                 size_t ldy, size_t n, size_t m, size_t d, int add);
  /* To one point in single precision, or the square root; n a multiple of KERNEL_PAD.
   * Good to (d + 16) 2^-24 of the norms of x and y. */
  void (*distance_f32)(float *out, const float *x, size_t ldx, const float *y, size_t n,
                       size_t d, int root);
  /* out = a + b on n values, n a multiple of KERNEL_PAD, and the least of them; out may
   * be a. */
  float (*add_min_f32)(float *out, const float *a, const float *b, size_t n);
  /* Sum and maximum of n values, in a fixed order. */
  double (*sum_f64)(const double *x, size_t n);
  double (*max_f64)(const double *x, size_t n);

  /* The column of a softmax, on n values each. out = (f - c) * scale, and its maximum. */
  double (*logits_f64)(double *out, const double *f, const double *c, double scale,
                       size_t n);
  /* x = exp(x - shift), and its sum in a fixed order. */
  double (*exp_sum_f64)(double *x, double shift, size_t n);
  double (*dot_f64)(const double *x, const double *y, size_t n);
  void (*axpy_f64)(double *y, const double *x, double scale, size_t n); /* y += scale x */
  /* Places and scaled values of the entries above `cut`, in order; returns their number.
   * index and value have room for n. */
  size_t (*select_f64)(int32_t *index, float *value, const double *x, double cut,
                       double scale, size_t n);
} kernels;

extern const kernels kernels_naive, kernels_generic, kernels_neon, kernels_avx2,
    kernels_avx512;

/* The table in use. */
const kernels *kernels_get(void);

/* Use the table of this name ("naive", "generic", "neon", "avx2", "avx512"; NULL or ""
 * for the best there is). 0 on success; 1, and no change, if this processor or build
 * does not have it. */
int kernels_select(const char *name);

#endif
