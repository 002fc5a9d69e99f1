/* Workspace: one block handed in by the caller, carved into aligned arrays.
 *
 * A module writes its layout once, in a function that carves from an arena. Run over
 * an empty arena (base NULL) the same function measures the block it needs:
 *
 *   static void layout(arena *a, scratch *s, size_t n) {
 *     s->x = arena_take(a, n, sizeof *s->x);
 *   }
 *   size_t thing_workspace(size_t n) { arena a = {0}; scratch s; layout(&a, &s, n);
 *                                      return arena_size(&a); }
 *
 * Overflow or lack of room is sticky: take what is needed, then ask arena_ok() once.
 */
#ifndef VGFM_ARENA_H
#define VGFM_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define ARENA_ALIGN ((size_t)64) /* a cache line, and the widest vector */

typedef struct {
  char *base;    /* NULL while measuring */
  size_t size;   /* bytes available at base */
  size_t used;   /* bytes carved so far, from an aligned start */
  int failed;
} arena;

/* Overflow-checked product: 0 on success; 1 on overflow, with SIZE_MAX as product. */
static inline int size_mul(size_t a, size_t b, size_t *out) {
  int overflow = a != 0 && b > SIZE_MAX / a;
  *out = overflow ? SIZE_MAX : a * b;
  return overflow;
}

static inline arena arena_over(void *block, size_t bytes) {
  arena a = {0};
  size_t skip = (ARENA_ALIGN - (uintptr_t)block % ARENA_ALIGN) % ARENA_ALIGN;
  a.failed = block == NULL || bytes < skip;
  if (!a.failed) {
    a.base = (char *)block + skip;
    a.size = bytes - skip;
  }
  return a;
}

/* `count` items of `width` bytes, 64-byte aligned; NULL while measuring or on failure. */
static inline void *arena_take(arena *a, size_t count, size_t width) {
  size_t bytes;
  if (size_mul(count, width, &bytes) || bytes > SIZE_MAX / 4 ||
      a->used > SIZE_MAX / 4) {
    a->failed = 1;
    return NULL;
  }
  bytes = (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
  char *start = a->base ? a->base + a->used : NULL;
  a->used += bytes;
  if (a->base && a->used > a->size) a->failed = 1;
  return a->failed ? NULL : start;
}

static inline int arena_ok(const arena *a) { return !a->failed; }

/* Bytes to ask of the caller for what was measured; 0 when the size overflows. */
static inline size_t arena_size(const arena *a) {
  return a->failed ? 0 : a->used + ARENA_ALIGN;
}

#endif
