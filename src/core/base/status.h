#ifndef VGFM_STATUS_H
#define VGFM_STATUS_H

/* What every operation of the core returns. Zero is success. */
enum status {
  STATUS_OK = 0,
  STATUS_BAD_ARGUMENT,   /* a value is outside its documented range */
  STATUS_BAD_SIZE,       /* a product of sizes overflows, or sizes disagree */
  STATUS_NOT_FINITE,     /* NaN or infinity where a number is needed */
  STATUS_NOT_CONVERGED,  /* the iteration limit was reached first */
  STATUS_NO_SPACE,       /* the workspace handed in is too small */
  STATUS_INTERRUPTED,    /* the caller asked to stop */
  STATUS_PRECISION,      /* rounding has left no digit of the result */
  STATUS_NO_PARTNER,     /* no pair is possible where there must be one */
  STATUS_COUNT
};

/* One sentence for each status; never NULL. */
const char *status_message(int code);

#endif
