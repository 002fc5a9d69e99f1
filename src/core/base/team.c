#include "base/team.h"

#ifdef _OPENMP
#include <omp.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

/* A ticket is the number of a loop and, below it, the next item to claim. Before a loop's
 * description changes the ticket is closed, so that a claim with an old ticket fails:
 * whoever holds an item of a loop knows that its description stands. */
#define ITEM_BITS 40
#define CLOSED (((uint64_t)1 << ITEM_BITS) - 1)

struct team {
  int threads;
  _Atomic uint64_t ticket;
  _Atomic size_t count, finished;
  void (*_Atomic item)(void *context, size_t i, int rank);
  void *_Atomic context;
  _Atomic int dismissed;
};

/* Wait a little, and the more patiently the longer it has been: first keep the processor,
 * then offer it to others, then sleep. */
static void wait_a_little(unsigned *rounds) {
  ++*rounds;
  if (*rounds < 4000) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  } else if (*rounds < 200000) {
    sched_yield();
  } else {
    nanosleep(&(struct timespec){0, 50000}, NULL);
  }
}

/* Claims and runs items until none is left; 1 if there was one. */
static int work_items(team *c, int rank) {
  int worked = 0;
  for (;;) {
    uint64_t ticket = c->ticket, i = ticket & CLOSED;
    if (i == CLOSED || i >= c->count) return worked;
    if (!atomic_compare_exchange_weak(&c->ticket, &ticket, ticket + 1)) continue;
    c->item(c->context, (size_t)i, rank);
    c->finished++;
    worked = 1;
  }
}

static void stand_by(team *c, int rank) {
  unsigned rounds = 0;
  while (!c->dismissed)
    if (work_items(c, rank))
      rounds = 0;
    else
      wait_a_little(&rounds);
}

void team_for(team *c, size_t count, void (*item)(void *context, size_t i, int rank),
               void *context) {
  if (c->threads == 1 || count < 2) {
    for (size_t i = 0; i < count; i++) item(context, i, 0);
    return;
  }
  uint64_t loop = (c->ticket >> ITEM_BITS) + 1;
  c->ticket |= CLOSED;
  c->count = count;
  c->finished = 0;
  c->item = item;
  c->context = context;
  c->ticket = loop << ITEM_BITS;
  work_items(c, 0);
  unsigned rounds = 0;
  while (c->finished < count) wait_a_little(&rounds);
}

void team_run(int threads, void (*work)(team *, void *), void *context) {
  team c = {.threads = threads, .ticket = CLOSED};
  if (threads == 1) {
    work(&c, context);
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    int rank = omp_get_thread_num();
    if (rank == 0) {
      work(&c, context);
      c.dismissed = 1;
    } else {
      stand_by(&c, rank);
    }
  }
}

#else

struct team {
  int threads;
};

void team_for(team *c, size_t count, void (*item)(void *context, size_t i, int rank),
               void *context) {
  (void)c;
  for (size_t i = 0; i < count; i++) item(context, i, 0);
}

void team_run(int threads, void (*work)(team *, void *), void *context) {
  team c = {threads};
  work(&c, context);
}

#endif
