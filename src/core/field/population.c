#include "field/population.h"
#include "base/status.h"
#include "base/team.h"
#include "field/scratch.h"
#include <math.h>
#include <string.h>

typedef struct {
  const population *p;
  const field *f;
  population_end *out;
  double *x, *t;        /* (slots, d + 1), where cells are; (slots) when */
  double *drift;        /* (slots, d + 1) there, and growth of the network */
  size_t *origin;       /* (slots) starting cell */
  unsigned char *alive; /* (slots) */
  scratch *own;         /* (threads) */
  float *normal;        /* (threads, whole groups of d) */
  size_t step;
  double h;
  int status;
} run;

static size_t whole_groups(size_t d) {
  return (d + NORMALS_GROUP - 1) / NORMALS_GROUP * NORMALS_GROUP;
}

static void layout(arena *a, run *r, const population *p, const field *f, int threads) {
  size_t states = 0, dim = field_dim(f) + 1;
  if (size_mul(p->slots, dim, &states)) a->failed = 1;
  r->x = arena_take(a, states, sizeof(double));
  r->drift = arena_take(a, states, sizeof(double));
  r->t = arena_take(a, p->slots, sizeof(double));
  r->origin = arena_take(a, p->slots, sizeof(size_t));
  r->alive = arena_take(a, p->slots, 1);
  r->own = arena_take(a, (size_t)threads, sizeof(scratch));
  for (int i = 0; i < threads; i++) {
    scratch unused, *own = r->own ? r->own + i : &unused;
    scratch_layout(a, own, f);
  }
  r->normal = arena_take(a, (size_t)threads * whole_groups(field_dim(f)), sizeof(float));
}

size_t population_workspace(const population *p, const field *f, int threads) {
  arena a = {0};
  run r = {0};
  layout(&a, &r, p, f, threads);
  return arena_size(&a);
}

/* One step of a tile of slots. Empty ones move too: nobody looks at them. */
static void move_tile(void *context, size_t tile, int rank) {
  run *r = context;
  const population *p = r->p;
  size_t d = field_dim(r->f), dim = d + 1, first = tile * MLP_TILE;
  size_t count = p->slots - first < MLP_TILE ? p->slots - first : MLP_TILE;
  float *normal = r->normal + (size_t)rank * whole_groups(d);
  double spread = p->sigma * sqrt(fabs(r->h));
  scratch_derivative(r->drift + first * dim, r->x + first * dim, r->t + first, count,
                     r->own + rank);
  for (size_t i = first; i < first + count; i++) {
    const uint32_t counter[4] = {0, (uint32_t)r->step, (uint32_t)i, RNG_PATH};
    double *x = r->x + i * dim;
    const double *learned = r->drift + i * dim;
    kernels_get()->normals(normal, whole_groups(d), counter, p->key);
    for (size_t c = 0; c < d; c++) {
      double drift = p->reference[c] + (p->learned ? learned[c] : 0);
      x[c] += r->h * drift + spread * normal[c];
    }
  }
}

/* No cell has more children in a step than e^7, whatever its rate. */
static const double most_gain = 7;

/* Children of a cell whose expected mass after the step is exp(gain), by a uniform. */
static size_t children(double gain, double uniform) {
  double mean = expm1(gain), whole = floor(mean);
  return (size_t)whole + (uniform < mean - whole);
}

/* A child of cell i, in the next slot empty from `slot` on; 0 if there is none. */
static int bear(run *r, size_t i, size_t *slot) {
  size_t dim = field_dim(r->f) + 1;
  while (*slot < r->p->slots && r->alive[*slot]) ++*slot;
  if (*slot == r->p->slots) return 0;
  memcpy(r->x + *slot * dim, r->x + i * dim, dim * sizeof(double));
  r->origin[*slot] = r->origin[i];
  r->alive[*slot] = 1 + (*slot > i); /* 2: it has its own turn in the next step */
  return 1;
}

static void live_on(run *r, size_t i, size_t *slot) {
  const population *p = r->p;
  size_t dim = field_dim(r->f) + 1;
  const uint32_t counter[4] = {(uint32_t)r->step, (uint32_t)i, 0, RNG_PICK};
  uint32_t word[4];
  double gain = r->h * (p->factor * r->drift[i * dim + dim - 1] + p->constant);
  if (!isfinite(gain)) r->status = STATUS_NOT_FINITE;
  if (i < p->living && r->out->log_mass) r->out->log_mass[i] += gain;
  if (!p->births || r->status != STATUS_OK) return;
  rng_philox(word, counter, p->key);
  double uniform = rng_uniform(word[0]);
  if (gain < 0) {
    r->alive[i] = uniform >= -expm1(gain);
    return;
  }
  for (size_t born = children(fmin(gain, most_gain), uniform); born > 0; born--)
    if (!bear(r, i, slot)) r->out->refused++;
}

/* Births and deaths of a step, by the rates where cells began it. */
static void turn_over(run *r) {
  const population *p = r->p;
  size_t slot = 0;
  for (size_t i = 0; i < p->slots; i++) {
    if (r->alive[i] == 2) r->alive[i] = 1;
    else if (r->alive[i]) live_on(r, i, &slot);
  }
}

static void run_steps(team *by, void *context) {
  run *r = context;
  const population *p = r->p;
  size_t tiles = (p->slots + MLP_TILE - 1) / MLP_TILE;
  for (r->step = 0; r->step < p->steps; r->step++) {
    if (p->interrupted && p->interrupted(p->interrupted_data)) {
      r->status = STATUS_INTERRUPTED;
      return;
    }
    double now = p->from + (double)r->step * r->h;
    for (size_t i = 0; i < p->slots; i++) r->t[i] = now;
    team_for(by, tiles, move_tile, r);
    turn_over(r);
    if (r->status != STATUS_OK) return;
  }
}

static int fits(const population *p, const field *f) {
  return p->living > 0 && p->living <= p->slots && p->slots <= UINT32_MAX &&
         p->steps > 0 && p->steps <= UINT32_MAX && p->from != p->to &&
         isfinite(p->from) && isfinite(p->to) && p->sigma >= 0 && isfinite(p->sigma) &&
         isfinite(p->factor) && isfinite(p->constant) && !heads_check(&f->heads);
}

int population_run(population_end *out, const population *p, const field *f, int threads,
                   void *workspace, size_t workspace_bytes) {
  if (!fits(p, f) || threads < 1) return STATUS_BAD_ARGUMENT;
  run r = {.p = p, .f = f, .out = out, .h = (p->to - p->from) / (double)p->steps};
  arena a = arena_over(workspace, workspace_bytes);
  layout(&a, &r, p, f, threads);
  if (!arena_ok(&a)) return STATUS_NO_SPACE;
  size_t d = field_dim(f), dim = d + 1;
  memset(r.x, 0, p->slots * dim * sizeof(double));
  for (size_t i = 0; i < p->living; i++) {
    memcpy(r.x + i * dim, p->start + i * d, d * sizeof(double));
    if (out->log_mass) out->log_mass[i] = 0;
  }
  for (size_t i = 0; i < p->slots; i++) {
    r.origin[i] = i;
    r.alive[i] = i < p->living;
  }
  out->living = out->refused = 0;
  kernels_get(); /* chosen here, before threads ask for it */
  team_run(threads, run_steps, &r);
  for (size_t i = 0; i < p->slots; i++) {
    if (!r.alive[i]) continue;
    memcpy(out->end + out->living * d, r.x + i * dim, d * sizeof(double));
    out->origin[out->living++] = r.origin[i];
    for (size_t c = 0; c < d; c++)
      if (r.status == STATUS_OK && !isfinite(r.x[i * dim + c]))
        r.status = STATUS_NOT_FINITE;
  }
  return r.status;
}
