#include "transport/uot_newton.h"
#include "base/parallel.h"
#include <float.h>
#include <math.h>
#include <string.h>

#define CG_LIMIT 2000
#define CG_PER_POLL 16
/* Waking threads, and waiting for one that others keep from running, costs more than a
 * walk over fewer entries than this (0.2 ms). */
#define PARALLEL_ENTRIES ((size_t)200000)
#define SUMS_ROUNDS 3
#define SUMS_TOLERANCE 0.01
#define LOST_ROW 1e-3

void uot_newton_layout(arena *space, uot_newton *newton, size_t n, size_t m) {
  newton->scale = arena_take(space, n, sizeof(double));
  newton->diagonal = arena_take(space, n, sizeof(double));
  newton->jacobi = arena_take(space, n, sizeof(double));
  newton->weight = arena_take(space, m, sizeof(double));
  newton->residual = arena_take(space, n, sizeof(double));
  newton->direction = arena_take(space, n, sizeof(double));
  newton->image = arena_take(space, n, sizeof(double));
  newton->scaled = arena_take(space, n, sizeof(double));
}

static double gather(const double *v, const int32_t *at, const float *q, size_t count) {
  double part[4] = {0};
  size_t k = 0;
  for (; k + 4 <= count; k += 4)
    for (size_t l = 0; l < 4; l++) part[l] += q[k + l] * v[at[k + l]];
  for (; k < count; k++) part[0] += q[k] * v[at[k]];
  return (part[0] + part[1]) + (part[2] + part[3]);
}

static void scatter(double *out, double scale, const int32_t *at, const float *q,
                    size_t count) {
  for (size_t k = 0; k < count; k++) out[at[k]] += scale * q[k];
}

static void scatter_squares(double *out, double scale, const int32_t *at, const float *q,
                            size_t count) {
  for (size_t k = 0; k < count; k++) out[at[k]] += scale * q[k] * q[k];
}

typedef enum { SQUARES, PRODUCT } sweep;

/* out = (Q o Q) weight, or Q diag(weight) Q' v: a walk over the stored columns, each
 * group adding into its own rows. */
static void walk(double *out, const uot_newton *newton, uot_passes *passes,
                 const double *v, sweep what) {
  const plan *p = &passes->sparse;
  size_t n = p->n, entries = 0;
  for (size_t which = 0; which < UOT_GROUPS; which++)
    entries += passes->group[which].used;
  int threads = entries < PARALLEL_ENTRIES ? 1 : passes->options->threads;
  (void)threads; /* without OpenMP */
  PARALLEL_FOR(threads)
  for (size_t which = 0; which < UOT_GROUPS; which++) {
    double *rows = passes->sums + which * n;
    memset(rows, 0, n * sizeof *rows);
    for (size_t j = which; j < p->m; j += UOT_GROUPS) {
      const int32_t *at = p->source + p->start[j];
      const float *q = p->value + p->start[j];
      size_t count = p->count[j];
      if (what == SQUARES)
        scatter_squares(rows, newton->weight[j], at, q, count);
      else
        scatter(rows, newton->weight[j] * gather(v, at, q, count), at, q, count);
    }
  }
  uot_add_groups(out, passes);
}

/* out = D K~ D v; scratch (n). */
static void product(double *out, const uot_newton *newton, uot_passes *passes,
                    const double *v, double *scratch) {
  size_t n = passes->problem->n;
  for (size_t i = 0; i < n; i++) scratch[i] = newton->scale[i] * v[i];
  walk(out, newton, passes, scratch, PRODUCT);
  for (size_t i = 0; i < n; i++) out[i] *= newton->scale[i];
}

/* D that brings D K~ D 1 near r, by symmetric scaling (Knight, Ruiz and Ucar 2014, SIAM
 * J. Matrix Anal. 35); that product is left in `sums`. A row of which next to nothing was
 * stored is left alone. */
static void restore_sums(double *sums, uot_newton *newton, uot_passes *passes,
                           const double *r) {
  size_t n = passes->problem->n;
  double *ones = newton->direction, worst = 0;
  for (size_t i = 0; i < n; i++) newton->scale[i] = ones[i] = 1;
  for (int round = 0;; round++) {
    product(sums, newton, passes, ones, newton->scaled);
    worst = 0;
    for (size_t i = 0; i < n; i++)
      if (sums[i] > LOST_ROW * r[i]) worst = fmax(worst, fabs(sums[i] / r[i] - 1));
    if (worst <= SUMS_TOLERANCE || round == SUMS_ROUNDS) return;
    for (size_t i = 0; i < n; i++)
      if (sums[i] > LOST_ROW * r[i]) newton->scale[i] *= sqrt(r[i] / sums[i]);
  }
}

/* The diagonal uses the row sums as they are, not r: diag(K 1) - K is positive
 * semidefinite for any symmetric K >= 0, and zero on constants, where Newton's matrix has
 * its smallest eigenvalues, about epsilon / tau_source. Only a lost row gets the
 * difference: its step is then Sinkhorn's. */
void uot_newton_prepare(uot_newton *newton, uot_passes *passes, const double *w,
                        const double *r, double epsilon, double ridge) {
  const uot_problem *problem = passes->problem;
  double kept = uot_kept(problem->tau_target, epsilon);
  double passed = newton->passed = uot_passed(problem->tau_target, epsilon);
  double *sums = newton->residual, *squares = newton->image;
  for (size_t j = 0; j < problem->m; j++)
    newton->weight[j] = passes->sparse.count[j] == 0 ? 0
        : passes->group[j % UOT_GROUPS].inflation * passes->column[j] / passes->kept[j];
  restore_sums(sums, newton, passes, r);
  walk(squares, newton, passes, NULL, SQUARES);
  for (size_t i = 0; i < problem->n; i++) {
    double own_part = w[i] * (epsilon / problem->tau_source + ridge) + kept * r[i];
    double lost = sums[i] > LOST_ROW * r[i] ? 0 : r[i] - sums[i];
    double own = newton->scale[i] * newton->scale[i] * squares[i];
    newton->diagonal[i] = own_part + passed * sums[i] + passed * lost;
    /* Rounding may cancel to nothing where a target has one source. */
    double exact = own_part + passed * fmax(sums[i] - own, 0) + passed * lost;
    newton->jacobi[i] = 1 / fmax(exact, 1e-14 * newton->diagonal[i] + DBL_MIN);
  }
}

static double dot(const double *x, const double *y, size_t n) {
  return kernels_get()->dot_f64(x, y, n);
}

int uot_newton_solve(double *step, int *iterations, uot_newton *newton,
                     uot_passes *passes, const double *gradient, double epsilon,
                     double forcing) {
  const uot_options *options = passes->options;
  size_t n = passes->problem->n;
  double *residual = newton->residual, *direction = newton->direction;
  double *image = newton->image, *scaled = newton->scaled;
  for (size_t i = 0; i < n; i++) {
    step[i] = 0;
    residual[i] = epsilon * gradient[i];
    direction[i] = scaled[i] = residual[i] * newton->jacobi[i];
  }
  double size = dot(residual, scaled, n), goal = forcing * forcing * size;
  for (int k = 0; k < CG_LIMIT && size > goal; k++) {
    if (k % CG_PER_POLL == 0 && options->interrupted &&
        options->interrupted(options->interrupted_data))
      return STATUS_INTERRUPTED;
    product(image, newton, passes, direction, scaled);
    for (size_t i = 0; i < n; i++)
      image[i] = newton->diagonal[i] * direction[i] - newton->passed * image[i];
    double curvature = dot(direction, image, n);
    if (!(curvature > 0)) break; /* rounding: keep the step so far */
    double along = size / curvature;
    for (size_t i = 0; i < n; i++) {
      step[i] += along * direction[i];
      residual[i] -= along * image[i];
      scaled[i] = residual[i] * newton->jacobi[i];
    }
    double next = dot(residual, scaled, n), turn = next / size;
    for (size_t i = 0; i < n; i++) direction[i] = scaled[i] + turn * direction[i];
    size = next;
    ++*iterations;
  }
  return STATUS_OK;
}
