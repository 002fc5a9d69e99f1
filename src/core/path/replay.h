/* Rows that are kept: places, times, and a target for every head, as simulated paths
 * give them. What made them is none of training's business.
 *
 * Records stand in strata, such as the intervals between snapshots, which get equal
 * shares of a batch whatever the number of their records. */
#ifndef VGFM_REPLAY_H
#define VGFM_REPLAY_H

#include "path/rows.h"

typedef struct {
  const heads *heads;              /* that get targets */
  size_t strata;
  const size_t *offset;            /* (strata + 1) where each begins, from 0 */
  const float *input;              /* (records, d + 1) position, then time */
  const float *target[HEADS_MOST]; /* (records, outputs) values, not in units of a head */
  const float *weight[HEADS_MOST]; /* (records), at least 0; NULL: 1 each */
} replay;

/* STATUS_OK if rows can be drawn: every stratum has a record, every head a target. */
int replay_check(const replay *r);

/* Rows of these records, which must outlive the source. Row r belongs to stratum
 * r % strata, where all records are drawn alike. */
row_source replay_source(const replay *r);

#endif
