#include "path/path.h"
#include <math.h>
#include <string.h>

static int straight(path_out *out, const path_in *in) {
  *out = (path_out){
    .place = {[FROM_STEP] = in->s, [FROM_NOISE] = in->sigma},
    .velocity = {[FROM_STEP] = 1 / in->gap},
    .growth = in->gain / in->gap,
    .log_mass = in->s * in->gain,
    .velocity_weight = 1,
  };
  return 1;
}

/* Adds the cubic Hermite polynomials of the two end slopes, and their derivatives. At the
 * first and the last time nothing is known of the slope. There a path ends without
 * curvature, as natural splines do: the slope changes by half of what it does at the
 * other end, with the opposite sign. */
static int smooth(path_out *out, const path_in *in) {
  const double s = in->s, rest = 1 - s;
  const double start = s * rest * rest, start_speed = rest * (1 - 3 * s);
  const double end = -s * s * rest, end_speed = s * (3 * s - 2);
  const double at_first = in->first ? 0.5 : 0, at_last = in->last ? 0.5 : 0;
  straight(out, in);
  out->place[FROM_SLOPE0] = in->leave * in->gap * (start - at_last * end);
  out->place[FROM_SLOPE1] = in->arrive * in->gap * (end - at_first * start);
  out->velocity[FROM_SLOPE0] = in->leave * (start_speed - at_last * end_speed);
  out->velocity[FROM_SLOPE1] = in->arrive * (end_speed - at_first * start_speed);
  return 1;
}

/* Brownian bridge (Tong et al. 2024, Simulation-free Schroedinger bridges): the place has
 * variance sigma^2 gap s (1 - s) about the line. The velocity is that of the flow with
 * the same marginals,
 *   (x1 - x0) / gap + (1 - 2 s) / (2 s (1 - s) gap) (place - line).
 * The score network learns S = sigma^2 / 2 grad log p, whose target is
 * -sigma^2 / (2 sd) e. Its loss is |lambda S + e|^2 with lambda = 2 sd / sigma^2, which
 * is bounded: a weight of lambda^2 for the squared error of S.
 *
 * The variance of the velocity goes to infinity at both ends like 1 / (s (1 - s)), and
 * so would that of the gradients. Its weight 4 s (1 - s) undoes this, and is the weight
 * of the score as well where S is measured in units of sigma / sqrt(gap). At the ends
 * themselves, where velocity and score are not defined, both weigh nothing. */
static int brownian(path_out *out, const path_in *in) {
  const double both = in->s * (1 - in->s), sd = in->sigma * sqrt(in->gap * both);
  straight(out, in);
  out->place[FROM_NOISE] = sd;
  out->velocity_weight = 0;
  if (!(sd > 0)) return 1;
  const double lambda = 2 * sd / (in->sigma * in->sigma);
  out->velocity[FROM_NOISE] = in->sigma * in->sigma * (1 - 2 * in->s) / (2 * sd);
  out->velocity_weight = 4 * both;
  out->score = -1 / lambda;
  out->score_weight = lambda * lambda;
  return 1;
}

/* Geodesic between two Diracs (Chizat et al. 2018; Liero, Mielke and Savare 2018): a
 * straight line in the plane of (root of mass, angle), where the pair is seen under the
 * angle theta = distance / (2 delta):
 *   p(s) = (1 - s) sqrt(m0) (1, 0) + s sqrt(m1) (cos theta, sin theta),
 * of mass |p|^2 and place x0 + 2 delta angle(p) (x1 - x0) / distance. Masses enter by
 * their ratio alone, so both are divided by sqrt(m0 m1), which keeps large gains in
 * range. From theta = pi / 2 on it is cheaper to kill one cell and to make the other, and
 * no path joins them. */
static int cone(path_out *out, const path_in *in) {
  const double s = in->s, theta = in->distance / (2 * in->delta);
  const double from = exp(-in->gain / 4), to = exp(in->gain / 4);
  *out = (path_out){0};
  if (!(in->distance < 3.141592653589793 * in->delta)) return 0;
  const double x = (1 - s) * from + s * to * cos(theta), y = s * to * sin(theta);
  const double dx = to * cos(theta) - from, dy = to * sin(theta);
  const double mass = x * x + y * y;
  const double sine_ratio = theta > 0 ? sin(theta) / theta : 1;
  out->place[FROM_STEP] = theta > 0 ? atan2(y, x) / theta : s * to / x;
  out->place[FROM_NOISE] = in->sigma;
  out->velocity[FROM_STEP] = sine_ratio / (mass * in->gap);
  out->growth = 2 * (x * dx + y * dy) / (mass * in->gap);
  out->log_mass = log(mass) + in->gain / 2;
  out->velocity_weight = 1;
  return 1;
}

/* Kapusniak et al. 2024, equation 7, whose 1 - s^2 - (1 - s)^2 is 2 s (1 - s); the vector
 * changes with time, too. */
static int learned(path_out *out, const path_in *in) {
  const double s = in->s, share = 2 * s * (1 - s) * in->learned;
  straight(out, in);
  out->place[FROM_LEARNED] = share;
  out->velocity[FROM_LEARNED] = 2 * (1 - 2 * s) * in->learned / in->gap;
  out->velocity[FROM_LEARNED_RATE] = share;
  return 1;
}

const path path_straight = { .name = "straight", .constant_rate = 1, .at = straight };
const path path_smooth = {
  .name = "smooth", .reads_slopes = 1, .constant_rate = 1, .at = smooth
};
const path path_brownian = {
  .name = "brownian", .needs_sigma = 1, .gives_score = 1, .constant_rate = 1,
  .at = brownian
};
const path path_cone = {
  .name = "cone", .reads_distance = 1, .needs_delta = 1, .at = cone
};
const path path_metric = {
  .name = "metric", .reads_learned = 1, .constant_rate = 1, .at = learned
};

const path *path_find(const char *name) {
  static const path *const table[] = {&path_straight, &path_smooth, &path_brownian,
                                      &path_cone, &path_metric};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(table[i]->name, name) == 0) return table[i];
  return NULL;
}
