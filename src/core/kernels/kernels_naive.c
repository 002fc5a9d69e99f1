/* The obvious scalar twins: the oracle of the tests, and the last resort. */
#include "kernels/kernels.h"
#include <math.h>

static void gemm(float *c, size_t ldc, const float *start, size_t ld_start,
                 const float *a, size_t a_row, size_t a_col, const float *b, size_t ldb,
                 size_t m, size_t n, size_t k) {
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++) {
      double sum = start ? start[i * ld_start + j] : 0;
      for (size_t l = 0; l < k; l++)
        sum += (double)a[i * a_row + l * a_col] * b[l * ldb + j];
      c[i * ldc + j] = (float)sum;
    }
}

static void activate(float *h, const float *z, size_t n, activation act) {
  for (size_t i = 0; i < n; i++) {
    double x = z[i];
    switch (act) {
    case ACTIVATION_LEAKY_RELU: h[i] = x > 0 ? z[i] : LEAKY_SLOPE * z[i]; break;
    case ACTIVATION_SILU: h[i] = (float)(x / (1 + exp(-x))); break;
    default: h[i] = (float)tanh(x);
    }
  }
}

static void activate_grad(float *d, const float *z, const float *h, size_t n,
                          activation act) {
  for (size_t i = 0; i < n; i++) {
    double x = z[i], s = 1 / (1 + exp(-x));
    switch (act) {
    case ACTIVATION_LEAKY_RELU: d[i] *= h[i] > 0 ? 1 : LEAKY_SLOPE; break;
    case ACTIVATION_SILU: d[i] *= (float)(s * (1 + x * (1 - s))); break;
    default: d[i] *= 1 - h[i] * h[i];
    }
  }
}

static void activate_tangent_grad(float *d, float *d_dot, const float *z_dot,
                                  const float *z, const float *h, size_t n,
                                  activation act) {
  for (size_t i = 0; i < n; i++) {
    double x = z[i], s = 1 / (1 + exp(-x)), curve = 0;
    if (act == ACTIVATION_SILU) curve = s * (1 - s) * (2 + x * (1 - 2 * s));
    if (act == ACTIVATION_TANH) curve = -2 * h[i] * (1 - (double)h[i] * h[i]);
    d[i] += (float)(curve * z_dot[i] * d_dot[i]);
    activate_grad(d_dot + i, z + i, h + i, 1, act);
  }
}

static void combine(float *place, float *velocity, const float *x,
                    const float *const vector[], const float *a, const float *b,
                    size_t vectors, size_t n) {
  for (size_t i = 0; i < n; i++) {
    double at = x[i], speed = 0;
    for (size_t k = 0; k < vectors; k++) {
      if (a[k] == 0 && b[k] == 0) continue;
      double v = k == 0 ? (double)vector[k][i] - x[i] : vector[k][i];
      at += a[k] * v;
      speed += b[k] * v;
    }
    place[i] = (float)at;
    velocity[i] = (float)speed;
  }
}

static float squared_error(float *out, const float *want, float slope, size_t n) {
  double total = 0;
  for (size_t i = 0; i < n; i++) {
    double miss = (double)out[i] - want[i];
    total += miss * miss;
    out[i] = (float)(slope * miss);
  }
  return (float)total;
}

static void adam(float *w, float *m, float *v, const float *grad, size_t blocks,
                 size_t stride, size_t n, const kernel_adam *k) {
  for (size_t i = 0; i < n; i++) {
    double g = 0;
    for (size_t b = 0; b < blocks; b++) g += grad[b * stride + i];
    g *= k->scale;
    m[i] = (float)(k->beta1 * m[i] + (1 - k->beta1) * g);
    v[i] = (float)(k->beta2 * v[i] + (1 - k->beta2) * g * g);
    w[i] -= (float)(k->rate * m[i] / (sqrt(v[i]) + k->small));
  }
}

static void normals(float *out, size_t n, const uint32_t counter[4], rng_key key) {
  const double turn = 6.283185307179586 / 16777216.0;
  for (size_t block = 0; block < n / 4; block++) {
    uint32_t at[4] = {counter[0] + (uint32_t)block, counter[1], counter[2], counter[3]};
    uint32_t word[4];
    rng_philox(word, at, key);
    float *group = out + block / 16 * NORMALS_GROUP + block % 16;
    for (int pair = 0; pair < 2; pair++) {
      double u = ((word[2 * pair] >> 8) + 0.5) / 16777216.0;
      double angle = (word[2 * pair + 1] >> 8) * turn, radius = sqrt(-2 * log(u));
      group[32 * pair] = (float)(radius * cos(angle));
      group[32 * pair + 16] = (float)(radius * sin(angle));
    }
  }
}

static void exp_f64(double *y, const double *x, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = x[i] < -708 ? 0 : exp(x[i]);
}

static void sqdist(double *out, size_t ldo, const double *x, size_t ldx, const double *y,
                   size_t ldy, size_t n, size_t m, size_t d, int add) {
  for (size_t j = 0; j < m; j++)
    for (size_t i = 0; i < n; i++) {
      double total = add ? out[j * ldo + i] : 0;
      for (size_t k = 0; k < d; k++) {
        double diff = x[k * ldx + i] - y[j * ldy + k];
        total += diff * diff;
      }
      out[j * ldo + i] = total;
    }
}

static void distance_f32(float *out, const float *x, size_t ldx, const float *y, size_t n,
                         size_t d, int root) {
  for (size_t i = 0; i < n; i++) {
    double total = 0;
    for (size_t k = 0; k < d; k++) {
      double diff = (double)x[k * ldx + i] - y[k];
      total += diff * diff;
    }
    out[i] = (float)(root ? sqrt(total) : total);
  }
}

static float add_min_f32(float *out, const float *a, const float *b, size_t n) {
  float least = INFINITY;
  for (size_t i = 0; i < n; i++) {
    out[i] = a[i] + b[i];
    least = out[i] < least ? out[i] : least;
  }
  return least;
}

static double sum_f64(const double *x, size_t n) {
  double total = 0;
  for (size_t i = 0; i < n; i++) total += x[i];
  return total;
}

static double max_f64(const double *x, size_t n) {
  double best = -INFINITY;
  for (size_t i = 0; i < n; i++) best = x[i] > best ? x[i] : best;
  return best;
}

static double logits_f64(double *out, const double *f, const double *c, double scale,
                         size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = (f[i] - c[i]) * scale;
  return max_f64(out, n);
}

static double exp_sum_f64(double *x, double shift, size_t n) {
  for (size_t i = 0; i < n; i++) x[i] -= shift;
  exp_f64(x, x, n);
  return sum_f64(x, n);
}

static double dot_f64(const double *x, const double *y, size_t n) {
  double total = 0;
  for (size_t i = 0; i < n; i++) total += x[i] * y[i];
  return total;
}

static void axpy_f64(double *y, const double *x, double scale, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] += scale * x[i];
}

static size_t select_f64(int32_t *index, float *value, const double *x, double cut,
                         double scale, size_t n) {
  size_t count = 0;
  for (size_t i = 0; i < n; i++) {
    if (!(x[i] > cut)) continue;
    index[count] = (int32_t)i;
    value[count++] = (float)(x[i] * scale);
  }
  return count;
}

const kernels kernels_naive = {
  .name = "naive",
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
