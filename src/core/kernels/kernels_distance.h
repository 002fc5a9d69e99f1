/* Distances in single precision; part of kernels_body.h. n is a multiple of KERNEL_PAD.
 * Good to (d + 16) 2^-24 of the points' norms: enough to tell which pairs deserve a look
 * in double precision. */

INLINE vf distance_of(vf square, int root) { return root ? vf_sqrt(square) : square; }

INLINE vf square_of(vf total, const float *x, float y) {
  vf gap = vf_load(x) - y;
  return total + gap * gap;
}

static void distance_f32(float *out, const float *x, size_t ldx, const float *y, size_t n,
                         size_t d, int root) {
  size_t i = 0;
  for (; i + 4 * VF <= n; i += 4 * VF) { /* four sums at once hide each other's latency */
    vf s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    for (size_t k = 0; k < d; k++) {
      const float *row = x + k * ldx + i;
      s0 = square_of(s0, row, y[k]);
      s1 = square_of(s1, row + VF, y[k]);
      s2 = square_of(s2, row + 2 * VF, y[k]);
      s3 = square_of(s3, row + 3 * VF, y[k]);
    }
    vf_store(out + i, distance_of(s0, root));
    vf_store(out + i + VF, distance_of(s1, root));
    vf_store(out + i + 2 * VF, distance_of(s2, root));
    vf_store(out + i + 3 * VF, distance_of(s3, root));
  }
  for (; i < n; i += VF) {
    vf s = {0};
    for (size_t k = 0; k < d; k++) s = square_of(s, x + k * ldx + i, y[k]);
    vf_store(out + i, distance_of(s, root));
  }
}

static float add_min_f32(float *out, const float *a, const float *b, size_t n) {
  vf best = vf_set(__builtin_inff());
  for (size_t i = 0; i < n; i += VF) {
    vf v = vf_load(a + i) + vf_load(b + i);
    best = vf_select(v < best, v, best);
    vf_store(out + i, v);
  }
  float least = best[0];
  for (size_t l = 1; l < VF; l++) least = best[l] < least ? best[l] : least;
  return least;
}
