#include "check.h"
#include "field/field.h"
#include "train/rollout.h"
#include <string.h>

/* As many features as a vector has floats, so that their time makes rows longer. */
enum { D = 16, DIM = D + 1, N = 70, STEPS = 3 };
static const double times[STEPS + 1] = {0, 0.5, 0.8, 1.5};
static float path[(STEPS + 1) * N * DIM], adjoint[(STEPS + 1) * N * DIM];
static float target[(STEPS + 1) * N * DIM];

typedef struct {
  head head[2];
  heads heads;
  trainer l;
  void *block, *tile;
  size_t tile_bytes;
} fixture;

static head make_head(head_kind kind, size_t inputs, size_t outputs, double offset,
                      double scale) {
  head h = {.kind = kind, .shape = {inputs, outputs, 24, 2, ACTIVATION_TANH},
            .offset = offset, .scale = scale};
  size_t n = mlp_parameters(&h.shape);
  h.weights = malloc(n * sizeof(double));
  h.first = calloc(n, sizeof(double));
  h.second = calloc(n, sizeof(double));
  mlp_init(h.weights, &h.shape, (rng_key){{21, 22}}, (uint32_t)kind + 1);
  return h;
}

static void fixture_make(fixture *f, size_t growth_inputs) {
  f->head[0] = make_head(HEAD_VELOCITY, DIM, D, 0, 0.7);
  f->head[1] = make_head(HEAD_GROWTH, growth_inputs, 1, 0.1, 0.4);
  f->heads = (heads){D, 2, f->head};
  arena a = {0};
  trainer_layout(&a, &f->l, &f->heads, 2);
  f->block = malloc(arena_size(&a));
  a = arena_over(f->block, arena_size(&a));
  trainer_layout(&a, &f->l, &f->heads, 2);
  trainer_load(&f->l);
  f->tile_bytes = rollout_tile_bytes(&f->heads);
  f->tile = malloc(f->tile_bytes);
}

static void fixture_free(fixture *f) {
  for (int i = 0; i < 2; i++) {
    free(f->head[i].weights);
    free(f->head[i].first);
    free(f->head[i].second);
  }
  free(f->block);
  free(f->tile);
}

static rollout make_rollout(void) {
  for (int i = 0; i < N * DIM; i++) path[i] = (float)sin(i + 1);
  for (int i = 0; i < (STEPS + 1) * N * DIM; i++) target[i] = (float)cos(0.3 * i);
  return (rollout){N, D, STEPS, times, path, adjoint};
}

static void forward(rollout *r, fixture *f) {
  for (size_t at = 0; at < N; at += MLP_TILE)
    rollout_forward(r, at, N - at < MLP_TILE ? N - at : MLP_TILE, &f->l, f->tile,
                    f->tile_bytes);
}

/* Half the squared distance of all later states from a target, weights decreasing. */
static double loss(fixture *f) {
  rollout r = make_rollout();
  forward(&r, f);
  double total = 0;
  for (int i = N * DIM; i < (STEPS + 1) * N * DIM; i++)
    total += 0.5 * pow((double)path[i] - target[i], 2);
  return total;
}

static void backward(rollout *r, fixture *f) {
  memset(adjoint, 0, sizeof adjoint);
  for (int i = N * DIM; i < (STEPS + 1) * N * DIM; i++) adjoint[i] = path[i] - target[i];
  trainer_clear_slot(&f->l, 0);
  trainer_clear_slot(&f->l, 1);
  for (size_t at = 0; at < N; at += MLP_TILE)
    rollout_backward(r, at, N - at < MLP_TILE ? N - at : MLP_TILE, &f->l, at / MLP_TILE,
                     f->tile, f->tile_bytes);
}

/* With short steps the states agree with the adaptive integrator to 1e-4: here the path
 * is compared after one step of 0.5 split in RK4's own error, about h^5. */
static void check_against_flow(fixture *f) {
  rollout r = make_rollout();
  forward(&r, f);
  field fl = {f->heads, {f->l.net[0].weights, f->l.net[1].weights}};
  static double states[N * DIM], from[N];
  for (int i = 0; i < N * DIM; i++) states[i] = path[i];
  size_t bytes = field_workspace(&fl, 1);
  void *block = malloc(bytes);
  ode_options o = ODE_DEFAULTS;
  field_advance(states, from, 1.5, N, &fl, &o, 1, block, bytes);
  for (int i = 0; i < N * DIM; i++)
    CHECK_NEAR(path[STEPS * N * DIM + i], states[i], 1e-4);
  free(block);
}

/* The gradient by every parameter of both networks agrees with central differences of
 * the loss, to 2 % of the largest in float32 arithmetic with steps of 1e-2. */
static void check_gradient(fixture *f) {
  rollout r = make_rollout();
  forward(&r, f);
  backward(&r, f);
  for (int which = 0; which < 2; which++) {
    packed_network *net = f->l.net + which;
    float *analytic = malloc(net->packed * sizeof(float));
    double largest = 0, worst = 0;
    for (size_t i = 0; i < net->packed; i++) {
      analytic[i] = net->grad[i] + net->grad[net->packed + i];
      largest = fmax(largest, fabs(analytic[i]));
    }
    for (size_t i = 0; i < net->packed; i += 7) {
      const float h = 1e-2f;
      float keep = net->weights[i];
      if (keep == 0) continue; /* padding */
      net->weights[i] = keep + h;
      double up = loss(f);
      net->weights[i] = keep - h;
      double slope = (up - loss(f)) / (2 * (double)h);
      net->weights[i] = keep;
      worst = fmax(worst, fabs(slope - analytic[i]));
    }
    CHECK(worst < 0.02 * largest, "network %d: off by %g of %g", which, worst, largest);
    free(analytic);
  }
}

/* So does the gradient by the starting states. */
static void check_start_gradient(fixture *f) {
  rollout r = make_rollout();
  forward(&r, f);
  backward(&r, f);
  static float start[N * DIM];
  memcpy(start, path, sizeof start);
  for (size_t cell = 0; cell < N; cell += 23)
    for (size_t c = 0; c < DIM; c++) {
      double ends[2];
      for (int side = 0; side < 2; side++) {
        memcpy(path, start, sizeof start);
        path[cell * DIM + c] += side ? -1e-2f : 1e-2f;
        forward(&r, f);
        ends[side] = 0;
        for (int i = N * DIM; i < (STEPS + 1) * N * DIM; i++)
          ends[side] += 0.5 * pow((double)path[i] - target[i], 2);
      }
      CHECK_NEAR(adjoint[cell * DIM + c], (ends[0] - ends[1]) / 0.02, 5e-3);
    }
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  /* Growth without the time, and with it. */
  for (size_t inputs = D; inputs <= DIM; inputs++) {
    fixture f;
    fixture_make(&f, inputs);
    check_against_flow(&f);
    check_gradient(&f);
    check_start_gradient(&f);
    fixture_free(&f);
  }
  return check_report("test_rollout");
}
