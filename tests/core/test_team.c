#include "check.h"
#include "base/team.h"

enum { ITEMS = 1000, LOOPS = 300, THREADS = 4 };
static int times_run[ITEMS];
static long long by_rank[THREADS];

static void count_item(void *context, size_t i, int rank) {
  times_run[i] += *(int *)context;
  by_rank[rank]++;
}

/* Every item of every loop is run exactly once, with the context of its own loop, and is
 * finished when the loop returns. */
static void work(team *c, void *context) {
  int *wrong = context;
  for (int loop = 0; loop < LOOPS; loop++) {
    int step = loop + 1;
    size_t count = (size_t)(loop * 37 % (ITEMS + 1));
    for (size_t i = 0; i < ITEMS; i++) times_run[i] = 0;
    team_for(c, count, count_item, &step);
    for (size_t i = 0; i < ITEMS; i++) *wrong += times_run[i] != (i < count ? step : 0);
  }
}

int main(void) {
  long long total = 0;
  for (int loop = 0; loop < LOOPS; loop++) total += loop * 37 % (ITEMS + 1);
  for (int threads = 1; threads <= THREADS; threads++) {
    int wrong = 0;
    long long ran = 0;
    for (int r = 0; r < THREADS; r++) by_rank[r] = 0;
    team_run(threads, work, &wrong);
    CHECK(wrong == 0, "%d threads: %d items wrong", threads, wrong);
    for (int r = 0; r < THREADS; r++) ran += by_rank[r];
    CHECK(ran == total, "%d threads: %lld items for %lld", threads, ran, total);
    for (int r = threads; r < THREADS; r++) CHECK(by_rank[r] == 0, "rank %d", r);
  }
  return check_report("test_team");
}
