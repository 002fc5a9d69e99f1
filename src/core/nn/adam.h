/* Adam (Kingma and Ba 2015) on packed float32 parameters. */
#ifndef VGFM_ADAM_H
#define VGFM_ADAM_H

#include <stddef.h>
#include <stdint.h>

/* One update of w (n) with first and second moments m, v. The gradient is `scale` times
 * the sum of `blocks` buffers that lie `stride` apart, added in their order. `step`
 * counts from 1; n is a multiple of KERNEL_PAD. The update is element-wise, so a caller
 * may split n among threads. */
void adam_update(float *w, float *m, float *v, const float *grad, size_t blocks,
                 size_t stride, size_t n, double scale, uint64_t step,
                 double learning_rate);

/* Learning rate at step 0 ... steps - 1: half a cosine from `first` down to
 * `first` * `floor` (Loshchilov and Hutter 2017). */
double cosine_rate(uint64_t step, uint64_t steps, double first, double floor);

#endif
