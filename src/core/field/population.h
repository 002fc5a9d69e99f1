/* A population on stochastic paths between two times, with births and deaths:
 *
 *   dx = (reference + b(x, t)) dt + sigma dW,
 *   dlog mass / dt = factor g(x, t) + constant,
 *
 * forwards, or backwards in time where `to` is before `from`: then
 * dx = -(reference + b) dt with time running back, and births and deaths change places. b
 * is the head `velocity` of a field, g its head `growth`, 0 where it has none.
 *
 * Steps are Euler's (Maruyama 1955). In a step of length h a cell of rate r dies with
 * probability 1 - exp(-|r| h), or has exp(r h) - 1 children on average, which begin where
 * it is. Both make its expected mass exp(r h). A population lives in slots: children take
 * those that are empty. What is left over when all are taken is counted. */
#ifndef VGFM_POPULATION_H
#define VGFM_POPULATION_H

#include "field/field.h"
#include "base/rng.h"

typedef struct {
  size_t slots, living, steps; /* `living` of the slots at the start, the first ones */
  double from, to, sigma;
  const double *start;         /* (living, d) */
  const double *reference;     /* (d) drift beside that of the network */
  int learned;                 /* 0: the drift is the reference alone */
  double factor, constant;     /* of the growth rate, forward in time */
  int births;                  /* 0: nobody is born or dies, masses are summed up only */
  rng_key key;
  int (*interrupted)(void *);  /* polled on the calling thread; NULL: never */
  void *interrupted_data;
} population;

typedef struct {
  double *end;      /* (slots, d) where the living are at the end, one after the other, */
  size_t *origin;   /* (slots) and the starting cell that each descends from */
  double *log_mass; /* (living) log mass that the growth rate gives along the path of each
                     * starting cell; of use without births only */
  size_t living;    /* at the end */
  size_t refused;   /* children without a slot */
} population_end;

/* Workspace in bytes for up to `threads` threads; 0 if it overflows. */
size_t population_workspace(const population *p, const field *f, int threads);

/* Runs the population. Its noise is a function of (key, slot, step), so the result does
 * not depend on `threads`. */
int population_run(population_end *out, const population *p, const field *f, int threads,
                   void *workspace, size_t workspace_bytes);

#endif
