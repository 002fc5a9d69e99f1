#include "kernels/kernels.h"
#include <string.h>

/* In order of preference. A table without a name is not in this build. */
static const kernels *const tables[] = {
  &kernels_avx512, &kernels_avx2, &kernels_neon, &kernels_generic, &kernels_naive,
};
enum { TABLES = sizeof tables / sizeof *tables };

static const kernels *chosen;

static int runs_here(const kernels *table) {
  if (table->name == NULL) return 0;
#if defined(__x86_64__) && defined(__GNUC__)
  if (table == &kernels_avx512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("fma");
  if (table == &kernels_avx2)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return 1;
}

int kernels_select(const char *name) {
  for (int i = 0; i < TABLES; i++) {
    if (!runs_here(tables[i])) continue;
    if (name == NULL || *name == '\0' || strcmp(name, tables[i]->name) == 0) {
      chosen = tables[i];
      return 0;
    }
  }
  return 1;
}

const kernels *kernels_get(void) {
  if (chosen == NULL) kernels_select(NULL);
  return chosen;
}
