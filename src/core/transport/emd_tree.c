#include "transport/emd_tree.h"

void emd_tree_thread(emd_tree *tree, uint32_t *scratch) {
  emd_node *node = tree->node;
  uint32_t *next = tree->next;
  uint32_t nodes = tree->nodes;
  /* Children of each node as a list: first child in `last`, next sibling in `scratch`. */
  for (uint32_t k = 0; k < nodes; k++) node[k].last = EMD_NONE;
  for (uint32_t k = nodes; k-- > 0;) {
    uint32_t parent = node[k].parent;
    node[k].size = 1;
    if (parent == EMD_NONE) continue;
    scratch[k] = node[parent].last;
    node[parent].last = k;
  }
  /* Down to the first child if there is one; otherwise climb, closing each subtree on
   * the way, to the nearest node with a sibling. */
  uint32_t at = tree->root, before = at;
  for (;;) {
    uint32_t child = node[at].last;
    if (child == EMD_NONE) {
      uint32_t leaf = at;
      for (;;) {
        node[at].last = leaf;
        uint32_t parent = node[at].parent;
        if (parent == EMD_NONE) break;
        node[parent].size += node[at].size;
        if (scratch[at] != EMD_NONE) break;
        at = parent;
      }
      if (node[at].parent == EMD_NONE) break;
      child = scratch[at];
    }
    next[before] = child;
    node[child].prev = before;
    before = at = child;
  }
  next[before] = tree->root;
  node[tree->root].prev = before;
}

/* What a pivot is to do. */
typedef struct {
  uint32_t join;      /* nearest common ancestor of the entering arc's ends */
  uint32_t top;       /* the tree arc from here to its parent leaves */
  int64_t flow;       /* sent round the cycle */
  int source_side;    /* `top` lies between the entering source and the join */
} exchange;

/* Flow runs join -> source -> target -> join. Arcs run against are those to the parent of
 * sources on the source's side and of targets on the target's side. The last one to block
 * in that direction leaves. */
static exchange find_exchange(const emd_tree *tree, uint32_t source, uint32_t target) {
  const emd_node *node = tree->node;
  uint32_t sources = tree->sources, p = source, q = target;
  uint32_t source_top = EMD_NONE, target_top = EMD_NONE;
  int64_t source_flow = INT64_MAX, target_flow = INT64_MAX;
  while (p != q) {
    if (node[p].size < node[q].size) {
      if (p < sources && node[p].flow < source_flow) {
        source_flow = node[p].flow;
        source_top = p;
      }
      p = node[p].parent;
    } else {
      if (q >= sources && node[q].flow <= target_flow) {
        target_flow = node[q].flow;
        target_top = q;
      }
      q = node[q].parent;
    }
  }
  int source_side = source_flow < target_flow;
  return (exchange){ .join = p,
                     .top = source_side ? source_top : target_top,
                     .flow = source_side ? source_flow : target_flow,
                     .source_side = source_side };
}

static void send_flow(emd_tree *tree, uint32_t source, uint32_t target, exchange e) {
  emd_node *node = tree->node;
  uint32_t sources = tree->sources;
  for (uint32_t p = source; p != e.join; p = node[p].parent)
    node[p].flow += p < sources ? -e.flow : e.flow;
  for (uint32_t q = target; q != e.join; q = node[q].parent)
    node[q].flow += q < sources ? e.flow : -e.flow;
}

/* Cut the subtree at `top` out of the preorder and out of its ancestors' bookkeeping. */
static void detach(emd_tree *tree, uint32_t top, uint32_t join) {
  emd_node *node = tree->node;
  uint32_t *next = tree->next;
  uint32_t before = node[top].prev, last = node[top].last, after = next[last];
  next[before] = after;
  node[after].prev = before;
  for (uint32_t a = node[top].parent; a != EMD_NONE && node[a].last == last;
       a = node[a].parent)
    node[a].last = before;
  for (uint32_t a = node[top].parent; a != join; a = node[a].parent)
    node[a].size -= node[top].size;
}

/* Make `inner`, a node of the detached subtree at `top`, its root: arcs on the path
 * between them are turned round. The stretches of the preorder that hang off the path are
 * strung together in the order inner, parent of inner, ..., top. `flow` is the flow of
 * the arc that will hang `inner`. */
static void reroot(emd_tree *tree, uint32_t inner, uint32_t top, uint32_t parent,
                   int64_t flow) {
  emd_node *node = tree->node;
  uint32_t *next = tree->next;
  uint32_t total = node[top].size, path_end = node[top].parent;
  uint32_t tail = node[inner].last;            /* end of the new preorder so far */
  uint32_t old_prev = node[inner].prev, old_last = tail, old_size = node[inner].size;
  uint32_t child = inner, at = node[inner].parent;
  int64_t child_flow = node[inner].flow;
  node[inner].parent = parent;
  node[inner].flow = flow;
  node[inner].size = total;
  uint32_t rest = next[old_last];         /* what follows the child's subtree */
  while (at != path_end) {
    uint32_t at_prev = node[at].prev, at_last = node[at].last, at_size = node[at].size;
    uint32_t up = node[at].parent;
    int64_t at_flow = node[at].flow;
    next[tail] = at;
    node[at].prev = tail;
    tail = old_prev;
    if (at_last != old_last) {
      next[old_prev] = rest;
      node[rest].prev = old_prev;
      tail = at_last;
      rest = next[at_last];
    }
    node[at].parent = child;
    node[at].flow = child_flow;
    node[at].size = total - old_size;
    old_prev = at_prev;
    old_last = at_last;
    old_size = at_size;
    child_flow = at_flow;
    child = at;
    at = up;
  }
  for (uint32_t k = child; k != parent; k = node[k].parent) node[k].last = tail;
}

/* Hang the detached subtree at `inner` right behind its new parent. */
static void attach(emd_tree *tree, uint32_t inner, uint32_t join) {
  emd_node *node = tree->node;
  uint32_t *next = tree->next;
  uint32_t parent = node[inner].parent, tail = node[inner].last;
  uint32_t after = next[parent];
  next[parent] = inner;
  node[inner].prev = parent;
  next[tail] = after;
  node[after].prev = tail;
  for (uint32_t a = parent; a != EMD_NONE && node[a].last == parent; a = node[a].parent)
    node[a].last = tail;
  for (uint32_t a = parent; a != join; a = node[a].parent)
    node[a].size += node[inner].size;
}

static void raise_heights(emd_tree *tree, uint32_t first, uint32_t end, double by) {
  const uint32_t *next = tree->next;
  double *height = tree->height;
  for (uint32_t k = first; k != end; k = next[k]) height[k] += by;
}

int64_t emd_tree_pivot(emd_tree *tree, uint32_t source, uint32_t target,
                       double violation) {
  emd_node *node = tree->node;
  exchange e = find_exchange(tree, source, target);
  if (e.flow > 0) send_flow(tree, source, target, e);
  uint32_t inner = e.source_side ? source : target;
  uint32_t outer = e.source_side ? target : source;
  double by = e.source_side ? violation : -violation;
  detach(tree, e.top, e.join);
  reroot(tree, inner, e.top, outer, e.flow);
  attach(tree, inner, e.join);
  /* Only differences of heights matter: move whichever side of the cut is smaller. */
  uint32_t after = tree->next[node[inner].last];
  if (2 * node[inner].size <= tree->nodes) raise_heights(tree, inner, after, by);
  else raise_heights(tree, after, inner, -by);
  return e.flow;
}
