/* Rows from couplings: pairs of cells, and paths between them.
 *
 * A method decides which cells are paired (the plans), how mass changes on the way (the
 * gains) and how a pair is joined (the path). Training sees rows.h only. */
#ifndef VGFM_PAIRS_H
#define VGFM_PAIRS_H

#include "path/interpolant.h"
#include "path/path.h"
#include "path/rows.h"
#include "transport/plan.h"

/* K + 1 snapshots and the K plans between neighbours.
 *
 * Between the ends of a pair (i, j) mass changes by the factor e^q,
 * q = gain_source[i] + gain_target[j]; either is NULL where that side keeps its marginal.
 * What the pairs of a source have of mass at their end is e^log_ends[i] for a source of
 * mass 1: gain_source itself where gain_target is NULL. */
typedef struct {
  size_t d, intervals;
  const heads *heads;         /* that get targets; NULL for hermite.h alone */
  const float *cells;         /* (cells of all snapshots, d), snapshot after snapshot */
  const size_t *offset;       /* (intervals + 1) row of each snapshot's first cell */
  const double *times;        /* (intervals + 1) */
  const plan *plans;          /* (intervals) accumulated */
  const plan *rows;           /* (intervals) the same by source, of plan_transpose() */
  const double *const *sums;  /* (intervals) of plan_target_sums(), NULL where targets are
                               * all alike; NULL if they are so everywhere */
  const double *gain_source;  /* (cells of all sources) */
  const double *gain_target;  /* (cells of all targets) */
  const double *log_ends;     /* (cells of all sources); NULL: 0 */
  const double *log_growth;   /* (cells of all sources) log mass that growth is to make of
                               * 1 within the interval; NULL: what the
                               * path says, as it must be if that is not constant */
  const double *growth;       /* (intervals) mean of e^log_ends */
  const double *trust;        /* (intervals) factor of the weight of growth */
  const float *slope_jump;    /* (cells, d) of hermite.h; NULL: straight lines */
  const float *lean;          /* (cells) of hermite.h; NULL: straight lines */
  double bend, pooling;       /* in [0, 1], see hermite.h */
  const path *path;           /* how a pair is joined */
  const interpolant *learned; /* of a path that reads it */
  const double *sigma, *delta; /* (intervals) its parameters, see path.h; NULL: 0 */
  double wide;                /* noise of a few rows that weigh little */
} pairs;

/* STATUS_OK if rows can be drawn: heads of d features for which these pairs have
 * targets. */
int pairs_check(const pairs *p);

/* Rows of these pairs, which must outlive the source. Row r belongs to interval
 * r % intervals; a pair is drawn from its plan and a time s ~ U(0, 1) on the path, evenly
 * spread over the rows of a step.
 *
 * Half of the rows draw a target, by its mass, and one of its sources; the other half
 * draw a source, all alike, and one of its targets. Source i comes up in proportion to
 * (growth + r_i) / 2, r_i = e^log_ends[i], so that cells with hardly a descendant are
 * taught too. A row weighs what the pair has of mass at s over that density:
 * m(s) / m(1) * r_i over (growth + r_i) / 2. Where mass changes at the source alone, and
 * at a constant rate, that is r_i^s over it, at most 2 for r_i >= 1, 2 / growth else;
 * where it does not change, 1. A source without entries in `rows` stays where it is.
 *
 * One row in eight is wide: it teaches, with little weight, that cells beside the data
 * do what the nearest ones do. Without it a network goes on linearly there, and cells
 * that leave the cloud fly off. */
row_source pairs_source(const pairs *p);

#endif
