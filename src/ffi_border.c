/* What R hands over is looked at here, once: type, length and range of every element,
 * before core sees a pointer. A fault is an R error that names the element, raised while
 * no memory or thread of core is in use. */
#include "ffi.h"
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void refuse(const char *format, ...) {
  char reason[400];
  va_list values;
  va_start(values, format);
  vsnprintf(reason, sizeof reason, format, values);
  va_end(values);
  SEXP package = PROTECT(Rf_mkString("vgfm"));
  SEXP home = PROTECT(R_FindNamespace(package));
  SEXP text = PROTECT(Rf_mkString(reason));
  SEXP call = PROTECT(Rf_lang2(Rf_install("abort_border"), text));
  Rf_eval(call, home);
  Rf_error("%s", reason); /* abort_border() does not return */
}

/* --- lists ------------------------------------------------------------------------ */

SEXP list_get(SEXP list, const char *name) {
  if (TYPEOF(list) != VECSXP) return R_NilValue;
  SEXP names = Rf_getAttrib(list, R_NamesSymbol);
  if (TYPEOF(names) != STRSXP) return R_NilValue;
  for (R_xlen_t i = 0; i < Rf_xlength(list); i++)
    if (strcmp(CHAR(STRING_ELT(names, i)), name) == 0) return VECTOR_ELT(list, i);
  return R_NilValue;
}

r_list list_at(SEXP list, const char *name) {
  r_list out = {.list = list};
  snprintf(out.name, sizeof out.name, "%s", name);
  if (TYPEOF(list) != VECSXP) refuse("`%s` is no list", out.name);
  return out;
}

r_list list_in(r_list parent, const char *name) {
  char path[sizeof parent.name + 64];
  snprintf(path, sizeof path, "%s$%s", parent.name, name);
  return list_at(list_get(parent.list, name), path);
}

r_list list_item(r_list parent, R_xlen_t place) {
  char path[sizeof parent.name + 64];
  snprintf(path, sizeof path, "%s[[%ld]]", parent.name, (long)place + 1);
  return list_at(VECTOR_ELT(parent.list, place), path);
}

R_xlen_t list_length(r_list list) { return Rf_xlength(list.list); }

static void path_of(char *path, size_t size, r_list list, const char *name) {
  snprintf(path, size, "%s$%s", list.name, name);
}

enum { PATH = sizeof ((r_list *)0)->name + 64 };

double *list_doubles(r_list list, const char *name, size_t length) {
  char path[PATH];
  path_of(path, sizeof path, list, name);
  return doubles_of(list_get(list.list, name), path, length);
}

void *list_bytes(r_list list, const char *name, size_t bytes) {
  SEXP x = list_get(list.list, name);
  if (TYPEOF(x) != RAWSXP)
    refuse("`%s$%s` is of type %s, not raw", list.name, name, Rf_type2char(TYPEOF(x)));
  if ((size_t)Rf_xlength(x) != bytes)
    refuse("`%s$%s` has %zu bytes, not %zu", list.name, name, (size_t)Rf_xlength(x),
           bytes);
  return RAW(x);
}

double list_number(r_list list, const char *name, double min, double max) {
  char path[PATH];
  path_of(path, sizeof path, list, name);
  return number_of(list_get(list.list, name), path, min, max);
}

size_t list_size(r_list list, const char *name, size_t min, size_t max) {
  char path[PATH];
  path_of(path, sizeof path, list, name);
  return size_of(list_get(list.list, name), path, min, max);
}

const char *list_text(r_list list, const char *name) {
  SEXP x = list_get(list.list, name);
  if (TYPEOF(x) != STRSXP || Rf_xlength(x) != 1 || STRING_ELT(x, 0) == NA_STRING)
    refuse("`%s$%s` is no text", list.name, name);
  return CHAR(STRING_ELT(x, 0));
}

/* --- values ----------------------------------------------------------------------- */

double *doubles_of(SEXP x, const char *name, size_t length) {
  if (TYPEOF(x) != REALSXP)
    refuse("`%s` is of type %s, not double", name, Rf_type2char(TYPEOF(x)));
  if (length != ANY && (size_t)Rf_xlength(x) != length)
    refuse("`%s` has %zu number%s, not %zu", name, (size_t)Rf_xlength(x),
           Rf_xlength(x) == 1 ? "" : "s", length);
  return REAL(x);
}

double *matrix_of(SEXP x, const char *name, size_t rows, size_t columns) {
  double *out = doubles_of(x, name, ANY);
  if (!Rf_isMatrix(x)) refuse("`%s` is no matrix", name);
  size_t r = (size_t)Rf_nrows(x), c = (size_t)Rf_ncols(x);
  if ((rows != ANY && r != rows) || (columns != ANY && c != columns))
    refuse("`%s` is %zu x %zu, not %zu x %zu", name, r, c, rows == ANY ? r : rows,
           columns == ANY ? c : columns);
  return out;
}

double number_of(SEXP x, const char *name, double min, double max) {
  if ((TYPEOF(x) != REALSXP && TYPEOF(x) != INTSXP) || Rf_xlength(x) != 1)
    refuse("`%s` is no number, but %s of length %zu", name, Rf_type2char(TYPEOF(x)),
           (size_t)Rf_xlength(x));
  double value = Rf_asReal(x);
  if (!(value >= min && value <= max) || !isfinite(value))
    refuse("`%s` is %g, not a number from %g to %g", name, value, min, max);
  return value;
}

size_t size_of(SEXP x, const char *name, size_t min, size_t max) {
  double value = number_of(x, name, (double)min, (double)max);
  if (value != floor(value)) refuse("`%s` is %g, not a whole number", name, value);
  return (size_t)value;
}

int flag_of(SEXP x, const char *name) {
  int value = TYPEOF(x) == LGLSXP && Rf_xlength(x) == 1 ? LOGICAL(x)[0] : NA_LOGICAL;
  if (value == NA_LOGICAL) refuse("`%s` is neither TRUE nor FALSE", name);
  return value;
}

/* --- structures that many share --------------------------------------------------- */

rng_key key_from(SEXP key) {
  const double *word = doubles_of(key, "key", 2);
  for (int i = 0; i < 2; i++)
    if (!(word[i] >= 0 && word[i] <= UINT32_MAX))
      refuse("`key` has %g, not a whole number of 32 bits", word[i]);
  return (rng_key){{(uint32_t)word[0], (uint32_t)word[1]}};
}

mlp_shape shape_from(r_list list) {
  mlp_shape shape = {
    .inputs = list_size(list, "inputs", 1, MLP_UNITS),
    .outputs = list_size(list, "outputs", 1, MLP_UNITS),
    .width = list_size(list, "width", 1, MLP_UNITS),
    .hidden = list_size(list, "hidden", 1, MLP_HIDDEN),
    .act = (activation)list_size(list, "activation", 0, ACTIVATION_TANH),
  };
  if (mlp_check(&shape)) refuse("`%s` is no network", list.name);
  return shape;
}

static const char *const head_names[HEAD_KINDS] = {"velocity", "growth", "score",
                                                  "potential"};

head head_from(r_list network, head_kind kind, int moments) {
  head h = {
    .kind = kind,
    .shape = shape_from(list_in(network, "shape")),
    .offset = list_number(network, "offset", -DBL_MAX, DBL_MAX),
    .scale = list_number(network, "scale", DBL_MIN, DBL_MAX),
  };
  size_t parameters = mlp_parameters(&h.shape);
  h.weights = list_doubles(network, "weights", parameters);
  if (moments) {
    h.first = list_doubles(network, "first", parameters);
    h.second = list_doubles(network, "second", parameters);
  }
  return h;
}

heads heads_from(r_list list, int moments) {
  heads h = {.head = workspace(HEAD_KINDS * sizeof(head))};
  for (head_kind kind = 0; kind < HEAD_KINDS; kind++)
    if (list_get(list.list, head_names[kind]) != R_NilValue)
      h.head[h.count++] = head_from(list_in(list, head_names[kind]), kind, moments);
  if (h.count == 0) refuse("`%s` has no networks", list.name);
  h.d = h.head[0].kind == HEAD_VELOCITY ? h.head[0].shape.outputs
                                        : h.head[0].shape.inputs - 1;
  if ((size_t)list_length(list) != h.count)
    refuse("`%s` has %zu networks, of which %zu are known", list.name,
           (size_t)list_length(list), h.count);
  if (heads_check(&h)) refuse("the networks of `%s` do not go together", list.name);
  return h;
}

size_t *sizes_from(r_list list, const char *name, size_t count, size_t most) {
  const double *value = list_doubles(list, name, count);
  size_t *out = workspace(count * sizeof *out);
  for (size_t i = 0; i < count; i++) {
    if (!(value[i] >= 0 && value[i] <= (double)most) || value[i] != floor(value[i]))
      refuse("`%s$%s` has %g, not a whole number up to %zu", list.name, name, value[i],
             most);
    out[i] = (size_t)value[i];
  }
  return out;
}

void check_increasing(const double *value, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (!isfinite(value[i]) || (i > 0 && !(value[i] > value[i - 1])))
      refuse("`%s` does not increase: %g", name, value[i]);
}
