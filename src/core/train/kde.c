#include "train/kde.h"
#include "kernels/kernels.h"
#include <math.h>

static const double log_two_pi = 1.8378770664093454836;

double kde_log(double *gradient, const kde *k, const double *x, double *scratch) {
  const kernels *run = kernels_get();
  const double precision = 1 / (k->bandwidth * k->bandwidth);
  run->sqdist(scratch, k->n, k->cells, k->n, x, k->d, k->n, 1, k->d, 0);
  for (size_t i = 0; i < k->n; i++) scratch[i] *= -0.5 * precision;
  const double top = run->max_f64(scratch, k->n);
  const double sum = run->exp_sum_f64(scratch, top, k->n);
  for (size_t c = 0; gradient && c < k->d; c++) {
    double mean = run->dot_f64(scratch, k->cells + c * k->n, k->n) / sum;
    gradient[c] = precision * (mean - x[c]);
  }
  return top + log(sum / (double)k->n) -
         (double)k->d * (0.5 * log_two_pi + log(k->bandwidth));
}
