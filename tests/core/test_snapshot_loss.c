#include "check.h"
#include "kernels/kernels.h"
#include "train/snapshot_loss.h"
#include <math.h>
#include <stdlib.h>

enum { N = 20, M = 15, JUDGES = 4, D = 3, DIM = D + 1 };
static float states[N * DIM], adjoint[N * DIM], halves[N * DIM];
static const double part = 0.5, mass_weight = 3;

static snapshot_loss make_loss(void **block) {
  snapshot_loss s;
  arena measure = {0};
  snapshot_loss_layout(&measure, &s, N, M, JUDGES, D);
  *block = malloc(arena_size(&measure));
  arena a = arena_over(*block, arena_size(&measure));
  snapshot_loss_layout(&a, &s, N, M, JUDGES, D);
  s.observed_mass = 1.3;
  for (int j = 0; j < (M + JUDGES) * D; j++) s.target[j] = 1 + 0.8 * sin(3 * j + 2);
  return s;
}

static void reset_states(void) {
  for (int i = 0; i < N * DIM; i++) states[i] = (float)(0.7 * sin(5 * i + 1));
}

static double loss(snapshot_loss *s) {
  snapshot_loss_plan(s, states, NULL, 0);
  CHECK(s->status == STATUS_OK, "status %d", s->status);
  double error = s->total / N - s->observed_mass;
  /* W1 by the plan itself */
  double w1 = 0;
  for (size_t e = 0; e < s->arcs; e++) {
    double square = 0;
    for (int c = 0; c < D; c++) {
      double x = states[s->plan[e].source * DIM + c];
      double gap = x - s->target[s->plan[e].target * D + c];
      square += gap * gap;
    }
    w1 += s->plan[e].flow * sqrt(square);
  }
  error /= s->observed_mass;
  return part * (w1 + mass_weight * error * error);
}

/* The adjoint agrees with central differences of the loss, with the plan made anew, to
 * 1 % of its largest element; and the mean of what two halves of the cells say, each for
 * all, is what all say, to 1e-6. */
static void check_adjoint(void) {
  void *block;
  snapshot_loss s = make_loss(&block);
  reset_states();
  loss(&s);
  snapshot_loss_adjoint(&s, adjoint, states, 0, N, part, mass_weight);
  snapshot_loss_adjoint(&s, halves, states, 0, N / 2, part, mass_weight);
  snapshot_loss_adjoint(&s, halves, states, N / 2, N - N / 2, part, mass_weight);
  double worst = 0, largest = 0, apart = 0;
  for (int i = 0; i < N * DIM; i++) {
    double ends[2];
    for (int side = 0; side < 2; side++) {
      reset_states();
      states[i] += side ? -1e-3f : 1e-3f;
      ends[side] = loss(&s);
    }
    double slope = (ends[0] - ends[1]) / 2e-3;
    worst = fmax(worst, fabs(slope - adjoint[i]));
    largest = fmax(largest, fabs(slope));
    apart = fmax(apart, fabs(halves[i] / 2 - adjoint[i]));
  }
  CHECK(largest > 0 && worst < 0.01 * largest, "off by %g of %g", worst, largest);
  CHECK(apart < 1e-6, "halves are off by %g", apart);
  free(block);
}

/* The score is the distance to the cells held out, not to the target: where these are
 * far, it shows in the score and nowhere else. */
static void check_held_out(void) {
  void *block;
  snapshot_loss s = make_loss(&block);
  reset_states();
  double before = loss(&s), near = s.distance;
  for (int j = 0; j < JUDGES; j++) s.target[(M + j) * D] += 100;
  double after = loss(&s);
  CHECK(before == after, "the loss changed from %g to %g", before, after);
  CHECK(fabs(s.distance - near - 100) < 3, "distance %g, then %g", near, s.distance);
  free(block);
}

int main(void) {
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  check_adjoint();
  check_held_out();
  return check_report("test_snapshot_loss");
}
