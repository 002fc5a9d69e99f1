/* The spanning tree of the transportation simplex, and its pivots.
 *
 * Nodes 0 .. n-1 are sources, n .. n+m-1 targets; any may be the root. A tree arc joins a
 * node to its parent and always carries flow from the source end to the target end, so
 * it needs no direction of its own. The tree is kept in preorder ("thread"), with subtree
 * sizes and last descendants, so that a subtree is one stretch of a circular list
 * (Barr, Glover and Klingman 1979, INFOR 17). Flows are integers: degenerate pivots are
 * recognised exactly and marginals never drift.
 *
 * The tree is strongly feasible: flow can be sent from every node to the root, that is,
 * an arc without flow hangs a source below a target. Choosing the leaving arc as
 * Cunningham (1976, Math. Programming 11) prescribes keeps it so and forbids cycling. */
#ifndef VGFM_EMD_TREE_H
#define VGFM_EMD_TREE_H

#include <stddef.h>
#include <stdint.h>

#define EMD_NONE UINT32_MAX

typedef struct {
  uint32_t parent;       /* EMD_NONE at the root */
  uint32_t prev;         /* the node before this one in preorder, circular */
  uint32_t last;         /* last node of the subtree, in preorder */
  uint32_t size;         /* nodes in the subtree, itself included */
  int64_t flow;          /* on the arc to the parent */
} emd_node;

typedef struct {
  uint32_t sources, nodes;
  uint32_t root;
  emd_node *node;        /* (nodes) */
  uint32_t *next;        /* (nodes) the node after each in preorder, circular; apart from
                          * the rest because walking along it takes most of the time */
  double *height;        /* (nodes) potential u of a source, -v of a target; an arc has
                          * reduced cost c - height[source] + height[target] */
} emd_tree;

/* Given parents, flows and root, fill in preorder and sizes. `scratch` is (nodes). */
void emd_tree_thread(emd_tree *tree, uint32_t *scratch);

/* Bring arc (source, target) of negative reduced cost `violation` into the tree.
 * Returns the flow that was sent round the cycle (0: a degenerate pivot). */
int64_t emd_tree_pivot(emd_tree *tree, uint32_t source, uint32_t target,
                       double violation);

#endif
