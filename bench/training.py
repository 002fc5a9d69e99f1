"""Microseconds of a training step in PyTorch: the networks, loss and batch of training.c,
without the drawing of the batch.

    training.py THREADS WIDTH HIDDEN FEATURES BATCH ROUNDS

prints the best round, with Adam parameter by parameter or all at once, whichever is
faster."""
import sys
import time

import torch

threads, width, hidden, features, batch, rounds = map(int, sys.argv[1:])
torch.set_num_threads(threads)
torch.manual_seed(1)


def network(outputs):
    layers, inputs = [], features + 1
    for _ in range(hidden):
        layers += [torch.nn.Linear(inputs, width), torch.nn.LeakyReLU(0.01)]
        inputs = width
    return torch.nn.Sequential(*layers, torch.nn.Linear(inputs, outputs))


x = torch.randn(batch, features + 1)
want_velocity, want_growth = torch.randn(batch, features), torch.randn(batch, 1)
weight = torch.rand(batch, 1)
best = float("inf")
for foreach in (False, True):
    velocity, growth = network(features), network(1)
    parameters = list(velocity.parameters()) + list(growth.parameters())
    optimiser = torch.optim.Adam(parameters, lr=1e-3, foreach=foreach)

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss = (weight * (velocity(x) - want_velocity) ** 2).sum() / batch
        loss = loss + (weight * (growth(x) - want_growth) ** 2).sum() / batch
        loss.backward()
        optimiser.step()

    step()
    start = time.perf_counter()
    step()
    steps = 1 + int(0.1 / (time.perf_counter() - start))
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(steps):
            step()
        best = min(best, (time.perf_counter() - start) / steps)
print(f"{1e6 * best:.1f}")
