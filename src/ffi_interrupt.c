/* Core asks now and then whether to stop; R answers here. R raises what it has, the
 * user's Ctrl-C or the error of a time limit, out of R_CheckUserInterrupt(). It must not
 * jump over core, so it is caught, core returns STATUS_INTERRUPTED, and check_core() has
 * R raise it again. */
#include "ffi.h"
#include <R_ext/Utils.h>
#include <time.h>

static SEXP caught; /* the condition; NULL for none */

static SEXP check(void *unused) {
  (void)unused;
  R_CheckUserInterrupt();
  return R_NilValue;
}

static SEXP keep(SEXP condition, void *unused) {
  (void)unused;
  if (caught) R_ReleaseObject(caught);
  R_PreserveObject(caught = condition);
  return R_NilValue;
}

static void poll(void *stopped) {
  SEXP classes = PROTECT(Rf_allocVector(STRSXP, 2));
  SET_STRING_ELT(classes, 0, Rf_mkChar("error"));
  SET_STRING_ELT(classes, 1, Rf_mkChar("interrupt"));
  SEXP before = caught;
  R_tryCatch(check, NULL, classes, keep, NULL, NULL, NULL);
  *(int *)stopped = caught != before;
  UNPROTECT(1);
}

/* R looks at windows and time limits as well, which is not cheap. */
static int too_soon(void) {
  static double last;
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  double seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
  if (seconds >= last && seconds < last + 0.05) return 1;
  last = seconds;
  return 0;
}

int user_interrupted(void *unused) {
  int stopped = 0;
  (void)unused;
  if (too_soon()) return 0;
  return !R_ToplevelExec(poll, &stopped) || stopped;
}

/* The condition that stopped core; NULL if that is not known. It is forgotten. */
SEXP ffi_caught(void) {
  if (caught == NULL) return R_NilValue;
  SEXP out = PROTECT(caught);
  R_ReleaseObject(caught);
  caught = NULL;
  UNPROTECT(1);
  return out;
}

/* R looks for a Ctrl-C now and then; here it does at once, and may jump. */
SEXP ffi_check_interrupt(void) {
  R_CheckUserInterrupt();
  return R_NilValue;
}
