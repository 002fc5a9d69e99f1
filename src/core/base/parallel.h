/* OpenMP behind one door, so that the core builds and runs without it. */
#ifndef VGFM_PARALLEL_H
#define VGFM_PARALLEL_H

#include <stddef.h>

#ifdef _OPENMP
#include <omp.h>
#define PARALLEL_PRAGMA(text) _Pragma(#text)
/* Distribute the next for loop; results must not depend on which thread runs what. */
#define PARALLEL_FOR(threads) \
  PARALLEL_PRAGMA(omp parallel for schedule(dynamic, 1) num_threads(threads) \
                  if(threads > 1))
#define PARALLEL_CRITICAL _Pragma("omp critical")
static inline int parallel_rank(void) { return omp_get_thread_num(); }
static inline int parallel_limit(void) { return omp_get_num_procs(); }
#else
#define PARALLEL_FOR(threads)
#define PARALLEL_CRITICAL
static inline int parallel_rank(void) { return 0; }
static inline int parallel_limit(void) { return 1; }
#endif

/* No more threads than items of work, and one at least: those without work would be
 * waited for. */
static inline int parallel_threads(int threads, size_t items) {
  return items >= (size_t)threads ? threads : items > 1 ? (int)items : 1;
}

#endif
