/* Adam's update; part of kernels_body.h. n is a multiple of KERNEL_PAD. */

static void adam(float *w, float *m, float *v, const float *grad, size_t blocks,
                 size_t stride, size_t n, const kernel_adam *k) {
  for (size_t i = 0; i < n; i += VF) {
    vf g = vf_load(grad + i);
    for (size_t b = 1; b < blocks; b++) g += vf_load(grad + b * stride + i);
    g *= k->scale;
    vf first = k->beta1 * vf_load(m + i) + (1 - k->beta1) * g;
    vf second = k->beta2 * vf_load(v + i) + (1 - k->beta2) * g * g;
    vf_store(m + i, first);
    vf_store(v + i, second);
    vf_store(w + i, vf_load(w + i) - k->rate * first / (vf_sqrt(second) + k->small));
  }
}
