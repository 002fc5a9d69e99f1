#include "ffi_training.h"
#include "field/population.h"
#include "path/replay.h"
#include <float.h>
#include <string.h>

/* problem: list(start (d, living), slots, steps, from, to, sigma, reference (d), learned,
 * factor, constant, births) -> list(status, end (d, n), origin (n) from 1, log_mass
 * (living), refused), see population.h */
SEXP ffi_population(SEXP learned, SEXP problem, SEXP key, SEXP threads) {
  const char *const names[] = {"status", "end", "origin", "log_mass", "refused"};
  field f = field_from(learned);
  r_list list = list_at(problem, "problem");
  int n_threads = (int)size_of(threads, "threads", 1, THREADS);
  size_t d = field_dim(&f);
  SEXP start = list_get(list.list, "start");
  population p = {
    .start = matrix_of(start, "start", d, ANY),
    .living = (size_t)Rf_ncols(start),
    .slots = list_size(list, "slots", 1, INT32_MAX),
    .steps = list_size(list, "steps", 1, INT32_MAX),
    .from = list_number(list, "from", -DBL_MAX, DBL_MAX),
    .to = list_number(list, "to", -DBL_MAX, DBL_MAX),
    .sigma = list_number(list, "sigma", 0, DBL_MAX),
    .reference = list_doubles(list, "reference", d),
    .learned = flag_of(list_get(list.list, "learned"), "learned"),
    .factor = list_number(list, "factor", -DBL_MAX, DBL_MAX),
    .constant = list_number(list, "constant", -DBL_MAX, DBL_MAX),
    .births = flag_of(list_get(list.list, "births"), "births"),
    .key = key_from(key),
    .interrupted = user_interrupted,
  };
  size_t bytes = population_workspace(&p, &f, n_threads), values = 0;
  if (size_mul(p.slots, d * sizeof(double), &values)) refuse("too many slots");
  void *block = workspace(bytes);
  population_end out = {.end = workspace(values),
                        .origin = workspace(p.slots * sizeof(size_t))};

  SEXP result = PROTECT(list_make(5, names));
  SET_VECTOR_ELT(result, 3, Rf_allocVector(REALSXP, (R_xlen_t)p.living));
  out.log_mass = REAL(VECTOR_ELT(result, 3));
  int status = population_run(&out, &p, &f, n_threads, block, bytes);
  SET_VECTOR_ELT(result, 0, Rf_ScalarInteger(status));
  SET_VECTOR_ELT(result, 1, Rf_allocMatrix(REALSXP, (int)d, (int)out.living));
  SET_VECTOR_ELT(result, 2, Rf_allocVector(REALSXP, (R_xlen_t)out.living));
  if (out.living > 0)
    memcpy(REAL(VECTOR_ELT(result, 1)), out.end, out.living * d * sizeof(double));
  for (size_t i = 0; i < out.living; i++)
    REAL(VECTOR_ELT(result, 2))[i] = (double)out.origin[i] + 1;
  SET_VECTOR_ELT(result, 4, Rf_ScalarReal((double)out.refused));
  UNPROTECT(1);
  return result;
}

/* One list of raw vectors of a replay: values of so many bytes for every head. */
static const float *values_of(r_list list, size_t place, size_t bytes) {
  SEXP one = VECTOR_ELT(list.list, (R_xlen_t)place);
  if (TYPEOF(one) != RAWSXP || (size_t)Rf_xlength(one) != bytes)
    refuse("`%s` has no %zu bytes in element %zu", list.name, bytes, place + 1);
  return (const float *)RAW(one);
}

static r_list one_a_head(r_list parent, const char *name, const heads *h) {
  r_list list = list_in(parent, name);
  if ((size_t)list_length(list) != h->count)
    refuse("`%s` are %zu, not %zu", list.name, (size_t)list_length(list), h->count);
  return list;
}

/* replay: list(offset, input, targets, weights), the last two lists of a raw vector for
 * each head, weights perhaps NULL; see replay.h */
static replay replay_from(r_list list, const heads *h) {
  SEXP offset = list_get(list.list, "offset");
  size_t ends = (size_t)Rf_xlength(offset);
  if (ends < 2) refuse("`%s$offset` has no stratum", list.name);
  replay r = {.heads = h, .strata = ends - 1,
              .offset = sizes_from(list, "offset", ends, INT32_MAX)};
  size_t records = r.offset[r.strata];
  r.input = list_bytes(list, "input", records * (h->d + 1) * sizeof(float));
  r_list targets = one_a_head(list, "targets", h);
  for (size_t i = 0; i < h->count; i++) {
    size_t bytes = records * h->head[i].shape.outputs * sizeof(float);
    r.target[i] = values_of(targets, i, bytes);
  }
  if (list_get(list.list, "weights") != R_NilValue) {
    r_list weights = one_a_head(list, "weights", h);
    for (size_t i = 0; i < h->count; i++)
      r.weight[i] = values_of(weights, i, records * sizeof(float));
  }
  if (replay_check(&r)) refuse("`%s` has no rows for the networks", list.name);
  return r;
}

/* `steps` steps more of a training_state: list(status) */
SEXP ffi_replay_run(SEXP state, SEXP records, SEXP options, SEXP steps) {
  training_state s = state_from(list_at(state, "training"), 0);
  replay r = replay_from(list_at(records, "replay"), &s.heads);
  row_source source = replay_source(&r);
  return match_more(&s, &source, NULL, options, steps);
}
