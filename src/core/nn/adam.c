#include "nn/adam.h"
#include "kernels/kernels.h"
#include <math.h>

/* beta2 of the paper is 0.999: a memory of a thousand steps, as long as a schedule here.
 * The scale of the last steps would be that of the large gradients of the first. */
static const double beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8;

void adam_update(float *w, float *m, float *v, const float *grad, size_t blocks,
                 size_t stride, size_t n, double scale, uint64_t step,
                 double learning_rate) {
  double unbias1 = 1 - pow(beta1, (double)step);
  double unbias2 = sqrt(1 - pow(beta2, (double)step));
  kernel_adam constants = {
    .scale = (float)scale,
    .beta1 = (float)beta1,
    .beta2 = (float)beta2,
    .rate = (float)(learning_rate * unbias2 / unbias1),
    .small = (float)(epsilon * unbias2),
  };
  kernels_get()->adam(w, m, v, grad, blocks, stride, n, &constants);
}

double cosine_rate(uint64_t step, uint64_t steps, double first, double floor) {
  const double pi = 3.14159265358979323846;
  double done = steps > 1 ? (double)step / (double)(steps - 1) : 0;
  if (done > 1) done = 1;
  return first * (floor + (1 - floor) * 0.5 * (1 + cos(pi * done)));
}
