/* The loss of rows; part of kernels_body.h. */

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
