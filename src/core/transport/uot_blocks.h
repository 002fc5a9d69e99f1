/* Entropic transport (uot.h) between clouds whose n * m costs are too many: both are
 * dealt into blocks, and each block is solved exactly. Every point takes part once.
 *
 * A block is a sample of both clouds, so that row sums are those of the whole problem but
 * for sampling noise, which they pass on to nobody: the growth field averages over
 * neighbours, who sit in different blocks. The noise is made small by stratifying. Each
 * cloud is cut into compact strata of as many points as there are blocks, and every block
 * gets one point of each. (Measured, 8000 x 8000 points in 50 dimensions, a branching
 * population: log row sums of blocks of 500 correlate with those of the whole as 0.993;
 * of blocks dealt without strata as 0.952, and those need 2000 points for 0.993.)
 * Where the whole plan would pair a source with a target of another block, a near
 * neighbour stands in: a pair is as long as the spacing of points in a block makes it. */
#ifndef VGFM_UOT_BLOCKS_H
#define VGFM_UOT_BLOCKS_H

#include "base/rng.h"
#include "transport/uot.h"

typedef struct {
  size_t blocks;      /* at most n and m */
  rng_key key;        /* decides, with the stream, ... */
  uint32_t stream;    /* ... who is in which block */
} uot_split;

/* Points in a block, and the first of them in a list of `count`, block after block. */
static inline size_t uot_block_size(size_t count, size_t blocks, size_t block) {
  return count / blocks + (block < count % blocks);
}
static inline size_t uot_block_first(size_t count, size_t blocks, size_t block) {
  size_t more = count % blocks;
  return block * (count / blocks) + (block < more ? block : more);
}

/* member (count): the points of each block, in increasing order, block after block; a
 * function of the points and (key, stream, side). scratch (3 count). */
void uot_deal(uint32_t *member, const double *point, size_t count, size_t d,
              const uot_split *split, uint32_t side, uint32_t *scratch);

/* As uot_workspace() and uot_solve(). The block under way on a thread is all that is in
 * memory of n * m; as many are under way as there are threads and as
 * `options->memory` allows. The plan has options->capacity entries or one for each
 * target. Marginals of an infinite tau are exact, but for both: then a is, within a
 * block, up to the factor that gives the block's sources the mass of its targets.
 * Potentials hold within a block only. Cells may be alone in their block only: they
 * count. Of a result, costs, steps, entries and counts are summed, the others are those
 * of the worst block. One block is the problem itself, to the bit. */
size_t uot_blocks_workspace(const uot_problem *problem, const uot_options *options,
                            const uot_split *split);
int uot_blocks_solve(const uot_solution *out, plan *sparse, uot_result *result,
                     const uot_problem *problem, const uot_options *options,
                     const uot_split *split, void *workspace, size_t bytes);

#endif
