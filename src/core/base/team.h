/* Threads that stand by while one thread works through many short parallel loops.
 *
 * A loop of OpenMP ends when all its threads have arrived. On a machine that has other
 * work to do, one of them is often off its processor, and the rest wait out its time
 * slice, loop after loop. Here the working thread waits for nobody who has not begun:
 * items are claimed one by one, whoever is there takes the next, and only items under
 * way are waited for. */
#ifndef VGFM_TEAM_H
#define VGFM_TEAM_H

#include <stddef.h>

typedef struct team team;

/* Calls work(team, context) on the calling thread, with up to `threads` - 1 others
 * standing by until it returns. */
void team_run(int threads, void (*work)(team *, void *), void *context);

/* item(context, i, rank) for i in 0 ... count - 1, in any order and on any thread; `rank`
 * is the thread's number below `threads`. Returns when all are done. To be called by the
 * working thread only. */
void team_for(team *c, size_t count, void (*item)(void *context, size_t i, int rank),
               void *context);

#endif
