/* Prints the kernel tables that this processor and build have, one a line. */
#include "kernels/kernels.h"
#include <stdio.h>

int main(void) {
  static const char *const names[] = {"naive", "generic", "neon", "avx2", "avx512"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (kernels_select(names[i]) == 0) puts(names[i]);
  return 0;
}
