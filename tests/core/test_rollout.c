#include "check.h"
#include "field/field.h"
#include "train/rollout.h"
#include <string.h>

/* As many features as a vector has floats, so that their time makes rows longer. */
enum { D = 16, DIM = D + 1, N = 70, STEPS = 3 };
static const double times[STEPS + 1] = {0, 0.5, 0.8, 1.5};
static float path[(STEPS + 1) * N * DIM], adjoint[(STEPS + 1) * N * DIM];
static float target[(STEPS + 1) * N * DIM];
static float cost[(STEPS + 1) * N * COSTS], cost_adjoint[(STEPS + 1) * N * COSTS];
static float probe[N * D];

/* What costs run up in a test. */
typedef enum { FREE, ENERGY, EXACT, PROBED } kind;

typedef struct {
  kind kind;
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

static void fixture_make(fixture *f, size_t growth_inputs, kind costs) {
  f->kind = costs;
  f->head[0] = make_head(HEAD_VELOCITY, DIM, D, 0, 0.7);
  f->head[1] = make_head(HEAD_GROWTH, growth_inputs, 1, 0.1, 0.4);
  f->heads = (heads){D, 2, f->head};
  arena a = {0};
  trainer_layout(&a, &f->l, &f->heads, 2);
  f->block = malloc(arena_size(&a));
  a = arena_over(f->block, arena_size(&a));
  trainer_layout(&a, &f->l, &f->heads, 2);
  trainer_load(&f->l);
  f->tile_bytes = rollout_tile_bytes(&f->heads, D);
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

static rollout make_rollout(const fixture *f) {
  for (int i = 0; i < N * DIM; i++) path[i] = (float)sin(i + 1);
  for (int i = 0; i < (STEPS + 1) * N * DIM; i++) target[i] = (float)cos(0.3 * i);
  for (int i = 0; i < N * D; i++) probe[i] = sin(7.0 * i) > 0 ? 1 : -1;
  rollout r = {.n = N, .d = D, .steps = STEPS, .times = times, .path = path,
               .adjoint = adjoint};
  if (f->kind == FREE) return r;
  r.cost = cost;
  r.cost_adjoint = cost_adjoint;
  r.energy = 1;
  r.divergence = f->kind != ENERGY;
  if (f->kind == PROBED) r.probe = probe;
  return r;
}

/* What a cost at a time counts, of both signs. */
static double price(int i) { return sin(0.9 * i); }

/* Half the squared distance of all later states from a target, weights decreasing, and
 * the costs. */
static double loss_of(const rollout *r) {
  double total = 0;
  for (int i = N * DIM; i < (STEPS + 1) * N * DIM; i++)
    total += 0.5 * pow((double)path[i] - target[i], 2);
  for (int i = N * COSTS; r->cost && i < (STEPS + 1) * N * COSTS; i++)
    total += price(i) * cost[i];
  return total;
}

static void forward(rollout *r, fixture *f) {
  for (size_t at = 0; at < N; at += MLP_TILE)
    rollout_forward(r, at, N - at < MLP_TILE ? N - at : MLP_TILE, &f->l, f->tile,
                    f->tile_bytes);
}

static double loss(fixture *f) {
  rollout r = make_rollout(f);
  forward(&r, f);
  return loss_of(&r);
}

static void backward(rollout *r, fixture *f) {
  memset(adjoint, 0, sizeof adjoint);
  for (int i = N * DIM; i < (STEPS + 1) * N * DIM; i++) adjoint[i] = path[i] - target[i];
  for (int i = 0; i < (STEPS + 1) * N * COSTS; i++)
    cost_adjoint[i] = i < N * COSTS ? 0 : (float)price(i);
  trainer_clear_slot(&f->l, 0);
  trainer_clear_slot(&f->l, 1);
  for (size_t at = 0; at < N; at += MLP_TILE)
    rollout_backward(r, at, N - at < MLP_TILE ? N - at : MLP_TILE, &f->l, at / MLP_TILE,
                     f->tile, f->tile_bytes);
}

/* With short steps the states agree with the adaptive integrator to 1e-4: here the path
 * is compared after one step of 0.5 split in RK4's own error, about h^5. */
static void check_against_flow(fixture *f) {
  rollout r = make_rollout(f);
  forward(&r, f);
  field fl = {.heads = f->heads, .packed = {f->l.net[0].weights, f->l.net[1].weights}};
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
  rollout r = make_rollout(f);
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
  rollout r = make_rollout(f);
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
        ends[side] = loss_of(&r);
      }
      CHECK_NEAR(adjoint[cell * DIM + c], (ends[0] - ends[1]) / 0.02, 5e-3);
    }
}

/* A network that is affine where its inputs are above -50: leaky ReLU of what is far
 * from its kink. weights (inputs, outputs). */
static void make_affine(head *h, const double *slope, const double *intercept) {
  const mlp_shape *s = &h->shape;
  double *to = h->weights;
  memset(to, 0, mlp_parameters(s) * sizeof *to);
  for (size_t i = 0; i < s->inputs; i++) to[i * s->width + i] = 1;
  to += s->inputs * s->width;
  for (size_t i = 0; i < s->width; i++) to[i] = 64;
  to += s->width;
  for (size_t j = 0; j < s->outputs; j++) {
    double sum = 0;
    for (size_t i = 0; i < s->inputs; i++) {
      to[i * s->outputs + j] = slope[i * s->outputs + j];
      sum += 64 * slope[i * s->outputs + j];
    }
    to[s->width * s->outputs + j] = intercept[j] - sum;
  }
}

/* With v = diag(a) x and constant growth g, forwards or backwards in time: energy
 *   sum_c a_c^2 x_c^2 (exp((g + 2 a_c) T) - 1) / (g + 2 a_c),
 * growth energy g (exp(g T) - 1), divergence T sum a. One probe gives the divergence,
 * too: nothing of a diagonal slope mixes. */
static void check_closed_form(double length, int probed) {
  enum { d = 3, steps = 20, n = 5 };
  static const double a[d] = {0.5, -0.7, 0.2};
  const double g = 0.3;
  double slope[(d + 1) * d] = {0}, flat[d + 1] = {0}, nothing[d] = {0}, when[steps + 1];
  double store[2][256];
  static float states[(steps + 1) * n * (d + 1)], costs[(steps + 1) * n * COSTS];
  static const float signs[n * d] = {1, 1, 1, -1, 1, -1, 1, 1, -1, -1, -1, -1, 1, -1, 1};
  head both[2];
  for (int i = 0; i < 2; i++)
    both[i] = (head){.kind = i ? HEAD_GROWTH : HEAD_VELOCITY, .scale = 0.5,
                     .shape = {d + 1, i ? 1 : d, 8, 1, ACTIVATION_LEAKY_RELU},
                     .offset = i ? 0.1 : 0, .weights = store[i],
                     .first = store[i], .second = store[i]};
  for (int c = 0; c < d; c++) slope[c * d + c] = 2 * a[c];
  make_affine(&both[0], slope, nothing);
  const double rest = (g - 0.1) / 0.5;
  make_affine(&both[1], flat, &rest);
  heads h = {d, 2, both};
  trainer t;
  arena space = {0};
  trainer_layout(&space, &t, &h, 1);
  void *block = malloc(arena_size(&space)), *tile = malloc(rollout_tile_bytes(&h, d));
  space = arena_over(block, arena_size(&space));
  trainer_layout(&space, &t, &h, 1);
  trainer_load(&t);
  for (int i = 0; i <= steps; i++) when[i] = length * i / steps;
  for (int i = 0; i < n * (d + 1); i++) states[i] = i % (d + 1) == d ? 0 : cosf((float)i);
  rollout r = {.n = n, .d = d, .steps = steps, .times = when, .path = states,
               .cost = costs, .energy = 1, .divergence = 1,
               .probe = probed ? signs : NULL};
  rollout_forward(&r, 0, n, &t, tile, rollout_tile_bytes(&h, d));
  for (int i = 0; i < n; i++) {
    const float *end = costs + (steps * n + i) * COSTS;
    double energy = 0;
    for (int c = 0; c < d; c++) {
      double rate = g + 2 * a[c], x = states[i * (d + 1) + c];
      energy += a[c] * a[c] * x * x * expm1(rate * length) / rate;
    }
    CHECK_NEAR(end[COST_ENERGY], energy, 3e-5);
    CHECK_NEAR(end[COST_GROWTH_ENERGY], g * expm1(g * length), 3e-5);
    CHECK_NEAR(end[COST_DIVERGENCE], (a[0] + a[1] + a[2]) * length, 3e-5);
  }
  free(block);
  free(tile);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  /* Growth without the time, and with it; the latter with costs, too. */
  for (size_t inputs = D; inputs <= DIM; inputs++) {
    fixture f;
    fixture_make(&f, inputs, FREE);
    check_against_flow(&f);
    fixture_free(&f);
    for (kind costs = FREE; costs <= (inputs == D ? FREE : PROBED); costs++) {
      fixture_make(&f, inputs, costs);
      check_gradient(&f);
      check_start_gradient(&f);
      fixture_free(&f);
    }
  }
  for (int probed = 0; probed < 2; probed++) {
    check_closed_form(1.5, probed);
    check_closed_form(-1.5, probed);
  }
  return check_report("test_rollout");
}
