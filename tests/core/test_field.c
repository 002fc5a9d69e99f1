#include "check.h"
#include "field/field.h"
#include "base/status.h"
#include <string.h>

enum { D = 3, N = 301 };

/* All cells start at time t. */
static const double *at(double t) {
  static double start[N];
  for (int i = 0; i < N; i++) start[i] = t;
  return start;
}

typedef struct {
  field f;
  head head[3];
  double *flat[2];
  float *packed[2];
  void *block;
  size_t bytes;
} fixture;

static void fixture_make(fixture *x, int constant, int threads) {
  *x = (fixture){
    .head = {{HEAD_VELOCITY, {D + 1, D, 32, 2, ACTIVATION_SILU}, 0, 2, 0, 0, 0},
             {HEAD_GROWTH, {D + 1, 1, 16, 1, ACTIVATION_TANH}, 0.5, 0.25, 0, 0, 0}}};
  x->f.heads = (heads){D, 2, x->head};
  for (int net = 0; net < 2; net++) {
    const mlp_shape *shape = &x->head[net].shape;
    size_t n = mlp_parameters(shape), out = shape->outputs;
    x->flat[net] = calloc(n, sizeof(double));
    x->packed[net] = malloc(mlp_packed(shape) * sizeof(float));
    if (!constant) mlp_init(x->flat[net], shape, (rng_key){{8, 9}}, (uint32_t)net);
    for (size_t j = 0; j < out && constant; j++)
      x->flat[net][n - out + j] = 0.5 * (j + 1);
    mlp_pack(x->packed[net], x->flat[net], shape);
    x->f.packed[net] = x->packed[net];
  }
  x->bytes = field_workspace(&x->f, threads);
  x->block = malloc(x->bytes);
}

static void fixture_free(fixture *x) {
  for (int net = 0; net < 2; net++) {
    free(x->flat[net]);
    free(x->packed[net]);
  }
  free(x->block);
}

static void fill(double *x, size_t n) {
  for (size_t i = 0; i < n; i++) x[i] = sin((double)i) * 2;
}

/* Networks that answer with a constant move cells on straight lines:
 * x + 2 * 0.5 (i + 1) t, and log w + (0.5 + 0.25 * 0.5) t. */
static void check_constant_field(void) {
  fixture x;
  fixture_make(&x, 1, 2);
  static double states[N * (D + 1)], start[N * (D + 1)];
  fill(states, N * (D + 1));
  memcpy(start, states, sizeof start);
  ode_options o = ODE_DEFAULTS;
  int status = field_advance(states, at(1), 4, N, &x.f, &o, 2, x.block, x.bytes);
  CHECK(status == STATUS_OK, "status %d", status);
  for (size_t i = 0; i < N * (D + 1); i++) {
    size_t c = i % (D + 1);
    double want = c < D ? start[i] + 3.0 * (double)(c + 1) : start[i] + 3 * 0.625;
    CHECK_NEAR(states[i], want, 1e-6);
  }
  fixture_free(&x);
}

/* field_evaluate() is the networks' output in the units of the field. */
static void check_evaluate(void) {
  fixture x;
  fixture_make(&x, 0, 1);
  static double cells[N * D], times[N], velocity[N * D], growth[N];
  fill(cells, N * D);
  fill(times, N);
  double *const value[] = {velocity, growth};
  CHECK(field_evaluate(value, cells, times, N, &x.f, 1, x.block, x.bytes) == STATUS_OK,
        "evaluate");
  arena a = {0};
  mlp_tile tile;
  mlp_tile_layout(&a, &tile, &x.head[0].shape, MLP_TILE);
  void *block = malloc(arena_size(&a));
  a = arena_over(block, arena_size(&a));
  mlp_tile_layout(&a, &tile, &x.head[0].shape, MLP_TILE);
  for (size_t r = 0; r < N; r++) {
    float in[D + 1], out[KERNEL_PAD];
    for (int c = 0; c < D; c++) in[c] = (float)cells[r * D + c];
    in[D] = (float)times[r];
    mlp_forward(out, &tile, in, D + 1, 1, x.packed[0], &x.head[0].shape);
    for (int c = 0; c < D; c++)
      CHECK(velocity[r * D + c] == 2 * (double)out[c], "cell %zu", r);
  }
  free(block);
  fixture_free(&x);
}

/* Without growth cells move as with it, and keep their weights; a score is told, and
 * moves nothing. */
static void check_other_heads(void) {
  fixture x;
  fixture_make(&x, 0, 1);
  static double with[N * (D + 1)], without[N * (D + 1)], scored[N * (D + 1)];
  static double cells[N * D], velocity[N * D], growth[N], score[N * D];
  double *const value[] = {velocity, growth, score};
  ode_options o = ODE_DEFAULTS;
  fill(with, N * (D + 1));
  for (size_t i = 0; i < N; i++) with[i * (D + 1) + D] = 0.25;
  memcpy(without, with, sizeof with);
  memcpy(scored, with, sizeof with);
  field_advance(with, at(0), 1, N, &x.f, &o, 1, x.block, x.bytes);

  x.head[2] = x.head[0];
  x.head[2].kind = HEAD_SCORE;
  x.head[2].scale = 3;
  x.f.heads.count = 3;
  x.f.packed[2] = x.packed[0];
  CHECK(heads_check(&x.f.heads) == STATUS_OK, "three heads");
  size_t bytes = field_workspace(&x.f, 1);
  void *block = malloc(bytes);
  field_advance(scored, at(0), 1, N, &x.f, &o, 1, block, bytes);
  CHECK(memcmp(scored, with, sizeof with) == 0, "a score moves cells");
  fill(cells, N * D);
  field_evaluate(value, cells, at(1), N, &x.f, 1, block, bytes);
  for (size_t i = 0; i < N * D; i++) CHECK_NEAR(score[i], 1.5 * velocity[i], 1e-12);
  free(block);

  x.f.heads.count = 1;
  field_advance(without, at(0), 1, N, &x.f, &o, 1, x.block, x.bytes);
  for (size_t i = 0; i < N * (D + 1); i++) {
    if (i % (D + 1) == D)
      CHECK(without[i] == 0.25, "weight %zu", i);
    else
      CHECK_NEAR(without[i], with[i], 1e-5); /* steps see no growth */
  }
  fixture_free(&x);
}

/* The same bits for one cell alone, for all, and for any number of threads. */
static void check_independence(void) {
  static double one[N * (D + 1)], three[N * (D + 1)], alone[D + 1];
  fill(one, N * (D + 1));
  fill(three, N * (D + 1));
  fixture x;
  fixture_make(&x, 0, 3);
  ode_options o = ODE_DEFAULTS;
  field_advance(one, at(0), 2, N, &x.f, &o, 1, x.block, x.bytes);
  field_advance(three, at(0), 2, N, &x.f, &o, 3, x.block, x.bytes);
  CHECK(memcmp(one, three, sizeof one) == 0, "threads change the result");
  for (size_t i = 0; i < N; i += 25) {
    static double all[N * (D + 1)];
    fill(all, N * (D + 1));
    memcpy(alone, all + i * (D + 1), sizeof alone);
    field_advance(alone, at(0), 2, 1, &x.f, &o, 1, x.block, x.bytes);
    CHECK(memcmp(alone, one + i * (D + 1), sizeof alone) == 0, "cell %zu", i);
  }
  fixture_free(&x);
}

static int countdown(void *left) { return --*(int *)left < 0; }

/* A field a million times too fast takes some billions of steps: it is left at the second
 * poll, which comes however few of the threads have work. */
static void check_interrupt(void) {
  static double states[N * (D + 1)];
  fixture x;
  fixture_make(&x, 0, 3);
  x.head[0].scale = 1e6;
  ode_options o = ODE_DEFAULTS;
  int polls;
  o.interrupted = countdown;
  o.interrupted_data = &polls;
  for (int some = 0; some < 2; some++) {
    polls = 1;
    fill(states, N * (D + 1));
    int status = field_advance(states, at(0), 1000, some ? 5 : N, &x.f, &o, 3, x.block,
                              x.bytes);
    CHECK(status == STATUS_INTERRUPTED && polls == -1, "status %d", status);
  }
  fixture_free(&x);
}

/* A network that left the numbers gives no numbers, and says so. */
static void check_not_finite(void) {
  fixture x;
  fixture_make(&x, 0, 1);
  double position[D] = {0}, velocity[D], growth;
  x.packed[1][0] = NAN;
  double *const value[] = {velocity, &growth};
  CHECK(field_evaluate(value, position, at(0), 1, &x.f, 1, x.block, x.bytes) ==
            STATUS_NOT_FINITE, "NaN");
  fixture_free(&x);
}

static void check_bad_arguments(void) {
  fixture x;
  fixture_make(&x, 0, 1);
  double states[D + 1] = {0};
  ode_options o = ODE_DEFAULTS;
  CHECK(field_advance(states, at(0), 1, 1, &x.f, &o, 1, x.block, x.bytes / 2) ==
            STATUS_NO_SPACE, "half the workspace");
  fixture_free(&x);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_constant_field();
  check_evaluate();
  check_other_heads();
  check_independence();
  check_interrupt();
  check_not_finite();
  check_bad_arguments();
  return check_report("test_field");
}
