/* Rows of a batch, and their loss; part of kernels_body.h. */

INLINE void join_vector(vf *at, vf *change, vf x, vf y, vf noise, float part, float speed,
                        float sd) {
  vf gap = y - x;
  *at = x + part * gap + sd * noise;
  *change = speed * gap;
}

static void join(float *at, float *change, const float *x, const float *y,
                 const float *noise, float part, float speed, float sd, size_t n) {
  size_t i = 0;
  vf a, c;
  for (; i + VF <= n; i += VF) {
    vf e = noise ? vf_load(noise + i) : (vf){0};
    join_vector(&a, &c, vf_load(x + i), vf_load(y + i), e, part, speed, sd);
    vf_store(at + i, a);
    vf_store(change + i, c);
  }
  for (; i < n; i++) {
    float gap = y[i] - x[i];
    at[i] = x[i] + part * gap + (noise ? sd * noise[i] : 0);
    change[i] = speed * gap;
  }
}

static float squared_error(float *out, const float *want, float slope, size_t n) {
  vf part = {0};
  float total = 0;
  size_t i = 0;
  for (; i + VF <= n; i += VF) {
    vf miss = vf_load(out + i) - vf_load(want + i);
    part += miss * miss;
    vf_store(out + i, slope * miss);
  }
  for (; i < n; i++) {
    float miss = out[i] - want[i];
    total += miss * miss;
    out[i] = slope * miss;
  }
  for (size_t l = 0; l < VF; l++) total += part[l];
  return total;
}
