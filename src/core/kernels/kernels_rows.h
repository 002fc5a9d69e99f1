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

/* The vectors that count, with their coefficients. */
typedef struct {
  const float *x[COMBINE_MOST];
  float a[COMBINE_MOST], b[COMBINE_MOST];
} terms;

/* Written out for each number of terms, so that coefficients stay in registers. */
INLINE void combine_terms(float *place, float *velocity, const terms *t, size_t count,
                          size_t n) {
  size_t i = 0;
  for (; i + VF <= n; i += VF) {
    vf p = {0}, c = {0};
    for (size_t v = 0; v < count; v++) {
      vf x = vf_load(t->x[v] + i);
      p += t->a[v] * x;
      c += t->b[v] * x;
    }
    vf_store(place + i, p);
    vf_store(velocity + i, c);
  }
  for (; i < n; i++) {
    float p = 0, c = 0;
    for (size_t v = 0; v < count; v++) {
      p += t->a[v] * t->x[v][i];
      c += t->b[v] * t->x[v][i];
    }
    place[i] = p;
    velocity[i] = c;
  }
}

static void combine(float *place, float *velocity, const float *const vector[],
                    const float *a, const float *b, size_t vectors, size_t n) {
  terms t;
  size_t count = 0;
  for (size_t v = 0; v < vectors; v++) {
    if (a[v] == 0 && b[v] == 0) continue;
    t.x[count] = vector[v];
    t.a[count] = a[v];
    t.b[count++] = b[v];
  }
  switch (count) {
  case 2: combine_terms(place, velocity, &t, 2, n); break;
  case 3: combine_terms(place, velocity, &t, 3, n); break;
  case 5: combine_terms(place, velocity, &t, 5, n); break;
  default: combine_terms(place, velocity, &t, count, n);
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
