/* Whether the user has asked to stop, known to all threads. Only the calling thread, of
 * rank 0, asks. */
#ifndef VGFM_STOP_H
#define VGFM_STOP_H

#include <stdatomic.h>
#include <stddef.h>

typedef struct {
  int (*interrupted)(void *); /* NULL: never */
  void *data;
  _Atomic int stopped;
} stop;

/* To be asked between pieces of work of a tenth of a second or so. */
static inline int stop_asked(stop *s, int rank) {
  if (s == NULL) return 0;
  if (rank == 0 && !s->stopped && s->interrupted && s->interrupted(s->data))
    s->stopped = 1;
  return s->stopped;
}

#endif
