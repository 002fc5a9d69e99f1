#include "check.h"
#include "base/status.h"
#include "path/replay.h"
#include "train/match.h"
#include <string.h>

enum { D = 2, RECORDS = 50, STRATA = 2, ROWS = 4096 };
static const rng_key key = {{5, 26}};
static const size_t offset[STRATA + 1] = {0, 10, RECORDS};

/* Record i lies at (i, -i) at time i / 10; velocity (2 i, 3 i), growth 7 + i. */
static float input[RECORDS * (D + 1)], velocity[RECORDS * D], growth[RECORDS];
static float weight[RECORDS];
static double weights[2][1000], first[2][1000], second[2][1000];
static head networks[2] = {
  {HEAD_VELOCITY, {D + 1, D, 16, 1, ACTIVATION_TANH}, 0, 2, weights[0], first[0],
   second[0]},
  {HEAD_GROWTH, {D + 1, 1, 16, 1, ACTIVATION_TANH}, 7, 0.5, weights[1], first[1],
   second[1]}
};
static const heads model = {D, 2, networks};

static replay records(void) {
  for (int i = 0; i < RECORDS; i++) {
    const float at[D + 1] = {(float)i, (float)-i, (float)i / 10};
    memcpy(input + i * (D + 1), at, sizeof at);
    velocity[i * D] = (float)(2 * i);
    velocity[i * D + 1] = (float)(3 * i);
    growth[i] = (float)(7 + i);
    weight[i] = (float)(i % 3);
  }
  return (replay){&model, STRATA, offset, input, {velocity, growth}, {NULL, weight}};
}

static float in[ROWS * (D + 1)], to[2][ROWS * KERNEL_PAD], by[2][ROWS];
static const rows out = {in, {to[0], to[1]}, {by[0], by[1]}};

/* A row is a record of its stratum, its targets in units of the heads; all records of a
 * stratum come up alike (5 standard errors); rows are a function of their number. */
static void check_rows(void) {
  replay r = records();
  row_source source = replay_source(&r);
  size_t count[RECORDS] = {0}, pad = KERNEL_PAD;
  CHECK(replay_check(&r) == STATUS_OK, "records are refused");
  source.draw(&out, &source, key, 3, 0, ROWS, NULL);
  for (size_t row = 0; row < ROWS; row++) {
    size_t i = (size_t)in[row * (D + 1)], k = row % STRATA;
    CHECK(i >= offset[k] && i < offset[k + 1], "row %zu has record %zu", row, i);
    CHECK(!memcmp(in + row * (D + 1), input + i * (D + 1), (D + 1) * sizeof(float)),
          "input of row %zu", row);
    CHECK_NEAR(to[0][row * pad + 1], 1.5 * (double)i, 1e-6);
    CHECK_NEAR(to[1][row * pad], 2 * (double)i, 1e-6);
    CHECK(by[0][row] == 1 && by[1][row] == (float)(i % 3), "weights of row %zu", row);
    count[i]++;
  }
  for (size_t i = 0; i < RECORDS; i++) {
    double want = (double)ROWS / STRATA / (i < offset[1] ? 10 : RECORDS - 10);
    CHECK(fabs((double)count[i] - want) < 5 * sqrt(want), "record %zu: %zu", i, count[i]);
  }
  float once[D + 1];
  memcpy(once, in + 100 * (D + 1), sizeof once);
  source.draw(&out, &source, key, 3, 100, 1, NULL);
  CHECK(!memcmp(once, in, sizeof once), "a row depends on the others");
  source.draw(&out, &source, key, 4, 0, 64, NULL);
  size_t same = 0;
  for (size_t row = 0; row < 64; row++) same += in[row * (D + 1)] == once[0];
  CHECK(same < 32, "a step has the rows of another");
}

/* Two records of one place that differ by their targets: least squares gives their mean,
 * weighted, not a median (to 1 % of their distance). */
static void check_mean(void) {
  static const size_t ends[2] = {0, 3};
  static const float place[3 * (D + 1)] = {0}, target[3 * D] = {0, 0, 0, 0, 3, 9};
  static const float rate[3] = {1, 1, 4}, heavy[3] = {1, 1, 2};
  replay r = {&model, 1, ends, place, {target, rate}, {NULL, heavy}};
  row_source source = replay_source(&r);
  for (uint32_t i = 0; i < 2; i++) mlp_init(weights[i], &networks[i].shape, key, i);
  match_options o = {.batch = 512, .total_steps = 400, .learning_rate = 0.02,
                     .rate_floor = 0.001, .key = key, .threads = 1};
  heads h = model;
  double losses[2 * 400];
  size_t bytes = match_workspace(&h, &source, &o);
  void *block = malloc(bytes);
  int status = match_run(&h, losses, 0, 400, &source, &o, block, bytes);
  CHECK(status == STATUS_OK, "training");
  free(block);
  float packed[2000], result[KERNEL_PAD];
  double answer[2];
  for (size_t i = 0; i < 2; i++) {
    const mlp_shape *shape = &networks[i].shape;
    arena a = {0};
    mlp_tile tile;
    mlp_tile_layout(&a, &tile, shape, 1);
    void *space = malloc(bytes = arena_size(&a));
    a = arena_over(space, bytes);
    mlp_tile_layout(&a, &tile, shape, 1);
    mlp_pack(packed, weights[i], shape);
    mlp_forward(result, &tile, place, D + 1, 1, packed, shape);
    answer[i] = networks[i].offset + networks[i].scale * result[0];
    free(space);
  }
  CHECK(fabs(answer[0] - 1) < 0.05, "velocity %g, not 1", answer[0]);
  CHECK(fabs(answer[1] - 2.5) < 0.05, "growth %g, not 2.5", answer[1]);
}

static void check_refusals(void) {
  static const size_t hole[3] = {0, 10, 10}, late[2] = {1, 10};
  replay r = records();
  r.offset = hole;
  CHECK(replay_check(&r) == STATUS_BAD_ARGUMENT, "an empty stratum passes");
  r = records();
  r.strata = 1;
  r.offset = late;
  CHECK(replay_check(&r) == STATUS_BAD_ARGUMENT, "a late beginning passes");
  r = records();
  r.target[1] = NULL;
  CHECK(replay_check(&r) == STATUS_BAD_ARGUMENT, "a head without target passes");
  r = records();
  r.strata = 0;
  CHECK(replay_check(&r) == STATUS_BAD_ARGUMENT, "no stratum passes");
}

int main(void) {
  check_rows();
  check_mean();
  check_refusals();
  return check_report("replay");
}
