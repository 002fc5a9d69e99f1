/* Distribution fitting: all starting cells are rolled out through all observed times, and
 * the parameters follow the gradient of
 *
 *   mean over times of W1(weighted cloud, snapshot) + mass_weight * (mass error)^2
 *   + anchor * matching loss
 *   + mean over starting cells of integral w (energy |v|^2 + energy_growth g^2) dt,
 *
 * W1 the exact Wasserstein-1 distance with normalised weights. By the envelope theorem
 * its derivative by a position is that of the optimal plan's cost, and its derivative by
 * a weight is the Kantorovich potential (Peyre and Cuturi 2019, section 9.1), so that
 * the growth network learns from the shape of the cloud as well as from its mass. */
#ifndef VGFM_FIT_H
#define VGFM_FIT_H

#include "path/rows.h"
#include "nn/trainer.h"
#include "train/rollout.h"

typedef struct {
  size_t d, times;       /* features; observed times, the first included */
  const double *cells;   /* (cells of all snapshots, d) */
  const size_t *offset;  /* (times + 1) where each snapshot begins */
  const double *mass;    /* (times) relative to the first */
  size_t boundaries;     /* of integration steps, the first time included */
  const double *boundary;/* (boundaries) times */
  const size_t *observed_step; /* (times) boundary that each observed time is */
} fit_problem;

typedef struct {
  size_t most_start, most_target; /* cells that take part in a round, drawn anew */
  size_t folds; /* of the cells of a later snapshot: one sits out a round and judges it,
                 * in turn, if there is more than one */
  uint64_t warm_up; /* steps in which the learning rate rises to its course: Adam's
                     * first ones know no scale yet */
  size_t parts;                   /* of the starting cells; one step of Adam each */
  double mass_weight, anchor;
  double energy, energy_growth; /* of all cells from the first time to the last */
  size_t batch;                   /* rows of the anchor */
  uint64_t total_rounds;
  double learning_rate, rate_floor, clip;
  rng_key key;
  int threads;
  int (*interrupted)(void *); /* polled on the calling thread; NULL: never */
  void *interrupted_data;
} fit_options;

size_t fit_workspace(const heads *h, const fit_problem *problem, const row_source *anchor,
                     const fit_options *options);

/* Rounds `from` ... `from` + `rounds` - 1 of the schedule, in place. A round makes the
 * optimal plans, which stand while one part of the starting cells after the other is
 * rolled out and gives a step. Of each round, losses (rounds, 2) gets, before it, the
 * mean W1 to the fold that sits it out and the mean relative mass error. The result does
 * not depend on how a schedule is cut, nor on the number of threads. Unless it is OK, it
 * leaves the networks as they were. A model without growth is refused. `anchor` has rows
 * for the matching loss of all heads; NULL, where that weighs nothing. */
int fit_run(heads *h, double *losses, uint64_t from, uint64_t rounds,
            const fit_problem *problem, const row_source *anchor,
            const fit_options *options, void *workspace, size_t workspace_bytes);

#endif
