#include "path/path.h"
#include <math.h>
#include <string.h>

/* Velocity targets on a Brownian bridge have no bound towards its ends. Times closer to
 * them are left out; 0.001 still bounds a target by 16 sigma / sqrt(gap) for each unit of
 * noise. Tong et al. (2024) leave out nothing, and add 1e-8 to the variance. */
#define BROWNIAN_MARGIN 1e-3

static const double half_pi = 1.5707963267948966;

/* A line at constant speed, with mass that grows at a constant rate, and no noise. */
static void line(path_out *out, const path_in *in) {
  *out = (path_out){0};
  out->place[FROM_X0] = 1 - in->s;
  out->place[FROM_X1] = in->s;
  out->velocity[FROM_X0] = -1 / in->gap;
  out->velocity[FROM_X1] = 1 / in->gap;
  out->growth = in->gain / in->gap;
  out->log_mass = in->s * in->gain;
  out->velocity_weight = 1;
}

/* A line in noise of constant size, which the velocity does not see: Tong et al. (2024),
 * Improving and generalizing flow-based generative models. Reads sigma. */
static int straight(path_out *out, const path_in *in) {
  line(out, in);
  out->place[FROM_NOISE] = in->sigma;
  return 1;
}

/* The same, plus the cubic Hermite polynomials of the two slope jumps. At the first and
 * the last time nothing is known of the slope. There a path ends without curvature, as
 * natural splines do: its slope changes by half of what it does at the other end, with
 * the opposite sign. Reads sigma, leave, arrive, at_first, at_last. */
static int smooth(path_out *out, const path_in *in) {
  const double s = in->s, rest = 1 - s;
  const double start = s * rest * rest, start_speed = rest * (1 - 3 * s);
  const double end = -s * s * rest, end_speed = s * (3 * s - 2);
  const double at_first = in->at_first ? 0.5 : 0, at_last = in->at_last ? 0.5 : 0;

  straight(out, in);
  out->place[FROM_SLOPE0] = in->leave * in->gap * (start - at_last * end);
  out->place[FROM_SLOPE1] = in->arrive * in->gap * (end - at_first * start);
  out->velocity[FROM_SLOPE0] = in->leave * (start_speed - at_last * end_speed);
  out->velocity[FROM_SLOPE1] = in->arrive * (end_speed - at_first * start_speed);
  return 1;
}

/* Brownian bridge of variance sigma^2 gap s (1 - s): Tong et al. (2024), Simulation-free
 * Schroedinger bridges via score and flow matching. Reads sigma.
 *
 * Score: grad log p of the bridge is -noise / sd, so S is to be -sigma^2 / (2 sd) noise.
 * With lambda = 2 sd / sigma^2 the weight lambda^2 makes the squared error
 * |lambda S + noise|^2, which is bounded at the ends.
 *
 * Velocity: the variance of its target grows without bound towards the ends,
 * sigma^2 / gap (1 - 2 s)^2 / (4 s (1 - s)). The weight 4 s (1 - s) bounds the squared
 * error too. It depends on time alone, so the velocity that minimises it is the same; and
 * it is the inverse of the target's variance where straight velocities of a place vary by
 * sigma^2 / gap themselves. Both weights are one function of s, apart from units. */
static int brownian(path_out *out, const path_in *in) {
  const double s = in->s, both = s * (1 - s), sd = in->sigma * sqrt(in->gap * both);
  const double lambda = 2 * sd / (in->sigma * in->sigma);
  if (!(sd > 0)) return 0;

  line(out, in);
  out->place[FROM_NOISE] = sd;
  out->velocity[FROM_NOISE] = in->sigma * (1 - 2 * s) / (2 * sqrt(in->gap * both));
  out->velocity_weight = 4 * both;
  out->score = -1 / lambda;
  out->score_weight = lambda * lambda;
  return 1;
}

/* Geodesic of the Wasserstein-Fisher-Rao metric, whose action is the integral of
 * mass (|velocity|^2 + delta^2 growth^2) / 2: Chizat, Peyre, Schmitzer and Vialard
 * (2018), Liero, Mielke and Savare (2018). Reads distance and delta.
 *
 * Mass is the square of the radius, and distance / (2 delta) the angle, of a plane. There
 * the path is the straight line from (1, 0) to the end of radius sqrt(mass), which is why
 * all of it is free of divisions by the distance. Cells pi delta or further apart have no
 * path: there it costs less to let one die and the other be born. */
static int cone(path_out *out, const path_in *in) {
  const double s = in->s, angle = in->distance / (2 * in->delta);
  const double radius = exp(in->gain / 2);
  const double end_x = radius * cos(angle), end_y = radius * sin(angle);
  const double x = (1 - s) + s * end_x, y = s * end_y, mass = x * x + y * y;
  if (!(angle < half_pi && mass > 0 && mass < INFINITY)) return 0;

  /* Both per unit of angle, with their limits for cells in the same place. */
  const double turned = angle > 0 ? atan2(y, x) / angle : s * radius / x;
  const double height = angle > 0 ? end_y / angle : radius;
  const double speed = height / (mass * in->gap);
  *out = (path_out){0};
  out->place[FROM_X0] = 1 - turned;
  out->place[FROM_X1] = turned;
  out->velocity[FROM_X0] = -speed;
  out->velocity[FROM_X1] = speed;
  out->growth = 2 * (x * (end_x - 1) + y * end_y) / (mass * in->gap);
  out->log_mass = log(mass);
  out->velocity_weight = 1;
  return 1;
}

enum {
  ENDS = 1 << FROM_X0 | 1 << FROM_X1,
  NOISY = ENDS | 1 << FROM_NOISE,
  CURVED = NOISY | 1 << FROM_SLOPE0 | 1 << FROM_SLOPE1
};

static const path paths[] = {
  {.name = "straight", .reads = NOISY, .at = straight},
  {.name = "smooth", .reads = CURVED, .at = smooth},
  {.name = "brownian", .reads = NOISY, .gives_score = 1, .margin = BROWNIAN_MARGIN,
   .at = brownian},
  {.name = "cone", .reads = ENDS, .reads_distance = 1, .at = cone},
};

const path *path_find(const char *name) {
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    if (strcmp(name, paths[i].name) == 0) return &paths[i];
  return NULL;
}
