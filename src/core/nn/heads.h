/* The networks of a model: one head for each quantity that is learned, in the order in
 * which R names them. */
#ifndef VGFM_HEADS_H
#define VGFM_HEADS_H

#include "nn/mlp.h"

/* Heads of a model stand in this order, each kind at most once. There is a velocity,
 * unless a potential is trained by itself; and a score or a potential, not both. */
typedef enum {
  HEAD_VELOCITY, /* (d) dx/dt at a place and time */
  HEAD_GROWTH,   /* (1) dlog w/dt; may do without the time */
  HEAD_SCORE,    /* (d) half the variance per time of the noise, times grad log density */
  HEAD_POTENTIAL, /* (1) whose gradient by the place is the score; see potential.h */
  HEAD_KINDS,
  HEAD_PATH = HEAD_KINDS /* no head of a model: bends paths, see path/interpolant.h */
} head_kind;
#define HEADS_MOST ((size_t)HEAD_KINDS - 1)

/* A network as the rest of the world sees it, flat. Its answers are in standard units:
 * value = offset + scale * output. Nowhere else are units kept. What a potential answers
 * is a score, scale * (gradient of the output by the place). */
typedef struct {
  head_kind kind;
  mlp_shape shape;                  /* inputs d + 1, place and time (growth: or d) */
  double offset, scale;             /* offset: of growth alone */
  double *weights, *first, *second; /* (mlp_parameters) each: parameters, and Adam's
                                     * moments, NULL outside of training */
} head;

typedef struct {
  size_t d, count;
  head *head; /* (count) */
} heads;

/* Place of a kind among the heads; `count` if the model has none. */
size_t heads_place(const heads *h, head_kind kind);
/* The head itself, or NULL. */
head *heads_find(const heads *h, head_kind kind);

/* Numbers in an answer of a head: what rows hold of its targets, and fields tell. */
static inline size_t head_values(const head *h, size_t d) {
  return h->kind == HEAD_GROWTH ? 1 : d;
}

/* STATUS_OK if these make a model of d features. */
int heads_check(const heads *h);

/* Numbers in the packed form of all heads. */
size_t heads_packed(const heads *h);

#endif
