#include "base/status.h"

static const char *const messages[STATUS_COUNT] = {
  "success",
  "an argument is outside its documented range",
  "sizes disagree or are too large",
  "a value is not finite",
  "the iteration limit was reached before convergence",
  "the workspace is too small",
  "interrupted",
  "differences are lost in rounding beside the largest values",
  "cells that must be paired have no partner in reach",
};

const char *status_message(int code) {
  return code >= 0 && code < STATUS_COUNT ? messages[code] : "unknown status";
}
