/* Couplings in blocks: who is in which, and what they add up to. */
#include "transport/uot_blocks.h"
#include "uot_case.h"

static const uot_split by_three = {.blocks = 3, .key = {{1, 2}}, .stream = 4};

/* Every point is in one block, in increasing order; sizes differ by one at most. */
static void check_deal(size_t count, size_t blocks) {
  uot_case c = case_random(count, 1, 2, 1, 1);
  uot_split split = {.blocks = blocks};
  uint32_t *member = malloc(count * sizeof *member);
  uint32_t *again = malloc(count * sizeof *again);
  uint32_t *scratch = malloc(3 * count * sizeof *scratch);
  int *seen = calloc(count, sizeof *seen);
  uot_deal(member, c.x, count, 2, &split, 0, scratch);
  for (size_t b = 0; b < blocks; b++) {
    size_t first = uot_block_first(count, blocks, b);
    size_t size = uot_block_size(count, blocks, b);
    CHECK(size == count / blocks || size == count / blocks + 1, "size %zu", size);
    CHECK(first + size == (b + 1 < blocks ? uot_block_first(count, blocks, b + 1)
                                          : count), "blocks do not join");
    for (size_t k = first; k < first + size; k++) {
      seen[member[k]]++;
      CHECK(k == first || member[k - 1] < member[k], "not increasing");
    }
  }
  for (size_t i = 0; i < count; i++) CHECK(seen[i] == 1, "%zu: %d times", i, seen[i]);
  uot_deal(again, c.x, count, 2, &split, 0, scratch);
  CHECK(memcmp(member, again, count * sizeof *member) == 0, "not a function");
  split.key.word[0]++;
  uot_deal(again, c.x, count, 2, &split, 0, scratch);
  if (blocks > 1 && count > 20)
    CHECK(memcmp(member, again, count * sizeof *member) != 0, "the key does nothing");
  free(member);
  free(again);
  free(scratch);
  free(seen);
  case_free(&c);
}

/* On a line, strata are stretches of `blocks` neighbours: a block gets one of each. */
static void check_strata(void) {
  enum { N = 256, BLOCKS = 8 };
  double x[N];
  uint32_t member[N], scratch[3 * N];
  uot_split split = {.blocks = BLOCKS};
  for (size_t i = 0; i < N; i++) x[i] = (double)(i * 77 % N); /* in no order */
  uot_deal(member, x, N, 1, &split, 0, scratch);
  for (size_t b = 0; b < BLOCKS; b++) {
    int seen[N / BLOCKS] = {0};
    for (size_t k = 0; k < N / BLOCKS; k++)
      seen[(size_t)x[member[b * (N / BLOCKS) + k]] / BLOCKS]++;
    for (size_t k = 0; k < N / BLOCKS; k++) CHECK(seen[k] == 1, "%d", seen[k]);
  }
}

/* Over many keys each point is in each block equally often: chi-square of `points` x
 * `blocks` counts below its mean plus five standard deviations. */
static void check_even(void) {
  enum { N = 12, BLOCKS = 3, KEYS = 3000 };
  uot_case c = case_random(N, 1, 2, 1, 1);
  double count[N][BLOCKS] = {{0}}, chi = 0;
  uint32_t member[N], scratch[3 * N];
  for (uint32_t key = 0; key < KEYS; key++) {
    uot_split split = {.blocks = BLOCKS, .key = {{key, 7}}};
    uot_deal(member, c.x, N, 2, &split, 0, scratch);
    for (size_t k = 0; k < N; k++) count[member[k]][k / (N / BLOCKS)]++;
  }
  for (size_t i = 0; i < N; i++)
    for (size_t b = 0; b < BLOCKS; b++)
      chi += pow(count[i][b] - KEYS / BLOCKS, 2) / (KEYS / BLOCKS);
  double freedom = N * (BLOCKS - 1);
  CHECK(chi < freedom + 5 * sqrt(2 * freedom), "chi-square %g", chi);
  case_free(&c);
}

static int solve_in_blocks(uot_case *c, const uot_split *split) {
  free(c->workspace);
  size_t bytes = uot_blocks_workspace(&c->problem, &c->options, split);
  c->workspace = malloc(bytes);
  uot_solution out = {c->f, c->g, c->r, c->q, c->ends};
  c->status = uot_blocks_solve(&out, &c->sparse, &c->result, &c->problem, &c->options,
                               split, c->workspace, bytes);
  return c->status;
}

/* A block is what uot_solve() makes of its points alone, to the bit, with its place in
 * the whole; figures add up; targets get their mass exactly. */
static void check_parts(size_t d, int threads) {
  enum { N = 50, M = 71 };
  uot_case c = case_random(N, M, d, 0.05, 2);
  c.options.threads = threads;
  CHECK(solve_in_blocks(&c, &by_three) == STATUS_OK, "%s", status_message(c.status));
  uint32_t source[N], target[M], scratch[3 * M];
  uot_deal(source, c.x, N, d, &by_three, 0, scratch);
  uot_deal(target, c.y, M, d, &by_three, 1, scratch);
  double cost = 0, objective = 0, residual = 0, mass = 0, total = 0;
  size_t entries = 0;
  for (size_t b = 0; b < 3; b++) {
    const uint32_t *from = source + uot_block_first(N, 3, b);
    const uint32_t *to = target + uot_block_first(M, 3, b);
    size_t n = uot_block_size(N, 3, b), m = uot_block_size(M, 3, b);
    uot_case part = case_random(n, m, d, 0.05, 2);
    for (size_t i = 0; i < n; i++) {
      memcpy(part.x + i * d, c.x + from[i] * d, d * sizeof(double));
      part.a[i] = c.a[from[i]];
    }
    for (size_t j = 0; j < m; j++) {
      memcpy(part.y + j * d, c.y + to[j] * d, d * sizeof(double));
      part.b[j] = c.b[to[j]];
    }
    CHECK(case_solve(&part) == STATUS_OK, "block %zu", b);
    for (size_t i = 0; i < n; i++)
      CHECK(part.r[i] == c.r[from[i]] && part.f[i] == c.f[from[i]], "source %u", from[i]);
    for (size_t j = 0; j < m; j++) {
      size_t at = c.sparse.start[to[j]], own = part.sparse.start[j];
      CHECK(part.g[j] == c.g[to[j]], "target %u", to[j]);
      CHECK(c.sparse.count[to[j]] == part.sparse.count[j], "column %u", to[j]);
      for (size_t k = 0; k < part.sparse.count[j]; k++) {
        CHECK(c.sparse.source[at + k] == (int32_t)from[part.sparse.source[own + k]],
              "source of entry %zu of column %u", k, to[j]);
        CHECK(c.sparse.value[at + k] == part.sparse.value[own + k], "column %u", to[j]);
      }
    }
    cost += part.result.transport_cost;
    objective += part.result.objective;
    residual = fmax(residual, part.result.residual);
    entries += part.result.entries;
    case_free(&part);
  }
  CHECK_NEAR(c.result.transport_cost, cost, 1e-14);
  CHECK_NEAR(c.result.objective, objective, 1e-14);
  CHECK(c.result.residual == residual, "%g", c.result.residual);
  CHECK(c.result.entries == entries && plan_entries(&c.sparse) == entries, "entries");
  for (size_t i = 0; i < N; i++) total += c.r[i];
  for (size_t j = 0; j < M; j++) mass += c.b[j];
  CHECK_NEAR(total / mass, 1, 1e-13);
  case_free(&c);
}

/* One block is the whole problem. */
static void check_one(void) {
  uot_case whole = case_random(30, 40, 3, 0.1, 1), c = case_random(30, 40, 3, 0.1, 1);
  c.problem = whole.problem;
  CHECK(case_solve(&whole) == STATUS_OK, "whole");
  CHECK(solve_in_blocks(&c, &(uot_split){.blocks = 1}) == STATUS_OK, "one block");
  CHECK(memcmp(c.r, whole.r, 30 * sizeof(double)) == 0, "row sums");
  case_free(&whole);
  case_free(&c);
}

/* A plan that has no room keeps the largest entry of every column at least. */
static void check_no_room(void) {
  uot_case c = case_random(90, 100, 2, 0.5, 2);
  c.options.capacity = 1;
  CHECK(solve_in_blocks(&c, &by_three) == STATUS_OK, "%s", status_message(c.status));
  for (size_t j = 0; j < 100; j++) CHECK(c.sparse.count[j] > 0, "column %zu", j);
  CHECK(c.result.entries <= 3 * 16 * 3, "%zu entries", c.result.entries);
  case_free(&c);
}

static int polls_left;
static int stop_later(void *unused) {
  (void)unused;
  return polls_left-- == 0;
}

static void check_refused(void) {
  uot_case c = case_random(20, 30, 2, 0.1, 1);
  CHECK(uot_blocks_workspace(&c.problem, &c.options, &(uot_split){.blocks = 21}) == 0,
        "more blocks than sources");
  CHECK(uot_blocks_workspace(&c.problem, &c.options, &(uot_split){0}) == 0, "none");
  c.options.threads = 1; /* only the calling thread asks */
  c.options.interrupted = stop_later;
  polls_left = 5;
  CHECK(solve_in_blocks(&c, &by_three) == STATUS_INTERRUPTED, "interrupt");
  c.options.interrupted = NULL;
  c.y[3] = NAN;
  CHECK(solve_in_blocks(&c, &by_three) == STATUS_NOT_FINITE, "NaN");
  c.y[3] = 1;
  c.options.max_steps = 1;
  CHECK(solve_in_blocks(&c, &by_three) == STATUS_NOT_CONVERGED, "one pass");
  c.options.max_steps = 1000;
  uot_solution out = {c.f, c.g, c.r, NULL, NULL};
  CHECK(uot_blocks_solve(&out, NULL, &c.result, &c.problem, &c.options,
                         &by_three, c.workspace, 1000) == STATUS_NO_SPACE, "no space");
  case_free(&c);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_deal(1, 1);
  check_deal(7, 7);
  check_deal(100, 3);
  check_deal(64, 32);
  check_deal(101, 10);
  check_strata();
  check_even();
  check_parts(2, 1);
  check_parts(2, 3);
  check_parts(20, 2);
  check_one();
  check_no_room();
  check_refused();
  return check_report("test_uot_blocks");
}
