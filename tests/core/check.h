/* A test program is: some CHECKs in main(), and `return check_report("name");` at its
 * end, which prints the tally and gives the exit code. */
#ifndef VGFM_CHECK_H
#define VGFM_CHECK_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int check_passed, check_failed;

#define CHECK(condition, ...)                                          \
  do {                                                                 \
    if (condition) {                                                   \
      check_passed++;                                                  \
    } else {                                                           \
      check_failed++;                                                  \
      fprintf(stderr, "%s:%d: failed: %s: ", __FILE__, __LINE__, #condition); \
      fprintf(stderr, __VA_ARGS__);                                    \
      fputc('\n', stderr);                                             \
    }                                                                  \
  } while (0)

/* |got - want| <= tolerance * max(1, |want|), false for NaN. */
#define CHECK_NEAR(got, want, tolerance)                                       \
  do {                                                                         \
    double got_ = (got), want_ = (want), tol_ = (tolerance);                   \
    double size_ = fabs(want_) > 1 ? fabs(want_) : 1;                          \
    CHECK(fabs(got_ - want_) <= tol_ * size_, "%.17g is not %.17g (to %g)",    \
          got_, want_, tol_);                                                  \
  } while (0)

static inline int check_report(const char *name) {
  printf("%s: %d passed, %d failed\n", name, check_passed, check_failed);
  return check_failed > 0 || check_passed == 0;
}

#endif
