"""Seconds of 1000 rounds of semi-relaxed Sinkhorn on a dense kernel in PyTorch, in double
precision, cost matrix included; and how far the row sums still are from what the
potentials say they should be, relative to their mean.

    sinkhorn.py FILE N M FEATURES EPSILON TAU

FILE has the N + M rows of doubles."""
import sys
import time

import numpy
import torch

n, m, features = map(int, sys.argv[2:5])
epsilon, tau = map(float, sys.argv[5:7])
torch.set_num_threads(2)
cells = torch.from_numpy(numpy.fromfile(sys.argv[1]).reshape(n + m, features))
x, y = cells[:n], cells[n:]
begin = time.perf_counter()
cost = (x ** 2).sum(1)[:, None] + (y ** 2).sum(1)[None] - 2 * x @ y.T
kernel = torch.exp(-(cost - cost.min()) / epsilon)
to_source = torch.ones(n, dtype=torch.float64)
to_target = torch.full((m,), 1 / m, dtype=torch.float64)
for _ in range(1000):
    to_target = 1 / (kernel.T @ to_source)
    to_source = (kernel @ to_target) ** (-tau / (tau + epsilon))
seconds = time.perf_counter() - begin
to_target = 1 / (kernel.T @ to_source)
rows = to_source * (kernel @ to_target)
residual = (rows - to_source ** (-epsilon / tau)).abs().max() / rows.mean()
print(f"{seconds:.2f} {residual.item():.3g}")
