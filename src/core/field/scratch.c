#include "field/scratch.h"

/* Cells in a block, at most. */
#define BLOCK ((size_t)2 * MLP_TILE)
/* Multiplications by a parameter between two polls of the caller. */
#define BREATH ((size_t)500000000)

size_t scratch_breath(const field *f) {
  size_t fit = BREATH / heads_packed(&f->heads);
  return fit < 1 ? 1 : fit;
}

size_t scratch_block(const field *f, size_t evaluations) {
  size_t fit = scratch_breath(f) / evaluations;
  return fit < 1 ? 1 : fit < BLOCK ? fit : BLOCK;
}

void scratch_layout(arena *a, scratch *l, const field *f) {
  l->f = f;
  l->input = arena_take(a, MLP_TILE * (field_dim(f) + 1), sizeof(float));
  for (size_t i = 0; i < f->heads.count; i++) {
    const mlp_shape *shape = &f->heads.head[i].shape;
    if (f->heads.head[i].kind == HEAD_POTENTIAL) {
      potential_layout(a, &l->potential, shape, MLP_TILE, 0);
      continue;
    }
    l->out[i] = arena_take(a, MLP_TILE * kernel_pad(shape->outputs), sizeof(float));
    mlp_tile_layout(a, &l->tile[i], shape, MLP_TILE);
  }
}

void scratch_take(scratch *l, const double *x, const double *t, size_t rows,
                  size_t stride) {
  size_t d = field_dim(l->f);
  for (size_t r = 0; r < rows; r++) {
    float *in = l->input + r * (d + 1);
    for (size_t i = 0; i < d; i++) in[i] = (float)x[r * stride + i];
    in[d] = (float)t[r];
  }
}

static void answer_score(double *value, scratch *l, size_t place, size_t rows,
                         size_t stride) {
  const head *h = l->f->heads.head + place;
  size_t d = field_dim(l->f), pad = kernel_pad(h->shape.inputs);
  potential_forward(&l->potential, l->input, d + 1, rows, l->f->packed[place],
                    l->f->transposed, &h->shape);
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < d; i++)
      value[r * stride + i] = h->scale * l->potential.vector[r * pad + i];
}

void scratch_answer(double *value, scratch *l, size_t place, size_t rows, size_t stride) {
  const head *h = l->f->heads.head + place;
  if (h->kind == HEAD_POTENTIAL) {
    answer_score(value, l, place, rows, stride);
    return;
  }
  size_t outputs = h->shape.outputs, pad = kernel_pad(outputs);
  float *out = l->out[place];
  mlp_forward(out, &l->tile[place], l->input, field_dim(l->f) + 1, rows,
              l->f->packed[place], &h->shape);
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < outputs; i++)
      value[r * stride + i] = h->offset + h->scale * out[r * pad + i];
}

void scratch_derivative(double *dx, const double *x, const double *t, size_t n,
                        scratch *l) {
  const heads *h = &l->f->heads;
  size_t d = h->d, dim = d + 1;
  size_t velocity = heads_place(h, HEAD_VELOCITY), growth = heads_place(h, HEAD_GROWTH);
  for (size_t r = 0; r < n; r += MLP_TILE) {
    size_t rows = n - r < MLP_TILE ? n - r : MLP_TILE;
    scratch_take(l, x + r * dim, t + r, rows, dim);
    scratch_answer(dx + r * dim, l, velocity, rows, dim);
    if (growth < h->count)
      scratch_answer(dx + r * dim + d, l, growth, rows, dim);
    else
      for (size_t i = r; i < r + rows; i++) dx[i * dim + d] = 0;
  }
}
