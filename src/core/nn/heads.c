#include "nn/heads.h"
#include "base/status.h"
#include "nn/tangent.h"
#include <math.h>

size_t heads_place(const heads *h, head_kind kind) {
  size_t place = 0;
  while (place < h->count && h->head[place].kind != kind) place++;
  return place;
}

head *heads_find(const heads *h, head_kind kind) {
  size_t place = heads_place(h, kind);
  return place < h->count ? h->head + place : NULL;
}

/* One number for all components would be no unit of a vector, hence no offset there. The
 * gradient of a network of straight pieces is constant on each, which is no score. */
static int head_fits(const head *h, size_t d) {
  const mlp_shape *s = &h->shape;
  if (mlp_check(s) || !(h->scale > 0) || !isfinite(h->scale) || !isfinite(h->offset))
    return 0;
  if (h->kind == HEAD_GROWTH)
    return s->outputs == 1 && (s->inputs == d || s->inputs == d + 1);
  if (h->kind == HEAD_POTENTIAL && !mlp_is_smooth(s)) return 0;
  return s->outputs == (h->kind == HEAD_POTENTIAL ? 1 : d) && s->inputs == d + 1 &&
         h->offset == 0;
}

int heads_check(const heads *h) {
  if (h->d == 0 || h->count == 0 || h->count > HEADS_MOST) return STATUS_BAD_ARGUMENT;
  int alone = h->count == 1 && h->head[0].kind == HEAD_POTENTIAL;
  if (h->head[0].kind != HEAD_VELOCITY && !alone) return STATUS_BAD_ARGUMENT;
  if (heads_find(h, HEAD_SCORE) && heads_find(h, HEAD_POTENTIAL))
    return STATUS_BAD_ARGUMENT;
  for (size_t i = 0; i < h->count; i++)
    if (h->head[i].kind >= HEAD_KINDS || !head_fits(h->head + i, h->d) ||
        (i > 0 && h->head[i].kind <= h->head[i - 1].kind))
      return STATUS_BAD_ARGUMENT;
  return STATUS_OK;
}

size_t heads_packed(const heads *h) {
  size_t sum = 0;
  for (size_t i = 0; i < h->count; i++) sum += mlp_packed(&h->head[i].shape);
  return sum;
}
