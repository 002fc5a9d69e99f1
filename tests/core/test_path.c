#include "check.h"
#include "path/path.h"
#include "base/rng.h"

static const path *const all[] = {&path_straight, &path_smooth, &path_brownian,
                                  &path_cone, &path_metric};
enum { PATHS = 5, DRAWS = 200 };

static uint32_t step;
static double uniform(double low, double high) {
  const uint32_t counter[4] = {step++, 0, 0, 0};
  uint32_t word[4];
  rng_philox(word, counter, (rng_key){{3, 5}});
  return low + (high - low) * rng_uniform(word[0]);
}

static path_in draw_pair(void) {
  double delta = uniform(0.2, 3);
  return (path_in){
    .s = uniform(0.05, 0.95), .gap = uniform(0.1, 4), .gain = uniform(-3, 3),
    .distance = uniform(0, 3.1) * delta, .sigma = uniform(0.1, 2), .delta = delta,
    .leave = uniform(-1, 0), .arrive = uniform(0, 1), .learned = uniform(0.1, 2),
    .first = uniform(0, 1) < 0.3, .last = uniform(0, 1) < 0.3,
  };
}

static path_out at(const path *p, path_in in, double s) {
  path_out out;
  in.s = s;
  CHECK(p->at(&out, &in) == 1, "%s: no path", p->name);
  return out;
}

static void check_names(void) {
  for (size_t i = 0; i < PATHS; i++)
    CHECK(path_find(all[i]->name) == all[i], "%s is not found", all[i]->name);
  CHECK(path_find("geodesic") == NULL && path_find("") == NULL, "an unknown name is");
}

/* To rounding: paths begin at x0 with its mass and end at x1 with its own. What does not
 * depend on noise there has no other part. */
static void check_ends(const path *p) {
  for (size_t n = 0; n < DRAWS; n++) {
    path_in in = draw_pair();
    path_out start = at(p, in, 0), end = at(p, in, 1);
    CHECK_NEAR(start.place[FROM_STEP], 0, 1e-14);
    CHECK_NEAR(end.place[FROM_STEP], 1, 1e-14);
    CHECK_NEAR(start.log_mass, 0, 1e-13);
    CHECK_NEAR(end.log_mass, in.gain, 1e-13);
    double noise = p == &path_brownian ? 0 : in.sigma;
    CHECK(start.place[FROM_NOISE] == noise && end.place[FROM_NOISE] == noise,
          "%s: noise of %g and %g", p->name, start.place[FROM_NOISE],
          end.place[FROM_NOISE]);
    for (size_t v = FROM_SLOPE0; v <= FROM_LEARNED; v++)
      CHECK(start.place[v] == 0 && end.place[v] == 0, "%s is bent at an end", p->name);
  }
}

/* Velocity and growth are the derivatives of place and log mass by time, to the 1e-6 of
 * central differences. The learned vector moves too: its own rate counts as far as it is
 * part of the place. */
static void check_derivatives(const path *p) {
  const double h = 1e-5;
  for (size_t n = 0; n < DRAWS; n++) {
    path_in in = draw_pair();
    const double dt = 2 * h * in.gap;
    path_out here = at(p, in, in.s);
    path_out low = at(p, in, in.s - h), high = at(p, in, in.s + h);
    CHECK(here.velocity[FROM_LEARNED_RATE] == here.place[FROM_LEARNED], "%s: the rate",
          p->name);
    CHECK(here.place[FROM_LEARNED_RATE] == 0 &&
          p->reads_learned == (here.place[FROM_LEARNED] != 0), "%s: learned", p->name);
    for (size_t v = 0; v <= FROM_LEARNED; v++)
      CHECK_NEAR(here.velocity[v], (high.place[v] - low.place[v]) / dt, 1e-6);
    CHECK_NEAR(here.growth, (high.log_mass - low.log_mass) / dt, 1e-6);
    CHECK(p->gives_score == (here.score != 0), "%s: score %g", p->name, here.score);
    CHECK(p->gives_score == (here.score_weight > 0), "%s: its weight", p->name);
  }
}

/* The slopes of a smooth path: a cubic (its fourth differences vanish) that changes the
 * velocity at one end by leave or arrive, and not at the other; at the first and the last
 * time its second derivative is 0 instead. All to rounding. */
static void check_smooth(void) {
  const double h = 0.25;
  for (size_t n = 0; n < DRAWS; n++) {
    path_in in = draw_pair();
    for (size_t v = FROM_SLOPE0; v <= FROM_SLOPE1; v++) {
      if (v == FROM_SLOPE0 ? in.first : in.last) continue; /* nothing is known of it */
      double difference = 0, binomial[5] = {1, -4, 6, -4, 1};
      for (int i = 0; i < 5; i++)
        difference += binomial[i] * at(&path_smooth, in, i * h).place[v];
      CHECK_NEAR(difference, 0, 1e-14);
      path_out end[2] = {at(&path_smooth, in, 0), at(&path_smooth, in, 1)};
      int here = v == FROM_SLOPE1, natural = here ? in.first : in.last;
      CHECK_NEAR(end[here].velocity[v], here ? in.arrive : in.leave, 1e-14);
      if (!natural) {
        CHECK(end[!here].velocity[v] == 0, "slope %zu changes the other end", v);
      } else { /* the velocity is a parabola: its slope at the end, from three values */
        double from = end[!here].velocity[v], to = end[here].velocity[v];
        double middle = at(&path_smooth, in, 0.5).velocity[v];
        CHECK_NEAR(4 * middle - 3 * from - to, 0, 1e-14);
      }
    }
    path_out line = at(&path_straight, in, in.s), bent = at(&path_smooth, in, in.s);
    for (size_t v = 0; v <= FROM_NOISE; v++)
      CHECK(line.place[v] == bent.place[v] && line.velocity[v] == bent.velocity[v],
            "smooth is not straight plus its slopes");
  }
}

/* Brownian bridge, to rounding. Velocity plus score is the drift of the bridge forwards,
 * (x1 - x) / (time left), and velocity minus score the one backwards, whatever the noise.
 * The score is (sigma^2 / 2) grad log p of the bridge. Its weighted target, and the
 * weighted variance of the velocity, stay bounded as s goes to the ends. */
static void check_brownian(void) {
  for (size_t n = 0; n < DRAWS; n++) {
    path_in in = draw_pair();
    if (n % 4 == 0) in.s = uniform(0, 1e-6);
    if (n % 4 == 1) in.s = 1 - uniform(0, 1e-6);
    path_out o = at(&path_brownian, in, in.s);
    double s = in.s, sd = o.place[FROM_NOISE], left = in.gap * (1 - s);
    double x0 = uniform(-2, 2), x1 = uniform(-2, 2), e = uniform(-3, 3);
    double x = x0 + o.place[FROM_STEP] * (x1 - x0) + sd * e;
    double u = o.velocity[FROM_STEP] * (x1 - x0) + o.velocity[FROM_NOISE] * e;
    CHECK_NEAR(sd * sd, in.sigma * in.sigma * in.gap * s * (1 - s), 1e-14);
    CHECK_NEAR((u + o.score * e) * left, x1 - x, 1e-9);
    CHECK_NEAR((u - o.score * e) * in.gap * s, x - x0, 1e-9);
    CHECK_NEAR(o.score * e * sd * sd,
               -in.sigma * in.sigma / 2 * (x - x0 - s * (x1 - x0)), 1e-12);
    CHECK_NEAR(o.score_weight * o.score * o.score, 1, 1e-14);
    double spread = o.velocity[FROM_NOISE] * o.velocity[FROM_NOISE] * o.velocity_weight;
    CHECK_NEAR(spread, in.sigma * in.sigma / in.gap * (1 - 2 * s) * (1 - 2 * s), 1e-9);
  }
  path_in in = { .gap = 2, .sigma = 1 };
  for (in.s = 0; in.s <= 1; in.s++) {
    path_out o = at(&path_brownian, in, in.s);
    CHECK(o.velocity_weight == 0 && o.score_weight == 0 && o.score == 0,
          "an end weighs %g and %g", o.velocity_weight, o.score_weight);
  }
}

/* x0 and x1 jointly normal, with any covariance: the moments of the place, and the
 * conditional mean E[u | x], which is linear in x, obey the equation of continuity:
 * d var / dt = 2 cov(u, x), to the 1e-6 of central differences. With the score, the
 * variance of the diffusion: d var / dt = 2 cov(u + S, x) + sigma^2. */
typedef struct { double v0, v1, both; } normals;

static double variance(const path_in *in, const normals *g, double s) {
  path_out o = at(&path_brownian, *in, s);
  double b = o.place[FROM_STEP], a = 1 - b, sd = o.place[FROM_NOISE];
  return a * a * g->v0 + b * b * g->v1 + 2 * a * b * g->both + sd * sd;
}

static void check_normals(void) {
  const double h = 1e-5;
  for (size_t n = 0; n < DRAWS; n++) {
    path_in in = draw_pair();
    normals g = {uniform(0.1, 2), uniform(0.1, 2), 0};
    g.both = uniform(-1, 1) * sqrt(g.v0 * g.v1);
    path_out o = at(&path_brownian, in, in.s);
    double b = o.place[FROM_STEP], a = 1 - b;
    double step_place = a * (g.both - g.v0) + b * (g.v1 - g.both);
    double flow = o.velocity[FROM_STEP] * step_place +
                  o.velocity[FROM_NOISE] * o.place[FROM_NOISE];
    double score = o.score * o.place[FROM_NOISE];
    double rate = (variance(&in, &g, in.s + h) - variance(&in, &g, in.s - h)) /
                  (2 * h * in.gap);
    CHECK_NEAR(2 * flow, rate, 1e-6);
    CHECK_NEAR(2 * (flow + score) + in.sigma * in.sigma, rate, 1e-6);
  }
}

/* The form of the geodesic with arc tangents: m(s) = A s^2 - 2 B s + m0, and place by the
 * integral of its inverse. To 1e-10. */
static void check_cone(void) {
  for (size_t n = 0; n < DRAWS; n++) {
    path_in in = draw_pair();
    double m0 = uniform(0.1, 3), m1 = m0 * exp(in.gain);
    double theta = in.distance / (2 * in.delta);
    double mixed = sqrt(m0 * m1), c = mixed * sin(theta), b = m0 - mixed * cos(theta);
    double a = m0 + m1 - 2 * mixed * cos(theta), s = in.s;
    path_out o = at(&path_cone, in, s);
    CHECK_NEAR(m0 * exp(o.log_mass), a * s * s - 2 * b * s + m0, 1e-10);
    double far = 2 * in.delta * (atan((a * s - b) / c) + atan(b / c));
    CHECK_NEAR(o.place[FROM_STEP] * in.distance, far, 1e-10);
  }
}

/* m (|v|^2 + delta^2 growth^2) / 2 of a pair, with mass 1 at its start. */
static double action_density(const path_in *in, double s) {
  path_out o = at(&path_cone, *in, s);
  double v = o.velocity[FROM_STEP] * in->distance, g = in->delta * o.growth;
  return exp(o.log_mass) * (v * v + g * g) / 2;
}

/* A geodesic has constant speed; its action by Simpson's rule is that in closed form. */
static void check_action(void) {
  enum { PARTS = 200 };
  for (size_t n = 0; n < DRAWS; n++) {
    path_in in = draw_pair();
    double theta = in.distance / (2 * in.delta), m1 = exp(in.gain), sum = 0;
    double want = 2 * in.delta * in.delta * (1 + m1 - 2 * sqrt(m1) * cos(theta)) / in.gap;
    for (int i = 0; i <= PARTS; i++) {
      double density = action_density(&in, (double)i / PARTS);
      sum += (i == 0 || i == PARTS ? 1 : i % 2 ? 4 : 2) * density / (3 * PARTS);
      CHECK_NEAR(density * in.gap / want, 1, 1e-9);
    }
    CHECK_NEAR(sum * in.gap / want, 1, 1e-9);
  }
}

/* Limits of the cone: straight for a large delta; two cells in one place, where mass
 * grows as the square of a line, without a jump as the distance goes to 0; gains as large
 * as doubles hold; and no path from pi delta on. */
static void check_limits(void) {
  for (size_t n = 0; n < DRAWS; n++) {
    path_in in = draw_pair();
    path_in wide = in;
    wide.delta = 1e9;
    wide.gain = 0;
    path_out line = at(&path_straight, wide, in.s), o = at(&path_cone, wide, in.s);
    CHECK_NEAR(o.place[FROM_STEP], line.place[FROM_STEP], 1e-14);
    CHECK_NEAR(o.velocity[FROM_STEP], line.velocity[FROM_STEP], 1e-14);
    CHECK_NEAR(o.growth, 0, 1e-14);
    in.distance = 0;
    o = at(&path_cone, in, in.s);
    double root = 1 - in.s + in.s * exp(in.gain / 2);
    CHECK_NEAR(o.log_mass, 2 * log(root), 1e-14);
    CHECK_NEAR(o.growth, 2 * (exp(in.gain / 2) - 1) / root / in.gap, 1e-13);
    in.distance = 1e-12;
    path_out near = at(&path_cone, in, in.s);
    CHECK_NEAR(near.place[FROM_STEP], o.place[FROM_STEP], 1e-14);
    CHECK_NEAR(near.velocity[FROM_STEP], o.velocity[FROM_STEP], 1e-13);
  }
  path_in in = { .gap = 1, .delta = 1, .distance = 1 };
  for (in.gain = -700; in.gain <= 700; in.gain += 1400) {
    path_out o = at(&path_cone, in, 0.5);
    CHECK(isfinite(o.growth) && isfinite(o.log_mass) && isfinite(o.velocity[FROM_STEP]),
          "a gain of %g", in.gain);
  }
  path_out out;
  in = (path_in){ .s = 0.5, .gap = 1, .delta = 1, .distance = 3.14159 };
  CHECK(path_cone.at(&out, &in) == 1, "just in reach");
  in.distance = 3.1416;
  CHECK(path_cone.at(&out, &in) == 0 && out.velocity_weight == 0, "out of reach");
}

int main(void) {
  check_names();
  for (size_t i = 0; i < PATHS; i++) {
    check_ends(all[i]);
    check_derivatives(all[i]);
  }
  check_smooth();
  check_brownian();
  check_normals();
  check_cone();
  check_action();
  check_limits();
  return check_report("test_path");
}
