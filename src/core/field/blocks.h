/* Work on many states in blocks, each the task of one thread, in bits: in between the
 * caller is asked whether to go on. */
#ifndef VGFM_BLOCKS_H
#define VGFM_BLOCKS_H

#include <stddef.h>

#define BLOCK_UNDER_WAY (-1)

/* One thread's work. */
typedef struct {
  void *own;  /* what its functions need */
  int busy;   /* in the middle of a block */
  int status; /* the worst so far */
} block_worker;

typedef struct {
  size_t n, rows; /* states, and of these in a block */
  size_t budget;  /* evaluations of a worker between two polls */
  void *problem;
  /* Takes up states first ... first + count - 1; a status. */
  int (*begin)(void *own, size_t first, size_t count, void *problem);
  /* Goes on for about so many evaluations, adds those spent; the status of the block when
   * it is done, else BLOCK_UNDER_WAY. */
  int (*go_on)(void *own, size_t evaluations, size_t *spent);
  int (*interrupted)(void *); /* NULL: never */
  void *interrupted_data;
} blocks;

/* Threads that have work, of those offered. */
int blocks_threads(const blocks *b, int threads);

/* The worst status of all blocks, or STATUS_INTERRUPTED. worker: (threads). */
int blocks_run(block_worker *worker, int threads, const blocks *b);

#endif
