#include "path/fill.h"
#include "kernels/kernels.h"
#include <math.h>
#include <string.h>

/* What a wide row weighs, for 1 of another. */
static const double wide_weight = 0.02;

/* Log of the mass at the end of a pair over that at its start. */
static double pair_gain(const pairs *p, drawn_ends e, int alone) {
  double gain = p->gain_source ? p->gain_source[e.from] : 0;
  if (p->gain_target && !alone) gain += p->gain_target[e.to - p->offset[1]];
  return gain;
}

static double distance(const float *x, const float *y, size_t d) {
  double sum = 0;
  for (size_t c = 0; c < d; c++) {
    double step = (double)y[c] - x[c];
    sum += step * step;
  }
  return sqrt(sum);
}

static path_in path_input(const pairs *p, const drawn_pair *drawn, drawn_ends e) {
  size_t k = drawn->interval;
  path_in in = {
    .s = drawn->s,
    .gap = p->times[k + 1] - p->times[k],
    .gain = pair_gain(p, e, drawn->target < 0),
    .sigma = p->sigma ? p->sigma[k] : 0,
    .delta = p->delta ? p->delta[k] : 0,
    .first = k == 0,
    .last = k + 1 == p->intervals,
  };
  if (p->path->reads_distance)
    in.distance = distance(p->cells + e.from * p->d, p->cells + e.to * p->d, p->d);
  if (p->path->reads_slopes && p->slope_jump && drawn->target >= 0) {
    in.leave = -p->lean[e.from];
    in.arrive = 1 - p->lean[e.to];
  }
  if (p->path->reads_learned && drawn->target >= 0) in.learned = p->learned->scale;
  return in;
}

double row_path(path_out *out, const pairs *p, const drawn_pair *drawn) {
  drawn_ends e = ends_of(p, drawn);
  path_in in = path_input(p, drawn, e);
  if (!p->path->at(out, &in)) return 0;
  double log_ends = p->log_ends ? p->log_ends[e.from] : 0;
  double density = 0.5 * (p->growth[drawn->interval] + exp(log_ends));
  return exp(out->log_mass + (log_ends - in.gain)) / density;
}

/* Noise as wide as p->wide, where that of the path is less. It says where the row is and
 * nothing of velocity or score. */
static int widen(path_out *out, double wide) {
  if (!(wide > out->place[FROM_NOISE])) return 0;
  out->place[FROM_NOISE] = wide;
  out->velocity[FROM_NOISE] = 0;
  out->velocity_weight = 1;
  out->score = out->score_weight = 0;
  return 1;
}

/* Place and velocity, the latter in units of its head. */
static void fill_motion(float *place, float *velocity, const pairs *p, drawn_ends e,
                        const path_out *out, double scale, const row_vectors *own) {
  const float *vector[PATH_VECTORS] = {
    [FROM_STEP] = p->cells + e.to * p->d,
    [FROM_NOISE] = own->noise,
    [FROM_SLOPE0] = p->slope_jump ? p->slope_jump + e.from * p->d : NULL,
    [FROM_SLOPE1] = p->slope_jump ? p->slope_jump + e.to * p->d : NULL,
    [FROM_LEARNED] = own->learned,
    [FROM_LEARNED_RATE] = own->learned_rate,
  };
  float a[PATH_VECTORS], b[PATH_VECTORS];
  for (size_t v = 0; v < PATH_VECTORS; v++) {
    a[v] = (float)out->place[v];
    b[v] = (float)(out->velocity[v] / scale);
  }
  size_t vectors = FROM_NOISE + 1;
  if (p->path->reads_slopes && p->slope_jump) vectors = FROM_SLOPE1 + 1;
  if (p->path->reads_learned) vectors = FROM_LEARNED_RATE + 1;
  kernels_get()->combine(place, velocity, p->cells + e.from * p->d, vector, a, b, vectors,
                         p->d);
}

/* The weight is that of the squared error of S, so it grows with the square of the units
 * in which the error is measured. */
static void fill_score(const rows *out, size_t at, size_t place, const pairs *p,
                       const path_out *found, double weight, const float *noise) {
  double scale = p->heads->head[place].scale;
  float *target = out->target[place] + at * kernel_pad(p->d);
  float factor = (float)(found->score / scale);
  for (size_t c = 0; c < p->d; c++) target[c] = noise ? factor * noise[c] : 0;
  out->weight[place][at] = (float)(weight * found->score_weight * scale * scale);
}

void fill_row(const rows *out, size_t at, const pairs *p, const drawn_pair *drawn,
              int wide, const row_vectors *own) {
  const heads *h = p->heads;
  drawn_ends e = ends_of(p, drawn);
  path_out found;
  double weight = row_path(&found, p, drawn);
  if (wide && widen(&found, p->wide)) weight *= wide_weight;

  float *place = out->input + at * (p->d + 1);
  /* A potential alone has its own target written over that of the velocity. */
  fill_motion(place, out->target[0] + at * kernel_pad(p->d), p, e, &found,
              h->head[0].scale, own);
  place[p->d] = (float)drawn_time(p, drawn);
  out->weight[0][at] = (float)(weight * found.velocity_weight);

  for (size_t i = 0; i < h->count; i++) {
    head_kind kind = h->head[i].kind;
    if (kind == HEAD_SCORE || kind == HEAD_POTENTIAL)
      fill_score(out, at, i, p, &found, weight, own->noise);
    if (kind != HEAD_GROWTH) continue;
    double gap = p->times[drawn->interval + 1] - p->times[drawn->interval];
    double rate = p->log_growth ? p->log_growth[e.from] / gap : found.growth;
    out->target[i][at * kernel_pad(1)] =
        (float)((rate - h->head[i].offset) / h->head[i].scale);
    out->weight[i][at] = (float)(weight * p->trust[drawn->interval]);
  }
}
