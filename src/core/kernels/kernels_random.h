/* Normal numbers; part of kernels_body.h.
 *
 * A group of 64 values comes from 16 Philox blocks, one a lane: words 0 and 1 of a block
 * give two normals by Box and Muller (1958), words 2 and 3 two more. The products of
 * Philox need 64-bit lanes, so even and odd blocks are run apart and merged. Minimax
 * polynomials of log, sin and cos: Moshier's Cephes, single precision. */

typedef uint64_t vul __attribute__((vector_size(SIMD_BYTES)));
typedef uint32_t vui __attribute__((vector_size(SIMD_BYTES)));

/* The product of the lower halves of each lane; an instruction set that has one for it
 * says so. */
#ifndef MULTIPLY_LOW
#define MULTIPLY_LOW(a, b) (((a) & 0xFFFFFFFFu) * ((b) & 0xFFFFFFFFu))
#endif

/* Two runs at once, as one alone would wait for its products. What stands above a lane's
 * lower half is cleared at the end: no product reads it. */
INLINE void philox_lanes(vul word[2][4], const vul first[2], const uint32_t counter[4],
                         rng_key key) {
  const vul low = (vul){0} + 0xFFFFFFFFu;
  const vul by0 = (vul){0} + 0xD2511F53u, by1 = (vul){0} + 0xCD9E8D57u;
  uint32_t k0 = key.word[0], k1 = key.word[1];
  for (int i = 0; i < 2; i++) {
    word[i][0] = first[i];
    for (int w = 1; w < 4; w++) word[i][w] = (vul){0} + counter[w];
  }
  for (int round = 0; round < 10; round++) {
    UNROLL for (int i = 0; i < 2; i++) {
      vul *c = word[i];
      vul p0 = MULTIPLY_LOW(c[0], by0), p1 = MULTIPLY_LOW(c[2], by1);
      c[0] = (p1 >> 32) ^ c[1] ^ k0;
      c[1] = p1;
      c[2] = (p0 >> 32) ^ c[3] ^ k1;
      c[3] = p0;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  UNROLL for (int i = 0; i < 2; i++)
    UNROLL for (int w = 0; w < 4; w++) word[i][w] &= low;
}

/* log of x in (0, 1] */
INLINE vf vf_log(vf x) {
  vi exponent = ((vi)x >> 23) - 126;
  vf m = (vf)(((vi)x & 0x007FFFFF) | 0x3F000000); /* in [0.5, 1) */
  vi small = m < vf_set(0.707106781f);
  exponent += small; /* true is -1 */
  m = vf_select(small, m + m, m) - 1.0f;
  vf e = __builtin_convertvector(exponent, vf);
  vf p = vf_set(7.0376836292e-2f);
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  vf square = m * m;
  vf y = p * m * square - e * 2.12194440e-4f - 0.5f * square;
  return m + y + e * 0.693359375f;
}

/* sqrt(x), x >= 0, by Newton's iteration for 1 / sqrt(x) */
INLINE vf vf_sqrt(vf x) {
  vf y = (vf)(0x5F3759DF - ((vi)x >> 1));
  UNROLL for (int i = 0; i < 3; i++) y = y * (1.5f - 0.5f * x * y * y);
  return x * y;
}

INLINE void box_muller(vf *first, vf *second, vui a, vui b) {
  vf u = (__builtin_convertvector((vi)(a >> 8), vf) + 0.5f) * 0x1p-24f;
  vf turn = __builtin_convertvector((vi)(b >> 8), vf) * 0x1p-24f;
  vf log_u = vf_log(u);
  vf radius = vf_sqrt(vf_select(log_u < (vf){0}, -2.0f * log_u, (vf){0}));
  const vf magic = vf_set(0x1.8p23f);
  vf shifted = turn * 4.0f + magic;
  vi quadrant = (vi)shifted & 3;
  vf x = (turn - (shifted - magic) * 0.25f) * 6.28318530718f; /* |x| <= pi / 4 */
  vf z = x * x;
  vf s = x + x * z * (-1.6666654611e-1f + z * (8.3321608736e-3f - z * 1.9515295891e-4f));
  vf c = 1.0f - 0.5f * z +
         z * z * (4.166664568298827e-2f +
                  z * (-1.388731625493765e-3f + z * 2.443315711809948e-5f));
  vi odd = -(quadrant & 1);
  vf cosine = vf_select(odd, s, c), sine = vf_select(odd, c, s);
  cosine = (vf)((vi)cosine ^ (((quadrant + 1) & 2) << 30));
  sine = (vf)((vi)sine ^ ((quadrant & 2) << 30));
  *first = radius * cosine;
  *second = radius * sine;
}

static void normals(float *out, size_t n, const uint32_t counter[4], rng_key key) {
  vul lane;
  for (size_t l = 0; l < VD; l++) lane[l] = 2 * l;
  const vul low = (vul){0} + 0xFFFFFFFFu;
  for (size_t group = 0; group < n / NORMALS_GROUP; group++) {
    for (size_t part = 0; part < 16; part += VF) {
      uint32_t first = counter[0] + (uint32_t)(group * 16 + part);
      const vul begin[2] = {(lane + first) & low, (lane + 1 + first) & low};
      vul half[2][4]; /* even and odd blocks */
      philox_lanes(half, begin, counter, key);
      vui word[4];
      UNROLL for (int w = 0; w < 4; w++)
        word[w] = (vui)(half[0][w] | (half[1][w] << 32));
      float *to = out + group * NORMALS_GROUP + part;
      vf a, b;
      box_muller(&a, &b, word[0], word[1]);
      vf_store(to, a);
      vf_store(to + 16, b);
      box_muller(&a, &b, word[2], word[3]);
      vf_store(to + 32, a);
      vf_store(to + 48, b);
    }
  }
}
