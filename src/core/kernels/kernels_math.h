/* Element-wise kernels; part of kernels_body.h.
 *
 * exp: x = n ln 2 + r with |r| <= ln 2 / 2 (Cody and Waite 1980), Taylor polynomial of
 * exp(r) (remainder below 5e-18 relative at degree 13, 3e-9 at degree 7), and 2^n by
 * shifting n into the exponent field: adding 1.5 * 2^52 leaves n in the low bits. */

INLINE vd vd_exp(vd x) {
  const vd magic = vd_set(0x1.8p52);
  vl tiny = x < vd_set(-708.0), huge = x > vd_set(709.0);
  vd clamped = vd_select(tiny, vd_set(-708.0), x);
  clamped = vd_select(huge, vd_set(709.0), clamped);
  vd shifted = clamped * vd_set(1.4426950408889634) + magic;
  vd n = shifted - magic;
  vd r = clamped - n * vd_set(6.93147180369123816490e-01);
  r = r - n * vd_set(1.90821492927058770002e-10);
  vd p = vd_set(1.0 / 6227020800.0);
  p = p * r + vd_set(1.0 / 479001600.0);
  p = p * r + vd_set(1.0 / 39916800.0);
  p = p * r + vd_set(1.0 / 3628800.0);
  p = p * r + vd_set(1.0 / 362880.0);
  p = p * r + vd_set(1.0 / 40320.0);
  p = p * r + vd_set(1.0 / 5040.0);
  p = p * r + vd_set(1.0 / 720.0);
  p = p * r + vd_set(1.0 / 120.0);
  p = p * r + vd_set(1.0 / 24.0);
  p = p * r + vd_set(1.0 / 6.0);
  p = p * r + vd_set(0.5);
  p = p * r + vd_set(1.0);
  p = p * r + vd_set(1.0);
  vl scale = ((vl)shifted << 52) + ((vl)vd_set(1.0));
  vd y = p * (vd)scale;
  y = vd_select(tiny, (vd){0}, y);
  return vd_select(huge, vd_set(__builtin_inf()), y);
}

INLINE vf vf_exp(vf x) {
  const vf magic = vf_set(0x1.8p23f);
  x = vf_select(x < vf_set(-87.0f), vf_set(-87.0f), x);
  x = vf_select(x > vf_set(88.0f), vf_set(88.0f), x);
  vf shifted = x * vf_set(1.44269504f) + magic;
  vf n = shifted - magic;
  vf r = x - n * vf_set(0.693359375f);
  r = r - n * vf_set(-2.12194440e-4f);
  vf p = vf_set(1.0f / 5040.0f);
  p = p * r + vf_set(1.0f / 720.0f);
  p = p * r + vf_set(1.0f / 120.0f);
  p = p * r + vf_set(1.0f / 24.0f);
  p = p * r + vf_set(1.0f / 6.0f);
  p = p * r + vf_set(0.5f);
  p = p * r + vf_set(1.0f);
  p = p * r + vf_set(1.0f);
  vi scale = ((vi)shifted << 23) + ((vi)vf_set(1.0f));
  return p * (vf)scale;
}

static void exp_f64(double *y, const double *x, size_t n) {
  size_t i = 0;
  for (; i + VD <= n; i += VD) vd_store(y + i, vd_exp(vd_load(x + i)));
  if (i < n) {
    vd v = vd_exp(vd_load_part(x + i, n - i, 0.0));
    memcpy(y + i, &v, (n - i) * sizeof *y);
  }
}

/* Sums run over 8 lanes whatever the vector width, so that every table agrees. */
static double sum_f64(const double *x, size_t n) {
  double lane[8] = {0};
  vd part[8 / VD];
  memset(part, 0, sizeof part);
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t v = 0; v < 8 / VD; v++) part[v] += vd_load(x + i + v * VD);
  memcpy(lane, part, sizeof lane);
  for (; i < n; i++) lane[i % 8] += x[i];
  return ((lane[0] + lane[4]) + (lane[1] + lane[5])) +
         ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

static double max_f64(const double *x, size_t n) {
  vd best = vd_set(-__builtin_inf());
  size_t i = 0;
  for (; i + VD <= n; i += VD) {
    vd v = vd_load(x + i);
    best = vd_select(v > best, v, best);
  }
  double out = -__builtin_inf();
  for (size_t l = 0; l < VD; l++) out = best[l] > out ? best[l] : out;
  for (; i < n; i++) out = x[i] > out ? x[i] : out;
  return out;
}

INLINE vd sqdist_of(vd total, const double *x, double y) {
  vd diff = vd_load(x) - y;
  return total + diff * diff;
}

/* 4 VD points to `targets` of them; many sums at once hide each other's latency. */
INLINE void sqdist_block(double *out, size_t ldo, const double *x, size_t ldx,
                         const double *y, size_t ldy, const size_t targets, size_t d,
                         int add) {
  vd sum[2][4];
  UNROLL for (size_t j = 0; j < targets; j++)
    UNROLL for (size_t v = 0; v < 4; v++)
      sum[j][v] = add ? vd_load(out + j * ldo + v * VD) : (vd){0};
  for (size_t k = 0; k < d; k++)
    UNROLL for (size_t j = 0; j < targets; j++)
      UNROLL for (size_t v = 0; v < 4; v++)
        sum[j][v] = sqdist_of(sum[j][v], x + k * ldx + v * VD, y[j * ldy + k]);
  UNROLL for (size_t j = 0; j < targets; j++)
    UNROLL for (size_t v = 0; v < 4; v++) vd_store(out + j * ldo + v * VD, sum[j][v]);
}

static void sqdist(double *out, size_t ldo, const double *x, size_t ldx, const double *y,
                   size_t ldy, size_t n, size_t m, size_t d, int add) {
  size_t blocks = n / (4 * VD) * (4 * VD);
  size_t pairs = m / 2 * 2;
  for (size_t i = 0; i < blocks; i += 4 * VD) {
    for (size_t j = 0; j < pairs; j += 2)
      sqdist_block(out + j * ldo + i, ldo, x + i, ldx, y + j * ldy, ldy, 2, d, add);
    if (pairs < m)
      sqdist_block(out + pairs * ldo + i, ldo, x + i, ldx, y + pairs * ldy, ldy, 1, d,
                   add);
  }
  for (size_t i = blocks; i < n; i += VD)
    for (size_t j = 0; j < m; j++) {
      size_t count = n - i < VD ? n - i : VD;
      vd total = {0};
      if (add) memcpy(&total, out + j * ldo + i, count * sizeof *out);
      for (size_t k = 0; k < d; k++) {
        const double *row = x + k * ldx + i;
        vd diff =
            (count == VD ? vd_load(row) : vd_load_part(row, count, 0.0)) - y[j * ldy + k];
        total += diff * diff;
      }
      memcpy(out + j * ldo + i, &total, count * sizeof *out);
    }
}

INLINE vf vf_activate(vf z, activation act) {
  const vf one = vf_set(1.0f);
  switch (act) {
  case ACTIVATION_LEAKY_RELU: return vf_select(z > (vf){0}, z, z * LEAKY_SLOPE);
  case ACTIVATION_SILU: return z / (one + vf_exp(-z));
  default: return one - vf_set(2.0f) / (one + vf_exp(z + z));
  }
}

INLINE vf vf_activate_slope(vf z, vf h, activation act) {
  const vf one = vf_set(1.0f);
  switch (act) {
  case ACTIVATION_LEAKY_RELU: return vf_select(h > (vf){0}, one, vf_set(LEAKY_SLOPE));
  case ACTIVATION_SILU: {
    vf s = one / (one + vf_exp(-z));
    return s * (one + z * (one - s));
  }
  default: return one - h * h;
  }
}

INLINE void activate_as(float *h, const float *z, size_t n, activation act) {
  size_t i = 0;
  for (; i + VF <= n; i += VF) vf_store(h + i, vf_activate(vf_load(z + i), act));
  if (i < n) {
    vf v = vf_activate(vf_load_part(z + i, n - i), act);
    memcpy(h + i, &v, (n - i) * sizeof *h);
  }
}

static void activate(float *h, const float *z, size_t n, activation act) {
  switch (act) {
  case ACTIVATION_LEAKY_RELU: activate_as(h, z, n, ACTIVATION_LEAKY_RELU); break;
  case ACTIVATION_SILU: activate_as(h, z, n, ACTIVATION_SILU); break;
  default: activate_as(h, z, n, ACTIVATION_TANH);
  }
}

INLINE void activate_grad_as(float *d, const float *z, const float *h, size_t n,
                             activation act) {
  size_t i = 0;
  for (; i + VF <= n; i += VF)
    vf_store(d + i, vf_load(d + i) *
                        vf_activate_slope(vf_load(z + i), vf_load(h + i), act));
  if (i < n) {
    size_t count = n - i;
    vf v = vf_load_part(d + i, count) *
           vf_activate_slope(vf_load_part(z + i, count), vf_load_part(h + i, count), act);
    memcpy(d + i, &v, count * sizeof *d);
  }
}

static void activate_grad(float *d, const float *z, const float *h, size_t n,
                          activation act) {
  switch (act) {
  case ACTIVATION_LEAKY_RELU: activate_grad_as(d, z, h, n, ACTIVATION_LEAKY_RELU); break;
  case ACTIVATION_SILU: activate_grad_as(d, z, h, n, ACTIVATION_SILU); break;
  default: activate_grad_as(d, z, h, n, ACTIVATION_TANH);
  }
}

INLINE vf vf_activate_curve(vf z, vf h, activation act) {
  const vf one = vf_set(1.0f), two = vf_set(2.0f);
  switch (act) {
  case ACTIVATION_LEAKY_RELU: return (vf){0};
  case ACTIVATION_SILU: {
    vf s = one / (one + vf_exp(-z));
    return s * (one - s) * (two + z * (one - two * s));
  }
  default: return -two * h * (one - h * h);
  }
}

INLINE void activate_tangent_grad_as(float *d, float *d_dot, const float *z_dot,
                                     const float *z, const float *h, size_t n,
                                     activation act) {
  size_t i = 0;
  for (; i + VF <= n; i += VF) {
    vf at = vf_load(z + i), value = vf_load(h + i), dot = vf_load(d_dot + i);
    vf curve = vf_activate_curve(at, value, act);
    vf_store(d + i, vf_load(d + i) + curve * vf_load(z_dot + i) * dot);
    vf_store(d_dot + i, dot * vf_activate_slope(at, value, act));
  }
  if (i < n) {
    size_t count = n - i;
    vf at = vf_load_part(z + i, count), value = vf_load_part(h + i, count);
    vf dot = vf_load_part(d_dot + i, count), curve = vf_activate_curve(at, value, act);
    vf sum = vf_load_part(d + i, count) + curve * vf_load_part(z_dot + i, count) * dot;
    dot *= vf_activate_slope(at, value, act);
    memcpy(d + i, &sum, count * sizeof *d);
    memcpy(d_dot + i, &dot, count * sizeof *d_dot);
  }
}

static void activate_tangent_grad(float *d, float *d_dot, const float *z_dot,
                                  const float *z, const float *h, size_t n,
                                  activation act) {
  switch (act) {
  case ACTIVATION_LEAKY_RELU:
    activate_tangent_grad_as(d, d_dot, z_dot, z, h, n, ACTIVATION_LEAKY_RELU);
    break;
  case ACTIVATION_SILU:
    activate_tangent_grad_as(d, d_dot, z_dot, z, h, n, ACTIVATION_SILU);
    break;
  default: activate_tangent_grad_as(d, d_dot, z_dot, z, h, n, ACTIVATION_TANH);
  }
}
