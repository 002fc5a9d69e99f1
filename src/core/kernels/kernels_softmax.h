/* Kernels of one column of a softmax, in double; part of kernels_body.h.
 *
 * Sums run over 8 lanes whatever the vector width, as in sum_f64, so that a vector twice
 * as wide adds the same numbers in the same order. */

INLINE double sum_lanes(const vd part[8 / VD]) {
  double lane[8];
  memcpy(lane, part, sizeof lane);
  return ((lane[0] + lane[4]) + (lane[1] + lane[5])) +
         ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

static double logits_f64(double *out, const double *f, const double *c, double scale,
                         size_t n) {
  vd best = vd_set(-__builtin_inf());
  size_t i = 0;
  for (; i + VD <= n; i += VD) {
    vd v = (vd_load(f + i) - vd_load(c + i)) * scale;
    vd_store(out + i, v);
    best = vd_select(v > best, v, best);
  }
  double most = -__builtin_inf();
  for (size_t l = 0; l < VD; l++) most = best[l] > most ? best[l] : most;
  for (; i < n; i++) {
    out[i] = (f[i] - c[i]) * scale;
    most = out[i] > most ? out[i] : most;
  }
  return most;
}

static double exp_sum_f64(double *x, double shift, size_t n) {
  vd part[8 / VD];
  memset(part, 0, sizeof part);
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t v = 0; v < 8 / VD; v++) {
      vd e = vd_exp(vd_load(x + i + v * VD) - shift);
      vd_store(x + i + v * VD, e);
      part[v] += e;
    }
  for (size_t v = 0; i < n; i += VD, v++) {
    size_t count = n - i < VD ? n - i : VD;
    vd e = vd_exp(vd_load_part(x + i, count, -__builtin_inf()) - shift);
    memcpy(x + i, &e, count * sizeof *x);
    part[v] += e;
  }
  return sum_lanes(part);
}

static double dot_f64(const double *x, const double *y, size_t n) {
  vd part[8 / VD];
  memset(part, 0, sizeof part);
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t v = 0; v < 8 / VD; v++)
      part[v] += vd_load(x + i + v * VD) * vd_load(y + i + v * VD);
  double tail = 0;
  for (; i < n; i++) tail += x[i] * y[i];
  return sum_lanes(part) + tail;
}

static void axpy_f64(double *y, const double *x, double scale, size_t n) {
  size_t i = 0;
  for (; i + VD <= n; i += VD) vd_store(y + i, vd_load(y + i) + vd_load(x + i) * scale);
  for (; i < n; i++) y[i] += x[i] * scale;
}

/* Most blocks of a sparse column hold nothing: one comparison passes over 8 values. */
static size_t select_f64(int32_t *index, float *value, const double *x, double cut,
                         double scale, size_t n) {
  size_t count = 0, i = 0;
  for (; i + 8 <= n; i += 8) {
    vl above = {0};
    for (size_t v = 0; v < 8 / VD; v++) above |= vd_load(x + i + v * VD) > vd_set(cut);
    int64_t any = 0;
    for (size_t l = 0; l < VD; l++) any |= above[l];
    if (!any) continue;
    for (size_t l = i; l < i + 8; l++) {
      index[count] = (int32_t)l;
      value[count] = (float)(x[l] * scale);
      count += x[l] > cut;
    }
  }
  for (; i < n; i++) {
    index[count] = (int32_t)i;
    value[count] = (float)(x[i] * scale);
    count += x[i] > cut;
  }
  return count;
}
