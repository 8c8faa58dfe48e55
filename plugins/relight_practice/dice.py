"""Seeded dice, so that a drill can be had again."""

import random

Dice = random.Random


def dice(seed: int, name: str) -> Dice:
    """Return the dice of one part of the site; each part throws its own, whatever the others do."""
    return Dice(f"{seed}/{name}")  # nothing here is a secret
