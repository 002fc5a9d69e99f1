/* Published snapshots, solved by an independent double-precision solver. */
#include "uot_case.h"

static const char *folder(const char *variable, const char *otherwise) {
  const char *value = getenv(variable);
  return value && *value ? value : otherwise;
}

static FILE *open_file(const char *where, const char *name) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", where, name);
  return fopen(path, "r");
}

/* Points of one time, (n, d) in a new array; NULL if the file is not there. */
static double *read_snapshot(const char *file, double time, size_t *n, size_t *d) {
  char name[128], line[4096];
  snprintf(name, sizeof name, "%s.csv", file);
  FILE *in = open_file(folder("VGFM_DATA", "../shared/data"), name);
  if (in == NULL || fgets(line, sizeof line, in) == NULL) return NULL;
  size_t room = 1024;
  *n = *d = 0;
  for (const char *at = line; *at; at++) *d += *at == ',';
  double *x = malloc(room * *d * sizeof *x);
  while (fgets(line, sizeof line, in)) {
    char *at = line;
    if (strtod(at, &at) != time) continue;
    if (*n == room) x = realloc(x, (room *= 2) * *d * sizeof *x);
    for (size_t k = 0; k < *d; k++) x[*n * *d + k] = strtod(at + 1, &at);
    ++*n;
  }
  fclose(in);
  return x;
}

/* The known row sums of this problem to 1e-6. */
static int check_row_sums(const uot_case *c, const char *problem, double epsilon,
                          double tau) {
  char line[256], name[128];
  double eps, t, r;
  size_t i;
  int compared = 0;
  FILE *in = open_file(folder("VGFM_ORACLES", "tests/testthat/oracles"),
                       "srot_rowsums.csv");
  CHECK(in != NULL, "srot_rowsums.csv is missing");
  while (in && fgets(line, sizeof line, in)) {
    if (sscanf(line, "%127[^,],%lf,%lf,%zu,%lf", name, &eps, &t, &i, &r) != 5) continue;
    if (strcmp(name, problem) || eps != epsilon || t != tau) continue;
    CHECK_NEAR(c->r[i], r, 1e-6);
    compared++;
  }
  if (in) fclose(in);
  return compared;
}

/* One row of srot.csv: transport cost and objective to 1e-8 relative, in no more than 60
 * passes (20 to 41 when this was written). */
static void check_row(const char *line) {
  char problem[128], file[128];
  size_t n, m, d;
  double eps, tau, cost, objective, from, to;
  if (sscanf(line, "%127[^,],%zu,%zu,%lf,%lf,%lf,%lf", problem, &n, &m, &eps, &tau, &cost,
             &objective) != 7 ||
      sscanf(problem, "%127[^:]:%lf-%lf", file, &from, &to) != 3) {
    CHECK(0, "not understood: %s", line);
    return;
  }
  uot_case c = {.options = uot_defaults()};
  c.x = read_snapshot(file, from, &c.problem.n, &d);
  c.y = read_snapshot(file, to, &c.problem.m, &d);
  if (c.x == NULL || c.y == NULL) {
    printf("skipped: %s: data are not there\n", problem);
    case_free(&c);
    return;
  }
  CHECK(c.problem.n == n && c.problem.m == m, "%s: sizes", problem);
  c.a = malloc(n * sizeof(double));
  c.b = malloc(m * sizeof(double));
  c.f = malloc(n * sizeof(double));
  c.g = malloc(m * sizeof(double));
  c.r = malloc(n * sizeof(double));
  for (size_t i = 0; i < n; i++) c.a[i] = 1;
  for (size_t j = 0; j < m; j++) c.b[j] = 1;
  c.problem = (uot_problem){n, m, d, c.x, c.y, c.a, c.b, eps, tau, INFINITY, INFINITY};
  CHECK(case_solve(&c) == STATUS_OK, "%s: %s", problem, status_message(c.status));
  CHECK_NEAR(c.result.objective / objective, 1, 1e-8);
  CHECK_NEAR(c.result.transport_cost / cost, 1, 1e-8);
  CHECK(c.result.passes <= 60, "%s: %d passes", problem, c.result.passes);
  CHECK(check_row_sums(&c, problem, eps, tau) > 50, "%s: no row sums", problem);
  case_free(&c);
}

int main(void) {
  char line[1024];
  int rows = 0;
  CHECK(kernels_select(getenv("VGFM_KERNELS")) == 0, "no such kernels here");
  FILE *in = open_file(folder("VGFM_ORACLES", "tests/testthat/oracles"), "srot.csv");
  CHECK(in != NULL, "srot.csv is missing");
  if (in && fgets(line, sizeof line, in))
    for (; fgets(line, sizeof line, in); rows++) check_row(line);
  if (in) fclose(in);
  CHECK(rows == 13, "%d rows", rows);
  return check_report("test_uot_oracles");
}
