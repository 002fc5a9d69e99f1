/* Places and velocities on paths between pairs; part of kernels_body.h. */

/* Rounds a product before it is added to a sum. Without it the compiler may fuse the two
 * into one instruction, or not, as it finds best in each of the loops below. */
#if defined(__SSE2__)
#define ROUND(value) __asm__("" : "+x"(value))
#elif defined(__aarch64__)
#define ROUND(value) __asm__("" : "+w"(value))
#else
#define ROUND(value) (void)(value)
#endif

INLINE void combine_vector(float *place, float *velocity, const float *x,
                           const float *const vector[], const float *a, const float *b,
                           size_t vectors, size_t i) {
  vf start = vf_load(x + i), step = vf_load(vector[0] + i) - start;
  vf at = start + a[0] * step, speed = b[0] * step, at_rest = {0}, speed_rest = {0};
  if (vectors > 1 && (a[1] != 0 || b[1] != 0)) {
    vf v = vf_load(vector[1] + i);
    at += a[1] * v;
    speed += b[1] * v;
  }
  ROUND(speed);
  for (size_t k = 2; k < vectors; k++) {
    if (a[k] == 0 && b[k] == 0) continue;
    vf v = vf_load(vector[k] + i), by_a = a[k] * v, by_b = b[k] * v;
    ROUND(by_a);
    ROUND(by_b);
    at_rest += by_a;
    speed_rest += by_b;
  }
  vf_store(place + i, at + at_rest);
  vf_store(velocity + i, speed + speed_rest);
}

INLINE void combine_scalar(float *place, float *velocity, const float *x,
                           const float *const vector[], const float *a, const float *b,
                           size_t vectors, size_t i) {
  float step = vector[0][i] - x[i];
  float at = x[i] + a[0] * step, speed = b[0] * step, at_rest = 0, speed_rest = 0;
  if (vectors > 1 && (a[1] != 0 || b[1] != 0)) {
    float by_a = a[1] * vector[1][i];
    ROUND(by_a);
    at += by_a;
    speed += b[1] * vector[1][i];
  }
  ROUND(speed);
  for (size_t k = 2; k < vectors; k++) {
    if (a[k] == 0 && b[k] == 0) continue;
    float by_a = a[k] * vector[k][i], by_b = b[k] * vector[k][i];
    ROUND(by_a);
    ROUND(by_b);
    at_rest += by_a;
    speed_rest += by_b;
  }
  place[i] = at + at_rest;
  velocity[i] = speed + speed_rest;
}

static void combine(float *place, float *velocity, const float *x,
                    const float *const vector[], const float *a, const float *b,
                    size_t vectors, size_t n) {
  size_t i = 0;
  for (; i + VF <= n; i += VF)
    combine_vector(place, velocity, x, vector, a, b, vectors, i);
  for (; i < n; i++) combine_scalar(place, velocity, x, vector, a, b, vectors, i);
}
