#include "path/metric.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include <math.h>
#include <string.h>

static int all_in(const double *value, size_t count, double least) {
  for (size_t i = 0; value && i < count; i++)
    if (!(value[i] >= least) || !isfinite(value[i])) return 0;
  return value != NULL;
}

static int is_positive(double value) { return value > 0 && isfinite(value); }

int metric_check(const metric *m) {
  if (m->kind >= METRIC_KINDS || m->d == 0 || m->n == 0 || !m->point ||
      !is_positive(m->floor) || !(m->alpha >= 0) || !isfinite(m->alpha))
    return STATUS_BAD_ARGUMENT;
  int land = m->kind == METRIC_LAND;
  if (land && (!m->square || !is_positive(m->scale))) return STATUS_BAD_ARGUMENT;
  if (!land && !all_in(m->weight, m->n, 0)) return STATUS_BAD_ARGUMENT;
  if (!all_in(m->rate, land ? 1 : m->n, 0)) return STATUS_BAD_ARGUMENT;
  return all_in(m->point, m->d * m->n, -INFINITY) ? STATUS_OK : STATUS_NOT_FINITE;
}

/* Two numbers for each point, and for each feature. */
size_t metric_scratch(const metric *m) { return 2 * m->n + 2 * m->d; }

/* w (n) = exp(-rate |x - x_n|^2 / 2) */
static void bells(double *w, const metric *m, const double *x) {
  const kernels *k = kernels_get();
  const double *rate = m->rate;
  size_t next = m->kind == METRIC_RBF;
  k->sqdist(w, m->n, m->point, m->n, x, m->d, m->n, 1, m->d, 0);
  for (size_t i = 0; i < m->n; i++) w[i] *= -0.5 * rate[next * i];
  k->exp_f64(w, w, m->n);
}

/* h^-alpha, and its derivative by h. */
static double power(double *slope, double h, double alpha) {
  double value = pow(h, -alpha);
  *slope = -alpha * value / h;
  return value;
}

/* With E_nc = x_nc - x_c and h_c = scale sum_n w_n E_nc^2 + floor,
 *   d h_a / d x_c = scale sum_n w_n (rate E_na^2 E_nc - 2 [a = c] E_na),
 * so that with k_a = u_a^2 d (h_a^-alpha) / d h_a and q_n = sum_a k_a E_na^2
 *   d energy / d x_c = scale (rate sum_n w_n q_n E_nc - 2 k_c sum_n w_n E_nc).
 * All sums over points are of x_nc, of their squares, and of 1. */
static double land_energy(double *dx, double *du, const metric *m, const double *x,
                          const double *u, double *scratch) {
  const kernels *kernel = kernels_get();
  const size_t n = m->n, d = m->d;
  double *w = scratch, *q = w + n, *slope = q + n, *first = slope + d;
  double energy = 0, constant = 0;
  bells(w, m, x);
  const double mass = kernel->sum_f64(w, n);
  for (size_t c = 0; c < d; c++) {
    first[c] = kernel->dot_f64(w, m->point + c * n, n);
    double second = kernel->dot_f64(w, m->square + c * n, n);
    double spread = second - 2 * x[c] * first[c] + x[c] * x[c] * mass;
    double by_h, h = m->scale * fmax(spread, 0) + m->floor;
    double value = power(&by_h, h, m->alpha);
    energy += value * u[c] * u[c];
    if (du) du[c] = 2 * value * u[c];
    slope[c] = by_h * u[c] * u[c];
  }
  if (!dx) return energy;
  memset(q, 0, n * sizeof *q);
  for (size_t c = 0; c < d; c++) {
    kernel->axpy_f64(q, m->square + c * n, slope[c], n);
    kernel->axpy_f64(q, m->point + c * n, -2 * slope[c] * x[c], n);
    constant += slope[c] * x[c] * x[c];
  }
  for (size_t i = 0; i < n; i++) q[i] = w[i] * (q[i] + constant);
  const double moved = kernel->sum_f64(q, n);
  for (size_t c = 0; c < d; c++) {
    double pull = kernel->dot_f64(q, m->point + c * n, n) - x[c] * moved;
    dx[c] = m->scale * (m->rate[0] * pull - 2 * slope[c] * (first[c] - x[c] * mass));
  }
  return energy;
}

/* d h / d x_c = sum_n weight_n w_n rate_n E_nc */
static double rbf_energy(double *dx, double *du, const metric *m, const double *x,
                         const double *u, double *scratch) {
  const kernels *kernel = kernels_get();
  const size_t n = m->n, d = m->d;
  double *w = scratch, *pull = w + n, speed = 0, slope;
  bells(w, m, x);
  double h = kernel->dot_f64(w, m->weight, n) + m->floor;
  double value = power(&slope, h, m->alpha);
  for (size_t c = 0; c < d; c++) {
    speed += u[c] * u[c];
    if (du) du[c] = 2 * value * u[c];
  }
  if (!dx) return value * speed;
  for (size_t i = 0; i < n; i++) pull[i] = w[i] * m->weight[i] * m->rate[i];
  const double moved = kernel->sum_f64(pull, n);
  for (size_t c = 0; c < d; c++)
    dx[c] = slope * speed * (kernel->dot_f64(pull, m->point + c * n, n) - x[c] * moved);
  return value * speed;
}

double metric_energy(double *dx, double *du, const metric *m, const double *x,
                     const double *u, double *scratch) {
  return m->kind == METRIC_LAND ? land_energy(dx, du, m, x, u, scratch)
                                : rbf_energy(dx, du, m, x, u, scratch);
}
