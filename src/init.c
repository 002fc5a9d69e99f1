#include "ffi.h"
#include <R_ext/Rdynload.h>
#include <R_ext/Visibility.h>

#define ROUTINE(name, args) {#name, (DL_FUNC) &name, args}

static const R_CallMethodDef routines[] = {
  ROUTINE(ffi_status_message, 1),
  ROUTINE(ffi_runtime, 1),
  ROUTINE(ffi_check_interrupt, 0),
  ROUTINE(ffi_caught, 0),
  ROUTINE(ffi_standard, 5),
  ROUTINE(ffi_uniform, 3),
  ROUTINE(ffi_network_init, 3),
  ROUTINE(ffi_slopes, 1),
  ROUTINE(ffi_copy, 1),
  ROUTINE(ffi_path_run, 4),
  ROUTINE(ffi_match_run, 4),
  ROUTINE(ffi_fit_run, 4),
  ROUTINE(ffi_density_run, 4),
  ROUTINE(ffi_field_evaluate, 4),
  ROUTINE(ffi_field_gradient, 5),
  ROUTINE(ffi_field_advance, 6),
  ROUTINE(ffi_field_simulate, 8),
  ROUTINE(ffi_population, 4),
  ROUTINE(ffi_replay_run, 4),
  ROUTINE(ffi_nearest, 4),
  ROUTINE(ffi_gaussian_distance, 4),
  ROUTINE(ffi_couple, 5),
  ROUTINE(ffi_plan_dense, 6),
  ROUTINE(ffi_plan_entries, 3),
  ROUTINE(ffi_emd, 5),
  {NULL, NULL, 0},
};

void attribute_visible R_init_vgfm(DllInfo *dll) {
  R_registerRoutines(dll, NULL, routines, NULL, NULL);
  R_useDynamicSymbols(dll, FALSE);
  R_forceSymbols(dll, TRUE);
}
