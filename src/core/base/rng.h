/* Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011,
 * "Parallel random numbers: as easy as 1, 2, 3"). A number is a pure function of a key
 * (the seed) and a counter (what it is for), so nothing depends on who asks first. */
#ifndef VGFM_RNG_H
#define VGFM_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct { uint32_t word[2]; } rng_key;

/* What a number is for; the last word of every counter, so that uses never collide. */
typedef enum {
  RNG_INIT = 1, RNG_PAIR, RNG_NOISE, RNG_PICK, RNG_DEAL, RNG_BATCH, RNG_PATH,
  RNG_DENSITY, RNG_EQUATION
} rng_use;

/* Four 32-bit words for one counter. */
void rng_philox(uint32_t out[4], const uint32_t counter[4], rng_key key);

/* A word as a uniform number in (0, 1), both ends excluded, with 32 bits. */
static inline double rng_uniform(uint32_t word) {
  return ((double)word + 0.5) * (1.0 / 4294967296.0);
}

#endif
