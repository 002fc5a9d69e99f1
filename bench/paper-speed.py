"""Seconds that the published methods take in PyTorch: twins written anew from what their
authors published of networks, batches, losses and steps, to be timed, not to be used.

    paper-speed.py METHOD FILE ROUNDS

FILE is a CSV of cells whose first column is the time. Prints a line for each stage: its
name, seconds of an iteration (mean of ROUNDS, after one that is not counted) and the
number of iterations that was published. METHOD "probe" prints the seconds of a plain
training step, to choose a BLAS by.

One thread. Exact transport is by POT where it is there, else by scipy's assignment."""
import math
import sys
import time

import numpy as np
import torch

try:
    import ot
except ImportError:
    ot = None
from scipy.optimize import linear_sum_assignment

torch.set_num_threads(1)
torch.manual_seed(1)
rng = np.random.default_rng(1)


def network(inputs, outputs, width, hidden, activation):
    layers = []
    for _ in range(hidden):
        layers += [torch.nn.Linear(inputs, width), activation()]
        inputs = width
    return torch.nn.Sequential(*layers, torch.nn.Linear(inputs, outputs))


def at_time(x, t):
    return torch.cat([x, torch.full_like(x[:, :1], t)], 1)


def emd(a, b, x, y):
    """The exact plan between weighted clouds, as a matrix."""
    cost = torch.cdist(x.detach(), y.detach()).double().numpy() ** 2
    if ot is not None:
        return torch.from_numpy(ot.emd(a, b, cost)).float()
    rows, columns = linear_sum_assignment(cost)
    plan = torch.zeros(cost.shape)
    plan[rows, columns] = 1 / len(rows)
    return plan


def even(n):
    return np.full(n, 1 / n)


def sample(cloud, n):
    return cloud[rng.integers(0, len(cloud), n)]


def pairs(x, y, n):
    """Pairs of an exact plan between batches of n, drawn with replacement."""
    x, y = sample(x, n), sample(y, n)
    plan = emd(even(n), even(n), x, y).numpy().astype(float).ravel()
    at = rng.choice(n * n, n, p=plan / plan.sum())
    return x[at // n], y[at % n]


def timed(name, iterations, step, rounds):
    step()
    start = time.perf_counter()
    for _ in range(rounds):
        step()
    each = (time.perf_counter() - start) / rounds
    print(f"{name},{each:.6f},{iterations}", flush=True)


def descent(optimiser, loss):
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def matched(clouds, velocity, optimiser, batch, path):
    """A step of matching: pairs of every gap at once, noise 0.1."""
    def step():
        places, targets = [], []
        for k in range(len(clouds) - 1):
            x0, x1 = pairs(clouds[k], clouds[k + 1], batch)
            s = torch.rand(batch, 1)
            place, target = path(x0, x1, s, k)
            place = place + 0.1 * torch.randn_like(x0)
            places.append(torch.cat([place, s + k], 1))
            targets.append(target)
        found = velocity(torch.cat(places))
        descent(optimiser, ((found - torch.cat(targets)) ** 2).mean())
    return step


def straight(x0, x1, s, k):
    return (1 - s) * x0 + s * x1, x1 - x0


def ot_cfm(clouds, rounds):
    """3 x 64 SELU, Adam 1e-4, batches of 256, 10000 steps."""
    d = clouds[0].shape[1]
    velocity = network(d + 1, d, 64, 3, torch.nn.SELU)
    optimiser = torch.optim.Adam(velocity.parameters(), 1e-4)
    timed("matching", 10000, matched(clouds, velocity, optimiser, 256, straight), rounds)


def ot_mfm(clouds, rounds):
    """Both stages 3 x 64, batches of 128, at most 1000 epochs of 90 % of the cells; the
    metric LAND (width 0.125, floor 0.001, exponent 2) over the cells of both ends."""
    d = clouds[0].shape[1]
    bend = network(2 * d + 1, d, 64, 3, torch.nn.SELU)
    velocity = network(d + 1, d, 64, 3, torch.nn.SELU)
    batches = max(1, int(0.9 * min(map(len, clouds)) / 128))

    def curved(x0, x1, s, k):
        # The derivative by time in forward mode, as of a function of s alone.
        def phi(s):
            return bend(torch.cat([x0, x1, s + k], 1))
        value, rate = torch.autograd.functional.jvp(
            phi, s, torch.ones_like(s), create_graph=True)
        gamma = 2 * s * (1 - s)
        place = (1 - s) * x0 + s * x1 + gamma * value
        return place, x1 - x0 + 2 * (1 - 2 * s) * value + gamma * rate

    def land(x, cells):
        off = cells[None] - x[:, None]
        weight = torch.exp(-(off ** 2).sum(2) / (2 * 0.125 ** 2))
        return 1 / ((weight[:, :, None] * off ** 2).sum(1) + 0.001)

    first = torch.optim.Adam(bend.parameters(), 1e-4)

    def bending():
        loss = 0
        for k in range(len(clouds) - 1):
            x0, x1 = pairs(clouds[k], clouds[k + 1], 128)
            place, rate = curved(x0, x1, torch.rand(128, 1), k)
            place = place + 0.1 * torch.randn_like(place)
            metric = land(place, torch.cat([clouds[k], clouds[k + 1]]))
            loss = loss + (metric ** 2 * rate ** 2).sum(1).mean()
        descent(first, loss)

    second = torch.optim.AdamW(velocity.parameters(), 1e-3, weight_decay=1e-5)

    def frozen(x0, x1, s, k):
        place, rate = curved(x0, x1, s, k)
        return place.detach(), rate.detach()

    timed("interpolant", 1000 * batches, bending, rounds)
    timed("matching", 1000 * batches, matched(clouds, velocity, second, 128, frozen),
          rounds)


def deepruot(clouds, rounds):
    """As in version 2: 2 x 400 leaky ReLU, potential 3 x 128; Euler steps of 0.1; exact
    transport, local mass; 200 epochs (the fewest published) of a step for each interval,
    3001 steps of score, 200 epochs with energy. No PINN."""
    d, n = clouds[0].shape[1], len(clouds[0])
    velocity = network(d + 1, d, 400, 2, torch.nn.LeakyReLU)
    growth = network(d + 1, 1, 400, 2, torch.nn.LeakyReLU)
    potential = network(d + 1, 1, 128, 3, torch.nn.LeakyReLU)
    fields = list(velocity.parameters()) + list(growth.parameters())
    sigma, dt = 0.05, 0.1

    def slope(x, t, graph):
        x = x if x.requires_grad else x.detach().requires_grad_(True)
        value = potential(at_time(x, t))
        return value, torch.autograd.grad(value.sum(), x, create_graph=graph)[0]

    def roll(x, log_weight, k, with_energy):
        energy = 0
        for step in range(10):
            t = k + step * dt
            v, g = velocity(at_time(x, t)), growth(at_time(x, t))
            if with_energy:
                s, ds = slope(x, t, True)
                rate = (v ** 2).sum(1) / 2 + (ds ** 2).sum(1) / 2 \
                    - (sigma ** 2 / 2 + s[:, 0]) * g[:, 0] + g[:, 0] ** 2
                energy = energy + dt * (log_weight.exp() * rate).mean()
            x, log_weight = x + dt * v, log_weight + dt * g[:, 0]
        return x, log_weight, energy

    def epoch(optimiser, with_energy):
        x, log_weight = clouds[0], torch.zeros(n)
        for k in range(len(clouds) - 1):
            x, log_weight, energy = roll(x.detach(), log_weight.detach(), k, with_energy)
            goal = clouds[k + 1][torch.randperm(len(clouds[k + 1]))[:n]]
            weight = log_weight.exp()
            share = (weight / weight.sum()).detach().double().numpy()
            plan = emd(share / share.sum(), even(len(goal)), x, goal)
            near = torch.cdist(goal, x.detach()).argmin(1)
            counts = torch.bincount(near, minlength=n) / len(goal)
            wanted = counts * len(clouds[k + 1])
            loss = (plan * torch.cdist(x, goal) ** 2).sum()
            loss = loss + 0.01 * ((weight - wanted) ** 2).sum() + 0.01 * energy
            descent(optimiser, loss)

    rolled = [clouds[0]]
    with torch.no_grad():
        state = clouds[0], torch.zeros(n)
        for k in range(len(clouds) - 1):
            *state, _ = roll(*state, k, False)
            rolled.append(state[0])
    scoring = torch.optim.Adam(potential.parameters(), 1e-4)

    def score():
        loss = 0
        for k in range(len(clouds) - 1):
            x0, x1 = pairs(rolled[k], rolled[k + 1], n)
            s = torch.rand(n, 1)
            spread = sigma * torch.sqrt(s * (1 - s)) + 1e-4
            noise = torch.randn_like(x0)
            place = ((1 - s) * x0 + s * x1 + spread * noise).requires_grad_(True)
            value = potential(torch.cat([place, s + k], 1))
            found = torch.autograd.grad(value.sum(), place, create_graph=True)[0]
            loss = loss + ((2 * spread / sigma ** 2 * found + noise) ** 2).mean()
        descent(scoring, loss)

    first = torch.optim.Adam(fields, 1e-4)
    last = torch.optim.Adam(fields + list(potential.parameters()), 1e-4)
    timed("fields", 200, lambda: epoch(first, False), rounds)
    timed("score", 3001, score, rounds)
    timed("all", 200, lambda: epoch(last, True), rounds)


def tigon(clouds, rounds):
    """Velocity 4 x 16 tanh, growth 3 x 16 tanh; 100 points of each later time, back to
    the first and to the time before; exact divergence; energy along the way. 5000 steps.
    A step of Dormand and Prince for each interval, where the published code takes as many
    as its tolerance asks; gradients through the steps."""
    d = clouds[0].shape[1]
    velocity = network(d + 1, d, 16, 4, torch.nn.Tanh)
    growth = network(d + 1, 1, 16, 3, torch.nn.Tanh)
    optimiser = torch.optim.Adam(
        list(velocity.parameters()) + list(growth.parameters()), 3e-3, weight_decay=0.01)
    table = [[1 / 5], [3 / 40, 9 / 40], [44 / 45, -56 / 15, 32 / 9],
             [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
             [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
             [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84]]
    nodes = [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1]

    def rates(state, t):
        x = state[0]
        x = x if x.requires_grad else x.requires_grad_(True)
        v, g = velocity(at_time(x, t)), growth(at_time(x, t))[:, 0]
        div = 0
        for c in range(d):
            div = div + torch.autograd.grad(v[:, c].sum(), x, create_graph=True)[0][:, c]
        return v, g - div, ((v ** 2).sum(1) + g ** 2) * torch.exp(state[3]), g

    def integrate(state, start, end):
        steps = max(1, abs(end - start))
        h = (end - start) / steps
        for i in range(steps):
            stages = []
            for stage in range(6):
                at = state
                if stage > 0:
                    at = [y + h * sum(w * k[j] for w, k in zip(table[stage - 1], stages))
                          for j, y in enumerate(state)]
                stages.append(rates(at, start + (i + nodes[stage]) * h))
            state = [y + h * sum(w * k[j] for w, k in zip(table[5], stages))
                     for j, y in enumerate(state)]
        return state

    def kde(x, cells, variance=0.02):
        squares = torch.cdist(x, cells) ** 2
        return torch.exp(-squares / (2 * variance)).mean(1) \
            / (2 * math.pi * variance) ** (d / 2)

    def step():
        loss, sizes = 0, [len(c) / len(clouds[0]) for c in clouds]
        for k in range(1, len(clouds)):
            x = sample(clouds[k], 100) + math.sqrt(0.02) * torch.randn(100, d)
            target = kde(x, clouds[k]) * sizes[k]
            for end in {0, k - 1}:
                z = torch.zeros(100)
                back = integrate([x.clone(), z, z.clone(), z.clone()], k, end)
                density = kde(back[0], clouds[end]) * sizes[end]
                found = torch.log(density + 1e-16) - back[1]
                loss = loss + 1e4 * ((found.exp() - target) ** 2).mean()
        x, z = sample(clouds[0], 100), torch.zeros(100)
        end = len(clouds) - 1
        loss = loss + integrate([x.clone(), z, z.clone(), z.clone()], 0, end)[2].mean()
        descent(optimiser, loss)

    timed("densities", 5000, step, rounds)


def udsb(clouds, rounds):
    """Drifts of encoders and a decoder of width 32, SiLU; 512 particles, 100 steps, births
    and deaths by a KDE; a round has fresh paths and 5 updates over all steps. Two phases
    of 5 epochs of 10 rounds each way, as published for cells. The network of the rate of
    births is left out."""
    d, particles, steps = clouds[0].shape[1], 512, 100

    class Drift(torch.nn.Module):
        def __init__(self):
            super().__init__()
            silu = torch.nn.SiLU
            self.place = network(d, 32, 32, 2, silu)
            self.moment = network(16, 32, 32, 2, silu)
            self.decode = network(64, d, 32, 2, silu)

        def forward(self, x, t):
            angles = t * 2.0 ** torch.arange(8)
            encoded = torch.cat([angles.sin(), angles.cos()], 1)
            both = torch.cat([self.place(x), self.moment(encoded)], 1)
            return self.decode(both)

    forward, backward = Drift(), Drift()
    optimiser = torch.optim.AdamW(forward.parameters(), 1e-3)
    sigma, dt = 0.1, 1 / steps

    def simulate():
        """Backward paths with births and deaths."""
        x = sample(clouds[-1], particles)
        alive = torch.rand(particles) < 0.8
        path = [x]
        with torch.no_grad():
            for i in range(steps, 0, -1):
                t = torch.full((particles, 1), i * dt)
                x = x + sigma * backward(x, t) * dt \
                    + sigma * math.sqrt(dt) * torch.randn_like(x)
                near = torch.exp(-torch.cdist(x, x[alive]) ** 2 / 8).mean(1)
                alive = alive & (torch.rand(particles) > dt * near.clamp(0, 1))
                path.append(x)
        return torch.stack(path[::-1])

    def one_round():
        path = simulate()
        times = torch.arange(steps)[:, None, None] * dt
        times = times.expand(steps, particles, 1).reshape(-1, 1)
        start, moved = path[:-1].reshape(-1, d), (path[1:] - path[:-1]).reshape(-1, d)
        for _ in range(5):
            off = moved - sigma * forward(start, times) * dt
            descent(optimiser, (off ** 2).sum(1).mean())

    timed("round", 2 * 5 * 20, one_round, rounds)


def probe(clouds, rounds):
    step_of = network(clouds[0].shape[1], 2, 128, 3, torch.nn.LeakyReLU)
    optimiser = torch.optim.Adam(step_of.parameters(), 1e-3)
    x = clouds[0]
    timed("step", 1, lambda: descent(optimiser, (step_of(x) ** 2).mean()), 20 * rounds)


method, path, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
table = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float32)
clouds = [torch.from_numpy(table[table[:, 0] == t, 1:]) for t in np.unique(table[:, 0])]
{"ot_cfm": ot_cfm, "ot_mfm": ot_mfm, "deepruot": deepruot, "tigon": tigon, "udsb": udsb,
 "probe": probe}[method](clouds, rounds)
