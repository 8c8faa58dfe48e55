"""The random and the exponential, as the model's queues need them."""

import math

from relight_practice.dice import Dice

EXACT_MAX = 40.0
"""Above this mean a normal variable is as good as a Poisson one, and costs the same however large the mean is."""


def poisson(dice: Dice, mean: float) -> float:
    """Return how many of something that happens *mean* times on average happen now."""
    if mean <= 0:
        return 0.0
    if mean > EXACT_MAX:
        return max(0.0, float(round(dice.gauss(mean, math.sqrt(mean)))))
    limit, product, count = math.exp(-mean), dice.random(), 0
    while product > limit:
        product *= dice.random()
        count += 1
    return float(count)


def leaving(step_s: float, mean_s: float) -> float:
    """Return the share of those who stay *mean_s* on average that leaves within *step_s*."""
    return 1.0 - math.exp(-step_s / mean_s) if mean_s > 0 else 1.0


def erlang_b(servers: int, offered: float) -> float:
    """Return the share of arrivals that finds all *servers* busy, where *offered* of them would be busy on average."""
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = offered * blocked / (count + offered * blocked)
    return blocked if offered > 0 else 0.0
